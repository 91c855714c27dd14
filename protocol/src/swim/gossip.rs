//! The gossip loop, packing and piggybacking (`state.go: gossip`, `net.go: sendMsg`,
//! `broadcast.go: getBroadcasts`; specification 7).

use super::{
    Draw, Env, Node, Outbox, Room,
    probe::{Among, address_of},
};
use crate::{
    belief::{AddressId, MemberId},
    message::{Head, Message, Packet, Purpose},
    queue::Budget,
    rng::Chance,
    rules,
    sizes::Book,
    time::NEVER,
    view::View,
};

/// Overhead of a message in a compound (`net.go: compoundOverhead`).
const OVERHEAD: u32 = 2;
/// The same with the type byte of a user message.
const USER_OVERHEAD: u32 = OVERHEAD + 1;
/// Header of a compound.
const COMPOUND: u32 = 2;

/// The state of the gossip loop: it only ever waits where its node is frozen.
#[derive(Clone, Debug, Default)]
pub(super) struct Gossip {
    /// Targets of the blocked tick still to come, last first.
    remaining: Vec<MemberId>,
    blocked: bool,
    pending: bool,
    /// The tick waits for what its last packet finished.
    interrupted: bool,
}

impl Node {
    /// Arms the gossip tick when there is something to send. The ticker runs all the time, but a tick
    /// with an empty queue does nothing and draws nothing, so it is no event. With `inclusive` a tick of
    /// this very instant is still to come (a call of the application precedes it).
    pub(super) fn arm_gossip<V, O: Outbox>(&mut self, env: &Env<'_, V, O>, inclusive: bool) {
        let period = env.config.gossip_interval;
        if self.is_silent(env) || period == 0 || env.config.gossip_nodes == 0 {
            return;
        }
        let now = env.now;
        self.gossip_at = if now < self.grid || inclusive && (now - self.grid).is_multiple_of(period)
        {
            self.grid.max(now)
        } else {
            self.grid + ((now - self.grid) / period + 1) * period
        };
    }

    /// Whether nothing waits to be gossiped.
    fn is_silent<V, O: Outbox>(&self, env: &Env<'_, V, O>) -> bool {
        self.queue.is_empty()
            && self.user_queue.as_ref().is_none_or(|q| q.is_empty())
            && !env.out.has_broadcasts()
    }

