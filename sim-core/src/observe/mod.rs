//! Observation: what is measured in a run, as `docs/metrics.md` defines it.
//!
//! The observer is told of every change of belief and every event of the script, keeps what the metrics
//! need, and makes the [`crate::outcome::Outcome`] at the end. It never touches the history.

mod census;
mod changes;
mod counts;
mod falses;
mod finish;
mod heal;
mod levels;
pub mod metrics;
mod serf;

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};
use wavetank_protocol::{
    Span, Time,
    belief::{AttributesId, Belief, BeliefId, MemberId, Roster, Status},
    swim::{Event, Node, Via},
};

use crate::{
    cluster::{Host, Load},
    net::{Condition, ConditionId, Net},
    outcome::{self, Happened, Sample},
    plan::{Direction, EntryIndex, Plan},
};

use census::Census;
use changes::{Bits, Change};
pub use changes::{ChangeKind, Occurrence};
pub use counts::Counts;
use falses::{Accusations, Cuts, Declarations, Episodes, Faults};
use heal::Heal;
use levels::Levels;
pub use metrics::{METRICS, metric};
pub use serf::{SerfCounts, SerfLook};

/// Observers whose beliefs about a victim are kept over time.
const SAMPLED_OBSERVERS: usize = 64;
/// Victims with a timeline of beliefs.
const TIMELINES: usize = 8;
/// Refutations measured at a time; in a storm the others are not.
const REFUTATIONS: usize = 256;
/// Names listed where many could be.
const NAMES: usize = 32;

/// What the observer may look at.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// Now.
    pub now: Time,
    /// Beliefs and names.
    pub roster: &'a Roster,
    /// Slots.
    pub hosts: &'a [Host],
    /// Nodes, by slot.
    pub nodes: &'a [Option<Node>],
    /// The network.
    pub net: &'a Net,
    /// The slot of a name.
    pub slot_of: &'a [u32],
}

/// The observer of one run.
#[derive(Debug)]
pub struct Observer {
    /// Counters that need no thought are counted where they arise.
    pub counts: Counts,
    levels: Levels,
    /// Only of runs with Serf nodes.
    serf: Option<Box<serf::Serf>>,
    entries: Vec<String>,
    census: Census,
    converged_at: Option<Time>,
    last_change: Time,
    changes: Vec<Change>,
    open: Vec<u32>,
    cuts: Cuts,
    faults: Faults,
    episodes: Episodes,
    declarations: Declarations,
    accusations: Accusations,
    heals: Vec<Heal>,
    happened: Vec<Happened>,
    samples: Vec<Sample>,
    known: Vec<EntryIndex>,
    known_done: Vec<bool>,
    started_at: Vec<Time>,
    gone_at: FxHashMap<MemberId, Time>,
    leaving: FxHashMap<MemberId, Time>,
    /// Whose last process called leave, whether it still runs or not.
    quit: FxHashSet<MemberId>,
    /// Of these, whom somebody has recorded as failed.
    failed_leaves: FxHashSet<MemberId>,
    pending_leaves: BTreeMap<MemberId, Time>,
}

impl Observer {
    /// The observer of a plan's run.
    pub fn new(plan: &Plan, slots: u32) -> Self {
        Self {
            counts: Counts::default(),
            levels: Levels::new(plan, slots),
            serf: serf::Serf::new(plan),
            entries: plan.timeline.iter().map(|e| e.id.clone()).collect(),
            census: Census::default(),
            converged_at: Some(0),
            last_change: 0,
            changes: Vec::new(),
            open: Vec::new(),
            cuts: Cuts::default(),
            faults: Faults::default(),
            episodes: Episodes::default(),
            declarations: Declarations::default(),
            accusations: Accusations::default(),
            heals: Vec::new(),
            happened: Vec::new(),
            samples: Vec::new(),
            known: Vec::new(),
            known_done: vec![false; plan.timeline.len()],
            started_at: vec![0; slots as usize],
            gone_at: FxHashMap::default(),
            leaving: FxHashMap::default(),
            quit: FxHashSet::default(),
            failed_leaves: FxHashSet::default(),
            pending_leaves: BTreeMap::new(),
        }
    }

    fn event_name(&self, occurrence: Occurrence) -> String {
        event_name(&self.entries, occurrence)
    }

    /// Bytes were sent.
    #[inline]
    pub fn load(&mut self, now: Time, load: Load, bytes: u64) {
        self.levels.load(now, load, bytes);
        if matches!(load, Load::Probe | Load::Gossip) {
            self.counts.bytes_sent += bytes;
        }
    }

    /// A node's queue changed.
    pub fn depth(&mut self, slot: u32, now: Time, old: u32, new: u32) {
        self.levels.depth(slot, now, old, new);
    }

    /// A process starts on a slot.
    pub fn started(&mut self, slot: u32, now: Time) {
        self.levels.started(slot, now);
        self.started_at[slot as usize] = now;
    }

    /// A name is used on a slot for the first time.
    pub fn renamed(&mut self, member: MemberId, _slot: u32) {
        self.gone_at.remove(&member);
    }

