//! Made-up outcomes in the shape of real ones: a crash, a partition and a metadata change in a cluster.
//! For tests of plots and pages and for looking at them; no number here means anything.

use std::collections::BTreeMap;

use wavetank_protocol::time::{MILLISECOND, SECOND};
use wavetank_sim_core::outcome::{
    Belief, BeliefTimeline, Counter, Curve, Gauge, Happened, Missed, Outcome, Sample,
};

/// Chance enough for a picture: a 64-bit xorshift with a multiplier.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.next()
    }
}

/// What to make up.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Number of nodes.
    pub nodes: u64,
    /// Number of runs.
    pub runs: u64,
    /// In every third run some node is not reached and some crash not detected.
    pub misses: bool,
}

/// Outcomes of that shape, the same ones each time.
pub fn outcomes(shape: Shape) -> Vec<Outcome> {
    (1..=shape.runs).map(|seed| outcome(shape, seed)).collect()
}

/// Curves of a user event and a query of a Serf cluster.
fn serf(heard: &[(u64, f64)], acked: Vec<(u64, f64)>, others: u64) -> [Curve; 3] {
    let of = |curve, event: &str, of, points| Curve { curve, event: event.into(), of, points };
    [
        of("event", "deploy", others + 1, heard.to_vec()),
        of("query", "load", others + 1, heard.to_vec()),
        of("query.acks", "load", others, acked),
    ]
}

