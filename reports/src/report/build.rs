//! From outcomes to a report: runs first, then everything pooled from the runs.
//!
//! Summaries and verdicts are made from [`Run`]s and not from outcomes, so a report that was read back
//! answers like the one that was written.

use wavetank_sim_core::{
    observe::METRICS,
    outcome::{self, Kind, Metric, Outcome, Unit},
    threshold::{Percent, Threshold},
};

use super::{
    Belief, Beliefs, CounterSummary, Curve, GaugeSummary, Happened, Level, Missed, Ordered, Origin,
    Report, Run, RunMetric, SCHEMA, Scenario, Summary, TrendIntervals, TrendSummary, View,
};
use crate::{
    judge::{CLUMPED, clumped, judge},
    stats::{order, poisson, ratio},
    units,
};

/// The percentiles of a [`TrendSummary`].
pub(crate) const MED: Percent = Percent::thousandths(50_000);
pub(crate) const P90: Percent = Percent::thousandths(90_000);
pub(crate) const P95: Percent = Percent::thousandths(95_000);
pub(crate) const P99: Percent = Percent::thousandths(99_000);
pub(crate) const P999: Percent = Percent::thousandths(99_900);

/// What a report says about its scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// Name of the scenario.
    pub name: String,
    /// `blake3:` and the hash of the resolved scenario without description and seeds.
    pub hash: String,
    /// Version of the program.
    pub version: String,
    /// Description of the scenario; may be empty.
    pub description: String,
    /// Facts from the plan worth a line under the title, in order, for example (`nodes`, `64`).
    pub facts: Vec<(String, String)>,
}

impl Report {
    /// Pools outcomes (in any order) and judges thresholds (in the order in which they are to be shown).
    pub fn new(meta: Meta, outcomes: Vec<Outcome>, thresholds: &[Threshold]) -> Self {
        let mut outcomes = outcomes;
        outcomes.sort_by_key(|o| o.seed);
        let digest = combined_digest(&outcomes);
        let mut curves: Ordered<Vec<Curve>> = Ordered::default();
        let mut runs = Vec::with_capacity(outcomes.len());
        for mut outcome in outcomes {
            for curve in std::mem::take(&mut outcome.curves) {
                let entry = Curve {
                    event: curve.event,
                    seed: outcome.seed,
                    of: curve.of,
                    points: curve.points,
                };
                match curves.get_mut(curve.curve) {
                    Some(entries) => entries.push(entry),
                    None => curves.push(curve.curve, vec![entry]),
                }
            }
            runs.push(run(outcome));
        }
        curves.0.sort_by(|a, b| a.0.cmp(&b.0));
        let mut report = Self {
            schema: SCHEMA.to_owned(),
            version: meta.version,
            scenario: Scenario {
                name: meta.name,
                hash: meta.hash,
                description: meta.description,
                facts: Ordered(meta.facts),
            },
            digest,
            passed: true,
            metrics: Ordered::default(),
            thresholds: Vec::new(),
            curves,
            runs,
        };
        report.metrics = Ordered(
            METRICS
                .iter()
                .filter_map(|m| Some((m.name.to_owned(), summary(&report, m)?)))
                .collect(),
        );
        report.thresholds = thresholds.iter().map(|t| judge(&report, t)).collect();
        report.passed = report.passed();
        report
    }
}

/// BLAKE3 over the run digests, one a line, in the order of seeds.
fn combined_digest(outcomes: &[Outcome]) -> String {
    let mut hasher = blake3::Hasher::new();
    for outcome in outcomes {
        hasher.update(outcome.digest.as_bytes());
        hasher.update(b"\n");
    }
    hasher.finalize().to_hex().to_string()
}