    /// A cluster at rest: everybody knows everybody.
    pub fn all_known(&mut self, members: &[(MemberId, AttributesId)], now: Time) {
        if members.is_empty() {
            return;
        }
        self.census.everybody(members);
        let n = members.len() as i64;
        self.levels.records(now, [n * n, 0, 0]);
        self.converged_at = Some(now);
    }

    /// A process stopped, with the view that it had; `was_true`: it had not left.
    pub fn stopped(
        &mut self,
        slot: u32,
        member: MemberId,
        view: &[(MemberId, Belief)],
        was_true: bool,
        now: Time,
    ) {
        self.levels.stopped(slot, now);
        let mut records = [0i64; 3];
        for (_, belief) in view {
            records[state_index(belief.status)] -= 1;
        }
        self.levels.records(now, records);
        if was_true && !self.leaving.contains_key(&member) {
            self.withdraw(member, view);
        }
        self.gone_at.insert(member, now);
        self.accusations.forget(member);
        self.episodes.close(member);
        self.leaving.remove(&member);
        for i in 0..self.open.len() {
            let change = &mut self.changes[self.open[i] as usize];
            change.leave_out(slot);
            // What is gone cannot be told any more; a crash is measured after the stop.
            if change.slot == slot
                && !matches!(change.kind, ChangeKind::Left)
                && change.member == member
            {
                change.over = true;
            }
        }
        self.close_changes();
        self.serf_stopped(slot, member, now);
        self.look_whole(now);
    }

    fn withdraw(&mut self, member: MemberId, view: &[(MemberId, Belief)]) {
        for &(other, belief) in view {
            if other != member {
                self.census.record(other, Some(belief), None);
            }
        }
        self.census.vanish(member);
    }

    /// A node has called leave: it counts as gone from now on, though its process still runs.
    pub fn left(&mut self, member: MemberId, view: &[(MemberId, Belief)], now: Time) {
        if self.leaving.insert(member, now).is_some() {
            return;
        }
        self.withdraw(member, view);
        self.quit.insert(member);
        self.pending_leaves.insert(member, now);
        self.episodes.close(member);
        self.look_whole(now);
    }

    /// Pairs with a slot are not waited for in heals any more.
    pub fn leave_out_of_heals(
        &mut self,
        slot: u32,
        holds: impl Fn(u32, u32) -> Option<Belief>,
        now: Time,
    ) {
        for heal in &mut self.heals {
            heal.leave_out(slot, &holds, now);
        }
    }

    /// A leave has returned.
    pub fn leave_took(&mut self, (id, member): (MemberId, &str), since: Time, took: Span) {
        self.pending_leaves.remove(&id);
        self.samples.push(Sample {
            metric: "leave.time",
            event: String::new(),
            subject: member.to_owned(),
            observer: String::new(),
            time: since,
            value: Some(took),
        });
    }

    /// A fault of a slot's own began or ended.
    pub fn fault(&mut self, slot: u32, now: Time, on: bool) {
        self.faults.set(slot, now, on);
    }

    /// A condition came into force.
    pub fn imposed(&mut self, occurrence: Occurrence, id: ConditionId, condition: Condition) {
        self.serf_imposed(&condition);
        self.cuts.begin(occurrence, id, condition);
    }

    /// A condition ended; a partition's heal is watched from now on.
    pub fn lifted(
        &mut self,
        id: ConditionId,
        scene: &Surroundings<'_>,
        believes: impl Fn(u32, MemberId) -> Option<BeliefId>,
    ) {
        let Some(cut) = self.cuts.end(id, scene.now) else { return };
        if let Some(serf) = &mut self.serf {
            let event = event_name(&self.entries, cut.occurrence);
            serf.lifted(&event, scene, |a, b| cut.separates(a, b));
        }
        let Condition::Partition { groups, direction, .. } = &cut.condition else { return };
        let mut of = vec![0u16; scene.hosts.len()];
        for (g, group) in groups.iter().enumerate() {
            for slot in group.iter().filter(|&s| is_true(s, &self.leaving, scene)) {
                of[slot as usize] = g as u16 + 1;
            }
        }
        let holds = |observer: u32, subject: u32| {
            let member = scene.hosts[subject as usize].member;
            believes(observer, member).map(|b| scene.roster.belief(b))
        };
        let first_only = *direction != Direction::Both;
        self.heals.push(Heal::new(cut.occurrence, scene.now, of, first_only, holds));
    }

    /// An entry acted.
    pub fn happened(
        &mut self,
        occurrence: Occurrence,
        verb: &'static str,
        now: Time,
        slots: &[u32],
        name: impl Fn(u32) -> String,
    ) {
        let event = self.event_name(occurrence);
        let nodes = slots.iter().take(NAMES).map(|&s| name(s)).collect();
        self.happened.push(Happened { event, verb, at: now, nodes, count: slots.len() as u64 });
    }

