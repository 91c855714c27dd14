//! Scenarios that load: what they become, and that their resolved form becomes the same.

#![allow(clippy::unwrap_used, reason = "a test says so by panicking")]

use proptest::prelude::*;
use wavetank_scenarios::{Overrides, Scenario, Source, default_scenario, library, load, presets};
use wavetank_sim_core::plan::{
    Action, Answer, KeyOperation, Of, Pick, Plan, Query, Selector, SlotSet, When,
};

fn good(text: &str) -> Scenario {
    load(Source::new("test.yaml", text), &Overrides::default())
        .unwrap_or_else(|problems| panic!("{problems}"))
}

/// The plan without what a change of layout moves.
fn bare(scenario: &Scenario) -> Plan {
    let mut plan = scenario.plan.clone();
    plan.timeline.iter_mut().for_each(|e| e.line = 0);
    plan
}

fn check_round_trip(scenario: &Scenario) {
    let text = scenario.resolved();
    let again = load(Source::new("resolved.yaml", &text), &Overrides::default())
        .unwrap_or_else(|problems| panic!("{text}\n{problems}"));
    assert_eq!(bare(&again), bare(scenario), "{text}");
    assert_eq!(again.thresholds, scenario.thresholds);
    assert_eq!(again.description, scenario.description);
    assert_eq!(again.hash, scenario.hash, "{text}\n{}", again.resolved());
    assert_eq!(again.resolved(), text);
}

#[test]
fn the_contracts_example() {
    let text = library::get("zone-cut").unwrap().text;
    let scenario = good(text);
    let Plan { timeline, cluster, network, .. } = &scenario.plan;
    assert_eq!(scenario.warnings.to_string(), "");
    assert_eq!(cluster.slots(), 64);
    assert_eq!(cluster.configs.len(), 2);
    assert_eq!(network.links.len(), 1);
    let ids: Vec<&str> = timeline.iter().map(|e| e.id.as_str()).collect();
    assert_eq!(ids, ["crash-1", "partition-1", "change"]);
    let Action::Crash { who, .. } = &timeline[0].action else { panic!("{timeline:?}") };
    assert_eq!(who.of, Of::Set(SlotSet::range(0, 40)));
    assert_eq!(who.pick, Some(Pick::Count(1)));
    assert_eq!(timeline[2].when, When::At(60_000_000_000));
    assert_eq!(scenario.thresholds.len(), 3);
    check_round_trip(&scenario);
}

#[test]
fn the_library_loads_without_doubts() {
    for builtin in library::list() {
        let scenario = good(builtin.text);
        assert_eq!(scenario.plan.name, builtin.name);
        assert_eq!(scenario.warnings.to_string(), "", "{}", builtin.name);
        assert!(builtin.summary().ends_with('.'), "{}", builtin.name);
        check_round_trip(&scenario);
    }
}

#[test]
fn the_default_scenario_fits_every_preset() {
    for preset in presets::PRESETS {
        let scenario = default_scenario(preset.name, 20, Some("1%"), Some("5ms"))
            .unwrap_or_else(|problems| panic!("{}: {problems}", preset.name));
        assert_eq!(scenario.plan.cluster.configs[0], preset.config);
        check_round_trip(&scenario);
    }
    let problems = default_scenario("memberlist", 5, Some("5"), Some("0")).unwrap_err();
    assert_eq!(problems.0.len(), 3, "{problems}");
}

const HEAD: &str = "version: 1\nname: t\nduration: 10m\ncluster:\n  groups:\n    \
    - {name: a, nodes: 12, labels: {zone: east, rack: r1}}\n    \
    - {name: b, nodes: 4, labels: {zone: west}, config: {gossip_nodes: 4}}\n    \
    - {name: c, nodes: 3, start: stopped, meta_bytes: 40, names: \"{group}.{index}\"}\n";

fn with(sections: &str) -> Scenario {
    good(&format!("{HEAD}{sections}"))
}

/// What an entry's verb becomes.
fn action(entry: &str) -> Action {
    let scenario = with(&format!("timeline:\n  - {entry}\n"));
    scenario.plan.timeline[0].action.clone()
}

