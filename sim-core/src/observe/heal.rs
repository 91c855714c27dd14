//! Whether those whom a partition cut apart hold each other alive again.

use wavetank_protocol::{
    Time,
    belief::{Belief, Status},
};

use super::changes::Occurrence;

/// One ended partition under watch.
#[derive(Debug)]
pub struct Heal {
    /// For which occurrence.
    pub occurrence: Occurrence,
    /// When it ended.
    pub at: Time,
    /// Group of each slot, 0 for none.
    groups: Vec<u16>,
    /// Only pairs with the first group are cut.
    first_only: bool,
    /// Ordered pairs across that do not hold each other alive.
    apart: u64,
    /// When that became none.
    pub whole: Option<Time>,
}

fn is_alive(belief: Option<Belief>) -> bool {
    belief.is_some_and(|b| b.status == Status::Alive)
}

impl Heal {
    /// Begins to watch; `holds(observer, subject)` tells the present belief.
    pub fn new(
        occurrence: Occurrence,
        at: Time,
        groups: Vec<u16>,
        first_only: bool,
        holds: impl Fn(u32, u32) -> Option<Belief>,
    ) -> Self {
        let mut heal = Self { occurrence, at, groups, first_only, apart: 0, whole: None };
        let members: Vec<u32> =
            (0..heal.groups.len() as u32).filter(|&s| heal.groups[s as usize] > 0).collect();
        for &a in &members {
            for &b in &members {
                heal.apart += u64::from(heal.crosses(a, b) && !is_alive(holds(a, b)));
            }
        }
        heal.look(at);
        heal
    }

    fn crosses(&self, a: u32, b: u32) -> bool {
        let of = |slot: u32| self.groups.get(slot as usize).copied().unwrap_or(0);
        let (x, y) = (of(a), of(b));
        x != 0 && y != 0 && x != y && (!self.first_only || x == 1 || y == 1)
    }

    fn look(&mut self, now: Time) {
        if self.apart == 0 && self.whole.is_none() {
            self.whole = Some(now);
        }
    }

    /// An observer's record of a subject changed.
    pub fn record(
        &mut self,
        observer: u32,
        subject: u32,
        old: Option<Belief>,
        new: Option<Belief>,
        now: Time,
    ) {
        if self.whole.is_some() || !self.crosses(observer, subject) {
            return;
        }
        match (is_alive(old), is_alive(new)) {
            (true, false) => self.apart += 1,
            (false, true) => self.apart -= 1,
            _ => {}
        }
        self.look(now);
    }

    /// A slot stopped or left: its pairs are not waited for any more.
    pub fn leave_out(&mut self, slot: u32, holds: impl Fn(u32, u32) -> Option<Belief>, now: Time) {
        if self.whole.is_some() || self.groups[slot as usize] == 0 {
            return;
        }
        for other in 0..self.groups.len() as u32 {
            if self.crosses(slot, other) {
                self.apart -= u64::from(!is_alive(holds(slot, other)));
                self.apart -= u64::from(!is_alive(holds(other, slot)));
            }
        }
        self.groups[slot as usize] = 0;
        self.look(now);
    }
}
