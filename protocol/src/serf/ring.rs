//! What was heard lately: the rings behind user events and queries (`serf/serf.go: eventBuffer,
//! queryBuffer`; specification 4.2, 5.2).
//!
//! A ring has `B` slots; a Lamport time lives in slot `time mod B` until a newer one takes it over, and a
//! slot may hold several items of its time. Only filled slots are kept, ascending by slot, which is the
//! order in which a push/pull sends them. Queries and events differ in what they hold.

use std::sync::Arc;

use super::lamport::LTime;

/// An item in its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard<T> {
    /// Slot of the ring.
    pub slot: u32,
    /// Lamport time.
    pub ltime: LTime,
    /// What.
    pub item: T,
}

/// What a message is to the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// New: it has been noted.
    Yes,
    /// Known already.
    Known,
    /// Out of the window.
    Old,
}

/// A ring.
#[derive(Clone, Debug)]
pub struct Ring<T> {
    heard: Arc<Vec<Heard<T>>>,
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Self { heard: Arc::new(Vec::new()) }
    }
}

impl<T: Clone + Copy + PartialEq> Ring<T> {
    /// Notes an item of a time at a clock that has met it already. `dropped` is told what had to make room.
    pub fn note(
        &mut self,
        size: u32,
        clock: LTime,
        ltime: LTime,
        item: T,
        mut dropped: impl FnMut(Heard<T>),
    ) -> News {
        let window = u64::from(size);
        if clock > window && ltime < clock - window {
            return News::Old;
        }
        let slot = (ltime % window.max(1)) as u32;
        let from = self.heard.partition_point(|h| h.slot < slot);
        let to = from + self.heard[from..].partition_point(|h| h.slot == slot);
        if self.heard[from..to].iter().any(|h| h.ltime == ltime && h.item == item) {
            return News::Known;
        }
        let heard = Arc::make_mut(&mut self.heard);
        if from < to && heard[from].ltime != ltime {
            for old in heard.drain(from..to) {
                dropped(old);
            }
            heard.insert(from, Heard { slot, ltime, item });
        } else {
            heard.insert(to, Heard { slot, ltime, item });
        }
        News::Yes
    }

    /// Everything in it, slot by slot.
    pub fn items(&self) -> &[Heard<T>] {
        &self.heard
    }

    /// Whether two rings are the same one.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.heard, &other.heard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The specification's conformance check 7: a window of exactly `B` times.
    #[test]
    fn the_window_holds_exactly_its_times() {
        let mut ring = Ring::default();
        let mut note = |clock, ltime, item| ring.note(512, clock, ltime, item, |_| ());
        assert_eq!(note(6, 5, 'a'), News::Yes);
        assert_eq!(note(6, 5, 'a'), News::Known);
        assert_eq!(note(6, 5, 'b'), News::Yes);
        assert_eq!(note(500, 6, 'a'), News::Yes);
        assert_eq!(note(901, 900, 'a'), News::Yes);
        assert_eq!(note(901, 388, 'a'), News::Old);
        assert_eq!(note(901, 389, 'a'), News::Yes);
    }

    #[test]
    fn a_newer_time_takes_the_slot_over() {
        let mut ring = Ring::default();
        let mut dropped = Vec::new();
        for (clock, ltime, item) in [(2, 1, 'a'), (2, 1, 'b'), (10, 9, 'c'), (10, 2, 'd')] {
            ring.note(8, clock, ltime, item, |old| dropped.push(old.item));
        }
        assert_eq!(dropped, ['a', 'b']);
        let order: Vec<_> = ring.items().iter().map(|h| (h.slot, h.item)).collect();
        assert_eq!(order, [(1, 'c'), (2, 'd')], "slot order is not the order of times");
    }
}
