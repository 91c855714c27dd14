//! Proptest strategies: clusters, fault schedules, whole scenarios.
//!
//! All of them make text: a value's `Debug` form is what stands in a scenario file, so a failing case of
//! proptest prints the (shrunken) file that shows it again. Clusters are small and their timers short, so a
//! run takes milliseconds; every fault ends long before the run does.
//!
//! ```
//! use proptest::prelude::*;
//! use wavetank::strategies::{Cluster, Fault, scenarios_on};
//!
//! let mine = Cluster::new("{preset: consul-lan, nodes: 5}");
//! let kinds = [Fault::Update, Fault::Delay];
//! proptest!(ProptestConfig::with_cases(4), |(scenario in scenarios_on(Just(mine.clone()), &kinds))| {
//!     scenario.run().unwrap().assert("false_positives", "count == 0");
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

/// A kind of fault. Each is given some nodes or the whole network, and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Some nodes stop and come back, at the same address or a new one.
    Restart,
    /// Some nodes change their metadata.
    Update,
    /// Some nodes freeze.
    Pause,
    /// Some nodes take milliseconds over each message.
    Slow,
    /// Up to 40 % of all datagrams are lost.
    Loss,
    /// All datagrams take up to 40 ms longer.
    Delay,
    /// Up to 40 % of all datagrams arrive twice.
    Duplicate,
    /// Only datagrams, or only streams, of some nodes are blocked.
    Block,
    /// Some nodes are cut off from the rest, one way or both. memberlist alone may not recover: when each
    /// side holds the other dead, nobody looks for it any more.
    Partition,
}

impl Fault {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::Restart,
        Self::Update,
        Self::Pause,
        Self::Slow,
        Self::Loss,
        Self::Delay,
        Self::Duplicate,
        Self::Block,
        Self::Partition,
    ];
}

/// Schedules of up to `most` faults of these kinds (at least one) that hold for any cluster of two or more
/// nodes. Whatever begins ends within the first 20 s.
///
/// # Panics
///
/// When there are no kinds.
pub fn faults(kinds: &[Fault], most: usize) -> impl Strategy<Value = Faults> + use<> {
    vec(fault(kinds.to_vec()), 0..=most).prop_map(|mut entries| {
        entries.sort();
        Faults { entries }
    })
}

fn fault(kinds: Vec<Fault>) -> impl Strategy<Value = (u32, String)> {
    let span = (EARLIEST..LATEST - 500, 100_u32..10_000)
        .prop_map(|(at, lasts)| (at, lasts.min(LATEST - at)));
    let who = prop_oneof![
        2 => Just("{pick: 1}".to_owned()),
        1 => (5_u32..=40).prop_map(|share| format!("{{pick: {share}%}}")),
    ];
    let parts = (span, who, select(kinds), 1_u32..=40, any::<bool>());
    parts.prop_map(|((at, lasts), who, kind, n, flip)| {
        let at_once = |verb: String| format!("{{at: {at}ms, {verb}}}");
        let during = |verb: String| format!("{{at: {at}ms, for: {lasts}ms, {verb}}}");
        let text = match kind {
            Fault::Restart => {
                let address = if flip { "new" } else { "same" };
                at_once(format!("restart: {{nodes: {who}, delay: {lasts}ms, address: {address}}}"))
            }
            Fault::Update => at_once(format!("update: {{nodes: {who}, meta_bytes: {}}}", n * 4)),
            Fault::Pause => during(format!("pause: {{nodes: {who}}}")),
            Fault::Slow => during(format!("slow: {{nodes: {who}, service: {n}ms}}")),
            Fault::Loss => during(format!("loss: {{probability: {n}%}}")),
            Fault::Delay => during(format!("delay: {{latency: {n}ms, jitter: {}ms}}", n / 2)),
            Fault::Duplicate => during(format!("duplicate: {{probability: {n}%}}")),
            Fault::Block => {
                let protocol = if flip { "udp" } else { "tcp" };
                during(format!("block: {{nodes: {who}, protocol: {protocol}}}"))
            }
            Fault::Partition => {
                let direction = if flip { "both" } else { "to" };
                during(format!("partition: {{groups: [{who}, rest], direction: {direction}}}"))
            }
        };
        (at, text)
    })
}

/// Whole scenarios: any of [`clusters`] under up to four [`faults`] of all kinds, one seed.
pub fn scenarios() -> impl Strategy<Value = Scenario> {
    scenarios_on(clusters(), &Fault::ALL)
}

/// Scenarios on your own clusters under up to four faults of these kinds:
/// `scenarios_on(Just(Cluster::new("{preset: consul-lan, nodes: 5}")), &Fault::ALL)`.
pub fn scenarios_on<C: Strategy<Value = Cluster>>(
    clusters: C,
    kinds: &[Fault],
) -> impl Strategy<Value = Scenario> + use<C> {
    let network = (100_u32..5_000, prop_oneof![3 => Just(0_u32), 1 => 1_u32..=5]);
    let parts = (clusters, network, faults(kinds, 4), any::<u32>());
    parts.prop_map(|(cluster, (latency, loss), faults, seed)| {
        scenario(&cluster, &format!("{{latency: {latency}us, loss: {loss}%}}"), &faults, seed)
    })
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
