//! Scenarios as text, for all integration tests.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::fmt::Write as _;

use wavetank_scenarios::{Overrides, Source, load};
use wavetank_sim_core::plan::Plan;

/// The plan of a scenario text; the test fails with the text where it is wrong.
pub fn plan(text: &str) -> Plan {
    match load(Source::new("test", text), &Overrides::default()) {
        Ok(scenario) => scenario.plan,
        Err(problems) => panic!("{problems}\n{text}"),
    }
}

/// A plan from the cluster, the network, the length and the timeline, in flow style.
pub fn small(cluster: &str, network: &str, duration: &str, timeline: &[&str]) -> Plan {
    plan(&text(cluster, network, duration, timeline))
}

/// The text of the same.
pub fn text(cluster: &str, network: &str, duration: &str, timeline: &[impl AsRef<str>]) -> String {
    let mut text = format!(
        "version: 1\nname: test\nduration: {duration}\ncluster: {{{cluster}}}\n\
         network: {{{network}}}\n"
    );
    text.push_str(if timeline.is_empty() { "timeline: []\n" } else { "timeline:\n" });
    for entry in timeline {
        let _ = writeln!(text, "  - {{{}}}", entry.as_ref());
    }
    text
}
