//! A hint whether a short list can hold a member, so that most questions need not look at the list.

use crate::belief::MemberId;

/// Which members may be in a list, by the low six bits of their ids: never wrong about an absence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks(u64);

impl Marks {
    /// A member enters the list.
    #[inline]
    pub const fn add(&mut self, member: MemberId) {
        self.0 |= 1 << (member.0 & 63);
    }

    /// Whether a member may be in the list.
    #[inline]
    pub const fn may_hold(self, member: MemberId) -> bool {
        self.0 >> (member.0 & 63) & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_may_be_there_and_most_else_may_not() {
        let mut marks = Marks::default();
        marks.add(MemberId(70));
        assert!(marks.may_hold(MemberId(70)) && marks.may_hold(MemberId(6)));
        assert_eq!((0..64).filter(|m| marks.may_hold(MemberId(*m))).count(), 1);
    }
}
