//! The event queue: windows of about a millisecond, each put into order once.
//!
//! Events are handled in the order of their keys (time, class, source, nth), by what they are and never
//! by when they were pushed. Those of the next seconds lie unsorted in a ring of windows; when a window's
//! turn comes it is sorted and handled in a row. What is pushed into the window being handled goes
//! through a small heap beside it. Far events wait by era and move into the ring before their time.
//!
//! ```text
//! now            ring: 4096 windows of 2^20 ns           far: eras of 2^30 ns
//! [sorted|agenda][....][....][....] ... [....]           [........][........] ...
//! ```
//! An event in a window is 16 bytes; storage is reused, so a warm queue allocates nothing.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use wavetank_protocol::Time;

/// Nanoseconds of a window, as a power of two.
const WINDOW_BITS: u32 = 20;
/// Windows of the ring, as a power of two.
const RING_BITS: u32 = 12;
const RING: usize = 1 << RING_BITS;
/// Events for which a new window has room.
const ROOM: usize = 16;
/// Nanoseconds of an era, as a power of two.
const ERA_BITS: u32 = 30;
/// Eras that lie wholly within the ring whatever the offset of its first window.
const NEAR_ERAS: u64 = (1 << (WINDOW_BITS + RING_BITS - ERA_BITS)) - 1;

const NTH_BITS: u32 = 21;
const SOURCE_BITS: u32 = 21;
const CLASS_BITS: u32 = 2;
const SUB_BITS: u32 = NTH_BITS + SOURCE_BITS + CLASS_BITS;

/// The most sources (slots) that a queue can tell apart.
pub const SOURCES: u32 = 1 << SOURCE_BITS;

/// Class of an event: its place among simultaneous ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// The scenario's script.
    Script = 0,
    /// A ticker or timer of a node.
    Timer = 1,
    /// Something that arrives.
    Arrival = 2,
}

impl Class {
    const fn of(bits: u64) -> Self {
        match bits {
            0 => Self::Script,
            1 => Self::Timer,
            _ => Self::Arrival,
        }
    }
}

/// When an event happens and where it stands among simultaneous ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Time.
    pub time: Time,
    /// Class.
    pub class: Class,
    /// Who made it: a slot below [`SOURCES`].
    pub source: u32,
    /// The source's own count of such events; only its low 21 bits decide, which is enough to tell apart
    /// those of one instant.
    pub nth: u32,
}

impl Key {
    const fn sub(self) -> u64 {
        (self.class as u64) << (SOURCE_BITS + NTH_BITS)
            | (self.source as u64 & ((1 << SOURCE_BITS) - 1)) << NTH_BITS
            | (self.nth as u64 & ((1 << NTH_BITS) - 1))
    }
}

/// An event in a window: offset, class, source and nth in one word, and the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Near {
    key: u64,
    payload: u64,
}

#[derive(Clone, Copy, Debug)]
struct Far {
    time: Time,
    sub: u64,
    payload: u64,
}

/// A popped event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub time: Time,
    /// What kind.
    pub class: Class,
    /// Who made it.
    pub source: u32,
    /// What it carries.
    pub payload: u64,
}

/// The queue.
#[derive(Debug)]
pub struct Queue {
    ring: Vec<Vec<Near>>,
    occupied: Vec<u64>,
    /// The window being handled.
    window: u64,
    sorted: Vec<Near>,
    next: usize,
    agenda: BinaryHeap<Reverse<Near>>,
    /// Eras from `far_era` on.
    far: VecDeque<Vec<Far>>,
    far_era: u64,
    spare: Vec<Vec<Near>>,
    len: usize,
}

impl Default for Queue {
    fn default() -> Self {
        Self::new()
    }
}

impl Queue {
    /// An empty queue at time 0.
    pub fn new() -> Self {
        Self {
            ring: (0..RING).map(|_| Vec::new()).collect(),
            occupied: vec![0; RING / 64],
            window: 0,
            sorted: Vec::new(),
            next: 0,
            agenda: BinaryHeap::new(),
            far: VecDeque::new(),
            far_era: NEAR_ERAS,
            spare: Vec::new(),
            len: 0,
        }
    }

