//! The handlers of alive, suspect and dead, and refutation (`state.go: aliveNode, suspectNode, deadNode,
//! refute`; specification 6).

use super::{Draw, Env, Event, Node, Outbox, Via};
use crate::{
    belief::{Belief, BeliefId, MemberId, Roster, Status},
    message::{Message, MessageKind},
    queue::{Name, Waiter},
    time::Time,
    view::View,
};

/// How an alive message came to its handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// From outside.
    Heard(Via),
    /// From the node itself: create or update (`bootstrap`), with who waits for the broadcast.
    Own(Waiter),
}

impl Node {
    /// One message out of a packet.
    pub(super) fn message<V: View, O: Outbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        message: Message,
    ) {
        match message.kind() {
            MessageKind::Alive => self.alive(env, message.belief(), Origin::Heard(Via::Packet)),
            MessageKind::Suspect => {
                self.suspect(env, message.belief(), message.from(), Via::Packet);
            }
            MessageKind::Dead => self.dead(env, message.belief(), message.from(), Via::Packet),
            MessageKind::User => env.out.emit(Event::UserMessage { user: message.belief().0 }),
        }
    }

    /// `state.go: aliveNode` (6.1).
    pub(super) fn alive<V: View, O: Outbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        claim: BeliefId,
        origin: Origin,
    ) {
        env.out.emit(Event::Handled { kind: Status::Alive });
        // What is known already, word for word, is the commonest case by far and changes nothing, unless
        // it is about the node itself or about somebody gone.
        let old = env.view.get(claim_member(env, claim));
        if old == Some(claim) && matches!(origin, Origin::Heard(_)) {
            return;
        }
        let a = env.world.roster.belief(claim);
        let about_self = a.member == self.me();
        if self.left && about_self {
            return;
        }
        let known = old.map(|id| env.world.roster.belief(id));
        let record = match known {
            Some(record) => record,
            None => self.insert_record(env, a),
        };
        let address = |b: Belief| env.world.roster.attributes(b.attributes).address;
        let mut takeover = false;
        if address(a) != address(record) {
            takeover = record.status == Status::Left
                || record.status == Status::Dead && self.may_reclaim(env, a.member);
            if !takeover {
                env.out.emit(Event::Conflict { member: a.member });
                return;
            }
        }
        if about_self {
            if a.incarnation < record.incarnation {
                return;
            }
        } else if !takeover && a.incarnation <= record.incarnation {
            return;
        }
        self.suspicions.forget(a.member);
        let waiter = match origin {
            Origin::Heard(_) if about_self => {
                if a.incarnation != record.incarnation || a.attributes != record.attributes {
                    self.refute(env, a.incarnation);
                }
                return;
            }
            Origin::Heard(_) => Waiter::None,
            Origin::Own(waiter) => waiter,
        };
        self.broadcast(env, Name::Member(a.member), Message::alive(claim), waiter);
        if record.status.is_gone()
            && let Ok(i) = self.gone.binary_search_by_key(&a.member, |g| g.0)
        {
            self.gone.remove(i);
        }
        let via = match origin {
            Origin::Heard(via) => via,
            Origin::Own(_) => Via::Own,
        };
        let before = if known.is_some() { old } else { None };
        self.believe(env, before, claim, a.member, via);
    }

    /// A new record: dead at incarnation 0, gone for ever, until the message makes it alive. An alive
    /// message of incarnation 0 leaves it at that: a ghost (S22).
    fn insert_record<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>, a: Belief) -> Belief {
        let mut rng = self.stream(env, Draw::Order);
        self.order.insert(a.member, &mut rng);
        self.order_draws = rng.drawn() as u32;
        let record = Belief { status: Status::Dead, incarnation: 0, ..a };
        self.note_gone(a.member, None, Status::Dead);
        self.state_bytes += u64::from(env.world.sizes.state_entry(&env.world.roster, record));
        if a.incarnation == 0 {
            let id = env.world.roster.belief_id(record);
            env.view.set(a.member, id);
        }
        record
    }

    fn may_reclaim<V, O>(&self, env: &Env<'_, V, O>, member: MemberId) -> bool {
        let after = env.config.dead_node_reclaim_time;
        let changed = self.gone.iter().find(|g| g.0 == member).and_then(|g| g.1);
        after > 0 && changed.is_none_or(|at| env.now - at > after)
    }

    /// `state.go: suspectNode` (6.2).
    pub(super) fn suspect<V: View, O: Outbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        claim: BeliefId,
        from: MemberId,
        via: Via,
    ) {
        env.out.emit(Event::Handled { kind: Status::Suspect });
        let s = env.world.roster.belief(claim);
        let Some(old) = env.view.get(s.member) else { return };
        let record = env.world.roster.belief(old);
        if s.incarnation < record.incarnation {
            return;
        }
        if self.suspicions.holds(s.member) {
            if self.suspicions.confirm(env.config, env.now, s.member, from) {
                env.out.emit(Event::Confirmed { member: s.member, from });
                let message = Message::suspect(claim, from);
                self.broadcast(env, Name::Member(s.member), message, Waiter::None);
            }
            return;
        }
        if record.status != Status::Alive {
            return;
        }
        if s.member == self.me() {
            self.refute(env, s.incarnation);
            return;
        }
        self.broadcast(env, Name::Member(s.member), Message::suspect(claim, from), Waiter::None);
        let new = Belief { status: Status::Suspect, incarnation: s.incarnation, ..record };
        let new = env.world.roster.belief_id(new);
        self.suspicions.start(env.config, env.now, s.member, from, self.order.len());
        self.believe(env, Some(old), new, from, via);
    }

    /// `state.go: deadNode` (6.3).
    pub(super) fn dead<V: View, O: Outbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        claim: BeliefId,
        from: MemberId,
        via: Via,
    ) {
        env.out.emit(Event::Handled { kind: Status::Dead });
        let d = env.world.roster.belief(claim);
        let Some(old) = env.view.get(d.member) else { return };
        let record = env.world.roster.belief(old);
        if d.incarnation < record.incarnation {
            return;
        }
        self.suspicions.forget(d.member);
        if record.status.is_gone() {
            return;
        }
        let about_self = d.member == self.me();
        if about_self && !self.left {
            self.refute(env, d.incarnation);
            return;
        }
        let waiter = if about_self { Waiter::Leave } else { Waiter::None };
        self.broadcast(env, Name::Member(d.member), Message::dead(claim, from), waiter);
        let status = if from == d.member { Status::Left } else { Status::Dead };
        let new = Belief { status, incarnation: d.incarnation, ..record };
        let new = env.world.roster.belief_id(new);
        self.note_gone(d.member, Some(env.now), status);
        self.believe(env, Some(old), new, from, via);
    }

    /// `state.go: refute` (6.4): outbids the accusation, at the price of a worse health score. The alive
    /// message is queued under the node's address, not its name (S14).
    pub(super) fn refute<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>, accused: u32) {
        let me = self.me();
        self.incarnation = self.incarnation.wrapping_add(1);
        if accused >= self.incarnation {
            self.incarnation = accused.wrapping_add(1);
        }
        let Some(old) = env.view.get(me) else { return };
        let record = env.world.roster.belief(old);
        let new = Belief { incarnation: self.incarnation, ..record };
        let new = env.world.roster.belief_id(new);
        env.out.emit(Event::Refuted { incarnation: self.incarnation });
        self.believe(env, Some(old), new, me, Via::Own);
        self.apply_health(env, 1);
        self.broadcast(env, Name::Address, Message::alive(new), Waiter::None);
    }

    /// A suspicion's deadline: dead, unless it was disowned meanwhile (`state.go: suspectNode`, 5.5).
    pub(super) fn suspicion_deadline<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>) {
        let Some(suspicion) = self.suspicions.expire() else { return };
        let (member, confirmations) = (suspicion.member, suspicion.confirmations());
        let (expected, since) = (suspicion.limits(env.config).expected, suspicion.start);
        let Some(old) = env.view.get(member) else { return };
        let record = env.world.roster.belief(old);
        if record.status != Status::Suspect {
            return;
        }
        env.out.emit(Event::SuspicionExpired { member, confirmations, expected, since });
        let claim = env.world.roster.accusation(member, Status::Dead, record.incarnation);
        let me = self.me();
        self.dead(env, claim, me, Via::Own);
    }

    fn note_gone(&mut self, member: MemberId, changed: Option<Time>, status: Status) {
        self.gone_marks.add(member);
        match self.gone.binary_search_by_key(&member, |g| g.0) {
            Ok(i) => self.gone[i] = (member, changed, status),
            Err(i) => self.gone.insert(i, (member, changed, status)),
        }
    }

    pub(super) fn believe<V: View, O: Outbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        old: Option<BeliefId>,
        new: BeliefId,
        from: MemberId,
        via: Via,
    ) {
        let roster = &env.world.roster;
        let belief = roster.belief(new);
        if let Some(old) = old {
            let old = roster.belief(old);
            if (old.incarnation, old.attributes) != (belief.incarnation, belief.attributes) {
                let sizes = &env.world.sizes;
                self.state_bytes += u64::from(sizes.state_entry(roster, belief));
                self.state_bytes -= u64::from(sizes.state_entry(roster, old));
            }
        } else {
            let blank = Belief { incarnation: 0, ..belief };
            self.state_bytes += u64::from(env.world.sizes.state_entry(roster, belief));
            self.state_bytes -= u64::from(env.world.sizes.state_entry(roster, blank));
        }
        if belief.member == self.me() {
            self.identity.attributes = belief.attributes;
        }
        env.view.set(belief.member, new);
        env.out.emit(Event::Believed { member: belief.member, old, new, from, via });
    }

    /// Drops a record that is being reaped.
    pub(super) fn forget_record<V: View, O: Outbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        member: MemberId,
    ) {
        if let Some(old) = env.view.get(member) {
            let belief = env.world.roster.belief(old);
            self.state_bytes -= u64::from(env.world.sizes.state_entry(&env.world.roster, belief));
            env.view.forget(member);
            env.out.emit(Event::Reaped { member, old });
        }
    }
}

fn claim_member<V, O>(env: &Env<'_, V, O>, claim: BeliefId) -> MemberId {
    debug_assert!(env.world.roster.belief(claim).attributes != Roster::NO_ATTRIBUTES);
    env.world.roster.belief(claim).member
}
