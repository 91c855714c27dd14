//! The length of a node's state, kept as the node changes instead of reckoned over all its members.

use super::len;
use crate::wire::len::raw_len;

/// What the length of a [`State`](super::State) is the sum of.
///
/// The owner reports every change: a member with its time, who has left, filled slots of the ring. The
/// length is exact at any time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateLen {
    /// Members in the table, whatever their status.
    pub members: u32,
    /// Bytes of their names and times.
    pub member_bytes: u64,
    /// Members that have left.
    pub left: u32,
    /// Bytes of their names.
    pub left_bytes: u64,
    /// Slots of the ring, filled or not.
    pub ring: u32,
    /// Filled slots.
    pub slots: u32,
    /// Bytes of the filled slots.
    pub slot_bytes: u64,
    /// The member clock.
    pub clock: u64,
    /// The event clock.
    pub event_clock: u64,
    /// The query clock.
    pub query_clock: u64,
}

impl StateLen {
    /// That of a node without members, its clocks at 1.
    pub const fn new(ring: u32) -> Self {
        Self {
            members: 0,
            member_bytes: 0,
            left: 0,
            left_bytes: 0,
            ring,
            slots: 0,
            slot_bytes: 0,
            clock: 1,
            event_clock: 1,
            query_clock: 1,
        }
    }

    /// A member with its time is in the table.
    pub fn add_member(&mut self, name_len: u32, ltime: u64) {
        self.members += 1;
        self.member_bytes += u64::from(len::status_entry(name_len, ltime));
    }

    /// A member with this time was dropped from the table.
    pub fn remove_member(&mut self, name_len: u32, ltime: u64) {
        self.members -= 1;
        self.member_bytes -= u64::from(len::status_entry(name_len, ltime));
    }

    /// The time of a member changed.
    #[inline]
    pub fn change_ltime(&mut self, old: u64, new: u64) {
        self.member_bytes += u64::from(len::ltime(new));
        self.member_bytes -= u64::from(len::ltime(old));
    }

    /// A member is in the list of those that have left.
    pub fn add_left(&mut self, name_len: u32) {
        self.left += 1;
        self.left_bytes += u64::from(raw_len(name_len));
    }

    /// A member is no longer in the list of those that have left.
    pub fn remove_left(&mut self, name_len: u32) {
        self.left -= 1;
        self.left_bytes -= u64::from(raw_len(name_len));
    }

    /// An empty slot was filled; its length is [`len::slot`].
    pub fn add_slot(&mut self, slot_len: u32) {
        self.slots += 1;
        self.slot_bytes += u64::from(slot_len);
    }

    /// A filled slot was emptied, to be filled anew perhaps.
    pub fn remove_slot(&mut self, slot_len: u32) {
        self.slots -= 1;
        self.slot_bytes -= u64::from(slot_len);
    }

    /// Bytes of the state with its type byte.
    #[inline]
    pub const fn len(&self) -> u32 {
        let bytes = self.member_bytes + self.left_bytes + self.slot_bytes;
        62 + len::ltime(self.clock)
            + len::ltime(self.event_clock)
            + len::ltime(self.query_clock)
            + len::header(self.members)
            + len::header(self.left)
            + len::header(self.ring)
            + (self.ring - self.slots)
            + bytes as u32
    }

    /// No: a state has its keys and clocks at least.
    pub const fn is_empty(&self) -> bool {
        false
    }
}
