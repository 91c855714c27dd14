//! Force-leave with prune (`serf/serf.go: handlePrune`; specification 3.9).
//!
//! A member that has not left is given time to do so before it is forgotten. The newest release waits in
//! the background; the one before it waits in the handler, with everything else of the node standing
//! still and the message not yet passed on (quirk `prune_freeze`).

use super::{
    Agent, SerfOutbox, Status,
    event::QueueName,
    intents::{Leaving, forget},
};
use crate::{
    belief::MemberId,
    queue::Waiter,
    swim::{Env, Input},
    time::{NEVER, Time},
    view::View,
};

/// What waits for the end of a standstill; the next one begins then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stall {
    /// When it ends.
    pub(super) until: Time,
    /// Who is forgotten then.
    pub(super) member: MemberId,
    /// The message that goes on then, and who waits for it.
    pub(super) message: Option<(u32, Waiter)>,
}

impl Agent<'_> {
    /// Prunes a member whose leave was just applied.
    pub(super) fn prune<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        member: MemberId,
    ) -> Leaving {
        if self.serf.members.status(member) != Status::Leaving {
            self.erase_left(env, member);
            return Leaving::News;
        }
        let wait = env.config.serf.map_or(0, |c| c.broadcast_timeout + c.leave_propagate_delay);
        if env.config.quirks.prune_freeze {
            let stalls = &mut self.serf.stalls;
            let until = stalls.back().map_or(env.now, |last| last.until) + wait;
            stalls.push_back(Stall { until, member, message: None });
            self.serf.stalled_until = stalls[0].until;
            self.swim.set_held(true);
            return Leaving::Stalls;
        }
        self.serf.prunes.push((env.now + wait, member));
        Leaving::News
    }

    /// The message that caused a standstill goes on when it is over.
    pub(super) fn stall<V: View, O: SerfOutbox>(
        &mut self,
        _env: &mut Env<'_, V, O>,
        (user, waiter): (u32, Waiter),
    ) {
        if let Some(stall) = self.serf.stalls.back_mut() {
            stall.message = Some((user, waiter));
        }
    }

    pub(super) fn end_stall<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>) {
        let Some(stall) = self.serf.stalls.pop_front() else { return };
        self.serf.stalled_until = self.serf.stalls.front().map_or(NEVER, |next| next.until);
        if self.serf.members.status(stall.member) != Status::None {
            self.erase_left(env, stall.member);
        }
        if let Some((user, waiter)) = stall.message {
            self.queue(env, QueueName::Intent, user, waiter);
        }
        if self.serf.stalled_until != NEVER {
            return;
        }
        self.release(env);
    }

    /// Nothing stands still any more, unless something else does: what piled up is handled, at once or, in a
    /// slow process, in its own time.
    pub(super) fn release<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>) {
        while !self.is_held(env) && !self.swim.is_slow() && self.swim.handoff_depth() > 0 {
            self.below(env, None, |node, env| node.handle(env, Input::Drain));
        }
        let held = self.is_held(env);
        self.swim.set_held(held);
    }

    fn is_held<V: View, O: SerfOutbox>(&self, env: &Env<'_, V, O>) -> bool {
        self.serf.is_stalled() || self.is_full(env)
    }

    pub(super) fn prune_deadlines<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>) {
        while let Some(i) = self.serf.prunes.iter().position(|p| p.0 <= env.now) {
            let (_, member) = self.serf.prunes.remove(i);
            if self.serf.members.status(member) != Status::None {
                self.erase_left(env, member);
            }
        }
    }

    fn erase_left<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>, member: MemberId) {
        // Who was pruned in the background may have come back and failed meanwhile.
        forget(&mut self.serf.members.left, member);
        forget(&mut self.serf.members.failed, member);
        self.erase(env, member, true);
    }
}

impl super::Serf {
    /// Whether handling stands still.
    #[inline]
    pub fn is_stalled(&self) -> bool {
        self.stalled_until != NEVER
    }
}
