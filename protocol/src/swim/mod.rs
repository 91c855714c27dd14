//! One SWIM node: memberlist's state machine (`state.go`, `net.go`), without its goroutines.
//!
//! Everything that happens to a node is an [`Input`] or a command; everything that it does goes through
//! an [`Outbox`] in the order in which it arises. Each of the original's actors (specification 0.2) is a
//! small state here: the probe loop in `probe`, the gossip loop in `gossip`, push/pull and join in
//! `exchange`, the handlers in `members`, the application's calls in `lifecycle`.
//!
//! Time is the node's own clock. After each call [`Node::next_wake`] says when to call again; an early or
//! repeated wake is harmless.

mod audit;
mod exchange;
mod gossip;
mod lifecycle;
mod members;
mod probe;
mod seam;
mod suspicion;

use std::collections::VecDeque;

use crate::{
    belief::{AddressId, AttributesId, BeliefId, MemberId, Roster, Status},
    config::Config,
    marks::Marks,
    message::{Head, Message, Packet},
    order::Order,
    queue::{Item, Name, Queue, Waiter},
    rng::{Keys, Stream},
    sizes::Sizes,
    time::{NEVER, Time},
    view::View,
};

use exchange::{Join, PushPull};
use gossip::Gossip;
pub use lifecycle::Rest;
use lifecycle::Waiting;
pub use probe::ProbeEnd;
use probe::{Probe, Relay};
pub use seam::{Action, Event, Input, Joiner, Outbox, Room, Step, StreamMessage, UserState, Via};
use suspicion::Suspicions;

/// What all nodes of a process share: the roster, the sizes on the wire, the keys of chance, scratch space.
#[derive(Debug)]
pub struct World {
    /// Members, attributes, beliefs.
    pub roster: Roster,
    /// Lengths on the wire.
    pub sizes: Sizes,
    /// Keys of the counter-based streams.
    pub keys: Keys,
    /// What Serf nodes share; empty where there are none.
    pub serf: crate::serf::Shared,
    scratch: Scratch,
}

#[derive(Debug, Default)]
struct Scratch {
    messages: Vec<Message>,
    later: Vec<(u32, Item)>,
    chosen: Vec<MemberId>,
    shuffle: Vec<MemberId>,
    differences: Vec<(MemberId, BeliefId)>,
}

impl World {
    /// A world with an empty roster.
    pub fn new(roster: Roster, keys: Keys) -> Self {
        Self {
            roster,
            sizes: Sizes::default(),
            keys,
            serf: crate::serf::Shared::default(),
            scratch: Scratch::default(),
        }
    }
}

/// The surroundings of one call.
#[derive(Debug)]
pub struct Env<'a, V, O> {
    /// The node's own clock.
    pub now: Time,
    /// Its settings.
    pub config: &'a Config,
    /// What all nodes share.
    pub world: &'a mut World,
    /// What it believes.
    pub view: &'a mut V,
    /// What it does.
    pub out: &'a mut O,
}

/// Who a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its name.
    pub me: MemberId,
    /// What it says about itself.
    pub attributes: AttributesId,
    /// Which streams of chance are its own: unique per process life.
    pub stream: u32,
}

/// Purposes of a node's draws.
#[derive(Clone, Copy)]
enum Draw {
    Order = 0,
    Select = 1,
    Phase = 2,
    Race = 3,
}

/// A SWIM node.
#[derive(Clone, Debug)]
pub struct Node {
    wake: Time,
    /// The earliest deadline but those of probing.
    later: Time,
    probe_at: Time,
    gossip_at: Time,
    relay_at: Time,
    /// A tick of the gossip ticker: the others are whole periods from it.
    grid: Time,
    identity: Identity,
    incarnation: u32,
    sequence: u32,
    score: u32,
    cursor: u32,
    tokens: u32,
    order_draws: u32,
    select_draws: u32,
    left: bool,
    frozen: bool,
    slow: bool,
    held: bool,
    probe: Probe,
    order: Order,
    queue: Queue,
    push_pull: PushPull,
    suspicions: Suspicions,
    /// Dead and left records with the time of that change (none: for ever ago), ascending by member.
    gone: Vec<(MemberId, Option<Time>, Status)>,
    gone_marks: Marks,
    relays: VecDeque<Relay>,
    gossip: Gossip,
    joins: Vec<Join>,
    waiting: Waiting,
    /// Application broadcasts, filled after the membership's.
    user_queue: Option<Box<Queue>>,
    handoff: Option<Box<Handoff>>,
    /// Sum of the encoded lengths of all records.
    state_bytes: u64,
}

/// The two handoff queues, newest last.
#[derive(Clone, Debug, Default)]
struct Handoff {
    high: Vec<Message>,
    low: Vec<Message>,
}

impl Node {
    /// A node before its creation.
    pub(crate) fn nobody(identity: Identity) -> Self {
        Self::blank(identity)
    }