    /// The world changed: convergence counts from here.
    pub fn changed(&mut self, now: Time) {
        self.last_change = now;
        self.converged_at = self.census.is_whole().then_some(now);
    }

    fn look_whole(&mut self, now: Time) {
        if self.census.is_whole() {
            self.converged_at.get_or_insert(now);
        }
    }

    /// Begins to measure a change; `believes(observer)` tells the present belief about the member.
    pub fn begin(
        &mut self,
        occurrence: Occurrence,
        slot: u32,
        member: MemberId,
        kind: ChangeKind,
        scene: &Surroundings<'_>,
        believes: impl Fn(u32) -> Option<BeliefId>,
    ) {
        // A new deed of the same member undoes what is still being told of it.
        if !matches!(kind, ChangeKind::Refuted { .. }) {
            for &i in &self.open {
                let change = &mut self.changes[i as usize];
                if change.slot == slot && undoes(change.kind, kind) {
                    change.over = true;
                }
            }
            self.close_changes();
        }
        let mut change = Change {
            occurrence,
            member,
            slot,
            kind,
            at: scene.now,
            waiting: Bits::new(scene.hosts.len()),
            remaining: 0,
            got: Vec::new(),
            suspected: None,
            died: None,
            over: false,
            beliefs: Vec::new(),
        };
        for observer in 0..scene.hosts.len() as u32 {
            let counts = observer != slot
                && scene.hosts[observer as usize].is_running()
                && scene.net.can_exchange(observer, slot);
            if counts {
                change.waiting.put(observer);
                change.remaining += 1;
            }
        }
        if change.is_scripted() {
            self.note_present(&mut change, scene, believes);
        }
        self.open.push(self.changes.len() as u32);
        self.changes.push(change);
        self.close_changes();
    }

    /// Those who have it already, and the beginnings of timelines.
    fn note_present(
        &self,
        change: &mut Change,
        scene: &Surroundings<'_>,
        believes: impl Fn(u32) -> Option<BeliefId>,
    ) {
        let now = scene.now;
        let victim = matches!(change.kind, ChangeKind::Crashed | ChangeKind::Left);
        let shown = self.changes.iter().filter(|c| !c.beliefs.is_empty()).count();
        let waiting: Vec<u32> = change.waiting.iter().collect();
        let step = waiting.len().div_ceil(SAMPLED_OBSERVERS).max(1);
        for (i, &observer) in waiting.iter().enumerate() {
            let belief = believes(observer).map(|b| scene.roster.belief(b));
            if victim {
                match belief.map(|b| b.status) {
                    Some(Status::Suspect) => change.suspected = Some(now),
                    Some(Status::Dead | Status::Left) => change.died = Some(now),
                    _ => {}
                }
                if shown < TIMELINES && i % step == 0 {
                    change.beliefs.push((observer, vec![(now, state(belief))]));
                }
            }
            if change.kind.is_had(belief) {
                change.have(observer, now);
            }
        }
    }

    /// An entry whose changes are now known to all who count.
    pub fn take_known(&mut self) -> Option<EntryIndex> {
        self.known.pop()
    }

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
    fn leave_failed(&mut self, member: MemberId) {
        self.counts.left_as_failed += u64::from(self.failed_leaves.insert(member));
    }

    /// Notes that all who count have what an entry spread, the first time.
    fn note_known(&mut self, entry: EntryIndex) {
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
    fn close_changes(&mut self) {
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

/// Whether a process runs on a slot that has not been told to leave. Serf's leave comes to memberlist's only
/// after its intent has gone out, so that those who `leave` have to be asked too.
fn is_true(slot: u32, leaving: &FxHashMap<MemberId, Time>, scene: &Surroundings<'_>) -> bool {
    let node = scene.nodes[slot as usize].as_ref();
    node.is_some_and(|n| !n.has_left() && !leaving.contains_key(&n.identity().me))
}

/// The name of an occurrence.
fn event_name(entries: &[String], occurrence: Occurrence) -> String {
    let id = entries.get(occurrence.entry as usize).map_or("", String::as_str);
    if occurrence.nth == 0 { id.to_owned() } else { format!("{id}#{}", occurrence.nth) }
}

/// Whether a new deed of a member makes an earlier change pointless.
fn undoes(earlier: ChangeKind, later: ChangeKind) -> bool {
    let down = |kind| matches!(kind, ChangeKind::Crashed | ChangeKind::Left);
    down(earlier) != down(later) || down(earlier) && down(later)
}

fn state_index(status: Status) -> usize {
    match status {
        Status::Alive => 0,
        Status::Suspect => 1,
        Status::Dead | Status::Left => 2,
    }
}

fn state(belief: Option<Belief>) -> outcome::Belief {
    match belief.map(|b| b.status) {
        None => outcome::Belief::Unknown,
        Some(Status::Alive) => outcome::Belief::Alive,
        Some(Status::Suspect) => outcome::Belief::Suspect,
        Some(Status::Dead) => outcome::Belief::Dead,
        Some(Status::Left) => outcome::Belief::Left,
    }
}
