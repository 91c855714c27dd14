//! A run is a function of its scenario and its seed: not of repetition, threads, watchers or build
//! profile; and what touches one part of a history leaves the rest as it was.

#![allow(clippy::unwrap_used, reason = "a test says so by panicking")]

mod common;

use std::fmt::Write as _;

use common::{plan, small};
use rayon::prelude::*;
use wavetank_protocol::{message::Packet, rng::Keys, swim::Event};
use wavetank_reports::{Format, Meta, RenderOptions, Report, render};
use wavetank_scenarios::library;
use wavetank_sim_core::{
    cluster::Tank,
    net::{Drop, Fate, Net},
    outcome::Outcome,
    plan::Plan,
    watch::{Nobody, Scene, Watch},
};

/// Busy scenarios: something of everything.
fn busy() -> Vec<(&'static str, Plan)> {
    vec![
        (
            "faults",
            small(
                "preset: memberlist-lan, nodes: 20, config: {push_pull_interval: 10s}",
                "latency: {distribution: lognormal, median: 1ms, p99: 20ms}, loss: 5%",
                "60s",
                &[
                    "at: 2s, crash: {nodes: {pick: 2}}",
                    "at: 3s, every: {mean: 4s}, update: {nodes: {pick: 1, repick: true}, meta_bytes: 40}",
                    "at: 5s, for: 9s, pause: {nodes: {pick: 2}}",
                    "at: 8s, for: 9s, slow: {nodes: {pick: 2}, service: 30ms}",
                    "at: 12s, for: 6s, duplicate: {probability: 20%}",
                    "at: 13s, for: 6s, reorder: {probability: 20%}",
                    "at: 20s, for: 8s, partition: {groups: [{pick: 5}, rest]}",
                    "at: 30s, restart: {nodes: {pick: 3}, delay: 2s, address: new}",
                    "at: 35s, leave: {nodes: {pick: 1}}",
                ],
            ),
        ),
        (
            "joining",
            small(
                "preset: memberlist-local, nodes: 30, start: joining, \
                 join: {via: [node-00, node-01], every: 20ms}",
                "latency: 2ms, loss: 1%",
                "30s",
                &["at: 15s, for: 5s, clock: {nodes: {pick: 4}, drift: 1000ppm}"],
            ),
        ),
        (
            "old",
            small(
                "preset: memberlist-wan, nodes: 12, compat: \"0.2\", address_bytes: 4",
                "latency: {distribution: exponential, mean: 30ms, min: 5ms}, \
                 loss: {model: gilbert-elliott, p: 2%, r: 20%}",
                "200s",
                &["at: 20s, rolling-restart: {nodes: all, every: 10s, down: 4s}"],
            ),
        ),
        (
            "serf",
            small(
                "preset: serf-lan, nodes: 24, config: {push_pull_interval: 10s, snapshot: true}, \
                 tags: {role: web, dc: east}",
                "latency: {distribution: lognormal, median: 1ms, p99: 20ms}, loss: 3%",
                "120s",
                &[
                    "at: 2s, every: 3s, user-event: {nodes: {pick: 1, repick: true}, name: e}",
                    "at: 4s, every: 9s, query: {nodes: {pick: 1, repick: true}, name: q, relay_factor: 2}",
                    "at: 6s, set-tags: {nodes: {pick: 2}, tags: {role: db}}",
                    "at: 10s, for: 20s, partition: {groups: [{pick: 8}, rest]}",
                    "at: 45s, crash: {nodes: {pick: 2, as: gone}}",
                    "at: 58s, force-leave: {nodes: {picked: gone}}",
                    "at: 62s, leave: {nodes: {pick: 1}}",
                    "at: 70s, restart: {nodes: {pick: 2}, delay: 3s, state: snapshot}",
                    "at: 85s, for: 4s, pause: {nodes: {pick: 2}}",
                    "at: 95s, force-leave: {nodes: {pick: 1}, prune: true}",
                ],
            ),
        ),
    ]
}

