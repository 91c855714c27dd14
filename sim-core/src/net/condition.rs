//! Conditions in force: faults of paths, partitions and blocks.
//!
//! A condition sorts the slots into classes (who is in which of its sets) and compiles its rules into
//! a small matrix over ordered pairs of classes, so that overlapping groups, directions and transports
//! are all one look-up on the hot path.

use wavetank_protocol::rng::{Keys, Probability};

use crate::plan::{Direction, EntryIndex, PathFault, SlotSet, Transport};

use super::{
    classes::{Classes, Membership},
    dice::Dice,
    queue::Queue,
    stage::Stage,
};

/// Something that changes the network while it is in force.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// A path goes bad.
    Fault {
        /// One end.
        from: SlotSet,
        /// The other end.
        to: SlotSet,
        /// Both directions.
        both: bool,
        /// How.
        fault: PathFault,
    },
    /// Groups cannot reach each other. A slot in two groups reaches both, a slot in none everybody.
    Partition {
        /// The groups.
        groups: Vec<SlotSet>,
        /// Seen from the first group; `Both` separates all groups, the others only the first from the
        /// rest of them.
        direction: Direction,
        /// Streams go on.
        streams_open: bool,
    },
    /// A transport is blocked at nodes.
    Block {
        /// Where.
        who: SlotSet,
        /// What; absent: both transports.
        transport: Option<Transport>,
        /// Seen from the nodes.
        direction: Direction,
    },
}

/// A condition in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConditionId(pub(super) u32);

/// Rules of a condition for an ordered pair of slots, as bits.
pub(super) type Rules = u8;
/// Datagrams are cut.
pub(super) const CUT_UDP: Rules = 1;
/// Streams are cut.
pub(super) const CUT_TCP: Rules = 2;
/// The fault applies, from its first end to its second.
const FORWARD: Rules = 4;
/// The fault applies, from its second end to its first.
const BACKWARD: Rules = 8;
/// The fault applies.
pub(super) const FAULTY: Rules = FORWARD | BACKWARD;

/// A compiled condition.
#[derive(Clone, Debug)]
pub(super) struct Active {
    pub(super) id: ConditionId,
    entry: EntryIndex,
    /// Which of the entry's occurrences in force at once: they have dice of their own.
    copy: u8,
    classes: Classes,
    count: usize,
    rules: Box<[Rules]>,
    pub(super) fault: Option<Fault>,
}

/// The fault of a condition.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) stage: Stage,
    /// The chance that a segment of a stream is lost.
    pub(super) segment_loss: Probability,
    /// The rate limits, backward and forward.
    queues: Option<[Queue; 2]>,
}

impl Fault {
    fn new(dice: Dice, fault: &PathFault) -> Self {
        let stage = Stage::of_fault(dice, fault);
        let segment_loss = stage.segment_loss();
        let queues = match fault {
            PathFault::Bandwidth(limits) => Some([Queue::new(*limits); 2]),
            _ => None,
        };
        Self { stage, segment_loss, queues }
    }

    /// The rate limit of a direction.
    pub(super) fn queue(&mut self, rules: Rules) -> Option<&mut Queue> {
        self.queues.as_mut().map(|queues| &mut queues[usize::from(rules & FORWARD != 0)])
    }
}

impl Active {
    pub(super) fn new(
        condition: &Condition,
        slots: u32,
        keys: Keys,
        id: ConditionId,
        (entry, copy): (EntryIndex, u8),
    ) -> Self {
        let sets: Vec<&SlotSet> = match condition {
            Condition::Fault { from, to, .. } => vec![from, to],
            Condition::Partition { groups, .. } => groups.iter().collect(),
            Condition::Block { who, .. } => vec![who],
        };
        let (classes, members) = Classes::new(slots, &sets);
        let rules = members
            .iter()
            .flat_map(|from| members.iter().map(|to| rules(condition, from, to)))
            .collect();
        let fault = match condition {
            Condition::Fault { fault, .. } => {
                Some(Fault::new(Dice::of_fault(keys, entry, copy), fault))
            }
            Condition::Partition { .. } | Condition::Block { .. } => None,
        };
        Self { id, entry, copy, classes, count: members.len(), rules, fault }
    }

    /// The rules for what goes from one slot to another.
    #[inline]
    pub(super) fn rules(&self, from: u32, to: u32) -> Rules {
        let (a, b) = (self.classes.of(from) as usize, self.classes.of(to) as usize);
        self.rules[a * self.count + b]
    }

    /// The occurrence of an entry that this is, if it is one.
    pub(super) fn copy_of(&self, entry: EntryIndex) -> Option<u8> {
        (self.entry == entry).then_some(self.copy)
    }

    /// One more slot, under the same rules as another.
    pub(super) fn add(&mut self, like: u32) {
        self.classes.add(like);
    }
}

fn rules(condition: &Condition, from: &Membership, to: &Membership) -> Rules {
    match condition {
        Condition::Fault { both, .. } => {
            let forward = from.within(0) && to.within(1);
            let backward = *both && from.within(1) && to.within(0);
            if forward {
                FORWARD
            } else if backward {
                BACKWARD
            } else {
                0
            }
        }
        Condition::Partition { direction, streams_open, .. } => {
            let apart = !from.nowhere() && !to.nowhere() && !from.meets(to);
            let cut = apart
                && match direction {
                    Direction::Both => true,
                    Direction::To => to.within(0),
                    Direction::From => from.within(0),
                };
            match (cut, streams_open) {
                (false, _) => 0,
                (true, true) => CUT_UDP,
                (true, false) => CUT_UDP | CUT_TCP,
            }
        }
        Condition::Block { transport, direction, .. } => {
            let into = to.within(0) && *direction != Direction::From;
            let out = from.within(0) && *direction != Direction::To;
            match transport {
                _ if !into && !out => 0,
                None => CUT_UDP | CUT_TCP,
                Some(Transport::Udp) => CUT_UDP,
                Some(Transport::Tcp) => CUT_TCP,
            }
        }
    }
}
