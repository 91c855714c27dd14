//! Serf's layer, observed: what its nodes tell, and what a look at all of them shows.
//!
//! Everything here exists only when the plan has Serf nodes, so that a run of SWIM alone reports what it
//! always did. Scripted events and queries are measured one by one (`spread`, `queries`); beliefs that
//! only Serf has are kept per member (`members`); clocks, queues and coordinates are looked at once per
//! simulated second (`looks`).

mod counts;
mod looks;
mod members;
mod queries;
mod spread;

use wavetank_protocol::{
    Time,
    belief::MemberId,
    serf::{
        Event,
        event::{Delivery, MemberEvent, Path, Receipt},
        lamport::LTime,
        ledger::{Ledger, QuestionId, TextId},
    },
};

use super::{Observer, Occurrence, Surroundings, changes::Bits, finish::Names};
use crate::{
    net::{Condition, Net},
    outcome::{Curve, Gauge, Missed, Sample},
    plan::{EntryIndex, Plan},
};

pub use counts::SerfCounts;
pub use looks::SerfLook;

use looks::Looks;
use members::Members;
use queries::{Kind, Queries, Query};
use spread::{Heard, Spread, Spreads};

/// What is kept of a run with Serf nodes.
#[derive(Debug)]
pub(super) struct Serf {
    /// Counters.
    pub counts: SerfCounts,
    /// Slots whose group runs Serf from the start.
    runs: Vec<bool>,
    spreads: Spreads,
    queries: Queries,
    members: Members,
    looks: Looks,
}

impl Serf {
    /// Of a plan's run; none without Serf nodes.
    pub fn new(plan: &Plan) -> Option<Box<Self>> {
        let configs = &plan.cluster.configs;
        let with = |config: u16| configs.get(config as usize).is_some_and(|c| c.serf.is_some());
        if !configs.iter().any(|c| c.serf.is_some()) {
            return None;
        }
        let mut runs = Vec::with_capacity(plan.cluster.slots() as usize);
        for group in &plan.cluster.groups {
            runs.extend(std::iter::repeat_n(with(group.config), group.nodes as usize));
        }
        let looks = Looks::new(runs.len());
        Some(Box::new(Self {
            counts: SerfCounts::default(),
            runs,
            spreads: Spreads::default(),
            queries: Queries::default(),
            members: Members::default(),
            looks,
        }))
    }

    /// Whether a slot's group runs Serf.
    pub fn runs(&self, slot: u32) -> bool {
        self.runs.get(slot as usize).copied().unwrap_or(false)
    }

    /// A cut ended that had kept slots apart.
    pub fn lifted(
        &mut self,
        event: &str,
        scene: &Surroundings<'_>,
        apart: impl Fn(u32, u32) -> bool,
    ) {
        self.members.lifted(event, scene.now, |holder, member| {
            let slot = scene.slot_of[member.index()];
            let host = &scene.hosts[slot as usize];
            let there = host.is_running() && host.member == member;
            (there && apart(holder, slot) && scene.net.can_exchange(holder, slot)).then_some(slot)
        });
    }

    /// Those other than a slot who count for what it sends now.
    fn who_counts(&self, slot: u32, scene: &Surroundings<'_>) -> (Bits, u32) {
        let mut waiting = Bits::new(scene.hosts.len());
        let mut remaining = 0;
        for observer in 0..scene.hosts.len() as u32 {
            let counts = observer != slot
                && self.runs(observer)
                && scene.hosts[observer as usize].is_running()
                && scene.net.can_exchange(observer, slot);
            if counts {
                waiting.put(observer);
                remaining += 1;
            }
        }
        (waiting, remaining)
    }

    fn heard(&mut self, what: Heard, slot: u32, path: Path, now: Time) {
        let news = self.spreads.heard(what, slot, now);
        if news && path == Path::PushPull && matches!(what, Heard::Event(..)) {
            self.counts.event_pushpull += 1;
        }
    }

