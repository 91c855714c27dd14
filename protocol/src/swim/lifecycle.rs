//! The application's calls: create, leave, update (`memberlist.go: Create, Leave, UpdateNode`;
//! specification 10), and the state of a cluster at rest.

use super::{Env, Event, Identity, Node, Outbox, Via, members::Origin};
use crate::{
    belief::{AttributesId, Belief, Status},
    config::Config,
    order::Order,
    queue::Waiter,
    rng::Chance,
    time::{NEVER, Span, Time},
    view::View,
};

/// Calls that wait for their broadcast to be finished.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Waiting {
    leave: Option<Time>,
    update: Option<Time>,
}

impl Waiting {
    #[inline]
    pub(super) fn any(&self) -> bool {
        self.leave.is_some() || self.update.is_some()
    }

    #[inline]
    pub(super) fn deadline(&self) -> Time {
        if self.any() {
            self.leave.unwrap_or(NEVER).min(self.update.unwrap_or(NEVER))
        } else {
            NEVER
        }
    }
}

/// Where a node of a cluster at rest stands in its cycles.
#[derive(Clone, Copy, Debug)]
pub struct Rest {
    /// Its creation instant, relative to now: how long ago its tickers began.
    pub age: Span,
    /// Number of members, all known to all at incarnation 1, with ids `0 .. members`.
    pub members: u32,
    /// Sum of the encoded lengths of all records.
    pub state_bytes: u64,
}

impl Node {
    /// A node as `Create` leaves it: it knows itself, its own alive message is queued, its tickers start
    /// now. `incarnation` is 1 for a new process.
    pub fn create<V: View, O: Outbox>(
        env: &mut Env<'_, V, O>,
        identity: Identity,
        incarnation: u32,
    ) -> Self {
        let mut node = Self::blank(identity);
        node.incarnation = incarnation;
        let belief = Belief {
            member: identity.me,
            status: Status::Alive,
            incarnation,
            attributes: identity.attributes,
        };
        let claim = env.world.roster.belief_id(belief);
        node.alive(env, claim, Origin::Own(Waiter::None));
        if env.config.probe_interval > 0 {
            node.probe_at = env.now + env.config.probe_interval;
        }
        node.grid = env.now + env.config.gossip_interval;
        node.start_push_pull(env);
        node.settle(env);
        node
    }

    /// A node of a cluster at rest: everybody knows everybody at incarnation 1, nothing is queued, the
    /// list is shuffled and the cursor uniform. The view must agree.
    pub fn at_rest<V: View, O: Outbox>(
        env: &mut Env<'_, V, O>,
        identity: Identity,
        rest: Rest,
    ) -> Self {
        let mut node = Self::blank(identity);
        node.incarnation = 1;
        node.state_bytes = rest.state_bytes;
        let mut rng = node.stream(env, super::Draw::Order);
        let view = &*env.view;
        let members = |out: &mut Vec<_>| view.members(out);
        node.order = Order::shuffled(rest.members, true, members, &mut rng);
        node.cursor = rng.below(rest.members.max(1));
        node.order_draws = rng.drawn() as u32;
        node.rest_tickers(env.config, env.now, rest.age);
        node.resume_push_pull(env);
        node.settle(env);
        node
    }

    /// The tickers of a node created `age` ago: probe and gossip stand on one grid (3.2).
    fn rest_tickers(&mut self, config: &Config, now: Time, age: Span) {
        let next = |period: Span| now + period - age % period;
        if config.probe_interval > 0 {
            self.probe_at = next(config.probe_interval);
        }
        if config.gossip_interval > 0 {
            self.grid = next(config.gossip_interval);
        }
    }

    /// Leaves: says so to all and waits until that was sent often enough, or `timeout` (0: without limit).
    /// Only the first call does anything (`memberlist.go: Leave`).
    pub fn leave<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>, timeout: Span) {
        self.leave_when(env, timeout, true);
    }

    /// The same; with `called` the application acts, ahead of a gossip tick of this very instant, without
    /// it a layer above follows up what that tick did.
    pub(crate) fn leave_when<V: View, O: Outbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        timeout: Span,
        called: bool,
    ) {
        if self.left {
            env.out.emit(Event::LeaveReturned { in_time: true });
            return;
        }
        self.left = true;
        let me = self.me();
        if let Some(own) = env.view.get(me) {
            let incarnation = env.world.roster.belief(own).incarnation;
            let claim = env.world.roster.accusation(me, Status::Dead, incarnation);
            self.dead(env, claim, me, Via::Own);
        }
        if self.has_company() {
            self.waiting.leave = Some(if timeout == 0 { NEVER } else { env.now + timeout });
        } else {
            env.out.emit(Event::LeaveReturned { in_time: true });
        }
        if self.gossip_at == NEVER {
            self.arm_gossip(env, called);
        }
        self.settle(env);
    }

    /// Changes the metadata and tells all (`memberlist.go: UpdateNode`).
    pub fn update<V: View, O: Outbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        attributes: AttributesId,
        timeout: Span,
    ) {
        self.incarnation = self.incarnation.wrapping_add(1);
        let belief = Belief {
            member: self.me(),
            status: Status::Alive,
            incarnation: self.incarnation,
            attributes,
        };
        let claim = env.world.roster.belief_id(belief);
        self.alive(env, claim, Origin::Own(Waiter::Update));
        // What this broadcast took the place of was an earlier call's, which returns now.
        if self.queue.take_finished().update && self.waiting.update.take().is_some() {
            env.out.emit(Event::UpdateReturned { in_time: true });
        }
        if self.has_company() {
            self.waiting.update = Some(if timeout == 0 { NEVER } else { env.now + timeout });
        } else {
            env.out.emit(Event::UpdateReturned { in_time: true });
        }
        self.arm_gossip(env, true);
        self.settle(env);
    }

    /// Whether any other member is alive or suspect (`memberlist.go: anyAlive`).
    fn has_company(&self) -> bool {
        let gone = self.gone.iter().filter(|g| g.0 != self.me()).count() as u32;
        self.order.len() > gone + 1
    }

    pub(super) fn settle_waiting<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>) {
        let finished = self.queue.take_finished();
        let now = env.now;
        if let Some(until) = self.waiting.leave
            && (finished.leave || until <= now)
        {
            self.waiting.leave = None;
            env.out.emit(Event::LeaveReturned { in_time: finished.leave });
        }
        if let Some(until) = self.waiting.update
            && (finished.update || until <= now)
        {
            self.waiting.update = None;
            env.out.emit(Event::UpdateReturned { in_time: finished.update });
        }
    }
}
