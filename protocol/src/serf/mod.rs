//! Serf above SWIM: intents, user events, queries, tags, reconnection, coordinates.
//!
//! [`Serf`] is what a Serf node keeps beside its [`Node`]; an [`Agent`] is the two together for the time
//! of a call. Serf stands above SWIM as it does in the original: it hands SWIM an outbox that listens for
//! membership news, gives room in packets to Serf's queues, adds Serf's state to push/pull and a
//! coordinate to acks, and passes everything else on. SWIM alone knows nothing of it and pays nothing.
//!
//! ```text
//!            Agent::handle(input)
//!   swim::Node ──────► Above ──────► the caller's outbox
//!                       │ told
//!                       ▼
//!       intents, events, queries, state, reconnect ... (one file each)
//! ```
//!
//! What SWIM tells is looked at when its call has returned, in the order in which it arose. Nothing that SWIM
//! does within one call depends on what Serf makes of it.

mod above;
mod audit;
pub mod coalesce;
pub mod config;
mod conflict;
pub mod coordinate;
pub mod event;
mod events;
pub mod filter;
mod intents;
mod internal;
pub mod lamport;
pub mod ledger;
mod lifecycle;
pub mod members;
mod pipeline;
mod prune;
mod queries;
pub mod queues;
mod reap;
mod reconnect;
mod relay;
pub mod ring;
mod sizes;
pub mod snapshot;
mod state;
pub mod status;
pub mod tags;

use std::collections::{BTreeMap, VecDeque};

use crate::{
    belief::MemberId,
    message::AckPayload,
    queue::Waiter,
    rng::{Keys, Stream},
    swim::{self, Env, Input, Node, Outbox},
    time::Time,
    view::View,
};

use above::Above;
pub use config::Config;
use coordinate::{Client, Coordinate};
pub use event::Event;
use event::QueueName;
use intents::Intent;
use internal::Rotation;
use lamport::{Clock, LTime};
use ledger::{Content, Ledger, TextId};
pub use lifecycle::{Life, Start};
use members::{Members, Record};
use pipeline::Pipeline;
use prune::Stall;
use queries::Collector;
use queues::Queues;
use ring::Ring;
use snapshot::Recorder;
use state::States;
pub use status::Status;

/// What all Serf nodes of a process share; part of [`swim::World`].
#[derive(Debug, Default)]
pub struct Shared {
    /// What messages say.
    pub ledger: Ledger,
    /// Nobody will start from a snapshot, so none is written.
    pub no_snapshots: bool,
    states: States,
    differing: Vec<(MemberId, Record)>,
    deliveries: Vec<event::Delivery>,
}

impl Shared {
    /// Gives the state of a push/pull back; 0 is none.
    pub fn release(&mut self, state: u32) {
        self.states.release(state);
    }

    /// States in flight.
    pub fn states_in_use(&self) -> usize {
        self.states.in_use()
    }
}

/// Where a Serf node's doings go.
pub trait SerfOutbox: Outbox {
    /// Tells those who watch.
    fn tell(&mut self, event: Event);

    /// Whether coordinates need not move at once: the caller will call [`Serf::settle_together`] or
    /// [`Serf::settle_coordinate`] for a node that says [`Serf::has_deferred`].
    #[inline]
    fn defers(&self) -> bool {
        false
    }
}

/// The three Lamport clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// Of intents.
    pub member: Clock,
    /// Of user events.
    pub event: Clock,
    /// Of queries.
    pub query: Clock,
}

/// Purposes of Serf's draws; SWIM's are below 16.
#[derive(Clone, Copy)]
enum Draw {
    Query = 16,
    Reconnect = 17,
    Relay = 18,
    Rejoin = 19,
    Coordinate = 20,
    Answer = 21,
    Race = 22,
}

/// A call that waits for its message to be sent out.
#[derive(Clone, Copy, Debug)]
struct Call {
    number: u32,
    until: Time,
    what: Calling,
}

#[derive(Clone, Copy, Debug)]
enum Calling {
    Leave,
    ForceLeave(MemberId),
}

