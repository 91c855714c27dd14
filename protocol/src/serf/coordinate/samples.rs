//! The latency filter: the last three round trips to each member (`coordinate/client.go: latencyFilter`).
//!
//! A cluster's filters grow with the square of its size and every probe touches a cold entry, so entries are
//! small. Round trips below two milliseconds, as within a data centre, take 8 bytes a member: three times
//! of 21 bits, by the member's number. A member with a longer one, or with a large number, has 16 bytes in
//! a table of its own kind: three times of 34 bits, newest lowest, and 26 bits of the member's number above
//! them, in open addressing with linear probing and removal by shifting back. The answer never depends on
//! where an entry stands nor on the order of insertion.

use crate::belief::MemberId;

/// Bits of one time: the longest that is accepted, 10^10 ns, fits.
const BITS: u32 = 34;
/// A time that has not been measured.
const ABSENT: u64 = (1 << BITS) - 1;
/// Where the member's number begins.
const KEY: u32 = 3 * BITS;
/// Two times that have not been measured; also the mask of the newest two.
const UNMEASURED: u128 = (1 << (2 * BITS)) - 1;
/// An entry of nobody: the greatest number is refused.
const EMPTY: u128 = u128::MAX;
/// Slots of the first allocation.
const FIRST: usize = 8;
/// Bits of a short time.
const SHORT: u32 = 21;
/// A short time that has not been measured; longer ones are not short.
const SHORT_ABSENT: u64 = (1 << SHORT) - 1;
/// Nothing has been measured.
const SHORT_EMPTY: u64 = (1 << (3 * SHORT)) - 1;
/// The member's entry is in the wide table.
const WIDE: u64 = u64::MAX;
/// Members from this number on are in the wide table.
const NUMBERS: u32 = 1024;

/// The samples of all members.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples {
    /// By number: three short times, newest lowest.
    short: Vec<u64>,
    wide: Wide,
}

impl Samples {
    /// Adds a round trip (at most 10 s) and gives the median of the newest three in nanoseconds; the
    /// larger of two.
    #[inline]
    pub(super) fn push(&mut self, member: MemberId, nanoseconds: u64) -> u64 {
        if member.0 >= NUMBERS {
            return self.wide.push(member, nanoseconds);
        }
        if self.short.len() <= member.index() {
            self.extend(member.0);
        }
        let entry = self.short[member.index()];
        if entry == WIDE || nanoseconds >= SHORT_ABSENT {
            return self.push_wide(member, nanoseconds);
        }
        let times = (entry << SHORT | nanoseconds) & SHORT_EMPTY;
        self.short[member.index()] = times;
        // What is absent is greater than all else, so the middle of two and nothing is the larger.
        let time = |i: u32| times >> (i * SHORT) & SHORT_ABSENT;
        let (a, b, c) = (time(0), time(1), time(2));
        let median = a.min(b).max(a.max(b).min(c));
        if median == SHORT_ABSENT { a } else { median }
    }

    #[cold]
    fn extend(&mut self, member: u32) {
        let len = (member + 1).next_power_of_two().max(64);
        self.short.resize(len as usize, SHORT_EMPTY);
    }

    /// A round trip that is not short: what was known of the member goes to the wide table first.
    #[cold]
    fn push_wide(&mut self, member: MemberId, nanoseconds: u64) -> u64 {
        let entry = std::mem::replace(&mut self.short[member.index()], WIDE);
        if entry != WIDE {
            for i in [2, 1, 0] {
                let time = entry >> (i * SHORT) & SHORT_ABSENT;
                if time != SHORT_ABSENT {
                    self.wide.push(member, time);
                }
            }
        }
        self.wide.push(member, nanoseconds)
    }

    /// Drops what is known of a member.
    pub(super) fn remove(&mut self, member: MemberId) {
        if let Some(entry) = self.short.get_mut(member.index()) {
            *entry = SHORT_EMPTY;
        }
        self.wide.remove(member);
    }

    /// Members with samples.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let short = self.short.iter().filter(|&&e| e != SHORT_EMPTY && e != WIDE);
        short.count() + self.wide.used
    }

    /// Bytes on the heap.
    pub(super) fn heap(&self) -> usize {
        self.short.capacity() * size_of::<u64>() + self.wide.slots.capacity() * size_of::<u128>()
    }
}

/// Samples that are not short.
#[derive(Clone, Debug, Default)]
struct Wide {
    /// A power of two, or none at all before the first sample.
    slots: Vec<u128>,
    used: usize,
}

