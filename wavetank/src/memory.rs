//! How much memory a run needs: an estimate from the plan, before anything is simulated.
//!
//! It is meant to be right within a factor of two, so that what cannot fit is refused and not killed.

use wavetank_sim_core::plan::{Action, Entry, Every, Limit, Of, Pick, Plan, Selector, Start};

/// A belief id in a table.
const PER_RECORD: u64 = 4;
/// What differs from the common table, beside it: a member and a belief.
const PER_DIFFERENCE: u64 = 8;
/// Past so many differences a node gets a table of its own.
const DIFFERENCES: u64 = 16;
/// A queued broadcast with its place in the queue's two orders.
const PER_BROADCAST: u64 = 64;
/// A running suspicion with its accusers.
const PER_SUSPICION: u64 = 64;
/// A node with its queue, timers and counters; its slot in the kernel and in the observation.
const PER_NODE: u64 = 2048;
/// A Serf node beside its SWIM node: clocks, queues, rings, pipeline, coordinate.
const PER_SERF: u64 = 2048;
/// What a Serf node holds otherwise than the common table: a member, a time, a status, attributes.
const PER_SERF_DIFFERENCE: u64 = 24;
/// Past so many of these a node gets a Serf table of its own.
const SERF_DIFFERENCES: u64 = 256;
/// The last round trips to one member, in a table that is half empty.
const PER_LATENCY: u64 = 32;
/// A message in the ledger: an ack, an answer, an intent.
const PER_MESSAGE: u64 = 40;
/// What a run needs however small it is.
const BASE: u64 = 4 << 20;

/// Bytes that one run of a plan needs at its peak, roughly: the tables of all nodes, and what the worst
/// moment of the timeline adds in suspicions and queued broadcasts.
///
/// Nodes share a table while they differ from it in few members. Where the timeline changes more, or nodes
/// begin without knowing each other, each has one of its own: the square of their number.
pub fn estimate_memory(plan: &Plan) -> u64 {
    let nodes = u64::from(plan.cluster.slots());
    let worst = plan.timeline.iter().map(|entry| changed(plan, entry)).max().unwrap_or(0);
    let all = plan.timeline.iter().fold(0_u64, |sum, entry| {
        sum.saturating_add(changed(plan, entry).saturating_mul(times(plan, entry)))
    });
    let shared = plan.cluster.start == Start::Converged && all <= DIFFERENCES;
    let table = if shared { DIFFERENCES * PER_DIFFERENCE } else { nodes * PER_RECORD };
    let news = nodes.saturating_mul(worst).saturating_mul(PER_BROADCAST + PER_SUSPICION);
    let serf = serf(plan, all);
    let nodes = nodes.saturating_mul(table + PER_NODE);
    BASE.saturating_add(nodes).saturating_add(news).saturating_add(serf)
}

/// What Serf adds: a table of its own at each node past so many changes or where nodes begin without
/// knowing each other, the round trips to whom each has probed, and an ack and an answer of each per query.
fn serf(plan: &Plan, all: u64) -> u64 {
    let nodes = u64::from(plan.cluster.slots());
    let Some(swim) = plan.cluster.configs.iter().find(|c| c.serf.is_some()) else { return 0 };
    let shared = plan.cluster.start == Start::Converged && all <= SERF_DIFFERENCES;
    let table =
        if shared { all * PER_SERF_DIFFERENCE } else { nodes.saturating_mul(PER_SERF_DIFFERENCE) };
    let coordinates = swim.serf.is_some_and(|c| c.coordinates(swim.quirks.dead_config));
    let probed = (plan.duration / swim.probe_interval.max(1)).min(nodes);
    let latencies = if coordinates { probed * PER_LATENCY } else { 0 };
    let queries = plan.timeline.iter().filter(|e| matches!(e.action, Action::Query { .. }));
    let queries: u64 = queries.map(|entry| times(plan, entry)).sum();
    let messages = queries.saturating_mul(2 * PER_MESSAGE);
    let node = PER_SERF.saturating_add(table).saturating_add(latencies).saturating_add(messages);
    nodes.saturating_mul(node)
}

/// How often an entry occurs, about.
fn times(plan: &Plan, entry: &Entry) -> u64 {
    let Some(repeat) = entry.repeat else { return 1 };
    let (Every::Fixed(every) | Every::Poisson(every)) = repeat.every;
    match repeat.limit {
        Limit::Times(n) => u64::from(n),
        Limit::Until(end) => end / every.max(1) + 1,
        Limit::End => plan.duration / every.max(1) + 1,
    }
}

/// How many members an entry makes news of at once, at most.
fn changed(plan: &Plan, entry: &Entry) -> u64 {
    let slots = plan.cluster.slots();
    let count = |who: &Selector| u64::from(most(who, slots));
    match &entry.action {
        Action::Crash { who, .. }
        | Action::Restart { who, .. }
        | Action::Join { who, .. }
        | Action::Leave { who, .. }
        | Action::Update { who, .. }
        | Action::SetConfig { who, .. }
        | Action::Pause { who }
        | Action::Slow { who, .. }
        | Action::Clock { who, .. }
        | Action::SetTags { who, .. }
        | Action::ForceLeave { who, .. }
        | Action::UserEvent { who, .. }
        | Action::Query { who, .. }
        | Action::RotateKey { who, .. }
        | Action::Block { who, .. } => count(who),
        Action::RollingRestart { who, parallel, .. } => u64::from(*parallel).min(count(who)),
        Action::Scale { group, to } => {
            let size = plan.cluster.groups.get(usize::from(*group)).map_or(0, |g| g.nodes);
            u64::from(size.max(*to))
        }
        // Each side may declare the other dead; the smaller side is the news of most.
        Action::Partition { groups, .. } => {
            groups.iter().map(count).sum::<u64>().min(u64::from(slots / 2))
        }
        Action::Fault { .. } => u64::from(slots.isqrt()),
    }
}

/// The most nodes that a selector can mean.
fn most(who: &Selector, slots: u32) -> u32 {
    let of = match &who.of {
        Of::Set(set) => set.len(),
        Of::Picked(_) => slots,
    };
    match who.pick {
        None => of,
        Some(Pick::Count(n)) => n.min(of),
        Some(Pick::PartsPerMillion(ppm)) => {
            (u64::from(of) * u64::from(ppm)).div_ceil(1_000_000) as u32
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Scenario;

    #[test]
    fn tables_are_shared_while_little_happens_and_news_grow_with_the_victims() {
        let of = |nodes: u32, crash: &str| {
            let text = format!(
                "version: 1\nname: x\nduration: 100s\ncluster: {{nodes: {nodes}}}\n\
                 timeline: [{{at: 1s, {crash}}}]\n"
            );
            let scenario = Scenario::parse(&text).expect("a scenario");
            super::estimate_memory(&scenario.check().expect("a plan").plan)
        };
        let one = "crash: {nodes: {pick: 1}}";
        let many = "crash: {nodes: {pick: 500}}";
        let often = "every: 1s, restart: {nodes: {pick: 1, repick: true}}";
        assert!(of(100_000, one) < 1_000_000_000, "one table");
        assert!(of(10_000, many) > 10_000 * 10_000 * 4, "a table for each");
        assert!(of(10_000, often) > 10_000 * 10_000 * 4, "a table for each in the end");
        assert!(of(1_000, many) > of(1_000, often) + 999 * 499 * 64);
    }
}