/// One entry for each form of each verb, time and selector.
const ENTRIES: &[&str] = &[
    "{at: 1s, crash: a-03}",
    "{at: 1s, crash: [a-03, b-0, c.1]}",
    "{at: 1s, crash: {nodes: all, kind: host}}",
    "{at: {from: 1s, to: 5s}, id: gone, crash: {nodes: {group: a, pick: 5%}}}",
    "{at: 1s, every: 10s, times: 3, crash: {nodes: {zone: east, pick: 2, repick: true}}}",
    "{at: 1s, every: {mean: 1m}, until: 5m, update: {nodes: {pick: 1}, meta_bytes: 512}}",
    "{at: 2s, every: 500ms, update: {nodes: b-0, meta_bytes: 0}}",
    "{at: 9s, restart: {nodes: a-03, delay: 5s, name: new, address: new, incarnation: kept, via: b-0}}",
    "{at: 9s, rolling-restart: {nodes: {group: a}, parallel: 2, every: 5s, down: 1s, leave: true}}",
    "{at: 9s, join: {nodes: {group: c}, via: [a-00, a-01]}}",
    "{at: 9s, leave: {nodes: a-03, timeout: 0, stop_after: 3s}}",
    "{at: 9s, leave: a-04}",
    "{at: 9s, scale: {group: a, to: 0}}",
    "{at: 9s, set-config: {nodes: all, config: {gossip_nodes: 5, label: blue}, by: live}}",
    "{at: 9s, set-config: {nodes: {group: a}, config: {encryption: {keys: [1, 2], primary: 2}}}}",
    "{at: 9s, set-config: {nodes: b-1, config: {quirks: {queue_id_reset: false}, compat: \"0.2\"}}}",
    "{at: 9s, for: 3s, pause: a-03}",
    "{at: 9s, for: 3s, slow: {nodes: a-03, service: 5ms, cpu: 12.5%}}",
    "{at: 9s, clock: {nodes: a-03, offset: -1.5s, drift: 100ppm}}",
    "{at: 9s, delay: 50ms}",
    "{at: 9s, delay: {latency: 50ms, jitter: 5ms, correlation: 25%, distribution: paretonormal}}",
    "{at: 9s, for: 3s, loss: 5%}",
    "{at: 9s, loss: {probability: 5%, correlation: 25%, nodes: a-03}}",
    "{at: 9s, loss: {model: gilbert-elliott, p: 1%, r: 10%, from: {zone: east, pick: 1}}}",
    "{at: 9s, loss: {model: four-state, p13: 1%, p14: 0.1%, to: b-1}}",
    "{at: 9s, duplicate: {probability: 1%, between: [{zone: east}, {zone: west}]}}",
    "{at: 9s, reorder: {probability: 0.25, correlation: 50%, gap: 5}}",
    "{at: 9s, corrupt: 0.1%}",
    "{at: 9s, bandwidth: {rate: 1mbit, limit: 32KiB, from: a-03, to: all}}",
    "{at: 9s, for: 4s, partition: {groups: [{zone: west}, rest]}}",
    "{at: 9s, partition: {groups: [[a-00, a-01], {pick: 50%}, rest], direction: to, streams: open}}",
    "{at: 9s, partition: a-03}",
    "{at: 9s, block: a-03}",
    "{at: 9s, block: {nodes: {group: b}, protocol: both, direction: in}}",
    "{at: 9s, block: {nodes: a-03, refused: true}}",
];

/// The same for Serf, on [`SERF_HEAD`].
const SERF_ENTRIES: &[&str] = &[
    "{at: 1s, user-event: {nodes: a-03, name: log}}",
    "{at: 1s, every: 5s, times: 2, user-event: {nodes: {pick: 2, repick: true}, name: log, payload: \"\", coalesce: false}}",
    "{at: 1s, user-event: {nodes: all, name: deploy v1, payload: '1', coalesce: true}}",
    "{at: 1s, user-event: {nodes: a-03, name: log, payload_bytes: 300}}",
    "{at: 1s, query: {nodes: a-03, name: load}}",
    "{at: 1s, query: {nodes: a-03, name: _serf_ping, timeout: 10s, ack: true}}",
    "{at: 1s, query: {nodes: {zone: east, pick: 1}, name: load, payload: x, ack: false, relay_factor: 3, \
      filters: {nodes: [a-03, b-1], tags: {role: ^web$, dc: 'ea*'}}, answer: false}}",
    "{at: 1s, query: {nodes: a-03, name: load, payload_bytes: 20, timeout: 3.2s, filters: {nodes: {group: b}}, \
      answer: {payload_bytes: 90, after: {from: 1ms, to: 2s}}}}",
    "{at: 1s, query: {nodes: a-03, name: load, answer: {payload: 'yes', after: 20ms}}}",
    "{at: 1s, set-tags: {nodes: a-03, tags: {version: 2, role: db}}}",
    "{at: 1s, set-tags: {nodes: {group: b}, delete: [role, dc]}}",
    "{at: 1s, set-tags: {nodes: {group: b}, tags: {role: ''}, delete: dc}}",
    "{at: 1s, force-leave: a-03}",
    "{at: 1s, force-leave: {nodes: {zone: west, pick: 1, as: gone}, by: {zone: east, pick: 1}, prune: true}}",
    "{at: 1s, rotate-key: {key: 1}}",
    "{at: 1s, rotate-key: {nodes: a-03, key: 63, operation: install, relay_factor: 2}}",
    "{at: 1s, rotate-key: {nodes: a-03, operation: list}}",
    "{at: 1s, restart: {nodes: {group: b}, delay: 1s, state: snapshot}}",
    "{at: 1s, rolling-restart: {nodes: b-0, every: 5s, state: snapshot}}",
    "{at: 1s, join: {nodes: c.1, via: a-00, name_of: a-03}}",
    "{at: 1s, set-config: {nodes: all, config: {reap_interval: 5s, quirks: {prune_freeze: true}}, by: live}}",
];