    /// Number of pending events.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is pending.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds an event; its time must not lie before the window being handled.
    #[inline]
    pub fn push(&mut self, key: Key, payload: u64) {
        self.len += 1;
        let window = key.time >> WINDOW_BITS;
        debug_assert!(window >= self.window, "an event was pushed into the past");
        let sub = key.sub();
        let near = Near { key: (key.time & ((1 << WINDOW_BITS) - 1)) << SUB_BITS | sub, payload };
        if window <= self.window {
            self.agenda.push(Reverse(near));
        } else if key.time >> ERA_BITS < self.far_era {
            self.put(window, near);
        } else {
            self.push_far(Far { time: key.time, sub, payload });
        }
    }

    #[inline]
    fn put(&mut self, window: u64, near: Near) {
        let i = window as usize & (RING - 1);
        let bucket = &mut self.ring[i];
        if bucket.is_empty() {
            self.occupied[i / 64] |= 1 << (i % 64);
            if bucket.capacity() == 0 {
                // Room for a window of a small cluster, so that it is warm after one turn.
                *bucket = self.spare.pop().unwrap_or_else(|| Vec::with_capacity(ROOM));
            }
        }
        bucket.push(near);
    }

    fn push_far(&mut self, far: Far) {
        let era = ((far.time >> ERA_BITS) - self.far_era) as usize;
        if self.far.len() <= era {
            self.far.resize_with(era + 1, Vec::new);
        }
        self.far[era].push(far);
    }

    /// Takes the next event if it is due before `end`. When there is none, time has come to `end`: nothing
    /// may be pushed before it any more.
    #[inline]
    pub fn pop(&mut self, end: Time) -> Option<Event> {
        self.pop_before(end, Class::Script)
    }

    /// Takes the next event if it comes before one of this time and class.
    #[inline]
    pub fn pop_before(&mut self, end: Time, class: Class) -> Option<Event> {
        loop {
            let near = match (self.sorted.get(self.next), self.agenda.peek()) {
                (Some(near), None) => *near,
                (Some(near), Some(Reverse(agenda))) if near < agenda => *near,
                (_, Some(Reverse(agenda))) => *agenda,
                (None, None) => {
                    if !self.advance(end + u64::from(class != Class::Script)) {
                        return None;
                    }
                    continue;
                }
            };
            let time = self.window << WINDOW_BITS | near.key >> SUB_BITS;
            let of = Class::of(near.key >> (SOURCE_BITS + NTH_BITS) & 3);
            if time > end || time == end && of >= class {
                return None;
            }
            if self.sorted.get(self.next) == Some(&near) {
                self.next += 1;
            } else {
                self.agenda.pop();
            }
            self.len -= 1;
            return Some(Event {
                time,
                class: of,
                source: (near.key >> NTH_BITS) as u32 & (SOURCES - 1),
                payload: near.payload,
            });
        }
    }

    /// The payload of the sorted event `ahead` places after the next one, for prefetching.
    #[inline]
    pub fn upcoming(&self, ahead: usize) -> Option<u64> {
        self.sorted.get(self.next + ahead).map(|near| near.payload)
    }

    /// Goes to the next window with events in it that begins before `end`.
    fn advance(&mut self, end: Time) -> bool {
        loop {
            let era_end = (self.far_era - NEAR_ERAS + 1) << (ERA_BITS - WINDOW_BITS);
            let next = self.next_occupied(era_end);
            if let Some(window) = next {
                if window << WINDOW_BITS >= end {
                    return false;
                }
                self.open(window);
                return true;
            }
            // Nothing more in this era: the first far era moves into the ring.
            if era_end << WINDOW_BITS >= end {
                return false;
            }
            if self.len == 0 {
                return false;
            }
            // A place in the ring means one window only while all that is in it lies within one turn
            // from the current window, so this one goes along over the empty ones.
            self.window = self.window.max(era_end - 1);
            if let Some(era) = self.far.pop_front() {
                self.far_era += 1;
                for far in &era {
                    let key = (far.time & ((1 << WINDOW_BITS) - 1)) << SUB_BITS | far.sub;
                    self.put(far.time >> WINDOW_BITS, Near { key, payload: far.payload });
                }
            } else {
                self.far_era += 1;
            }
        }
    }

