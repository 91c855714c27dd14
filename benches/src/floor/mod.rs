//! The floor: the least that a simulator of this shape does, without a protocol.
//!
//! Every node has one timer a second. It sends a packet to a uniformly drawn other node, which
//! answers, and it sets a time-out half a second ahead, which looks whether the answer came. That is
//! four events per node and second. Each costs what no event-driven simulator can do without: a
//! place in the order of time, one draw of the counter-based generator, one visit to the 64-byte
//! record of its node. No event is elided, nothing is lost, counted, hashed or encoded.

mod prefetch;
mod windows;

use wavetank_protocol::{
    rng::{Chance as _, Keys},
    time::{MILLISECOND, SECOND, Span, Time},
};

use self::{
    prefetch::prefetch,
    windows::{Event, WINDOW, Windows},
};
use crate::measure::Subject;

/// Events per node and simulated second.
pub const EVENTS: u64 = 4;

const LATENCY: Span = WINDOW;
const PERIOD: Span = SECOND;
const TIMEOUT: Span = 500 * MILLISECOND;

/// How many events ahead a record is asked for: enough to hide a miss to memory.
const AHEAD: usize = 12;

/// Bits of a node's index.
const NODE: u32 = 31;

/// What happens, in the order of simultaneous events.
const TIMER: u64 = 0;
const LATE: u64 = 1;
const PACKET: u64 = 2;
const ANSWER: u64 = 3;

/// One node: a cache line.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Record {
    drawn: u64,
    mixed: u64,
    sent: u32,
    answered: u32,
    late: u32,
    asked: u32,
}

/// The bare loop.
pub struct Floor {
    keys: Keys,
    nodes: Vec<Record>,
    queue: Windows,
    batch: Vec<Event>,
    now: Time,
    events: u64,
}

impl Floor {
    /// So many nodes, their timers at uniformly drawn phases.
    ///
    /// # Panics
    /// If there are fewer than two nodes or too many for an index of 31 bits.
    pub fn new(nodes: u32, seed: u64) -> Self {
        assert!((2..1 << NODE).contains(&nodes), "the floor needs 2 to 2^31 - 1 nodes");
        let keys = Keys::new(seed);
        let mut phases = keys.stream(u64::MAX);
        let mut queue = Windows::new();
        for node in 0..nodes {
            queue.push(event(phases.span(PERIOD), TIMER, node, node));
        }
        Self {
            keys,
            nodes: vec![Record::default(); nodes as usize],
            queue,
            batch: Vec::new(),
            now: 0,
            events: 0,
        }
    }

    /// Events handled so far.
    pub fn events(&self) -> u64 {
        self.events
    }

    #[inline]
    fn handle(&mut self, event: Event) {
        let (node, source) = (node_of(event), (event.what >> NODE) as u32 & ((1 << NODE) - 1));
        let others = self.nodes.len() as u32 - 1;
        let record = &mut self.nodes[node as usize];
        let word = self.keys.draw(u64::from(node), record.drawn);
        record.drawn += 1;
        record.mixed ^= word;
        match event.what >> (2 * NODE) {
            TIMER => {
                record.sent += 1;
                let drawn = ((u128::from(word) * u128::from(others)) >> 64) as u32;
                let target = drawn + u32::from(drawn >= node);
                self.push(event.time + LATENCY, PACKET, node, target);
                self.push(event.time + TIMEOUT, LATE, node, node);
                self.push(event.time + PERIOD, TIMER, node, node);
            }
            LATE => record.late += u32::from(record.answered != record.sent),
            PACKET => {
                record.asked += 1;
                self.push(event.time + LATENCY, ANSWER, node, source);
            }
            _ => record.answered = record.sent,
        }
    }

    #[inline]
    fn push(&mut self, time: Time, kind: u64, source: u32, node: u32) {
        self.queue.push(event(time, kind, source, node));
    }
}

impl Subject for Floor {
    fn advance(&mut self, seconds: u64) {
        self.now += seconds * SECOND;
        let mut batch = std::mem::take(&mut self.batch);
        while self.queue.take(self.now, &mut batch) {
            for event in batch.iter().take(AHEAD) {
                prefetch(&self.nodes, node_of(*event) as usize);
            }
            for (i, event) in batch.iter().enumerate() {
                if let Some(ahead) = batch.get(i + AHEAD) {
                    prefetch(&self.nodes, node_of(*ahead) as usize);
                }
                self.handle(*event);
            }
            self.events += batch.len() as u64;
        }
        self.batch = batch;
    }
}

#[inline]
fn event(time: Time, kind: u64, source: u32, node: u32) -> Event {
    Event { time, what: kind << (2 * NODE) | u64::from(source) << NODE | u64::from(node) }
}

#[inline]
fn node_of(event: Event) -> u32 {
    event.what as u32 & ((1 << NODE) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_as_promised() {
        assert_eq!((size_of::<Event>(), size_of::<Record>()), (16, 64));
    }

    /// Everybody asks once a second and is answered in time, and every draw was made.
    #[test]
    fn each_node_does_its_four_events_a_second() {
        let (nodes, seconds) = (50, 20);
        let mut floor = Floor::new(nodes, 7);
        floor.advance(seconds);
        let sum = |field: fn(&Record) -> u32| floor.nodes.iter().map(field).sum::<u32>();
        assert_eq!(sum(|node| node.sent), nodes * seconds as u32);
        assert_eq!(sum(|node| node.late), 0);
        assert!(floor.nodes.iter().all(|node| node.asked > 0));
        let pending = u64::from(nodes) * EVENTS * seconds - floor.events();
        assert!(pending < u64::from(nodes), "{pending} events are still to come");
        assert_eq!(floor.nodes.iter().map(|node| node.drawn).sum::<u64>(), floor.events());
    }

    #[test]
    fn advancing_in_steps_is_advancing_at_once() {
        let (mut steps, mut once) = (Floor::new(9, 1), Floor::new(9, 1));
        (0..6).for_each(|_| steps.advance(1));
        once.advance(6);
        let state = |floor: &Floor| -> Vec<u64> { floor.nodes.iter().map(|n| n.mixed).collect() };
        assert_eq!(state(&steps), state(&once));
    }
}
