//! The report: what `report.json` holds, as values.
//!
//! A report is made once from the outcomes of all runs ([`Report::new`]) and can be read back: every other
//! format, plot and verdict comes from these values alone. Fields stand in the order of the file, times are
//! integers of nanoseconds of simulated time, and equal inputs give equal bytes.

mod build;
mod number;
mod ordered;
mod view;

use serde::{Deserialize, Serialize};
use wavetank_sim_core::{observe::metric, outcome::Unit};

use crate::units;

pub use build::Meta;
pub(crate) use build::{MED, is_maximum};
pub use number::Number;
pub(crate) use number::whole;
pub use ordered::Ordered;
pub use view::{Located, View};

/// The schema that this crate writes and reads.
pub const SCHEMA: &str = "wavetank.report/1";

/// Everything that is known about a scenario after its runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Version of the program that made it.
    pub version: String,
    /// What was run.
    pub scenario: Scenario,
    /// BLAKE3 over the run digests in the order of seeds, hexadecimal.
    pub digest: String,
    /// Whether every threshold passed.
    pub passed: bool,
    /// Pooled over the runs, in the order of the catalogue; metrics that no run has are left out.
    pub metrics: Ordered<Summary>,
    /// Verdicts, in the order of the scenario file.
    pub thresholds: Vec<Verdict>,
    /// Curves by name.
    pub curves: Ordered<Vec<Curve>>,
    /// The runs, by ascending seed.
    pub runs: Vec<Run>,
}

/// What was run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scenario {
    /// Name.
    pub name: String,
    /// `blake3:` and the hash of the resolved scenario without description and seeds.
    pub hash: String,
    /// Description; may be empty.
    #[serde(default)]
    pub description: String,
    /// Facts worth a line under the title, for example `nodes` → `64`.
    #[serde(default)]
    pub facts: Ordered<String>,
}

/// A metric, pooled over the runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[expect(clippy::large_enum_variant, reason = "a report has a few dozen of them")]
pub enum Summary {
    /// Samples.
    Trend(TrendSummary),
    /// Events over an exposure.
    Counter(CounterSummary),
    /// A level per node.
    Gauge(GaugeSummary),
}

/// Two bounds; an absent one is no bound at all.
pub type Interval<T> = [Option<T>; 2];

/// A trend over all samples of all runs. An absent value is infinite: it never happened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrendSummary {
    /// Unit of the values.
    pub unit: String,
    /// Number of samples, missing ones too.
    pub count: u64,
    /// How many of them never happened.
    pub missing: u64,
    /// Least.
    pub min: Option<u64>,
    /// Mean.
    pub mean: Option<u64>,
    /// Median.
    pub med: Option<u64>,
    /// 90th percentile.
    pub p90: Option<u64>,
    /// 95th percentile.
    pub p95: Option<u64>,
    /// 99th percentile.
    pub p99: Option<u64>,
    /// 99.9th percentile.
    pub p999: Option<u64>,
    /// Greatest.
    pub max: Option<u64>,
    /// 95 % intervals: of percentiles from order statistics, of the mean from the runs.
    pub ci95: TrendIntervals,
    /// What to keep in mind.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// 95 % intervals of a trend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrendIntervals {
    /// Of the median.
    pub med: Interval<u64>,
    /// Of the mean.
    pub mean: Interval<u64>,
    /// Of the 90th percentile.
    #[serde(default)]
    pub p90: Interval<u64>,
    /// Of the 95th percentile.
    #[serde(default)]
    pub p95: Interval<u64>,
    /// Of the 99th percentile.
    #[serde(default)]
    pub p99: Interval<u64>,
    /// Of the 99.9th percentile.
    #[serde(default)]
    pub p999: Interval<u64>,
}

/// A counter over all runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CounterSummary {
    /// What is counted: `count`, or `B` for bytes.
    pub unit: String,
    /// How many.
    pub count: u64,
    /// Hours that running nodes ran, summed.
    pub exposure_node_hours: f64,
    /// Their quotient.
    pub rate_per_node_hour: f64,
    /// Its 95 % interval: exact Poisson for events, from the runs for bytes.
    pub rate_ci95: Interval<f64>,
    /// What to keep in mind.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// A gauge over all runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GaugeSummary {
    /// Unit of the values.
    pub unit: String,
    /// Mean over nodes and runs, weighted by each run's exposure.
    pub mean: f64,
    /// The least node of all runs.
    pub min: f64,
    /// The greatest node of all runs.
    pub max: f64,
    /// 95 % interval of the mean, from the runs.
    #[serde(default)]
    pub mean_ci95: Interval<f64>,
}

/// A threshold, judged over all runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Metric.
    pub metric: String,
    /// Condition as written.
    pub expression: String,
    /// Whether it holds.
    pub passed: bool,
    /// What was found, in the metric's unit; absent when infinite or without any sample.
    pub actual: Option<Number>,
    /// What to keep in mind; may be empty.
    pub note: String,
    /// Whether more seeds cannot be expected to turn it.
    #[serde(default)]
    pub settled: bool,
    /// About how many more seeds would settle it, where that can be said.
    #[serde(default)]
    pub more_seeds: Option<u64>,
    /// The same condition on each run alone, for runs that have the metric.
    #[serde(default)]
    pub by_seed: Vec<SeedVerdict>,
}