fn run(outcome: Outcome) -> Run {
    let mut metrics = Ordered::default();
    let mut origins = Ordered::default();
    let mut levels = Ordered::default();
    let mut samples = outcome.samples;
    for metric in METRICS {
        match metric.kind {
            Kind::Trend => {
                let (these, others) = samples.into_iter().partition(|s| s.metric == metric.name);
                samples = others;
                let these: Vec<outcome::Sample> = these;
                if these.is_empty() {
                    continue;
                }
                metrics
                    .push(metric.name, RunMetric::Samples(these.iter().map(|s| s.value).collect()));
                let from = |s: outcome::Sample| Origin {
                    event: s.event,
                    subject: s.subject,
                    observer: s.observer,
                    time_ns: s.time,
                };
                origins.push(metric.name, these.into_iter().map(from).collect::<Vec<_>>());
            }
            Kind::Counter => {
                if let Some(counter) = outcome.counters.iter().find(|c| c.metric == metric.name) {
                    metrics.push(metric.name, RunMetric::Count(counter.count));
                }
            }
            Kind::Gauge => {
                let found = outcome.gauges.iter().find(|g| g.metric == metric.name && g.nodes > 0);
                if let Some(g) = found {
                    let mean = g.sum / g.nodes as f64;
                    metrics.push(metric.name, RunMetric::Level(mean));
                    levels
                        .push(metric.name, Level { nodes: g.nodes, mean, min: g.min, max: g.max });
                }
            }
        }
    }
    debug_assert!(
        samples.is_empty(),
        "a sample of a metric that is not in the catalogue: {samples:?}"
    );
    Run {
        seed: outcome.seed,
        digest: outcome.digest,
        simulated_ns: outcome.simulated,
        effects: outcome.effects,
        metrics,
        exposure_node_hours: outcome.exposure as f64 / 3.6e12,
        origins,
        levels,
        happened: outcome.happened.into_iter().map(happened).collect(),
        missed: outcome.missed.into_iter().map(missed).collect(),
        beliefs: outcome.beliefs.into_iter().map(beliefs).collect(),
    }
}

fn happened(h: outcome::Happened) -> Happened {
    Happened {
        event: h.event,
        verb: h.verb.to_owned(),
        at_ns: h.at,
        count: h.count,
        nodes: h.nodes,
    }
}

fn missed(m: outcome::Missed) -> Missed {
    Missed { event: m.event, subject: m.subject, count: m.count, nodes: m.nodes }
}

fn beliefs(b: outcome::BeliefTimeline) -> Beliefs {
    let changes =
        |c: Vec<(u64, outcome::Belief)>| c.into_iter().map(|(t, b)| (t, b.into())).collect();
    Beliefs {
        event: b.event,
        subject: b.subject,
        at_ns: b.at,
        observers: b.observers.into_iter().map(|(name, c)| (name, changes(c))).collect(),
    }
}

impl From<outcome::Belief> for Belief {
    fn from(belief: outcome::Belief) -> Self {
        match belief {
            outcome::Belief::Unknown => Self::Unknown,
            outcome::Belief::Alive => Self::Alive,
            outcome::Belief::Suspect => Self::Suspect,
            outcome::Belief::Dead => Self::Dead,
            outcome::Belief::Left => Self::Left,
        }
    }
}

/// A metric over all runs; absent when no run has it.
fn summary(report: &Report, metric: &'static Metric) -> Option<Summary> {
    if !report.runs.iter().any(|r| r.metrics.get(metric.name).is_some()) {
        return None;
    }
    let view = View::new(&report.runs, metric);
    Some(match metric.kind {
        Kind::Trend => Summary::Trend(trend(&view)),
        Kind::Counter => Summary::Counter(counter(&view)),
        Kind::Gauge => Summary::Gauge(gauge(&view)),
    })
}

