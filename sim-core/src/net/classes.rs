//! Slots that a list of sets cannot tell apart: zones of links, and sides of a condition.
//!
//! Groups hold contiguous slots, so a handful of ranges usually says it all and stays in the first-level
//! cache, where an array over a million slots would cost a miss per look-up; sets in many pieces get
//! that array.

use std::collections::BTreeMap;

use crate::plan::SlotSet;

/// Up to so many ranges are searched, more become an array.
const FEW: usize = 12;

/// The class of each slot.
#[derive(Clone, Debug)]
pub(super) struct Classes {
    /// (end, class) of contiguous ranges, from slot 0; empty when `dense` holds the classes.
    ranges: Vec<(u32, u16)>,
    dense: Vec<u16>,
    slots: u32,
}

/// Which of the sets a class lies in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Membership(Vec<u64>);

impl Membership {
    /// Whether the class lies in the set number `set`.
    pub(super) fn within(&self, set: usize) -> bool {
        self.0[set / 64] >> (set % 64) & 1 == 1
    }

    /// Whether some set holds both.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }

    /// Whether the class lies in no set.
    pub(super) fn nowhere(&self) -> bool {
        self.0.iter().all(|&word| word == 0)
    }
}

impl Classes {
    /// The classes of `slots` slots under some sets, numbered in the order of their first slots, and
    /// the sets that each class lies in. There is at least one class.
    pub(super) fn new(slots: u32, sets: &[&SlotSet]) -> (Self, Vec<Membership>) {
        let mut borders: Vec<(u32, usize)> = Vec::new();
        for (i, set) in sets.iter().enumerate() {
            for &(from, to) in set.ranges() {
                borders.extend([from, to].map(|at| (at.min(slots), i)));
            }
        }
        borders.sort_unstable();
        let mut numbers: BTreeMap<Membership, u16> = BTreeMap::new();
        let mut members = Vec::new();
        let mut ranges: Vec<(u32, u16)> = Vec::new();
        let mut here = Membership(vec![0; sets.len().div_ceil(64)]);
        let mut borders = borders.into_iter().peekable();
        let mut at = 0;
        loop {
            // A border switches membership of its set, so a set's two borders at one slot cancel out.
            while let Some((_, set)) = borders.next_if(|&(border, _)| border == at) {
                here.0[set / 64] ^= 1 << (set % 64);
            }
            if at == slots && !members.is_empty() {
                break;
            }
            let end = borders.peek().map_or(slots, |&(border, _)| border);
            let class = *numbers.entry(here.clone()).or_insert_with(|| {
                members.push(here.clone());
                u16::try_from(members.len() - 1).expect("more than 65536 classes of nodes")
            });
            push(&mut ranges, end, class);
            if at == slots {
                break;
            }
            at = end;
        }
        let mut classes = Self { ranges, dense: Vec::new(), slots };
        classes.settle();
        (classes, members)
    }

    /// The class of a slot.
    #[inline]
    pub(super) fn of(&self, slot: u32) -> u16 {
        debug_assert!(slot < self.slots, "slot {slot} of {}", self.slots);
        if let Some(&class) = self.dense.get(slot as usize) {
            return class;
        }
        for &(end, class) in &self.ranges {
            if slot < end {
                return class;
            }
        }
        0
    }

    /// One more slot, in the class of another.
    pub(super) fn add(&mut self, like: u32) {
        let class = self.of(like);
        self.slots += 1;
        if self.dense.is_empty() {
            push(&mut self.ranges, self.slots, class);
            self.settle();
        } else {
            self.dense.push(class);
        }
    }

    /// How many slots each of `classes` classes has.
    pub(super) fn sizes(&self, classes: usize) -> Vec<u32> {
        let mut sizes = vec![0; classes];
        (0..self.slots).for_each(|slot| sizes[self.of(slot) as usize] += 1);
        sizes
    }

    fn settle(&mut self) {
        if self.ranges.len() > FEW {
            self.dense.reserve_exact(self.slots as usize);
            for (end, class) in self.ranges.drain(..) {
                self.dense.resize(end as usize, class);
            }
        }
    }
}

fn push(ranges: &mut Vec<(u32, u16)>, end: u32, class: u16) {
    match ranges.last_mut() {
        Some(last) if last.1 == class => last.0 = end,
        _ => ranges.push((end, class)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(slots: u32, sets: &[SlotSet], expected: &[u16]) {
        let (mut classes, members) = Classes::new(slots, &sets.iter().collect::<Vec<_>>());
        let all: Vec<u16> = (0..slots).map(|slot| classes.of(slot)).collect();
        assert_eq!(all, expected);
        for slot in 0..slots {
            for (i, set) in sets.iter().enumerate() {
                assert_eq!(members[classes.of(slot) as usize].within(i), set.contains(slot));
            }
        }
        for like in [slots - 1, 0, slots / 2] {
            classes.add(like);
            assert_eq!(classes.of(classes.slots - 1), expected[like as usize]);
        }
    }

    #[test]
    fn slots_share_a_class_exactly_when_no_set_tells_them_apart() {
        let set = SlotSet::range;
        check(4, &[], &[0, 0, 0, 0]);
        check(5, &[set(1, 3), set(2, 5)], &[0, 1, 2, 3, 3]);
        check(5, &[set(0, 2), set(4, 9)], &[0, 0, 1, 1, 2]);
        check(4, &[set(0, 4), set(0, 4)], &[0, 0, 0, 0]);
        check(6, &[SlotSet::from_slots([1, 3, 5])], &[0, 1, 0, 1, 0, 1]);
        let odd: Vec<u16> = (0..100).map(|slot| slot % 2).collect();
        check(100, &[SlotSet::from_slots((0..100).filter(|s| s % 2 == 1))], &odd);
    }

    #[test]
    fn no_slots_are_one_empty_class() {
        let (classes, members) = Classes::new(0, &[]);
        assert_eq!((classes.sizes(1), members.len()), (vec![0], 1));
    }
}
