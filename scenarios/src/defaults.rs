//! The scenario that runs when no file is named.

use crate::{Overrides, Problems, Scenario, Source, load};

/// A quiet stretch of so many node-minutes over all runs bounds the rate of false positives well; more
/// only takes longer.
const QUIET: u64 = 6_400;

/// A sensible scenario for some settings and a number of nodes: a quiet stretch in which every accusation is
/// a false positive, then a crash, then a change of metadata. `loss` and `latency` are written as in a
/// file's `network`. Errors are those of the resulting text.
pub fn default_scenario(
    preset: &str,
    nodes: u32,
    loss: Option<&str>,
    latency: Option<&str>,
) -> Result<Scenario, Problems> {
    let text = default_text(preset, nodes, loss, latency);
    load(Source::new("default", &text), &Overrides::default())
}

/// The text of [`default_scenario`], to be loaded with changes.
///
/// The quiet stretch is the shorter the more nodes there are, from ten minutes to one.
pub fn default_text(preset: &str, nodes: u32, loss: Option<&str>, latency: Option<&str>) -> String {
    const SEEDS: u64 = 10;
    let quiet = (QUIET / SEEDS / u64::from(nodes.max(1))).clamp(1, 10);
    let mut network = String::new();
    for (key, value) in [("latency", latency), ("loss", loss)] {
        if let Some(value) = value {
            network.extend(["  ", key, ": ", &one_line(value), "\n"]);
        }
    }
    if !network.is_empty() {
        network.insert_str(0, "network:\n");
    }
    // The slowest profile needs two minutes and a half from a crash to everybody's verdict.
    let (change, end) = (quiet + 4, quiet + 5);
    let preset = one_line(preset);
    format!(
        "version: 1
name: default
description: A quiet stretch, then one node crashes, then another changes its metadata.
seeds: {SEEDS}
duration: {end}m
cluster:
  preset: {preset}
  nodes: {nodes}
{network}timeline:
  - {{at: {{from: {quiet}m, to: {quiet}m5s}}, id: crash, crash: {{nodes: {{pick: 1, as: victim}}}}}}
  - {{at: {{from: {change}m, to: {change}m5s}}, id: change, update: {{nodes: {{pick: 1}}, meta_bytes: 64}}}}
"
    )
}

/// A value from the command line cannot bring lines of its own.
fn one_line(value: &str) -> String {
    value.replace(['\n', '\r'], " ")
}
