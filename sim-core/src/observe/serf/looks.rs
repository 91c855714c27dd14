//! Looks at all Serf nodes, once per simulated second: how far their clocks are apart, how deep their
//! queues are, how well their coordinates tell the round trip.

use wavetank_protocol::{
    Span, Time,
    serf::{coordinate::Coordinate, lamport::LTime},
};

use super::{Curve, Gauge};
use crate::observe::levels::{Area, Levels, gauge};

/// Greatest number of slots whose coordinates are looked at.
const PLACED: usize = 128;
/// Greatest number of pairs whose distance is compared.
const PAIRS: usize = 256;
/// Greatest number of points of a curve.
const POINTS: usize = 480;

const CLOCKS: [&str; 3] = ["clock.member.skew", "clock.event.skew", "clock.query.skew"];
/// In the order of `QueueName::ALL`: gauge, its greatest, curve.
const QUEUES: [[&str; 3]; 3] = [
    ["queue.intent.depth", "queue.intent.depth.max", "queue.intent"],
    ["queue.query.depth", "queue.query.depth.max", "queue.query"],
    ["queue.event.depth", "queue.event.depth.max", "queue.event"],
];

/// One running Serf node, as the tank sees it at a look.
#[derive(Clone, Copy, Debug)]
pub struct SerfLook {
    /// On which slot.
    pub slot: u32,
    /// Its clocks: members, events, queries.
    pub clocks: [LTime; 3],
    /// Depths of its queues, in the order of `QueueName::ALL`.
    pub depths: [u32; 3],
    /// Its coordinate; none where coordinates are off.
    pub coordinate: Option<Coordinate>,
}

/// The depths of one node's queues.
#[derive(Clone, Copy, Debug, Default)]
struct Depths {
    areas: [Area; 3],
    greatest: [u32; 3],
}

/// What one look showed.
#[derive(Clone, Copy, Debug)]
struct Point {
    at: Time,
    skew: [u64; 3],
    depths: [u32; 3],
    /// Median and 90th percentile of the relative error.
    error: Option<[f64; 2]>,
}

impl Point {
    /// The greatest of both, at the later time.
    fn with(self, later: Self) -> Self {
        let error = match (self.error, later.error) {
            (Some(a), Some(b)) => Some([a[0].max(b[0]), a[1].max(b[1])]),
            (a, b) => a.or(b),
        };
        Self {
            at: later.at,
            skew: [0, 1, 2].map(|i| self.skew[i].max(later.skew[i])),
            depths: [0, 1, 2].map(|i| self.depths[i].max(later.depths[i])),
            error,
        }
    }
}

/// Levels of all looks.
#[derive(Clone, Copy, Debug)]
struct Range {
    looks: u64,
    sum: f64,
    min: f64,
    max: f64,
}

/// All looks of a run.
#[derive(Debug)]
pub struct Looks {
    nodes: Vec<Depths>,
    /// Greatest depths since the last look.
    since: [u32; 3],
    skew: [Range; 3],
    /// What the looks showed; in long runs of so many looks each, but for the last.
    points: Vec<Point>,
    each: u32,
    in_last: u32,
    /// Each so many slots has its coordinate looked at.
    stride: u32,
    placed: Vec<(u32, Coordinate)>,
    errors: Vec<f64>,
}

impl Looks {
    /// For so many slots.
    pub fn new(slots: usize) -> Self {
        Self {
            nodes: vec![Depths::default(); slots],
            since: [0; 3],
            skew: [Range { looks: 0, sum: 0.0, min: f64::INFINITY, max: 0.0 }; 3],
            points: Vec::with_capacity(POINTS),
            each: 1,
            in_last: 0,
            stride: slots.div_ceil(PLACED).max(1) as u32,
            placed: Vec::with_capacity(slots.min(PLACED)),
            errors: Vec::with_capacity(PAIRS),
        }
    }

