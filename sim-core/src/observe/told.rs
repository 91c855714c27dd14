//! What nodes tell of their beliefs: changes that spread, false deaths, the true list, heals.

use wavetank_protocol::{
    Time,
    belief::{Belief, MemberId, Status},
    swim::{Event, Via},
};

use super::{
    ChangeKind, EntryIndex, Observer, Occurrence, REFUTATIONS, Surroundings, is_true, state,
    state_index,
};

impl Observer {
    /// A slot's probe failed that had begun at a time.
    pub fn probe_failed(&mut self, slot: u32, began: Time) {
        self.accusations.failed(slot, began);
    }

    /// A node told something.
    pub fn told(&mut self, slot: u32, event: Event, scene: &Surroundings<'_>) {
        let now = scene.now;
        self.levels.reach(now);
        match event {
            Event::Believed { member, old, new, from, via } => {
                let old = old.map(|b| scene.roster.belief(b));
                let new = scene.roster.belief(new);
                self.believed(slot, member, old, new, (from, via), scene);
            }
            Event::Reaped { member, old } => {
                let old = scene.roster.belief(old);
                let mut records = [0i64; 3];
                records[state_index(old.status)] -= 1;
                self.levels.records(now, records);
                self.record(slot, member, Some(old), None, scene);
            }
            Event::SuspicionExpired { member, confirmations, expected, since } => {
                self.counts.suspicion_timeouts += 1;
                self.counts.degraded_timeout += u64::from(confirmations < expected);
                let from = scene.hosts[slot as usize].member;
                self.declarations.declared(member, from, since);
            }
            Event::Refuted { incarnation } => {
                self.counts.refutations += 1;
                let measured =
                    self.open.iter().filter(|&&i| !self.changes[i as usize].is_scripted()).count();
                if measured < REFUTATIONS {
                    let occurrence = Occurrence { entry: EntryIndex::MAX, nth: 0 };
                    let member = scene.hosts[slot as usize].member;
                    let kind = ChangeKind::Refuted { incarnation };
                    self.begin(occurrence, slot, member, kind, scene, |_| None);
                }
            }
            Event::Health { old, new } => self.levels.health(slot, now, old, new),
            Event::Conflict { .. } => self.counts.name_conflicts += 1,
            _ => {}
        }
    }

    fn believed(
        &mut self,
        slot: u32,
        member: MemberId,
        old: Option<Belief>,
        new: Belief,
        (from, via): (MemberId, Via),
        scene: &Surroundings<'_>,
    ) {
        let now = scene.now;
        let before = old.map(|b| b.status);
        if before != Some(new.status) {
            let mut records = [0i64; 3];
            records[state_index(new.status)] += 1;
            if let Some(before) = before {
                records[state_index(before)] -= 1;
            }
            self.levels.records(now, records);
        }
        if scene.hosts[slot as usize].member == member {
            self.about_self(member, new, is_true(slot, &self.leaving, scene));
            if self.started_at[slot as usize] == now {
                self.serf_started(member, slot, now);
            }
            self.look_whole(now);
            return;
        }
        self.counts.via_pushpull += u64::from(via == Via::PushPull);
        if new.status == Status::Suspect {
            self.counts.suspicions += 1;
            let ends = (scene.slot_of[from.index()], scene.slot_of[member.index()]);
            self.accusations.suspected((member, new.incarnation), ends, &self.cuts, now);
        }
        let was_gone = before.is_some_and(Status::is_gone);
        if new.status.is_gone() && !was_gone && before.is_some() {
            self.died(slot, member, new, from, scene);
        }
        if was_gone && !new.status.is_gone() {
            let subject = scene.slot_of[member.index()];
            let started = self.started_at[subject as usize];
            let gone = self.gone_at.get(&member).copied().unwrap_or(0);
            self.counts.resurrections += u64::from(gone >= started);
        }
        self.record(slot, member, old, Some(new), scene);
    }

    /// A node's own record: what all others should hold.
    fn about_self(&mut self, member: MemberId, new: Belief, is_true: bool) {
        self.census.set_present(member, new.attributes);
        if is_true || new.status == Status::Alive && !self.leaving.contains_key(&member) {
            if self.quit.remove(&member) {
                self.failed_leaves.remove(&member);
            }
            self.census.appear(member);
        }
    }

