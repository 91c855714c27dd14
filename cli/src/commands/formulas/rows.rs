//! The figures themselves.

use serde_json::{Value, json};
use wavetank::{
    Plan,
    protocol::{
        Config, Span,
        belief::{AddressId, Attributes, Belief, MemberId, Roster, Status},
        rules::{push_pull_scale, retransmit_limit, suspicion_limits, suspicion_timeout},
        sizes,
        time::SECOND,
        wire::len,
    },
    reports::{
        plots::{OldFormula, Settings},
        units::human,
    },
    sim_core::outcome::Unit,
};

use crate::words::span;

/// A figure.
pub struct Row {
    /// Name in JSON.
    pub key: &'static str,
    /// What it is.
    pub label: String,
    /// Its value for a reader.
    pub text: String,
    /// Its value for a program.
    pub value: Value,
    /// Where it comes from.
    pub formula: String,
}

/// Figures that belong together.
pub struct Section {
    /// In capitals.
    pub title: &'static str,
    pub rows: Vec<Row>,
}

impl Section {
    /// The title as a heading.
    pub fn heading(&self) -> String {
        let lower = self.title.to_lowercase();
        let mut chars = lower.chars();
        chars.next().map_or(String::new(), |c| c.to_uppercase().chain(chars).collect())
    }
}