/// A Serf node's state beside that of its SWIM node. What every event looks at comes first, in one line.
#[derive(Debug)]
#[repr(C)]
pub struct Serf {
    wake: Time,
    /// Until when handling stands still (a prune of the original, quirk `prune_freeze`).
    stalled_until: Time,
    queues: Queues,
    /// Which streams of chance are its own.
    stream: u32,
    /// Something happened that may move a deadline.
    touched: bool,
    /// SWIM has told something in the call at hand.
    heard: bool,
    /// Something has been queued since the queues were last looked at, or was left there then.
    queued: bool,
    /// Coordinates are on.
    places: bool,
    /// The coordinate is still to be moved.
    deferred: bool,
    /// Absent where coordinates are off.
    coordinates: Option<Client>,
    draws: [u32; 8],
    /// What SWIM told in the call at hand.
    told: Vec<swim::Event>,
    me: MemberId,
    clocks: Clocks,
    life: Life,
    members: Members,
    intents: BTreeMap<MemberId, Intent>,
    calls: Vec<Call>,
    numbers: u32,
    events: Ring<TextId>,
    /// Filled slots of the ring and their encoded bytes.
    event_slots: u32,
    event_bytes: u64,
    /// `eventMinTime`.
    event_min: LTime,
    /// `eventJoinIgnore`: a join that takes no old events is under way.
    join_ignores: bool,
    queries: Ring<u32>,
    /// `queryMinTime`.
    query_min: LTime,
    collectors: Vec<Collector>,
    /// Join intents about itself that the original issues in a goroutine, at the end of the call here; their
    /// times are those of the leaves' handling.
    refutations: Vec<LTime>,
    /// The next look of the reaper, no later than the first that finds something.
    reap_at: Time,
    /// The earliest end of what was added since that was found.
    reap_due: Time,
    reap_grid: Time,
    reconnect_at: Time,
    reconnect_grid: Time,
    reconnecting: bool,
    /// Prunes that wait in the background.
    prunes: Vec<(Time, MemberId)>,
    stalls: VecDeque<Stall>,
    pipeline: Pipeline,
    recorder: Option<Box<Recorder>>,
    /// Members of the snapshot still to be tried, last first.
    rejoin: Vec<(MemberId, crate::belief::AddressId)>,
    rejoining: Option<MemberId>,
    /// Key operations, one at a time; the first is under way.
    rotations: VecDeque<Rotation>,
}

/// A Serf node for the time of a call.
#[derive(Debug)]
pub struct Agent<'n> {
    /// The member of the gossip pool.
    pub swim: &'n mut Node,
    /// What is above it.
    pub serf: &'n mut Serf,
}

impl Serf {
    /// When to wake the node on Serf's behalf, on its own clock; beside [`Node::next_wake`].
    #[inline]
    pub fn next_wake(&self) -> Time {
        self.wake
    }

    /// What its clocks show: members, events, queries.
    pub fn clocks(&self) -> [LTime; 3] {
        [self.clocks.member.time(), self.clocks.event.time(), self.clocks.query.time()]
    }

    /// Its member table.
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// Number of messages in a queue.
    pub fn depth(&self, queue: QueueName) -> u32 {
        self.queues.depth(queue)
    }

    /// The queues, for tests and traces.
    pub fn queues(&self) -> &Queues {
        &self.queues
    }

    /// Whether its queues may hold something else than when [`Serf::looked_at`] was called last.
    #[inline]
    pub fn has_queued(&self) -> bool {
        self.queued
    }

    /// The depths of its queues were looked at.
    pub fn looked_at(&mut self) {
        self.queued = !self.queues.is_empty();
    }

    /// Where it is in its life.
    pub fn life(&self) -> Life {
        self.life
    }

    /// Its coordinate, unless coordinates are off.
    pub fn coordinate(&self) -> Option<&Coordinate> {
        self.coordinates.as_ref().map(Client::own)
    }

    /// Whether its coordinate is still to be moved.
    #[inline]
    pub fn has_deferred(&self) -> bool {
        self.deferred
    }

    /// Moves its coordinate by what was deferred.
    #[inline]
    pub fn settle_coordinate(&mut self, keys: Keys) {
        if self.deferred {
            self.deferred = false;
            let mut rng = self.rng(keys, Draw::Coordinate);
            if let Some(client) = &mut self.coordinates {
                client.settle(&mut rng);
            }
            self.drawn(Draw::Coordinate, &rng);
        }
    }

    /// Moves the coordinates of several nodes at once, where that can be; [`Serf::settle_coordinate`] of each
    /// does what is left, if anything.
    pub fn settle_together(serfs: [&mut Self; Client::TOGETHER]) {
        let mut clients = serfs.map(|serf| serf.coordinates.as_mut());
        if clients.iter().all(Option::is_some) {
            let clients = clients.each_mut().map(Option::take);
            Client::settle_together(clients.map(|client| client.expect("all are there")));
        }
    }