const SERF_HEAD: &str = "version: 1\nname: t\nduration: 10m\ncluster:\n  preset: serf-lan\n  encryption: v1\n  \
    tags: {role: web}\n  config: {reconnect_interval: 10s}\n  groups:\n    \
    - {name: a, nodes: 12, labels: {zone: east}, meta_bytes: 40}\n    \
    - {name: b, nodes: 4, labels: {zone: west}, config: {snapshot: true, rejoin_after_leave: true}}\n    \
    - {name: c, nodes: 3, start: stopped, tags: {role: db, dc: \"no\"}, names: \"{group}.{index}\"}\n";

fn with_serf(sections: &str) -> Scenario {
    good(&format!("{SERF_HEAD}{sections}"))
}

fn serf_action(entry: &str) -> Action {
    let scenario = with_serf(&format!("timeline:\n  - {entry}\n"));
    assert_eq!(scenario.warnings.to_string(), "", "{entry}");
    scenario.plan.timeline[0].action.clone()
}

const NETWORKS: &[&str] = &[
    "{}",
    "{latency: 50us, loss: 0.1%, mtu: 1500, bandwidth: 1gbit, corrupt: 0.01%}",
    "{latency: {distribution: uniform, max: 2ms}}",
    "{latency: {normal, mean: 1ms, sd: 200us}, loss: {probability: 1%, correlation: 25%}}",
    "{latency: {pareto, min: 1ms, shape: 2.5}, reorder: 5%, duplicate: {probability: 1%}}",
    "{latency: {exponential, mean: 1.5ms, min: 1ns}, delay: {latency: 1ms, jitter: 500us}}",
    "{latency: {table, points: [[50%, 1ms], [99.9%, 2ms], [100%, 1s]]}, streams: {loss: 0%}}",
    "{streams: {loss: same, syn_rto: 3s, rto_min: 100ms}, links: [{from: a-03, to: {zone: west}, \
      loss: {model: gilbert-elliott, p: 1%, r: 20%, h: 10%, k: 99%}}]}",
    "{links: [{between: [{group: a}, [b-0, b-1]], latency: 5ms}, {between: [all, c.1], mtu: 576}]}",
];

#[test]
fn every_form_of_every_verb_resolves_to_itself() {
    for entry in ENTRIES {
        check_round_trip(&with(&format!("timeline:\n  - {entry}\n")));
    }
    for network in NETWORKS {
        check_round_trip(&with(&format!("network: {network}\n")));
    }
    for entry in SERF_ENTRIES {
        let scenario = with_serf(&format!("timeline:\n  - {entry}\n"));
        assert_eq!(scenario.warnings.to_string(), "", "{entry}");
        check_round_trip(&scenario);
    }
    check_round_trip(&with_serf(&format!("timeline: [{}]\n", SERF_ENTRIES.join(", "))));
}