fn run(plan: &Plan, seed: u64) -> Outcome {
    Tank::run(plan, seed, Nobody).0
}

/// Which parts of two outcomes differ.
fn differing(a: &Outcome, b: &Outcome) -> String {
    let mut out = Vec::new();
    let mut part = |name: &str, same: bool| {
        if !same {
            out.push(name.to_owned());
        }
    };
    part("digest", a.digest == b.digest);
    part("effects", a.effects == b.effects);
    part("exposure", a.exposure == b.exposure);
    part("happened", a.happened == b.happened);
    for (a, b) in a.samples.iter().zip(&b.samples) {
        part(&format!("{a:?} / {b:?}"), a == b);
    }
    for (a, b) in a.counters.iter().zip(&b.counters) {
        part(&format!("{a:?} / {b:?}"), a == b);
    }
    for (a, b) in a.gauges.iter().zip(&b.gauges) {
        part(&format!("{a:?} / {b:?}"), a == b);
    }
    for (a, b) in a.curves.iter().zip(&b.curves) {
        part(&format!("curve {} {}", a.curve, a.event), a == b);
    }
    part("beliefs", a.beliefs == b.beliefs);
    part("missed", a.missed == b.missed);
    out.truncate(8);
    out.join("\n")
}

fn json(outcomes: Vec<Outcome>) -> String {
    let meta = Meta {
        name: "test".to_owned(),
        hash: "blake3:0".to_owned(),
        version: "0".to_owned(),
        description: String::new(),
        facts: Vec::new(),
    };
    render(&Report::new(meta, outcomes, &[]), Format::Json, &RenderOptions::default())
}

#[test]
fn a_run_repeats_itself_on_any_number_of_threads() {
    for (name, plan) in busy() {
        let seeds: Vec<u64> = (1..=4).collect();
        let alone: Vec<Outcome> = seeds.iter().map(|seed| run(&plan, *seed)).collect();
        assert!(alone.windows(2).all(|w| w[0].digest != w[1].digest), "{name}: seeds differ");
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let again: Vec<Outcome> =
                pool.install(|| seeds.par_iter().map(|seed| run(&plan, *seed)).collect());
            for (a, b) in alone.iter().zip(&again) {
                assert_eq!(a.digest, b.digest, "{name}, seed {}, {threads} threads", a.seed);
                assert!(a == b, "{name}, seed {}, {threads} threads: {}", a.seed, differing(a, b));
            }
            assert_eq!(json(alone.clone()), json(again));
        }
    }
}

/// Where it is interrupted to look at it changes nothing, nor does a watcher.
#[test]
fn a_run_does_not_notice_that_it_is_watched() {
    for (name, plan) in busy() {
        let whole = run(&plan, 3);
        let mut tank = Tank::new(&plan, 3, Nobody);
        for part in 1..=1000 {
            tank.advance(plan.duration * part / 1000);
        }
        let parts = tank.finish().0;
        assert!(parts == whole, "{name}, in parts: {}", differing(&parts, &whole));
        let (watched, streams) = Tank::run(&plan, 3, Streams::default());
        assert!(!streams.effects.is_empty());
        assert!(watched == whole, "{name}, watched: {}", differing(&watched, &whole));
    }
}

/// What each slot did, in its own order.
#[derive(Debug, Default)]
struct Streams {
    effects: Vec<Vec<String>>,
}

impl Streams {
    fn note(&mut self, scene: Scene<'_>, what: impl std::fmt::Display) {
        let slot = scene.slot as usize;
        if self.effects.len() <= slot {
            self.effects.resize(slot + 1, Vec::new());
        }
        self.effects[slot].push(format!("{} {what}", scene.now));
    }
}

/// A packet by content: ids of interned beliefs are not history.
fn content(scene: Scene<'_>, packet: &Packet<'_>) -> String {
    let belief = |m: &wavetank_protocol::message::Message| {
        if m.kind() == wavetank_protocol::message::MessageKind::User {
            return (
                m.kind(),
                wavetank_protocol::belief::MemberId(scene.roster.user_len(m.belief().0)),
                0,
                m.from(),
            );
        }
        let belief = scene.roster.belief(m.belief());
        (m.kind(), belief.member, belief.incarnation, m.from())
    };
    let messages: Vec<_> = packet.messages.iter().map(belief).collect();
    format!("{:?} {messages:?} {}", packet.head, packet.len)
}

