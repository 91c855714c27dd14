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
mod told;

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};
use wavetank_protocol::{
    Span, Time,
    belief::{AttributesId, Belief, BeliefId, MemberId, Roster, Status},
    swim::Node,
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
