//! The built-in scenarios pass as they are, and each is turned by the setting that it teaches.
//!
//! A turn that does not turn any more means that either the machine or the lesson is wrong.

use wavetank::{Report, Scenario, scenarios::library};

/// What turns a scenario's verdict.
struct Turn {
    scenario: &'static str,
    /// As for `--set`.
    path: &'static str,
    value: &'static str,
    /// The metrics whose thresholds fail then.
    fails: &'static [&'static str],
}

const fn turn(
    scenario: &'static str,
    path: &'static str,
    value: &'static str,
    fails: &'static [&'static str],
) -> Turn {
    Turn { scenario, path, value, fails }
}

const TURNS: &[Turn] = &[
    turn("first-crash", "cluster.config.suspicion_mult", "8", &["detection.first"]),
    turn(
        "zone-cut",
        "cluster.config.retransmit_mult",
        "1",
        &["detection.all", "dissemination.t100"],
    ),
    turn("quiet", "cluster.config.push_pull_interval", "5s", &["bandwidth.node"]),
    turn("false-alarms", "cluster.config.suspicion_mult", "2", &["false_positives"]),
    turn("false-alarms", "cluster.config.retransmit_mult", "2", &["false_positives"]),
    turn("crash-to-everyone", "cluster.config.suspicion_mult", "8", &["detection.first"]),
    turn("update-straggler", "cluster.config.retransmit_mult", "1", &["dissemination.t999"]),
    turn("partition-heals", "cluster.config.suspicion_mult", "4", &["heal"]),
    turn("partition-heals", "timeline.cut.for", "60s", &["heal"]),
    turn("partition-rejoin", "timeline.rejoin.at", "235s", &["heal"]),
    turn("churn-queues", "cluster.config.gossip_interval", "1s", &["queue.depth"]),
    turn("churn-queues", "timeline.churn.every.mean", "250ms", &["queue.depth"]),
    turn("leaver-grace", "timeline.goodbye.leave.timeout", "100ms", &["left_as_failed"]),
    turn(
        "restart-new-addresses",
        "timeline.rollout.rolling-restart.leave",
        "false",
        &["name_conflicts", "dissemination.t999"],
    ),
    turn("cost-per-zone", "cluster.config.push_pull_interval", "5s", &["bandwidth.zone"]),
    turn("cost-per-zone", "cluster.config.probe_interval", "500ms", &["packets.node"]),
    turn(
        "one-sick-node",
        "cluster.config.disable_tcp_pings",
        "true",
        &["suspicions", "resurrections"],
    ),
    turn("starved-nodes", "cluster.config.suspicion_max_timeout_mult", "1", &["false_positives"]),
    turn("all-paths-fail", "cluster.config.suspicion_mult", "3", &["false_positives"]),
    turn("all-paths-fail", "cluster.config.suspicion_max_timeout_mult", "1", &["false_positives"]),
    turn(
        "key-rollout",
        "cluster.groups.old.config.encryption.keys",
        "[0]",
        &["false_positives", "dissemination.t90"],
    ),
    turn(
        "key-rollout",
        "cluster.groups.new.config.label",
        "blue",
        &["false_positives", "dissemination.t90"],
    ),
    turn(
        "packet-budget",
        "timeline.change.update.meta_bytes",
        "512",
        &["queue.depth", "dissemination.t90"],
    ),
    turn(
        "serf-tutorial",
        "timeline.greet.query.filters.tags.role",
        "apiserver",
        &["query.acks", "query.responses"],
    ),
    turn("serf-leave-and-crash", "cluster.config.leave_propagate_delay", "3s", &["leave.time"]),
    turn("serf-partition-heal", "cluster.preset", "memberlist-lan", &["heal"]),
    turn("serf-partition-heal", "cluster.config.reconnect_interval", "1h", &["heal"]),
    turn("serf-event", "cluster.config.retransmit_mult", "1", &["event.t99", "event.missed"]),
    turn(
        "serf-query",
        "timeline.ask.query.relay_factor",
        "0",
        &["query.acks.missing", "query.responses.missing"],
    ),
    turn("serf-force-leave", "timeline.mistake.force-leave.prune", "true", &["serf.member.reap"]),
    turn("serf-snapshot-restart", "cluster.config.rejoin_after_leave", "false", &["convergence"]),
    turn("serf-rotate-key", "timeline.install.at", "21s", &["false_positives"]),
];

/// The scenario, with half of its seeds, but five at least where it has them.
fn scenario(name: &str) -> Scenario {
    let scenario = Scenario::builtin(name).expect("built in");
    let plan = scenario.check().unwrap_or_else(|e| panic!("{e}")).plan;
    let seeds = u64::from((plan.seeds / 2).max(plan.seeds.min(5)));
    scenario.seeds(plan.seed..plan.seed + seeds)
}

fn failed(report: &Report) -> Vec<&str> {
    report.thresholds.iter().filter(|t| !t.passed).map(|t| t.metric.as_str()).collect()
}

#[test]
fn built_in_scenarios_pass() {
    for builtin in library::list() {
        Scenario::builtin(builtin.name).and_then(|s| s.run()).expect(builtin.name).assert_passed();
    }
}

#[test]
fn the_setting_that_a_scenario_teaches_turns_its_verdict() {
    let mut wrong = Vec::new();
    for Turn { scenario: name, path, value, fails } in TURNS {
        let plain = scenario(name).run().expect(name);
        for metric in failed(&plain) {
            wrong.push(format!("{name}: {metric} fails"));
        }
        let turned = scenario(name).set(path, value).run().expect(name);
        let failed = failed(&turned);
        for metric in fails.iter().filter(|m| !failed.contains(m)) {
            wrong.push(format!("{name} {path}={value}: {metric} passes"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_built_in_scenario_has_a_lesson() {
    for builtin in library::list() {
        let name = builtin.name;
        assert!(TURNS.iter().any(|t| t.scenario == name), "{name}: nothing turns it");
        let scenario = Scenario::builtin(name).expect(name).check().expect(name);
        assert_eq!(scenario.plan.name, name);
        assert!(!scenario.thresholds.is_empty(), "{name}");
        assert!(scenario.warnings.0.is_empty(), "{name}: {}", scenario.warnings);
    }
}
