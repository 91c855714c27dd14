//! Zones and links: which slots the scenario's links cannot tell apart, and what lies between them.
//!
//! The graph has a zone per class of slots and an edge where a link of the scenario stands between two
//! zones; everything without an edge has the network's default. A dense matrix over the zones answers
//! the hot path.

use petgraph::graph::DiGraph;
use rustc_hash::FxHashMap;
use wavetank_protocol::rng::{Keys, Probability};

use crate::plan::{Bandwidth, LinkSpec, Loss, Network};

use super::{classes::Classes, curve::Flight, dice::Dice, queue::Queue, stage::Stage};

/// A zone: the slots that have the same links to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone {
    /// How many slots it has.
    pub slots: u32,
}

/// An edge between two zones: the link of the scenario that is in force there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Index into [`Network::links`].
    pub link: usize,
}

/// What the hot path needs of a link.
#[derive(Clone, Debug)]
pub(super) struct Link {
    /// Nothing but latency and independent loss.
    pub(super) plain: bool,
    /// Largest payload in one piece.
    pub(super) mtu: u32,
    /// The loss of a plain link.
    pub(super) loss: Probability,
    /// Latency.
    pub(super) flight: Flight,
    /// The chance that a segment of a stream is lost.
    pub(super) segment_loss: Probability,
    /// All else it does to datagrams, an index into [`Topology::stages`].
    pub(super) stage: usize,
    /// Its rate limit.
    pub(super) line: Line,
    /// Some pair of zones has it.
    pub(super) used: bool,
    /// Datagrams may overtake here by the link's own setting.
    pub(super) reorders: bool,
    /// The link has an extra delay of its own.
    pub(super) delays: bool,
}

/// Who shares a rate limit.
#[derive(Clone, Copy, Debug)]
pub(super) enum Line {
    /// There is none.
    Free,
    /// All of a link's slots in one direction, with an index into the queues.
    Link(usize),
    /// Each ordered pair of zones has one of this kind.
    Pair(Bandwidth),
}

/// The compiled network.
#[derive(Clone, Debug)]
pub(super) struct Topology {
    pub(super) graph: DiGraph<Zone, Edge>,
    pub(super) zones: Classes,
    count: usize,
    /// Index into `links` for each ordered pair of zones.
    matrix: Vec<u16>,
    /// The default, then each link forward and backward.
    pub(super) links: Vec<Link>,
    /// One per setting: the default, then the links in file order.
    pub(super) stages: Vec<Stage>,
    queues: Vec<Queue>,
    pair_queues: FxHashMap<(u16, u16), Queue>,
}

impl Topology {
    pub(super) fn new(network: &Network, slots: u32, keys: Keys) -> Self {
        let sets: Vec<_> = network.links.iter().flat_map(|l| [&l.from, &l.to]).collect();
        let (zones, members) = Classes::new(slots, &sets);
        let count = members.len();
        let dice = Dice::of_links(keys);
        let mut stages = vec![Stage::of_link(dice, &network.default)];
        let mut links = vec![Link::new(&network.default, &stages[0], 0)];
        links[0].line = network.default.bandwidth.map_or(Line::Free, Line::Pair);
        let mut queues = Vec::new();
        let mut matrix = vec![0; count * count];
        for (i, link) in network.links.iter().enumerate() {
            stages.push(Stage::of_link(dice, &link.spec));
            let compiled = Link::new(&link.spec, &stages[i + 1], i + 1);
            let inside = |set: usize| -> Vec<usize> {
                (0..count).filter(|&zone| members[zone].within(set)).collect()
            };
            let (from, to) = (inside(2 * i), inside(2 * i + 1));
            // Later links paint over earlier ones, and a link's own direction over its way back.
            for (forward, from, to) in [(false, &to, &from), (true, &from, &to)] {
                let number = u16::try_from(links.len()).expect("more than 32767 links");
                links.push(compiled.clone());
                if let Some(limits) = link.spec.bandwidth {
                    links[number as usize].line = Line::Link(queues.len());
                    queues.push(Queue::new(limits));
                }
                for &a in from.iter().filter(|_| forward || link.both) {
                    for &b in to {
                        matrix[a * count + b] = number;
                    }
                }
            }
        }
        let mut graph = DiGraph::new();
        let nodes: Vec<_> =
            zones.sizes(count).into_iter().map(|slots| graph.add_node(Zone { slots })).collect();
        for (pair, &number) in matrix.iter().enumerate() {
            links[number as usize].used = true;
            if number > 0 {
                let edge = Edge { link: (number as usize - 1) / 2 };
                graph.add_edge(nodes[pair / count], nodes[pair % count], edge);
            }
        }
        let pair_queues = FxHashMap::default();
        Self { graph, zones, count, matrix, links, stages, queues, pair_queues }
    }

    /// The queue on a link between two slots.
    pub(super) fn queue(&mut self, link: usize, from: u32, to: u32) -> Option<&mut Queue> {
        match self.links[link].line {
            Line::Free => None,
            Line::Link(queue) => Some(&mut self.queues[queue]),
            Line::Pair(limits) => {
                let pair = (self.zones.of(from), self.zones.of(to));
                Some(self.pair_queues.entry(pair).or_insert_with(|| Queue::new(limits)))
            }
        }
    }

    /// The number of the link from one slot to another.
    #[inline]
    pub(super) fn link(&self, from: u32, to: u32) -> usize {
        if self.count == 1 {
            return 0;
        }
        let (a, b) = (self.zones.of(from) as usize, self.zones.of(to) as usize);
        self.matrix[a * self.count + b] as usize
    }

    /// One more slot, in the zone of another.
    pub(super) fn add(&mut self, like: u32) {
        let zone = self.zones.of(like);
        self.graph[petgraph::graph::NodeIndex::new(zone as usize)].slots += 1;
        self.zones.add(like);
    }

    /// How many zones there are; at least 1.
    pub(super) fn zone_count(&self) -> u16 {
        self.count as u16
    }
}

impl Link {
    fn new(spec: &LinkSpec, stage: &Stage, setting: usize) -> Self {
        let loss = match spec.loss {
            Loss::None => Some(Probability::ZERO),
            Loss::Independent(p) => Some(p),
            _ => None,
        };
        let plain = loss.is_some()
            && spec.duplicate.probability.is_zero()
            && spec.corrupt.probability.is_zero()
            && spec.reorder.is_none()
            && spec.delay.is_none()
            && spec.bandwidth.is_none();
        Self {
            plain,
            mtu: spec.mtu.unwrap_or(u32::MAX).max(1),
            loss: loss.unwrap_or_default(),
            flight: Flight::new(&spec.latency),
            segment_loss: stage.segment_loss(),
            stage: setting,
            line: Line::Free,
            used: false,
            reorders: spec.reorder.is_some(),
            delays: spec.delay.is_some(),
        }
    }
}
