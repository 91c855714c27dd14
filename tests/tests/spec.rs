//! Small clusters against numbers that the specification gives for the original, by its sections.

#![allow(clippy::unwrap_used, reason = "a test says so by panicking")]

mod common;

use common::small;
use wavetank_protocol::{
    Config,
    belief::{AddressId, MemberId, Status},
    rules,
    swim::Event,
    time::{MILLISECOND, SECOND},
};
use wavetank_sim_core::{
    cluster::Tank,
    plan::Plan,
    watch::{Nobody, Scene, Watch},
};

/// How long each suspicion that expired had run, with its confirmations.
#[derive(Debug, Default)]
struct Expiries(Vec<(u64, u32)>);

impl Watch for Expiries {
    fn event(&mut self, scene: Scene<'_>, event: &Event) {
        if let Event::SuspicionExpired { confirmations, since, .. } = event {
            self.0.push((scene.now - since, *confirmations));
        }
    }
}

/// What each slot believes about each member: status, or nothing.
fn statuses<W: Watch>(tank: &Tank<'_, W>, slots: u32) -> Vec<Vec<Option<Status>>> {
    let of = |slot| move |m| tank.belief(slot, MemberId(m)).map(|b| b.status);
    (0..slots).map(|slot| (0..slots).map(of(slot)).collect()).collect()
}

fn lan(nodes: u32, duration: &str, timeline: &[&str]) -> Plan {
    small(&format!("preset: memberlist-lan, nodes: {nodes}"), "latency: 1ms", duration, timeline)
}

/// Four nodes, cut in the middle: one confirmation is all there can be on a side, so timers run 11.38 s;
/// when the cut ends, nobody speaks to the other side any more.
#[test]
fn s17_a_partition_of_two_and_two_never_heals() {
    let timeline = ["at: 5s, for: 20s, partition: {groups: [[node-0, node-1], rest]}"];
    let plan = lan(4, "120s", &timeline);
    let limits = rules::suspicion_limits(&Config::lan(), 4);
    let timer = rules::suspicion_timeout(limits, 1);
    assert_eq!(timer, 11_381 * MILLISECOND);
    let mut last = 0;
    for seed in 1..=20 {
        let mut tank = Tank::new(&plan, seed, Expiries::default());
        let cut = |a: u32, b: u32| (a < 2) != (b < 2);
        let split = |tank: &Tank<'_, Expiries>| {
            let gone = |s: Option<Status>| s.is_none_or(Status::is_gone);
            let all = statuses(tank, 4);
            (0..4).all(|a| (0..4).all(|b| gone(all[a as usize][b as usize]) == cut(a, b)))
        };
        while !split(&tank) {
            let next = tank.now() + 100 * MILLISECOND;
            tank.advance(next);
            assert!(next < 25 * SECOND, "seed {seed}: {:?}", statuses(&tank, 4));
        }
        last = last.max(tank.now());
        tank.advance(120 * SECOND);
        assert!(split(&tank), "seed {seed}: {:?}", statuses(&tank, 4));
        let (_, expiries) = tank.finish();
        assert!(!expiries.0.is_empty());
        for (ran, confirmations) in expiries.0 {
            assert!(confirmations <= 1, "seed {seed}");
            assert!(ran >= timer && ran < timer + 2 * SECOND || confirmations == 0, "{ran}");
        }
    }
    // The original, once: 14.7 s after the cut.
    assert!((15 * SECOND..24 * SECOND).contains(&last), "{last}");
}

/// The same cut, but one of five can speak to both sides: through it all is well soon.
#[test]
fn s17_a_bridge_keeps_the_sides_together() {
    let cut = "at: 5s, for: 40s, partition: {groups: [[node-0, node-1], [node-2, node-3]]}";
    let plan = lan(5, "120s", &[cut]);
    for seed in 1..=5 {
        let mut tank = Tank::new(&plan, seed, Nobody);
        tank.advance(120 * SECOND);
        let all = statuses(&tank, 5);
        assert!(all.iter().flatten().all(|s| *s == Some(Status::Alive)), "seed {seed}: {all:?}");
    }
}

/// A leave takes as long as its messages: 0.30 s among three in the original; and it is for ever (S19).
#[test]
fn s10_2_a_leaver_is_gone_and_stays_gone() {
    let leave = "at: {from: 5s, to: 6s}, leave: {nodes: node-1, timeout: 5s, stop_after: 30s}";
    let join = "at: 12s, join: {nodes: node-1, via: [node-0]}";
    let plan = lan(3, "30s", &[leave, join]);
    let mut took = Vec::new();
    for seed in 1..=40 {
        let mut tank = Tank::new(&plan, seed, Nobody);
        for second in 8..=30 {
            tank.advance(second * SECOND);
            for slot in 0..3 {
                let held = tank.belief(slot, MemberId(1)).map(|b| b.status);
                assert_eq!(held, Some(Status::Left), "seed {seed}, slot {slot} at {second} s");
            }
        }
        let outcome = tank.finish().0;
        let sample = outcome.samples.iter().find(|s| s.metric == "leave.time").unwrap();
        took.push(sample.value.unwrap());
    }
    let mean = took.iter().sum::<u64>() / took.len() as u64;
    assert!((200 * MILLISECOND..400 * MILLISECOND).contains(&mean), "{mean}");
    assert!(took.iter().all(|t| *t <= 400 * MILLISECOND), "{took:?}");
}

