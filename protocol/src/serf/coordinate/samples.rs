//! The latency filter: the last three round trips to each member (`coordinate/client.go: latencyFilter`).
//!
//! One 16-byte word per member: three times of 34 bits, newest lowest, and 26 bits of the member's number
//! above them. A cluster's filters grow with the square of its size and every probe touches a cold entry,
//! so an entry must not cross a cache line. Open addressing with linear probing and removal by shifting
//! back: the answer never depends on the order of insertion.

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

/// The samples of all members.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples {
    /// A power of two, or none at all before the first sample.
    slots: Vec<u128>,
    used: usize,
}

impl Samples {
    /// Adds a round trip (at most 10 s) and gives the median of the newest three in nanoseconds; the
    /// larger of two.
    #[inline]
    pub(super) fn push(&mut self, member: MemberId, nanoseconds: u64) -> u64 {
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

    /// All slots, and where a member's is looked for first.
    #[inline]
    pub(super) fn place(&self, member: MemberId) -> (&[u128], usize) {
        let home = if self.slots.is_empty() { 0 } else { self.home(member.0) };
        (&self.slots, home)
    }

    /// Drops what is known of a member.
    pub(super) fn remove(&mut self, member: MemberId) {
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

    /// Members with samples.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.used
    }

    /// Bytes on the heap.
    pub(super) fn heap(&self) -> usize {
        self.slots.capacity() * size_of::<u128>()
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
