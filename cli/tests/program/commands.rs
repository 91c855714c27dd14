//! The other commands: check, scenarios, schema, formulas, completions, man, help.

use serde_json::Value;

use crate::{SMALL, Shell, fits};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

#[test]
fn check_says_what_would_run_and_simulates_nothing() {
    let shell = Shell::new();
    let done = shell.run("check small.yaml zone-cut");
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    fits(&done.out);
    for part in [
        "✓ small (small.yaml)",
        "crash 1 of 8 nodes [crash-1]",
        "3 seeds (1 to 3)",
        "memory      about",
        "a 40 (zone east), b 24 (zone west)",
        "40 s, for 4 s: cut 24 nodes of b | the rest",
    ] {
        assert!(done.out.contains(part), "{part}: {}", done.out);
    }
    // A year of ten thousand nodes is checked in no time.
    let done = shell.run("check small.yaml --nodes 10000 --set duration=8760h --format json");
    let all = json(&done.out);
    assert_eq!(all[0]["nodes"], 10_000);
    assert!(all[0]["memory_bytes"].as_u64() > Some(10_000_000), "{all}");
}

#[test]
fn check_breaks_long_entries_before_the_edge() {
    let shell = Shell::new();
    // Second lines of all lengths around the greatest.
    let ids: Vec<String> = (34..46).map(|len| "r".repeat(len)).collect();
    let entry = |id: &String| {
        format!(
            "  - {{at: 5s, id: {id}, rolling-restart: {{nodes: all, parallel: 2, every: 1500ms, down: 250ms, \
             leave: true}}}}\n"
        )
    };
    let entries: String = ids.iter().map(entry).collect();
    shell.write("long.yaml", &SMALL.replace("thresholds:", &format!("{entries}thresholds:")));
    let done = shell.run("check long.yaml");
    assert!(ids.iter().all(|id| done.out.contains(&format!("[{id}]\n"))), "{}", done.err);
    fits(&done.out);
}

#[test]
fn check_goes_on_after_an_invalid_scenario() {
    let shell = Shell::new();
    shell.write("bad.yaml", "version: 1\nname: x\nduration: 10\ncluster: {nodes: 0}\n");
    let done = shell.run("check bad.yaml small.yaml nowhere");
    assert_eq!(done.code, 2);
    assert!(done.out.contains("✓ small"), "{}", done.out);
    for part in ["bad.yaml:3:11", "bad.yaml:4:", "`nowhere`", "2 of 3 invalid"] {
        assert!(done.err.contains(part), "{part}: {}", done.err);
    }
    let done = shell.run("check bad.yaml small.yaml --format json");
    let all = json(&done.out);
    assert_eq!((done.code, &all[0]["valid"], &all[1]["valid"]), (2, &false.into(), &true.into()));
    assert_eq!(all[0]["errors"][0]["line"], 3);
}

#[test]
fn the_library_is_listed_shown_and_copied() {
    let shell = Shell::new();
    let list = shell.run("scenarios").out;
    fits(&list);
    assert_eq!(list, shell.run("scenarios list").out);
    let all = json(&shell.run("scenarios list --format json").out);
    for entry in all.as_array().expect("a list") {
        let name = entry["name"].as_str().expect("a name");
        assert!(list.contains(name), "{name}");
        let shown = shell.run(&format!("scenarios show {name}")).out;
        assert!(shown.contains(&format!("name: {name}")), "{name}");
        assert_eq!(shell.run(&format!("scenarios copy {name}")).code, 0);
        assert_eq!(shell.read(&format!("{name}.yaml")), shown);
        assert_eq!(shell.run(&format!("check {name}.yaml")).code, 0);
    }
    let again = shell.run("scenarios copy quiet");
    assert_eq!(again.code, 2);
    assert!(again.err.contains("is there already"), "{}", again.err);
    assert_eq!(shell.run("scenarios copy quiet other.yaml").code, 0);
    assert!(shell.run("scenarios show quite").err.contains("did you mean `quiet`?"));
}