    fn told(&mut self, slot: u32, event: &Event, scene: &Surroundings<'_>) {
        let now = scene.now;
        let counts = &mut self.counts;
        match *event {
            Event::Status { member, old, new } => {
                self.members.status(slot, member, (old, new), now, scene.hosts.len());
            }
            Event::Member { kind, forced, .. } => {
                // The original does not count a leave that only corrects a failure.
                let counted = kind != MemberEvent::Leave || !forced;
                counts.members[kind as usize] += u64::from(counted);
            }
            Event::Flap { member } => {
                counts.flaps += 1;
                counts.member_flap += u64::from(self.members.flap(member, now));
            }
            Event::User { ltime, text, path } => {
                counts.events += 1;
                self.heard(Heard::Event(ltime, text), slot, path, now);
            }
            Event::Query { ltime, id, path, .. } => {
                counts.queries += 1;
                self.heard(Heard::Query(ltime, id), slot, path, now);
            }
            Event::Responded { ltime, id, .. } => self.queries.responded((ltime, id), slot),
            Event::AckHeard { ltime, id, from, receipt } => {
                match receipt {
                    Receipt::InTime => counts.query_acks += 1,
                    Receipt::Duplicate => counts.query_duplicate_acks += 1,
                    Receipt::Late => {}
                }
                let ends = (slot, scene.slot_of[from.index()]);
                self.queries.received((ltime, id), ends, (Kind::Ack, receipt), now, counts);
            }
            Event::ResponseHeard { ltime, id, from, receipt } => {
                match receipt {
                    Receipt::InTime => counts.query_responses += 1,
                    Receipt::Duplicate => counts.query_duplicate_responses += 1,
                    Receipt::Late => {}
                }
                let ends = (slot, scene.slot_of[from.index()]);
                self.queries.received((ltime, id), ends, (Kind::Response, receipt), now, counts);
            }
            Event::QueryClosed { ltime, id, .. } => self.queries.closed((ltime, id), slot),
            Event::Delivered(delivery) => {
                let handler = match delivery {
                    Delivery::Member(..) => 0,
                    Delivery::User(..) => 1,
                    Delivery::Query(..) => 2,
                };
                counts.handlers[handler] += 1;
            }
            Event::TooLarge { .. } => self.spreads.refused(slot, now),
            Event::Pruned { dropped, .. } => counts.queue_pruned += u64::from(dropped),
            _ => {}
        }
    }
}

impl Observer {
    /// A Serf node told something.
    pub fn serf_told(&mut self, slot: u32, event: &Event, scene: &Surroundings<'_>) {
        let Some(serf) = &mut self.serf else { return };
        serf.told(slot, event, scene);
        if let Event::Member { kind: MemberEvent::Failed, member, .. } = *event
            && self.quit.contains(&member)
        {
            self.leave_failed(member);
        }
        self.serf_known();
    }

    /// The depths of a Serf node's queues, after each of its calls, in the order of `QueueName::ALL`.
    #[inline]
    pub fn serf_queues(&mut self, slot: u32, now: Time, depths: [u32; 3]) {
        if let Some(serf) = &mut self.serf {
            serf.looks.queues(slot, now, depths);
        }
    }

    /// All running Serf nodes in the order of slots, once per simulated second.
    pub fn serf_look(&mut self, now: Time, looks: &mut dyn Iterator<Item = SerfLook>, net: &Net) {
        if let Some(serf) = &mut self.serf {
            serf.looks.look(now, looks, |a, b| net.round_trip(a, b));
        }
    }

    /// A scripted user event was sent from a slot.
    pub fn begin_event(
        &mut self,
        occurrence: Occurrence,
        slot: u32,
        ltime: LTime,
        text: TextId,
        scene: &Surroundings<'_>,
    ) {
        self.begin_spread(occurrence, slot, Heard::Event(ltime, text), scene);
    }