    /// The depths of a node's queues now.
    #[inline]
    pub fn queues(&mut self, slot: u32, now: Time, depths: [u32; 3]) {
        let node = &mut self.nodes[slot as usize];
        for (i, depth) in depths.into_iter().enumerate() {
            if node.areas[i].level != u64::from(depth) {
                node.areas[i].set(u64::from(depth), now);
                node.greatest[i] = node.greatest[i].max(depth);
                self.since[i] = self.since[i].max(depth);
            }
        }
    }

    /// A look at all running nodes; `truth` is the round trip between two slots.
    pub fn look(
        &mut self,
        now: Time,
        looks: &mut dyn Iterator<Item = SerfLook>,
        truth: impl Fn(u32, u32) -> Span,
    ) {
        let mut least = [LTime::MAX; 3];
        let mut greatest = [0; 3];
        let mut depths = std::mem::take(&mut self.since);
        self.placed.clear();
        for look in looks {
            self.queues(look.slot, now, look.depths);
            for i in 0..3 {
                least[i] = least[i].min(look.clocks[i]);
                greatest[i] = greatest[i].max(look.clocks[i]);
                depths[i] = depths[i].max(look.depths[i]);
            }
            if let Some(coordinate) = look.coordinate
                && look.slot % self.stride == 0
            {
                self.placed.push((look.slot, coordinate));
            }
        }
        let skew = [0, 1, 2].map(|i| greatest[i].saturating_sub(least[i]));
        // What the looks themselves noted belongs to this one.
        self.since = [0; 3];
        let error = self.compare(truth);
        for (range, skew) in self.skew.iter_mut().zip(skew) {
            range.looks += 1;
            range.sum += skew as f64;
            range.min = range.min.min(skew as f64);
            range.max = range.max.max(skew as f64);
        }
        self.keep(Point { at: now, skew, depths, error });
    }

    /// Keeps a point in bounded space: when it is full, two become one from then on.
    fn keep(&mut self, point: Point) {
        if self.in_last > 0 && self.in_last < self.each {
            if let Some(last) = self.points.last_mut() {
                *last = last.with(point);
            }
            self.in_last += 1;
            return;
        }
        if self.points.len() == POINTS {
            for i in 0..POINTS / 2 {
                self.points[i] = self.points[2 * i].with(self.points[2 * i + 1]);
            }
            self.points.truncate(POINTS / 2);
            self.each *= 2;
        }
        self.points.push(point);
        self.in_last = 1;
    }

    /// Compares estimated and true round trips over pairs spread evenly over all.
    fn compare(&mut self, truth: impl Fn(u32, u32) -> Span) -> Option<[f64; 2]> {
        let n = self.placed.len();
        self.errors.clear();
        if n < 2 {
            return None;
        }
        let wanted = (n * (n - 1)).min(PAIRS);
        for k in 0..wanted {
            // All ordered pairs of few; of many, each with others ever further away.
            let (i, hop) =
                if wanted < PAIRS { (k % n, 1 + k / n) } else { (k * n / PAIRS, 1 + k % (n - 1)) };
            let ((a, from), (b, to)) = (self.placed[i], self.placed[(i + hop) % n]);
            let truth = truth(a, b) as f64;
            let estimate = from.distance(&to) as f64;
            self.errors.push((estimate - truth).abs() / truth);
        }
        self.errors.sort_unstable_by(f64::total_cmp);
        let at = |share: usize| self.errors[(self.errors.len() - 1) * share / 100];
        Some([at(50), at(90)])
    }

    /// A node stopped: nothing is queued there.
    pub fn stopped(&mut self, slot: u32, now: Time) {
        self.queues(slot, now, [0; 3]);
    }

