//! Surprises of Serf's specification (section 14) that take a whole cluster, and random scenarios with Serf.
//!
//! The others are in the protocol crate: `protocol/tests/serf` has a table.

#![allow(clippy::unwrap_used, reason = "a test says so by panicking")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{small, text};
use proptest::prelude::*;
use wavetank_protocol::{
    belief::{self as swim_belief, MemberId},
    serf::{
        Event, Status,
        event::{Delivery, MemberEvent, QueueName},
        ledger::{Ledger, TextId},
    },
    swim,
    time::SECOND,
};
use wavetank_sim_core::{
    cluster::Tank,
    watch::{Scene, Watch},
};

/// All that Serf nodes tell.
#[derive(Debug, Default)]
struct Told(Vec<Event>);

impl Watch for Told {
    fn serf(&mut self, _scene: Scene<'_>, _ledger: &Ledger, event: &Event) {
        self.0.push(*event);
    }
}

impl Told {
    fn count(&self, what: impl Fn(&Event) -> bool) -> usize {
        self.0.iter().filter(|event| what(event)).count()
    }
}

/// What a node of slot 0 accuses others of by itself.
#[derive(Debug, Default)]
struct Accused {
    probes: usize,
    suspects: usize,
}

impl Watch for Accused {
    const PACKETS: bool = true;

    fn event(&mut self, scene: Scene<'_>, event: &swim::Event) {
        let own = |new| scene.roster.belief(new).status == swim_belief::Status::Suspect;
        match *event {
            swim::Event::Probed { .. } if scene.slot == 0 => self.probes += 1,
            swim::Event::Believed { new, via: swim::Via::Own, .. }
                if scene.slot == 0 && own(new) =>
            {
                self.suspects += 1;
            }
            _ => {}
        }
    }
}

/// A node whose host refuses to send: memberlist 0.2.2 ends each of its probes without a word, so that it
/// accuses nobody; the newest release takes it for silence and suspects the others.
#[test]
fn surprise_27_a_cut_off_node_keeps_its_peers_alive() {
    for (compat, accuses) in [("\"0.2\"", false), ("head", true)] {
        // Streams get through, and would save the others.
        let config = "config: {disable_tcp_pings: true}";
        let cluster = format!("preset: serf-lan, nodes: 8, compat: {compat}, {config}");
        let down = "at: 5s, for: 20s, block: {nodes: node-0, protocol: udp, refused: true}";
        let plan = small(&cluster, "latency: 1ms", "25s", &[down]);
        let (_, accused) = Tank::run(&plan, 1, Accused::default());
        assert!(accused.probes > 6, "{compat}: {accused:?}");
        assert_eq!(accused.suspects > 0, accuses, "{compat}: {accused:?}");
    }
}

/// Tags are encoded in whatever order a map gives: set as they were, they may be other bytes, and other bytes
/// are an update everywhere. With one tag, or with an order, there is none.
#[test]
fn surprise_26_the_same_tags_may_be_other_bytes() {
    let updates = |tags: &str, order: bool, seed| {
        let cluster =
            format!("preset: serf-lan, nodes: 6, tags: {{{tags}}}, quirks: {{tag_order: {order}}}");
        let again = "at: 5s, set-tags: {nodes: node-2, tags: {role: web}}";
        let plan = small(&cluster, "latency: 1ms", "15s", &[again]);
        let (_, told) = Tank::run(&plan, seed, Told::default());
        told.count(|e| matches!(e, Event::Member { kind: MemberEvent::Update, .. }))
    };
    let seeds = 1..=12;
    let many = "role: web, dc: east, version: \"2\"";
    let with = |tags, order| seeds.clone().map(|s| updates(tags, order, s)).collect::<Vec<_>>();
    assert_eq!(with("role: web", true), [0; 12]);
    assert_eq!(with(many, false), [0; 12]);
    let spurious = with(many, true);
    assert!(spurious.iter().all(|n| [0, 6].contains(n)), "{spurious:?}");
    assert!(spurious.contains(&0) && spurious.contains(&6), "{spurious:?}");
}