#[test]
fn verbs_of_serf_become_actions() {
    let one = |slot| Selector::all(SlotSet::range(slot, slot + 1));
    let text = |text: &str| Some(text.as_bytes().to_vec());
    for (entry, wanted) in [
        (
            "{at: 1s, user-event: {nodes: a-03, name: log, payload: p}}",
            Action::UserEvent {
                varied: false,
                who: one(3),
                name: "log".into(),
                payload: text("p"),
                coalesce: true,
            },
        ),
        (
            "{at: 1s, user-event: {nodes: a-03, name: log, payload_bytes: 3, coalesce: false}}",
            Action::UserEvent {
                varied: true,
                who: one(3),
                name: "log".into(),
                payload: text("xxx"),
                coalesce: false,
            },
        ),
        (
            "{at: 1s, query: {nodes: a-03, name: load, filters: {nodes: [b-1, a-03], tags: {role: ui, dc: e}}}}",
            Action::Query {
                who: one(3),
                query: Query {
                    name: "load".into(),
                    payload: None,
                    nodes: Some(vec!["a-03".into(), "b-1".into()]),
                    tags: vec![("dc".into(), "e".into()), ("role".into(), "ui".into())],
                    ack: true,
                    relay_factor: 0,
                    timeout: 0,
                    answer: Some(Answer { payload: b"ok".to_vec(), after: (0, 0) }),
                },
            },
        ),
        (
            "{at: 1s, query: {nodes: a-03, name: _serf_ping, timeout: 1s, relay_factor: 2}}",
            Action::Query {
                who: one(3),
                query: Query {
                    name: "_serf_ping".into(),
                    payload: None,
                    nodes: None,
                    tags: Vec::new(),
                    ack: true,
                    relay_factor: 2,
                    timeout: 1_000_000_000,
                    answer: None,
                },
            },
        ),
        (
            "{at: 1s, set-tags: {nodes: a-03, tags: {z: 1, b: x}, delete: role}}",
            Action::SetTags {
                who: one(3),
                set: vec![("b".into(), "x".into()), ("z".into(), "1".into())],
                delete: vec!["role".into()],
            },
        ),
        (
            "{at: 1s, force-leave: {nodes: b-0, by: a-03, prune: true}}",
            Action::ForceLeave { who: one(12), by: Some(one(3)), prune: true },
        ),
        (
            "{at: 1s, rotate-key: {key: 7, operation: use}}",
            Action::RotateKey {
                who: Selector {
                    pick: Some(Pick::Count(1)),
                    ..Selector::all(SlotSet::range(0, 19))
                },
                key: 7,
                operation: KeyOperation::Use,
                relay_factor: 0,
            },
        ),
        (
            "{at: 1s, join: {nodes: c.1, via: a-00, name_of: a-03}}",
            Action::Join { who: one(17), via: SlotSet::range(0, 1), name_of: Some(3) },
        ),
    ] {
        assert_eq!(serf_action(entry), wanted, "{entry}");
    }
    let Action::Restart { how, .. } =
        serf_action("{at: 1s, restart: {nodes: b-0, state: snapshot}}")
    else {
        panic!()
    };
    assert!(how.from_snapshot);
}

#[test]
fn metadata_under_serf_is_tags() {
    let groups = with_serf("").plan.cluster.groups;
    let found: Vec<(u16, String)> =
        groups.iter().map(|g| (g.meta_bytes, format!("{:?}", g.tags))).collect();
    let padding = "x".repeat(31);
    assert_eq!(
        found,
        [
            (40, format!("[(\"meta_\", {padding:?})]")),
            (11, "[(\"role\", \"web\")]".to_owned()),
            (16, "[(\"dc\", \"no\"), (\"role\", \"db\")]".to_owned()),
        ]
    );
    let one = |cluster: &str| {
        let text = format!("version: 1\nname: t\nduration: 9s\ncluster: {{nodes: 3, {cluster}}}\n");
        let scenario = good(&text);
        check_round_trip(&scenario);
        let group = &scenario.plan.cluster.groups[0];
        (group.meta_bytes, group.tags.len())
    };
    assert_eq!(one("preset: memberlist-lan, meta_bytes: 3"), (3, 0));
    assert_eq!(one("preset: serf-lan"), (2, 0), "no tags are two bytes");
    assert_eq!(one("preset: serf-lan, meta_bytes: 8"), (8, 1));
    assert_eq!(one("preset: consul-lan, meta_bytes: 0, tags: {role: web}"), (11, 1));
}

