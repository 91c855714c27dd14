//! Levels over time: load, queues, health, records, each in a bounded number of bins.

use wavetank_protocol::{Span, Time, time::SECOND};

use crate::{
    cluster::Load,
    outcome::{Curve, Gauge},
    plan::Plan,
};

/// Bins of a curve over the run.
const BINS: u64 = 240;

/// An integral over time of a level that changes in steps.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Area {
    pub(super) level: u64,
    since: Time,
    pub(super) sum: u128,
}

impl Area {
    pub(super) fn set(&mut self, level: u64, now: Time) {
        self.sum += u128::from(self.level) * u128::from(now - self.since);
        self.level = level;
        self.since = now;
    }
}

/// One node's levels.
#[derive(Clone, Copy, Debug, Default)]
struct Node {
    running: Area,
    depth: Area,
    health: Area,
    depth_max: u32,
}

/// A point of the levels of the whole cluster.
#[derive(Clone, Copy, Debug, Default)]
struct Point {
    bytes: [u64; 4],
    depth: f64,
    depth_max: u32,
    health: f64,
    health_max: u32,
    alive: i64,
    suspect: i64,
    dead: i64,
}

/// All levels of a run.
#[derive(Debug)]
pub struct Levels {
    bin: Span,
    ends: Time,
    points: Vec<Point>,
    bytes: [u64; 4],
    nodes: Vec<Node>,
    running: u64,
    depth: u64,
    depth_max: u32,
    health: u64,
    health_counts: [u32; 64],
    /// Records by state: alive, suspect, gone.
    records: [i64; 3],
}

impl Levels {
    /// Levels of a plan's run.
    pub fn new(plan: &Plan, slots: u32) -> Self {
        let bin = (plan.duration.div_ceil(BINS)).max(SECOND / 1000);
        Self {
            bin,
            ends: bin,
            points: Vec::with_capacity(BINS as usize + 1),
            bytes: [0; 4],
            nodes: vec![Node::default(); slots as usize],
            running: 0,
            depth: 0,
            depth_max: 0,
            health: 0,
            health_counts: [0; 64],
            records: [0; 3],
        }
    }

    /// Closes the bins that ended before now.
    #[inline]
    pub fn reach(&mut self, now: Time) {
        while now >= self.ends {
            self.close_bin();
        }
    }

    #[cold]
    fn close_bin(&mut self) {
        let running = self.running.max(1) as f64;
        let health_max = self.health_counts.iter().rposition(|&c| c > 0).unwrap_or(0) as u32;
        self.points.push(Point {
            bytes: self.bytes,
            depth: self.depth as f64 / running,
            depth_max: self.depth_max,
            health: self.health as f64 / running,
            health_max,
            alive: self.records[0],
            suspect: self.records[1],
            dead: self.records[2],
        });
        self.bytes = [0; 4];
        self.depth_max = self.nodes_depth_floor();
        self.ends += self.bin;
    }

    /// The greatest queue carries over into the next bin only while something is queued.
    fn nodes_depth_floor(&self) -> u32 {
        if self.depth == 0 { 0 } else { self.depth_max.min(self.depth as u32) }
    }

    /// Bytes were sent.
    #[inline]
    pub fn load(&mut self, now: Time, load: Load, bytes: u64) {
        self.reach(now);
        self.bytes[load as usize] += bytes;
    }

    /// A node's queue changed.
    pub fn depth(&mut self, slot: u32, now: Time, old: u32, new: u32) {
        self.reach(now);
        self.depth = self.depth + u64::from(new) - u64::from(old);
        self.depth_max = self.depth_max.max(new);
        let node = &mut self.nodes[slot as usize];
        node.depth.set(u64::from(new), now);
        node.depth_max = node.depth_max.max(new);
    }

    /// A node's health score changed.
    pub fn health(&mut self, slot: u32, now: Time, old: u32, new: u32) {
        self.reach(now);
        self.health = self.health + u64::from(new) - u64::from(old);
        let index = |score: u32| (score as usize).min(63);
        if old > 0 {
            self.health_counts[index(old)] -= 1;
        }
        if new > 0 {
            self.health_counts[index(new)] += 1;
        }
        self.nodes[slot as usize].health.set(u64::from(new), now);
    }

