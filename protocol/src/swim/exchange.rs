//! Push/pull and join (`state.go: pushPull, pushPullNode, mergeState`, `memberlist.go: Join`;
//! specification 9), and the answering side of all streams (11.3).

use super::{
    Action, Draw, Env, Event, Joiner, Node, Outbox, Step, StreamMessage, Via,
    members::Origin,
    probe::{Among, address_of},
};
use crate::{
    belief::{AddressId, Status},
    message::Message,
    queue::{Name, Waiter},
    rng::Chance,
    rules,
    sizes::Book,
    time::{NEVER, Time},
    view::{SnapshotId, View},
};

/// The push/pull loop: waits its period, then for its exchange to end.
#[derive(Clone, Debug)]
pub(super) struct PushPull {
    at: Time,
    /// It has yet to begin: at the end of its stagger the first period is reckoned, from the members
    /// known by then.
    staggered: bool,
    exchange: Exchange,
    /// The dial blocks (the node is frozen).
    blocked: bool,
}

impl Default for PushPull {
    fn default() -> Self {
        Self { at: NEVER, staggered: false, exchange: Exchange::default(), blocked: false }
    }
}

impl PushPull {
    #[inline]
    pub(super) fn deadline(&self) -> Time {
        self.at.min(self.exchange.deadline)
    }
}

/// One outgoing exchange; token 0 is none.
#[derive(Clone, Copy, Debug)]
struct Exchange {
    token: u32,
    deadline: Time,
}

impl Default for Exchange {
    fn default() -> Self {
        Self { token: 0, deadline: NEVER }
    }
}

/// A join under way: one exchange after another.
#[derive(Clone, Debug)]
pub(super) struct Join {
    /// Addresses still to be tried, last first.
    untried: Vec<AddressId>,
    exchange: Exchange,
    successes: u32,
    by: Joiner,
}

impl Join {
    pub(super) fn deadline(&self) -> Time {
        self.exchange.deadline
    }
}

impl Node {
    /// Sets the phase of the push/pull loop (`state.go: pushPullTrigger`): a stagger, then a whole period.
    pub(super) fn start_push_pull<V, O>(&mut self, env: &Env<'_, V, O>) {
        let interval = env.config.push_pull_interval;
        if interval > 0 {
            self.push_pull.at = env.now + self.stream(env, Draw::Phase).span(interval);
            self.push_pull.staggered = true;
        }
    }

    /// The phase of a cluster at rest: uniform over the scaled period.
    pub(super) fn resume_push_pull<V, O>(&mut self, env: &Env<'_, V, O>) {
        let interval = env.config.push_pull_interval;
        if interval > 0 {
            let period = self.push_pull_period(interval);
            self.push_pull.at = env.now + self.stream(env, Draw::Phase).span(period);
        }
    }

    fn push_pull_period(&self, interval: u64) -> u64 {
        interval * rules::push_pull_scale(self.order.len())
    }