    fn blank(identity: Identity) -> Self {
        Self {
            wake: NEVER,
            later: NEVER,
            probe_at: NEVER,
            gossip_at: NEVER,
            relay_at: NEVER,
            grid: 0,
            identity,
            incarnation: 0,
            sequence: 0,
            score: 0,
            cursor: 0,
            tokens: 0,
            order_draws: 0,
            select_draws: 0,
            left: false,
            frozen: false,
            slow: false,
            held: false,
            probe: Probe::default(),
            order: Order::default(),
            queue: Queue::default(),
            push_pull: PushPull::default(),
            suspicions: Suspicions::default(),
            gone: Vec::new(),
            gone_marks: Marks::default(),
            relays: VecDeque::new(),
            gossip: Gossip::default(),
            joins: Vec::new(),
            waiting: Waiting::default(),
            user_queue: None,
            handoff: None,
            state_bytes: 0,
        }
    }

    /// Everything that happens to a node comes in here. Never fails: what makes no sense is ignored.
    pub fn handle<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>, input: Input<'_>) {
        match input {
            Input::Wake => self.wake(env),
            Input::Packet { from, packet } => {
                self.packet(env, from, packet);
                let bare = packet.messages.is_empty()
                    && matches!(
                        packet.head,
                        Head::Ping { .. } | Head::Ack { .. } | Head::Nack { .. }
                    );
                if bare
                    && self.queue.is_empty()
                    && self.user_queue.is_none()
                    && !self.waiting.any()
                    && (self.gossip_at != NEVER || !env.out.has_broadcasts())
                {
                    // The commonest input by far moves no deadline but the probe's own; an earlier wake
                    // than necessary (of a relay that was answered) does no harm.
                    self.wake = self.later.min(self.probe_at).min(self.probe.deadline());
                    return;
                }
            }
            Input::Stream(step) => self.stream_step(env, step),
            Input::Drain => self.drain_one(env),
            Input::Freeze => self.frozen = true,
            Input::Thaw => self.thaw(env),
        }
        self.settle(env);
    }

    /// When to wake the node, on its own clock.
    #[inline]
    pub fn next_wake(&self) -> Time {
        self.wake
    }

    /// Whether the next deadline is that of a direct ack, which as a rule comes before it.
    #[inline]
    pub fn waits_for_ack(&self) -> bool {
        self.wake == self.probe.direct_timeout()
    }

    /// Who it is.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// Its incarnation.
    pub fn incarnation(&self) -> u32 {
        self.incarnation
    }

    /// Its health score (`GetHealthScore`): 0 is healthy.
    pub fn health(&self) -> u32 {
        self.score
    }

    /// Number of queued membership broadcasts.
    #[inline]
    pub fn queued(&self) -> u32 {
        self.queue.len()
    }

    /// The broadcast queue, for tests and traces.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Number of records, itself and the gone included (`estNumNodes`).
    pub fn known(&self) -> u32 {
        self.order.len()
    }

    /// Members held alive or suspect, itself included (`NumMembers`).
    pub fn alive_or_suspect(&self) -> u32 {
        self.order.len() - self.gone.len() as u32
    }

    /// Whether it has called leave.
    pub fn has_left(&self) -> bool {
        self.left
    }

    /// Number of running suspicions.
    pub fn suspected(&self) -> usize {
        self.suspicions.len()
    }

    /// Messages in the handoff queues.
    pub fn handoff_depth(&self) -> usize {
        self.handoff.as_ref().map_or(0, |h| h.high.len() + h.low.len())
    }

    /// Says whether messages wait for [`Input::Drain`] instead of being handled at once.
    pub fn set_slow(&mut self, slow: bool) {
        self.slow = slow;
    }

    /// Whether messages wait for [`Input::Drain`] because the process is slow.
    pub fn is_slow(&self) -> bool {
        self.slow
    }

    /// Says whether the layer above can take no messages: they wait, whatever the process's speed.
    pub(crate) fn set_held(&mut self, held: bool) {
        self.held = held;
    }

    /// Whether the layer above can take no messages.
    pub fn is_held(&self) -> bool {
        self.held
    }

    /// After every call: tell of finished broadcasts, arm the gossip tick, find the next deadline.
    fn settle<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>) {
        if self.waiting.any() {
            self.settle_waiting(env);
        }
        if self.gossip_at == NEVER {
            self.arm_gossip(env, false);
        }
        let mut later = self.gossip_at.min(self.relay_at);
        later = later.min(self.push_pull.deadline()).min(self.suspicions.next());
        for join in &self.joins {
            later = later.min(join.deadline());
        }
        self.later = later.min(self.waiting.deadline());
        self.wake = self.later.min(self.probe_at).min(self.probe.deadline());
    }

    /// Everything due now, in the order of the specification's appendix C: probe tick, gossip tick, expiry
    /// of the probe, its direct time-out, relays, suspicions, push/pull; but see `gossip` for the race
    /// between a gossip tick and what comes due with it.
    fn wake<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>) {
        let now = env.now;
        if self.probe_at <= now {
            self.probe_tick(env);
        }
        let overtakes = self.overtakes_gossip(env);
        if self.gossip_at <= now && !overtakes {
            self.gossip_tick(env);
        }
        if self.probe.deadline() <= now {
            self.probe_deadline(env);
        }
        if self.relay_at <= now {
            self.relay_deadlines(env);
        }
        while self.suspicions.next() <= now {
            self.suspicion_deadline(env);
        }
        if overtakes {
            self.late_gossip_tick(env);
        }
        if self.push_pull.deadline() <= now {
            self.push_pull_deadline(env);
        }
        if !self.joins.is_empty() {
            self.join_deadlines(env);
        }
    }

    fn thaw<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>) {
        self.frozen = false;
        self.probe_thaw(env);
        self.gossip_thaw(env);
        self.push_pull_thaw(env);
    }

    /// The packet listener and handler (`net.go: ingestPacket, handleCommand, packetHandler`).
    fn packet<V: View, O: Outbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        from: AddressId,
        packet: Packet<'_>,
    ) {
        if !env.config.accepts(packet.envelope) {
            return;
        }
        match packet.head {
            Head::None => {}
            Head::Ping { seq, target, reply } => self.ping(env, seq, target, reply),
            Head::IndirectPing { .. } => self.indirect_ping(env, packet.head),
            Head::Ack { seq, .. } => self.ack(env, seq),
            Head::Nack { seq } => self.nack(seq),
        }
        let _ = from;
        if packet.messages.is_empty() {
            return;
        }
        if self.slow || self.held {
            self.hand_off(env, packet.messages);
            return;
        }
        // The handler gets to run when the listener has queued the whole packet, so its parts are handled
        // alive first and newest first (specification 11.2, S12). A queue takes no more than its depth.
        let depth = env.config.handoff_queue_depth as usize;
        let is_alive = |m: &&Message| m.kind() == crate::message::MessageKind::Alive;
        if packet.messages.len() > depth {
            self.slow = true;
            self.hand_off(env, packet.messages);
            self.slow = false;
            while self.handoff_depth() > 0 {
                self.drain_one(env);
            }
            return;
        }
        for message in packet.messages.iter().rev().filter(is_alive) {
            self.message(env, *message);
        }
        for message in packet.messages.iter().rev().filter(|m| !is_alive(m)) {
            self.message(env, *message);
        }
    }

    fn hand_off<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>, messages: &[Message]) {
        let depth = env.config.handoff_queue_depth as usize;
        let handoff = self.handoff.get_or_insert_default();
        for message in messages {
            let alive = message.kind() == crate::message::MessageKind::Alive;
            let queue = if alive { &mut handoff.high } else { &mut handoff.low };
            if queue.len() >= depth {
                env.out.emit(Event::HandoffDropped);
            } else {
                queue.push(*message);
            }
        }
    }

    fn drain_one<V: View, O: Outbox>(&mut self, env: &mut Env<'_, V, O>) {
        let next = self.handoff.as_mut().and_then(|h| h.high.pop().or_else(|| h.low.pop()));
        if let Some(message) = next {
            self.message(env, message);
        }
    }

    /// A stream of this node's own draws.
    fn stream<V, O>(&self, env: &Env<'_, V, O>, purpose: Draw) -> Stream {
        let drawn = match purpose {
            Draw::Order => self.order_draws,
            Draw::Select => self.select_draws,
            Draw::Phase => 0,
            Draw::Race => self.sequence,
        };
        let stream = u64::from(self.identity.stream) << 8 | purpose as u64;
        env.world.keys.stream(stream).at(u64::from(drawn))
    }

    fn me(&self) -> MemberId {
        self.identity.me
    }

    fn next_sequence(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }

    fn next_token(&mut self) -> u32 {
        self.tokens = self.tokens.wrapping_add(1).max(1);
        self.tokens
    }

    /// Where a member stands among the gone.
    #[inline]
    fn gone_place(&self, member: MemberId) -> Option<usize> {
        if !self.gone_marks.may_hold(member) {
            return None;
        }
        self.gone.binary_search_by_key(&member, |g| g.0).ok()
    }

    fn status(&self, member: MemberId) -> Status {
        if let Some(i) = self.gone_place(member) {
            return self.gone[i].2;
        }
        if self.suspicions.holds(member) { Status::Suspect } else { Status::Alive }
    }

    fn broadcast<V, O: Outbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        name: Name,
        message: Message,
        waiter: Waiter,
    ) {
        let len = env.world.sizes.message(&env.world.roster, message);
        self.queue.push(name, message, len, waiter, env.config.quirks.queue_id_reset);
        for _ in 0..self.queue.take_replaced() {
            env.out.emit(Event::Replaced);
        }
    }

    fn apply_health<V, O: Outbox>(&mut self, env: &mut Env<'_, V, O>, delta: i32) {
        let new =
            crate::rules::awareness_after(self.score, delta, env.config.awareness_max_multiplier);
        if new != self.score {
            env.out.emit(Event::Health { old: self.score, new });
            self.score = new;
        }
    }
}
