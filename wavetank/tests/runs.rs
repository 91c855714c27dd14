//! Runs do not depend on how they are run, and failures say how to see them again.

use std::{
    panic::catch_unwind,
    sync::atomic::{AtomicBool, Ordering},
};

use wavetank::{Format, Options, Progress, RenderOptions, Scenario, watch::Nobody};

const SMALL: &str = "version: 1
name: small
seeds: 5
duration: 30s
cluster: {preset: memberlist-local, nodes: 8}
timeline:
  - {at: 2s, crash: {nodes: {pick: 1}}}
thresholds:
  detection.all:
    - \"max < 25s\"
    - \"min > 1s\"
  false_positives: [\"count == 0\"]
";

fn small() -> Scenario {
    Scenario::parse(SMALL).expect("a scenario")
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let json = |jobs| {
        let report = small().run_with(Options { jobs, ..Options::default() }).expect("a report");
        report.render(Format::Json, &RenderOptions::default())
    };
    let one = json(1);
    assert_eq!(one, json(2));
    assert_eq!(one, json(7));
}

#[test]
fn looking_up_changes_nothing() {
    let report = small().run().expect("a report");
    for run in &report.runs {
        let (outcome, _) = small().seed(run.seed).watch(run.seed, Nobody).expect("a run");
        assert_eq!(outcome.digest, run.digest, "seed {}", run.seed);
    }
}

#[test]
fn progress_reaches_the_end_and_a_stop_keeps_what_is_finished() {
    let stop = AtomicBool::new(false);
    let show = |p: Progress| {
        assert!(p.simulated <= p.whole && p.finished <= p.runs);
        if p.finished == 3 {
            stop.store(true, Ordering::Relaxed);
        }
    };
    let options = Options { jobs: 1, progress: Some(&show), stop: Some(&stop) };
    let report = small().run_with(options).expect("a report");
    let seeds: Vec<u64> = report.runs.iter().map(|r| r.seed).collect();
    assert_eq!((seeds, report.wanted_runs()), (vec![1, 2, 3], 5));
    let text = report.render(Format::Text, &RenderOptions::default());
    assert!(text.contains("stopped after 3 of 5 runs"), "{text}");
}

#[test]
fn a_failed_assertion_prints_scenario_and_command() {
    let report =
        small().set("thresholds.detection.all", "[\"max < 1ms\"]").run().expect("a report");
    let panic = catch_unwind(|| report.assert_passed()).expect_err("a failed threshold");
    let text = panic.downcast_ref::<String>().expect("a message");
    for part in
        ["`small`: 1 of 2", "max < 1ms", "wavetank run small.yaml --seed 1", "gossip_interval:"]
    {
        assert!(text.contains(part), "{part} in {text}");
    }
    let file = text.split_once("\n\n").expect("the file").1;
    let again = Scenario::parse(file).expect("what was printed").seed(1).run().expect("a report");
    assert!(!again.passed());
    assert_eq!(again.runs[0].digest, report.runs[0].digest);
}

#[test]
fn changes_are_checked_and_errors_say_what_to_write() {
    let error = |s: Scenario| s.run().expect_err("an error").to_string();
    assert!(
        error(small().set("cluster.config.gosip_nodes", 2)).contains("did you mean `gossip_nodes`")
    );
    assert!(error(small().set("duration", "soon")).contains("--set"));
    let unknown = Scenario::builtin("zone-cutt").expect_err("an error").to_string();
    assert!(unknown.contains("did you mean `zone-cut`"), "{unknown}");
    let report = small().nodes(4).seeds(7..9).run().expect("a report");
    assert_eq!(report.runs.iter().map(|r| r.seed).collect::<Vec<_>>(), [7, 8]);
}

#[test]
fn thresholds_know_their_lines() {
    let checked = small().check().expect("a plan");
    assert_eq!(small().threshold_lines(&checked.thresholds), [10, 11, 12]);
    let builtin = Scenario::builtin("zone-cut").expect("a scenario");
    let lines = builtin.threshold_lines(&builtin.check().expect("a plan").thresholds);
    let text: Vec<&str> = builtin.text().lines().collect();
    assert!(lines.iter().all(|&l| l > 0 && text[l as usize - 1].contains('"')), "{lines:?}");
}