/// So they are after a restart: the agent learns that others hold it with other bytes and refutes with its own.
#[test]
fn surprise_26_a_restart_may_change_the_bytes_of_the_tags() {
    let updates = |order: bool, seed| {
        let tags = "role: web, dc: east, version: \"2\"";
        let cluster =
            format!("preset: serf-lan, nodes: 6, tags: {{{tags}}}, quirks: {{tag_order: {order}}}");
        let restart = "at: 5s, restart: {nodes: node-2, delay: 50ms}";
        let plan = small(&cluster, "latency: 1ms", "15s", &[restart]);
        let (_, told) = Tank::run(&plan, seed, Told::default());
        told.count(|e| matches!(e, Event::Member { kind: MemberEvent::Update, .. }))
    };
    let with = |order| (1..=12).map(|seed| updates(order, seed)).collect::<Vec<_>>();
    assert_eq!(with(false), [0; 12]);
    let spurious = with(true);
    assert!(spurious.contains(&0) && spurious.iter().any(|n| *n >= 5), "{spurious:?}");
}

/// Two of one name: with nobody else both quit; one witness saves the first.
#[test]
fn surprise_23_two_of_one_name() {
    for (nodes, first_stays) in [(1, false), (2, true), (5, true)] {
        let cluster = format!(
            "preset: serf-lan, groups: [{{name: a, nodes: {nodes}}}, \
             {{name: c, nodes: 1, start: stopped}}]"
        );
        let join = "at: 5s, join: {nodes: {group: c}, name_of: a-0, via: [a-0]}";
        let plan = small(&cluster, "latency: 1ms", "60s", &[join]);
        for seed in 1..=3 {
            let mut tank = Tank::new(&plan, seed, Told::default());
            tank.advance(60 * SECOND);
            let runs = |slot| tank.serf(slot).is_some();
            assert!(!runs(nodes), "{nodes} nodes, seed {seed}: the newcomer has no majority");
            assert_eq!(runs(0), first_stays, "{nodes} nodes, seed {seed}");
        }
    }
}

/// Below ten agents of the local profile each sends an event twice: some are missed, and heard by push/pull.
#[test]
fn surprise_21_small_local_clusters_miss_events() {
    let fire = "at: 5s, every: 1s, times: 200, user-event: {nodes: {pick: 1, repick: true}, \
                name: log, coalesce: false}";
    let missed = |preset: &str| {
        let cluster = format!("preset: {preset}, nodes: 8, config: {{push_pull_interval: 0s}}");
        let plan = small(&cluster, "latency: 1ms", "215s", &[fire]);
        let (_, told) = Tank::run(&plan, 1, Told::default());
        200 * 8 - told.count(|e| matches!(e, Event::User { .. }))
    };
    let [local, lan] = ["serf-local", "serf-lan"].map(missed);
    // Two copies of each who heard it: a share x = 1 - exp(-2 x) hears it, and 0.2 do not. (The
    // specification's exp(-2) = 0.14 takes it that all others send theirs.)
    assert!((220..=420).contains(&local), "{local} of 1600");
    assert!(lan < local / 4, "{lan} and {local} of 1600");
}

/// What must hold of every life of every Serf node.
#[derive(Debug, Default)]
struct Lives {
    heard: BTreeSet<(u32, u64, TextId)>,
    handled: BTreeSet<(u32, u64, TextId)>,
    queries: BTreeSet<(u32, u64, u32)>,
    statuses: BTreeMap<(u32, MemberId), Status>,
    wrong: Vec<String>,
    events: u32,
}

impl Watch for Lives {
    // Starts and stops are told to those who watch packets.
    const PACKETS: bool = true;

    fn process(&mut self, scene: Scene<'_>, _name: MemberId, _what: &'static str) {
        let slot = scene.slot;
        self.heard.retain(|h| h.0 != slot);
        self.handled.retain(|h| h.0 != slot);
        self.queries.retain(|h| h.0 != slot);
        self.statuses.retain(|key, _| key.0 != slot);
    }

    fn serf(&mut self, scene: Scene<'_>, _ledger: &Ledger, event: &Event) {
        let slot = scene.slot;
        self.events += 1;
        let twice = match *event {
            Event::User { ltime, text, .. } => !self.heard.insert((slot, ltime, text)),
            Event::Delivered(Delivery::User(ltime, text)) => {
                !self.handled.insert((slot, ltime, text))
            }
            Event::Query { ltime, id, .. } => !self.queries.insert((slot, ltime, id)),
            Event::Status { member, old, new } => {
                let was = self.statuses.insert((slot, member), new);
                was.is_some_and(|was| was != old)
            }
            _ => false,
        };
        if twice {
            self.wrong.push(format!("{} s, slot {slot}: {event:?}", scene.now / SECOND));
        }
    }
}

