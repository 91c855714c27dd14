//! Members and intents: what SWIM reports, what members announce, and which of the two came first
//! (`serf/serf.go: handleNodeJoin, handleNodeLeave, handleNodeUpdate, handleNodeJoinIntent,
//! handleNodeLeaveIntent, upsertIntent`; specification 3).

use super::{
    Agent, Config, Event, Life, SerfOutbox, Status,
    event::{MemberEvent, Path, QueueName},
    lamport::LTime,
    ledger::Content,
    members::{Gone, NOBODY, Record},
    sizes,
};
use crate::{
    belief::{AttributesId, BeliefId, MemberId},
    queue::Waiter,
    swim::Env,
    time::{NEVER, Span, Time},
    view::View,
};

/// A buffered intent about a name that is not known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Intent {
    pub(super) leave: bool,
    pub(super) ltime: LTime,
    pub(super) since: Time,
}

/// What a leave intent came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// It was news and goes on.
    News,
    /// It was not, or is refuted.
    NoNews,
    /// It was, but handling stands still before it goes on (quirk `prune_freeze`).
    Stalls,
}

impl Agent<'_> {
    /// A record of SWIM's changed: to memberlist's `NotifyJoin`, `NotifyLeave`, `NotifyUpdate`.
    pub(super) fn believed<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        member: MemberId,
        old: Option<BeliefId>,
        new: BeliefId,
    ) {
        let roster = &env.world.roster;
        let old = old.map(|o| roster.belief(o));
        let new = roster.belief(new);
        let was = old.is_some_and(|o| !o.status.is_gone());
        match (was, !new.status.is_gone()) {
            (false, true) => self.member_joined(env, member, new.attributes),
            (true, false) => self.member_gone(env, member),
            (true, true) => {
                let meta = |a| roster.attributes(a).meta;
                if old.is_some_and(|o| meta(o.attributes) != meta(new.attributes)) {
                    self.member_updated(env, member, new.attributes);
                }
            }
            (false, false) => {}
        }
    }

    pub(super) fn set<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        member: MemberId,
        record: Record,
    ) {
        let old = self.serf.members.status(member);
        self.serf.members.set(&env.world.roster, member, record);
        if old != record.status {
            env.out.tell(Event::Status { member, old, new: record.status });
        }
    }

    fn member_joined<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        member: MemberId,
        attributes: AttributesId,
    ) {
        let old = self.serf.members.get(member);
        let mut record = Record { attributes, status: Status::Alive, ..old };
        if old.status == Status::None {
            // The buffered intent is not taken out: it speaks once more if the name is forgotten and
            // comes again (section 14, item 4).
            let buffered = self.serf.intents.get(&member);
            record.ltime = buffered.map_or(0, |i| i.ltime);
            if buffered.is_some_and(|i| i.leave) {
                record.status = Status::Leaving;
            }
        }
        if old.status == Status::Failed {
            let flap = env.config.serf.map_or(0, |c| c.flap_timeout);
            let failed = self.serf.members.failed.iter().find(|g| g.member == member);
            if failed.is_some_and(|g| env.now - g.since < flap) {
                env.out.tell(Event::Flap { member });
            }
        }
        self.set(env, member, record);
        if matches!(old.status, Status::Failed | Status::Left) {
            forget(&mut self.serf.members.failed, member);
            forget(&mut self.serf.members.left, member);
        }
        self.member_event(env, MemberEvent::Join, member, false);
    }

    fn member_gone<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>, member: MemberId) {
        let old = self.serf.members.get(member);
        let gone = Gone { member, since: env.now };
        match old.status {
            // Serf decides by its own status alone; what memberlist says of dead or left is not looked at.
            Status::Alive => {
                self.set(env, member, Record { status: Status::Failed, ..old });
                self.serf.members.failed.push(gone);
                self.due(env, |c| c.reconnect_timeout, env.now);
                self.member_event(env, MemberEvent::Failed, member, false);
            }
            Status::Leaving => {
                self.set(env, member, Record { status: Status::Left, ..old });
                self.serf.members.left.push(gone);
                self.due(env, |c| c.tombstone_timeout, env.now);
                self.member_event(env, MemberEvent::Leave, member, false);
            }
            Status::None => {}
            status @ (Status::Left | Status::Failed) => {
                env.out.tell(Event::BadStateWhenLeave { member, status });
            }
        }
    }

    fn member_updated<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        member: MemberId,
        attributes: AttributesId,
    ) {
        let old = self.serf.members.get(member);
        if old.status != Status::None {
            self.set(env, member, Record { attributes, ..old });
            self.member_event(env, MemberEvent::Update, member, false);
        }
    }

    /// Tells the application about a member.
    pub(super) fn member_event<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        kind: MemberEvent,
        member: MemberId,
        forced: bool,
    ) {
        let attributes = self.serf.members.get(member).attributes;
        self.member_event_of(env, kind, (member, attributes), forced);
    }

    /// Tells the application about a member whose record may be gone.
    pub(super) fn member_event_of<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        kind: MemberEvent,
        (member, attributes): (MemberId, AttributesId),
        forced: bool,
    ) {
        env.out.tell(Event::Member { kind, member, attributes, forced });
        self.record_member(env, kind, (member, attributes));
        self.offer_member(env, kind, member);
    }

    /// A join intent (`handleNodeJoinIntent`); whether it is news.
    pub(super) fn hear_join<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        ltime: LTime,
        member: MemberId,
        path: Path,
    ) -> bool {
        self.serf.clocks.member.witness(ltime);
        let old = self.serf.members.get(member);
        let news = if old.status == Status::None {
            self.upsert(env, member, false, ltime)
        } else if ltime <= old.ltime {
            false
        } else {
            // Nobody hears of it when a leaving member is alive again.
            let status = if old.status == Status::Leaving { Status::Alive } else { old.status };
            self.set(env, member, Record { ltime, status, ..old });
            true
        };
        if path != Path::PushPull || news {
            env.out.tell(Event::Intent { member, leave: false, ltime, path, news });
        }
        news
    }

    /// A leave intent (`handleNodeLeaveIntent`).
    pub(super) fn hear_leave<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        (ltime, member, prune): (LTime, MemberId, bool),
        path: Path,
    ) -> Leaving {
        self.serf.clocks.member.witness(ltime);
        let outcome = self.apply_leave(env, ltime, member, prune);
        let news = outcome != Leaving::NoNews;
        if path != Path::PushPull || news {
            env.out.tell(Event::Intent { member, leave: true, ltime, path, news });
        }
        outcome
    }

    fn apply_leave<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        ltime: LTime,
        member: MemberId,
        prune: bool,
    ) -> Leaving {
        let old = self.serf.members.get(member);
        if old.status == Status::None {
            // Whether it was a prune is forgotten here.
            let news = self.upsert(env, member, true, ltime);
            return if news { Leaving::News } else { Leaving::NoNews };
        }
        if ltime <= old.ltime {
            return Leaving::NoNews;
        }
        if member == self.serf.me && self.serf.life == Life::Alive {
            env.out.tell(Event::RefutingLeave { ltime });
            self.serf.refutations.push(self.serf.clocks.member.time());
            return Leaving::NoNews;
        }
        match old.status {
            Status::Alive => {
                self.set(env, member, Record { ltime, status: Status::Leaving, ..old });
            }
            Status::Failed => {
                self.set(env, member, Record { ltime, status: Status::Left, ..old });
                // It keeps the time of its failure.
                if let Some(gone) = forget(&mut self.serf.members.failed, member) {
                    self.serf.members.left.push(gone);
                    self.due(env, |c| c.tombstone_timeout, gone.since);
                }
                self.member_event(env, MemberEvent::Leave, member, true);
            }
            Status::Leaving | Status::Left | Status::None => {
                self.set(env, member, Record { ltime, ..old });
            }
        }
        if prune { self.prune(env, member) } else { Leaving::News }
    }

    /// Notes an intent about an unknown name, unless a newer one is there; whether it was noted.
    fn upsert<V: View, O: SerfOutbox>(
        &mut self,
        env: &Env<'_, V, O>,
        member: MemberId,
        leave: bool,
        ltime: LTime,
    ) -> bool {
        if self.serf.intents.get(&member).is_some_and(|i| ltime <= i.ltime) {
            return false;
        }
        self.serf.intents.insert(member, Intent { leave, ltime, since: env.now });
        self.due(env, |c| c.recent_intent_timeout, env.now);
        true
    }

    /// Something added at a time is to be reaped after a time-out.
    fn due<V: View, O: SerfOutbox>(
        &mut self,
        env: &Env<'_, V, O>,
        keep: impl Fn(&Config) -> Span,
        since: Time,
    ) {
        let keep = env.config.serf.as_ref().map_or(NEVER, keep);
        self.serf.reap_due = self.serf.reap_due.min(since.saturating_add(keep));
    }

    /// Announces that the node is there (`broadcastJoin`).
    pub(super) fn broadcast_join<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        ltime: LTime,
    ) {
        let me = self.serf.me;
        self.hear_join(env, ltime, me, Path::Own);
        let user = sizes::add(env, Content::Join { ltime, member: me });
        self.queue(env, QueueName::Intent, user, Waiter::None);
    }

    /// Forgets a member altogether (`eraseNode`). The lists of the failed and the left are the caller's.
    pub(super) fn erase<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        member: MemberId,
        forced: bool,
    ) {
        let attributes = self.serf.members.get(member).attributes;
        self.set(env, member, NOBODY);
        if let Some(client) = &mut self.serf.coordinates {
            client.forget(member);
        }
        self.member_event_of(env, MemberEvent::Reap, (member, attributes), forced);
    }
}

/// Takes a member out of a list; the last one takes its place, as in the original.
pub(super) fn forget(list: &mut Vec<Gone>, member: MemberId) -> Option<Gone> {
    let at = list.iter().position(|g| g.member == member)?;
    Some(list.swap_remove(at))
}
