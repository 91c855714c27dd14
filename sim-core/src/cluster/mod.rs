//! The simulated cluster: SWIM nodes on the kernel, driven by a plan.
//!
//! [`Tank`] owns the nodes and their views; `outbox::Kernel` everything beneath them. The loop takes
//! the next event, calls the node it concerns, and carries out what the node did. Each node has at most
//! one live wake in the queue; a wake that is not the node's current one does nothing.

/// What the observer may look at; a macro, because the observer itself is lent at the same time.
macro_rules! surroundings {
    ($tank:expr) => {
        crate::observe::Surroundings {
            now: $tank.kernel.now,
            roster: &$tank.world.roster,
            hosts: &$tank.kernel.hosts,
            nodes: &$tank.nodes,
            net: &$tank.kernel.net,
            slot_of: &$tank.slot_of,
        }
    };
}

mod host;
mod look;
mod outbox;
mod packet;
mod processes;
mod script;
mod serf;
mod start;
mod streams;

use wavetank_protocol::{
    Config, NEVER, Time,
    belief::AddressId,
    message::Envelope,
    rng::Keys,
    swim::{Env, Event, Input, Node, Step, World},
    view::{PlainTable, PlainView, Snapshots},
};

use crate::{
    arena::Block,
    outcome::Outcome,
    plan::Plan,
    prefetch::prefetch,
    queue::{self, Class, Key},
    watch::{Scene, Watch},
};

use host::Waiting;
pub use host::{Host, Load, Presence};
pub use look::Held;
use outbox::{CONNECTION, Carrier, Effect, Kernel, Logged, SERVED, UNHEARD};
use script::Script;
use serf::Seat;
use streams::{Connection, Flight};

/// How many events ahead memory is asked for.
const AHEAD: usize = 4;
/// Low half of a timer's payload: the node's own wake.
const WAKE: u64 = 0;
/// A message of the handoff queues of a slow node is due.
const DRAIN: u64 = 1;
/// Bytes that a process's socket buffers (`net_transport.go: udpRecvBufSize`).
const SOCKET_BUFFER: u64 = 2 << 20;

/// A run in progress.
#[derive(Debug)]
pub struct Tank<'p, W> {
    plan: &'p Plan,
    seed: u64,
    kernel: Kernel,
    world: World,
    configs: Vec<Config>,
    config_of: Vec<u16>,
    nodes: Vec<Option<Node>>,
    /// What is above the nodes; empty where no plan has Serf.
    serfs: Vec<Option<Box<Seat>>>,
    /// Serf nodes whose coordinates are still to be moved, a few together.
    deferred: Vec<u32>,
    /// When all Serf nodes are looked at next.
    look_at: Time,
    tables: Vec<PlainTable>,
    snapshots: Snapshots,
    /// The slot that uses a name, by member.
    slot_of: Vec<u32>,
    copy: packet::Copy,
    script: Script,
    watch: W,
}

impl<'p, W: Watch> Tank<'p, W> {
    /// Runs a plan with a seed to its end.
    pub fn run(plan: &'p Plan, seed: u64, watch: W) -> (Outcome, W) {
        let mut tank = Self::new(plan, seed, watch);
        tank.advance(plan.duration);
        tank.finish()
    }

    /// A tank at time 0.
    pub fn new(plan: &'p Plan, seed: u64, watch: W) -> Self {
        let keys = Keys::new(seed);
        let mut tank = start::blank(plan, seed, keys, watch);
        tank.populate();
        tank.schedule_timeline();
        tank
    }

    /// Runs up to a time, exclusive.
    pub fn advance(&mut self, until: Time) {
        loop {
            let lane = self.kernel.timeouts.front().copied().filter(|l| l.0 < until);
            let (end, class) = lane.map_or((until, Class::Script), |l| (l.0, Class::Timer));
            if let Some(event) = self.kernel.queue.pop_before(end, class) {
                debug_assert!(event.time >= self.kernel.now, "popped key went backwards");
                if event.time >= self.look_at {
                    self.look_at_serf(event.time);
                }
                self.kernel.now = event.time;
                self.look_ahead();
                match event.class {
                    Class::Arrival => self.arrived(event.payload),
                    Class::Timer => self.timer(event.payload),
                    Class::Script => self.perform(event.payload as u32),
                }
                continue;
            }
            let Some((at, slot)) = lane else { break };
            self.kernel.timeouts.pop_front();
            let host = &mut self.kernel.hosts[slot as usize];
            if host.in_lane && host.scheduled == at {
                if at >= self.look_at {
                    self.look_at_serf(at);
                }
                self.kernel.now = at;
                self.timer(u64::from(slot) << 32 | WAKE);
            }
        }
        self.kernel.now = self.kernel.now.max(until);
        self.settle_coordinates();
    }