impl Watch for Streams {
    const PACKETS: bool = true;

    fn sent(&mut self, scene: Scene<'_>, to: u32, packet: &Packet<'_>) {
        self.note(scene, format!("sent to {to}: {}", content(scene, packet)));
    }

    fn delivered(&mut self, scene: Scene<'_>, from: u32, packet: &Packet<'_>) {
        self.note(scene, format!("from {from}: {}", content(scene, packet)));
    }

    fn lost(&mut self, scene: Scene<'_>, to: u32, why: Option<Drop>) {
        self.note(scene, format!("lost to {to}: {why:?}"));
    }

    fn event(&mut self, scene: Scene<'_>, event: &Event) {
        let what = match event {
            Event::Believed { old, new, from, via, .. } => {
                let content = |id| {
                    let b = scene.roster.belief(id);
                    let a = scene.roster.attributes(b.attributes);
                    (b.member, b.status, b.incarnation, a.address, a.meta_len)
                };
                format!("{:?} {:?} {from:?} {via:?}", old.map(content), content(*new))
            }
            Event::Reaped { member, .. } => format!("reaped {member:?}"),
            other => format!("{other:?}"),
        };
        self.note(scene, what);
    }

    fn stream(&mut self, scene: Scene<'_>, to: u32, what: &'static str, bytes: u64) {
        self.note(scene, format!("stream to {to}: {what} {bytes}"));
    }
}

fn first_difference(a: &[String], b: &[String]) -> Option<String> {
    let at = a.iter().zip(b).position(|(a, b)| a != b);
    match at {
        Some(i) => Some(format!("effect {i}: {} against {}", a[i], b[i])),
        None if a.len() != b.len() => Some(format!("{} effects against {}", a.len(), b.len())),
        None => None,
    }
}

/// Two groups that never hear of each other. Whatever is done to the second, the first is the same.
#[test]
fn a_fault_among_others_moves_nobody_else() {
    let cluster = "preset: memberlist-lan, config: {push_pull_interval: 5s}, start: joining, \
         join: {via: [a-0, b-0], every: 30ms}, groups: [{name: a, nodes: 8}, {name: b, nodes: 8}]";
    let network = "latency: {distribution: lognormal, median: 1ms, p99: 20ms}, loss: 3%";
    let apart = "at: 0s, partition: {groups: [{group: a}, {group: b}]}";
    let last = "at: 20s, update: {nodes: a-3, meta_bytes: 30}";
    let watched = |fault: Option<&str>| {
        let mut timeline = vec![apart, "at: 9s, crash: {nodes: {group: a, pick: 1}}", last];
        timeline.extend(fault);
        let plan = small(cluster, network, "40s", &timeline);
        Tank::run(&plan, 5, Streams::default()).1.effects
    };
    let without = watched(None);
    let busy: Vec<usize> = without[..8].iter().map(Vec::len).collect();
    assert!(busy.iter().filter(|n| **n > 300).count() >= 7, "the first group is busy: {busy:?}");
    for fault in [
        "at: 6s, crash: {nodes: {group: b, pick: 3}}",
        "at: 6s, for: 10s, pause: {nodes: {group: b, pick: 3}}",
        "at: 6s, for: 10s, slow: {nodes: {group: b, pick: 3}, service: 20ms}",
        "at: 6s, restart: {nodes: {group: b, pick: 3}, name: new, address: new}",
        "at: 6s, update: {nodes: {group: b}, meta_bytes: 500}",
        "at: 6s, leave: {nodes: {group: b, pick: 2}}",
        "at: 6s, for: 10s, clock: {nodes: {group: b}, drift: 100ppm}",
        "at: 6s, for: 10s, loss: {probability: 30%, between: [{group: b}, {group: b}]}",
        "at: 6s, for: 10s, delay: {latency: 30ms, jitter: 20ms, between: [{group: b}, {group: b}]}",
        "at: 6s, for: 10s, duplicate: {probability: 30%, between: [{group: b}, {group: b}]}",
        "at: 6s, for: 10s, reorder: {probability: 30%, between: [{group: b}, {group: b}]}",
        "at: 6s, for: 10s, block: {nodes: {group: b, pick: 3}, protocol: tcp}",
    ] {
        let with = watched(Some(fault));
        for slot in 0..8 {
            let difference = first_difference(&without[slot], &with[slot]);
            assert_eq!(difference, None, "{fault} changes a-{slot}");
        }
        assert!((8..16).any(|slot| without[slot] != with[slot]), "{fault} does nothing");
    }
}

