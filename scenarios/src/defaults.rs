//! The scenario that runs when no file is named.

use crate::{Overrides, Problems, Scenario, Source, load};

/// A sensible scenario for some settings and a number of nodes: a quiet stretch in which every accusation is
/// a false positive, then a crash, then a change of metadata. `loss` and `latency` are written as in a
/// file's `network`. Errors are those of the resulting text.
pub fn default_scenario(
    preset: &str,
    nodes: u32,
    loss: Option<&str>,
    latency: Option<&str>,
) -> Result<Scenario, Problems> {
    let mut overrides = Overrides::default();
    let mut set = |path: &str, value: &str| overrides.set.push((path.to_owned(), value.to_owned()));
    set("cluster.preset", preset);
    set("cluster.nodes", &nodes.to_string());
    if let Some(loss) = loss {
        set("network.loss", loss);
    }
    if let Some(latency) = latency {
        set("network.latency", latency);
    }
    load(Source::new("default", TEXT), &overrides)
}

/// Timers of the slowest profile fit into these times.
const TEXT: &str = "\
version: 1
name: default
description: Ten quiet minutes, then one node crashes, then another changes its metadata.
seeds: 10
duration: 15m
cluster:
  preset: memberlist-lan
  nodes: 64
timeline:
  - {at: 10m, id: crash, crash: {nodes: {pick: 1, as: victim}}}
  - {at: {from: 14m, to: 14m10s}, id: change, update: {nodes: {pick: 1}, meta_bytes: 64}}
";
