//! The peer: the crate `foca` in a plain event loop.
//!
//! One binary heap holds all that is to come, ordered by time and then by the order in which it
//! arose. Packets lie in a pool of buffers that are used again, and foca's effects go straight into
//! the heap, so that the loop itself costs little beside foca. Nothing is lost; a packet takes half
//! a millisecond.

mod codec;

use std::{
    cmp::Ordering,
    collections::BinaryHeap,
    num::{NonZeroU8, NonZeroUsize},
    thread,
    time::Duration,
};

use foca::{Config, Foca, Member, NoCustomBroadcast, Notification, PeriodicParams, Runtime, Timer};
use rand::{SeedableRng as _, rngs::SmallRng};
use wavetank_protocol::{
    rng::{Chance as _, Keys},
    time::{MICROSECOND, SECOND, Span, Time},
};

use self::codec::{Fixed, Id};
use crate::measure::{Cluster, Subject};

const LATENCY: Span = 500 * MICROSECOND;

type Node = Foca<Id, Fixed, SmallRng, NoCustomBroadcast>;

/// A cluster of foca instances.
pub struct Peer {
    nodes: Vec<Node>,
    down: Vec<bool>,
    killed: usize,
    queue: Queue,
    end: Time,
}

impl Peer {
    /// So many nodes that all know each other, with LAN settings, their periods at uniformly drawn
    /// phases.
    ///
    /// Takes time with the cube of `nodes`: foca looks through its list for every member it is told.
    pub fn new(nodes: u32, seed: u64) -> Self {
        let mut phases = Keys::new(seed).stream(0);
        let mut peer = Self {
            nodes: Vec::with_capacity(nodes as usize),
            down: vec![false; nodes as usize],
            killed: 0,
            queue: Queue::default(),
            end: 0,
        };
        for (index, (node, timers)) in all_converged(nodes, seed).into_iter().enumerate() {
            let phase = phases.span(SECOND);
            for (timer, after) in timers {
                peer.queue.push(phase + after, index as u32, What::Timer(timer));
            }
            peer.nodes.push(node);
        }
        peer
    }

    fn handle(&mut self, Entry { time, node, what, .. }: Entry) {
        let alive = !self.down[node as usize];
        let foca = &mut self.nodes[node as usize];
        let mut effects = Effects { now: time, node, queue: &mut self.queue };
        let handled = match what {
            What::Timer(timer) if alive => foca.handle_timer(timer, &mut effects),
            What::Timer(_) => Ok(()),
            What::Packet(slot) => {
                let bytes = std::mem::take(&mut effects.queue.packets[slot as usize]);
                let handled = if alive { foca.handle_data(&bytes, &mut effects) } else { Ok(()) };
                self.queue.packets[slot as usize] = bytes;
                self.queue.free.push(slot);
                handled
            }
        };
        handled.expect("an honest cluster makes no protocol errors");
    }
}

impl Subject for Peer {
    fn advance(&mut self, seconds: u64) {
        self.end += seconds * SECOND;
        while let Some(entry) = self.queue.pop_before(self.end) {
            self.handle(entry);
        }
    }
}

impl Cluster for Peer {
    fn kill(&mut self) {
        self.down[self.killed] = true;
        self.killed += 1;
    }
}

/// memberlist's LAN profile as far as foca has such settings, for a cluster of `nodes`.
fn lan(nodes: u32) -> Config {
    let n = f64::from(nodes);
    let transmissions = 4 * libm::ceil(libm::log10(n + 1.0)) as u8;
    Config {
        probe_period: Duration::from_secs(1),
        probe_rtt: Duration::from_millis(500),
        num_indirect_probes: const { NonZeroUsize::new(3).unwrap() },
        max_transmissions: NonZeroU8::new(transmissions).unwrap_or(NonZeroU8::MIN),
        suspect_to_down_after: Duration::from_millis(
            (4.0 * libm::log10(n).max(1.0) * 1000.0) as u64,
        ),
        remove_down_after: None,
        max_packet_size: const { NonZeroUsize::new(1400).unwrap() },
        notify_down_members: false,
        periodic_announce: None,
        periodic_announce_to_down_members: None,
        periodic_gossip: Some(PeriodicParams {
            frequency: Duration::from_millis(200),
            num_members: const { NonZeroUsize::new(3).unwrap() },
        }),
    }
}

/// Timers that a node wants, with their delays.
type Timers = Vec<(Timer<Id>, Span)>;

