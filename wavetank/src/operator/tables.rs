//! The tables that an operator asks an agent for (Serf specification 13.2).

use wavetank_protocol::{
    belief::{AttributesId, MemberId, Roster, Status},
    serf::{self, Serf, event::QueueName, ledger::Ledger},
};
use wavetank_sim_core::{cluster::Tank, plan::Plan, watch::Watch};

/// `serf members`: name, address, status, tags.
pub(super) fn serf_members(serf: &Serf, roster: &Roster, ledger: &Ledger) -> Vec<String> {
    let row = |(member, record): (MemberId, serf::members::Record)| {
        let status = record.status.name().to_owned();
        row(roster, member, (record.attributes, status), |meta| tags(ledger, meta, ","))
    };
    let known = |record: &serf::members::Record| record.status != serf::Status::None;
    table(serf.members().iter().filter(|(_, r)| known(r)).map(row).collect())
}

/// The member list of a node without Serf, itself first among equals.
pub(super) fn members<W: Watch>(tank: &Tank<'_, W>, slot: u32) -> Vec<String> {
    let roster = tank.roster();
    let rows = (0..roster.members()).map(MemberId).filter_map(|member| {
        let belief = tank.belief(slot, member)?;
        let status = match belief.status {
            Status::Alive => "alive",
            Status::Suspect => "suspect",
            Status::Dead => "dead",
            Status::Left => "left",
        };
        Some(row(roster, member, (belief.attributes, status.to_owned()), |_| String::new()))
    });
    table(rows.collect())
}

fn row(
    roster: &Roster,
    member: MemberId,
    (attributes, status): (AttributesId, String),
    tags: impl Fn(u32) -> String,
) -> [String; 4] {
    let name = roster.name(member).to_owned();
    if attributes == Roster::NO_ATTRIBUTES {
        return [name, String::new(), status, String::new()];
    }
    let attributes = roster.attributes(attributes);
    [name, attributes.address.text(), status, tags(attributes.meta)]
}

/// Tags as `k=v`.
fn tags(ledger: &Ledger, meta: u32, between: &str) -> String {
    let tags: Vec<String> = ledger.tags(meta).iter().map(|(k, v)| format!("{k}={v}")).collect();
    tags.join(between)
}

/// Columns two spaces apart, rows by name.
fn table(mut rows: Vec<[String; 4]>) -> Vec<String> {
    rows.sort_unstable();
    let width = |i: usize| rows.iter().map(|r| r[i].chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3].map(width);
    let line = |row: &[String; 4]| {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// `serf info`, as far as a simulated agent has it.
pub(super) fn info<W: Watch>(tank: &Tank<'_, W>, plan: &Plan, slot: u32) -> Vec<String> {
    let (Some(node), Some(serf)) = (tank.node(slot), tank.serf(slot)) else { return Vec::new() };
    let me = node.identity();
    let [member_time, event_time, query_time] = serf.clocks();
    let members = serf.members();
    let (group, _) = plan.cluster.locate(slot);
    let config = plan.cluster.groups.get(group).map_or(0, |g| g.config);
    let encrypted =
        plan.cluster.configs.get(usize::from(config)).is_some_and(|c| c.encryption.is_some());
    let depth = |queue| serf.depth(queue).to_string();
    let mut lines = vec![
        "agent:".to_owned(),
        format!("\tname = {}", tank.roster().name(me.me)),
        "serf:".to_owned(),
    ];
    let keys = [
        ("coordinate_resets", serf.coordinate_resets().to_string()),
        ("encrypted", encrypted.to_string()),
        ("event_queue", depth(QueueName::Event)),
        ("event_time", event_time.to_string()),
        ("failed", members.count(serf::Status::Failed).to_string()),
        ("health_score", node.health().to_string()),
        ("intent_queue", depth(QueueName::Intent)),
        ("left", members.count(serf::Status::Left).to_string()),
        ("member_time", member_time.to_string()),
        ("members", members.len().to_string()),
        ("query_queue", depth(QueueName::Query)),
        ("query_time", query_time.to_string()),
    ];
    lines.extend(keys.iter().map(|(key, value)| format!("\t{key} = {value}")));
    let meta = tank.roster().attributes(me.attributes).meta;
    let own = tank.ledger().tags(meta);
    if !own.is_empty() {
        lines.push("tags:".to_owned());
        lines.extend(own.iter().map(|(k, v)| format!("\t{k} = {v}")));
    }
    lines
}
