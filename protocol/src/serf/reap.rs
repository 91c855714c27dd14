//! The reaper (`serf/serf.go: handleReap, reap, reapIntents`; specification 3.8).
//!
//! Every reap interval, without jitter, failed and left members are forgotten whose time is over. A look
//! that would find nothing is no event: the next one is at the first tick at which something is due.

use super::{Agent, SerfOutbox, members::Gone, queues::next};
use crate::{
    swim::Env,
    time::{NEVER, Span, Time},
    view::View,
};

impl Agent<'_> {
    /// Lets what has become due since the last call be looked at.
    pub(super) fn arm_reap<V: View, O: SerfOutbox>(&mut self, env: &Env<'_, V, O>) {
        let serf = &mut *self.serf;
        let due = std::mem::replace(&mut serf.reap_due, NEVER);
        let every = env.config.serf.map_or(0, |c| c.reap_interval);
        if due != NEVER && every > 0 {
            // What is older than its time-out is dropped: a tick after it, never one at it.
            serf.reap_at = serf.reap_at.min(next(serf.reap_grid, every, due.max(env.now)));
        }
    }

    pub(super) fn reap<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>) {
        let Some(config) = env.config.serf else { return };
        let now = env.now;
        for (left, keep) in [(false, config.reconnect_timeout), (true, config.tombstone_timeout)] {
            let mut i = 0;
            loop {
                let members = &mut self.serf.members;
                let list = if left { &mut members.left } else { &mut members.failed };
                let Some(&Gone { member, since }) = list.get(i) else { break };
                if now - since <= keep {
                    i += 1;
                    continue;
                }
                // The last one takes the place and is looked at next, which fixes the order of the news.
                list.swap_remove(i);
                self.erase(env, member, false);
            }
        }
        let keep = config.recent_intent_timeout;
        self.serf.intents.retain(|_, intent| now - intent.since <= keep);
        let due = |list: &[Gone], keep: Span| {
            list.iter().map(|g| g.since.saturating_add(keep)).min().unwrap_or(NEVER)
        };
        let serf = &mut *self.serf;
        let failed = due(&serf.members.failed, config.reconnect_timeout);
        let left = due(&serf.members.left, config.tombstone_timeout);
        let intents = serf.intents.values().map(|i| i.since.saturating_add(keep));
        serf.reap_at = NEVER;
        serf.reap_due = intents.fold(failed.min(left), Time::min);
    }
}
