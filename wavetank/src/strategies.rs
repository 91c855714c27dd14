//! Proptest strategies: clusters, fault schedules, whole scenarios.
//!
//! All of them make text: a value's `Debug` form is what stands in a scenario file, so a failing case of
//! proptest prints the (shrunken) file that shows it again. Clusters are small and their timers short, so a
//! run takes milliseconds; every fault ends, so a cluster that works gets well again before the end.
//!
//! ```
//! use proptest::prelude::*;
//! use wavetank::strategies::{Cluster, scenarios_on};
//!
//! let mine = Cluster::new("{preset: consul-dev, nodes: 5}");
//! proptest!(ProptestConfig::with_cases(4), |(scenario in scenarios_on(Just(mine.clone())))| {
//!     scenario.run().unwrap().assert("missed", "count == 0");
//! });
//! ```

use std::fmt::{self, Write};

use proptest::{collection::vec, prelude::*, sample::select};

use crate::Scenario;

/// When the first fault may happen, in milliseconds.
const EARLIEST: u32 = 1_000;
/// Before this all faults have ended, in milliseconds.
const LATEST: u32 = 20_000;
/// Simulated time: after the last fault a slow cluster of these sizes still finishes a suspicion of
/// `suspicion_mult` 6 and a few rounds of push/pull, in milliseconds.
const DURATION: u32 = 120_000;

/// The `cluster` of a scenario file, in flow style.
#[derive(Clone, PartialEq, Eq)]
pub struct Cluster {
    text: String,
}

impl Cluster {
    /// From what stands behind `cluster:` in a scenario file, for example
    /// `{preset: consul-lan, nodes: 5, config: {gossip_interval: 100ms}}`. It is checked when a scenario
    /// with it is.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }

    /// The text behind `cluster:`.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cluster: {}", self.text)
    }
}

/// The entries of a `timeline`, in flow style, by ascending time of their start.
#[derive(Clone, PartialEq, Eq)]
pub struct Faults {
    entries: Vec<(u32, String)>,
}

impl Faults {
    /// No faults.
    pub fn none() -> Self {
        Self { entries: Vec::new() }
    }

    /// The entries as they stand in a scenario file, without the dash.
    pub fn entries(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(_, text)| text.as_str())
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("timeline:")?;
        if self.entries.is_empty() {
            return f.write_str(" []");
        }
        self.entries().try_for_each(|entry| write!(f, "\n  - {entry}"))
    }
}

/// Small clusters with short timers: 4 to 24 nodes in one or two zones, settings that converge quickly.
pub fn clusters() -> impl Strategy<Value = Cluster> {
    let config = (
        select(vec![50_u32, 100, 200]),
        2_u32..=4,
        3_u32..=5,
        2_u32..=5,
        select(vec![500_u32, 1000]),
        1_u32..=3,
    );
    let sizes = prop_oneof![(4_u32..=24).prop_map(|n| (n, 0)), (2_u32..=12, 2_u32..=12)];
    let start = prop_oneof![3 => Just("converged"), 1 => Just("joining")];
    (sizes, config, start).prop_map(|((a, b), config, start)| {
        let (gossip, fanout, retransmit, suspicion, probe, checks) = config;
        let mut text = String::from("{preset: memberlist-local, ");
        if start == "joining" {
            let first = if b == 0 { "node" } else { "a" };
            let _ = write!(text, "start: joining, join: {{via: [{first}-{:0w$}]}}, ", 0, w = width(a));
        }
        let _ = if b == 0 {
            write!(text, "nodes: {a}, ")
        } else {
            write!(
                text,
                "groups: [{{name: a, nodes: {a}, labels: {{zone: east}}}}, \
                 {{name: b, nodes: {b}, labels: {{zone: west}}}}], "
            )
        };
        let _ = write!(
            text,
            "config: {{gossip_interval: {gossip}ms, gossip_nodes: {fanout}, retransmit_mult: {retransmit}, \
             suspicion_mult: {suspicion}, probe_interval: {probe}ms, probe_timeout: {}ms, \
             indirect_checks: {checks}, push_pull_interval: 5s}}}}",
            probe / 2
        );
        Cluster { text }
    })
}

/// Digits of the greatest index among `nodes`.
fn width(nodes: u32) -> usize {
    (nodes.max(1) - 1).to_string().len()
}

/// Schedules of up to `most` faults that hold for any cluster of two or more nodes. Crashed nodes come
/// back, conditions end, all within the first 20 s.
pub fn faults(most: usize) -> impl Strategy<Value = Faults> {
    vec(fault(), 0..=most).prop_map(|mut entries| {
        entries.sort();
        Faults { entries }
    })
}

fn fault() -> impl Strategy<Value = (u32, String)> {
    let span = (EARLIEST..LATEST - 500, 100_u32..10_000)
        .prop_map(|(at, lasts)| (at, lasts.min(LATEST - at)));
    let who = prop_oneof![
        2 => Just("{pick: 1}".to_owned()),
        1 => (5_u32..=40).prop_map(|share| format!("{{pick: {share}%}}")),
    ];
    (span, who, 0_u8..10, 1_u32..=40, any::<bool>()).prop_map(|((at, lasts), who, kind, n, flip)| {
        let during = |verb: String| format!("{{at: {at}ms, for: {lasts}ms, {verb}}}");
        let text = match kind {
            0 | 1 => {
                let address = if flip { "new" } else { "same" };
                format!("{{at: {at}ms, restart: {{nodes: {who}, delay: {lasts}ms, address: {address}}}}}")
            }
            2 => format!("{{at: {at}ms, update: {{nodes: {who}, meta_bytes: {}}}}}", n * 4),
            3 => during(format!("pause: {{nodes: {who}}}")),
            4 => during(format!("slow: {{nodes: {who}, service: {n}ms}}")),
            5 => during(format!("loss: {{probability: {n}%}}")),
            6 => during(format!("delay: {{latency: {n}ms, jitter: {}ms}}", n / 2)),
            7 => {
                let direction = if flip { "both" } else { "to" };
                during(format!("partition: {{groups: [{who}, rest], direction: {direction}}}"))
            }
            8 => {
                let protocol = if flip { "udp" } else { "tcp" };
                during(format!("block: {{nodes: {who}, protocol: {protocol}}}"))
            }
            _ => during(format!("duplicate: {{probability: {n}%}}")),
        };
        (at, text)
    })
}

/// Whole scenarios: any of [`clusters`] under up to four [`faults`], one seed.
pub fn scenarios() -> impl Strategy<Value = Scenario> {
    scenarios_on(clusters())
}

/// Scenarios on your own clusters: `scenarios_on(Just(Cluster::new("{preset: consul-lan, nodes: 5}")))`.
pub fn scenarios_on(clusters: impl Strategy<Value = Cluster>) -> impl Strategy<Value = Scenario> {
    let network = (100_u32..5_000, prop_oneof![3 => Just(0_u32), 1 => 1_u32..=5]);
    (clusters, network, faults(4), any::<u32>()).prop_map(
        |(cluster, (latency, loss), faults, seed)| {
            scenario(&cluster, &format!("{{latency: {latency}us, loss: {loss}%}}"), &faults, seed)
        },
    )
}

/// A scenario from its parts; `network` is what stands behind `network:` in a file. It is checked when it is
/// run.
pub fn scenario(cluster: &Cluster, network: &str, faults: &Faults, seed: u32) -> Scenario {
    let text = format!(
        "version: 1\nname: generated\nseed: {seed}\nduration: {DURATION}ms\n{cluster:?}\n\
         network: {network}\n{faults:?}\n"
    );
    Scenario::raw("generated", &text)
}
