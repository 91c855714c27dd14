//! What is measured of Serf's layer, on whole runs.

use wavetank::{Report, Scenario};

fn run(cluster: &str, duration: &str, timeline: &str) -> Report {
    let text = format!(
        "version: 1\nname: t\nduration: {duration}\ncluster: {cluster}\ntimeline:\n{timeline}"
    );
    Scenario::parse(&text).expect("a valid scenario").run().expect("a run")
}

const LAN: &str = "{preset: serf-lan, nodes: 16}";

#[test]
fn events_and_answers_are_counted_once_for_each_who_counts() {
    let report = run(
        LAN,
        "40s",
        "  - {at: 2s, user-event: {nodes: {pick: 1}, name: deploy}, every: 3s, times: 2}
  - {at: 10s, query: {nodes: {pick: 1}, name: load, answer: {payload: ok}}}
  - {at: 12s, query: {nodes: {pick: 1}, name: load, ack: false, relay_factor: 2, answer: {payload: ok}}}
",
    );
    report.assert("event.t100", "count == 2");
    report.assert("event.t100", "max < 3s");
    report.assert("event.missed", "count == 0");
    report.assert("serf.events", "count == 32");
    report.assert("query.t100", "count == 2");
    // The asker of the first acknowledges its own query; the second asks for no acks.
    report.assert("query.acks", "count == 16");
    report.assert("query.ack.time", "count == 16");
    report.assert("query.responses", "count == 32");
    report.assert("query.response.time", "max < 5s");
    assert!(report.metric("query.duplicates").count() > 0, "relays bring copies");
    report.assert("serf.handler.query", "count == 32");
}

#[test]
fn leaves_and_crashes_in_the_middle_of_a_leave_keep_the_books() {
    let report = run(
        LAN,
        "60s",
        "  - {at: 5s, leave: {nodes: node-01}}
  - {at: 5s, set-tags: {nodes: node-01, tags: {a: b}}}
  - {at: 5100ms, set-tags: {nodes: node-02, tags: {a: b}}}
  - {at: 10s, leave: {nodes: node-03}}
  - {at: 10100ms, crash: {nodes: node-03}}
  - {at: 20s, leave: {nodes: node-04}}
  - {at: 20100ms, leave: {nodes: node-04}}
  - {at: 40s, restart: {nodes: node-03}}
",
    );
    report.assert("convergence", "max < 10s");
    report.assert("stuck_leaving", "count == 0");
}

#[test]
fn a_leave_counts_as_failed_once_when_its_intent_came_too_late() {
    let crashed = "  - {at: 5s, leave: {nodes: node-01}}
  - {at: 5001ms, crash: {nodes: node-01}}
  - {at: 10s, leave: {nodes: node-02}}
";
    let report = run(LAN, "60s", crashed);
    report.assert("left_as_failed", "count == 1");
    report.assert("serf.member.failed", "count >= 14");
}

#[test]
fn members_held_failed_come_back_by_the_reconnector() {
    let report = run(
        LAN,
        "400s",
        "  - {at: 10s, for: 120s, id: cut, partition: {groups: [{nodes: {pick: 4}}, rest]}}
  - {at: 300s, crash: {nodes: node-05}}
  - {at: 330s, restart: {nodes: node-05}}
"
        .replace("{nodes: {pick: 4}}", "{pick: 4}")
        .as_str(),
    );
    report.assert("heal", "max < 60s");
    assert_eq!(report.metric("reconnect.time").count(), 17, "sixteen of the cut and the restarted");
    report.assert("reconnect.time", "max < 60s");
    report.assert("clock.member.skew", "max < 20");
}

#[test]
fn without_serf_nothing_of_serf_is_reported() {
    let report = run("{preset: memberlist-lan, nodes: 4}", "10s", "  - {at: 1s, crash: node-1}\n");
    let names: Vec<_> = report.metrics.iter().map(|(name, _)| name).collect();
    let of_serf =
        |n: &&str| n.starts_with("serf.") || n.starts_with("event.") || n.starts_with("clock.");
    assert_eq!(names.into_iter().find(of_serf), None);
    assert!(report.curves.iter().all(|(name, _)| !name.starts_with("queue.intent")));
}