impl Wide {
    /// Adds a round trip (at most 10 s) and gives the median of the newest three in nanoseconds; the
    /// larger of two.
    #[inline]
    fn push(&mut self, member: MemberId, nanoseconds: u64) -> u64 {
        let key = u128::from(member.0) << KEY;
        let Some(slot) = self.find(member.0) else {
            // A branch of its own: when first contacts are the rule, which is predicted, nothing waits for
            // the entry.
            let slot = self.vacate(member.0);
            self.slots[slot] = key | UNMEASURED << BITS | u128::from(nanoseconds);
            return nanoseconds;
        };
        let old = self.slots[slot] & UNMEASURED;
        let times = old << BITS | u128::from(nanoseconds);
        self.slots[slot] = key | times;
        let time = |i: u32| (times >> (i * BITS)) as u64 & ABSENT;
        let (a, b, c) = (time(0), time(1), time(2));
        // What is absent is greater than all else, so the middle of two and nothing is the larger.
        a.min(b).max(a.max(b).min(c))
    }

    /// Drops what is known of a member.
    fn remove(&mut self, member: MemberId) {
        let Some(mut hole) = self.find(member.0) else { return };
        let mask = self.slots.len() - 1;
        self.used -= 1;
        let mut next = hole;
        loop {
            next = (next + 1) & mask;
            let entry = self.slots[next];
            if entry == EMPTY {
                break;
            }
            // It may move back if its home is not between the hole and where it is.
            let home = self.home(key(entry));
            if (next.wrapping_sub(home) & mask) >= (next.wrapping_sub(hole) & mask) {
                self.slots[hole] = entry;
                hole = next;
            }
        }
        self.slots[hole] = EMPTY;
    }

    /// The member's entry.
    #[inline]
    fn find(&self, member: u32) -> Option<usize> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut slot = self.home(member);
        while self.slots[slot] != EMPTY {
            if key(self.slots[slot]) == member {
                return Some(slot);
            }
            slot = (slot + 1) & mask;
        }
        None
    }

    /// An empty slot for a member that has none; doubles the table when three quarters are in use.
    #[inline]
    fn vacate(&mut self, member: u32) -> usize {
        if (self.used + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        assert!(member < (1 << (128 - KEY)) - 1, "member {member} is beyond the filter's 2^26");
        self.used += 1;
        self.vacant(member)
    }

    /// The empty slot where a member's entry would be.
    #[inline]
    fn vacant(&self, member: u32) -> usize {
        let mut slot = self.home(member);
        while self.slots[slot] != EMPTY {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        slot
    }

    /// Doubles the table.
    #[cold]
    fn grow(&mut self) {
        let old = std::mem::take(&mut self.slots);
        self.slots = vec![EMPTY; (old.len() * 2).max(FIRST)];
        for entry in old {
            if entry != EMPTY {
                let slot = self.vacant(key(entry));
                self.slots[slot] = entry;
            }
        }
    }

    /// The first slot to look at: the upper bits of a product with the golden ratio.
    #[inline]
    fn home(&self, member: u32) -> usize {
        let spread = u64::from(member).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (spread >> 32) as usize & (self.slots.len() - 1)
    }
}

/// Whose entry it is.
#[inline]
fn key(entry: u128) -> u32 {
    (entry >> KEY) as u32
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::rng::{Chance, Keys};

    #[test]
    fn the_median_is_of_the_newest_three() {
        let mut samples = Samples::default();
        for (rtt, median) in [(50, 50), (40, 50), (45, 45), (300, 45), (42, 45), (0, 42), (0, 0)] {
            assert_eq!(samples.push(MemberId(3), rtt), median, "after {rtt}");
        }
        assert_eq!(samples.push(MemberId(4), 10_000_000_000), 10_000_000_000);
        assert_eq!(samples.push(MemberId(3), 7), 0);
    }

    #[test]
    fn a_table_keeps_everybody_through_growth_and_removal() {
        let mut rng = Keys::new(5).stream(1);
        let mut samples = Samples::default();
        let mut model: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
        for _ in 0..20_000 {
            let member = rng.below(300) * rng.below(3).max(1) * 64;
            if rng.below(4) == 0 {
                samples.remove(MemberId(member));
                model.remove(&member);
            } else {
                let rtt = rng.span(10_000_000_001);
                let times = model.entry(member).or_default();
                times.push(rtt);
                let mut newest = times[times.len().saturating_sub(3)..].to_vec();
                newest.sort_unstable();
                assert_eq!(samples.push(MemberId(member), rtt), newest[newest.len() / 2]);
            }
            assert_eq!(samples.len(), model.len());
        }
    }
}
