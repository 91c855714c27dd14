//! The probe loop, its relays, and who answers them (`state.go: probe, probeNode`, `net.go: handlePing,
//! handleIndirectPing, handleAck, handleNack`; specification 3.2 to 4.8).
//!
//! ```text
//! Idle --tick--> Direct --ack--> Idle
//!                Direct --T------> Relaying --ack, expiry, TCP--> Idle
//! ```
//! One probe at a time. A failing probe ends at its deadline `P * (score + 1)`, never earlier; ticks that
//! come while it runs collapse into one, which then starts the next probe at once.

use super::{Action, Draw, Env, Event, Node, Outbox, StreamMessage};
use crate::{
    belief::{AddressId, MemberId, Status},
    config::Compat,
    marks::Marks,
    message::{Head, Message},
    order::Order,
    select::{self, Selection},
    time::{NEVER, Time},
    view::View,
};

/// How a probe ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProbeEnd {
    /// A direct ack within the probe time-out.
    Direct,
    /// A late direct ack or a relayed one.
    Late,
    /// Only the stream ping got through.
    Stream,
    /// Nothing did: the target is now suspected.
    Failed,
    /// The ping could not be written, which ends a probe without a word (memberlist 0.2.2).
    Unsent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Phase {
    /// Between probes.
    #[default]
    Idle,
    /// The ping blocks (the node is frozen).
    Sending,
    /// Waiting for the direct ack.
    Direct,
    /// A request to a relay blocks (the node is frozen).
    Asking,
    /// Waiting for any ack until the deadline.
    Relaying,
}

/// The state of the probe loop.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    pub(super) phase: Phase,
    /// A tick came while a probe ran.
    pub(super) pending: bool,
    /// The ack record has expired.
    expired: bool,
    /// An ack came while the loop could not see it.
    acked: bool,
    /// The stream ping succeeded.
    stream_acked: bool,
    /// The ping could not be written.
    unsent: bool,
    seq: u32,
    target: MemberId,
    address: AddressId,
    incarnation: u32,
    /// Relays expected to nack, and nacks received.
    expected: u32,
    nacks: u32,
    token: u32,
    sent: Time,
    direct_at: Time,
    expire_at: Time,
    deadline: Time,
    /// Relays still to be asked, last first.
    unasked: Vec<MemberId>,
}

impl Default for Probe {
    fn default() -> Self {
        Self {
            phase: Phase::Idle,
            pending: false,
            expired: false,
            acked: false,
            stream_acked: false,
            unsent: false,
            seq: 0,
            target: MemberId(0),
            address: AddressId(0),
            incarnation: 0,
            expected: 0,
            nacks: 0,
            token: 0,
            sent: 0,
            direct_at: NEVER,
            expire_at: NEVER,
            deadline: NEVER,
            unasked: Vec::new(),
        }
    }
}

impl Probe {
    #[inline]
    pub(super) fn deadline(&self) -> Time {
        self.direct_at.min(self.expire_at)
    }

    /// When the wait for a direct ack ends.
    #[inline]
    pub(super) fn direct_timeout(&self) -> Time {
        self.direct_at
    }

    /// Whether the ack record expires now.
    pub(super) fn expires_at(&self, now: Time) -> bool {
        self.expire_at == now
    }
}

/// A ping that this node sends for another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Relay {
    seq: u32,
    asked_as: u32,
    reply: AddressId,
    nack: bool,
    pub(super) until: Time,
}

