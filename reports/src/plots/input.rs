//! What the plots are made from: plain values, gathered from the outcomes of one scenario's runs.

use std::collections::BTreeMap;

use wavetank_protocol::{Span, Time};
use wavetank_sim_core::outcome::{BeliefTimeline, Outcome};

/// What an outcome does not say about its scenario and plots can show beside it. All of it is optional.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// What the old closed-form curve needs.
    pub old_formula: Option<OldFormula>,
    /// Least and greatest suspicion time, in nanoseconds.
    pub suspicion: Option<(Span, Span)>,
}

/// The formula of Serf's convergence simulator: it knows neither latency nor retransmit limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OldFormula {
    /// Number of nodes.
    pub nodes: u64,
    /// Targets of a gossip tick.
    pub fanout: u32,
    /// Gossip period, in nanoseconds; above 0.
    pub interval: Span,
    /// Share of datagrams lost.
    pub loss: f64,
    /// Share of nodes failed.
    pub failed: f64,
}

impl OldFormula {
    /// The share that knows after a time in nanoseconds.
    pub fn share(&self, after: f64) -> f64 {
        let spread = f64::from(self.fanout) * (1.0 - self.loss) * (1.0 - self.failed) / 2.0;
        let rounds = after / self.interval as f64;
        1.0 / (1.0 + (self.nodes as f64 + 1.0) * libm::exp(-spread * rounds))
    }

    /// The time in nanoseconds until it says that this share knows; infinite if never.
    pub fn time(&self, share: f64) -> f64 {
        let spread = f64::from(self.fanout) * (1.0 - self.loss) * (1.0 - self.failed) / 2.0;
        let odds = (1.0 / share - 1.0) / (self.nodes as f64 + 1.0);
        -libm::log(odds) / spread * self.interval as f64
    }
}

/// How one change spread in one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// Seed of the run.
    pub seed: u64,
    /// How many count.
    pub of: u64,
    /// Since the change, in nanoseconds: how many have it from then on.
    pub points: Vec<(Span, f64)>,
}

/// One curve of one run over simulated time.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Seed of the run.
    pub seed: u64,
    /// Since the start, in nanoseconds: the value from then on.
    pub points: Vec<(Span, f64)>,
}

/// Something that happened at the same time in every run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// When, since the start, in nanoseconds.
    pub at: Time,
    /// What: the verb.
    pub label: String,
}

/// Everything the plots show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inputs {
    /// Settings of the scenario.
    pub settings: Settings,
    /// How many runs.
    pub runs: usize,
    /// The longest run, in nanoseconds.
    pub simulated: Span,
    /// Per timeline entry that changed something: how it spread, a line per occurrence and run.
    pub dissemination: BTreeMap<String, Vec<Spread>>,
    /// Per timeline entry that killed somebody: how the news spread.
    pub detection: BTreeMap<String, Vec<Spread>>,
    /// Samples of `detection.first`, ascending; absent ones are infinite and last.
    pub detection_first: Vec<Option<Span>>,
    /// Samples of `detection.all`, likewise.
    pub detection_all: Vec<Option<Span>>,
    /// Who believed what about whom in the first run: its seed and its timelines.
    pub beliefs: (u64, Vec<BeliefTimeline>),
    /// Curves over the whole run, by name.
    pub curves: BTreeMap<String, Vec<Series>>,
    /// What happened.
    pub markers: Vec<Marker>,
}

impl Inputs {
    /// From the outcomes of a scenario's runs.
    pub fn from_outcomes(outcomes: &[Outcome], settings: Settings) -> Self {
        let mut inputs = Self {
            settings,
            runs: outcomes.len(),
            simulated: outcomes.iter().map(|o| o.simulated).max().unwrap_or(0),
            detection_first: samples(outcomes, "detection.first"),
            detection_all: samples(outcomes, "detection.all"),
            markers: markers(outcomes),
            ..Self::default()
        };
        if let Some(first) = outcomes.first() {
            inputs.beliefs = (first.seed, first.beliefs.clone());
        }
        for outcome in outcomes {
            for curve in &outcome.curves {
                let points = curve.points.clone();
                if curve.event.is_empty() {
                    let series = Series { seed: outcome.seed, points };
                    inputs.curves.entry(curve.curve.into()).or_default().push(series);
                    continue;
                }
                let map = match curve.curve {
                    "dissemination" => &mut inputs.dissemination,
                    "detection" => &mut inputs.detection,
                    _ => continue,
                };
                let entry = curve.event.split_once('#').map_or(curve.event.as_str(), |(entry, _)| entry);
                let spread = Spread { seed: outcome.seed, of: curve.of, points };
                map.entry(entry.into()).or_default().push(spread);
            }
        }
        inputs
    }

    /// The runs of a curve, or none.
    pub(super) fn curve(&self, name: &str) -> &[Series] {
        self.curves.get(name).map_or(&[], Vec::as_slice)
    }
}

fn samples(outcomes: &[Outcome], metric: &str) -> Vec<Option<Span>> {
    let all = outcomes.iter().flat_map(|o| &o.samples);
    let mut values: Vec<_> = all.filter(|s| s.metric == metric).map(|s| s.value).collect();
    values.sort_unstable_by_key(|v| v.unwrap_or(u64::MAX));
    values
}

/// What happened at the same time in all runs: random times would mark only one of them.
fn markers(outcomes: &[Outcome]) -> Vec<Marker> {
    let Some((first, rest)) = outcomes.split_first() else { return Vec::new() };
    let shared = first.happened.iter().filter(|h| {
        rest.iter().all(|o| o.happened.iter().any(|other| other.event == h.event && other.at == h.at))
    });
    shared.map(|h| Marker { at: h.at, label: h.verb.into() }).collect()
}
