//! Whatever text comes in, an answer comes out: no panic, no endless run, no deep recursion.

#![allow(clippy::unwrap_used, reason = "a test says so by panicking")]

use std::fmt::Write as _;

use proptest::prelude::*;
use wavetank_scenarios::{Overrides, Source, library, load};

fn survives(text: &str, overrides: &Overrides) {
    match load(Source::new("t.yaml", text), overrides) {
        Ok(scenario) => {
            scenario.resolved();
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            for problem in &problems.0 {
                assert!(problem.line > 0 && problem.column > 0);
                problem.render(true);
            }
            assert!(!problems.to_string().is_empty());
        }
    }
}

#[test]
fn bombs_are_refused() {
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for i in 1..12 {
        let one = format!("*a{}", i - 1);
        writeln!(laughs, "a{i}: &a{i} [{}]", [one.as_str(); 10].join(", ")).unwrap();
    }
    let mut chain = String::from("a0: &a0 [x]\n");
    for i in 1..5_000 {
        writeln!(chain, "a{i}: &a{i} [*a{}]", i - 1).unwrap();
    }
    let mut keys = String::new();
    for i in 0..100_000 {
        writeln!(keys, "k{i}: {i}").unwrap();
    }
    for text in [
        laughs,
        chain,
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
        "? ".repeat(100_000),
        "a: &a [*a]".to_owned(),
        "&a a: *a".to_owned(),
        format!("version: {}", "1".repeat(1_000_000)),
        keys,
        format!("version: 1\ntimeline: [{}]", "{at: 1, crash: x}, ".repeat(9_000)),
    ] {
        survives(&text, &Overrides::default());
    }
}

/// Pieces that lead deep into the readers.
const PIECES: &[&str] = &[
    "version: 1\n",
    "name: t\n",
    "duration: 60s\n",
    "cluster: ",
    "{nodes: 3}",
    "groups: ",
    "- ",
    "\n",
    "  ",
    "{",
    "}",
    "[",
    "]",
    ": ",
    ", ",
    "timeline:\n",
    "at: 1s",
    "crash: ",
    "node-0",
    "all",
    "rest",
    "pick: 1",
    "as: x",
    "picked: x",
    "every: ",
    "after: {event: x}",
    "network: ",
    "latency: ",
    "links: ",
    "between: ",
    "loss: ",
    "5%",
    "config: ",
    "label: ",
    "&a ",
    "*a",
    "!!str ",
    "\"",
    "'",
    "# ",
    "|\n",
    ">",
    "\t",
    "\u{85}",
    "\u{feff}",
    "é",
    "🦀",
    "\r\n",
    "---\n",
    "...\n",
    "? ",
    "~",
    "thresholds: ",
    "detection.all",
    "max < 5s",
    "set-config: ",
    "encryption: {keys: [1]}",
    "-1",
    "0",
    "99999999999999999999",
    "1e400",
    "<<",
    "id: x",
    "partition: ",
    "names: '{index}'",
    "{preset: serf-lan, nodes: 3, tags: {a: b}, config: {snapshot: true}}",
    "meta_bytes: 9",
    "user-event: ",
    "query: {nodes: node-0, name: ",
    "filters: {nodes: all, tags: {a: '('}}",
    "payload_bytes: 65536",
    "answer: ",
    "set-tags: {nodes: all, tags: {a: b}, delete: ",
    "force-leave: ",
    "rotate-key: {key: 1}",
    "name_of: node-0",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in any::<String>()) {
        survives(&text, &Overrides::default());
    }

    #[test]
    fn any_pieces(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        survives(&pieces.concat(), &Overrides::default());
    }

    #[test]
    fn a_scenario_with_a_wound(
        builtin in prop::sample::select(library::list()),
        at in any::<prop::sample::Index>(),
        cut in 0usize..20,
        piece in prop::sample::select(PIECES),
        nodes in prop::option::of(any::<u32>()),
    ) {
        let chars: Vec<char> = builtin.text.chars().collect();
        let at = at.index(chars.len());
        let end = (at + cut).min(chars.len());
        let text: String =
            chars[..at].iter().copied().chain(piece.chars()).chain(chars[end..].iter().copied()).collect();
        survives(&text, &Overrides { nodes, ..Overrides::default() });
    }

    #[test]
    fn any_option(path in "[a-z_.\\[\\]0-9]{0,30}", value in any::<String>()) {
        let set = vec![(path, value.clone()), ("timeline[0].at".to_owned(), value.clone()), ("cluster".to_owned(), value)];
        survives(library::list()[0].text, &Overrides { set, ..Overrides::default() });
    }
}
