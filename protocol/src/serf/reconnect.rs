//! The reconnector (`serf/serf.go: handleReconnect, reconnect`; specification 3.10) and the rejoin from a
//! snapshot (`handleRejoin`; specification 9).

use super::{Agent, Draw, Event, Life, SerfOutbox, queues::next};
use crate::{
    belief::{AddressId, MemberId},
    rng::Chance,
    swim::{Env, Joiner},
    time::NEVER,
    view::View,
};

impl Agent<'_> {
    /// The next attempt, while somebody is failed. Its ticker stands still during an attempt.
    pub(super) fn arm_reconnect<V: View, O: SerfOutbox>(&mut self, env: &Env<'_, V, O>) {
        let Some(config) = &env.config.serf else { return };
        let serf = &mut *self.serf;
        let every = config.reconnect_interval;
        let idle = serf.members.failed.is_empty() || serf.reconnecting || every == 0;
        serf.reconnect_at = if idle || serf.life == Life::Shutdown {
            NEVER
        } else if serf.reconnect_at == NEVER {
            next(serf.reconnect_grid, every, env.now)
        } else {
            serf.reconnect_at
        };
    }

    pub(super) fn reconnect<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>) {
        self.serf.reconnect_at = NEVER;
        let members = &self.serf.members;
        let failed = members.failed.len() as u32;
        if failed == 0 {
            return;
        }
        // Leaving members and the node itself count as alive here.
        let alive = (members.len() - failed - members.left.len() as u32).max(1);
        let mut rng = self.serf.rng(env.world.keys, Draw::Reconnect);
        // The original draws and compares single floats: 24 bits.
        let coin = (rng.word() >> 40) as f32 / (1u32 << 24) as f32;
        if coin > failed as f32 / alive as f32 {
            self.serf.drawn(Draw::Reconnect, &rng);
            env.out.tell(Event::ForgoingReconnect);
            return;
        }
        let member = self.serf.members.failed[rng.below(failed) as usize].member;
        self.serf.drawn(Draw::Reconnect, &rng);
        let attributes = self.serf.members.get(member).attributes;
        let to = env.world.roster.attributes(attributes).address;
        self.serf.reconnecting = true;
        env.out.tell(Event::Reconnecting { member });
        self.below(env, None, |node, env| node.join(env, &[to], Joiner::Reconnect));
    }

    /// A join has tried all its addresses.
    pub(super) fn joined<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        successes: u32,
        by: Joiner,
    ) {
        match by {
            Joiner::Application => {
                self.serf.join_ignores = false;
                // A refutation that the exchange caused is out before the join's own intent.
                self.refute(env);
                if successes > 0 {
                    self.broadcast_join(env, self.serf.clocks.member.time());
                }
                env.out.tell(Event::Joined { successes });
            }
            Joiner::Reconnect => {
                // The timer is armed anew when the attempt has ended.
                let every = env.config.serf.map_or(0, |c| c.reconnect_interval);
                self.serf.reconnecting = false;
                self.serf.reconnect_grid = env.now + every;
                env.out.tell(Event::Reconnected { success: successes > 0 });
            }
            Joiner::Rejoin => {
                let tried = self.serf.rejoining.take();
                if successes > 0 {
                    self.serf.rejoin.clear();
                    env.out.tell(Event::Rejoined { with: tried });
                } else {
                    self.rejoin_next(env);
                }
            }
        }
    }

    /// Sets out to find somebody of the snapshot, in an order drawn uniformly.
    pub(super) fn rejoin<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        mut known: Vec<(MemberId, AddressId)>,
    ) {
        if known.is_empty() {
            return;
        }
        let mut rng = self.serf.rng(env.world.keys, Draw::Rejoin);
        rng.shuffle(&mut known);
        self.serf.drawn(Draw::Rejoin, &rng);
        known.retain(|(member, _)| *member != self.serf.me);
        known.reverse();
        self.serf.rejoin = known;
        self.rejoin_next(env);
    }

    fn rejoin_next<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>) {
        let Some((member, to)) = self.serf.rejoin.pop() else {
            env.out.tell(Event::Rejoined { with: None });
            return;
        };
        self.serf.rejoining = Some(member);
        env.out.tell(Event::Rejoining { member });
        self.below(env, None, |node, env| node.join(env, &[to], Joiner::Rejoin));
    }
}
