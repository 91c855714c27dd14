//! How much memory a run needs: an estimate from the plan, before anything is simulated.
//!
//! It is meant to be right within a factor of two, so that what cannot fit is refused and not killed.

use wavetank_sim_core::plan::{Action, Entry, Plan};

/// A belief id in a node's table, and its place in the probe order.
const PER_RECORD: u64 = 8;
/// A queued broadcast with its place in the queue's two orders.
const PER_BROADCAST: u64 = 64;
/// A running suspicion with its accusers.
const PER_SUSPICION: u64 = 64;
/// A node with its queue, timers and counters; its slot in the kernel and in the observation.
const PER_NODE: u64 = 2048;
/// What a run needs however small it is.
const BASE: u64 = 4 << 20;

/// Bytes that one run of a plan needs at its peak, roughly: the tables of all nodes (the square of their
/// number), and what the worst moment of the timeline adds in suspicions and queued broadcasts.
pub fn estimate_memory(plan: &Plan) -> u64 {
    let nodes = u64::from(plan.cluster.slots());
    let worst = plan.timeline.iter().map(|entry| changed(plan, entry)).max().unwrap_or(0);
    let tables = nodes.saturating_mul(nodes).saturating_mul(PER_RECORD);
    let news = nodes.saturating_mul(worst).saturating_mul(PER_BROADCAST + PER_SUSPICION);
    BASE.saturating_add(tables).saturating_add(news).saturating_add(nodes * PER_NODE)
}

/// How many members an entry makes news of at once, at most.
fn changed(plan: &Plan, entry: &Entry) -> u64 {
    let slots = plan.cluster.slots();
    let count = |who: &wavetank_sim_core::plan::Selector| u64::from(most(who, slots));
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
fn most(who: &wavetank_sim_core::plan::Selector, slots: u32) -> u32 {
    use wavetank_sim_core::plan::{Of, Pick};
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
    fn tables_grow_with_the_square_and_news_with_the_victims() {
        let text = |nodes: u32, crashed: u32| {
            format!(
                "version: 1\nname: x\nduration: 10s\ncluster: {{nodes: {nodes}}}\n\
                 timeline: [{{at: 1s, crash: {{nodes: {{pick: {crashed}}}}}}}]\n"
            )
        };
        let of = |nodes, crashed| {
            let scenario = Scenario::parse(&text(nodes, crashed)).expect("a scenario");
            super::estimate_memory(&scenario.check().expect("a plan").plan)
        };
        assert!(of(10_000, 1) > 100 * 1_000_000 * 8);
        assert!(of(10_000, 1) > 50 * of(1_000, 1));
        assert!(of(1_000, 500) > of(1_000, 1) + 999 * 499 * 64);
    }
}
