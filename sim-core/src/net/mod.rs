//! The network: what becomes of a datagram or a leg of a stream, given who, when and how long.
//!
//! It knows slots, bytes and times, and no message. A datagram passes
//!
//! ```text
//! cut? -> lost? -> corrupted? -> rate limits in series -> latency + extra delay (-> duplicate)
//! ```
//!
//! through its link and every fault in force on its path. Losses are independent chances, delays add.
//! The dice of a datagram are functions of its source and the source's own count (`dice`), and every
//! die in use is rolled before the first gate, so that no feature, fault or neighbour moves another's luck.
//! Only chains with a memory (`chain`) and rate limits (`queue`) keep state; chains belong to one
//! source, queues are shared by all who send there, in the order in which they ask.
//!
//! The plain case, latency and independent loss with no condition in force, is a few branches, one or
//! two draws and a table, and allocates nothing. `docs/network-model.md` says what is modelled and what
//! is not.

mod chain;
mod classes;
mod condition;
mod curve;
mod dice;
mod queue;
mod stage;
mod stream;
#[cfg(test)]
mod tests;
mod topology;

use petgraph::graph::DiGraph;
use wavetank_protocol::{Span, Time, rng::Keys};

use crate::plan::{Action, Entry, EntryIndex, Network, PathFault, Streams};

pub use condition::{Condition, ConditionId};
pub use stream::Leg;
pub use topology::{Edge, Zone};

use condition::{Active, CUT_TCP, CUT_UDP, FAULTY};
use dice::{Dice, Purpose};
use stage::Roll;
use topology::Topology;

/// Bytes of IP and UDP headers that a datagram adds on a rate-limited line.
const HEADERS: u64 = 28;
/// Bytes of the IP header that each further fragment adds.
const FRAGMENT_HEADER: u64 = 20;

/// Why a datagram did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Drop {
    /// Lost on a link or by a fault.
    Loss,
    /// Damaged, and refused by the receiver's checksum.
    Corrupt,
    /// No room before a rate limit.
    Full,
    /// Stopped by a partition or a block.
    Cut,
}

/// What becomes of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives.
    Arrives {
        /// When; always later than it was sent.
        at: Time,
        /// When its duplicate arrives, which may be earlier.
        copy: Option<Time>,
    },
    /// It does not.
    Lost(Drop),
}

/// The network between all slots.
#[derive(Clone, Debug)]
pub struct Net {
    keys: Keys,
    topology: Topology,
    streams: Streams,
    /// In the order in which they came into force.
    conditions: Vec<Active>,
    slots: u32,
    next_id: u32,
}

impl Net {
    /// The network of a plan between `slots` slots, with no condition in force.
    pub fn new(network: &Network, slots: u32, keys: Keys) -> Self {
        Self {
            keys,
            topology: Topology::new(network, slots, keys),
            streams: network.streams,
            conditions: Vec::new(),
            slots,
            next_id: 0,
        }
    }

    /// Adds an endpoint in the place of another: same zone, same conditions. Returns its slot.
    pub fn add(&mut self, like: u32) -> u32 {
        self.topology.add(like);
        self.conditions.iter_mut().for_each(|condition| condition.add(like));
        self.slots += 1;
        self.slots - 1
    }

    /// Puts a condition into force. Its dice belong to the entry of the timeline; occurrences of one
    /// entry in force at once (up to 16) have dice of their own.
    pub fn apply(&mut self, entry: EntryIndex, condition: &Condition) -> ConditionId {
        let id = ConditionId(self.next_id);
        self.next_id += 1;
        let taken = |copy| self.conditions.iter().any(|c| c.copy_of(entry) == Some(copy));
        let copy = (0..16).find(|&copy| !taken(copy)).unwrap_or(0);
        self.conditions.push(Active::new(condition, self.slots, self.keys, id, (entry, copy)));
        id
    }

    /// Ends a condition; one that has ended already is no matter.
    pub fn lift(&mut self, id: ConditionId) {
        self.conditions.retain(|condition| condition.id != id);
    }

    /// What becomes of a datagram of `bytes` bytes of payload, the source's `nth`.
    #[inline]
    pub fn datagram(&mut self, now: Time, from: u32, to: u32, nth: u64, bytes: u32) -> Fate {
        let index = self.topology.link(from, to);
        let link = &self.topology.links[index];
        if !link.plain || !self.conditions.is_empty() || bytes > link.mtu {
            return self.burdened(now, (from, to), nth, bytes, index);
        }
        let dice = Dice::of_links(self.keys);
        if !link.loss.is_zero() && link.loss.hit(dice.roll(from, Purpose::Loss, nth)) {
            return Fate::Lost(Drop::Loss);
        }
        let flight = link.flight.draw(|| dice.roll(from, Purpose::Latency, nth));
        Fate::Arrives { at: now + flight, copy: None }
    }

