//! False deaths: a running node that somebody holds dead or left (`docs/metrics.md`).

use rustc_hash::FxHashMap;
use wavetank_protocol::{NEVER, Time, belief::MemberId};

use super::changes::{Bits, Occurrence};
use crate::{
    net::{Condition, ConditionId},
    plan::{Direction, SlotSet},
};

/// Conditions that cut, with their time in force.
#[derive(Debug, Default)]
pub struct Cuts {
    log: Vec<Cut>,
}

/// One cut.
#[derive(Debug)]
pub struct Cut {
    /// For which occurrence.
    pub occurrence: Occurrence,
    id: ConditionId,
    /// What it is.
    pub condition: Condition,
    to: Time,
}

impl Cuts {
    /// A condition came into force; only those that cut datagrams are kept.
    pub fn begin(&mut self, occurrence: Occurrence, id: ConditionId, condition: Condition) {
        let cuts = match &condition {
            Condition::Fault { .. } => false,
            Condition::Partition { .. } => true,
            Condition::Block { transport, .. } => *transport != Some(crate::plan::Transport::Tcp),
        };
        if cuts {
            self.log.push(Cut { occurrence, id, condition, to: NEVER });
        }
    }

    /// Whether a partition kept two slots apart at any time since. A block is not asked for: who is
    /// blocked is sick, and what a sick node says of others is its fault.
    pub fn parted(&self, a: u32, b: u32, since: Time) -> bool {
        let partition = |cut: &Cut| matches!(cut.condition, Condition::Partition { .. });
        self.log.iter().any(|cut| cut.to > since && partition(cut) && cut.separates(a, b))
    }

    /// A condition ended.
    pub fn end(&mut self, id: ConditionId, now: Time) -> Option<&Cut> {
        let cut = self.log.iter_mut().find(|c| c.id == id && c.to == NEVER)?;
        cut.to = now;
        Some(cut)
    }

    /// Whether two slots were separated, in either direction, at any time since.
    pub fn separated(&self, a: u32, b: u32, since: Time) -> bool {
        self.log.iter().any(|cut| cut.to > since && cut.separates(a, b))
    }
}

impl Cut {
    /// Whether it stops datagrams between two slots in either direction.
    pub fn separates(&self, a: u32, b: u32) -> bool {
        match &self.condition {
            Condition::Fault { .. } => false,
            Condition::Block { who, .. } => who.contains(a) || who.contains(b),
            Condition::Partition { groups, direction, .. } => {
                let of = |slot: u32| groups.iter().position(|g: &SlotSet| g.contains(slot));
                match (of(a), of(b)) {
                    (Some(x), Some(y)) if x != y => {
                        *direction == Direction::Both || x == 0 || y == 0
                    }
                    _ => false,
                }
            }
        }
    }
}

/// When slots had a fault of their own: frozen, slow, drifting, crashed.
#[derive(Debug, Default)]
pub struct Faults {
    /// Number in force, and when the last one ended.
    slots: FxHashMap<u32, (u32, Time)>,
}

impl Faults {
    /// A fault began or ended.
    pub fn set(&mut self, slot: u32, now: Time, on: bool) {
        let entry = self.slots.entry(slot).or_insert((0, 0));
        if on {
            entry.0 += 1;
        } else {
            entry.0 = entry.0.saturating_sub(1);
            entry.1 = now;
        }
    }

    /// Whether a slot had one at any time since.
    pub fn any_since(&self, slot: u32, since: Time) -> bool {
        self.slots.get(&slot).is_some_and(|&(on, ended)| on > 0 || ended > since)
    }
}

/// Episodes in which a running node is held dead.
#[derive(Debug, Default)]
pub struct Episodes {
    open: FxHashMap<MemberId, Episode>,
}

#[derive(Debug)]
struct Episode {
    /// Observers that had a false death in it.
    seen: Bits,
}

impl Episodes {
    /// A false death: whether it opens an episode, and whether the observer is new to it.
    pub fn death(&mut self, member: MemberId, observer: u32, slots: usize) -> (bool, bool) {
        let mut opens = false;
        let episode = self.open.entry(member).or_insert_with(|| {
            opens = true;
            Episode { seen: Bits::new(slots) }
        });
        let new = !episode.seen.has(observer);
        episode.seen.put(observer);
        (opens, new)
    }

    /// A death that is explained belongs to an open episode all the same, if there is one.
    pub fn is_open(&self, member: MemberId) -> bool {
        self.open.contains_key(&member)
    }

    /// Everybody holds the member alive again, or it stopped or left.
    pub fn close(&mut self, member: MemberId) {
        self.open.remove(&member);
    }
}

/// Since when the declarer of a death had suspected its subject.
#[derive(Debug, Default)]
pub struct Declarations {
    since: FxHashMap<(MemberId, MemberId), Time>,
}

impl Declarations {
    /// A timer of `from` declared `member` dead.
    pub fn declared(&mut self, member: MemberId, from: MemberId, since: Time) {
        self.since.insert((member, from), since);
    }

    /// Since when; absent: it never suspected it.
    pub fn since(&self, member: MemberId, from: MemberId) -> Option<Time> {
        self.since.get(&(member, from)).copied()
    }
}

/// Who was the first to accuse an incarnation: until it is refuted, all later accusations of it, at whatever
/// node, may repeat that one.
#[derive(Debug, Default)]
pub struct Accusations {
    /// When the last probe of a slot that failed had begun.
    probes: FxHashMap<u32, Time>,
    /// Per member, its accused incarnations and whether a partition stood behind the first accusation.
    first: FxHashMap<MemberId, Vec<(u32, bool)>>,
}

impl Accusations {
    /// A slot's probe failed that had begun at a time; the accusation follows.
    pub fn failed(&mut self, slot: u32, began: Time) {
        self.probes.insert(slot, began);
    }

    /// A record turned suspect by the word of `accuser`; at its own record, by the probe that just failed.
    pub fn suspected(
        &mut self,
        (member, incarnation): (MemberId, u32),
        (accuser, subject): (u32, u32),
        cuts: &Cuts,
        now: Time,
    ) {
        let accused = self.first.entry(member).or_default();
        if accused.iter().all(|&(i, _)| i != incarnation) {
            let since = self.probes.remove(&accuser).unwrap_or(now);
            accused.push((incarnation, cuts.parted(accuser, subject, since)));
        }
    }

    /// Whether the first accusation of an incarnation is the work of a partition.
    pub fn is_of_partition(&self, member: MemberId, incarnation: u32) -> bool {
        let accused = self.first.get(&member);
        accused.is_some_and(|a| a.iter().any(|&(i, parted)| i == incarnation && parted))
    }

    /// The process stopped; the next one may use the same incarnations.
    pub fn forget(&mut self, member: MemberId) {
        self.first.remove(&member);
    }
}
