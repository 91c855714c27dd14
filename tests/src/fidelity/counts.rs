//! Counts under loss, frozen nodes, partitions and load, against the tables of the measurements.

use std::fmt::Write as _;

use rayon::prelude::*;
use wavetank_protocol::{
    Time,
    belief::{MemberId, Status},
    swim::Event,
    time::SECOND,
};
use wavetank_scenarios::{Overrides, Source, load};
use wavetank_sim_core::{
    cluster::Tank,
    observe::Counts,
    outcome::Outcome,
    plan::Plan,
    watch::{Scene, Watch},
};

use super::{
    stats,
    table::{Row, Verdict},
    trials::{BEGIN, head},
};

/// Deaths and rejoins as an application would be told of them.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Leave callbacks about others: time, observer, subject.
    pub deaths: Vec<(Time, u32, MemberId)>,
    /// Join callbacks about those who had been gone: time, observer, subject.
    pub joins: Vec<(Time, u32, MemberId)>,
    /// When the cut began.
    pub began: Option<Time>,
}

impl Watch for Told {
    fn event(&mut self, scene: Scene<'_>, event: &Event) {
        let &Event::Believed { member, old, new, .. } = event else { return };
        let (old, new) = (
            // Somebody dead for long is not in the list any more.
            old.map_or(Status::Dead, |old| scene.roster.belief(old).status),
            scene.roster.belief(new).status,
        );
        if new.is_gone() && !old.is_gone() {
            self.deaths.push((scene.now, scene.slot, member));
        } else if old.is_gone() && new == Status::Alive {
            self.joins.push((scene.now, scene.slot, member));
        }
    }

    fn script(&mut self, now: Time, _event: &str, verb: &'static str, _slots: &[u32]) {
        if verb == "partition" {
            self.began.get_or_insert(now);
        }
    }
}

/// The plan of a scenario's text.
pub fn plan(text: &str) -> Plan {
    match load(Source::new("measured", text), &Overrides::default()) {
        Ok(scenario) => scenario.plan,
        Err(problems) => panic!("the scenario is wrong:\n{problems}\n{text}"),
    }
}

/// A run from the instant at which measuring begins.
struct Run {
    outcome: Outcome,
    told: Told,
    before: Counts,
}

fn run(plan: &Plan, seed: u64) -> Run {
    let mut tank = Tank::new(plan, seed, Told::default());
    tank.advance(BEGIN_NS);
    let before = *tank.counts();
    tank.advance(plan.duration);
    let (outcome, mut told) = tank.finish();
    told.deaths.retain(|d| d.0 >= BEGIN_NS);
    Run { outcome, told, before }
}

const BEGIN_NS: Time = BEGIN as Time * SECOND;

impl Run {
    /// A counter's count while measuring.
    fn count(&self, metric: &str) -> f64 {
        let counter = self.outcome.counters.iter().find(|c| c.metric == metric);
        let before = self.before.list().iter().find(|c| c.0 == metric).map_or(0, |c| c.1);
        counter.map_or(f64::NAN, |c| (c.count - before) as f64)
    }
}

/// How a run makes a statistic.
type Of = fn(&Run) -> f64;

/// A statistic by name, its measured value, and how runs make it.
struct Measure {
    name: &'static str,
    measured: f64,
    of: Of,
}

/// Rows of measures whose measured values are means over so many runs each.
fn ranked(case: &str, plan: &Plan, runs: u64, many: u64, measures: &[Measure]) -> Vec<Row> {
    let replicate = |n: u64| -> Vec<f64> {
        let mut sums = vec![0.0; measures.len()];
        for r in 0..runs {
            let run = run(plan, n * 100 + r + 1);
            for (sum, measure) in sums.iter_mut().zip(measures) {
                *sum += (measure.of)(&run);
            }
        }
        sums.iter().map(|s| s / runs as f64).collect()
    };
    let replicates: Vec<Vec<f64>> = (0..many).into_par_iter().map(replicate).collect();
    let row = |(i, measure): (usize, &Measure)| {
        let values: Vec<f64> = replicates.iter().map(|r| r[i]).collect();
        Row {
            case: case.to_owned(),
            statistic: measure.name.to_owned(),
            measured: measure.measured,
            mean: stats::mean(&values),
            deviation: stats::deviation(&values),
            verdict: Verdict::Rank(stats::rank(measure.measured, &values)),
        }
    };
    measures.iter().enumerate().map(row).collect()
}

/// Seconds that were observed.
const OBSERVED: u32 = 180;

