//! What Serf nodes hold of members beyond what memberlist does: who is held failed or leaving, by whom.
//!
//! Only members of whom somebody holds so are kept, each with a bit per slot.

use std::collections::BTreeMap;

use wavetank_protocol::{Time, belief::MemberId, serf::Status};

use super::{Bits, Sample};

/// Who holds a member in a status.
#[derive(Debug)]
struct Holders {
    by: Bits,
    count: u32,
}

impl Holders {
    fn new(slots: usize) -> Self {
        Self { by: Bits::new(slots), count: 0 }
    }

    fn put(&mut self, slot: u32) {
        self.count += u32::from(!self.by.has(slot));
        self.by.put(slot);
    }

    /// Whether nobody is left.
    fn take(&mut self, slot: u32) -> bool {
        self.count -= u32::from(self.by.take(slot));
        self.count == 0
    }
}

/// A member that somebody holds failed.
#[derive(Debug)]
struct Failed {
    holders: Holders,
    /// A flap of it was counted since somebody first held it failed.
    flapped: bool,
    /// Since when it can be reached again: time, its slot, name of the entry that had cut it.
    reachable: Option<(Time, u32, String)>,
}

/// All of a run.
#[derive(Debug, Default)]
pub struct Members {
    failed: BTreeMap<MemberId, Failed>,
    /// The last whom its last holder took back: whether a flap of it was counted, and when that was.
    gone: Option<(MemberId, bool, Time)>,
    leaving: BTreeMap<MemberId, Holders>,
    samples: Vec<(MemberId, u32, Sample)>,
}

fn sample(event: String, time: Time, value: Option<u64>) -> Sample {
    let (subject, observer) = (String::new(), String::new());
    Sample { metric: "reconnect.time", event, subject, observer, time, value }
}

impl Members {
    /// A slot's record of a member came into another status.
    pub fn status(
        &mut self,
        slot: u32,
        member: MemberId,
        (old, new): (Status, Status),
        now: Time,
        slots: usize,
    ) {
        match old {
            Status::Failed => {
                if let Some(failed) = self.failed.get_mut(&member) {
                    if new == Status::Alive
                        && let Some((since, _, event)) = failed.reachable.take()
                    {
                        let sample = sample(event, since, Some(now - since));
                        self.samples.push((member, slot, sample));
                    }
                    if failed.holders.take(slot) {
                        self.gone = Some((member, failed.flapped, now));
                        self.failed.remove(&member);
                    }
                }
            }
            Status::Leaving => {
                if self.leaving.get_mut(&member).is_some_and(|h| h.take(slot)) {
                    self.leaving.remove(&member);
                }
            }
            Status::None | Status::Alive | Status::Left => {}
        }
        match new {
            Status::Failed => {
                let new =
                    || Failed { holders: Holders::new(slots), flapped: false, reachable: None };
                self.failed.entry(member).or_insert_with(new).holders.put(slot);
            }
            Status::Leaving => {
                self.leaving.entry(member).or_insert_with(|| Holders::new(slots)).put(slot);
            }
            Status::None | Status::Alive | Status::Left => {}
        }
    }

    /// A failed member was taken back within the flap time. Whether that is the first such since
    /// somebody began to hold it failed. Told before or after the change of status.
    pub fn flap(&mut self, member: MemberId, now: Time) -> bool {
        match self.failed.get_mut(&member) {
            Some(failed) => !std::mem::replace(&mut failed.flapped, true),
            None => self.gone.take() != Some((member, true, now)),
        }
    }

    /// A member's process started; those who hold it failed could know better from now on.
    pub fn restarted(&mut self, member: MemberId, slot: u32, now: Time) {
        if let Some(failed) = self.failed.get_mut(&member) {
            failed.reachable = Some((now, slot, String::new()));
        }
    }

    /// A cut ended; `reach(holder, member)` gives the member's slot if it runs, had been cut from the holder
    /// by this and can be reached by it now.
    pub fn lifted(&mut self, event: &str, now: Time, reach: impl Fn(u32, MemberId) -> Option<u32>) {
        for (&member, failed) in &mut self.failed {
            if let Some(slot) = failed.holders.by.iter().find_map(|h| reach(h, member)) {
                failed.reachable.get_or_insert_with(|| (now, slot, event.to_owned()));
            }
        }
    }

