//! The way of an event to the application (`serf/serf.go: Create`, `cmd/serf/command/agent`; specification
//! 4.6): coalescers, then one handler after another.
//!
//! A handler takes `handler_time` over each event. What waits for it has room in the channels of the
//! original, which are one queue here. When that is full, a node without a snapshot blocks: Serf's
//! handlers wait, and memberlist's messages behind them. A node with a snapshot drops events silently.

use std::collections::VecDeque;

use super::{
    Agent, Config, Event, SerfOutbox,
    coalesce::{Members, Periods, Users},
    event::{Delivery, MemberEvent},
    lamport::LTime,
    ledger::TextId,
    queries::Answering,
};
use crate::{
    belief::MemberId,
    swim::Env,
    time::{NEVER, Span, Time},
    view::View,
};

/// The application's channel of the agent.
const APPLICATION: usize = 64;
/// The channel of the filter of internal queries, and of each coalescer.
const STAGE: usize = 1024;
/// The channel out of the snapshot's tee, beyond which it drops.
const TEE: usize = 2048;

/// Something on its way to a handler.
#[derive(Clone, Copy, Debug)]
pub(super) enum Handing {
    /// A member event or a user event.
    News(Delivery),
    /// A query, with what an answer to it needs.
    Query(Delivery, Option<Answering>),
}

/// The pipeline of one node.
#[derive(Clone, Debug)]
pub(super) struct Pipeline {
    members: Members,
    users: Users,
    /// With the time that its handler takes.
    waiting: VecDeque<(Handing, Span)>,
    /// When the handler at work is done; never, if none is.
    done_at: Time,
}

impl Default for Pipeline {
    fn default() -> Self {
        Self::grown(0)
    }
}

impl Pipeline {
    /// That of a node of a cluster at rest, whose handlers have been told of all joins.
    pub(super) fn grown(members: u32) -> Self {
        Self {
            members: Members::grown(members),
            users: Users::new(),
            waiting: VecDeque::new(),
            done_at: NEVER,
        }
    }

    #[inline]
    pub(super) fn deadline(&self) -> Time {
        self.members.deadline().min(self.users.deadline()).min(self.done_at)
    }
}

const fn member_periods(config: &Config) -> Periods {
    Periods { coalesce: config.coalesce_period, quiescent: config.quiescent_period }
}

const fn user_periods(config: &Config) -> Periods {
    Periods { coalesce: config.user_coalesce_period, quiescent: config.user_quiescent_period }
}

/// What the channels hold together.
fn room(config: &Config) -> usize {
    let stages =
        1 + usize::from(member_periods(config).is_on()) + usize::from(user_periods(config).is_on());
    APPLICATION + stages * STAGE + if config.snapshot { TEE } else { 0 }
}

impl Agent<'_> {
    /// A member event sets out.
    pub(super) fn offer_member<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        kind: MemberEvent,
        member: MemberId,
    ) {
        let Some(config) = &env.config.serf else { return };
        let periods = member_periods(config);
        if periods.is_on() {
            self.serf.pipeline.members.handle(env.now, periods, kind, member);
        } else {
            self.hand(env, Handing::News(Delivery::Member(kind, member)));
        }
    }

    /// A user event sets out.
    pub(super) fn offer_user<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        (ltime, text): (LTime, TextId),
        coalesce: bool,
    ) {
        let Some(config) = &env.config.serf else { return };
        let periods = user_periods(config);
        if coalesce && periods.is_on() {
            let name = env.world.serf.ledger.name_number(text);
            self.serf.pipeline.users.handle(env.now, periods, ltime, name, text);
        } else {
            // What is not coalesced overtakes what is.
            self.hand(env, Handing::News(Delivery::User(ltime, text)));
        }
    }

    /// Something is ready for a handler.
    pub(super) fn hand<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        handing: Handing,
    ) {
        let Some(config) = &env.config.serf else { return };
        let takes = config.handler_time + self.answer_time(env, &handing);
        if takes == 0 && self.serf.pipeline.done_at == NEVER {
            self.handled(env, handing);
            return;
        }
        let pipeline = &mut self.serf.pipeline;
        if config.snapshot && pipeline.waiting.len() >= room(config) {
            env.out.tell(Event::PipelineDropped);
            return;
        }
        pipeline.waiting.push_back((handing, takes));
        if pipeline.done_at == NEVER {
            pipeline.done_at = env.now + takes;
        }
        self.serf.touched = true;
        if self.is_full(env) {
            self.swim.set_held(true);
        }
    }

    /// A handler has done its work.
    fn handled<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>, handing: Handing) {
        match handing {
            Handing::News(delivery) => env.out.tell(Event::Delivered(delivery)),
            Handing::Query(delivery, answering) => {
                env.out.tell(Event::Delivered(delivery));
                if let Some(answering) = answering {
                    self.respond(env, &answering);
                }
            }
        }
    }

    pub(super) fn pipeline_deadline<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>) {
        let now = env.now;
        let mut out = std::mem::take(&mut env.world.serf.deliveries);
        if self.serf.pipeline.users.deadline() <= now {
            self.serf.pipeline.users.flush(|delivery| out.push(delivery));
        }
        if self.serf.pipeline.members.deadline() <= now {
            self.serf.pipeline.members.flush(|delivery| out.push(delivery));
        }
        for delivery in out.drain(..) {
            self.hand(env, Handing::News(delivery));
        }
        env.world.serf.deliveries = out;
        if self.serf.pipeline.done_at > now {
            return;
        }
        self.serf.pipeline.done_at = NEVER;
        // One after the other; those that take no time at once.
        while let Some((done, _)) = self.serf.pipeline.waiting.pop_front() {
            self.handled(env, done);
            let next = self.serf.pipeline.waiting.front().map(|w| w.1);
            if let Some(takes @ 1..) = next {
                self.serf.pipeline.done_at = now + takes;
                break;
            }
        }
        if self.swim.is_held() {
            self.release(env);
        }
    }

    /// Whether nothing more has room, which blocks a node without a snapshot.
    pub(super) fn is_full<V: View, O: SerfOutbox>(&self, env: &Env<'_, V, O>) -> bool {
        let Some(config) = &env.config.serf else { return false };
        !config.snapshot && self.serf.pipeline.waiting.len() >= room(config)
    }
}