fn trend(view: &View<'_>) -> TrendSummary {
    let samples = view.sorted();
    let to_ns = |bound: Option<f64>| bound.map(|b| libm::rint(b.max(0.0)) as u64);
    TrendSummary {
        unit: units::name(view.metric().unit).to_owned(),
        count: samples.count(),
        missing: samples.missing(),
        min: samples.min(),
        mean: samples.mean(),
        med: samples.percentile(MED),
        p90: samples.percentile(P90),
        p95: samples.percentile(P95),
        p99: samples.percentile(P99),
        p999: samples.percentile(P999),
        max: samples.max(),
        ci95: TrendIntervals {
            med: order::interval(samples, MED),
            mean: view.mean_interval().map(to_ns),
            p90: order::interval(samples, P90),
            p95: order::interval(samples, P95),
            p99: order::interval(samples, P99),
            p999: order::interval(samples, P999),
        },
        notes: trend_notes(view),
    }
}

fn trend_notes(view: &View<'_>) -> Vec<String> {
    let n = view.sorted().count();
    let mut notes = Vec::new();
    if view.sorted().missing() > 0 {
        // Of acks and responses the asker's time decides, not the end of the run.
        let answers = ["query.ack.time", "query.response.time"].contains(&view.metric().name);
        let missing = view.sorted().missing();
        notes.push(if answers {
            format!("{missing} of {n} late or missing; they count as infinite")
        } else {
            format!("{missing} of {n} never happened before the run ended; they count as infinite")
        });
    }
    let few: Vec<Percent> =
        [P90, P95, P99, P999].into_iter().filter(|&p| is_maximum(n, p)).collect();
    if let Some(needed) = few.first().and_then(|&p| order::needed(p)) {
        let names: Vec<String> = few.iter().map(|p| format!("p{p}")).collect();
        let (are, them) = if few.len() == 1 { ("is", "it") } else { ("are", "even the first") };
        notes.push(format!(
            "{} of {n} sample{} {are} the maximum or next to it; {needed} samples would bound {them} from above",
            names.join(", "),
            if n == 1 { "" } else { "s" },
        ));
    }
    notes
}

/// Whether fewer than one of `n` samples is expected above the percentile, so that it hangs on the maximum.
pub(crate) fn is_maximum(n: u64, p: Percent) -> bool {
    let above = u128::from(n) * u128::from(Percent::WHOLE - p.numerator());
    n > 0 && p.numerator() < Percent::WHOLE && above < u128::from(Percent::WHOLE)
}

fn counter(view: &View<'_>) -> CounterSummary {
    let (low, high) = view.rate_interval();
    // Of the machine's and the network's counters nobody expects independent events.
    let of_beliefs = ["false_positives", "suspicions", "refutations", "resurrections", "missed"]
        .iter()
        .any(|name| view.metric().name.starts_with(name));
    let notes = if of_beliefs && clumped(view) { vec![CLUMPED.to_owned()] } else { Vec::new() };
    CounterSummary {
        unit: units::name(view.metric().unit).to_owned(),
        count: view.count(),
        exposure_node_hours: view.exposure_node_hours(),
        rate_per_node_hour: view.rate(),
        rate_ci95: [low, high],
        notes,
    }
}

fn gauge(view: &View<'_>) -> GaugeSummary {
    GaugeSummary {
        unit: units::name(view.metric().unit).to_owned(),
        mean: view.mean().unwrap_or(0.0),
        min: view.min().unwrap_or(0.0),
        max: view.max().unwrap_or(0.0),
        mean_ci95: view.mean_interval(),
    }
}

/// Interval of a counter's rate per node-hour from (count, exposure) of each run.
pub(super) fn rate_interval(unit: Unit, runs: &[(u64, f64)]) -> (Option<f64>, Option<f64>) {
    let exposure: f64 = runs.iter().map(|r| r.1).sum();
    if exposure <= 0.0 {
        return (None, None);
    }
    if unit == Unit::Count {
        let (low, high) = poisson::interval(runs.iter().map(|r| r.0).sum());
        return (Some(low / exposure), Some(high / exposure));
    }
    let runs: Vec<_> = runs.iter().map(|&(c, e)| (c as f64, e)).collect();
    let [low, high] = ratio::interval(&runs);
    (low.map(|l| l.max(0.0)), high)
}
