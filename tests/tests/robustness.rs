//! Random scenarios: whatever is done to a cluster, no transition is wrong and nothing is lost count of;
//! and when it is left alone, it gets well.

#![allow(clippy::unwrap_used, reason = "a test says so by panicking")]

mod common;

use std::collections::BTreeSet;

use common::{plan, text};
use proptest::prelude::*;
use wavetank_protocol::{Config, rules, time::SECOND};
use wavetank_sim_core::{cluster::Tank, plan::Plan, watch::Nobody};
use wavetank_tests::checkers::{Judge, converged, counted};

/// Faults begin and end between these times, in milliseconds.
const QUIET_UNTIL: u32 = 1_000;
const FAULTS_END: u32 = 15_000;

/// `PROPTEST_CASES`, or so many.
fn cases(usual: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = if default.cases == 256 { usual } else { default.cases };
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 400, ..default }
}

/// A case: a scenario text and a seed. Its `Debug` form is what reproduces it.
#[derive(Clone)]
struct Case {
    text: String,
    seed: u64,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "seed {}\n{}", self.seed, self.text)
    }
}

fn who() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => Just("{group: a, pick: 1}".to_owned()),
        2 => (5u32..=30).prop_map(|share| format!("{{group: a, pick: {share}%}}")),
        1 => Just("a-0".to_owned()),
    ]
}

fn span() -> impl Strategy<Value = (u32, u32)> {
    (QUIET_UNTIL..FAULTS_END - 500, 100u32..9_000)
        .prop_map(|(at, lasts)| (at, lasts.min(FAULTS_END - at)))
}

/// Faults that end, after which the specification promises that the cluster gets well: pauses end before
/// any suspicion can (S17 needs both sides dead to each other).
fn gentle_fault() -> impl Strategy<Value = String> {
    (span(), who(), 0u8..12, 1u32..=100).prop_map(|((at, lasts), who, kind, n)| {
        let during = |verb: String| format!("at: {at}ms, for: {lasts}ms, {verb}");
        match kind {
            0 | 1 => format!("at: {at}ms, crash: {{nodes: {who}}}"),
            2 => format!("at: {at}ms, crash: {{nodes: {who}, kind: host}}"),
            3 => format!("at: {at}ms, update: {{nodes: {who}, meta_bytes: {}}}", n * 5),
            4 => format!("at: {at}ms, for: {}ms, pause: {{nodes: {who}}}", lasts.min(1_000)),
            5 => during(format!("slow: {{nodes: {who}, service: {}us}}", n * 50)),
            6 => during(format!("loss: {{probability: {}%}}", n / 10)),
            7 => during(format!("delay: {{latency: {}ms, jitter: {}ms}}", n / 5, n / 10)),
            8 => during(format!("duplicate: {{probability: {n}%}}")),
            9 => during(format!("reorder: {{probability: {n}%}}")),
            10 => format!("at: {at}ms, join: {{nodes: b-{}}}", n % 3),
            _ => format!("at: {at}ms, restart: {{nodes: {{group: a, pick: 1}}, delay: {lasts}ms}}"),
        }
    })
}

fn rough_fault() -> impl Strategy<Value = String> {
    let rough = (span(), who(), 0u8..14, 1u32..=100).prop_map(|((at, lasts), who, kind, n)| {
        let during = |verb: String| format!("at: {at}ms, for: {lasts}ms, {verb}");
        let flip = n % 2 == 0;
        match kind {
            0 => during(format!("pause: {{nodes: {who}}}")),
            1 => during(format!("slow: {{nodes: {who}, service: {n}ms}}")),
            2 => during(format!("loss: {{probability: {n}%}}")),
            3 => during(format!("partition: {{groups: [{who}, rest]}}")),
            4 => during(format!("partition: {{groups: [{who}, rest], direction: to}}")),
            5 => during(format!("partition: {{groups: [{who}, rest], streams: open}}")),
            6 => during(format!("block: {{nodes: {who}, protocol: udp}}")),
            7 => during(format!("block: {{nodes: {who}, protocol: tcp}}")),
            8 => during(format!("block: {{nodes: {who}, direction: in}}")),
            9 => during(format!("clock: {{nodes: {who}, drift: {}%}}", i64::from(n / 10) - 5)),
            10 => format!("at: {at}ms, leave: {{nodes: {who}, timeout: {lasts}ms}}"),
            11 => {
                let address = if flip { "new" } else { "same" };
                let name = if n % 3 == 0 { "new" } else { "same" };
                let kept = if n % 5 == 0 { "kept" } else { "lost" };
                format!(
                    "at: {at}ms, restart: {{nodes: {who}, delay: {lasts}ms, address: {address}, \
                     name: {name}, incarnation: {kept}}}"
                )
            }
            12 => format!(
                "at: {at}ms, rolling-restart: {{nodes: {who}, every: 1s, down: {n}0ms, leave: {flip}}}"
            ),
            _ => during(format!("bandwidth: {{rate: {}kB/s, limit: {n}kB}}", n * 5)),
        }
    });
    prop_oneof![2 => rough, 1 => gentle_fault()]
}

