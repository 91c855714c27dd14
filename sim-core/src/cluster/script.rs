//! The timeline, performed: entries become occurrences, occurrences become tasks.
//!
//! All times and picks of an entry come from a ChaCha stream of its own, so that adding an entry moves no
//! draw of another.

use rustc_hash::FxHashMap;
use wavetank_protocol::{
    Span, Time,
    belief::Attributes,
    rng::{Chance, root},
    serf::snapshot::File,
};

use super::{Tank, start::purpose};
use crate::{
    net::{Condition, ConditionId},
    observe::{ChangeKind, Occurrence},
    plan::{
        Action, CrashKind, EntryIndex, Every, Limit, Of, Pick, Rebirth, Selector, SlotSet, When,
    },
    watch::Watch,
};

/// Number of a task.
type TaskId = u32;

/// Something that the script does at a time.
#[derive(Clone, Debug)]
pub enum Task {
    /// The n-th occurrence of an entry.
    Occur {
        /// Which entry.
        entry: EntryIndex,
        /// Occurrences before it.
        nth: u32,
    },
    /// The end of a condition.
    Lift {
        /// Of which entry.
        entry: EntryIndex,
        /// What ends.
        what: Lasting,
    },
    /// A process starts and joins.
    Join {
        /// Where.
        slot: u32,
        /// Through whom.
        via: Vec<u32>,
    },
    /// A process restarts.
    Restart {
        /// Where.
        slot: u32,
        /// How.
        how: Rebirth,
        /// Through whom.
        via: Vec<u32>,
        /// For which occurrence.
        occurrence: Occurrence,
    },
    /// A rolling restart takes its next batch.
    Roll {
        /// Of which entry.
        entry: EntryIndex,
        /// For which occurrence.
        occurrence: Occurrence,
        /// Who is still to come.
        rest: Vec<u32>,
    },
    /// A process that has left stops.
    Stop {
        /// Where.
        slot: u32,
        /// Which life of it.
        life: u32,
    },
}

/// A condition in force.
#[derive(Clone, Debug)]
pub enum Lasting {
    /// On the network.
    Condition(ConditionId),
    /// Frozen slots.
    Paused(Vec<u32>),
    /// Slots whose hosts refuse to send.
    Refusing(Vec<u32>),
    /// Slow slots.
    Slowed(Vec<u32>),
    /// Slots whose clocks drift.
    Drifting(Vec<u32>),
}

/// The state of the script.
#[derive(Debug, Default)]
pub struct Script {
    tasks: Vec<Option<Task>>,
    free: Vec<TaskId>,
    /// What each entry's selectors drew first.
    picks: FxHashMap<(EntryIndex, u8), Vec<u32>>,
    /// Occurrences per entry whose followers were released.
    released: FxHashMap<EntryIndex, bool>,
    /// Last attributes of the processes on slots that were restarted or updated.
    pub(super) attributes: FxHashMap<u32, Attributes>,
    /// Incarnations of processes that stopped.
    pub(super) incarnations: FxHashMap<u32, u32>,
    /// Leaves under way: since when, and how long the process stays after.
    pub(super) leaving: FxHashMap<u32, (Time, Span)>,
    /// Who leaves in a rolling restart: how they come back, for which occurrence, how long after the stop.
    pub(super) returning: FxHashMap<u32, (Rebirth, Occurrence, Span)>,
    /// Snapshot files of processes that stopped.
    pub(super) files: FxHashMap<u32, File>,
}

