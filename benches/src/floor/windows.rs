//! A queue of 16-byte events that puts a whole window of them into order at once.
//!
//! ```text
//! near   one unsorted list per window of the current block       [w0][w1]..[w63]
//! far    one unsorted list per block of 64 windows, a ring       [b0][b1]..[b63]
//! ```
//!
//! An event goes to the list of its window if that is in the current block, else to its block; a
//! block is poured into its windows when its time comes. [`Windows::take`] hands out the next window
//! that holds anything, sorted. Whoever handles it may only push into later windows: no link is
//! faster than a window is long. Keys are unique, hence the order is total and independent of the
//! order of the pushes.

/// The length of a window, in nanoseconds: the least latency of the simulated network.
pub const WINDOW: u64 = 500_000;

/// Windows in a block, one bit each of the word that says which of them hold anything.
const BLOCK: u64 = 64;

/// Blocks in the far ring; an event may be at most so many blocks, less one, ahead.
const FAR: u64 = 64;

/// An event: its time in nanoseconds, and a word that orders those of one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Event {
    /// When it happens.
    pub time: u64,
    /// What it is, from the most significant bit in the order of simultaneous events.
    pub what: u64,
}

impl Event {
    #[inline]
    fn key(&self) -> u128 {
        u128::from(self.time) << 64 | u128::from(self.what)
    }
}

/// The queue.
pub struct Windows {
    near: [Vec<Event>; BLOCK as usize],
    occupied: u64,
    far: [Vec<Event>; FAR as usize],
    block: u64,
    earliest: u64,
}

impl Windows {
    /// An empty queue at time 0.
    pub fn new() -> Self {
        Self {
            near: std::array::from_fn(|_| Vec::new()),
            occupied: 0,
            far: std::array::from_fn(|_| Vec::new()),
            block: 0,
            earliest: 0,
        }
    }

    /// Adds an event.
    ///
    /// # Panics
    /// If it is in a window that was already handed out, or beyond the ring (about 2 s ahead).
    #[inline]
    pub fn push(&mut self, event: Event) {
        let window = event.time / WINDOW;
        assert!(window >= self.earliest, "event in a window that was handed out");
        let block = window / BLOCK;
        if block == self.block {
            self.put_near(window, event);
        } else {
            assert!(block - self.block < FAR, "event beyond the far ring");
            self.far[(block % FAR) as usize].push(event);
        }
    }

    /// Replaces `batch` by the events of the next window that has any, in order; false if there is
    /// none that starts before `before`.
    pub fn take(&mut self, before: u64, batch: &mut Vec<Event>) -> bool {
        while self.occupied == 0 {
            if (self.block + 1) * BLOCK * WINDOW >= before {
                return false;
            }
            self.block += 1;
            self.pour();
        }
        let slot = self.occupied.trailing_zeros();
        let window = self.block * BLOCK + u64::from(slot);
        if window * WINDOW >= before {
            return false;
        }
        self.occupied &= self.occupied - 1;
        self.earliest = window + 1;
        batch.clear();
        std::mem::swap(batch, &mut self.near[slot as usize]);
        batch.sort_unstable_by_key(Event::key);
        true
    }

    #[inline]
    fn put_near(&mut self, window: u64, event: Event) {
        let slot = window % BLOCK;
        self.occupied |= 1 << slot;
        self.near[slot as usize].push(event);
    }

    fn pour(&mut self) {
        let slot = (self.block % FAR) as usize;
        let mut events = std::mem::take(&mut self.far[slot]);
        for event in events.drain(..) {
            self.put_near(event.time / WINDOW, event);
        }
        self.far[slot] = events;
    }
}

impl Default for Windows {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::{cmp::Reverse, collections::BinaryHeap};

    use wavetank_protocol::rng::{Chance as _, Keys};

    use super::*;

    /// Random pushes, also while a window is handled, come out as from a heap.
    #[test]
    fn the_order_is_that_of_a_heap() {
        for (seed, reach) in [(1, WINDOW), (2, 20 * WINDOW), (3, 70 * WINDOW), (4, 3000 * WINDOW)] {
            let mut chance = Keys::new(seed).stream(0);
            let mut heap = BinaryHeap::new();
            let mut queue = Windows::new();
            let mut made = 0;
            let mut make = |from: u64| {
                made += 1;
                // Coarse times, so that many events are simultaneous.
                let time = (from + chance.span(reach)) / 1000 * 1000;
                let event = Event { time, what: chance.word() << 16 | made };
                (made < 5000).then_some(event)
            };
            for _ in 0..100 {
                let event = make(0).expect("a first event");
                heap.push(Reverse(event));
                queue.push(event);
            }
            let (mut batch, mut handled) = (Vec::new(), 0);
            while queue.take(u64::MAX / 2, &mut batch) {
                for &event in &batch {
                    assert_eq!(heap.pop(), Some(Reverse(event)), "seed {seed}");
                    handled += 1;
                    for _ in 0..2 {
                        if let Some(event) = make(event.time + WINDOW) {
                            heap.push(Reverse(event));
                            queue.push(event);
                        }
                    }
                }
                if handled == 4999 {
                    break;
                }
            }
            assert_eq!((handled, heap.len()), (4999, 0));
        }
    }

    #[test]
    fn nothing_is_taken_at_or_after_the_bound() {
        let (mut queue, mut batch) = (Windows::new(), Vec::new());
        for time in [0, 10 * WINDOW, 100 * WINDOW] {
            queue.push(Event { time, what: 0 });
        }
        let mut taken = |before| queue.take(before, &mut batch).then(|| batch[0].time);
        assert_eq!(taken(10 * WINDOW), Some(0));
        assert_eq!(taken(10 * WINDOW), None);
        assert_eq!(taken(100 * WINDOW), Some(10 * WINDOW));
        assert_eq!(taken(100 * WINDOW), None);
        assert_eq!(taken(101 * WINDOW), Some(100 * WINDOW));
    }

    #[test]
    #[should_panic(expected = "handed out")]
    fn the_past_is_refused() {
        let (mut queue, mut batch) = (Windows::new(), Vec::new());
        queue.push(Event { time: 0, what: 0 });
        queue.take(WINDOW, &mut batch);
        queue.push(Event { time: WINDOW - 1, what: 0 });
    }
}