    /// A cut began that concerns these slots: what was awaited of them is no longer.
    pub fn cut(&mut self, concerns: impl Fn(u32) -> bool) {
        for failed in self.failed.values_mut() {
            failed.reachable.take_if(|(_, slot, _)| concerns(*slot));
        }
    }

    /// A process stopped: what it held counts no more, and nobody waits for it.
    pub fn stopped(&mut self, slot: u32, member: MemberId) {
        if let Some(failed) = self.failed.get_mut(&member) {
            failed.reachable = None;
        }
        self.failed.retain(|_, f| !f.holders.take(slot));
        self.leaving.retain(|_, h| !h.take(slot));
    }

    /// Members held leaving by somebody.
    pub fn held_leaving(&self) -> impl Iterator<Item = MemberId> + '_ {
        self.leaving.keys().copied()
    }

    /// The times of reconnection: of whom, by whom first, and the sample without these names. Those that
    /// can be reached and were not taken back by anybody are missing.
    pub fn finish(&mut self) -> Vec<(MemberId, Option<u32>, Sample)> {
        let done = std::mem::take(&mut self.samples);
        let mut all: Vec<_> = done.into_iter().map(|(m, slot, s)| (m, Some(slot), s)).collect();
        for (&member, failed) in &mut self.failed {
            if let Some((since, _, event)) = failed.reachable.take() {
                all.push((member, None, sample(event, since, None)));
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const M: MemberId = MemberId(3);

    fn failed_at(members: &mut Members, slots: &[u32]) {
        for &slot in slots {
            members.status(slot, M, (Status::Alive, Status::Failed), 10, 64);
        }
    }

    #[test]
    fn the_first_to_take_a_member_back_ends_its_reconnection() {
        let mut members = Members::default();
        failed_at(&mut members, &[0, 1]);
        members.lifted("cut", 100, |_, _| Some(3));
        members.lifted("other", 150, |_, _| Some(3));
        members.status(1, M, (Status::Failed, Status::Alive), 130, 64);
        members.status(0, M, (Status::Failed, Status::Alive), 170, 64);
        let all = members.finish();
        assert_eq!(all.len(), 1);
        assert_eq!((all[0].0, all[0].1, all[0].2.value), (M, Some(1), Some(30)));
        assert_eq!(all[0].2.event, "cut");
        assert!(members.failed.is_empty());
    }

    #[test]
    fn whom_nobody_takes_back_is_missing_unless_cut_again_or_forgotten() {
        for (what, missing) in [(0, 1), (1, 0), (2, 0), (3, 0)] {
            let mut members = Members::default();
            failed_at(&mut members, &[0]);
            members.restarted(M, 3, 100);
            match what {
                1 => members.cut(|slot| slot == 3),
                2 => members.stopped(3, M),
                3 => members.status(0, M, (Status::Failed, Status::Left), 120, 64),
                _ => {}
            }
            let all = members.finish();
            assert_eq!(all.iter().filter(|s| s.2.value.is_none()).count(), missing, "case {what}");
        }
    }

    #[test]
    fn a_flap_counts_once_while_somebody_holds_the_member_failed() {
        let mut members = Members::default();
        failed_at(&mut members, &[0, 1]);
        assert!(members.flap(M, 20));
        members.status(0, M, (Status::Failed, Status::Alive), 20, 64);
        members.status(1, M, (Status::Failed, Status::Alive), 30, 64);
        assert!(!members.flap(M, 30));
        failed_at(&mut members, &[0]);
        assert!(members.flap(M, 40));
    }

    #[test]
    fn a_member_held_leaving_is_so_until_the_last_holder_changes_or_stops() {
        let mut members = Members::default();
        for slot in [0, 1] {
            members.status(slot, M, (Status::Alive, Status::Leaving), 10, 64);
        }
        members.status(0, M, (Status::Leaving, Status::Alive), 20, 64);
        assert_eq!(members.held_leaving().collect::<Vec<_>>(), [M]);
        members.stopped(1, MemberId(1));
        assert_eq!(members.held_leaving().count(), 0);
    }
}