impl<W: Watch> Tank<'_, W> {
    pub(super) fn schedule(&mut self, at: Time, task: Task) {
        let id = self.script.free.pop().unwrap_or_else(|| {
            self.script.tasks.push(None);
            self.script.tasks.len() as TaskId - 1
        });
        self.script.tasks[id as usize] = Some(task);
        self.kernel.push_task(at, id);
    }

    pub(super) fn schedule_timeline(&mut self) {
        for entry in 0..self.plan.timeline.len() as EntryIndex {
            let at = match self.plan.timeline[entry as usize].when {
                When::At(at) => at,
                When::Between(from, to) => from + self.entry_rng(entry, 0).span(to - from + 1),
                When::After { .. } => continue,
            };
            self.schedule(at, Task::Occur { entry, nth: 0 });
        }
    }

    fn entry_rng(&self, entry: EntryIndex, part: u64) -> impl Chance + use<W> {
        root(self.seed, purpose::ENTRIES + (u64::from(entry) << 32) + part)
    }

    pub(super) fn perform(&mut self, id: TaskId) {
        let Some(task) = self.script.tasks[id as usize].take() else { return };
        self.script.free.push(id);
        let changes = !matches!(task, Task::Stop { .. });
        match task {
            Task::Occur { entry, nth } => self.occur(entry, nth),
            Task::Lift { entry, what } => self.lift(entry, what),
            Task::Join { slot, via } => {
                if !self.runs(slot) {
                    self.start_process(slot, 1);
                }
                self.rejoin(slot, &via);
            }
            Task::Restart { slot, how, via, occurrence } => {
                self.rebirth(slot, how, &via);
                let kind = self.just_started(slot);
                self.begin_change(occurrence, slot, kind);
            }
            Task::Roll { entry, occurrence, rest } => self.roll(entry, occurrence, rest),
            Task::Stop { slot, life } => {
                if self.kernel.hosts[slot as usize].life == life {
                    self.stop(slot, CrashKind::Process);
                }
            }
        }
        if changes {
            self.kernel.observer.changed(self.kernel.now);
        }
        self.release_followers();
    }

    /// Joins through these and nobody else: the first node of a joining cluster has nobody to ask.
    fn rejoin(&mut self, slot: u32, via: &[u32]) {
        let running: Vec<u32> = via.iter().copied().filter(|&s| self.runs(s)).collect();
        if !running.is_empty() {
            self.join_through(slot, &running);
        }
    }

    fn occur(&mut self, index: EntryIndex, nth: u32) {
        let plan = self.plan;
        let entry = &plan.timeline[index as usize];
        let now = self.kernel.now;
        let occurrence = Occurrence { entry: index, nth };
        self.act(occurrence);
        self.follow(index, false);
        if let Some(repeat) = entry.repeat {
            let wait = match repeat.every {
                Every::Fixed(every) => every,
                Every::Poisson(mean) => {
                    let word = self.entry_rng(index, 1 + u64::from(nth)).word();
                    exponential(mean, word)
                }
            };
            let next = now + wait.max(1);
            let more = match repeat.limit {
                Limit::Times(times) => nth + 1 < times,
                Limit::Until(until) => next <= until,
                Limit::End => true,
            };
            if more && next < plan.duration {
                self.schedule(next, Task::Occur { entry: index, nth: nth + 1 });
            }
        }
    }

    /// Entries that wait for another one.
    fn follow(&mut self, event: EntryIndex, known: bool) {
        for entry in 0..self.plan.timeline.len() as EntryIndex {
            let When::After { event: other, known: wants, delay: (least, most) } =
                self.plan.timeline[entry as usize].when
            else {
                continue;
            };
            if other != event || wants != known || self.script.released.contains_key(&entry) {
                continue;
            }
            self.script.released.insert(entry, true);
            let delay = least + self.entry_rng(entry, 0).span(most - least + 1);
            self.schedule(self.kernel.now + delay, Task::Occur { entry, nth: 0 });
        }
    }

    /// Entries that wait for a change to be known.
    pub(super) fn release_followers(&mut self) {
        while let Some(entry) = self.kernel.observer.take_known() {
            self.follow(entry, true);
        }
    }

    /// Who is meant by the `part`-th selector of an occurrence, ascending.
    pub(super) fn select(
        &mut self,
        occurrence: Occurrence,
        part: u8,
        selector: &Selector,
    ) -> Vec<u32> {
        let Occurrence { entry, nth } = occurrence;
        let wants_running = !matches!(
            self.plan.timeline[entry as usize].action,
            Action::Join { .. }
                | Action::Restart { .. }
                | Action::Scale { .. }
                | Action::Fault { .. }
                | Action::Partition { .. }
                | Action::Block { .. }
                | Action::ForceLeave { .. }
        );
        let candidates: Vec<u32> = match &selector.of {
            Of::Set(set) => set.iter().collect(),
            Of::Picked(other) => self.script.picks.get(&(*other, 0)).cloned().unwrap_or_default(),
        };
        let Some(pick) = selector.pick else {
            self.script.picks.entry((entry, part)).or_insert_with(|| candidates.clone());
            return candidates;
        };
        if !selector.repick
            && let Some(kept) = self.script.picks.get(&(entry, part))
        {
            return kept.clone();
        }
        let joins = matches!(self.plan.timeline[entry as usize].action, Action::Join { .. });
        // What is drawn again and again is drawn among those running, whatever the verb.
        let wants_running = wants_running || selector.repick && !joins;
        let mut pool: Vec<u32> = candidates
            .into_iter()
            .filter(|&s| !wants_running || self.runs(s))
            .filter(|&s| !joins || !self.runs(s))
            .collect();
        let wanted = match pick {
            Pick::Count(count) => count as usize,
            Pick::PartsPerMillion(ppm) => {
                (pool.len() as u64 * u64::from(ppm)).div_ceil(1_000_000) as usize
            }
        };
        let part_of_stream = 1 << 24 | u64::from(part) << 16;
        let draw = if selector.repick { u64::from(nth) << 32 } else { 0 };
        let mut rng =
            self.entry_rng(entry, (part_of_stream + draw) & 0xffff_ffff | draw.rotate_left(8));
        let count = wanted.min(pool.len());
        for i in 0..count {
            let j = i + rng.below((pool.len() - i) as u32) as usize;
            pool.swap(i, j);
        }
        pool.truncate(count);
        pool.sort_unstable();
        self.script.picks.insert((entry, part), pool.clone());
        pool
    }

    pub(super) fn begin_change(&mut self, occurrence: Occurrence, slot: u32, kind: ChangeKind) {
        let scene = surroundings!(self);
        let member = self.kernel.hosts[slot as usize].member;
        let tables = &self.tables;
        let believes = |observer: u32| tables[observer as usize].get(member);
        self.kernel.observer.begin(occurrence, slot, member, kind, &scene, believes);
    }

    pub(super) fn happened(&mut self, occurrence: Occurrence, verb: &'static str, slots: &[u32]) {
        let entry = &self.plan.timeline[occurrence.entry as usize];
        self.watch.script(self.kernel.now, &entry.id, verb, slots);
        let hosts = &self.kernel.hosts;
        let roster = &self.world.roster;
        let name = |slot: u32| roster.name(hosts[slot as usize].member).to_owned();
        self.kernel.observer.happened(occurrence, verb, self.kernel.now, slots, name);
    }

    fn lasting(&mut self, entry: EntryIndex, what: Lasting) {
        if let Some(lasts) = self.plan.timeline[entry as usize].lasts {
            self.schedule(self.kernel.now + lasts, Task::Lift { entry, what });
        }
    }

    fn act(&mut self, occurrence: Occurrence) {
        let entry = occurrence.entry;
        let plan = self.plan;
        match &plan.timeline[entry as usize].action {
            Action::Crash { who, kind } => {
                let slots = self.running(occurrence, who);
                self.happened(occurrence, "crash", &slots);
                for slot in slots {
                    self.kernel.observer.fault(slot, self.kernel.now, true);
                    self.stop(slot, *kind);
                    self.begin_change(occurrence, slot, ChangeKind::Crashed);
                }
            }
            Action::Restart { who, delay, how, via } => {
                let slots = self.select(occurrence, 0, who);
                self.happened(occurrence, "restart", &slots);
                let via: Vec<u32> = via.iter().collect();
                for slot in slots {
                    if *delay > 0 && self.runs(slot) {
                        self.stop(slot, CrashKind::Process);
                    }
                    let task = Task::Restart { slot, how: *how, via: via.clone(), occurrence };
                    self.schedule(self.kernel.now + delay, task);
                }
            }
            Action::RollingRestart { who, .. } => {
                let slots = self.select(occurrence, 0, who);
                self.happened(occurrence, "rolling-restart", &slots);
                self.roll(entry, occurrence, slots);
            }
            Action::Join { who, via, name_of } => {
                let slots = self.select(occurrence, 0, who);
                self.happened(occurrence, "join", &slots);
                let via: Vec<u32> = via.iter().collect();
                for slot in slots {
                    if let (Some(other), false) = (name_of, self.runs(slot)) {
                        // The name is another's too; what is told of it is about both.
                        let member = self.kernel.hosts[*other as usize].member;
                        self.kernel.hosts[slot as usize].member = member;
                    }
                    if !self.runs(slot) {
                        self.start_process(slot, 1);
                    }
                    if name_of.is_none() {
                        let kind = self.just_started(slot);
                        self.begin_change(occurrence, slot, kind);
                    }
                    self.join_through(slot, &via);
                }
            }
            Action::Leave { who, timeout, stop_after } => {
                let slots = self.running(occurrence, who);
                self.happened(occurrence, "leave", &slots);
                for slot in slots {
                    if self.is_leaving(slot) {
                        continue;
                    }
                    self.begin_change(occurrence, slot, ChangeKind::Left);
                    self.leave(slot, *timeout, *stop_after);
                }
            }
            Action::Scale { group, to } => self.scale(occurrence, *group, *to),
            Action::Update { who, meta_bytes } => {
                let slots = self.running(occurrence, who);
                self.happened(occurrence, "update", &slots);
                for slot in slots {
                    let kind = self.next_incarnation(slot);
                    self.begin_change(occurrence, slot, kind);
                    self.update(slot, *meta_bytes);
                }
            }
            Action::SetConfig { who, becomes, live } => {
                let slots = self.select(occurrence, 0, who);
                self.happened(occurrence, "set-config", &slots);
                for slot in slots {
                    let config = &mut self.config_of[slot as usize];
                    *config = becomes.get(*config as usize).copied().unwrap_or(*config);
                    if !live && self.runs(slot) {
                        self.rebirth(slot, Rebirth::default(), &[]);
                        let kind = self.just_started(slot);
                        self.begin_change(occurrence, slot, kind);
                    }
                }
            }
            Action::Pause { who } => {
                let slots = self.running(occurrence, who);
                self.happened(occurrence, "pause", &slots);
                for &slot in &slots {
                    self.kernel.observer.fault(slot, self.kernel.now, true);
                    self.freeze(slot);
                }
                self.lasting(entry, Lasting::Paused(slots));
            }
            Action::Slow { who, service, cpu } => {
                let slots = self.running(occurrence, who);
                self.happened(occurrence, "slow", &slots);
                for &slot in &slots {
                    self.kernel.observer.fault(slot, self.kernel.now, true);
                    self.slow(slot, service_time(*service, *cpu));
                }
                self.lasting(entry, Lasting::Slowed(slots));
            }
            Action::Clock { who, drift, .. } => {
                let slots = self.running(occurrence, who);
                self.happened(occurrence, "clock", &slots);
                for &slot in &slots {
                    self.kernel.observer.fault(slot, self.kernel.now, true);
                    self.drift(slot, *drift);
                }
                self.lasting(entry, Lasting::Drifting(slots));
            }
            Action::Fault { path, fault } => {
                let from = self.select(occurrence, 0, &path.from);
                let to = self.select(occurrence, 1, &path.to);
                self.happened(occurrence, fault_verb(fault), &from);
                let condition = Condition::Fault {
                    from: SlotSet::from_slots(from),
                    to: SlotSet::from_slots(to),
                    both: path.both,
                    fault: fault.clone(),
                };
                self.impose(occurrence, condition);
            }
            Action::Partition { groups, rest, direction, streams_open } => {
                let mut sets: Vec<SlotSet> = Vec::new();
                for (part, group) in groups.iter().enumerate() {
                    sets.push(SlotSet::from_slots(self.select(occurrence, part as u8, group)));
                }
                if *rest {
                    let named = sets.iter().fold(SlotSet::new(), |all, set| all.union(set));
                    let all = SlotSet::range(0, self.kernel.hosts.len() as u32);
                    sets.push(all.minus(&named));
                }
                let first: Vec<u32> = sets.first().map(|s| s.iter().collect()).unwrap_or_default();
                self.happened(occurrence, "partition", &first);
                let condition = Condition::Partition {
                    groups: sets,
                    direction: *direction,
                    streams_open: *streams_open,
                };
                self.impose(occurrence, condition);
            }
            Action::UserEvent { .. }
            | Action::Query { .. }
            | Action::SetTags { .. }
            | Action::ForceLeave { .. }
            | Action::RotateKey { .. } => self.act_serf(occurrence),
            Action::Block { who, transport, direction, refused } => {
                let slots = self.select(occurrence, 0, who);
                self.happened(occurrence, "block", &slots);
                if *refused {
                    for &slot in &slots {
                        self.kernel.observer.fault(slot, self.kernel.now, true);
                        self.kernel.hosts[slot as usize].refuses = true;
                    }
                    self.lasting(entry, Lasting::Refusing(slots));
                    return;
                }
                let condition = Condition::Block {
                    who: SlotSet::from_slots(slots.iter().copied()),
                    transport: *transport,
                    direction: *direction,
                };
                self.impose(occurrence, condition);
            }
        }
    }

    pub(super) fn running(&mut self, occurrence: Occurrence, who: &Selector) -> Vec<u32> {
        let mut slots = self.select(occurrence, 0, who);
        slots.retain(|&s| self.runs(s));
        slots
    }

    fn impose(&mut self, occurrence: Occurrence, condition: Condition) {
        let entry = occurrence.entry;
        let id = self.kernel.net.apply(entry, &condition);
        self.kernel.observer.imposed(occurrence, id, condition);
        self.lasting(entry, Lasting::Condition(id));
    }

    fn lift(&mut self, entry: EntryIndex, what: Lasting) {
        let now = self.kernel.now;
        self.watch.script(now, &self.plan.timeline[entry as usize].id, "end", &[]);
        match what {
            Lasting::Condition(id) => {
                self.kernel.net.lift(id);
                let tables = &self.tables;
                let believes = |slot: u32, member| tables[slot as usize].get(member);
                let scene = surroundings!(self);
                self.kernel.observer.lifted(id, &scene, believes);
            }
            Lasting::Paused(slots) => {
                for slot in slots {
                    self.kernel.observer.fault(slot, now, false);
                    self.thaw(slot);
                }
            }
            Lasting::Refusing(slots) => {
                for slot in slots {
                    self.kernel.observer.fault(slot, now, false);
                    self.kernel.hosts[slot as usize].refuses = false;
                }
            }
            Lasting::Slowed(slots) => {
                for slot in slots {
                    self.kernel.observer.fault(slot, now, false);
                    self.slow(slot, 0);
                }
            }
            Lasting::Drifting(slots) => {
                for slot in slots {
                    self.kernel.observer.fault(slot, now, false);
                    self.drift(slot, 0);
                }
            }
        }
    }

    fn scale(&mut self, occurrence: Occurrence, group: u16, to: u32) {
        let groups = &self.plan.cluster.groups;
        let first: u32 = groups[..group as usize].iter().map(|g| g.nodes).sum();
        let slots = first..first + groups[group as usize].nodes;
        let keep = first + to.min(groups[group as usize].nodes);
        let (join, leave): (Vec<u32>, Vec<u32>) =
            slots.filter(|&s| (s < keep) != self.runs(s)).partition(|&s| s < keep);
        let all: Vec<u32> = join.iter().chain(&leave).copied().collect();
        self.happened(occurrence, "scale", &all);
        for slot in join {
            self.start_process(slot, 1);
            self.join_through(slot, &[]);
            let kind = self.just_started(slot);
            self.begin_change(occurrence, slot, kind);
        }
        for slot in leave {
            self.begin_change(occurrence, slot, ChangeKind::Left);
            let timeout = self.usual_timeout(slot);
            self.leave(slot, timeout, 0);
        }
    }

    /// The next batch of a rolling restart goes down; it comes back after its time.
    fn roll(&mut self, entry: EntryIndex, occurrence: Occurrence, mut rest: Vec<u32>) {
        let plan = self.plan;
        let Action::RollingRestart { parallel, every, down, leave, how, .. } =
            &plan.timeline[entry as usize].action
        else {
            return;
        };
        let now = self.kernel.now;
        let batch: Vec<u32> = rest.drain(..(*parallel as usize).min(rest.len())).collect();
        for slot in batch {
            if self.runs(slot) && *leave {
                self.begin_change(occurrence, slot, ChangeKind::Left);
                self.script.returning.insert(slot, (*how, occurrence, *down));
                let timeout = self.usual_timeout(slot);
                self.leave(slot, timeout, 0);
                continue;
            }
            if self.runs(slot) {
                self.stop(slot, CrashKind::Process);
            }
            let task = Task::Restart { slot, how: *how, via: Vec::new(), occurrence };
            self.schedule(now + down, task);
        }
        if !rest.is_empty() {
            self.schedule(now + every, Task::Roll { entry, occurrence, rest });
        }
    }
}

/// An exponential span from a uniform word.
fn exponential(mean: Span, word: u64) -> Span {
    let share = ((word >> 11) + 1) as f64 / (1u64 << 53) as f64;
    (-libm::log(share) * mean as f64) as Span
}

/// Own work of a message on a full processor.
const WORK: Span = wavetank_protocol::time::MICROSECOND;

fn service_time(service: Span, cpu: u32) -> Span {
    let stretched = if cpu == 0 { 0 } else { WORK * 1_000_000 / u64::from(cpu) };
    service.max(stretched)
}

const fn fault_verb(fault: &crate::plan::PathFault) -> &'static str {
    use crate::plan::PathFault::{Bandwidth, Corrupt, Delay, Duplicate, Loss, Reorder};
    match fault {
        Delay(_) => "delay",
        Loss(_) => "loss",
        Duplicate(_) => "duplicate",
        Reorder(_) => "reorder",
        Corrupt(_) => "corrupt",
        Bandwidth(_) => "bandwidth",
    }
}