/// The same settings at other sizes.
pub struct Sizes {
    pub header: [&'static str; 6],
    pub rows: Vec<Vec<String>>,
    pub values: Vec<Value>,
}

fn row(key: &'static str, label: &str, text: String, value: Value, formula: &str) -> Row {
    Row { key, label: label.to_owned(), text, value, formula: formula.to_owned() }
}

fn time(key: &'static str, label: &str, ns: Span, formula: &str) -> Row {
    row(key, label, span(ns), json!(ns), formula)
}

/// All sections for the first group's settings.
pub fn sections(plan: &Plan, name: u32) -> Vec<Section> {
    let group = &plan.cluster.groups[0];
    let config = &plan.cluster.configs[usize::from(group.config)];
    let n = plan.cluster.slots();
    let bytes = plan.cluster.address_bytes;
    let meta = u32::from(group.meta_bytes);
    let mut all = vec![
        Section { title: "BROADCASTS", rows: broadcasts(config, n) },
        Section { title: "SUSPICION", rows: suspicion(config, n) },
        Section { title: "PACKETS", rows: packets(config, bytes, meta, name) },
        Section {
            title: "LOAD AT REST, PER NODE",
            rows: load(config, n, bytes, group.meta_bytes, name),
        },
    ];
    if let Some(old) = Settings::from_plan(plan).old_formula {
        all.push(Section { title: "THE OLD CLOSED-FORM CURVE", rows: curve(&old) });
    }
    all
}

fn broadcasts(config: &Config, n: u32) -> Vec<Row> {
    let copies = retransmit_limit(config.retransmit_mult, n);
    let mut rows = vec![row(
        "retransmit_limit",
        "copies of a message per node",
        copies.to_string(),
        json!(copies),
        "retransmit_mult x ceil(log10(N + 1))",
    )];
    if config.gossip_nodes > 0 && config.gossip_interval > 0 {
        // Each target of a tick takes one copy; there are no more targets than others.
        let ticks = ticks(config, n);
        rows.push(row(
            "ticks",
            "gossip ticks to send them",
            ticks.to_string(),
            json!(ticks),
            "copies / gossip_nodes, queue idle",
        ));
        let after = u64::from(ticks) * config.gossip_interval;
        rows.push(time("ticks_ns", "  that is", after, "ticks x gossip_interval"));
    }
    rows
}

fn ticks(config: &Config, n: u32) -> u32 {
    let targets = config.gossip_nodes.min(n.saturating_sub(1)).max(1);
    retransmit_limit(config.retransmit_mult, n).div_ceil(targets)
}

fn suspicion(config: &Config, n: u32) -> Vec<Row> {
    let limits = suspicion_limits(config, n);
    let mut rows = vec![
        time("suspicion_min_ns", "least time-out", limits.min, "mult x log10(N) x probe_interval"),
        time("suspicion_max_ns", "greatest time-out", limits.max, "max_timeout_mult x least"),
        row(
            "confirmations",
            "confirmations expected",
            limits.expected.to_string(),
            json!(limits.expected),
            "suspicion_mult - 2, if so many others",
        ),
    ];
    let times: Vec<Span> = (0..=limits.expected)
        .map(|confirmations| suspicion_timeout(limits, confirmations))
        .collect();
    for (confirmations, &after) in times.iter().enumerate() {
        let label = match confirmations {
            0 => "time-out without confirmation".to_owned(),
            1 => "  with 1".to_owned(),
            n => format!("  with {n}"),
        };
        // One key holds the whole list.
        let formula =
            if confirmations == 0 && limits.expected == 0 { "nobody can confirm" } else { "" };
        rows.push(row("suspicion_timeouts_ns", &label, span(after), json!(times), formula));
    }
    rows
}

fn packets(config: &Config, bytes: u8, meta: u32, name: u32) -> Vec<Row> {
    let budget = config
        .udp_buffer_size
        .saturating_sub(2 + config.label_overhead() + config.encrypt_overhead());
    let (alive, accused) =
        (len::alive_len(1, bytes, meta, name), len::accusation_len(1, name, name));
    let fit = |len: u32| budget / (len + 2);
    let count = |key, label: &str, n: u32, len: u32| {
        row(key, label, n.to_string(), json!(n), &format!("of {len} B and 2 B each"))
    };
    let mut rows = vec![
        row(
            "packet_budget_bytes",
            "room for messages",
            format!("{budget} B"),
            json!(budget),
            "udp_buffer_size - headers",
        ),
        count("alives_per_packet", "alive messages a packet", fit(alive), alive),
        count("suspects_per_packet", "suspect or dead messages", fit(accused), accused),
    ];
    if config.gossip_interval > 0 {
        let rate = f64::from(config.gossip_nodes) * SECOND as f64 / config.gossip_interval as f64;
        rows.push(row(
            "gossip_packets_per_second",
            "gossip packets, at most",
            human(rate, Unit::PacketsPerSecond),
            json!(rate),
            "gossip_nodes / gossip_interval",
        ));
    }
    rows
}

/// Sequence number of a node that has run for a while.
const SEQUENCE: u32 = 1000;

fn load(config: &Config, n: u32, bytes: u8, meta: u16, name: u32) -> Vec<Row> {
    let mut rows = Vec::new();
    if config.probe_interval > 0 {
        // With few others a node comes across itself and skips a tick.
        let busy = match n {
            0 | 1 => 0.0,
            2 => 4.0 / 7.0,
            3 => 18.0 / 19.0,
            _ => 1.0,
        };
        let probes = busy * SECOND as f64 / config.probe_interval as f64;
        let outside = config.label_overhead() + config.encrypt_overhead();
        let ping = len::ping_len(SEQUENCE, bytes, name, name) + outside;
        let ack = len::ack_len(SEQUENCE, 0) + outside;
        let sent = probes * f64::from(ping + ack);
        rows.push(row(
            "packets_per_second",
            "packets sent",
            human(2.0 * probes, Unit::PacketsPerSecond),
            json!(2.0 * probes),
            "a ping and an ack per probe_interval",
        ));
        rows.push(row(
            "probe_bytes_per_second",
            "bytes sent in them",
            human(sent, Unit::BytesPerSecond),
            json!(sent),
            &format!("payload: ping {ping} B, ack {ack} B"),
        ));
    }
    if config.push_pull_interval > 0 {
        let period = config.push_pull_interval * push_pull_scale(n);
        rows.push(time(
            "push_pull_period_ns",
            "push/pull period",
            period,
            "push_pull_interval x scale of N",
        ));
        let state = state_len(config, n, bytes, meta, name);
        rows.push(row(
            "state_bytes",
            "length of a state list",
            human(state as f64, Unit::Bytes),
            json!(state),
            "one entry per member",
        ));
        let sent = 2.0 * state as f64 * SECOND as f64 / period as f64;
        rows.push(row(
            "push_pull_bytes_per_second",
            "bytes sent in push/pull",
            human(sent, Unit::BytesPerSecond),
            json!(sent),
            "two lists per period",
        ));
    }
    rows
}

/// Length of a whole list of states on a stream.
fn state_len(config: &Config, n: u32, bytes: u8, meta: u16, name: u32) -> u64 {
    let mut roster = Roster::new(bytes);
    let width = name as usize;
    for i in 0..n {
        // Names as people give them: a common start and a number.
        let digits = format!("{i:05}");
        let prefix = &"node-node-node-node-"[..width.saturating_sub(digits.len()).min(20)];
        let text = format!("{prefix}{digits:0>w$}", w = width.saturating_sub(prefix.len()));
        let member = roster.add_member(&text);
        let attributes = Attributes {
            address: AddressId(i),
            meta: roster.new_meta(meta),
            meta_len: meta,
            protocol: config.protocol_version,
        };
        let attributes = roster.attributes_id(attributes);
        roster.belief_id(Belief { member, status: Status::Alive, incarnation: 1, attributes });
    }
    let mut sizes = sizes::Sizes::default();
    let attributes = wavetank::protocol::belief::AttributesId(0);
    let belief = Belief { member: MemberId(0), status: Status::Alive, incarnation: 1, attributes };
    let entries = u64::from(n) * u64::from(sizes.state_entry(&roster, belief));
    sizes.state(&roster, config, n, entries, None)
}

fn curve(old: &OldFormula) -> Vec<Row> {
    let shares =
        [(0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %"), (0.9999, "99.99 %")];
    let times: Vec<Span> =
        shares.iter().map(|(share, _)| old.time(*share).max(0.0) as Span).collect();
    let rows = shares.iter().zip(&times).enumerate().map(|(i, ((_, name), &after))| {
        let label = if i == 0 { format!("{name} know after") } else { format!("  {name}") };
        let formula = if i == 0 { "knows no latency and no limits" } else { "" };
        row("old_curve_ns", &label, span(after), json!(times), formula)
    });
    rows.collect()
}

/// Sizes of the table: around the steps of the formulas.
const AT: [u32; 9] = [3, 4, 10, 30, 100, 300, 1_000, 10_000, 100_000];

/// The same settings at other sizes.
pub fn sizes(plan: &Plan) -> Sizes {
    let config = &plan.cluster.configs[usize::from(plan.cluster.groups[0].config)];
    let mut sizes = Sizes {
        header: ["nodes", "copies", "all sent in", "suspicion min", "max", "push/pull"],
        rows: Vec::new(),
        values: Vec::new(),
    };
    for n in AT {
        let limits = suspicion_limits(config, n);
        let copies = retransmit_limit(config.retransmit_mult, n);
        let sent = u64::from(ticks(config, n)) * config.gossip_interval;
        let max = if limits.expected == 0 { limits.min } else { limits.max };
        let period = config.push_pull_interval * push_pull_scale(n);
        sizes.rows.push(vec![
            n.to_string(),
            copies.to_string(),
            span(sent),
            span(limits.min),
            span(max),
            span(period),
        ]);
        sizes.values.push(json!({
            "nodes": n, "retransmit_limit": copies, "ticks_ns": sent, "suspicion_min_ns": limits.min,
            "suspicion_max_ns": max, "confirmations": limits.expected, "push_pull_period_ns": period,
        }));
    }
    sizes
}
