//! Ctrl-C: what is finished is kept.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    process::Command,
};

use serde_json::Value;

use crate::Shell;

/// Interrupts a long run after its first words and `work` pieces of other work; what it printed, if a run
/// was finished by then.
fn interrupted(shell: &Shell, work: usize) -> Option<(String, String)> {
    // Into a file: nobody reads a pipe while the other one is read.
    let out = File::create(shell.folder.join("out.json")).expect("a file");
    let mut child = shell
        .command("run --nodes 8 --seeds 1000000 --jobs 1 --format json --out out")
        .stdout(out)
        .spawn()
        .expect("the program");
    let mut err = BufReader::new(child.stderr.take().expect("its words"));
    let mut first = String::new();
    err.read_line(&mut first).expect("a line");
    assert!(first.contains("no scenario named"), "{first}");
    for _ in 0..work {
        assert_eq!(shell.run("run small.yaml").code, 0);
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill").success());
    let mut rest = String::new();
    err.read_to_string(&mut rest).expect("its words");
    assert_eq!(child.wait().expect("its end").code(), Some(130), "{rest}");
    assert!(rest.contains("interrupted: "), "{rest}");
    let out = shell.read("out.json");
    (!out.is_empty()).then_some((out, rest))
}

#[test]
fn an_interrupt_keeps_the_finished_runs() {
    let shell = Shell::new();
    let found = (0..12).find_map(|power| interrupted(&shell, 1 << power));
    let (out, err) = found.expect("a finished run");
    let report: Value = serde_json::from_str(&out).expect("JSON");
    let runs = report["runs"].as_array().expect("runs");
    assert!(err.contains(&format!("interrupted: {} of 1000000 runs", runs.len())), "{err}");
    let seeds: Vec<u64> = runs.iter().filter_map(|r| r["seed"].as_u64()).collect();
    assert_eq!(seeds, (1..=runs.len() as u64).collect::<Vec<_>>(), "the first ones");
    assert_eq!(shell.read("out/report.json"), out);
}