impl Verdict {
    /// What was found, for a reader: `12.3 s`, `never`, `no samples`.
    pub fn found(&self) -> String {
        match self.actual {
            // A run with samples has a verdict of its own, be it infinite.
            None if self.by_seed.is_empty() => "no samples".to_owned(),
            actual => units::human_or_never(actual.map(Number::value), self.unit()),
        }
    }

    /// The unit of what was found and of what it was compared with.
    pub fn unit(&self) -> Unit {
        let metric_unit = metric(&self.metric).map_or(Unit::Count, |m| m.unit);
        let aggregate = self.expression.trim_start();
        match metric_unit {
            Unit::Nanoseconds if aggregate.starts_with("count") => Unit::Count,
            unit => unit,
        }
    }
}

/// A threshold's condition on one run alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeedVerdict {
    /// The run.
    pub seed: u64,
    /// Whether it holds there.
    pub passed: bool,
    /// What was found there.
    pub actual: Option<Number>,
}

/// One curve of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The timeline entry, or empty for the whole run.
    pub event: String,
    /// The run.
    pub seed: u64,
    /// Full height: how many nodes count; 0 for curves of the whole run.
    #[serde(default)]
    pub of: u64,
    /// Time (since the event, or since the start) and value.
    #[serde(with = "number::points")]
    pub points: Vec<(u64, f64)>,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Seed.
    pub seed: u64,
    /// Digest of its history.
    pub digest: String,
    /// Simulated time.
    pub simulated_ns: u64,
    /// Effects in the digest.
    pub effects: u64,
    /// Values by metric: a list for a trend, a number for a counter, the mean for a gauge.
    pub metrics: Ordered<RunMetric>,
    /// Hours that running nodes ran, summed: the exposure of counters.
    #[serde(default)]
    pub exposure_node_hours: f64,
    /// Where each sample of a trend comes from, in the order of its values.
    #[serde(default)]
    pub origins: Ordered<Vec<Origin>>,
    /// Gauges over the nodes of this run.
    #[serde(default)]
    pub levels: Ordered<Level>,
    /// What happened.
    #[serde(default)]
    pub happened: Vec<Happened>,
    /// Who was not reached.
    #[serde(default)]
    pub missed: Vec<Missed>,
    /// Who believed what about a victim.
    #[serde(default)]
    pub beliefs: Vec<Beliefs>,
}

/// A metric of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RunMetric {
    /// A trend's samples; absent: missing.
    Samples(Vec<Option<u64>>),
    /// A counter's count.
    Count(u64),
    /// A gauge's mean over nodes.
    Level(f64),
}

/// Where a sample comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The timeline entry.
    pub event: String,
    /// The node it is about.
    pub subject: String,
    /// The node that observed it.
    pub observer: String,
    /// When it began.
    pub time_ns: u64,
}

/// A gauge over the nodes of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// Nodes measured.
    pub nodes: u64,
    /// Their mean.
    pub mean: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

/// One occurrence of a timeline entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happened {
    /// The entry.
    pub event: String,
    /// Its verb.
    pub verb: String,
    /// When.
    pub at_ns: u64,
    /// To how many nodes.
    pub count: u64,
    /// To whom; the first 32.
    pub nodes: Vec<String>,
}

/// Who was not reached by a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// The entry that made the change.
    pub event: String,
    /// The node that changed.
    pub subject: String,
    /// How many who count were not reached.
    pub count: u64,
    /// Their names; the first 32.
    pub nodes: Vec<String>,
}

/// Everybody's belief about one victim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beliefs {
    /// The entry that made it a victim.
    pub event: String,
    /// The victim.
    pub subject: String,
    /// When.
    pub at_ns: u64,
    /// Observers and their changes of belief: (time since the start of the run, new belief).
    pub observers: Vec<(String, Vec<(u64, Belief)>)>,
}

/// What an observer believes about a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Belief {
    /// Not known.
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

/// Why a report could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not JSON, or not of this shape.
    #[error("not a report: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Another schema.
    #[error("the report has schema `{0}`; this version reads `{SCHEMA}`")]
    Schema(String),
}

impl Report {
    /// Reads `report.json`. Errors: malformed JSON, another schema.
    pub fn from_json(text: &str) -> Result<Self, ReadError> {
        #[derive(Deserialize)]
        struct Head {
            schema: String,
        }
        let head: Head = serde_json::from_str(text)?;
        if head.schema != SCHEMA {
            return Err(ReadError::Schema(head.schema));
        }
        Ok(serde_json::from_str(text)?)
    }

    /// Whether every threshold passed.
    pub fn passed(&self) -> bool {
        self.thresholds.iter().all(|t| t.passed)
    }
}