impl Node {
    /// A tick of the probe ticker: the grid never shifts, and a busy loop remembers one tick.
    pub(super) fn probe_tick<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>) {
        self.probe_at += env.config.probe_interval;
        if env.config.probe_interval == 0 {
            // Settings that change while the node runs may turn it off.
            self.probe_at = NEVER;
            return;
        }
        if self.probe.phase == Phase::Idle {
            self.probe_next(env);
        } else {
            self.probe.pending = true;
        }
    }

    /// Finds whom to probe next and probes it (`state.go: probe`). The wrap of the cursor costs one check,
    /// so that tiny clusters waste ticks (S5).
    fn probe_next<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>) {
        let mut checked = 0;
        loop {
            if checked >= self.order.len() {
                return;
            }
            if self.cursor >= self.order.len() {
                self.reap_and_shuffle(env);
                self.cursor = 0;
                checked += 1;
                continue;
            }
            let member = self.order.at(self.cursor);
            self.cursor += 1;
            let status = self.status(member);
            if member == self.me() || status.is_gone() {
                checked += 1;
                continue;
            }
            self.probe_start(env, member, status);
            return;
        }
    }

    fn probe_start<V: View, O: Outbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        target: MemberId,
        status: Status,
    ) {
        let Some(id) = env.view.get(target) else { return };
        let belief = env.world.roster.belief(id);
        let address = env.world.roster.attributes(belief.attributes).address;
        let seq = self.next_sequence();
        let deadline = env.now + env.config.probe_interval * u64::from(self.score + 1);
        let probe = &mut self.probe;
        probe.phase = Phase::Direct;
        probe.pending = false;
        probe.expired = false;
        probe.acked = false;
        probe.stream_acked = false;
        probe.seq = seq;
        probe.target = target;
        probe.address = address;
        probe.incarnation = belief.incarnation;
        probe.expected = 0;
        probe.nacks = 0;
        probe.token = 0;
        probe.unsent = false;
        probe.sent = env.now;
        probe.direct_at = env.now + env.config.probe_timeout;
        probe.expire_at = deadline;
        probe.deadline = deadline;
        env.out.emit(Event::Probing { target, seq });
        let reply = self.own_address(env);
        let head = Head::Ping { seq, target, reply };
        if status == Status::Alive {
            self.send_head(env, address, head);
        } else {
            // The buddy system: tell the suspect, so that it can refute at once.
            let accusation =
                env.world.roster.accusation(target, Status::Suspect, belief.incarnation);
            let message = Message::suspect(accusation, self.me());
            self.send_with(env, address, head, &[message]);
        }
        if self.frozen {
            self.probe.phase = Phase::Sending;
            self.probe.direct_at = NEVER;
        } else if !env.out.can_send() {
            self.unsent(env);
        }
    }

    /// The ping could not be written: the newest release goes on as if it had not been answered, the old
    /// one gives up on the probe (4.3).
    fn unsent<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>) {
        if env.config.compat == Compat::Head {
            self.probe.unsent = true;
            self.ask_relays(env);
        } else {
            let target = self.probe.target;
            env.out.emit(Event::Probed { target, end: ProbeEnd::Unsent, after: 0 });
            self.probe_end(env, 0);
        }
    }

    /// The direct time-out or the expiry of the ack record has come.
    pub(super) fn probe_deadline<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>) {
        if self.probe.expire_at <= env.now {
            self.probe.expire_at = NEVER;
            self.probe.expired = true;
            match self.probe.phase {
                Phase::Direct => self.ask_relays(env),
                Phase::Relaying => self.probe_expired(env),
                Phase::Idle | Phase::Sending | Phase::Asking => {}
            }
        }
        if self.probe.direct_at <= env.now && self.probe.phase == Phase::Direct {
            self.ask_relays(env);
        }
    }

    fn ask_relays<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>) {
        self.probe.direct_at = NEVER;
        let target = self.probe.target;
        env.out.emit(Event::ProbeTimeout { target });
        let mut chosen = std::mem::take(&mut self.probe.unasked);
        self.select(env, env.config.indirect_checks, Among::Relays { target }, &mut chosen);
        self.probe.expected = chosen.len() as u32;
        // Asked from the back.
        chosen.reverse();
        self.probe.unasked = chosen;
        self.ask_remaining(env);
    }

    fn ask_remaining<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>) {
        self.probe.phase = Phase::Asking;
        while let Some(relay) = self.probe.unasked.pop() {
            let head = Head::IndirectPing {
                seq: self.probe.seq,
                target: self.probe.target,
                address: self.probe.address,
                nack: true,
                reply: self.own_address(env),
            };
            if let Some(to) = address_of(env, relay) {
                self.send_head(env, to, head);
                if self.frozen {
                    return;
                }
            }
        }
        self.probe.phase = Phase::Relaying;
        let stream = !env.config.disable_tcp_pings && env.now < self.probe.deadline;
        if stream {
            self.probe.token = self.next_token();
            let to = self.probe.address;
            env.out.exchange(Action::Dial { token: self.probe.token, to, ping: true });
        }
        if self.probe.acked {
            self.probe_succeeded(env, ProbeEnd::Late);
        } else if self.probe.expired {
            self.probe_expired(env);
        }
    }

    /// A step of the fallback ping: true if the token was its.
    pub(super) fn stream_ping_step<V: View, O: Outbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        token: u32,
        reply: Option<StreamMessage>,
        connected: bool,
    ) -> bool {
        if token != self.probe.token || self.probe.phase != Phase::Relaying {
            return false;
        }
        if connected {
            let (seq, target) = (self.probe.seq, self.probe.target);
            let message = StreamMessage::Ping { seq, target };
            let (sizes, roster) = (&mut env.world.sizes, &env.world.roster);
            let len = sizes.stream_ping(roster, env.config, seq, target, self.identity.me);
            env.out.exchange(Action::Send { token, message, len });
        } else if let Some(StreamMessage::Ack { seq }) = reply {
            self.probe.stream_acked |= seq == self.probe.seq;
        }
        true
    }

    fn probe_expired<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>) {
        if self.probe.token != 0 {
            env.out.exchange(Action::Close { token: self.probe.token });
        }
        if self.probe.stream_acked {
            // A success by stream still spends the whole interval (S4).
            self.probe_succeeded(env, ProbeEnd::Stream);
            return;
        }
        let Probe { target, incarnation, expected, nacks, .. } = self.probe;
        let delta = if expected > 0 { expected.saturating_sub(nacks) as i32 } else { 1 };
        let accusation = env.world.roster.accusation(target, Status::Suspect, incarnation);
        let me = self.me();
        self.probe.phase = Phase::Idle;
        let after = env.now - self.probe.sent;
        env.out.emit(Event::Probed { target, end: ProbeEnd::Failed, after });
        self.suspect(env, accusation, me, super::Via::Own);
        self.probe_end(env, delta);
    }

    fn probe_succeeded<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>, end: ProbeEnd) {
        if end == ProbeEnd::Late && self.probe.token != 0 {
            env.out.exchange(Action::Close { token: self.probe.token });
        }
        let after = env.now - self.probe.sent;
        env.out.emit(Event::Probed { target: self.probe.target, end, after });
        // A ping that was never written earns nothing.
        let delta = if self.probe.unsent { 0 } else { -1 };
        self.probe_end(env, delta);
    }

    fn probe_end<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>, delta: i32) {
        self.probe.phase = Phase::Idle;
        self.probe.direct_at = NEVER;
        self.probe.expire_at = NEVER;
        self.probe.token = 0;
        self.apply_health(env, delta);
        if self.probe.pending {
            self.probe.pending = false;
            self.probe_next(env);
        }
    }

    /// What blocked goes on: the ping was sent at last, or the next relay is asked.
    pub(super) fn probe_thaw<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>) {
        match self.probe.phase {
            Phase::Sending => {
                self.probe.phase = Phase::Direct;
                if self.probe.expired {
                    self.ask_relays(env);
                } else {
                    self.probe.direct_at = env.now + env.config.probe_timeout;
                }
            }
            Phase::Asking => self.ask_remaining(env),
            Phase::Idle | Phase::Direct | Phase::Relaying => {}
        }
    }

    /// Answers a ping, unless it is meant for another name (`net.go: handlePing`).
    pub(super) fn ping<V: View, O: Outbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        seq: u32,
        target: MemberId,
        reply: AddressId,
    ) {
        if target == self.me() {
            let payload = env.out.has_ack_payload();
            self.send_head(env, reply, Head::Ack { seq, payload });
        }
    }

    /// Pings for another (`net.go: handleIndirectPing`).
    pub(super) fn indirect_ping<V: View, O: Outbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        head: Head,
    ) {
        let Head::IndirectPing { seq: asked_as, target, address, nack, reply } = head else {
            return;
        };
        let seq = self.next_sequence();
        let until = env.now + env.config.probe_timeout;
        if self.relays.is_empty() {
            self.relay_at = until;
        }
        self.relays.push_back(Relay { seq, asked_as, reply, nack, until });
        let own = self.own_address(env);
        self.send_head(env, address, Head::Ping { seq, target, reply: own });
    }

    /// Relays whose window has closed: the asker gets a nack.
    pub(super) fn relay_deadlines<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>) {
        while let Some(relay) = self.relays.front().copied().filter(|r| r.until <= env.now) {
            self.relays.pop_front();
            if relay.nack {
                self.send_head(env, relay.reply, Head::Nack { seq: relay.asked_as });
            }
        }
        self.relay_at = self.relays.front().map_or(NEVER, |r| r.until);
    }

    /// An ack: of the running probe, or of a ping sent for another. Only the number is looked at (S26).
    pub(super) fn ack<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>, seq: u32) {
        if seq == self.probe.seq && self.probe.phase != Phase::Idle && !self.probe.expired {
            match self.probe.phase {
                Phase::Direct => self.probe_succeeded(env, ProbeEnd::Direct),
                Phase::Relaying => self.probe_succeeded(env, ProbeEnd::Late),
                Phase::Idle | Phase::Sending | Phase::Asking => self.probe.acked = true,
            }
        } else if let Some(i) = self.relays.iter().position(|r| r.seq == seq && env.now < r.until) {
            if let Some(relay) = self.relays.remove(i) {
                let head = Head::Ack { seq: relay.asked_as, payload: false };
                self.send_head(env, relay.reply, head);
            }
            self.relay_at = self.relays.front().map_or(NEVER, |r| r.until);
        }
    }

    /// A nack of the running probe; counted by message, not by relay.
    pub(super) fn nack(&mut self, seq: u32) {
        let probe = &mut self.probe;
        if seq == probe.seq && probe.phase != Phase::Idle && !probe.expired {
            probe.nacks += 1;
        }
    }

    /// Random members (`util.go: kRandomNodes`); fewer than `k` where chance or the list has no more.
    pub(super) fn select<V: View, O: Outbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        k: u32,
        among: Among,
        out: &mut Vec<MemberId>,
    ) {
        let mut rng = self.stream(env, Draw::Select);
        let exhaustive = env.config.compat == Compat::Head;
        let selection = Selection { k, exhaustive, order: &self.order };
        let keep =
            |m: MemberId| self.is_eligible(env.config.gossip_to_the_dead_time, env.now, m, among);
        select::random(selection, &mut rng, &mut env.world.scratch.shuffle, keep, out);
        self.select_draws = rng.drawn() as u32;
    }

    fn is_eligible(&self, to_the_dead: u64, now: Time, member: MemberId, among: Among) -> bool {
        if member == self.me() {
            return false;
        }
        if self.gone.is_empty() && self.suspicions.len() == 0 {
            return !matches!(among, Among::Relays { target } if target == member);
        }
        match among {
            Among::Gossip => match self.gone_place(member) {
                None => true,
                Some(i) => {
                    let (_, changed, status) = self.gone[i];
                    status == Status::Dead && changed.is_some_and(|at| now - at <= to_the_dead)
                }
            },
            Among::Alive => self.status(member) == Status::Alive,
            Among::Relays { target } => member != target && self.status(member) == Status::Alive,
        }
    }

    /// Drops what has been gone for long and shuffles the rest (`state.go: resetNodes`).
    fn reap_and_shuffle<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>) {
        let (mut i, mut reaped) = (0, 0);
        while let Some(&(member, changed, status)) = self.gone.get(i) {
            let old = changed.is_none_or(|at| env.now - at > env.config.gossip_to_the_dead_time);
            if old && (status == Status::Dead || env.config.compat == Compat::Head) {
                self.gone.remove(i);
                self.forget_record(env, member);
                reaped += 1;
            } else {
                i += 1;
            }
        }
        let len = self.order.len() - reaped;
        self.gone_marks = Marks::default();
        for gone in &self.gone {
            self.gone_marks.add(gone.0);
        }
        let mut rng = self.stream(env, Draw::Order);
        let view = &*env.view;
        self.order = Order::shuffled(len, view.is_prefix(len), |out| view.members(out), &mut rng);
        self.order_draws = rng.drawn() as u32;
    }
}

/// Who may be selected.
#[derive(Clone, Copy, Debug)]
pub(super) enum Among {
    /// Alive and not the target of the probe.
    Relays {
        /// The target.
        target: MemberId,
    },
    /// All but the left and the long dead.
    Gossip,
    /// The alive.
    Alive,
}

pub(super) fn address_of<V: View, O>(env: &Env<'_, V, O>, member: MemberId) -> Option<AddressId> {
    let id = env.view.get(member)?;
    let attributes = env.world.roster.belief(id).attributes;
    Some(env.world.roster.attributes(attributes).address)
}