    /// A process started.
    pub fn started(&mut self, slot: u32, now: Time) {
        self.reach(now);
        self.running += 1;
        self.nodes[slot as usize].running.set(1, now);
    }

    /// A process stopped.
    pub fn stopped(&mut self, slot: u32, now: Time) {
        let score = self.nodes[slot as usize].health.level as u32;
        self.health(slot, now, score, 0);
        self.running -= 1;
        self.nodes[slot as usize].running.set(0, now);
    }

    /// Records changed in number, by state: alive, suspect, gone.
    pub fn records(&mut self, now: Time, by: [i64; 3]) {
        self.reach(now);
        for (sum, by) in self.records.iter_mut().zip(by) {
            *sum += by;
        }
    }

    /// Closes all; gives the exposure in node-nanoseconds.
    pub fn finish(&mut self, end: Time) -> u128 {
        self.reach(end);
        if self.ends - self.bin < end {
            self.close_bin();
        }
        let mut exposure = 0;
        for node in &mut self.nodes {
            node.running.set(node.running.level, end);
            node.depth.set(node.depth.level, end);
            node.health.set(node.health.level, end);
            exposure += node.running.sum;
        }
        exposure
    }

    /// How long a slot ran, in nanoseconds.
    pub fn ran(&self, slot: u32) -> u128 {
        self.nodes[slot as usize].running.sum
    }

    /// The gauges of node levels kept here.
    pub fn gauges(&self) -> [Gauge; 3] {
        let ratio = |area: u128, ran: u128| area as f64 / ran as f64;
        [
            self.gauge("health.score", |n| ratio(n.health.sum, n.running.sum)),
            self.gauge("queue.depth", |n| ratio(n.depth.sum, n.running.sum)),
            self.gauge("queue.depth.max", |n| f64::from(n.depth_max)),
        ]
    }

    fn gauge(&self, metric: &'static str, level: impl Fn(&Node) -> f64) -> Gauge {
        gauge(metric, self.nodes.iter().filter(|n| n.running.sum > 0).map(level))
    }

    /// The curves of the whole run.
    pub fn curves(&self) -> Vec<Curve> {
        let seconds = self.bin as f64 / SECOND as f64;
        let load = |i: usize| move |p: &Point| p.bytes[i] as f64 / seconds;
        vec![
            self.curve("bandwidth.probe", load(0)),
            self.curve("bandwidth.gossip", load(1)),
            self.curve("bandwidth.pushpull", load(2)),
            self.curve("bandwidth.stream_ping", load(3)),
            self.curve("alive", |p| p.alive as f64),
            self.curve("suspect", |p| p.suspect as f64),
            self.curve("dead", |p| p.dead as f64),
            self.curve("queue.depth", |p| p.depth),
            self.curve("queue.depth.max", |p| f64::from(p.depth_max)),
            self.curve("health.score", |p| p.health),
            self.curve("health.score.max", |p| f64::from(p.health_max)),
        ]
    }

    fn curve(&self, curve: &'static str, value: impl Fn(&Point) -> f64) -> Curve {
        let at = |i: usize| (i as u64 + 1) * self.bin;
        let points = self.points.iter().enumerate().map(|(i, p)| (at(i), value(p))).collect();
        Curve { curve, event: String::new(), of: 0, points }
    }
}

/// A gauge over nodes.
pub fn gauge(metric: &'static str, levels: impl Iterator<Item = f64>) -> Gauge {
    let mut gauge = Gauge { metric, nodes: 0, sum: 0.0, min: f64::INFINITY, max: 0.0 };
    for level in levels {
        gauge.nodes += 1;
        gauge.sum += level;
        gauge.min = gauge.min.min(level);
        gauge.max = gauge.max.max(level);
    }
    if gauge.nodes == 0 {
        gauge.min = 0.0;
    }
    gauge
}