fn config() -> impl Strategy<Value = String> {
    (
        (prop::sample::select(vec![50u32, 100, 200]), 1u32..=4, 1u32..=4),
        (3u32..=5, 2u32..=6, prop::sample::select(vec![500u32, 1000]), 0u32..=3),
        (any::<bool>(), any::<bool>(), 1u32..=10),
    )
        .prop_map(|((gossip, fanout, retransmit), (suspicion, most, probe, checks), odd)| {
            let (old, tcp, push_pull) = odd;
            format!(
                "compat: {}, config: {{gossip_interval: {gossip}ms, gossip_nodes: {fanout}, \
                 retransmit_mult: {retransmit}, suspicion_mult: {suspicion}, \
                 suspicion_max_timeout_mult: {most}, probe_interval: {probe}ms, \
                 probe_timeout: {}ms, indirect_checks: {checks}, push_pull_interval: {push_pull}s, \
                 disable_tcp_pings: {tcp}, tcp_timeout: 1s}}",
                if old { "\"0.2\"" } else { "head" },
                probe * 2 / 5,
            )
        })
}

/// Nodes at the start, and three more for joins.
fn groups(nodes: u32) -> String {
    format!("groups: [{{name: a, nodes: {nodes}}}, {{name: b, nodes: 3, start: stopped}}]")
}

/// The name of the first node, and faults that call it `a-0` with that name instead.
fn named(nodes: u32, faults: &[String]) -> (String, Vec<String>) {
    let width = (nodes - 1).to_string().len();
    let name = format!("a-{:0width$}", 0);
    let faults = faults.iter().map(|f| f.replace("a-0", &name)).collect();
    (name, faults)
}

fn rough_case() -> impl Strategy<Value = Case> {
    let faults = prop::collection::vec(rough_fault(), 0..7);
    let start = prop_oneof![4 => Just("converged"), 1 => Just("empty"), 1 => Just("joining")];
    let network = prop_oneof![
        Just("latency: 1ms"),
        Just("latency: {distribution: lognormal, median: 2ms, p99: 60ms}, loss: 3%"),
        Just("latency: 5ms, loss: {model: gilbert-elliott, p: 2%, r: 20%}, streams: {loss: 2%}"),
    ];
    (3u32..=24, start, config(), network, faults, any::<u32>()).prop_map(
        |(nodes, start, config, network, faults, seed)| {
            let (first, faults) = named(nodes, &faults);
            let join = if start == "joining" {
                format!("start: joining, join: {{via: [{first}], every: 30ms}}")
            } else {
                format!("start: {start}")
            };
            let cluster = format!("preset: memberlist-local, {join}, {config}, {}", groups(nodes));
            Case { text: text(&cluster, network, "40s", &faults), seed: u64::from(seed) }
        },
    )
}

/// Runs a case under a judge, looking into the tank once a second.
fn judged(plan: &Plan, seed: u64) -> Result<BTreeSet<String>, String> {
    let slots = plan.cluster.slots();
    let mut tank = Tank::new(plan, seed, Judge::new(plan));
    for second in 1..=plan.duration.div_ceil(SECOND) {
        tank.advance((second * SECOND).min(plan.duration));
        tank.audit()?;
        let held = tank.held();
        if held.connections > 4 * slots as usize || held.snapshots > 2 * held.connections {
            return Err(format!("at {} ns too much is held: {held:?}", tank.now()));
        }
    }
    let held = tank.held();
    let (outcome, judge) = tank.finish();
    if let Some(first) = judge.violations.first() {
        return Err(first.clone());
    }
    counted(&outcome, &judge.seen)?;
    let counter = |name| outcome.counters.iter().find(|c| c.metric == name).unwrap().count;
    let over = judge.seen.delivered
        + counter("packets.lost")
        + counter("packets.cut")
        + counter("packets.unheard")
        + (held.packets - held.blocked) as u64;
    let copies = plan.timeline.iter().any(|e| format!("{:?}", e.action).contains("Duplicate"));
    if over < judge.seen.sent || over > judge.seen.sent && !copies {
        return Err(format!("{} datagrams were sent, {over} accounted for", judge.seen.sent));
    }
    let again = Tank::run(plan, seed, Nobody).0;
    if again != outcome {
        return Err("the run without a watcher is another".to_owned());
    }
    Ok(judge.kinds)
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn no_scenario_makes_a_wrong_history(case in rough_case()) {
        let plan = plan(&case.text);
        judged(&plan, case.seed).map_err(TestCaseError::fail)?;
    }
}

