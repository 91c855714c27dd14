//! Running suspicions of one node (`suspicion.go`).
//!
//! A record is small, since a cut of a cluster makes one per pair across it. Deadlines stand in a heap;
//! a confirmation adds a new one, and a deadline whose generation is not the record's is stale.

use std::{cmp::Reverse, collections::BinaryHeap};

use crate::{
    belief::MemberId,
    config::Config,
    rules::{self, SuspicionLimits},
    time::{NEVER, Time},
};

const INLINE: usize = 5;

/// One suspicion.
#[derive(Clone, Debug)]
pub(super) struct Suspicion {
    pub(super) member: MemberId,
    generation: u32,
    pub(super) start: Time,
    /// Known members when it began: fixes its limits for its whole life (S29).
    known: u32,
    accusers: u32,
    first: [MemberId; INLINE],
    more: Vec<MemberId>,
}

impl Suspicion {
    pub(super) fn limits(&self, config: &Config) -> SuspicionLimits {
        rules::suspicion_limits(config, self.known)
    }

    /// Confirmations so far: accusers beside the first.
    pub(super) fn confirmations(&self) -> u32 {
        self.accusers - 1
    }

    fn accused_by(&self, from: MemberId) -> bool {
        let inline = (self.accusers as usize).min(INLINE);
        self.first[..inline].contains(&from) || self.more.contains(&from)
    }
}

/// All running suspicions, ascending by member.
#[derive(Clone, Debug, Default)]
pub(super) struct Suspicions {
    records: Vec<Suspicion>,
    deadlines: BinaryHeap<Reverse<(Time, MemberId, u32)>>,
    generations: u32,
}

impl Suspicions {
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    #[inline]
    fn find(&self, member: MemberId) -> Result<usize, usize> {
        self.records.binary_search_by_key(&member, |s| s.member)
    }

    #[inline]
    pub(super) fn holds(&self, member: MemberId) -> bool {
        !self.records.is_empty() && self.find(member).is_ok()
    }

    pub(super) fn members(&self) -> impl Iterator<Item = MemberId> + '_ {
        self.records.iter().map(|s| s.member)
    }

    /// The earliest deadline, possibly a stale one.
    #[inline]
    pub(super) fn next(&self) -> Time {
        self.deadlines.peek().map_or(NEVER, |Reverse((at, ..))| *at)
    }

    /// Starts a suspicion; one about the same member is replaced.
    pub(super) fn start(
        &mut self,
        config: &Config,
        now: Time,
        member: MemberId,
        from: MemberId,
        known: u32,
    ) {
        self.generations = self.generations.wrapping_add(1);
        let record = Suspicion {
            member,
            generation: self.generations,
            start: now,
            known,
            accusers: 1,
            first: [from; INLINE],
            more: Vec::new(),
        };
        let limits = record.limits(config);
        let timeout = if limits.expected >= 1 { limits.max } else { limits.min };
        self.deadlines.push(Reverse((now + timeout, member, record.generation)));
        match self.find(member) {
            Ok(i) => self.records[i] = record,
            Err(i) => self.records.insert(i, record),
        }
    }

    /// An accusation of a member already suspected: whether it is a new confirmation.
    pub(super) fn confirm(
        &mut self,
        config: &Config,
        now: Time,
        member: MemberId,
        from: MemberId,
    ) -> bool {
        let Ok(i) = self.find(member) else { return false };
        let record = &mut self.records[i];
        let limits = rules::suspicion_limits(config, record.known);
        if record.confirmations() >= limits.expected || record.accused_by(from) {
            return false;
        }
        match record.first.get_mut(record.accusers as usize) {
            Some(place) => *place = from,
            None => record.more.push(from),
        }
        record.accusers += 1;
        self.generations = self.generations.wrapping_add(1);
        record.generation = self.generations;
        let timeout = rules::suspicion_timeout(limits, record.confirmations());
        // Already past: fires right away, after the handler that confirmed it.
        let at = (record.start + timeout).max(now);
        self.deadlines.push(Reverse((at, member, record.generation)));
        true
    }

    /// Forgets a suspicion; its deadlines turn stale.
    pub(super) fn forget(&mut self, member: MemberId) {
        if self.records.is_empty() {
            return;
        }
        if let Ok(i) = self.find(member) {
            self.records.remove(i);
        }
        if self.records.is_empty() {
            self.deadlines.clear();
        }
    }

    /// Takes the earliest deadline; gives the suspicion if it is not stale.
    pub(super) fn expire(&mut self) -> Option<&Suspicion> {
        let Reverse((_, member, generation)) = self.deadlines.pop()?;
        let i = self.find(member).ok()?;
        Some(&self.records[i]).filter(|s| s.generation == generation)
    }
}
