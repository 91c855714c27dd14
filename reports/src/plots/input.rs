//! What the plots are made from: plain values, gathered from a report.

use std::collections::BTreeMap;

use wavetank_protocol::{Span, Time, rules::suspicion_limits};
use wavetank_sim_core::plan::{Loss, Plan};

use crate::report::{Beliefs, Report, RunMetric};

/// More marks than this would hide the curves.
const FLAGS: usize = 12;

/// What a report does not say about its scenario and plots can show beside it. All of it is optional.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// What the old closed-form curve needs.
    pub old_formula: Option<OldFormula>,
    /// Least and greatest suspicion time, in nanoseconds.
    pub suspicion: Option<(Span, Span)>,
}

impl Settings {
    /// From the plan: the settings of the first group and the network's own loss speak for all.
    pub fn from_plan(plan: &Plan) -> Self {
        let running = |g: &&wavetank_sim_core::plan::Group| !g.stopped;
        let Some(group) = plan.cluster.groups.iter().find(running) else { return Self::default() };
        let Some(config) = plan.cluster.configs.get(usize::from(group.config)) else {
            return Self::default();
        };
        let nodes: u32 = plan.cluster.groups.iter().filter(running).map(|g| g.nodes).sum();
        let formula = OldFormula {
            nodes: u64::from(nodes),
            fanout: config.gossip_nodes,
            interval: config.gossip_interval,
            loss: mean_loss(&plan.network.default.loss),
            failed: 0.0,
        };
        let gossips = config.gossip_interval > 0 && config.gossip_nodes > 0;
        let limits = suspicion_limits(config, nodes);
        Self {
            old_formula: gossips.then_some(formula),
            suspicion: (config.probe_interval > 0).then_some((limits.min, limits.max)),
        }
    }
}

/// The share of datagrams that a model of loss loses in the long run.
fn mean_loss(loss: &Loss) -> f64 {
    match loss {
        Loss::None => 0.0,
        Loss::Independent(probability) | Loss::Correlated { probability, .. } => {
            probability.share()
        }
        Loss::GilbertElliott { p, r, h, k } => {
            let (p, r) = (p.share(), r.share());
            let bad = if p + r > 0.0 { p / (p + r) } else { 0.0 };
            bad * (1.0 - h.share()) + (1.0 - bad) * (1.0 - k.share())
        }
        Loss::FourState { p13, p31, p32, p23, p14 } => {
            // In the long run, per datagram in state 1, so many in 4, 3 and 2; a burst without an end, or
            // a state 2 without one, is not averaged but taken as not there.
            let ratio = |to: f64, back: f64| if back > 0.0 { to / back } else { 0.0 };
            let burst = ratio(p13.share(), p31.share());
            let received = burst * ratio(p32.share(), p23.share());
            let lost = p14.share() + burst;
            lost / (1.0 + lost + received)
        }
    }
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
pub struct Spread<'a> {
    /// Seed of the run.
    pub seed: u64,
    /// How many count.
    pub of: u64,
    /// Since the change, in nanoseconds: how many have it from then on.
    pub points: &'a [(Span, f64)],
}

/// One curve of one run over simulated time.
#[derive(Clone, Debug, PartialEq)]
pub struct Series<'a> {
    /// Seed of the run.
    pub seed: u64,
    /// Since the start, in nanoseconds: the value from then on.
    pub points: &'a [(Span, f64)],
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
pub struct Inputs<'a> {
    /// Settings of the scenario.
    pub settings: Settings,
    /// How many runs.
    pub runs: usize,
    /// The longest run, in nanoseconds.
    pub simulated: Span,
    /// Per timeline entry that changed something: how it spread, a line per occurrence and run.
    pub dissemination: BTreeMap<String, Vec<Spread<'a>>>,
    /// Per timeline entry that sent user events: how they were heard.
    pub events: BTreeMap<String, Vec<Spread<'a>>>,
    /// Per timeline entry that asked: how the queries were heard.
    pub queries: BTreeMap<String, Vec<Spread<'a>>>,
    /// Per timeline entry that asked: how the acks came in.
    pub acks: BTreeMap<String, Vec<Spread<'a>>>,
    /// Per timeline entry that killed somebody: how the news spread.
    pub detection: BTreeMap<String, Vec<Spread<'a>>>,
    /// Samples of `detection.first`, ascending; absent ones are infinite and last.
    pub detection_first: Vec<Option<Span>>,
    /// Samples of `detection.all`, likewise.
    pub detection_all: Vec<Option<Span>>,
    /// Who believed what about whom in the first run: its seed and its timelines.
    pub beliefs: (u64, &'a [Beliefs]),
    /// Curves over the whole run, by name.
    pub curves: BTreeMap<String, Vec<Series<'a>>>,
    /// What happened.
    pub markers: Vec<Marker>,
}