    /// Looks again whether there is something to gossip: the layer above has queued messages. With
    /// `called` the application did so, ahead of a tick of this very instant.
    pub fn look_again<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>, called: bool) {
        if self.gossip_at == NEVER {
            self.arm_gossip(env, called);
        }
        self.settle(env);
    }

    /// Whether something that comes due at the very instant of a gossip tick gets there before it.
    ///
    /// A failed probe ends on the grid that probe and gossip ticks share, and so does a suspicion that
    /// began with it where its time is a multiple of the gossip interval. In the original each of these
    /// is a chain of goroutines that a timer wakes: the probe loop woke late by some scheduling latency
    /// when it armed its deadline, and wakes late again at its end, two latencies against the gossip
    /// loop's one; a suspicion's timer adds a third. Latencies that are memoryless and alike let a chain
    /// of `k` win with chance `2^-k`. Nothing else here depends on scheduling.
    pub(super) fn overtakes_gossip<V, O>(&self, env: &Env<'_, V, O>) -> bool {
        let (period, now) = (env.config.gossip_interval, env.now);
        let expiry = self.probe.expires_at(now);
        if !expiry && self.suspicions.next() != now {
            return false;
        }
        if period == 0 || now < self.grid || !(now - self.grid).is_multiple_of(period) {
            return false;
        }
        let latencies = if expiry { 2 } else { 3 };
        self.stream(env, Draw::Race).word() >> (64 - latencies) == 0
    }

    /// The tick that was overtaken: it finds what was queued meanwhile.
    pub(super) fn late_gossip_tick<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>) {
        if self.gossip_at == NEVER {
            self.arm_gossip(env, true);
        }
        if self.gossip_at <= env.now {
            self.gossip_tick(env);
        }
    }

    pub(super) fn gossip_tick<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>) {
        self.gossip_at = NEVER;
        if self.gossip.blocked {
            self.gossip.pending = true;
            return;
        }
        if self.is_silent(env) {
            return;
        }
        let mut targets = std::mem::take(&mut self.gossip.remaining);
        targets.clear();
        self.select(env, env.config.gossip_nodes, Among::Gossip, &mut targets);
        targets.reverse();
        self.gossip.remaining = targets;
        self.gossip_on(env);
    }

    /// A fresh fill per target; the whole tick ends at the first empty one.
    fn gossip_on<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>) {
        self.gossip.blocked = false;
        while let Some(target) = self.gossip.remaining.pop() {
            let config = env.config;
            // The overhead of encryption counts here whenever there are keys, even if nothing is encrypted.
            let avail = i64::from(config.udp_buffer_size)
                - i64::from(COMPOUND + config.label_overhead() + config.encrypt_overhead());
            let mut messages = std::mem::take(&mut env.world.scratch.messages);
            messages.clear();
            self.fill(env, avail, &mut messages);
            if messages.is_empty() {
                self.gossip.remaining.clear();
            } else if let Some(to) = address_of(env, target) {
                for chunk in messages.chunks(255) {
                    self.send_packet(env, to, Head::None, chunk, true);
                }
                self.gossip.blocked = self.frozen;
            }
            env.world.scratch.messages = messages;
            if self.gossip.blocked {
                return;
            }
            if !self.gossip.remaining.is_empty() && env.out.interrupts() {
                self.gossip.interrupted = true;
                return;
            }
        }
    }

    /// Whether a tick waits for what its last packet finished.
    pub fn is_interrupted(&self) -> bool {
        self.gossip.interrupted
    }

    /// Goes on with a tick that was interrupted, if one was.
    pub fn resume_gossip<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>) {
        if std::mem::take(&mut self.gossip.interrupted) {
            self.gossip_on(env);
            self.settle(env);
        }
    }

    pub(super) fn gossip_thaw<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>) {
        if self.gossip.blocked {
            self.gossip_on(env);
            if std::mem::take(&mut self.gossip.pending) {
                self.gossip_tick(env);
            }
        }
    }

    /// Membership broadcasts first, then the application's into what room is left.
    fn fill<V, O: Outbox>(&mut self, env: &mut Env<'_, V, O>, avail: i64, out: &mut Vec<Message>) {
        if avail <= 0 {
            return;
        }
        let transmits = rules::retransmit_limit(env.config.retransmit_mult, self.order.len());
        let id_reset = env.config.quirks.queue_id_reset;
        let limit = avail as u32;
        let later = &mut env.world.scratch.later;
        let budget = Budget { overhead: OVERHEAD, limit, transmits };
        let used = self.queue.fill(budget, id_reset, later, |item| out.push(item.message));
        if let Some(user) = &mut self.user_queue {
            let room = limit.saturating_sub(used);
            if room > USER_OVERHEAD {
                let budget = Budget { overhead: USER_OVERHEAD, limit: room, transmits };
                user.fill(budget, id_reset, later, |item| out.push(item.message));
            }
        } else if env.out.has_broadcasts() {
            let limit = limit.saturating_sub(used);
            if limit > USER_OVERHEAD {
                env.out.broadcasts(Room { overhead: USER_OVERHEAD, limit, later }, out);
            }
        }
    }

    /// Sends a primary message with whatever broadcasts fit beside it (`net.go: sendMsg`).
    pub(super) fn send_head<V: View, O: Outbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        to: AddressId,
        head: Head,
    ) {
        if self.queue.is_empty() && self.user_queue.is_none() && !env.out.has_broadcasts() {
            self.send_packet(env, to, head, &[], false);
            return;
        }
        let config = env.config;
        let encryption = if config.gossip_verify_outgoing { config.encrypt_overhead() } else { 0 };
        let len = env.world.sizes.head(&env.world.roster, self.me(), head);
        let avail = i64::from(config.udp_buffer_size)
            - i64::from(len + COMPOUND + config.label_overhead() + encryption);
        let mut messages = std::mem::take(&mut env.world.scratch.messages);
        messages.clear();
        self.fill(env, avail, &mut messages);
        self.send_packet(env, to, head, &messages, false);
        env.world.scratch.messages = messages;
    }

    /// Sends a primary message with exactly these others and nothing piggybacked.
    pub(super) fn send_with<V: View, O: Outbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        to: AddressId,
        head: Head,
        messages: &[Message],
    ) {
        self.send_packet(env, to, head, messages, true);
    }

    /// The packet pipeline on send (`net.go: rawSendMsgPacket`); `known` destinations get a checksum.
    pub(super) fn send_packet<V, O: Outbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        to: AddressId,
        head: Head,
        messages: &[Message],
        known: bool,
    ) {
        let me = self.me();
        let world = &mut *env.world;
        let book = Book::new(&world.roster, &world.serf.ledger);
        let len = world.sizes.packet(book, env.config, me, head, messages, known);
        let purpose = if head == Head::None { Purpose::Gossip } else { Purpose::Probe };
        let envelope = env.config.envelope();
        env.out.send(to, Packet { head, messages, payload: None, envelope, len, purpose });
    }

    pub(super) fn own_address<V, O>(&self, env: &Env<'_, V, O>) -> AddressId {
        env.world.roster.attributes(self.identity.attributes).address
    }
}
