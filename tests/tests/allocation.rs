//! A warm cluster allocates nothing per event: not at rest, with its state exchanges, and not while news
//! spreads.

#![allow(clippy::unwrap_used, reason = "a test says so by panicking")]

mod common;
mod counting;

use common::small;
use counting::Counter;
use wavetank_protocol::time::SECOND;
use wavetank_sim_core::{cluster::Tank, plan::Plan, watch::Nobody};

#[global_allocator]
static COUNTER: Counter = Counter;

/// Allocations and effects of each second between two times, after the seconds before have warmed it up.
fn per_second(plan: &Plan, from: u64, to: u64) -> Vec<(u64, u64)> {
    let mut tank = Tank::new(plan, 1, Nobody);
    tank.advance(from * SECOND);
    let mut seconds = Vec::with_capacity((to - from) as usize);
    counting::trace_next(40);
    for second in from + 1..=to {
        let (allocations, effects) = (counting::count(), tank.effects());
        tank.advance(second * SECOND);
        seconds.push((counting::count() - allocations, tank.effects() - effects));
    }
    counting::trace_no_more();
    seconds
}

fn check(name: &str, seconds: &[(u64, u64)], allowed: u64) {
    let allocations: u64 = seconds.iter().map(|s| s.0).sum();
    let effects: u64 = seconds.iter().map(|s| s.1).sum();
    assert!(effects > 10_000, "{name}: only {effects} effects");
    println!("{name}: {allocations} allocations in {effects} effects");
    assert!(
        allocations <= allowed,
        "{name}: {allocations} allocations in {effects} effects, {allowed} allowed; by second \
         {seconds:?}\nthe first ones come from:\n{}",
        counting::traces()
    );
}

const NETWORK: &str = "latency: {distribution: uniform, min: 500us, max: 5ms}";

fn cluster(nodes: u32) -> String {
    format!("preset: memberlist-lan, nodes: {nodes}, config: {{push_pull_interval: 10s}}")
}

/// A window of the queue that meets its fullest moment late may still grow, a few times in a minute.
#[test]
fn a_cluster_at_rest_allocates_nothing() {
    const GROWTH: u64 = 8;
    let plan = small(&cluster(256), NETWORK, "200s", &[]);
    check("at rest", &per_second(&plan, 100, 160), GROWTH);
}

fn serf(nodes: u64, timeline: &[&str]) -> Plan {
    let cluster = format!("preset: serf-lan, nodes: {nodes}, config: {{push_pull_interval: 10s}}");
    small(&cluster, NETWORK, "1000s", timeline)
}

/// With Serf, once everybody has probed everybody: a first contact makes room for its round trips.
#[test]
fn a_serf_cluster_at_rest_allocates_nothing() {
    const GROWTH: u64 = 8;
    const NODES: u64 = 256;
    let warm = 3 * NODES;
    check("Serf at rest", &per_second(&serf(NODES, &[]), warm, warm + 60), GROWTH);
}

/// User events cost what their measurement keeps, as other news does, and the compressed length of a
/// push/pull of a size that there was not before; not what the nodes do with them.
#[test]
fn spreading_events_allocates_nothing_per_event() {
    const EVENTS: u64 = 30;
    for nodes in [64, 256] {
        let timeline =
            "at: 1s, every: 2s, user-event: {nodes: {pick: 1, repick: true}, name: deploy}";
        let plan = serf(nodes, &[timeline]);
        let warm = 3 * nodes;
        let seconds = per_second(&plan, warm, warm + 2 * EVENTS);
        check(&format!("events, {nodes} nodes"), &seconds, 200 * EVENTS);
    }
}

/// News costs what the measurement of each change keeps (its curve, its samples) and the texts of the
/// report; what the nodes do with it costs nothing.
#[test]
fn spreading_news_allocates_nothing_per_event() {
    const UPDATES: u64 = 30;
    for nodes in [64, 256] {
        let timeline =
            "at: 1s, every: 2s, update: {nodes: {pick: 1, repick: true}, meta_bytes: 40}";
        let plan = small(&cluster(nodes), NETWORK, "200s", &[timeline]);
        check(&format!("{nodes} nodes"), &per_second(&plan, 100, 100 + 2 * UPDATES), 30 * UPDATES);
    }
}