/// A restart at a new address: conflicts, until the old record is dead and reaped (9.6).
#[test]
fn s9_6_a_new_address_waits_for_the_old_record_to_be_reaped() {
    let restart = "at: 5s, restart: {nodes: node-1, address: new, delay: 1s}";
    let plan = lan(5, "200s", &[restart]);
    let mut tank = Tank::new(&plan, 3, Nobody);
    let held = |tank: &Tank<'_, Nobody>, slot| {
        let belief = tank.belief(slot, MemberId(1))?;
        Some((belief.status, tank.roster().attributes(belief.attributes).address))
    };
    tank.advance(25 * SECOND);
    let address = tank.host(1).address;
    assert_ne!(address, AddressId(1));
    for slot in [0, 2, 3, 4] {
        assert_eq!(held(&tank, slot), Some((Status::Dead, AddressId(1))), "slot {slot}");
    }
    tank.advance(200 * SECOND);
    for slot in 0..5 {
        assert_eq!(held(&tank, slot), Some((Status::Alive, address)), "slot {slot}");
    }
    let outcome = tank.finish().0;
    let conflicts = outcome.counters.iter().find(|c| c.metric == "name_conflicts").unwrap();
    assert!(conflicts.count > 0);
}

/// News that somebody missed reaches him by state exchange or not at all (S30).
#[test]
fn s30_missed_news_waits_for_a_state_exchange() {
    for (interval, learns) in [("0s", false), ("10s", true)] {
        let cluster =
            format!("preset: memberlist-lan, nodes: 6, config: {{push_pull_interval: {interval}}}");
        let timeline = [
            "at: 5s, for: 3s, partition: {groups: [[node-5], rest]}",
            "at: 5100ms, update: {nodes: node-2, meta_bytes: 20}",
        ];
        let plan = small(&cluster, "latency: 1ms", "60s", &timeline);
        let mut tank = Tank::new(&plan, 1, Nobody);
        tank.advance(60 * SECOND);
        let holds = |slot| tank.belief(slot, MemberId(2)).map(|b| (b.status, b.incarnation));
        assert_eq!(holds(0), Some((Status::Alive, 2)));
        assert_eq!(holds(5) == holds(0), learns, "every {interval}: {:?}", holds(5));
    }
}

/// Tickers of nodes created together stay together (S1); in a cluster at rest they do not.
#[test]
fn s1_nodes_created_together_probe_together() {
    #[derive(Debug, Default)]
    struct Probes(Vec<u64>);
    impl Watch for Probes {
        const PACKETS: bool = true;
        fn event(&mut self, scene: Scene<'_>, event: &Event) {
            if matches!(event, Event::Probing { .. }) {
                self.0.push(scene.now % SECOND);
            }
        }
    }
    let phases = |start: &str, join: &str| {
        let cluster = format!("preset: memberlist-lan, nodes: 8, start: {start}");
        let probes =
            Tank::run(&small(&cluster, "latency: 1ms", "30s", &[join]), 1, Probes::default());
        let mut phases = probes.1.0;
        phases.sort_unstable();
        phases.dedup();
        phases.len()
    };
    let join = "at: 1s, join: {nodes: all, via: [node-0]}";
    assert_eq!(phases("empty", join), 1);
    assert_eq!(phases("converged", join), 8);
}

/// A process that restarts says the same about itself as before, so peers who held it at incarnation 1 take
/// it for never gone, and peers who held more make it refute (9.6).
#[test]
fn s9_6_a_restarted_process_has_the_metadata_it_had() {
    let cluster = "preset: memberlist-lan, nodes: 5, meta_bytes: 64";
    let restart = "at: 5s, restart: {nodes: node-2, delay: 50ms}";
    let update = "at: 2s, update: {nodes: node-2, meta_bytes: 70}";
    for (timeline, incarnation) in [(&[restart][..], 1), (&[update, restart], 3)] {
        let plan = small(cluster, "latency: 1ms", "15s", timeline);
        let mut tank = Tank::new(&plan, 1, Nobody);
        let attributes = |tank: &Tank<'_, Nobody>, slot| {
            let belief = tank.belief(slot, MemberId(2)).unwrap();
            (belief.status, belief.incarnation, belief.attributes)
        };
        tank.advance(4 * SECOND);
        let before = attributes(&tank, 2).2;
        tank.advance(15 * SECOND);
        for slot in 0..5 {
            let expected = (Status::Alive, incarnation, before);
            assert_eq!(attributes(&tank, slot), expected, "{timeline:?}, slot {slot}");
        }
    }
}

/// A rolling restart that leaves first is down from the stop, not from the call of leave.
#[test]
fn a_rolling_restart_is_down_after_its_leave() {
    let roll = "at: 5s, rolling-restart: {nodes: node-2, every: 9s, down: 2s, leave: true}";
    let plan = lan(8, "20s", &[roll]);
    let mut tank = Tank::new(&plan, 1, Nobody);
    let step = 10 * MILLISECOND;
    let (mut down, mut last) = (0, 0);
    for at in (0..20 * SECOND).step_by(step as usize) {
        tank.advance(at);
        if tank.node(2).is_none() {
            down += step;
            last = at;
        }
    }
    assert_eq!(down, 2 * SECOND, "until {last}");
    // The leave itself took its transmissions.
    assert!(last > 7 * SECOND + 100 * MILLISECOND, "until {last}");
}