    pub(super) fn push_pull_deadline<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>) {
        if self.push_pull.exchange.deadline <= env.now {
            env.out.exchange(Action::Close { token: self.push_pull.exchange.token });
            env.out.emit(Event::ExchangeFailed);
            self.push_pull_again(env);
        } else if self.push_pull.at <= env.now {
            self.push_pull.at = NEVER;
            if std::mem::take(&mut self.push_pull.staggered) {
                self.push_pull_again(env);
            } else if self.frozen {
                self.push_pull.blocked = true;
            } else {
                self.push_pull_now(env);
            }
        }
    }

    fn push_pull_now<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>) {
        let mut chosen = std::mem::take(&mut env.world.scratch.chosen);
        chosen.clear();
        self.select(env, 1, Among::Alive, &mut chosen);
        let to = chosen.first().and_then(|m| address_of(env, *m));
        env.world.scratch.chosen = chosen;
        match to {
            Some(to) => self.push_pull.exchange = self.dial(env, to),
            None => self.push_pull_again(env),
        }
    }

    pub(super) fn push_pull_thaw<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>) {
        if std::mem::take(&mut self.push_pull.blocked) {
            self.push_pull_now(env);
        }
    }

    fn push_pull_again<V, O>(&mut self, env: &Env<'_, V, O>) {
        self.push_pull.exchange = Exchange::default();
        let interval = env.config.push_pull_interval;
        // Settings that change while the node runs may turn it off.
        self.push_pull.at =
            if interval == 0 { NEVER } else { env.now + self.push_pull_period(interval) };
    }

    fn dial<V, O: Outbox>(&mut self, env: &mut Env<'_, V, O>, to: AddressId) -> Exchange {
        let token = self.next_token();
        env.out.exchange(Action::Dial { token, to, ping: false });
        Exchange { token, deadline: env.now + env.config.tcp_timeout }
    }

    /// Joins through these addresses, one exchange after another (`memberlist.go: Join`). A join by the
    /// same that is under way gives way to this one.
    pub fn join<V: View, O: Outbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        addresses: &[AddressId],
        by: Joiner,
    ) {
        if let Some(i) = self.joins.iter().position(|j| j.by == by) {
            let old = self.joins.remove(i);
            env.out.exchange(Action::Close { token: old.exchange.token });
        }
        let untried = addresses.iter().rev().copied().collect();
        self.joins.push(Join { untried, exchange: Exchange::default(), successes: 0, by });
        self.join_next(env, self.joins.len() - 1);
        self.settle(env);
    }

    /// Whether a join of the application is under way.
    pub fn is_joining(&self) -> bool {
        self.joins.iter().any(|j| j.by == Joiner::Application)
    }

    fn join_next<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>, i: usize) {
        if let Some(to) = self.joins[i].untried.pop() {
            self.joins[i].exchange = self.dial(env, to);
        } else {
            let Join { successes, by, .. } = self.joins.remove(i);
            env.out.emit(Event::Joined { successes, by });
        }
    }

    pub(super) fn join_deadlines<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>) {
        while let Some(i) = self.joins.iter().position(|j| j.deadline() <= env.now) {
            env.out.exchange(Action::Close { token: self.joins[i].exchange.token });
            env.out.emit(Event::ExchangeFailed);
            self.join_next(env, i);
        }
    }

    fn join_of(&self, token: u32) -> Option<usize> {
        self.joins.iter().position(|j| j.exchange.token == token)
    }

    /// A step of a stream: of the fallback ping, of push/pull, of a join, or somebody's request.
    pub(super) fn stream_step<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>, step: Step) {
        match step {
            // Token 0 is none of ours: it marks an exchange that is not under way.
            Step::Connected { token: 0 }
            | Step::Reply { token: 0, .. }
            | Step::Failed { token: 0 } => {}
            Step::Connected { token } => self.connected(env, token),
            Step::Reply { token, message } => self.replied(env, token, message),
            Step::Failed { token } => self.failed(env, token),
            Step::Request { stream, message } => self.request(env, stream, message),
        }
    }

    fn connected<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>, token: u32) {
        if self.stream_ping_step(env, token, None, true) {
            return;
        }
        let join = self.join_of(token);
        if join.is_none() && self.push_pull.exchange.token != token {
            return;
        }
        // Each phase of an exchange has the time-out anew.
        let deadline = env.now + env.config.tcp_timeout;
        match join {
            Some(i) => self.joins[i].exchange.deadline = deadline,
            None => self.push_pull.exchange.deadline = deadline,
        }
        let (message, len) = self.take_state(env, join.is_some());
        let len = len + u64::from(env.config.label_overhead());
        env.out.exchange(Action::Send { token, message, len });
    }

    /// The whole list of states and what the layer above adds to it, with its length on the wire.
    fn take_state<V: View, O: Outbox>(
        &self,
        env: &mut Env<'_, V, O>,
        join: bool,
    ) -> (StreamMessage, u64) {
        let snapshot = env.view.snapshot(&self.order);
        let user = env.out.local_state(env.world);
        let world = &mut *env.world;
        let n = self.order.len();
        let above = user.as_ref().map(|u| &u.len);
        let book = Book::new(&world.roster, &world.serf.ledger);
        let len = world.sizes.state(book, env.config, n, self.state_bytes, above);
        let user = user.map_or(0, |u| u.id);
        (StreamMessage::State { snapshot, join, user }, len)
    }

    fn replied<V: View, O: Outbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        token: u32,
        message: StreamMessage,
    ) {
        if self.stream_ping_step(env, token, Some(message), false) {
            return;
        }
        let StreamMessage::State { snapshot, user, .. } = message else { return };
        if self.push_pull.exchange.token == token {
            self.merge(env, snapshot);
            env.out.emit(Event::Merged { join: false, user });
            self.push_pull_again(env);
        } else if let Some(i) = self.join_of(token) {
            let join = &mut self.joins[i];
            join.successes += 1;
            join.exchange = Exchange::default();
            self.merge(env, snapshot);
            env.out.emit(Event::Merged { join: true, user });
            self.join_next(env, i);
        }
    }

    fn failed<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>, token: u32) {
        if self.stream_ping_step(env, token, None, false) {
            return;
        }
        if self.push_pull.exchange.token == token {
            env.out.emit(Event::ExchangeFailed);
            self.push_pull_again(env);
        } else if let Some(i) = self.join_of(token) {
            env.out.emit(Event::ExchangeFailed);
            self.join_next(env, i);
        }
    }

    fn request<V: View, O: Outbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        stream: u32,
        message: StreamMessage,
    ) {
        match message {
            StreamMessage::Ping { seq, target } => {
                if target == self.me() {
                    let len = env.world.sizes.stream_ack(env.config, seq);
                    let message = StreamMessage::Ack { seq };
                    env.out.exchange(Action::Reply { stream, message, len });
                }
            }
            StreamMessage::State { snapshot: theirs, join, user } => {
                // Own state first, then theirs is merged (specification 9.3).
                let (message, len) = self.take_state(env, join);
                env.out.exchange(Action::Reply { stream, message, len });
                self.merge(env, theirs);
                env.out.emit(Event::Merged { join, user });
            }
            StreamMessage::User { user } => {
                if env.world.roster.user_len(user) > 0 {
                    env.out.emit(Event::UserMessage { user });
                }
            }
            StreamMessage::Ack { .. } => {}
        }
    }

    /// Merges a list of states, entry by entry in the sender's order (`state.go: mergeState`). What the
    /// sender holds dead is only suspected here, in this node's own name (S16).
    fn merge<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>, theirs: SnapshotId) {
        let mut differences = std::mem::take(&mut env.world.scratch.differences);
        differences.clear();
        // Equal beliefs change nothing, but for a shared suspicion, which is one more accusation.
        let mut suspects = self.suspicions.members();
        env.view.differences(theirs, &mut suspects, &mut differences);
        drop(suspects);
        for &(member, id) in &differences {
            let belief = env.world.roster.belief(id);
            match belief.status {
                Status::Alive => self.alive(env, id, Origin::Heard(Via::PushPull)),
                Status::Left => {
                    let claim =
                        env.world.roster.accusation(member, Status::Dead, belief.incarnation);
                    self.dead(env, claim, member, Via::PushPull);
                }
                Status::Dead | Status::Suspect => {
                    let claim =
                        env.world.roster.accusation(member, Status::Suspect, belief.incarnation);
                    let me = self.me();
                    self.suspect(env, claim, me, Via::PushPull);
                }
            }
        }
        env.world.scratch.differences = differences;
    }

    /// Sends a user message over a stream (`memberlist.go: SendReliable`).
    pub fn send_reliable<V: View, O: Outbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        to: AddressId,
        user: u32,
    ) {
        let token = self.next_token();
        env.out.exchange(Action::Dial { token, to, ping: false });
        let len = env.world.sizes.stream_user(env.config, env.world.roster.user_len(user));
        env.out.exchange(Action::Send { token, message: StreamMessage::User { user }, len });
        self.settle(env);
    }

    /// Sends a user message in a datagram of its own (`memberlist.go: SendBestEffort`).
    pub fn send_best_effort<V: View, O: Outbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        to: AddressId,
        user: u32,
    ) {
        self.send_with(env, to, crate::message::Head::None, &[Message::user(user)]);
        self.settle(env);
    }

    /// Sends a user message to an address whose name is not known, in a datagram of its own
    /// (`memberlist.go: SendTo`): such a one has no checksum.
    pub fn send_to<V: View, O: Outbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        to: AddressId,
        user: u32,
    ) {
        self.send_packet(env, to, crate::message::Head::None, &[Message::user(user)], false);
        self.settle(env);
    }

    /// Queues an application broadcast, which the membership's own broadcasts precede in each packet
    /// (a `Delegate` with a transmit-limited queue of its own).
    pub fn broadcast_user<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>, user: u32) {
        let message = Message::user(user);
        let len = env.world.roster.user_len(user);
        let id_reset = env.config.quirks.queue_id_reset;
        let queue = self.user_queue.get_or_insert_default();
        queue.push(Name::Unique, message, len, Waiter::None, id_reset);
        self.arm_gossip(env, true);
        self.settle(env);
    }
}