#[test]
fn settings_of_serf_are_laid_over_the_presets() {
    let configs = with_serf("").plan.cluster.configs;
    let serf: Vec<_> = configs.iter().filter_map(|c| c.serf).collect();
    assert_eq!(serf.len(), 2);
    assert_eq!(serf[0].reconnect_interval, 10_000_000_000);
    assert_eq!((serf[0].snapshot, serf[1].snapshot), (false, true));
    assert_eq!(serf[1].coalesce_period, 3_000_000_000);
    let scenario = good(
        "version: 1\nname: t\nduration: 9s\ncluster: {nodes: 3, preset: serf-wan, compat: \"0.2\", \
         quirks: {prune_freeze: true, dead_config: false}, config: {disable_coordinates: true, \
         user_event_size_limit: 9216, serf_protocol_version: 4, handler_time: 5ms}}\n",
    );
    assert_eq!(scenario.warnings.to_string(), "");
    let config = &scenario.plan.cluster.configs[0];
    assert!(config.quirks.prune_freeze && config.quirks.tag_order && !config.quirks.dead_config);
    assert!(config.serf.is_some_and(|s| !s.coordinates(config.quirks.dead_config)));
    check_round_trip(&scenario);
}

#[test]
fn entries_refer_to_each_other() {
    let scenario = with(
        "timeline:\n  \
         - {at: 1s, id: first, crash: {nodes: {pick: 1, as: victim}}}\n  \
         - {after: {event: first, delay: {from: 1s, to: 2s}}, restart: {nodes: {picked: victim}}}\n  \
         - {after: {event: restart-1, known: none}, leave: {nodes: {picked: victim, pick: 1}}}\n",
    );
    let entries = &scenario.plan.timeline;
    assert_eq!(
        entries[1].when,
        When::After { event: 0, known: true, delay: (1_000_000_000, 2_000_000_000) }
    );
    assert_eq!(entries[2].when, When::After { event: 1, known: false, delay: (0, 0) });
    let Action::Restart { who, .. } = &entries[1].action else { panic!("{entries:?}") };
    assert_eq!(who.of, Of::Picked(0));
    assert_eq!(entries.iter().map(|e| e.line).collect::<Vec<_>>(), [10, 11, 12]);
    check_round_trip(&scenario);
}

#[test]
fn shorthands_mean_their_long_forms() {
    for (short, long) in [
        ("{at: 1s, crash: a-03}", "{at: 1s, crash: {nodes: [a-03], kind: process}}"),
        ("{at: 1s, loss: 5%}", "{at: 1s, loss: {probability: 0.05, from: all, to: all}}"),
        ("{at: 1s, delay: 50ms}", "{at: 1s, delay: {latency: 50ms, jitter: 0}}"),
        ("{at: 1s, partition: a-03}", "{at: 1s, partition: {groups: [a-03, rest]}}"),
        ("{at: 1s, block: a-03}", "{at: 1s, block: {nodes: a-03, protocol: udp, direction: both}}"),
    ] {
        assert_eq!(action(short), action(long), "{short}");
    }
    let latency = |text: &str| with(&format!("network: {{latency: {text}}}\n")).plan.network;
    assert_eq!(
        latency("{lognormal, median: 1ms, p99: 5ms}"),
        latency("{distribution: lognormal, median: 1ms, p99: 5ms, min: 100us}")
    );
}

#[test]
fn settings_changed_twice_are_known_beforehand() {
    let scenario = with(
        "timeline:\n  \
         - {at: 1s, set-config: {nodes: all, config: {gossip_nodes: 5}}}\n  \
         - {at: 2s, set-config: {nodes: all, config: {probe_interval: 2s}}}\n",
    );
    let configs = &scenario.plan.cluster.configs;
    // Each of the two groups' settings, with neither, one or both changes; the first change makes both
    // groups equal.
    assert_eq!(configs.len(), 6);
    for (entry, (nodes, interval)) in
        scenario.plan.timeline.iter().zip([(Some(5), None), (None, Some(2_000_000_000))])
    {
        let Action::SetConfig { becomes, .. } = &entry.action else { panic!("{entry:?}") };
        assert_eq!(becomes.len(), configs.len());
        for (old, &new) in configs.iter().zip(becomes) {
            let mut wanted = old.clone();
            wanted.gossip_nodes = nodes.unwrap_or(wanted.gossip_nodes);
            wanted.probe_interval = interval.unwrap_or(wanted.probe_interval);
            assert_eq!(configs[new as usize], wanted);
        }
    }
}