impl<'a> Inputs<'a> {
    /// From a report and what else is known of its scenario.
    pub fn new(report: &'a Report, settings: Settings) -> Self {
        let mut inputs = Self {
            settings,
            runs: report.runs.len(),
            simulated: report.runs.iter().map(|r| r.simulated_ns).max().unwrap_or(0),
            detection_first: samples(report, "detection.first"),
            detection_all: samples(report, "detection.all"),
            beliefs: report.runs.first().map_or((0, &[][..]), |r| (r.seed, &r.beliefs[..])),
            markers: markers(report),
            ..Self::default()
        };
        for (name, curve) in
            report.curves.iter().flat_map(|(name, all)| all.iter().map(move |c| (name, c)))
        {
            let (seed, points) = (curve.seed, curve.points.as_slice());
            let map = match name {
                _ if curve.event.is_empty() => {
                    inputs.curves.entry(name.into()).or_default().push(Series { seed, points });
                    continue;
                }
                "dissemination" => &mut inputs.dissemination,
                "detection" => &mut inputs.detection,
                "event" => &mut inputs.events,
                "query" => &mut inputs.queries,
                "query.acks" => &mut inputs.acks,
                _ => continue,
            };
            let entry =
                curve.event.split_once('#').map_or(curve.event.as_str(), |(entry, _)| entry);
            map.entry(entry.into()).or_default().push(Spread { seed, of: curve.of, points });
        }
        inputs
    }

    /// The runs of a curve, or none.
    pub(super) fn curve(&self, name: &str) -> &[Series<'a>] {
        self.curves.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether a curve was anything but 0 in any run.
    pub(super) fn ever(&self, name: &str) -> bool {
        self.curve(name).iter().any(|s| s.points.iter().any(|p| p.1 != 0.0))
    }
}

fn samples(report: &Report, metric: &str) -> Vec<Option<Span>> {
    let runs = report.runs.iter().filter_map(|r| match r.metrics.get(metric) {
        Some(RunMetric::Samples(values)) => Some(values.iter().copied()),
        _ => None,
    });
    let mut values: Vec<_> = runs.flatten().collect();
    values.sort_unstable_by_key(|v| v.unwrap_or(u64::MAX));
    values
}

/// What happened at the same time in all runs: random times would mark only one of them.
fn markers(report: &Report) -> Vec<Marker> {
    let Some((first, rest)) = report.runs.split_first() else { return Vec::new() };
    let shared = first.happened.iter().filter(|h| {
        rest.iter().all(|r| {
            r.happened.iter().any(|other| other.event == h.event && other.at_ns == h.at_ns)
        })
    });
    let mut shared: Vec<_> = shared.collect();
    if shared.len() > FLAGS {
        // Repetitions carry `#n`.
        shared.retain(|h| !h.event.contains('#'));
        shared.truncate(FLAGS);
    }
    shared.into_iter().map(|h| Marker { at: h.at_ns, label: h.verb.clone() }).collect()
}

#[cfg(test)]
mod tests {
    use wavetank_protocol::rng::Probability;

    use super::*;

    #[test]
    fn the_long_run_loss_of_each_model() {
        let p = Probability::from_share;
        let gilbert = Loss::GilbertElliott { p: p(0.1), r: p(0.3), h: p(0.5), k: p(1.0) };
        let gaps =
            Loss::FourState { p13: p(0.0), p31: p(0.0), p32: p(0.0), p23: p(0.0), p14: p(0.25) };
        let bursts =
            Loss::FourState { p13: p(0.1), p31: p(0.2), p32: p(0.2), p23: p(0.4), p14: p(0.0) };
        let cases = [
            (Loss::None, 0.0),
            (Loss::Independent(p(0.02)), 0.02),
            (gilbert, 0.125),
            (gaps, 0.2),
            (bursts, 0.5 / 1.75),
        ];
        for (loss, share) in cases {
            assert!((mean_loss(&loss) - share).abs() < 1e-9, "{loss:?}");
        }
    }
}