    /// How often its coordinate broke and began anew.
    pub fn coordinate_resets(&self) -> u64 {
        self.coordinates.as_ref().map_or(0, Client::resets)
    }

    /// Number of filled places in the ring of user events.
    pub fn remembered_events(&self) -> usize {
        self.events.items().len()
    }

    /// Number of intents about unknown names.
    pub fn buffered_intents(&self) -> usize {
        self.intents.len()
    }

    /// `eventMinTime`: user events below are not taken.
    pub fn event_min_time(&self) -> LTime {
        self.event_min
    }

    /// Takes a stream of this node's draws where it stands.
    fn rng(&self, keys: Keys, purpose: Draw) -> Stream {
        let number = u64::from(self.stream) << 8 | purpose as u64;
        keys.stream(number).at(u64::from(self.draws[purpose as usize - 16]))
    }

    /// Puts a stream back.
    fn drawn(&mut self, purpose: Draw, stream: &Stream) {
        self.draws[purpose as usize - 16] = stream.drawn() as u32;
    }

    /// Notes what SWIM told.
    fn tell_self(&mut self, event: swim::Event) {
        self.heard = true;
        self.told.push(event);
    }

    fn next_number(&mut self) -> u32 {
        self.numbers = self.numbers.wrapping_add(1);
        self.numbers
    }
}

