//! Changes under way: who counts, who has it, and since when.
//!
//! A change is measured until everybody who counts has it, something undoes it, or the run ends. Who
//! counts is fixed when it begins; a node that stops meanwhile counts no longer.

use wavetank_protocol::{
    Time,
    belief::{AttributesId, Belief, MemberId, Status},
};

use crate::{outcome, plan::EntryIndex};

/// The n-th occurrence of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Occurrence {
    /// Which entry.
    pub entry: EntryIndex,
    /// Occurrences before it.
    pub nth: u32,
}

/// What an observer must believe to have a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// The member crashed: dead, left or dropped.
    Crashed,
    /// The member left: left, dead or dropped.
    Left,
    /// The member is alive at this incarnation or a later one.
    Alive {
        /// The least incarnation.
        incarnation: u32,
        /// What it says about itself, where that must match: of a process that has just started.
        attributes: Option<AttributesId>,
    },
    /// A refutation: the incarnation or a later one, or dropped.
    Refuted {
        /// The least incarnation.
        incarnation: u32,
    },
}

impl ChangeKind {
    /// Whether this belief (none: unknown) has it.
    pub fn is_had(self, belief: Option<Belief>) -> bool {
        match (self, belief) {
            (Self::Crashed | Self::Left | Self::Refuted { .. }, None) => true,
            (Self::Crashed | Self::Left, Some(b)) => b.status.is_gone(),
            (Self::Alive { incarnation, attributes }, Some(b)) => {
                b.incarnation >= incarnation
                    && attributes.is_none_or(|a| a == b.attributes)
                    && matches!(b.status, Status::Alive | Status::Suspect)
            }
            (Self::Alive { .. }, None) => false,
            (Self::Refuted { incarnation }, Some(b)) => b.incarnation >= incarnation,
        }
    }
}

/// A set of slots as bits.
#[derive(Clone, Debug, Default)]
pub struct Bits(Vec<u64>);

impl Bits {
    /// None of so many.
    pub fn new(slots: usize) -> Self {
        Self(vec![0; slots.div_ceil(64)])
    }

    /// None of as many as these.
    pub fn as_empty(&self) -> Self {
        Self(vec![0; self.0.len()])
    }

    /// Whether a slot is in.
    pub fn has(&self, slot: u32) -> bool {
        self.0.get(slot as usize / 64).is_some_and(|w| w >> (slot % 64) & 1 == 1)
    }

    /// Puts a slot in.
    pub fn put(&mut self, slot: u32) {
        self.0[slot as usize / 64] |= 1 << (slot % 64);
    }

    /// Takes a slot out; whether it was in.
    pub fn take(&mut self, slot: u32) -> bool {
        let had = self.has(slot);
        if had {
            self.0[slot as usize / 64] &= !(1 << (slot % 64));
        }
        had
    }

    /// Those in it, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.0.len() as u32 * 64).filter(|&s| self.has(s))
    }
}

/// A change under way or done.
#[derive(Clone, Debug)]
pub struct Change {
    /// For which occurrence.
    pub occurrence: Occurrence,
    /// Whose.
    pub member: MemberId,
    /// On which slot.
    pub slot: u32,
    /// What others must believe.
    pub kind: ChangeKind,
    /// When it began.
    pub at: Time,
    /// Those who count and do not have it yet.
    pub waiting: Bits,
    /// How many those are.
    pub remaining: u32,
    /// Who got it, when, in that order.
    pub got: Vec<(Time, u32)>,
    /// First suspicion anywhere.
    pub suspected: Option<Time>,
    /// First death anywhere.
    pub died: Option<Time>,
    /// The measure has ended.
    pub over: bool,
    /// Beliefs of a sample of observers over time.
    pub beliefs: Vec<(u32, Vec<(Time, outcome::Belief)>)>,
}

impl Change {
    /// An observer has it now.
    pub fn have(&mut self, slot: u32, now: Time) {
        if self.waiting.take(slot) {
            self.remaining -= 1;
            self.got.push((now, slot));
        }
    }

    /// An observer counts no longer.
    pub fn leave_out(&mut self, slot: u32) {
        if self.waiting.take(slot) {
            self.remaining -= 1;
        }
    }

    /// Whether it is measured for its own sake, rather than as a refutation.
    pub fn is_scripted(&self) -> bool {
        !matches!(self.kind, ChangeKind::Refuted { .. })
    }
}