#[test]
fn a_new_scenario_is_written_from_answers() {
    let shell = Shell::new();
    let done = shell.run("scenarios new first.yaml");
    assert_eq!(done.code, 0, "all defaults: {}", done.err);
    let answers = "pool\nconsul-wan\n9\n3\n2%\ncrash update restart partition pause\n";
    let done = shell.run_with("scenarios new", answers);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.out.contains("wavetank run pool.yaml"), "{}", done.out);
    let text = shell.read("pool.yaml");
    for part in ["preset: consul-wan", "loss: 2%", "{name: c, nodes: 3", "partition:", "pause:"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for file in ["first.yaml", "pool.yaml"] {
        let done = shell.run(&format!("run {file} --seeds 2"));
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{file}: {}", done.out);
    }
    for (answers, says) in [
        ("a b\n", "letters, digits"),
        ("x\nconsul\n", "no preset is called `consul`"),
        ("x\n\n1\n", "from 2 on"),
        ("x\n\n3\n4\n", "cannot fill 4 zones"),
        ("x\n\n\n\nlots\n", "a share such as 1%"),
        ("x\n\n\n\n\nflood\n", "`flood` is none of crash"),
    ] {
        let done = shell.run_with("scenarios new other.yaml", answers);
        assert_eq!(done.code, 2, "{answers}");
        assert!(done.err.contains(says), "{answers}: {}", done.err);
    }
}

#[test]
fn formulas_answer_as_the_published_table() {
    let shell = Shell::new();
    let done = shell.run("formulas --nodes 200");
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    fits(&done.out);
    // Nodes, copies, suspicion in milliseconds, confirmations, push/pull in seconds, ticks.
    for (nodes, copies, min, max, confirmations, period, ticks) in [
        (3, 4, 4_000, 24_000, 0, 30, 2),
        (4, 4, 4_000, 24_000, 2, 30, 2),
        (99, 8, 7_980, 47_880, 2, 90, 3),
        (100, 12, 8_000, 48_000, 2, 90, 4),
        (1_000, 16, 12_000, 72_000, 2, 180, 6),
        (100_000, 24, 20_000, 120_000, 2, 390, 8),
    ] {
        let all = json(&shell.run(&format!("formulas --nodes {nodes} --format json")).out);
        let of = |key: &str| all[key].as_u64();
        assert_eq!(of("retransmit_limit"), Some(copies), "{nodes}");
        assert_eq!(of("suspicion_min_ns"), Some(min * 1_000_000), "{nodes}");
        assert_eq!(of("suspicion_max_ns"), Some(max * 1_000_000), "{nodes}");
        assert_eq!(of("confirmations"), Some(confirmations), "{nodes}");
        assert_eq!(of("push_pull_period_ns"), Some(period * 1_000_000_000), "{nodes}");
        assert_eq!(of("ticks"), Some(ticks), "{nodes}");
    }
    let changed =
        json(&shell.run("formulas --set cluster.config.suspicion_mult=6 --format json").out);
    assert_eq!(changed["suspicion_timeouts_ns"].as_array().map(Vec::len), Some(5));
    assert!(shell.run("formulas --format markdown").out.contains("| nodes | copies |"));
    assert_eq!(shell.run("formulas --preset nobody").code, 2);
    assert_eq!(shell.run("formulas --set cluster.config.suspicion_mul=6").code, 2);
}

#[test]
fn small_address_sizes_match_the_cost_model() {
    let shell = Shell::new();
    let all =
        json(&shell.run("formulas --nodes 100 --set cluster.address_bytes=4 --format json").out);
    assert_eq!(all["alives_per_packet"], 20);
    assert_eq!(all["suspects_per_packet"], 28);
    assert_eq!(all["packets_per_second"], 2.0);
}

#[test]
fn schema_completions_and_man_page_are_whole() {
    let shell = Shell::new();
    let schema = json(&shell.run("schema").out);
    assert!(schema["properties"]["cluster"].is_object());
    for shell_name in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let done = shell.run(&format!("completions {shell_name}"));
        assert!(done.code == 0 && done.out.contains("scenarios"), "{shell_name}");
    }
    assert_eq!(shell.run("completions tcsh").code, 2);
    let man = shell.run("man").out;
    for part in
        [".TH wavetank 1", ".SH WAVETANK RUN", ".SH WAVETANK SCENARIOS COPY", "first\\-crash"]
    {
        assert!(man.contains(part), "{part}");
    }
}

#[test]
fn every_command_has_help_with_examples() {
    let shell = Shell::new();
    for command in ["", "run", "check", "scenarios", "formulas", "report", "trace", "completions"] {
        let done = shell.run(&format!("{command} --help"));
        assert_eq!(done.code, 0, "{command}");
        assert!(done.out.contains("Examples:"), "{command}");
        fits(&done.out);
    }
    let done = shell.run("");
    assert_eq!(done.code, 2, "no command is a usage error");
    assert!(shell.run("--version").out.starts_with("wavetank 0."));
}

#[test]
fn warnings_do_not_stop_anything() {
    let shell = Shell::new();
    shell.write("late.yaml", &SMALL.replace("at: 2s", "at: 31s"));
    let done = shell.run("check late.yaml");
    assert_eq!(done.code, 2, "an entry after the end is an error: {}", done.err);
    assert!(done.err.contains("late.yaml:7"), "{}", done.err);
}