    /// Hints at what the events to come will touch.
    #[inline]
    fn look_ahead(&self) {
        let Some(payload) = self.kernel.queue.upcoming(AHEAD) else { return };
        let slot = (payload >> 32) as usize;
        prefetch(&self.kernel.hosts, slot, 3);
        prefetch(&self.nodes, slot, 6);
        if let Some(Some(seat)) = self.serfs.get(slot) {
            seat.prefetch();
        }
        prefetch(&self.tables, slot, 1);
        let low = payload & 0xffff_ffff;
        if low & CONNECTION == 0 {
            self.kernel.arena.prefetch(Block { at: (low & !(SERVED | UNHEARD)) as u32 });
        }
    }

    /// Closes the run.
    pub fn finish(mut self) -> (Outcome, W) {
        self.settle_coordinates();
        self.note_coordinates();
        let Self { kernel, plan, seed, world, nodes, watch, .. } = self;
        let Kernel { observer, digest, hosts, now, .. } = kernel;
        let outcome = observer.finish(plan, seed, now, &digest, &hosts, &nodes, &world.roster);
        (outcome, watch)
    }

    /// Current time.
    pub fn now(&self) -> Time {
        self.kernel.now
    }

    /// The node on a slot, if a process runs there.
    pub fn node(&self, slot: u32) -> Option<&Node> {
        self.nodes[slot as usize].as_ref()
    }

    /// The counters so far.
    pub fn counts(&self) -> &crate::observe::Counts {
        &self.kernel.observer.counts
    }

    /// Number of effects so far.
    pub fn effects(&self) -> u64 {
        self.kernel.digest.effects()
    }

    /// Calls the node on a slot and carries out what it did.
    fn call(&mut self, slot: u32, input: Input<'_>) {
        if self.has_serf(slot) {
            self.with_agent(slot, |agent, env| agent.handle(env, input));
        } else {
            self.with_node(slot, |node, env| node.handle(env, input));
        }
    }