impl Agent<'_> {
    /// Everything that happens to a Serf node comes in here, as to a [`Node`].
    #[inline]
    pub fn handle<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>, input: Input<'_>) {
        let payload = match input {
            Input::Packet { packet, .. } => packet.payload,
            _ => None,
        };
        if self.swim.is_held() && matches!(input, Input::Drain) {
            return;
        }
        self.below(env, payload, |node, env| node.handle(env, input));
        if matches!(input, Input::Wake) && self.serf.wake <= env.now {
            self.deadlines(env);
        }
        self.settle(env, false);
    }

    /// Lets the SWIM node do something, then looks at what it told.
    #[inline]
    fn below<V: View, O: SerfOutbox, R>(
        &mut self,
        env: &mut Env<'_, V, O>,
        payload: Option<&AckPayload>,
        act: impl FnOnce(&mut Node, &mut Env<'_, V, Above<'_, O>>) -> R,
    ) -> R {
        let keys = env.world.keys;
        let mut above =
            Above { inner: &mut *env.out, serf: self.serf, payload, config: env.config, keys };
        let mut inner = Env {
            now: env.now,
            config: env.config,
            world: &mut *env.world,
            view: &mut *env.view,
            out: &mut above,
        };
        let result = act(self.swim, &mut inner);
        if self.serf.heard {
            self.listen(env);
        }
        result
    }

    /// Looks at what SWIM told.
    #[cold]
    fn listen<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>) {
        self.serf.touched = true;
        self.serf.heard = false;
        let mut told = std::mem::take(&mut self.serf.told);
        for event in told.drain(..) {
            self.heard(env, event);
        }
        // What a reaction made SWIM tell was looked at then.
        debug_assert!(self.serf.told.is_empty());
        self.serf.told = told;
    }

    /// Something that SWIM told.
    fn heard<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>, event: swim::Event) {
        match event {
            swim::Event::Believed { member, old, new, .. } => {
                self.believed(env, member, old, new);
            }
            swim::Event::UserMessage { user } => self.message(env, user),
            swim::Event::Merged { join, user } => self.merge(env, user, join),
            swim::Event::Joined { successes, by } => self.joined(env, successes, by),
            swim::Event::LeaveReturned { in_time } => self.swim_left(env, in_time),
            swim::Event::UpdateReturned { in_time } => {
                env.out.tell(Event::TagsReturned { in_time });
            }
            swim::Event::Conflict { member } => self.conflict(env, member),
            _ => {}
        }
    }

    /// A message of Serf's (`serf/delegate.go: NotifyMsg`).
    fn message<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>, user: u32) {
        let (queue, news) = match env.world.serf.ledger.content(user) {
            Content::Foreign => return,
            Content::Leave { ltime, member, prune } => {
                let news = self.hear_leave(env, (ltime, member, prune), event::Path::Gossip);
                if let intents::Leaving::Stalls = news {
                    self.stall(env, (user, Waiter::None));
                    return;
                }
                (QueueName::Intent, news == intents::Leaving::News)
            }
            Content::Join { ltime, member } => {
                (QueueName::Intent, self.hear_join(env, ltime, member, event::Path::Gossip))
            }
            Content::Event { ltime, text, coalesce } => {
                let news = self.hear_event(env, (ltime, text, coalesce), event::Path::Gossip);
                (QueueName::Event, news)
            }
            content @ Content::Query { .. } => {
                (QueueName::Query, self.hear_query(env, content, event::Path::Gossip))
            }
            content @ Content::Response { .. } => return self.hear_response(env, content),
            Content::Relay { to, name, inner } => return self.pass_on(env, to, name, inner),
        };
        if news {
            // What is forwarded is what was received, to the byte.
            self.queue(env, queue, user, Waiter::None);
        } else {
            env.out.tell(Event::Duplicate);
        }
    }

    /// Queues a message (`serf/serf.go: broadcast`).
    fn queue<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        queue: QueueName,
        user: u32,
        waiter: Waiter,
    ) {
        let len = env.world.roster.user_len(user);
        let id_reset = env.config.quirks.queue_id_reset;
        self.serf.queues.push(queue, (user, len), waiter, id_reset);
        self.serf.queued = true;
        self.serf.touched = true;
    }

    /// Serf's deadlines that have come.
    fn deadlines<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>) {
        let now = env.now;
        self.serf.touched = true;
        if self.serf.stalled_until <= now {
            self.end_stall(env);
        }
        self.pipeline_deadline(env);
        self.leave_deadline(env);
        self.call_deadlines(env);
        self.query_deadlines(env);
        self.prune_deadlines(env);
        if self.serf.reap_at <= now {
            self.reap(env);
        }
        if self.serf.queues.deadline() <= now {
            self.check_queues(env);
        }
        if self.serf.reconnect_at <= now {
            self.reconnect(env);
        }
    }

    /// After every call: let SWIM know of what waits, release calls, find the next deadline. With
    /// `called` the application acted, ahead of a gossip tick of this very instant.
    #[inline]
    fn settle<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>, called: bool) {
        if self.serf.touched {
            self.settle_touched(env, called);
        }
    }

    fn settle_touched<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>, called: bool) {
        self.refute(env);
        self.release_calls(env);
        if self.swim.is_interrupted() {
            self.below(env, None, |node, env| {
                node.resume_gossip(env);
            });
            self.release_calls(env);
        }
        let Some(config) = &env.config.serf else { return };
        self.serf.queues.arm(env.now, config);
        for (queue, count) in QueueName::ALL.into_iter().zip(self.serf.queues.take_replaced()) {
            for _ in 0..count {
                env.out.tell(Event::Replaced { queue });
            }
        }
        if !self.serf.queues.is_empty() {
            self.below(env, None, |node, env| node.look_again(env, called));
        }
        self.arm_reap(env);
        self.arm_reconnect(env);
        let serf = &mut *self.serf;
        let clock = serf.clocks.member.time();
        if let Some(recorder) = &mut serf.recorder {
            recorder.clock_changed(env.now, clock);
        }
        let mut wake = serf.reap_at.min(serf.reconnect_at).min(serf.queues.deadline());
        wake = wake.min(serf.pipeline.deadline()).min(serf.life.deadline());
        wake = wake.min(serf.stalled_until);
        wake = serf.calls.iter().map(|c| c.until).fold(wake, Time::min);
        wake = serf.collectors.iter().map(|c| c.deadline).fold(wake, Time::min);
        wake = serf.prunes.iter().map(|p| p.0).fold(wake, Time::min);
        serf.wake = wake;
        serf.touched = false;
    }

    /// Announces that the node is there to all who heard that it leaves.
    fn refute<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>) {
        while !self.serf.refutations.is_empty() {
            let ltime = self.serf.refutations.remove(0);
            self.broadcast_join(env, ltime);
        }
    }

    fn check_queues<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>) {
        let Some(config) = &env.config.serf else { return };
        let id_reset = env.config.quirks.queue_id_reset;
        let members = self.serf.members.len();
        let out = &mut *env.out;
        self.serf.queues.check(env.now, (config, members), id_reset, |found| {
            let queues::Depth { queue, depth, pruned } = found;
            if depth >= config.queue_depth_warning {
                out.tell(Event::QueueDepth { queue, depth });
            }
            if let Some((limit, dropped)) = pruned {
                out.tell(Event::Pruned { queue, depth, dropped, limit });
            }
        });
    }
}