    /// The first occupied window after the current one and before `until`.
    fn next_occupied(&self, until: u64) -> Option<u64> {
        let mut window = self.window + 1;
        while window < until {
            let i = window as usize & (RING - 1);
            let word = self.occupied[i / 64] >> (i % 64);
            if word != 0 {
                let found = window + u64::from(word.trailing_zeros());
                return (found < until).then_some(found);
            }
            window += 64 - (i as u64 % 64);
        }
        None
    }

    fn open(&mut self, window: u64) {
        let i = window as usize & (RING - 1);
        self.window = window;
        self.occupied[i / 64] &= !(1 << (i % 64));
        self.sorted.clear();
        let mut done = std::mem::take(&mut self.ring[i]);
        std::mem::swap(&mut self.sorted, &mut done);
        self.spare.push(done);
        self.sorted.sort_unstable();
        self.next = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wavetank_protocol::rng::{Chance, Keys};

    /// Same pushes, same order as a binary heap, whatever the distances in time.
    #[test]
    fn it_pops_in_the_order_of_a_heap() {
        for seed in 0..20 {
            let mut rng = Keys::new(seed).stream(0);
            let mut queue = Queue::new();
            let mut heap = BinaryHeap::new();
            let mut now = 0;
            let mut nth = 0;
            for step in 0..20_000u64 {
                let pushes = if step % 997 == 0 { 30 } else { rng.below(3) };
                for _ in 0..pushes {
                    let spread =
                        [1, 1_000, 1_000_000, 3_000_000_000, 90_000_000_000][rng.below(5) as usize];
                    let class =
                        [Class::Script, Class::Timer, Class::Arrival][rng.below(3) as usize];
                    let source = rng.below(4);
                    let key = Key { time: now + rng.span(spread), class, source, nth };
                    nth += 1;
                    queue.push(key, u64::from(nth));
                    heap.push(Reverse((key, u64::from(nth))));
                }
                let end = now + rng.span(2_000_000_000);
                let popped = queue.pop(end);
                let due = heap.peek().is_some_and(|Reverse((key, _))| key.time < end);
                let expected = if due {
                    heap.pop().map(|Reverse((k, p))| (k.time, k.class, k.source, p))
                } else {
                    None
                };
                assert_eq!(
                    popped.map(|e| (e.time, e.class, e.source, e.payload)),
                    expected,
                    "seed {seed}, step {step}"
                );
                now = popped.map_or(end, |e| e.time);
                assert_eq!(queue.len(), heap.len());
            }
        }
    }

    /// A quiet cluster has nothing to do for many turns of the ring.
    #[test]
    fn long_silences_move_nothing() {
        for gap in [1, 999, 3_000, 4_400, 5_000, 9_000, 70_000].map(|ms| ms * 1_000_000) {
            for parts in [1, 3, 1000] {
                let mut queue = Queue::new();
                let mut popped = Vec::new();
                let key = |i: u64| Key {
                    time: i * gap + 17,
                    class: Class::Timer,
                    source: 1,
                    nth: i as u32,
                };
                queue.push(key(1), 1);
                for part in 1..=20 * parts {
                    let end = part * gap / parts;
                    while let Some(event) = queue.pop(end) {
                        popped.push((event.time, event.payload));
                        queue.push(key(event.payload + 1), event.payload + 1);
                    }
                }
                let expected: Vec<_> = (1..20).map(|i| (key(i).time, i)).collect();
                assert_eq!(popped, expected, "every {gap} ns in {parts} parts");
            }
        }
    }
}
