//! The reference of the format: its examples load, and it names every key, verb, preset and setting.

#![allow(clippy::unwrap_used, reason = "a test says so by panicking")]

use serde_json::Value;
use wavetank_scenarios::{Overrides, Source, load, schema};

const REFERENCE: &str = include_str!("../../docs/scenario-reference.md");
const CLUSTER: &str = "cluster: {groups: [{name: a, nodes: 12, labels: {zone: east}}, \
                       {name: b, nodes: 4, labels: {zone: west}}, \
                       {name: c, nodes: 2, start: stopped}]}\n";

#[test]
fn every_example_loads() {
    let examples: Vec<&str> = REFERENCE
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(examples.len() > 10);
    for example in examples {
        let mut text = String::new();
        if !example.lines().any(|line| line.starts_with("version:")) {
            text.push_str("version: 1\nname: t\nduration: 60s\n");
            if !example.contains("cluster:") {
                text.push_str(CLUSTER);
            }
        }
        text.push_str(example);
        if let Err(problems) = load(Source::new("example", &text), &Overrides::default()) {
            panic!("{problems}");
        }
    }
}

/// All names of properties and all words of enumerations.
fn words(schema: &Value, into: &mut Vec<String>) {
    match schema {
        Value::Object(fields) => {
            for (key, value) in fields {
                match (key.as_str(), value) {
                    ("properties", Value::Object(properties)) => {
                        into.extend(properties.keys().cloned());
                    }
                    ("enum", Value::Array(words)) => {
                        into.extend(words.iter().filter_map(|w| w.as_str()).map(str::to_owned));
                    }
                    _ => {}
                }
                words(value, into);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| words(item, into)),
        _ => {}
    }
}

#[test]
fn every_key_and_word_is_described() {
    let mut schema: Value = serde_json::from_str(&schema()).unwrap();
    // Metrics have a page of their own.
    schema["properties"]["thresholds"] = Value::Null;
    let mut all = Vec::new();
    words(&schema, &mut all);
    all.sort();
    all.dedup();
    let missing: Vec<&String> = all
        .iter()
        .filter(|word| {
            !REFERENCE
                .split(|c: char| !c.is_alphanumeric() && !"_-.$".contains(c))
                .any(|w| w == *word)
        })
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