fn measures_of_loss(values: [f64; 9]) -> Vec<Measure> {
    let names: [(&'static str, Of); 9] = [
        ("direct pings timed out", |r| r.count("probes.direct_timeouts")),
        ("saved only by TCP", |r| r.count("probes.saved_by_tcp")),
        ("suspicions", |r| r.count("probes.failed")),
        ("refutations", |r| r.count("refutations")),
        ("own timers expired", |r| r.count("suspicion_timeouts")),
        ("leave events", |r| r.told.deaths.len() as f64),
        ("packets per node and s", |r| r.count("packets.sent") / 64.0 / f64::from(OBSERVED)),
        ("health, mean", |r| gauge_mean(&r.outcome, "health.score")),
        ("health, max", |r| curve_max(&r.outcome, "health.score.max")),
    ];
    names
        .into_iter()
        .zip(values)
        .map(|((name, of), measured)| Measure { name, measured, of })
        .collect()
}

fn gauge_mean(outcome: &Outcome, metric: &str) -> f64 {
    let gauge = outcome.gauges.iter().find(|g| g.metric == metric);
    gauge.map_or(f64::NAN, |g| g.sum / g.nodes as f64)
}

fn curve_max(outcome: &Outcome, curve: &str) -> f64 {
    let curve = outcome.curves.iter().find(|c| c.curve == curve);
    curve.map_or(f64::NAN, |c| c.points.iter().map(|p| p.1).fold(0.0, f64::max))
}

fn under_loss(many: u64, wanted: &impl Fn(&str) -> bool) -> Vec<Row> {
    let mut rows = Vec::new();
    let cases: [(&str, u32, &str, u64, [f64; 9]); 6] = [
        ("loss0", 0, "", 1, [0., 0., 0., 0., 0., 0., 2.00, 0., 0.]),
        ("loss10", 10, "", 1, [2128., 81., 0., 0., 0., 0., 3.91, 0., 0.]),
        ("loss30", 30, "", 1, [5901., 2564., 0., 0., 0., 0., 6.17, 0., 0.]),
        ("loss10-no-tcp", 10, NO_TCP, 1, [2225., 0., 87., 86., 0., 0., 8.26, 0.03, 3.]),
        ("loss20-no-tcp", 20, NO_TCP, 8, [3975., 0., 806., 696., 25.8, 74., 18.62, 0.51, 7.]),
        ("loss20-patched", 20, PATCHED, 7, [3977., 0., 833., 722., 13.3, 13.3, 18.58, 0.53, 7.]),
    ];
    for (id, loss, config, runs, values) in cases {
        let id = format!("false-positives-{id}");
        if wanted(&id) {
            eprintln!("{id} ...");
            let (config, quirks) = match config.strip_prefix('!') {
                Some(config) => (config, "  quirks: {queue_id_reset: false}\n"),
                None => (config, ""),
            };
            let end = BEGIN + OBSERVED;
            let mut text = head(64, config) + &format!("duration: {end}s\n");
            if loss > 0 {
                let _ = write!(text, "timeline:\n  - {{at: {BEGIN}s, loss: {loss}%}}\n");
            }
            text = text.replace("  meta_bytes: 8\n", &format!("  meta_bytes: 8\n{quirks}"));
            rows.extend(ranked(&id, &plan(&text), runs, many, &measures_of_loss(values)));
        }
    }
    rows
}

const NO_TCP: &str = ", disable_tcp_pings: true";
const PATCHED: &str = "!, disable_tcp_pings: true";

/// A measured case of frozen nodes; the counts but `deaths` are means over the runs.
struct Frozen {
    /// Seconds frozen; each time followed by one second free.
    cycle: u32,
    /// How many freeze together.
    together: u32,
    /// Health scores and adaptive suspicion times are on.
    lifeguard: bool,
    /// Runs measured.
    runs: u64,
    /// Deaths of frozen nodes at healthy ones, run by run.
    deaths: &'static [f64],
    /// Probes that ended in a suspicion.
    suspicions: f64,
    /// Refutations.
    refutations: f64,
    /// Frozen nodes ever declared dead.
    ever: f64,
}

const FROZEN: &[Frozen] = &[
    Frozen {
        cycle: 8,
        together: 4,
        lifeguard: true,
        runs: 3,
        deaths: &[5., 1., 141.],
        suspicions: 394.,
        refutations: 106.,
        ever: 2.7,
    },
    Frozen {
        cycle: 8,
        together: 4,
        lifeguard: false,
        runs: 3,
        deaths: &[5., 64., 3.],
        suspicions: 425.,
        refutations: 107.,
        ever: 2.3,
    },
    Frozen {
        cycle: 16,
        together: 8,
        lifeguard: true,
        runs: 2,
        deaths: &[3582., 3584.],
        suspicions: 600.,
        refutations: 120.,
        ever: 8.0,
    },
    Frozen {
        cycle: 16,
        together: 8,
        lifeguard: false,
        runs: 2,
        deaths: &[3584., 3584.],
        suspicions: 612.,
        refutations: 117.,
        ever: 8.0,
    },
];

/// Frozen nodes are the first ones: which they are does not matter.
fn frozen(many: u64, wanted: &impl Fn(&str) -> bool) -> Vec<Row> {
    let mut rows = Vec::new();
    for case in FROZEN {
        let Frozen { cycle, together: frozen, lifeguard, runs, deaths, .. } = *case;
        let mode = if lifeguard { "lifeguard" } else { "plain" };
        let id = format!("frozen-{cycle}s-{frozen}-{mode}");
        if !wanted(&id) {
            continue;
        }
        eprintln!("{id} ...");
        let config = if lifeguard { "" } else { PLAIN };
        let who: Vec<String> = (0..frozen).map(|i| format!("node-{i:03}")).collect();
        // Whole cycles until 120 s have gone, then 15 s more.
        let cycles = 120u32.div_ceil(cycle + 1);
        let end = BEGIN + cycles * (cycle + 1) + 15;
        let mut text = head(64, config);
        let _ = write!(
            text,
            "duration: {end}s\ntimeline:\n  - {{at: {BEGIN}s, for: {cycle}s, every: {}s, \
             times: {cycles}, pause: {{nodes: [{}]}}}}\n",
            cycle + 1,
            who.join(", ")
        );
        let plan = plan(&text);
        let of_frozen: fn(&Run) -> f64 =
            if frozen == 4 { |r| deaths_of(&r.told, 4) } else { |r| deaths_of(&r.told, 8) };
        let distinct: fn(&Run) -> f64 =
            if frozen == 4 { |r| distinct_of(&r.told, 4) } else { |r| distinct_of(&r.told, 8) };
        let healthy: Of = if frozen == 4 {
            |r| r.told.deaths.iter().filter(|d| d.1 >= 4 && d.2.0 >= 4).count() as f64
        } else {
            |r| r.told.deaths.iter().filter(|d| d.1 >= 8 && d.2.0 >= 8).count() as f64
        };
        let measures = [
            Measure {
                name: "suspicions",
                measured: case.suspicions,
                of: |r| r.count("probes.failed"),
            },
            Measure {
                name: "refutations",
                measured: case.refutations,
                of: |r| r.count("refutations"),
            },
            Measure { name: "frozen ever declared dead", measured: case.ever, of: distinct },
        ];
        rows.extend(ranked(&id, &plan, runs, many, &measures));
        // Single runs: heavy tails do not average.
        let mut singles: Vec<f64> = deaths.to_vec();
        singles.sort_by(f64::total_cmp);
        let middle = singles[singles.len() / 2];
        let measures = [
            Measure {
                name: "deaths of frozen at healthy, one run",
                measured: middle,
                of: of_frozen,
            },
            Measure { name: "deaths of healthy at healthy, one run", measured: 0.0, of: healthy },
        ];
        rows.extend(ranked(&id, &plan, 1, many, &measures));
    }
    rows
}

/// Lifeguard off: no awareness, a fixed suspicion time.
const PLAIN: &str = ", awareness_max_multiplier: 1, suspicion_max_timeout_mult: 1";

fn deaths_of(told: &Told, frozen: u32) -> f64 {
    told.deaths.iter().filter(|d| d.1 >= frozen && d.2.0 < frozen).count() as f64
}

fn distinct_of(told: &Told, frozen: u32) -> f64 {
    let dead = |m: u32| told.deaths.iter().any(|d| d.2.0 == m && d.1 >= frozen);
    (0..frozen).filter(|&m| dead(m)).count() as f64
}

/// What came of a partition, in seconds after the cut or its heal.
#[derive(Clone, Debug)]
pub struct Cut {
    /// First death across.
    pub first: f64,
    /// When all across were dead, on either side.
    pub all: [f64; 2],
    /// Deaths on the own side.
    pub own_side: f64,
    /// Pairs across that were declared dead.
    pub pairs: f64,
    /// First join across after the heal.
    pub joined: Option<f64>,
    /// When every view was whole after it.
    pub whole: Option<f64>,
}

/// Runs a partition into the first 16 and the other nodes that heals after `until` seconds.
pub fn cut(plan: &Plan, seed: u64, until: f64) -> Cut {
    let Run { outcome, told, .. } = run(plan, seed);
    let begins = told.began.map_or(f64::NAN, |at| at as f64 / 1e9);
    let seconds = |at: Time| at as f64 / 1e9 - begins;
    let side = |slot: u32| slot < 16;
    let across = |d: &&(Time, u32, MemberId)| side(d.1) != side(d.2.0);
    let joined = told.joins.iter().filter(across).map(|j| seconds(j.0) - until).find(|s| *s >= 0.0);
    let during: Vec<_> =
        told.deaths.iter().filter(across).filter(|d| seconds(d.0) <= until).collect();
    let first = during.first().map_or(f64::NAN, |d| seconds(d.0));
    let last =
        |mine: bool| during.iter().rfind(|d| side(d.1) == mine).map_or(f64::NAN, |d| seconds(d.0));
    let heal = outcome.samples.iter().find(|s| s.metric == "heal");
    Cut {
        first,
        all: [last(true), last(false)],
        own_side: told.deaths.iter().filter(|d| side(d.1) == side(d.2.0)).count() as f64,
        pairs: during.len() as f64,
        joined,
        whole: heal.and_then(|s| s.value).map(|v| v as f64 / 1e9),
    }
}

fn partitions(many: u64, wanted: &impl Fn(&str) -> bool) -> Vec<Row> {
    let mut rows = Vec::new();
    let scenario = |lasts: u32, after: u32| {
        let side: Vec<String> = (0..16).map(|i| format!("node-{i:03}")).collect();
        let text = head(32, "");
        plan(&format!(
            "{text}duration: {}s\ntimeline:\n  - {{at: {BEGIN}s, for: {lasts}s, partition: {{groups: [[{}], rest]}}}}\n",
            BEGIN + lasts + after,
            side.join(", ")
        ))
    };
    let within = |case: &str, name: &str, lo: f64, hi: f64, values: &[f64]| {
        // A measured range of k draws lies around most of the simulated ones.
        let sorted = stats::sorted(values.iter().map(|v| Some(*v)));
        let (low, high) = (stats::quantile(&sorted, 0.005), stats::quantile(&sorted, 0.995));
        Row {
            case: case.to_owned(),
            statistic: format!("{name}, {lo} to {hi}"),
            measured: f64::midpoint(lo, hi),
            mean: stats::mean(values),
            deviation: stats::deviation(values),
            verdict: Verdict::Same(low <= lo && hi <= high),
        }
    };
    if wanted("partition-60s") {
        eprintln!("partition-60s ...");
        let plan = scenario(60, 120);
        let cuts: Vec<Cut> = (0..many).into_par_iter().map(|s| cut(&plan, s + 1, 60.0)).collect();
        let of = |f: fn(&Cut) -> f64| cuts.iter().map(f).collect::<Vec<_>>();
        let id = "partition-60s";
        rows.push(within(id, "first death across, s", 7.06, 7.24, &of(|c| c.first)));
        let sides: Vec<f64> = cuts.iter().flat_map(|c| c.all).collect();
        rows.push(within(id, "all across dead on a side, s", 17.4, 30.8, &sides));
        let merged = cuts.iter().filter(|c| c.whole.is_some()).count() as f64;
        let own: f64 = cuts.iter().map(|c| c.own_side).sum();
        rows.push(same(id, "merged again, share", 0.0, merged / many as f64));
        rows.push(same(id, "deaths on the own side", 0.0, own / many as f64));
    }
    if wanted("partition-15s") {
        eprintln!("partition-15s ...");
        let plan = scenario(15, 60);
        let cuts: Vec<Cut> = (0..many).into_par_iter().map(|s| cut(&plan, s + 1, 15.0)).collect();
        let of = |f: fn(&Cut) -> f64| cuts.iter().map(f).collect::<Vec<_>>();
        let id = "partition-15s";
        rows.push(within(id, "pairs declared dead", 336.0, 433.0, &of(|c| c.pairs)));
        rows.push(within(id, "deaths on the own side", 37.0, 104.0, &of(|c| c.own_side)));
        let whole: Vec<f64> = cuts.iter().filter_map(|c| c.whole).collect();
        rows.push(within(id, "whole after the heal, s", 12.0, 23.0, &whole));
        rows.push(same(id, "merged again, share", 1.0, whole.len() as f64 / many as f64));
    }
    rows
}

/// A row of an outcome that must be the same.
pub fn same(case: &str, name: &str, measured: f64, simulated: f64) -> Row {
    Row {
        case: case.to_owned(),
        statistic: name.to_owned(),
        measured,
        mean: simulated,
        deviation: 0.0,
        verdict: Verdict::Same((measured - simulated).abs() <= 0.02),
    }
}

fn load_rows(wanted: &impl Fn(&str) -> bool) -> Vec<Row> {
    let mut rows = Vec::new();
    for (compression, stream, join_packets, join_bytes) in [
        (false, 164.8, (251.0, 326.0), (46_812.0, 53_631.0)),
        (true, 46.2, (259.0, 334.0), (32_276.0, 37_627.0)),
    ] {
        let id = format!("load-n32-compression-{}", if compression { "on" } else { "off" });
        if !wanted(&id) {
            continue;
        }
        eprintln!("{id} ...");
        let switch = move |text: String| {
            let on = format!("enable_compression: {compression}");
            text.replace("enable_compression: false", &on)
        };
        let end = BEGIN + OBSERVED;
        let steady = plan(&switch(head(32, "") + &format!("duration: {end}s\n")));
        let runs: Vec<Run> = (0..40).into_par_iter().map(|s| run(&steady, s + 1)).collect();
        let per = |metric: &str| {
            let sum: f64 = runs.iter().map(|r| r.count(metric)).sum();
            sum / (runs.len() as f64 * 32.0 * f64::from(OBSERVED))
        };
        let relative = |name: &str, measured: f64, simulated: f64, most: f64| Row {
            case: id.clone(),
            statistic: name.to_owned(),
            measured,
            mean: simulated,
            deviation: 0.0,
            verdict: Verdict::Relative(simulated / measured - 1.0, most),
        };
        rows.push(relative("packets per node and s", 2.0, per("packets.sent"), 0.01));
        rows.push(relative("datagram B per node and s", 103.4, per("bytes.sent"), 0.03));
        rows.push(relative("stream B per node and s", stream, per("stream.bytes.sent"), 0.03));
        rows.extend(joins(&id, &switch, join_packets, join_bytes));
    }
    rows
}

/// What one join adds to the load. The measured range spans joins at growing sizes and windows of unknown
/// length, so the rows show the first newcomer of a cluster of 32 and the tenth, and are not judged.
fn joins(
    id: &str,
    switch: &impl Fn(String) -> String,
    packets: (f64, f64),
    bytes: (f64, f64),
) -> Vec<Row> {
    let window = 6.0;
    let extra = |nodes: u32, metric: &str| -> f64 {
        let groups = format!(
            "  groups:\n    - {{name: node, nodes: {nodes}}}\n    - {{name: late, nodes: 2, start: stopped}}\n"
        );
        let base = switch(head(nodes, ""))
            .replace(&format!("  nodes: {nodes}\n"), &groups)
            .replace("start: joining", "start: converged");
        let base = base.replace("  join: {via: [node-000], every: 93ms}\n", "");
        let base: String = base
            .lines()
            .filter(|l| !l.contains("join: {via"))
            .fold(String::new(), |text, line| text + line + "\n");
        let end = f64::from(BEGIN) + window;
        let quiet = plan(&format!("{base}duration: {end}s\n"));
        let joined = plan(&format!(
            "{base}duration: {end}s\ntimeline:\n  - {{at: {BEGIN}s, join: {{nodes: late-00, via: [node-003]}}}}\n"
        ));
        let each = |s: u64| run(&joined, s).count(metric) - run(&quiet, s).count(metric);
        let values: Vec<f64> = (1..101u64).into_par_iter().map(each).collect();
        stats::mean(&values)
    };
    [("packets", "packets.sent", packets), ("datagram B", "bytes.sent", bytes)]
        .into_iter()
        .flat_map(|(name, metric, (lo, hi))| {
            [("first", 32, lo), ("tenth", 41, hi)].map(|(which, nodes, measured)| {
                let simulated = extra(nodes, metric);
                Row {
                    case: id.to_owned(),
                    statistic: format!("{name} added by the {which} join"),
                    measured,
                    mean: simulated,
                    deviation: 0.0,
                    verdict: Verdict::Told,
                }
            })
        })
        .collect()
}

/// All rows of this kind.
pub fn rows(many: u64, wanted: impl Fn(&str) -> bool) -> Vec<Row> {
    let mut rows = under_loss(many, &wanted);
    rows.extend(frozen(many, &wanted));
    rows.extend(partitions(many, &wanted));
    rows.extend(load_rows(&wanted));
    rows
}