    /// The same with everything that can be on a path.
    #[inline(never)]
    fn burdened(
        &mut self,
        now: Time,
        (from, to): (u32, u32),
        nth: u64,
        bytes: u32,
        index: usize,
    ) -> Fate {
        let link = &self.topology.links[index];
        let fragments = bytes.div_ceil(link.mtu).max(1);
        let mut roll = Roll::default();
        self.topology.stages[link.stage].roll(from, nth, fragments, &mut roll);
        let mut cut = false;
        for condition in &mut self.conditions {
            let rules = condition.rules(from, to);
            cut |= rules & CUT_UDP != 0;
            if let Some(fault) = condition.fault.as_mut().filter(|_| rules & FAULTY != 0) {
                fault.stage.roll(from, nth, fragments, &mut roll);
            }
        }
        if cut {
            return Fate::Lost(Drop::Cut);
        }
        if roll.lost {
            return Fate::Lost(Drop::Loss);
        }
        if roll.corrupt {
            return Fate::Lost(Drop::Corrupt);
        }
        let wire = u64::from(bytes) + HEADERS + u64::from(fragments - 1) * FRAGMENT_HEADER;
        let Some(sent) = self.queued(now, (from, to), wire, index) else {
            return Fate::Lost(Drop::Full);
        };
        let link = &self.topology.links[index];
        let dice = Dice::of_links(self.keys);
        let drawn = |purpose| link.flight.draw(|| dice.roll(from, purpose, nth));
        let flight = match roll {
            Roll { overtakes: true, delayed: true, .. } => drawn(Purpose::Latency),
            Roll { overtakes: true, .. } => link.flight.min,
            Roll { extra, .. } => drawn(Purpose::Latency).saturating_add(extra),
        };
        let copy = roll.copied.then(|| {
            sent.saturating_add(drawn(Purpose::CopyLatency)).saturating_add(roll.copy_extra)
        });
        Fate::Arrives { at: sent.saturating_add(flight), copy }
    }

    /// When a datagram has passed all rate limits on its path, unless one has no room.
    fn queued(
        &mut self,
        now: Time,
        (from, to): (u32, u32),
        wire: u64,
        index: usize,
    ) -> Option<Time> {
        let mut sent = now;
        if let Some(queue) = self.topology.queue(index, from, to) {
            sent = queue.datagram(sent, wire)?;
        }
        for condition in &mut self.conditions {
            let rules = condition.rules(from, to);
            let fault = condition.fault.as_mut().filter(|_| rules & FAULTY != 0);
            if let Some(queue) = fault.and_then(|fault| fault.queue(rules)) {
                sent = queue.datagram(sent, wire)?;
            }
        }
        Some(sent)
    }

    /// Whether partitions and blocks let datagrams through, one way.
    pub fn can_send(&self, from: u32, to: u32) -> bool {
        self.conditions.iter().all(|condition| condition.rules(from, to) & CUT_UDP == 0)
    }

    /// Whether partitions and blocks let datagrams through, both ways.
    pub fn can_exchange(&self, a: u32, b: u32) -> bool {
        self.can_send(a, b) && self.can_send(b, a)
    }

    /// Whether partitions and blocks let streams through; they need both ways.
    pub fn can_stream(&self, a: u32, b: u32) -> bool {
        let open = |c: &Active| (c.rules(a, b) | c.rules(b, a)) & CUT_TCP == 0;
        self.conditions.iter().all(open)
    }

    /// The round trip between two slots as it is without chance: medians of latency and scripted delays
    /// without their variation, both ways; at least 1. For measures, not for the history.
    pub fn round_trip(&self, a: u32, b: u32) -> Span {
        (self.one_way(a, b) + self.one_way(b, a)).max(1)
    }

    fn one_way(&self, from: u32, to: u32) -> Span {
        let link = &self.topology.links[self.topology.link(from, to)];
        let mut way = link.flight.median() + self.topology.stages[link.stage].mean_delay();
        for condition in &self.conditions {
            if condition.rules(from, to) & FAULTY != 0
                && let Some(fault) = &condition.fault
            {
                way += fault.stage.mean_delay();
            }
        }
        way
    }

    /// What no datagram and no leg of a stream can undercut, whatever of this timeline is in force.
    ///
    /// Where datagrams can overtake, this is the links' `min`; else the least value of their
    /// distributions, which is more.
    pub fn least_latency(&self, timeline: &[Entry]) -> Span {
        let reorder = |entry: &Entry| {
            matches!(entry.action, Action::Fault { fault: PathFault::Reorder(_), .. })
        };
        let overtaking = timeline.iter().any(reorder);
        let least = |link: &topology::Link| {
            if (link.reorders || overtaking) && !link.delays {
                link.flight.min
            } else {
                link.flight.least()
            }
        };
        self.topology.links.iter().filter(|link| link.used).map(least).min().unwrap_or(1)
    }

    /// The zone of a slot.
    pub fn zone_of(&self, slot: u32) -> u16 {
        self.topology.zones.of(slot)
    }

    /// How many zones there are: sets of slots that no link of the scenario tells apart; at least 1.
    pub fn zones(&self) -> u16 {
        self.topology.zone_count()
    }

    /// How many slots there are.
    pub fn slots(&self) -> u32 {
        self.slots
    }

    /// The zones, in the order of [`Net::zone_of`], and the links of the scenario between them; pairs
    /// without an edge have the default.
    pub fn topology(&self) -> &DiGraph<Zone, Edge> {
        &self.topology.graph
    }
}