/// Latency of the datagrams `nth` of a source, when they arrive at all.
fn latencies(plan: &Plan, many: u64) -> Vec<Option<u64>> {
    let mut net = Net::new(&plan.network, plan.cluster.slots(), Keys::new(9));
    let fate = |nth| match net.datagram(1_000, (nth % 4) as u32, 4, nth, 100) {
        Fate::Arrives { at, .. } => Some(at - 1_000),
        Fate::Lost(_) => None,
    };
    (0..many).map(fate).collect()
}

/// Loss, duplication and their like, switched on, draw their own dice: what still arrives takes as long as
/// it did.
#[test]
fn loss_moves_no_latency() {
    let latency = "latency: {distribution: lognormal, median: 1ms, p99: 20ms}";
    let cluster = "preset: memberlist-lan, nodes: 5";
    let without = latencies(&small(cluster, latency, "9s", &[]), 20_000);
    assert!(without.iter().all(Option::is_some));
    for (more, least, most) in [
        ("loss: 10%", 1_700, 2_300),
        ("loss: {model: gilbert-elliott, p: 2%, r: 20%}", 500, 4_000),
        ("duplicate: 20%", 0, 0),
        ("loss: 1%, corrupt: 5%", 900, 1_500),
    ] {
        let network = format!("{latency}, {more}");
        let with = latencies(&small(cluster, &network, "9s", &[]), 20_000);
        let lost = with.iter().filter(|l| l.is_none()).count();
        assert!((least..=most).contains(&lost), "{more}: {lost} lost");
        let moved = without.iter().zip(&with).filter(|(a, b)| b.is_some() && a != b).count();
        assert_eq!(moved, 0, "{more}");
    }
}

/// The digests of these histories may change only in a commit that says why behaviour changed.
const GOLDEN: &str = include_str!("golden/digests.txt");

#[test]
fn golden_digests() {
    let mut found = String::new();
    let builtin = |name: &str| plan(library::get(name).unwrap().text);
    let mut all = vec![("first-crash", builtin("first-crash")), ("zone-cut", builtin("zone-cut"))];
    all.extend(busy());
    for (name, plan) in all {
        let outcome = run(&plan, 1);
        let _ = writeln!(found, "{name} {} {}", outcome.effects, outcome.digest);
    }
    let lines = |text: &str| {
        let lines = text.lines().filter(|l| !l.starts_with('#'));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(
        lines(GOLDEN) == lines(&found),
        "histories have changed. If behaviour was meant to change, write the following into\n\
         tests/tests/golden/digests.txt and say in the commit what changed and why:\n\n{found}\n\
         There was:\n\n{GOLDEN}"
    );
}

/// The comparison above sees a difference where there is one.
#[test]
fn a_planted_difference_is_found() {
    let a: Vec<String> = ["1 x", "2 y", "3 z"].map(str::to_owned).to_vec();
    let mut b = a.clone();
    assert_eq!(first_difference(&a, &b), None);
    b[1] = "2 q".to_owned();
    assert_eq!(first_difference(&a, &b), Some("effect 1: 2 y against 2 q".to_owned()));
    assert_eq!(first_difference(&a, &a[..2]), Some("3 effects against 2".to_owned()));
}
