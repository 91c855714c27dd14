//! `trace`: lines, order, filters.

use serde_json::Value;

use crate::Shell;

fn lines(shell: &Shell, arguments: &str) -> Vec<Value> {
    let done = shell.run(&format!("trace small.yaml {arguments}"));
    assert_eq!(done.code, 0, "{}", done.err);
    done.out
        .lines()
        .map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}")))
        .collect()
}

#[test]
fn a_trace_is_json_lines_in_the_order_of_time() {
    let shell = Shell::new();
    let all = lines(&shell, "--seed 2");
    let time = |l: &Value| l["time_ns"].as_u64().expect("a time");
    assert!(all.windows(2).all(|pair| time(&pair[0]) <= time(&pair[1])));
    for kind in ["sent", "delivered", "timer", "state", "probe", "suspicion", "process", "script"] {
        assert!(all.iter().any(|l| l["kind"] == kind), "{kind}");
    }
    let crash = all.iter().find(|l| l["kind"] == "script").expect("the crash");
    assert_eq!((time(crash), &crash["event"]), (2_000_000_000, &"crash-1".into()));
    let victim = crash["nodes"][0].as_str().expect("a name");
    let dead = |l: &&Value| l["kind"] == "state" && l["new"] == "dead";
    let deaths: Vec<&Value> = all.iter().filter(dead).collect();
    assert_eq!(deaths.len(), 7, "everybody else");
    assert!(deaths.iter().all(|l| l["about"] == victim && time(l) > 2_000_000_000));
    assert!(all.iter().any(|l| l["head"] == "ping" && l["to"] == victim && l["bytes"].is_u64()));
}

#[test]
fn tracing_does_not_change_the_run_and_is_the_same_again() {
    let shell = Shell::new();
    assert_eq!(
        shell.run("trace small.yaml --seed 2").out,
        shell.run("trace small.yaml --seed 2").out
    );
    assert_ne!(
        shell.run("trace small.yaml --seed 2").out,
        shell.run("trace small.yaml --seed 3").out
    );
}

#[test]
fn filters_take_what_they_say() {
    let shell = Shell::new();
    let all = lines(&shell, "--seed 2");
    let count = |wanted: &dyn Fn(&Value) -> bool| all.iter().filter(|l| wanted(l)).count();
    let some = lines(&shell, "--seed 2 --kinds sent,lost --from 3s --to 4500ms");
    let time = |l: &Value| l["time_ns"].as_u64().unwrap_or(0);
    let within = |l: &Value| (3_000_000_000..=4_500_000_000).contains(&time(l));
    assert_eq!(some.len(), count(&|l| within(l) && (l["kind"] == "sent" || l["kind"] == "lost")));
    let node = lines(&shell, "--seed 2 --node node-3 --kinds state,sent");
    assert_eq!(
        node.len(),
        count(&|l| l["node"] == "node-3" && (l["kind"] == "state" || l["kind"] == "sent"))
    );
    let about = lines(&shell, "--seed 2 --about node-3");
    assert_eq!(about.len(), count(&|l| l.to_string().contains("\"node-3\"")));
    assert!(!some.is_empty() && !node.is_empty() && about.len() > node.len());
}

#[test]
fn bad_filters_are_refused() {
    let shell = Shell::new();
    for (arguments, says) in [
        ("--node nobody", "the names go from node-0 to node-7"),
        ("--from 5", "such as 10s"),
        ("--kinds sand", "sent"),
    ] {
        let done = shell.run(&format!("trace small.yaml {arguments}"));
        assert_eq!(done.code, 2, "{arguments}");
        assert!(done.err.contains(says), "{arguments}: {}", done.err);
    }
}

#[test]
fn serf_has_lines_of_its_own() {
    let shell = Shell::new();
    let serf = crate::SMALL.replace("memberlist-local", "serf-lan").replace(
        "thresholds:",
        "  - {at: 20s, query: {nodes: node-0, name: load, answer: {payload: ok}}}\nthresholds:",
    );
    shell.write("small.yaml", &serf);
    let all = lines(&shell, "--seed 2 --kinds serf");
    let count = |what: &str| all.iter().filter(|l| l["what"] == what).count();
    assert_eq!(count("member-failed"), 7, "everybody else");
    assert_eq!((count("asked"), count("responded"), count("query closed")), (1, 7, 1));
    let acked = |l: &&Value| l["what"] == "ack" && l["receipt"] == "in time";
    assert_eq!(all.iter().filter(acked).count(), 7);
}

#[test]
fn a_keyring_is_a_list_of_numbers_of_keys() {
    let shell = Shell::new();
    let rotated = crate::SMALL.replace("memberlist-local", "serf-lan, encryption: v1").replace(
        "thresholds:",
        "  - {at: 20s, rotate-key: {nodes: node-0, key: 3, operation: install}}\nthresholds:",
    );
    shell.write("small.yaml", &rotated);
    let all = lines(&shell, "--seed 2 --kinds serf");
    let rings: Vec<&Value> = all.iter().filter(|l| l["what"] == "keyring").collect();
    assert!(!rings.is_empty());
    assert!(rings.iter().all(|l| l["keys"] == serde_json::json!([0, 3])), "{rings:?}");
}
