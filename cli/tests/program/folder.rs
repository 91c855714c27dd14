//! The run folder: what is in it, what it refuses, how it is rendered again.

use std::fs;

use crate::Shell;

fn names(shell: &Shell, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(shell.folder.join(folder)).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

const FILES: [&str; 8] = [
    "curves.csv",
    "junit.xml",
    "plots",
    "report.html",
    "report.json",
    "report.md",
    "samples.csv",
    "scenario.yaml",
];

#[test]
fn it_holds_everything_and_the_same_bytes_again() {
    let shell = Shell::new();
    let done = shell.run("run small.yaml --out deep/out");
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.err.contains("deep/out/report.html"), "{}", done.err);
    assert_eq!(names(&shell, "deep/out"), FILES);
    let plots = names(&shell, "deep/out/plots");
    assert!(plots.contains(&"detection.svg".to_owned()), "{plots:?}");
    assert!(!plots.iter().any(|p| p.contains(".png")), "{plots:?}");
    assert_eq!(shell.read("deep/out/report.json"), shell.run("run small.yaml --format json").out);

    // Again over itself, with PNGs; from the resolved scenario; and rendered anew.
    assert_eq!(shell.run("run small.yaml --out deep/out --png").code, 0);
    assert_eq!(names(&shell, "deep/out/plots").len(), 2 * plots.len());
    assert_eq!(shell.run("run deep/out/scenario.yaml --out second --quiet").code, 0);
    assert_eq!(shell.run("report deep/out --out third").code, 0);
    for other in ["second", "third"] {
        for file in FILES.into_iter().filter(|f| f.contains('.')) {
            let same =
                shell.read(&format!("deep/out/{file}")) == shell.read(&format!("{other}/{file}"));
            assert!(same, "{other}/{file}");
        }
        assert_eq!(names(&shell, &format!("{other}/plots")), plots);
        for plot in &plots {
            let of = |folder: &str| shell.read(&format!("{folder}/plots/{plot}"));
            assert_eq!(of("deep/out"), of(other), "{other}: {plot}");
        }
    }
}

#[test]
fn a_folder_of_somebody_else_is_refused_before_anything_runs() {
    let shell = Shell::new();
    fs::create_dir(shell.folder.join("mine")).expect("a folder");
    shell.write("mine/thesis.tex", "");
    let done = shell.run("run small.yaml --out mine");
    assert_eq!((done.code, done.out.as_str()), (2, ""));
    assert!(done.err.contains("no run folder; name a new folder"), "{}", done.err);
    assert_eq!(names(&shell, "mine"), ["thesis.tex"]);
    let done = shell.run("run small.yaml --out small.yaml");
    assert_eq!(done.code, 2);
    assert!(done.err.contains("it is a file"), "{}", done.err);
}

#[test]
fn a_report_is_rendered_again_in_any_format() {
    let shell = Shell::new();
    assert_eq!(
        shell.run("run small.yaml --out out --set thresholds.detection.first=[\"max<1ns\"]").code,
        99
    );
    for format in ["text", "json", "markdown", "csv", "junit", "openmetrics"] {
        let arguments = format!("--format {format}");
        let first = shell
            .run(&format!(
                "run small.yaml --set thresholds.detection.first=[\"max<1ns\"] {arguments}"
            ))
            .out;
        let again = shell.run(&format!("report out {arguments}"));
        assert_eq!((again.code, again.out), (0, first), "{format}");
    }
    for (arguments, says) in [
        ("report nowhere", "--out DIR"),
        ("report small.yaml", "not a report"),
        ("report out --format tex", "did you mean `text`?"),
    ] {
        let done = shell.run(arguments);
        assert_eq!(done.code, 2, "{arguments}");
        assert!(done.err.contains(says), "{arguments}: {}", done.err);
    }
    shell.write("out/report.json", "{\"schema\": \"wavetank.report/9\"}");
    assert!(shell.run("report out").err.contains("wavetank.report/9"));
}