    /// A record turned dead or left.
    fn died(
        &mut self,
        observer: u32,
        member: MemberId,
        new: Belief,
        from: MemberId,
        scene: &Surroundings<'_>,
    ) {
        let now = scene.now;
        let subject = scene.slot_of[member.index()];
        let host = &scene.hosts[subject as usize];
        let runs = host.is_running() && host.member == member;
        let quit = self.quit.contains(&member);
        if !runs || quit {
            // Serf's own table decides where there is one.
            let serf = self.serf.as_ref().is_some_and(|s| s.runs(observer));
            if quit && new.status == Status::Dead && !serf {
                self.leave_failed(member);
            }
            return;
        }
        self.gone_at.insert(member, now);
        let since = self.declarations.since(member, from).unwrap_or(now);
        let declarer = scene.slot_of[from.index()];
        if self.cuts.separated(declarer, subject, since)
            || self.accusations.is_of_partition(member, new.incarnation)
        {
            if !self.cuts.separated(observer, subject, now) {
                self.counts.false_positives_after_heal += 1;
            }
            return;
        }
        let (opens, new) = self.episodes.death(member, observer, scene.hosts.len());
        self.counts.false_positives += u64::from(opens);
        self.counts.false_positives_observers += u64::from(new);
        let faulty = |slot| self.faults.any_since(slot, since);
        self.counts.false_positives_healthy += u64::from(!faulty(observer) && !faulty(subject));
    }

    /// A leave was recorded as a failure.
    pub(super) fn leave_failed(&mut self, member: MemberId) {
        self.counts.left_as_failed += u64::from(self.failed_leaves.insert(member));
    }

    /// Notes that all who count have what an entry spread, the first time.
    pub(super) fn note_known(&mut self, entry: EntryIndex) {
        let done = self.known_done.get_mut(entry as usize);
        if done.is_some_and(|d| !std::mem::replace(d, true)) {
            self.known.push(entry);
        }
    }

    /// Books a change of an observer's record about another member.
    fn record(
        &mut self,
        observer: u32,
        member: MemberId,
        old: Option<Belief>,
        new: Option<Belief>,
        scene: &Surroundings<'_>,
    ) {
        let now = scene.now;
        if is_true(observer, &self.leaving, scene) || scene.nodes[observer as usize].is_none() {
            self.census.record(member, old, new);
            self.look_whole(now);
            if self.census.holders(member) as u64 + 1 >= self.census.true_nodes()
                && self.episodes.is_open(member)
            {
                self.episodes.close(member);
            }
        }
        if !self.heals.is_empty() {
            let subject = scene.slot_of[member.index()];
            for heal in &mut self.heals {
                heal.record(observer, subject, old, new, now);
            }
        }
        if self.open.is_empty() {
            return;
        }
        let mut done = false;
        for &i in &self.open {
            let change = &mut self.changes[i as usize];
            if change.member != member {
                continue;
            }
            match new.map(|b| b.status) {
                Some(Status::Suspect) => {
                    change.suspected.get_or_insert(now);
                }
                Some(Status::Dead | Status::Left) => {
                    change.died.get_or_insert(now);
                }
                _ => {}
            }
            if let Some((_, line)) = change.beliefs.iter_mut().find(|(o, _)| *o == observer) {
                line.push((now, state(new)));
            }
            if change.kind.is_had(new) {
                change.have(observer, now);
            }
            done |= change.remaining == 0;
        }
        if done {
            self.close_changes();
        }
    }

    /// Ends the measures that are complete or cut off.
    pub(super) fn close_changes(&mut self) {
        let mut known = Vec::new();
        let changes = &mut self.changes;
        self.open.retain(|&i| {
            let change = &mut changes[i as usize];
            let complete = change.remaining == 0;
            if complete && change.is_scripted() {
                known.push(change.occurrence.entry);
            }
            change.over |= complete;
            !change.over
        });
        for entry in known {
            let still_open =
                self.open.iter().any(|&i| self.changes[i as usize].occurrence.entry == entry);
            if !still_open {
                self.note_known(entry);
            }
        }
    }
}
