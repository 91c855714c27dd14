//! Zones and links: which slots the scenario's links cannot tell apart, and what lies between them.
//!
//! The graph has a zone per class of slots and an edge per ordered pair of zones that has any pair of
//! slots; a dense matrix over the zones answers the hot path.

use petgraph::graph::DiGraph;
use rustc_hash::FxHashMap;
use wavetank_protocol::rng::{Keys, Probability};

use crate::plan::{LinkSpec, Loss, Network};

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
    /// Index into [`Network::links`]; none: the network's default.
    pub link: Option<u16>,
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
    /// Its rate limit, an index into [`Topology::queues`].
    pub(super) queue: Option<usize>,
    /// Datagrams may overtake here by the link's own setting.
    pub(super) reorders: bool,
    /// The link has an extra delay of its own.
    pub(super) delays: bool,
}

/// The compiled network.
#[derive(Clone, Debug)]
pub(super) struct Topology {
    pub(super) graph: DiGraph<Zone, Edge>,
    pub(super) zones: Classes,
    count: usize,
    /// Index into `links` for each ordered pair of zones.
    matrix: Vec<u16>,
    pub(super) links: Vec<Link>,
    /// One per setting: the default, then the links in file order.
    pub(super) stages: Vec<Stage>,
    pub(super) queues: Vec<Queue>,
}

impl Topology {
    pub(super) fn new(network: &Network, slots: u32, keys: Keys) -> Self {
        let sets: Vec<_> = network.links.iter().flat_map(|l| [&l.from, &l.to]).collect();
        let (zones, members) = Classes::new(slots, &sets);
        let count = members.len();
        let mut graph = DiGraph::with_capacity(count, count * count);
        let nodes: Vec<_> =
            zones.sizes(count).into_iter().map(|slots| graph.add_node(Zone { slots })).collect();
        let specs: Vec<&LinkSpec> = std::iter::once(&network.default)
            .chain(network.links.iter().map(|l| &l.spec))
            .collect();
        let dice = Dice::of_links(keys);
        let stages: Vec<_> = specs.iter().map(|spec| Stage::of_link(dice, spec)).collect();
        let flights: Vec<_> = specs.iter().map(|spec| Flight::new(&spec.latency)).collect();

        // Pairs of zones share a compiled link where they share its setting and its queue.
        let mut links: Vec<Link> = Vec::new();
        let mut queues = Vec::new();
        let mut seen: FxHashMap<(usize, usize), u16> = FxHashMap::default();
        let mut matrix = Vec::with_capacity(count * count);
        for (a, from) in members.iter().enumerate() {
            for (b, to) in members.iter().enumerate() {
                // A later link wins.
                let found = (0..network.links.len()).rev().find_map(|i| {
                    let (left, right) = (2 * i, 2 * i + 1);
                    let forward = from.within(left) && to.within(right);
                    let backward = from.within(right) && to.within(left);
                    (forward || backward && network.links[i].both).then_some((i, forward))
                });
                let setting = found.map_or(0, |(i, _)| i + 1);
                let spec = specs[setting];
                // A link's limit is for all its pairs in one direction, the default's for a pair of
                // zones.
                let lane = match (spec.bandwidth, found) {
                    (None, _) => 0,
                    (Some(_), Some((_, forward))) => 1 + usize::from(forward),
                    (Some(_), None) => 1 + a * count + b,
                };
                let index = *seen.entry((setting, lane)).or_insert_with(|| {
                    let queue = spec.bandwidth.map(|limits| {
                        queues.push(Queue::new(limits));
                        queues.len() - 1
                    });
                    links.push(Link::new(
                        spec,
                        &flights[setting],
                        &stages[setting],
                        setting,
                        queue,
                    ));
                    u16::try_from(links.len() - 1).expect("more than 65536 rate-limited links")
                });
                matrix.push(index);
                graph.add_edge(nodes[a], nodes[b], Edge { link: found.map(|(i, _)| i as u16) });
            }
        }
        Self { graph, zones, count, matrix, links, stages, queues }
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
    fn new(
        spec: &LinkSpec,
        flight: &Flight,
        stage: &Stage,
        setting: usize,
        queue: Option<usize>,
    ) -> Self {
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
            && queue.is_none();
        Self {
            plain,
            mtu: spec.mtu.unwrap_or(u32::MAX).max(1),
            loss: loss.unwrap_or_default(),
            flight: flight.clone(),
            segment_loss: stage.segment_loss(),
            stage: setting,
            queue,
            reorders: spec.reorder.is_some(),
            delays: spec.delay.is_some(),
        }
    }
}
