//! `run`: exit codes, streams, formats, options.

use std::io::Read;

use crate::{SMALL, Shell, fits};

#[test]
fn exit_codes_tell_how_it_went() {
    let shell = Shell::new();
    shell.write("bad.yaml", "version: 1\nname: x\nduration: 10\ncluster: {nodes: 2}\n");
    for (arguments, code, says) in [
        ("run small.yaml", 0, ""),
        ("run small.yaml --set thresholds.detection.first=[\"max<1ns\"]", 99, ""),
        (
            "run small.yaml --nodes 1000000 --set timeline[0].crash.nodes.pick=500000",
            1,
            "take fewer nodes",
        ),
        ("run bad.yaml", 2, "write `10s`"),
        ("run missing.yaml", 2, "wavetank scenarios new"),
        ("run zone-cut.yaml", 2, "built-in scenario is called `zone-cut`"),
        ("run zone-kut", 2, "did you mean `zone-cut`?"),
        ("run .", 2, "is a folder"),
        ("run small.yaml --seed 1 --seeds 2", 2, "cannot be used with"),
        ("run small.yaml --seeds 3..1", 2, "did you mean 1..3?"),
        ("run small.yaml --set gossip", 2, "PATH=VALUE"),
        ("run small.yaml --set cluster.config.gosip_nodes=1", 2, "did you mean `gossip_nodes`?"),
        ("run small.yaml --format tex", 2, "did you mean `text`?"),
        ("run small.yaml --preset consul-lam", 2, "consul-lan"),
        ("run small.yaml --jobs 0", 2, "--jobs"),
        ("run small.yaml --png", 2, "--out"),
        ("run small.yaml --view nod-3", 2, "did you mean `node-3`?"),
        ("run small.yaml --view node-3 --at 10", 2, "such as"),
        ("run small.yaml --at 10s", 2, "--view"),
        ("run small.yaml --view node-3 --log-level loud", 2, "debug, info, warn or err"),
        ("runn", 2, "run"),
    ] {
        let done = shell.run(arguments);
        assert_eq!(done.code, code, "{arguments}: {}", done.err);
        assert!(done.err.contains(says), "{arguments}: {}", done.err);
        assert_eq!(done.out.is_empty(), code == 1 || code == 2, "{arguments}: {}", done.out);
    }
}

#[test]
fn json_is_the_same_bytes_whatever_the_jobs() {
    let shell = Shell::new();
    let json = |arguments: &str| {
        let done = shell.run(&format!("run small.yaml --format json {arguments}"));
        assert_eq!((done.code, done.err.as_str()), (0, ""));
        done.out
    };
    let first = json("--jobs 1");
    assert_eq!(first, json("--jobs 1"));
    assert_eq!(first, json("--jobs 2"));
    assert_ne!(first, json("--seeds 4..6"));
    let value: serde_json::Value = serde_json::from_str(&first).expect("JSON");
    assert_eq!(value["schema"], "wavetank.report/1");
    assert_eq!(value["runs"].as_array().map(Vec::len), Some(3));
}

#[test]
fn every_format_goes_to_standard_output_alone() {
    let shell = Shell::new();
    for (format, start) in [
        ("text", "small"),
        ("json", "{"),
        ("markdown", "#"),
        ("csv", "metric,seed"),
        ("junit", "<?xml"),
        ("github", "wavetank small"),
        ("openmetrics", "#"),
    ] {
        let done = shell.run(&format!("run small.yaml --format {format}"));
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{format}");
        assert!(done.out.starts_with(start), "{format}: {}", done.out);
    }
}

#[test]
fn annotations_name_the_file_and_the_line() {
    let shell = Shell::new();
    shell.write("bad.yaml", &SMALL.replace("max < 25s", "max < 1ms"));
    let done = shell.run("run bad.yaml --format github");
    assert_eq!(done.code, 99);
    assert!(done.out.starts_with("::error file=bad.yaml,line=9,"), "{}", done.out);
    let builtin = shell.run(
        "run first-crash --seeds 1 --format github --set thresholds.detection.first=[\"max<1ns\"]",
    );
    assert!(!builtin.out.contains("file="), "{}", builtin.out);
}

#[test]
fn colours_only_where_wanted() {
    let shell = Shell::new();
    let colored = |arguments: &str, no_color: bool| {
        let mut command = shell.command(&format!("run small.yaml {arguments}"));
        if no_color {
            command.env("NO_COLOR", "1");
        }
        let output = command.output().expect("the program");
        output.stdout.contains(&0x1b)
    };
    assert!(!colored("", false), "not a terminal");
    assert!(colored("--color always", false));
    assert!(colored("--color always", true), "the option is more than the environment");
    assert!(!colored("--color never", false));
    assert!(!colored("--color auto", true));
    assert!(!colored("--color always --format json", false));
}

#[test]
fn a_scenario_may_come_from_anywhere() {
    let shell = Shell::new();
    let done = shell.run_with("run - --seed 2", SMALL);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.out.contains("seed 2"), "{}", done.out);
    let done = shell.run_with("run -", "version: 2\n");
    assert_eq!(done.code, 2);
    assert!(done.err.contains("<stdin>:1:10"), "{}", done.err);
    shell.write("quiet", SMALL);
    let done = shell.run("run quiet");
    assert!(done.out.starts_with("small"), "a file that exists");
    assert!(done.err.contains("not the built-in scenario"), "{}", done.err);
    let done = shell.run("run --nodes 5 --preset memberlist-local --loss 1% --latency 1ms --seeds 1 --set duration=14m30s");
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.err.contains("memberlist-local and 5 nodes"), "{}", done.err);
    let quiet = shell.run("run --nodes 5 --seeds 1 --quiet --loss 1");
    assert!(quiet.err.contains("`1%`") && !quiet.err.contains("note"), "{}", quiet.err);
}

#[test]
fn a_reader_who_goes_away_is_no_error() {
    let shell = Shell::new();
    let mut child = shell.command("trace first-crash --seed 1").spawn().expect("the program");
    let mut out = child.stdout.take().expect("its output");
    let mut some = [0; 16];
    out.read_exact(&mut some).expect("a start");
    drop(out);
    let output = child.wait_with_output().expect("its end");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn text_fits_a_terminal() {
    let shell = Shell::new();
    fits(&shell.run("run small.yaml").out);
    fits(&shell.run("run first-crash --seeds 9").out);
}

#[test]
fn a_view_is_what_an_operator_would_see() {
    let shell = Shell::new();
    let serf = SMALL.replace("memberlist-local", "serf-local");
    shell.write("serf.yaml", &serf);
    let done = shell.run("run serf.yaml --view node-3 --at 1s");
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.out.contains("$ serf members\nnode-0  10.0.0.1:7946  alive\n"), "{}", done.out);
    assert!(done.out.contains("\n$ serf info\n"), "{}", done.out);
    assert!(done.err.contains("--seed"), "{}", done.err);
}