/// All nodes of a converged cluster, made on all cores; each has its own generator, so the result
/// does not depend on how many there are.
fn all_converged(nodes: u32, seed: u64) -> Vec<(Node, Timers)> {
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get) as u32;
    let share = nodes.div_ceil(threads).max(1);
    thread::scope(|scope| {
        let parts: Vec<_> = (0..nodes)
            .step_by(share as usize)
            .map(|first| {
                scope.spawn(move || -> Vec<_> {
                    let last = nodes.min(first + share);
                    (first..last).map(|index| converged(index, nodes, seed)).collect()
                })
            })
            .collect();
        parts.into_iter().flat_map(|part| part.join().expect("foca accepts members")).collect()
    })
}

/// A node that knows all others, and the timers it started on learning of them.
fn converged(index: u32, nodes: u32, seed: u64) -> (Node, Timers) {
    let rng = SmallRng::seed_from_u64(Keys::new(seed).draw(1, u64::from(index)));
    let mut node = Foca::new(Id(index), lan(nodes), rng, Fixed);
    let mut timers = Collected(Vec::new());
    let others = (0..nodes).filter(|other| *other != index).map(|other| Member::alive(Id(other)));
    node.apply_many(others, false, &mut timers).expect("foca accepts members");
    (node, timers.0)
}

struct Collected(Timers);

impl Runtime<Id> for Collected {
    fn notify(&mut self, _: Notification<'_, Id>) {}

    fn send_to(&mut self, to: Id, _: &[u8]) {
        unreachable!("a node sends to {to:?} before it started");
    }

    fn submit_after(&mut self, event: Timer<Id>, after: Duration) {
        self.0.push((event, after.as_nanos() as Span));
    }
}

/// All that is to come, and the packets under way.
#[derive(Default)]
struct Queue {
    heap: BinaryHeap<Entry>,
    pushed: u64,
    packets: Vec<Vec<u8>>,
    free: Vec<u32>,
}

impl Queue {
    #[inline]
    fn push(&mut self, time: Time, node: u32, what: What) {
        self.pushed += 1;
        self.heap.push(Entry { time, nth: self.pushed, node, what });
    }

    #[inline]
    fn pop_before(&mut self, end: Time) -> Option<Entry> {
        if self.heap.peek()?.time >= end {
            return None;
        }
        self.heap.pop()
    }

    #[inline]
    fn packet(&mut self, data: &[u8]) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.packets.push(Vec::new());
            self.packets.len() as u32 - 1
        });
        let packet = &mut self.packets[slot as usize];
        packet.clear();
        packet.extend_from_slice(data);
        slot
    }
}

enum What {
    Timer(Timer<Id>),
    /// A packet, by its place in the pool.
    Packet(u32),
}

struct Entry {
    time: Time,
    nth: u64,
    node: u32,
    what: What,
}

impl Ord for Entry {
    /// The earliest is the greatest, because the heap gives out the greatest.
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        (other.time, other.nth).cmp(&(self.time, self.nth))
    }
}

impl PartialOrd for Entry {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

/// Takes foca's effects straight into the queue.
struct Effects<'a> {
    now: Time,
    node: u32,
    queue: &'a mut Queue,
}

impl Runtime<Id> for Effects<'_> {
    #[inline]
    fn notify(&mut self, _: Notification<'_, Id>) {}

    #[inline]
    fn send_to(&mut self, to: Id, data: &[u8]) {
        let slot = self.queue.packet(data);
        self.queue.push(self.now + LATENCY, to.0, What::Packet(slot));
    }

    #[inline]
    fn submit_after(&mut self, event: Timer<Id>, after: Duration) {
        self.queue.push(self.now + after.as_nanos() as Span, self.node, What::Timer(event));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(peer: &Peer) -> Vec<usize> {
        let alive = peer.nodes.iter().zip(&peer.down).filter(|(_, down)| !**down);
        alive.map(|(node, _)| node.num_members()).collect()
    }

    /// Nobody is suspected in peace, and a death is known to all within the 40 s that are measured.
    #[test]
    fn the_cluster_stays_whole_until_a_node_is_killed() {
        let mut peer = Peer::new(20, 3);
        assert_eq!(known(&peer), [19; 20]);
        peer.advance(60);
        assert_eq!(known(&peer), [19; 20]);
        // A probe and its answer per node and second.
        let packets_and_timers = peer.queue.pushed;
        assert!(packets_and_timers >= 20 * 59 * (2 + 2 + 5), "{packets_and_timers}");
        peer.kill();
        peer.advance(40);
        assert_eq!(known(&peer), [18; 19]);
        assert!(peer.queue.packets.len() < 200, "buffers are used again");
    }

    #[test]
    fn settings_follow_memberlist() {
        let of = |n| {
            let config = lan(n);
            (config.max_transmissions.get(), config.suspect_to_down_after.as_millis())
        };
        assert_eq!(of(1000), (16, 12_000));
        assert_eq!(of(5000), (16, 14_795));
        assert_eq!(of(5), (4, 4_000));
    }
}