/// The random scenarios do what they claim to do.
#[test]
fn scenarios_reach_every_corner() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut kinds = BTreeSet::new();
    for _ in 0..60 {
        let case = rough_case().new_tree(&mut runner).unwrap().current();
        kinds.append(&mut judged(&plan(&case.text), case.seed).unwrap());
    }
    for wanted in [
        "Alive to Suspect via Own",
        "Alive to Suspect via PushPull",
        "Suspect to Alive via Packet",
        "Suspect to Dead via Own",
        "Suspect to Dead via Packet",
        "Alive to Left via Own",
        "Alive to Left via Packet",
        "Dead to Alive via Packet",
        "unknown to Alive via PushPull",
        "Confirmed",
        "Refuted",
        "Reaped",
        "Conflict",
        "Health",
        "ExchangeFailed",
        "LeaveReturned",
        "probe Late",
        "probe Stream",
        "probe Failed",
        "packet lost: None",
        "packet lost: Some(Cut)",
        "packet lost: Some(Loss)",
        "process started",
        "process stopped",
    ] {
        assert!(kinds.contains(wanted), "none saw {wanted}: {kinds:#?}");
    }
}

/// How long a cluster of so many may take to get well: a crashed member is probed within two rounds, each
/// failing probe on the way costing its scaled interval; a suspicion lasts its maximum at most, and a second
/// one where the first dead message got lost; whoever missed news learns it in a few state exchanges.
fn recovery(config: &Config, members: u32) -> u64 {
    let rounds = 2 * u64::from(members) * config.probe_interval;
    let scaled = u64::from(config.awareness_max_multiplier) * config.probe_interval;
    let suspicion = rules::suspicion_limits(config, members).max;
    let exchange = config.push_pull_interval * rules::push_pull_scale(members);
    let spread = u64::from(members.ilog2() + 1);
    rounds + 4 * scaled + 2 * suspicion + 2 * (spread + 2) * exchange + config.tcp_timeout * 3
}

const GENTLE: &str = "config: {gossip_interval: 100ms, gossip_nodes: 3, retransmit_mult: 3, \
     suspicion_mult: 4, suspicion_max_timeout_mult: 3, probe_interval: 500ms, probe_timeout: 200ms, \
     indirect_checks: 3, push_pull_interval: 2s, tcp_timeout: 1s}";

fn gentle_case() -> impl Strategy<Value = Case> {
    let faults = prop::collection::vec(gentle_fault(), 1..6);
    (4u32..=24, faults, any::<u32>()).prop_map(|(nodes, faults, seed)| {
        let cluster = format!("preset: memberlist-local, {GENTLE}, {}", groups(nodes));
        let faults = named(nodes, &faults).1;
        let network = "latency: {distribution: lognormal, median: 2ms, p99: 20ms}";
        Case { text: text(&cluster, network, "900s", &faults), seed: u64::from(seed) }
    })
}

/// How a cluster ends that is left alone: when it got well, or why it did not; none if a process never got
/// in touch with anybody.
fn recovers(plan: &Plan, seed: u64) -> Option<Result<u64, String>> {
    let slots = plan.cluster.slots();
    let end = u64::from(FAULTS_END) * 1_000_000;
    let due = end + recovery(&plan.cluster.configs[0], slots);
    let mut tank = Tank::new(plan, seed, Judge::new(plan));
    tank.advance(end);
    let mut well = None;
    while tank.now() < due + 5 * SECOND {
        tank.advance(tank.now() + SECOND / 4);
        match (converged(&tank, slots), well) {
            (Ok(()), None) => well = Some(tank.now()),
            (Err(why), _) if tank.now() >= due => {
                let joins = tank.finish().1.joins;
                return joins.values().all(|successes| *successes > 0).then_some(Err(why));
            }
            (Err(_), Some(_)) => well = None,
            _ => {}
        }
    }
    well.map(|at| Ok(at - end))
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn a_cluster_left_alone_gets_well(case in gentle_case()) {
        match recovers(&plan(&case.text), case.seed) {
            None => return Err(TestCaseError::reject("a process found nobody")),
            Some(Ok(_)) => {}
            Some(Err(why)) => return Err(TestCaseError::fail(why)),
        }
    }
}

/// Both checks see a cluster that cannot get well: one that neither gossips nor exchanges states.
#[test]
fn a_planted_silence_is_found() {
    let cluster = format!("preset: memberlist-local, {GENTLE}, {}", groups(6))
        .replace("gossip_nodes: 3", "gossip_nodes: 0")
        .replace("push_pull_interval: 2s", "push_pull_interval: 0s");
    // An update travels on probes alone, as often as a message is sent.
    let text =
        text(&cluster, "latency: 1ms", "900s", &["at: 2s, update: {nodes: a-0, meta_bytes: 9}"]);
    let text = text.replace("retransmit_mult: 3", "retransmit_mult: 1");
    let found = (1..6).filter(|seed| matches!(recovers(&plan(&text), *seed), Some(Err(_)))).count();
    assert!(found > 0, "nobody notices that news does not travel");
}
