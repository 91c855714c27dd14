//! What one run found out: samples, counts, gauges and curves, in a fixed order.
//!
//! Nothing here depends on wall time, host, path or thread. Reports are made from these and nothing else.

use wavetank_protocol::{Span, Time};

/// Unit of a metric's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    /// Nanoseconds of simulated time.
    Nanoseconds,
    /// Bytes per second.
    BytesPerSecond,
    /// Packets per second.
    PacketsPerSecond,
    /// Bytes.
    Bytes,
    /// A plain number.
    Count,
    /// A share between 0 and 1.
    Share,
}

/// What a metric's values are and how runs pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A set of samples, some of them missing (infinite); pooled as one set.
    Trend,
    /// A number of events over an exposure in node-hours; pooled by addition.
    Counter,
    /// A level per node: mean, least and greatest; pooled by exposure.
    Gauge,
}

/// A metric by name. The catalogue is `observe::METRICS`; `docs/metrics.md` defines each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Metric {
    /// Name, as used in thresholds and reports, for example `detection.first`.
    pub name: &'static str,
    /// Kind.
    pub kind: Kind,
    /// Unit.
    pub unit: Unit,
    /// One sentence of meaning, for help texts and `# HELP` lines.
    pub help: &'static str,
}

/// One sample of a trend.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Metric name.
    pub metric: &'static str,
    /// The timeline entry it belongs to, with `#n` for its n-th occurrence after the first; or empty.
    pub event: String,
    /// The node it is about; or empty.
    pub subject: String,
    /// The node that observed it; or empty.
    pub observer: String,
    /// When it began, in simulated time.
    pub time: Time,
    /// The value in the metric's unit; absent: it never happened (infinite).
    pub value: Option<u64>,
}

/// A count of one run. Its exposure is [`Outcome::exposure`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Counter {
    /// Metric name.
    pub metric: &'static str,
    /// How many.
    pub count: u64,
}

/// A level of one run, over its nodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gauge {
    /// Metric name.
    pub metric: &'static str,
    /// How many nodes were measured.
    pub nodes: u64,
    /// Sum over the nodes of each one's level.
    pub sum: f64,
    /// The least node.
    pub min: f64,
    /// The greatest node.
    pub max: f64,
}

/// A curve over simulated time.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Which curve: `dissemination`, `detection`, `alive`, `suspect`, `dead`, `bandwidth.gossip`, ...
    pub curve: &'static str,
    /// The timeline entry it belongs to (as in [`Sample::event`]); empty for curves of the whole run.
    pub event: String,
    /// For curves of an event: how many nodes count (the curve's full height); else 0.
    pub of: u64,
    /// Points, by ascending time: for curves of an event since the event, else since the start.
    pub points: Vec<(Span, f64)>,
}

/// What an observer believed about a victim over time, for the timeline of beliefs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Belief {
    /// Not known (never heard of, or dropped).
    Unknown,
    /// Alive.
    Alive,
    /// Suspect.
    Suspect,
    /// Dead.
    Dead,
    /// Left.
    Left,
}

/// Everybody's belief about one victim: the material of the timeline of beliefs.
#[derive(Clone, Debug, PartialEq)]
pub struct BeliefTimeline {
    /// The timeline entry that made it a victim.
    pub event: String,
    /// The victim's name.
    pub subject: String,
    /// When the entry happened.
    pub at: Time,
    /// Per observer (a sample of at most 64, in slot order): its name and its changes of belief as (time
    /// since the start of the run, new belief), the first being its belief at `at`.
    pub observers: Vec<(String, Vec<(Time, Belief)>)>,
}

/// Who was not reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Missed {
    /// The timeline entry whose change did not reach them.
    pub event: String,
    /// The node that changed.
    pub subject: String,
    /// How many who count were not reached.
    pub count: u64,
    /// Their names, at most 32, in slot order.
    pub nodes: Vec<String>,
}

/// One occurrence of a timeline entry, as it happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Happened {
    /// The entry (as in [`Sample::event`]).
    pub event: String,
    /// Its verb, as in the scenario file.
    pub verb: &'static str,
    /// When.
    pub at: Time,
    /// To whom: names, at most 32, in slot order, then how many in all.
    pub nodes: Vec<String>,
    /// How many nodes in all.
    pub count: u64,
}

/// All that one run found out.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Seed of the run.
    pub seed: u64,
    /// Digest of the history, hexadecimal.
    pub digest: String,
    /// Number of effects in the digest.
    pub effects: u64,
    /// Simulated time, in nanoseconds.
    pub simulated: Span,
    /// Simulated node-nanoseconds of running nodes: the exposure of counters.
    pub exposure: u128,
    /// What happened.
    pub happened: Vec<Happened>,
    /// Samples of trends, ordered by metric (catalogue order), then time, then subject.
    pub samples: Vec<Sample>,
    /// Counters in catalogue order; all that apply, zeros too.
    pub counters: Vec<Counter>,
    /// Gauges in catalogue order.
    pub gauges: Vec<Gauge>,
    /// Curves.
    pub curves: Vec<Curve>,
    /// Timelines of beliefs, one per crash or similar victim; at most 8.
    pub beliefs: Vec<BeliefTimeline>,
    /// Who was not reached, per change.
    pub missed: Vec<Missed>,
}
