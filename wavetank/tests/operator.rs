//! What an operator of one agent sees.

use wavetank::{
    Scenario,
    operator::{Level, OperatorView, slot_of},
    protocol::time::SECOND,
};

const THREE: &str = "version: 1
name: three
duration: 60s
cluster:
  preset: serf-lan
  start: empty
  groups:
    - {name: a, nodes: 1, names: n1, tags: {role: web}}
    - {name: b, nodes: 1, names: n2, tags: {role: ui, dc: east}}
    - {name: c, nodes: 1, names: n3}
timeline:
  - {at: 1s, join: {nodes: n2, via: n1}}
  - {at: 5s, join: {nodes: n3, via: n1}}
  - {at: 10s, user-event: {nodes: n2, name: log, payload: hi}}
  - {at: 20s, leave: {nodes: n3}}
  - {at: 30s, crash: {nodes: n2}}
";

fn view(text: &str, node: &str, at: u64, level: Level) -> OperatorView {
    let plan = Scenario::parse(text).and_then(|s| Ok(s.check()?)).expect("a valid scenario").plan;
    OperatorView::new(&plan, 1, slot_of(&plan, node).expect("a node"), at, level)
}

#[test]
fn the_member_list_tells_a_leaver_from_a_crash() {
    let view = view(THREE, "n1", 60 * SECOND, Level::Info);
    assert_eq!(
        view.members,
        [
            "n1  10.0.0.1:7946  alive   role=web",
            "n2  10.0.0.2:7946  failed  dc=east,role=ui",
            "n3  10.0.0.3:7946  left",
        ]
    );
    let said = |text: &str| view.log.iter().filter(|l| l.text == text).count();
    for line in [
        "serf: EventMemberJoin: n3 10.0.0.3",
        "serf: EventMemberLeave: n3 10.0.0.3",
        "serf: EventMemberFailed: n2 10.0.0.2",
        "agent: Received event: user-event: log",
        "agent: Received event: member-failed",
    ] {
        assert_eq!(said(line), 1, "{line}\n{view}");
    }
    let info = |line: &str| view.info.iter().any(|l| l == line);
    assert!(info("\tmembers = 3") && info("\tfailed = 1") && info("\tleft = 1"), "{view}");
}

/// Four nodes, the last of which is started late under the name of the second.
const CONFLICT: &str = "version: 1
name: conflict
duration: 60s
cluster:
  preset: serf-lan
  groups:
    - {name: a, nodes: 3, names: \"n{index}\"}
    - {name: b, nodes: 1, names: late, start: stopped}
timeline:
  - {at: 1s, join: {nodes: late, name_of: n1}}
  - {at: 40s, crash: {nodes: n2}}
  - {at: 50s, force-leave: {nodes: n2}}
";

#[test]
fn each_side_of_a_conflict_of_names_tells_where_the_other_is() {
    let error = |address: &str| {
        format!(
            "[ERR] serf: Node name conflicts with another node at {address}. Names must be unique! \
             (Resolution enabled: true)"
        )
    };
    let both =
        "[WARN] serf: Name conflict for 'n1' both 10.0.0.2:7946 and 10.0.0.4:7946 are claiming";
    for (node, line) in
        [("n1", error("10.0.0.4:7946")), ("late", error("10.0.0.2:7946")), ("n0", both.to_owned())]
    {
        let view = view(CONFLICT, node, 60 * SECOND, Level::Info);
        let about = |l: &&wavetank::operator::Line| {
            l.text.contains("conflicts with") || l.text.contains("claiming")
        };
        let lines: Vec<String> = view.log.iter().filter(about).map(ToString::to_string).collect();
        assert!(!lines.is_empty() && lines.iter().all(|l| l.ends_with(&line)), "{node}: {view}");
    }
}

#[test]
fn what_the_operator_asks_for_is_in_the_log_of_the_agent_asked() {
    let said = |node: &str, text: &str| {
        let view = view(CONFLICT, node, 60 * SECOND, Level::Info);
        view.log.iter().filter(|l| l.text == text).count()
    };
    let forced = "agent: Force leaving node: n2";
    assert_eq!((said("n0", forced), said("n1", forced)), (1, 0));
    let joining = "agent: joining: [10.0.0.1:7946 10.0.0.2:7946 10.0.0.3:7946] replay: false";
    assert_eq!(said("late", joining), 1);
}

#[test]
fn a_view_ends_at_its_time_and_keeps_to_its_level() {
    let early = view(THREE, "n3", 20 * SECOND, Level::Debug);
    assert!(early.log.iter().all(|l| l.at <= 20 * SECOND));
    assert!(early.members[2].contains("leaving"), "{early}");
    let first = early.log.first().expect("a line").to_string();
    assert_eq!(first, "2000/01/01 00:00:00 [INFO] serf: EventMemberJoin: n3 10.0.0.3");
    let joining = "2000/01/01 00:00:05 [INFO] agent: joining: [10.0.0.1:7946] replay: false";
    assert!(early.log.iter().any(|l| l.to_string() == joining), "{early}");
    assert!(early.log.iter().any(|l| l.level == Level::Debug));
    let loud = view(THREE, "n3", 20 * SECOND, Level::Info);
    assert!(loud.log.iter().all(|l| l.level == Level::Info));
}

#[test]
fn after_its_end_no_agent_is_there_to_be_asked() {
    let gone = view(THREE, "n2", 40 * SECOND, Level::Info);
    assert!(!gone.running && gone.members.is_empty() && gone.info.is_empty());
    assert!(gone.to_string().ends_with("no agent runs here at this time\n"));
}

#[test]
fn without_serf_the_list_is_that_of_memberlist() {
    let text = "version: 1
name: plain
duration: 10s
cluster: {preset: memberlist-lan, nodes: 3}
timeline: [{at: 1s, crash: {nodes: node-2}}]
";
    let view = view(text, "node-0", 3 * SECOND, Level::Info);
    assert_eq!(view.members.len(), 3);
    assert!(view.members[2].starts_with("node-2  10.0.0.3:7946  "), "{view}");
    assert!(view.info.is_empty());
}

#[test]
fn a_name_that_nobody_has_is_answered_with_the_nearest() {
    let plan = Scenario::parse(THREE).and_then(|s| Ok(s.check()?)).expect("a scenario").plan;
    assert_eq!(slot_of(&plan, "n3"), Ok(2));
    assert_eq!(slot_of(&plan, "m3"), Err("no node is called `m3`; did you mean `n3`?".into()));
    let far = "no node is called `elsewhere`; the names go from n1 to n3";
    assert_eq!(slot_of(&plan, "elsewhere"), Err(far.into()));
}