    /// A scripted query was sent from a slot; `id` is its random number.
    pub fn begin_query(
        &mut self,
        occurrence: Occurrence,
        slot: u32,
        (ltime, id): (LTime, u32),
        question: QuestionId,
        ledger: &Ledger,
        scene: &Surroundings<'_>,
    ) {
        let event = self.event_name(occurrence);
        let Some(serf) = &mut self.serf else { return };
        let question = ledger.question(question);
        let (mut asked, _) = serf.who_counts(slot, scene);
        asked.put(slot);
        let meant = |slot: u32| {
            question.ack
                && scene.nodes[slot as usize].as_ref().is_some_and(|node| {
                    let me = node.identity();
                    let tags = ledger.tags(scene.roster.attributes(me.attributes).meta);
                    let name = scene.roster.name(me.me);
                    question.filters.iter().all(|filter| filter.accepts(name, tags))
                })
        };
        let mut acks = asked.as_empty();
        asked.iter().filter(|&s| meant(s)).for_each(|s| acks.put(s));
        serf.queries.begin(Query::new(event, slot, scene.now, (ltime, id), acks));
        self.begin_spread(occurrence, slot, Heard::Query(ltime, id), scene);
    }

    fn begin_spread(
        &mut self,
        occurrence: Occurrence,
        slot: u32,
        what: Heard,
        scene: &Surroundings<'_>,
    ) {
        let event = self.event_name(occurrence);
        let Some(serf) = &mut self.serf else { return };
        let (waiting, remaining) = serf.who_counts(slot, scene);
        serf.spreads.begin(Spread {
            occurrence,
            event,
            subject: scene.roster.name(scene.hosts[slot as usize].member).to_owned(),
            slot,
            at: scene.now,
            what,
            waiting,
            remaining,
            got: Vec::new(),
        });
        self.serf_known();
    }

    /// Tells of entries whose events are known to all.
    fn serf_known(&mut self) {
        let Some(serf) = self.serf.as_mut().filter(|s| s.spreads.has_complete()) else { return };
        for entry in serf.spreads.take_complete() {
            self.note_known(entry);
        }
    }

    /// A process started.
    pub(super) fn serf_started(&mut self, member: MemberId, slot: u32, now: Time) {
        if let Some(serf) = &mut self.serf {
            serf.members.restarted(member, slot, now);
        }
    }

    /// A process stopped.
    pub(super) fn serf_stopped(&mut self, slot: u32, member: MemberId, now: Time) {
        let Some(serf) = &mut self.serf else { return };
        serf.looks.stopped(slot, now);
        serf.spreads.leave_out(slot);
        serf.queries.stopped(slot);
        serf.members.stopped(slot, member);
        self.serf_known();
    }

    /// A condition came into force.
    pub(super) fn serf_imposed(&mut self, condition: &Condition) {
        let Some(serf) = &mut self.serf else { return };
        match condition {
            Condition::Fault { .. } => {}
            Condition::Partition { groups, .. } => {
                serf.members.cut(|slot| groups.iter().any(|g| g.contains(slot)));
            }
            Condition::Block { who, .. } => serf.members.cut(|slot| who.contains(slot)),
        }
    }

    /// Ends what was measured; `runs_truly` tells whether a member's process runs and has not left.
    pub(super) fn serf_finish(
        &mut self,
        names: &Names<'_>,
        (running, end): (&[bool], Time),
        runs_truly: impl Fn(MemberId) -> bool,
        (samples, curves, missed): (&mut Vec<Sample>, &mut Vec<Curve>, &mut Vec<Missed>),
    ) -> Option<(SerfCounts, Vec<Gauge>)> {
        let serf = self.serf.as_mut()?;
        let counts = &mut serf.counts;
        counts.event_missed = serf.spreads.finish(running, names, samples, curves, missed);
        serf.queries.finish(names, counts, samples, curves);
        for (member, observer, mut sample) in serf.members.finish() {
            names.roster.name(member).clone_into(&mut sample.subject);
            sample.observer = observer.map(|o| names.slot(o)).unwrap_or_default();
            samples.push(sample);
        }
        let stuck =
            serf.members.held_leaving().filter(|m| !self.quit.contains(m) && runs_truly(*m));
        counts.stuck_leaving = stuck.count() as u64;
        curves.extend(serf.looks.curves());
        Some((serf.counts, serf.looks.gauges(&self.levels, &serf.runs, end)))
    }
}