#[test]
fn options_change_the_scenario() {
    let text = library::get("zone-cut").unwrap().text;
    let load = |overrides: &Overrides| {
        load(Source::new("zone-cut", text), overrides).unwrap_or_else(|p| panic!("{p}"))
    };
    let set = |pairs: &[(&str, &str)]| Overrides {
        set: pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        ..Overrides::default()
    };
    let scenario = load(&set(&[
        ("cluster.config.gossip_interval", "500ms"),
        ("cluster.groups.b.config.gossip_nodes", "7"),
        ("timeline[0].at", "5s"),
        ("timeline.change.at", "70s"),
        ("timeline.partition-1.for", "9s"),
        ("thresholds.dissemination.t99", "max < 4s"),
        ("network.streams.loss", "1%"),
        ("timeline[0].crash.nodes.pick", "2"),
        ("timeline.partition-1.partition", "{groups: [{zone: west}, rest], streams: open}"),
    ]));
    let Plan { cluster, timeline, network, .. } = &scenario.plan;
    assert_eq!(cluster.configs[0].gossip_interval, 500_000_000);
    assert_eq!(cluster.configs[1].gossip_nodes, 7);
    assert_eq!(timeline[0].when, When::At(5_000_000_000));
    assert_eq!(timeline[1].lasts, Some(9_000_000_000));
    assert_eq!(timeline[2].when, When::At(70_000_000_000));
    assert_eq!(scenario.thresholds.len(), 4);
    assert!(network.streams.loss.is_some());

    let scaled = load(&Overrides { nodes: Some(640), ..Overrides::default() });
    let nodes: Vec<u32> = scaled.plan.cluster.groups.iter().map(|g| g.nodes).collect();
    assert_eq!(nodes, [400, 240]);
    let Action::Update { who, .. } = &scaled.plan.timeline[2].action else { panic!() };
    assert_eq!(who.of, Of::Set(SlotSet::range(3, 4)), "a-03 is a-003 now");
    check_round_trip(&scaled);

    let text = format!("{HEAD}timeline:\n  - {{at: 1s, crash: a-03}}\n");
    let host = set(&[("timeline.crash-1.crash.kind", "host")]);
    let scenario = wavetank_scenarios::load(Source::new("t.yaml", &text), &host).unwrap();
    assert_eq!(
        scenario.plan.timeline[0].action,
        action("{at: 1s, crash: {nodes: a-03, kind: host}}")
    );

    let one = load(&Overrides { seed: Some(7), ..Overrides::default() });
    assert_eq!((one.plan.seed, one.plan.seeds), (7, 1));
    let some = load(&Overrides { seeds: Some((7, 3)), ..Overrides::default() });
    assert_eq!((some.plan.seed, some.plan.seeds), (7, 3));
    assert_eq!(one.hash, load(&Overrides::default()).hash, "seeds are no part of the hash");
    assert_ne!(one.hash, scaled.hash);
}

#[test]
fn joining_and_labels() {
    let scenario = good(
        "version: 1\nname: t\nduration: 10s\n\
         cluster: {nodes: 3, start: joining, join: {every: 1s}, label: blue, encryption: v0}\n",
    );
    assert_eq!(scenario.labels, ["", "blue"]);
    let config = &scenario.plan.cluster.configs[0];
    assert_eq!((config.label.id, config.label.len), (1, 4));
    assert_eq!(config.encryption.map(|e| (e.version, e.keys, e.primary)), Some((0, 1, 0)));
    check_round_trip(&scenario);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn resolved_scenarios_load_to_equal_plans(
        entries in prop::sample::subsequence(ENTRIES, 0..ENTRIES.len()),
        network in prop::sample::select(NETWORKS),
        nodes in 3u32..5_000,
        seeds in (any::<u32>(), 1u32..1_000),
        description in ".{0,60}",
    ) {
        let quoted: String = description.chars().filter(|c| !c.is_control()).collect();
        let quoted = quoted.replace('\'', "''");
        let text = format!(
            "{HEAD}description: '{quoted}'\nnetwork: {network}\ntimeline: [{}]\n",
            entries.join(", ")
        );
        let overrides = Overrides {
            nodes: Some(nodes),
            seeds: Some((u64::from(seeds.0), seeds.1)),
            ..Overrides::default()
        };
        // Some selectors name what a small cluster does not have.
        if let Ok(scenario) = load(Source::new("t.yaml", &text), &overrides) {
            check_round_trip(&scenario);
        } else {
            prop_assert!(nodes < 100, "{}", load(Source::new("t.yaml", &text), &overrides).unwrap_err());
        }
    }
}