    /// The gauges, in the order of the catalogue. A queue is a level per node, mean over the time that it
    /// ran; the others are one level per look or pair.
    pub fn gauges(&mut self, levels: &Levels, runs: &[bool], end: Time) -> Vec<Gauge> {
        let mut gauges = Vec::new();
        let ran = |slot: usize| (runs[slot]).then(|| levels.ran(slot as u32)).filter(|&r| r > 0);
        for i in [0, 2, 1] {
            for node in &mut self.nodes {
                let level = node.areas[i].level;
                node.areas[i].set(level, end);
            }
            let nodes = || self.nodes.iter().enumerate().filter_map(|(s, n)| Some((n, ran(s)?)));
            let mean = nodes().map(|(n, ran)| n.areas[i].sum as f64 / ran as f64);
            gauges.push(gauge(QUEUES[i][0], mean));
            gauges.push(gauge(QUEUES[i][1], nodes().map(|(n, _)| f64::from(n.greatest[i]))));
        }
        for (i, clock) in CLOCKS.into_iter().enumerate() {
            let Range { looks, sum, min, max } = self.skew[i];
            let min = if looks > 0 { min } else { 0.0 };
            gauges.push(Gauge { metric: clock, nodes: looks, sum, min, max });
        }
        if !self.errors.is_empty() {
            gauges.push(gauge("coordinate.error", self.errors.iter().copied()));
        }
        gauges
    }

    /// The curves.
    pub fn curves(&self) -> Vec<Curve> {
        let mut curves = Vec::new();
        for i in [0, 2, 1] {
            curves.push(self.curve(QUEUES[i][2], |p| Some(f64::from(p.depths[i]))));
        }
        for (i, clock) in CLOCKS.into_iter().enumerate() {
            curves.push(self.curve(clock, |p| Some(p.skew[i] as f64)));
        }
        if self.points.iter().any(|p| p.error.is_some()) {
            curves.push(self.curve("coordinate.error", |p| p.error.map(|e| e[0])));
            curves.push(self.curve("coordinate.error.p90", |p| p.error.map(|e| e[1])));
        }
        curves
    }

    fn curve(&self, curve: &'static str, value: impl Fn(&Point) -> Option<f64>) -> Curve {
        let points = self.points.iter().filter_map(|p| Some((p.at, value(p)?)));
        Curve { curve, event: String::new(), of: 0, points: points.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A node whose height alone makes the distance.
    fn look(slot: u32, clock: LTime, depth: u32, height: f64) -> SerfLook {
        let coordinate = Coordinate { height, ..Coordinate::FRESH };
        let (clocks, depths) = ([clock, 1, 1], [depth, 0, 0]);
        SerfLook { slot, clocks, depths, coordinate: Some(coordinate) }
    }

    #[test]
    fn long_runs_keep_the_greatest_of_several_looks() {
        let mut looks = Looks::new(1);
        for i in 1..=1000 {
            let depth = u32::from(i == 501);
            looks.look(i, &mut [look(0, i, depth, 0.0)].into_iter(), |_, _| 1);
        }
        let curve = looks.curves().remove(0).points;
        assert!(curve.len() <= POINTS, "{}", curve.len());
        assert_eq!(curve.iter().filter(|p| p.1 == 1.0).count(), 1);
        assert_eq!(curve.last().expect("a point").0, 1000);
        assert!(curve.windows(2).all(|w| w[0].0 < w[1].0));
    }

    #[test]
    fn a_look_compares_clocks_queues_and_distances() {
        let mut looks = Looks::new(4);
        looks.queues(1, 500, [9, 0, 0]);
        looks.queues(1, 700, [2, 0, 0]);
        let all = [look(0, 7, 0, 0.0005), look(1, 4, 2, 0.0005), look(3, 5, 0, 0.0010)];
        looks.look(1000, &mut all.into_iter(), |_, _| 2_000_000);
        let again = [look(0, 7, 0, 0.001), look(1, 7, 2, 0.001)];
        looks.look(2000, &mut again.into_iter(), |_, _| 2_000_000);
        let curve = |name: &str| {
            let curves = looks.curves();
            curves.into_iter().find(|c| c.curve == name).expect("a curve").points
        };
        assert_eq!(curve("clock.member.skew"), [(1000, 3.0), (2000, 0.0)]);
        assert_eq!(curve("queue.intent"), [(1000, 9.0), (2000, 2.0)]);
        // 1 ms where 2 ms are true, and 1.5 ms for the pairs with the third.
        assert_eq!(curve("coordinate.error"), [(1000, 0.25), (2000, 0.0)]);
        assert_eq!(curve("coordinate.error.p90"), [(1000, 0.5), (2000, 0.0)]);
    }
}