/// One entry of a random timeline.
fn entry() -> impl Strategy<Value = String> {
    (1u32..50, 1u32..20, 0u32..8, 0u8..15, any::<bool>())
    .prop_map(|(at, lasts, n, kind, flip)| match kind {
        0 | 1 => format!("at: {at}s, every: 300ms, times: {lasts}, user-event: {{nodes: node-{n}, name: log, coalesce: {flip}}}"),
        2 => format!(
            "at: {at}s, query: {{nodes: node-{n}, name: load, relay_factor: {}, \
             answer: {{payload: x, after: {{from: 1ms, to: 5s}}}}}}",
            lasts % 4
        ),
        3 => format!("at: {at}s, set-tags: {{nodes: node-{n}, tags: {{role: r{lasts}, dc: east}}}}"),
        4 => format!("at: {at}s, force-leave: {{nodes: node-{n}, prune: {flip}}}"),
        5 | 6 => format!("at: {at}s, crash: {{nodes: node-{n}}}"),
        7 => format!("at: {at}s, restart: {{nodes: node-{n}, delay: {lasts}s, state: {}}}", if flip { "snapshot" } else { "lost" }),
        8 => format!("at: {at}s, leave: {{nodes: node-{n}, stop_after: {lasts}s}}"),
        9 => format!("at: {at}s, for: {lasts}s, partition: {{groups: [[node-0, node-{}], rest]}}", n.max(1)),
        10 => format!("at: {at}s, for: {lasts}s, loss: {{probability: {}%}}", lasts * 5),
        11 => format!("at: {at}s, for: {lasts}s, pause: {{nodes: node-{n}}}"),
        12 => format!("at: {at}s, for: {lasts}s, slow: {{nodes: node-{n}, service: {lasts}ms}}"),
        13 => format!("at: {at}s, for: {lasts}s, duplicate: {{probability: 50%}}"),
        _ => format!("at: {at}s, join: {{nodes: node-{n}}}"),
    })
}

/// `PROPTEST_CASES`, or so many.
fn cases(usual: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = if default.cases == 256 { usual } else { default.cases };
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 400, ..default }
}

proptest! {
    #![proptest_config(cases(60))]

    /// Whatever is done to agents: their clocks do not go back, nothing is handled twice in one life, what
    /// they say of statuses fits together, and the lists of the failed and the left are those of the statuses.
    #[test]
    fn no_scenario_makes_an_agent_contradict_itself(
        entries in prop::collection::vec(entry(), 1..14),
        (freeze, id_reset, slow, old) in any::<(bool, bool, bool, bool)>(),
        seed in 0u64..1000,
    ) {
        let compat = if old { "\"0.2\"" } else { "head" };
        let handler = if slow { "50ms" } else { "0s" };
        let cluster = format!(
            "preset: serf-lan, nodes: 8, compat: {compat}, quirks: {{prune_freeze: {freeze}, \
             queue_id_reset: {id_reset}}}, config: {{snapshot: true, handler_time: {handler}, \
             reconnect_timeout: 30s, tombstone_timeout: 20s}}"
        );
        let scenario = text(&cluster, "latency: 1ms", "75s", &entries);
        let plan = common::plan(&scenario);
        let mut tank = Tank::new(&plan, seed, Lives::default());
        let mut clocks: BTreeMap<u32, ([u64; 3], u32)> = BTreeMap::new();
        for half in 1..=150 {
            tank.advance(half * SECOND / 2);
            for slot in 0..8 {
                let Some(serf) = tank.serf(slot) else {
                    clocks.remove(&slot);
                    continue;
                };
                let (now, life) = (serf.clocks(), tank.host(slot).life);
                if let Some((before, same)) = clocks.insert(slot, (now, life)) {
                    let back = before.iter().zip(&now).any(|(b, n)| n < b);
                    prop_assert!(same != life || !back, "{before:?} {now:?}\n{scenario}");
                }
                let members = serf.members();
                for (status, list) in
                    [(Status::Failed, members.failed()), (Status::Left, members.left())]
                {
                    prop_assert_eq!(members.count(status) as usize, list.len(), "{}", scenario);
                    prop_assert!(list.iter().all(|g| members.status(g.member) == status));
                }
                let depths = QueueName::ALL.map(|q| serf.queues().queue(q).items().count());
                prop_assert_eq!(depths, QueueName::ALL.map(|q| serf.depth(q) as usize));
            }
        }
        let (_, lives) = tank.finish();
        prop_assert!(lives.wrong.is_empty(), "seed {}: {:?}\n{}", seed, lives.wrong, scenario);
        prop_assert!(lives.events > 0);
    }
}