fn outcome(shape: Shape, seed: u64) -> Outcome {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let others = shape.nodes - 1;
    let missing = shape.misses && seed.is_multiple_of(3);
    let crash = 10 * SECOND;
    let name = |i: u64| if i < 40 { format!("a-{i:02}") } else { format!("b-{:02}", i - 40) };

    let first = (dice.between(5.0, 9.0) * SECOND as f64) as u64;
    let suspect = first - (dice.between(4.0, 4.6) * SECOND as f64) as u64;
    let spread = |dice: &mut Dice, start: u64, missed: u64| {
        let mut times: Vec<u64> = (0..others - missed)
            .map(|i| {
                let share = (i as f64 + 1.0) / (others as f64 + 1.0);
                let jitter = dice.between(0.85, 1.15);
                let rounds =
                    libm::log(share / (1.0 - share)) / 1.1 + libm::log(others as f64) / 1.1;
                start + ((rounds.max(0.1) * jitter) * 200.0 * MILLISECOND as f64) as u64
            })
            .collect();
        times.sort_unstable();
        times
    };
    let missed = u64::from(missing) * 2;
    let learned = spread(&mut dice, first, 0);
    let changed = spread(&mut dice, 0, missed);
    let all = if missing && seed.is_multiple_of(2) { None } else { learned.last().copied() };

    let steps = |times: &[u64], from: f64| -> Vec<(u64, f64)> {
        let mut points = vec![(0, from)];
        points.extend(times.iter().enumerate().map(|(i, t)| (*t, from + i as f64 + 1.0)));
        points
    };
    let whole = |curve, points| Curve { curve, event: String::new(), of: 0, points };
    let every = |step: u64, mut value: Box<dyn FnMut(f64) -> f64>| -> Vec<(u64, f64)> {
        (0..90 * SECOND / step)
            .map(|i| (i * step, value((i * step) as f64 / SECOND as f64)))
            .collect()
    };
    let noise = Dice(seed + 77);
    let burst = |t: f64, at: f64, tall: f64, fade: f64| {
        if t < at { 0.0 } else { tall * libm::exp((at - t) / fade) }
    };
    let rate = |base: f64, tall: f64, spread: f64| {
        let mut dice = Dice(noise.0 ^ (base as u64 + 1));
        every(
            500 * MILLISECOND,
            Box::new(move |t| {
                let extra = burst(t, 16.0, tall, 1.5)
                    + burst(t, 42.0, 2.0 * tall, 3.0)
                    + burst(t, 60.0, tall, 1.0);
                (base + extra) * dice.between(1.0 - spread, 1.0 + spread)
            }),
        )
    };
    let n = shape.nodes as f64;
    let mut curves = vec![
        Curve {
            curve: "dissemination",
            event: "change".into(),
            of: others,
            points: steps(&changed, 0.0),
        },
        Curve {
            curve: "detection",
            event: "crash-1".into(),
            of: others,
            points: steps(&learned, 0.0),
        },
    ];
    let mut dead: Vec<(u64, f64)> =
        steps(&learned, 0.0).into_iter().map(|(t, v)| (t + crash, v)).collect();
    dead.insert(0, (0, 0.0));
    let alive = dead.iter().map(|(t, v)| (*t, n * n - v)).collect();
    let suspects = vec![
        (0, 0.0),
        (crash + suspect, n * 0.4),
        (crash + suspect + 300 * MILLISECOND, n),
        (crash + first, n * 0.5),
        (crash + first + SECOND, 0.0),
        (42 * SECOND, n * dice.between(2.0, 5.0)),
        (46 * SECOND, n * 0.2),
        (47 * SECOND, 0.0),
    ];
    curves.push(whole("alive", alive));
    curves.push(whole("suspect", suspects));
    curves.push(whole("dead", dead));
    curves.push(whole("bandwidth.probe", rate(130.0 * n, 20.0 * n, 0.03)));
    curves.push(whole("bandwidth.gossip", rate(3.0 * n, 900.0 * n, 0.2)));
    curves.push(whole("bandwidth.pushpull", rate(45.0 * n, 0.0, 0.6)));
    curves.push(whole("bandwidth.stream_ping", rate(0.5 * n, 30.0 * n, 0.5)));
    curves.push(whole("queue.depth", rate(0.02, 3.0, 0.3)));
    let deepest = rate(0.4, 9.0, 0.3).into_iter().map(|(t, v)| (t, v.floor())).collect();
    curves.push(whole("queue.depth.max", deepest));
    curves.push(whole("health.score", rate(0.03, 0.4, 0.3)));
    let worst = rate(0.6, 3.0, 0.4).into_iter().map(|(t, v)| (t, v.floor().min(7.0))).collect();
    curves.push(whole("health.score.max", worst));
    let heard = spread(&mut dice, 0, 0);
    let acked: Vec<u64> = heard.iter().map(|t| t + 2 * MILLISECOND).collect();
    curves.extend(serf(&steps(&heard, 1.0), steps(&acked[missed as usize..], 0.0), others));
    for (curve, base, tall) in [
        ("queue.intent", 0.3, 9.0),
        ("queue.query", 0.2, 2.0),
        ("queue.event", 0.4, 5.0),
        ("clock.member.skew", 0.4, 6.0),
        ("clock.event.skew", 0.2, 3.0),
    ] {
        let points = rate(base, tall, 0.3).into_iter().map(|(t, v)| (t, v.floor())).collect();
        curves.push(whole(curve, points));
    }
    for (curve, base) in [("coordinate.error", 0.1), ("coordinate.error.p90", 0.4)] {
        let error = move |t: f64| base + 0.6 * libm::exp(-t / 20.0);
        curves.push(whole(curve, every(SECOND, Box::new(error))));
    }

    let sample = |metric, event: &str, value| Sample {
        metric,
        event: event.into(),
        subject: "a-17".into(),
        observer: String::new(),
        time: crash,
        value,
    };
    let reached = |share: f64| changed.get((share * others as f64).ceil() as usize - 1).copied();
    let samples = vec![
        sample("detection.suspect", "crash-1", Some(suspect)),
        sample("detection.first", "crash-1", Some(first)),
        sample("detection.all", "crash-1", all),
        sample("dissemination.t50", "change", reached(0.5)),
        sample("dissemination.t99", "change", reached(0.99)),
        sample("dissemination.t100", "change", reached(1.0)),
    ];
    let observers = (0..shape.nodes.min(64))
        .filter(|i| *i != 17)
        .enumerate()
        .map(|(k, i)| {
            let dead = crash + learned[(k * 29) % learned.len()];
            let suspected = crash + suspect + (dice.next() * 0.9 * SECOND as f64) as u64;
            let mut changes =
                vec![(crash, Belief::Alive), (suspected, Belief::Suspect), (dead, Belief::Dead)];
            if k == 9 {
                changes[0].1 = Belief::Unknown;
            }
            (name(i), changes)
        })
        .collect();
    let happened = |event: &str, verb, at, node: &str, count| Happened {
        event: event.into(),
        verb,
        at,
        nodes: vec![node.into()],
        count,
    };
    let gauge = |metric, mean: f64, spread: f64| Gauge {
        metric,
        nodes: shape.nodes,
        sum: mean * n,
        min: mean * (1.0 - spread),
        max: mean * (1.0 + spread),
    };
    let counts =
        BTreeMap::from([("false_positives", u64::from(seed == 4)), ("suspicions", 60 + seed)]);
    Outcome {
        seed,
        digest: format!(
            "{:032x}",
            u128::from(seed).wrapping_mul(0x1234_5678_9ABC_DEF0_1357_9BDF_0246_8ACE)
        ),
        effects: 1_234_000 + seed,
        simulated: 90 * SECOND,
        exposure: u128::from(shape.nodes) * u128::from(90 * SECOND),
        happened: vec![
            happened("crash-1", "crash", crash, "a-17", 1),
            happened("partition-1", "partition", 40 * SECOND, "b-00", 24),
            happened("change", "update", 60 * SECOND, "a-03", 1),
        ],
        samples,
        counters: counts.into_iter().map(|(metric, count)| Counter { metric, count }).collect(),
        gauges: vec![gauge("bandwidth.node", 182.0, 0.2), gauge("bandwidth.node.gossip", 9.0, 0.5)],
        curves,
        beliefs: vec![BeliefTimeline {
            event: "crash-1".into(),
            subject: "a-17".into(),
            at: crash,
            observers,
        }],
        missed: if missing {
            vec![Missed {
                event: "change".into(),
                subject: "a-03".into(),
                count: 2,
                nodes: vec![name(5), name(44)],
            }]
        } else {
            Vec::new()
        },
    }
}
