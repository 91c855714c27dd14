//! Scenarios that are refused, with the exact words in which they are.
//!
//! `tests/bad/*.txt` hold cases: a title after `## `, options after `$ `, YAML, a line `---`, the problems. A
//! case without `version:` gets [`HEAD`] in front, one without `cluster:` also [`CLUSTER`].
//! `UPDATE_EXPECT=1 cargo test` rewrites the problems; read the difference before keeping it.

#![allow(clippy::unwrap_used, reason = "a test says so by panicking")]

use std::{env, fmt::Write as _, fs, path::Path};

use serde_json::Value;
use wavetank_scenarios::{Overrides, Source, load, schema};
use wavetank_sim_core::observe::METRICS;

const HEAD: &str = "version: 1\nname: t\nduration: 60s\n";
const CLUSTER: &str = "cluster: {groups: [{name: a, nodes: 12, labels: {zone: east, rack: r1}}, \
                       {name: b, nodes: 4, labels: {zone: west}}]}\n";

fn overrides(line: &str, into: &mut Overrides) {
    let (option, value) = line.split_once(' ').unwrap();
    match option {
        "--set" => {
            let (path, value) = value.split_once('=').unwrap();
            into.set.push((path.to_owned(), value.to_owned()));
        }
        "--nodes" => into.nodes = Some(value.parse().unwrap()),
        "--seed" => into.seed = Some(value.parse().unwrap()),
        other => panic!("{other}"),
    }
}

/// What a case's scenario is answered with.
fn answer(case: &str) -> String {
    let mut options = Overrides::default();
    let mut body = String::new();
    for line in case.lines() {
        match line.strip_prefix("$ ") {
            Some(option) => overrides(option, &mut options),
            None => writeln!(body, "{line}").unwrap(),
        }
    }
    let mut text = String::new();
    let whole = body.lines().any(|l| l.starts_with("version:") || l.contains("# version"));
    if !whole && !body.starts_with("- ") {
        text.push_str(HEAD);
        if !body.contains("cluster:") {
            text.push_str(CLUSTER);
        }
    }
    text.push_str(&body);
    let files = |name: &str| match name {
        "short.txt" => Ok("50% 1ms\n90% 2ms\n".to_owned()),
        "wrong.txt" => Ok("# measured\n50% 1ms\n90\n".to_owned()),
        _ => Err("no such file".to_owned()),
    };
    match load(Source::new("t.yaml", &text).with_files(&files), &options) {
        Ok(scenario) => format!("loads\n{}", scenario.warnings),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn refusals_of_every_key() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    let update = env::var_os("UPDATE_EXPECT").is_some();
    let mut failures = String::new();
    let mut count = 0;
    let mut all = String::new();
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let mut new = String::new();
        for case in text.split("## ").skip(1) {
            count += 1;
            let (title, case) = case.split_once('\n').unwrap();
            let (given, wanted) = case.split_once("\n---\n").unwrap_or((case.trim_end(), ""));
            let answer = answer(given);
            all.push_str(given);
            writeln!(new, "## {title}\n{given}\n---\n{}\n", answer.trim_end()).unwrap();
            assert!(
                !answer.starts_with("loads") || title.starts_with("doubt"),
                "{title}: {answer}"
            );
            if wanted.trim() != answer.trim() {
                let name = path.file_name().unwrap().to_string_lossy();
                writeln!(failures, "{name}, {title}:\n{answer}\n").unwrap();
            }
        }
        if update {
            fs::write(&path, format!("{}\n", new.trim_end())).unwrap();
        }
    }
    assert!(count > 200, "{count} cases");
    assert!(update || failures.is_empty(), "{failures}");
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    let mut keys = Vec::new();
    properties(&schema, &mut keys);
    let words: Vec<&str> =
        all.split(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-')).collect();
    keys.retain(|key| !words.contains(&key.as_str()) && !key.contains('.'));
    keys.retain(|key| METRICS.iter().all(|m| m.name != key));
    assert!(keys.is_empty(), "no case for {keys:?}");
}

/// All keys that the schema knows.
fn properties(schema: &Value, into: &mut Vec<String>) {
    let values: Vec<&Value> = match schema {
        Value::Object(fields) => fields.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => return,
    };
    if let Some(Value::Object(keys)) = schema.get("properties") {
        into.extend(keys.keys().cloned());
    }
    for value in values {
        properties(value, into);
    }
}