    fn with_node(
        &mut self,
        slot: u32,
        act: impl FnOnce(&mut Node, &mut Env<'_, PlainView<'_>, Carrier<'_>>),
    ) {
        let i = slot as usize;
        let Some(node) = &mut self.nodes[i] else { return };
        let now = local(&self.kernel, slot);
        let frozen = self.kernel.hosts[i].frozen;
        let mut out = Carrier { slot, frozen, kernel: &mut self.kernel };
        let mut view = self.tables[i].with(&mut self.snapshots);
        let mut env = Env {
            now,
            config: &self.configs[self.config_of[i] as usize],
            world: &mut self.world,
            view: &mut view,
            out: &mut out,
        };
        act(node, &mut env);
        self.settle(slot);
    }

    /// After a call: keep the wake in the queue, look at what the node told.
    #[inline]
    fn settle(&mut self, slot: u32) {
        let i = slot as usize;
        let Some(node) = &self.nodes[i] else { return };
        let own = node.next_wake();
        let wake = own.min(self.serf_wake(slot));
        let host = &mut self.kernel.hosts[i];
        let depth = node.queued();
        if depth != host.depth {
            self.kernel.observer.depth(slot, self.kernel.now, host.depth, depth);
            host.depth = depth;
        }
        if wake != NEVER {
            let at = if host.odd { self.kernel.true_time(slot, wake) } else { wake };
            let host = &mut self.kernel.hosts[i];
            // A deadline later than the one in the lane means that the probe has been answered.
            if at < host.scheduled || host.in_lane && at > host.scheduled {
                host.scheduled = at;
                let lane = &mut self.kernel.timeouts;
                host.in_lane =
                    wake == own && node.waits_for_ack() && lane.back().is_none_or(|l| l.0 <= at);
                if host.in_lane {
                    lane.push_back((at, slot));
                } else {
                    self.kernel.push_timer(slot, at, WAKE);
                }
            }
        }
        if self.kernel.hosts[i].odd {
            self.keep_draining(slot);
        }
        if !self.kernel.told.is_empty() {
            self.listen(slot);
        }
        if !self.serfs.is_empty() {
            self.settle_serf(slot);
        }
        if self.kernel.log.is_some() {
            self.report_log(slot);
        }
        while let Some(id) = self.kernel.over.pop() {
            self.free_if_over(id);
        }
    }

    /// Looks at what a node told during its call.
    fn listen(&mut self, slot: u32) {
        let mut told = std::mem::take(&mut self.kernel.told);
        for event in told.drain(..) {
            self.watch
                .event(Scene { now: self.kernel.now, slot, roster: &self.world.roster }, &event);
            self.heard(slot, event);
        }
        // A reaction may have called another node, whose own words were looked at then.
        if self.kernel.told.is_empty() {
            self.kernel.told = told;
        }
    }

    fn heard(&mut self, slot: u32, event: Event) {
        let roster = &self.world.roster;
        match event {
            Event::Believed { new, from, .. } => {
                let (a, b) = outbox::belief_words(roster, new, from);
                self.kernel.effect(slot, Effect::Believed, a, b);
            }
            Event::Reaped { member, .. } => {
                self.kernel.effect(slot, Effect::Reaped, u64::from(member.0), 0);
            }
            Event::SuspicionExpired { member, confirmations, .. } => {
                let (a, b) = (u64::from(member.0), u64::from(confirmations));
                self.kernel.effect(slot, Effect::Timer, 32 + a, b);
            }
            Event::Refuted { incarnation } => {
                self.kernel.effect(slot, Effect::Callback, 1, u64::from(incarnation));
            }
            Event::UserMessage { user } => {
                self.kernel.effect(slot, Effect::Callback, 2, u64::from(user));
            }
            Event::Joined { successes, .. } => {
                self.kernel.effect(slot, Effect::Callback, 3, u64::from(successes));
            }
            Event::LeaveReturned { in_time } => {
                self.kernel.effect(slot, Effect::Callback, 4, u64::from(in_time));
                self.leave_returned(slot);
            }
            Event::Health { old, new } => {
                self.kernel.effect(slot, Effect::Health, u64::from(old), u64::from(new));
            }
            Event::Conflict { member } => {
                self.kernel.effect(slot, Effect::Callback, 5, u64::from(member.0));
            }
            _ => {}
        }
        let scene = surroundings!(self);
        self.kernel.observer.told(slot, event, &scene);
        self.release_followers();
    }

    fn timer(&mut self, payload: u64) {
        let slot = (payload >> 32) as u32;
        let i = slot as usize;
        if payload & 0xffff_ffff == DRAIN {
            if let Some(odd) = &mut self.kernel.odd[i] {
                odd.draining = false;
            }
            self.call(slot, Input::Drain);
            return;
        }
        let now = self.kernel.now;
        let host = &mut self.kernel.hosts[i];
        if host.scheduled != now {
            return;
        }
        host.scheduled = NEVER;
        host.in_lane = false;
        let Some(node) = &self.nodes[i] else { return };
        let wake = node.next_wake().min(self.serf_wake(slot));
        if wake > local(&self.kernel, slot) {
            // The deadline it was made for has passed by; keep the node's current one.
            self.settle(slot);
            return;
        }
        if W::PACKETS {
            let scene = Scene { now, slot, roster: &self.world.roster };
            self.watch.woke(scene, node);
        }
        self.call(slot, Input::Wake);
    }

    fn arrived(&mut self, payload: u64) {
        let slot = (payload >> 32) as u32;
        let low = payload & 0xffff_ffff;
        if low & CONNECTION != 0 {
            self.connection_step(slot, (low & !CONNECTION) as u32, false);
            return;
        }
        let block = Block { at: (low & !(SERVED | UNHEARD)) as u32 };
        let host = &self.kernel.hosts[slot as usize];
        if !host.is_running() || low & UNHEARD != 0 {
            self.unheard(slot, block);
        } else if host.frozen {
            let odd = self.kernel.odd[slot as usize].get_or_insert_default();
            odd.inbox.push(Waiting::Packet(block));
        } else if host.odd && low & SERVED == 0 && self.queue_for_service(slot, block) {
        } else {
            self.deliver(slot, block);
        }
    }

    /// Nobody is there to hear it.
    fn unheard(&mut self, slot: u32, block: Block) {
        self.kernel.observer.counts.packets_unheard += 1;
        let word = self.kernel.arena.get(block)[1];
        self.kernel.effect(slot, Effect::Lost, word, 100);
        if W::PACKETS {
            let mut copy = packet::Copy::default();
            let (from, _) = outbox::read_block(&self.kernel.arena, block, &mut copy);
            let (now, from) = (self.kernel.now, self.kernel.slot_at(from));
            self.watch.lost(Scene { now, slot: from, roster: &self.world.roster }, slot, None);
        }
        self.kernel.arena.give_back(block);
    }

    fn deliver(&mut self, slot: u32, block: Block) {
        let mut copy = std::mem::take(&mut self.copy);
        let (first, second) = {
            let words = self.kernel.arena.get(block);
            (words[0], words[1])
        };
        let (from, packet) = outbox::read_block(&self.kernel.arena, block, &mut copy);
        self.kernel.arena.give_back(block);
        self.kernel.effect(slot, Effect::Delivered, second, first);
        if W::PACKETS {
            let scene = Scene { now: self.kernel.now, slot, roster: &self.world.roster };
            self.watch.delivered(scene, self.kernel.slot_at(from), &packet);
        }
        self.call(slot, Input::Packet { from, packet });
        self.copy = copy;
    }

    /// Lets a packet wait for a slow listener; false if the process is not slow.
    fn queue_for_service(&mut self, slot: u32, block: Block) -> bool {
        let now = self.kernel.now;
        let len = u64::from(packet::len(self.kernel.arena.get(block)));
        let Some(odd) = &mut self.kernel.odd[slot as usize] else { return false };
        if odd.service == 0 {
            return false;
        }
        if odd.busy_until <= now {
            odd.waiting_bytes = 0;
        }
        if odd.waiting_bytes + len > SOCKET_BUFFER {
            self.kernel.observer.counts.packets_lost += 1;
            self.kernel.effect(slot, Effect::Lost, len, 101);
            self.kernel.arena.give_back(block);
            return true;
        }
        odd.waiting_bytes += len;
        odd.busy_until = odd.busy_until.max(now) + odd.service;
        let host = &mut self.kernel.hosts[slot as usize];
        host.timers = host.timers.wrapping_add(1);
        let key =
            Key { time: odd.busy_until, class: Class::Arrival, source: slot, nth: host.timers };
        self.kernel.queue.push(key, u64::from(slot) << 32 | SERVED | u64::from(block.at));
        true
    }

    fn keep_draining(&mut self, slot: u32) {
        let i = slot as usize;
        let Some(odd) = &mut self.kernel.odd[i] else { return };
        // What the layer above holds back is not handled before it lets go.
        let due = |n: &Node| n.handoff_depth() > 0 && !n.is_held();
        let waiting = self.nodes[i].as_ref().is_some_and(due);
        if waiting && !odd.draining && !self.kernel.hosts[i].frozen {
            odd.draining = true;
            let at = self.kernel.now + odd.service.max(1);
            self.kernel.push_timer(slot, at, DRAIN);
        }
    }

    /// What is in flight of a connection has arrived; `late`: it waited at a frozen process.
    fn connection_step(&mut self, slot: u32, id: u32, late: bool) {
        let Some(connection) = self.kernel.connections.get(id) else { return };
        let Some(flight) = connection.flight else { return };
        let c = *connection;
        let host = &self.kernel.hosts[slot as usize];
        let reads = matches!(flight, Flight::Request | Flight::Accepted | Flight::Reply);
        if host.frozen && host.is_running() && reads && !late {
            let odd = self.kernel.odd[slot as usize].get_or_insert_default();
            odd.inbox.push(Waiting::Connection(id));
            return;
        }
        connection.flight = None;
        match flight {
            Flight::Attempt => match host.presence {
                Presence::Running => self.kernel.answer_attempt(id, true),
                Presence::Stopped => self.kernel.answer_attempt(id, false),
                Presence::Absent | Presence::Silent => {}
            },
            Flight::Accepted if self.dialler_waits(id) => {
                if c.message.is_some() {
                    self.kernel.send_request(id);
                } else {
                    self.call(slot, Input::Stream(Step::Connected { token: c.token }));
                }
            }
            Flight::Refused if self.dialler_waits(id) => {
                self.drop_connection(id);
                self.call(slot, Input::Stream(Step::Failed { token: c.token }));
            }
            Flight::Request => self.request_arrived(slot, id),
            Flight::Reply
                if self.dialler_waits(id) && !self.config(slot).opens(self.envelope(c.to)) =>
            {
                self.drop_connection(id);
                self.call(slot, Input::Stream(Step::Failed { token: c.token }));
            }
            Flight::Reply if self.dialler_waits(id) => {
                if let Some((message, _)) = c.message {
                    self.kernel.effect(slot, Effect::Stream, 3, 0);
                    self.call(slot, Input::Stream(Step::Reply { token: c.token, message }));
                }
                self.drop_connection(id);
            }
            Flight::Accepted | Flight::Refused | Flight::Reply => self.drop_connection(id),
        }
        self.free_if_over(id);
    }

    fn dialler_waits(&mut self, id: u32) -> bool {
        let Some(&mut c) = self.kernel.connections.get(id) else { return false };
        let host = &self.kernel.hosts[c.from as usize];
        !c.closed && host.is_running() && host.life == c.from_life
    }

    fn config(&self, slot: u32) -> &Config {
        &self.configs[self.config_of[slot as usize] as usize]
    }

    /// What is outside of all that a slot writes.
    fn envelope(&self, slot: u32) -> Envelope {
        self.config(slot).envelope()
    }

    fn request_arrived(&mut self, slot: u32, id: u32) {
        let Some(&mut Connection { from, .. }) = self.kernel.connections.get(id) else { return };
        // A request that cannot be read is answered with an error.
        let readable = self.config(slot).accepts(self.envelope(from));
        match self.kernel.hosts[slot as usize].presence {
            Presence::Running if readable => {}
            Presence::Running | Presence::Stopped => {
                self.kernel.answer_attempt(id, false);
                return;
            }
            // The dialler's own deadline ends it.
            Presence::Absent | Presence::Silent => return,
        }
        let taken = self.kernel.connections.get(id).and_then(|c| c.message.take());
        let Some((message, _)) = taken else { return };
        self.kernel.effect(slot, Effect::Stream, 4, 0);
        self.call(slot, Input::Stream(Step::Request { stream: id, message }));
        self.release_message(message);
        let answered = self.kernel.connections.get(id).is_some_and(|c| c.flight.is_some());
        if !answered {
            self.drop_connection(id);
        }
    }

    fn release_message(&mut self, message: wavetank_protocol::swim::StreamMessage) {
        if let wavetank_protocol::swim::StreamMessage::State { snapshot, user, .. } = message {
            self.snapshots.release(snapshot);
            self.world.serf.release(user);
        }
    }

    fn drop_connection(&mut self, id: u32) {
        if let Some(connection) = self.kernel.connections.remove(id)
            && let Some((message, _)) = connection.message
        {
            self.release_message(message);
        }
    }

    /// A closed connection with nothing in flight is over.
    fn free_if_over(&mut self, id: u32) {
        let over = |c: &mut streams::Connection| c.closed && c.flight.is_none();
        if self.kernel.connections.get(id).is_some_and(over) {
            self.drop_connection(id);
        }
    }

    fn report_log(&mut self, slot: u32) {
        let mut log = self.kernel.log.take().unwrap_or_default();
        for entry in log.drain(..) {
            let scene = Scene { now: self.kernel.now, slot, roster: &self.world.roster };
            match entry {
                Logged::Sent(to, words, why) => {
                    let mut copy = packet::Copy::default();
                    let (_, packet) = packet::decode(&words, &mut copy);
                    self.watch.sent(scene, to, &packet);
                    if why.is_some() {
                        self.watch.lost(scene, to, why);
                    }
                }
                Logged::Stream(to, what, bytes) => self.watch.stream(scene, to, what, bytes),
            }
        }
        self.kernel.log = Some(log);
    }
}

/// What a node's clock shows now.
#[inline]
fn local(kernel: &Kernel, slot: u32) -> Time {
    if kernel.hosts[slot as usize].odd
        && let Some(clock) = kernel.odd[slot as usize].as_ref().and_then(|o| o.clock)
    {
        return clock.local(kernel.now);
    }
    kernel.now
}

impl Kernel {
    /// The true time of a deadline on a node's clock.
    fn true_time(&self, slot: u32, at: Time) -> Time {
        match self.odd[slot as usize].as_ref().and_then(|o| o.clock) {
            Some(clock) => clock.when(at).max(self.now),
            None => at,
        }
    }

    #[inline]
    fn push_timer(&mut self, slot: u32, at: Time, what: u64) {
        let host = &mut self.hosts[slot as usize];
        host.timers = host.timers.wrapping_add(1);
        let key = Key { time: at, class: Class::Timer, source: slot, nth: host.timers };
        self.queue.push(key, u64::from(slot) << 32 | what);
    }

    fn push_task(&mut self, at: Time, task: u32) {
        let key = Key { time: at, class: Class::Script, source: queue::SOURCES - 1, nth: task };
        self.queue.push(key, u64::from(task));
    }
}

/// An address that is the slot's own from the start.
const fn first_address(slot: u32) -> AddressId {
    AddressId(slot)
}
