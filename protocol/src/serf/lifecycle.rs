//! The application's calls: create, join, leave, force-leave, tags, shutdown (`serf/serf.go: Create, Join,
//! Leave, forceLeave, SetTags, Shutdown`; specification 3.6, 3.7, 8).

use std::fmt::Write as _;

use super::{
    Agent, Call, Calling, Clocks, Config, Event, Serf, SerfOutbox, Status,
    coordinate::Client,
    event::{Path, QueueName},
    intents::Leaving,
    lamport::Clock,
    ledger::Content,
    members::{Members, Resting},
    pipeline::Pipeline,
    queues::Queues,
    ring::Ring,
    sizes,
    snapshot::{File, Recorder},
};
use crate::{
    belief::{AddressId, AttributesId, MemberId},
    queue::Waiter,
    swim::{Env, Identity, Joiner, Node, Rest},
    time::{NEVER, Span, Time},
    view::View,
};

/// Where a node is in its life (`serf/serf.go: SerfState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It takes part.
    Alive,
    /// It is about to leave.
    Leaving(LeaveCall),
    /// It has left.
    Left,
    /// It has shut down.
    Shutdown,
}

/// A leave under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaveCall {
    phase: Phase,
    /// When the phase ends, where time ends it.
    until: Time,
    /// When whoever called it gives up.
    cap: Time,
    in_time: bool,
}

/// What a leave waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Its intent being sent out.
    Intent,
    /// Memberlist's own leave.
    Memberlist,
    /// Its news reaching the others.
    Propagate,
    /// Nothing: whoever called it was told already.
    Over,
}

impl Life {
    pub(super) fn deadline(self) -> Time {
        match self {
            Self::Leaving(leave) => leave.until.min(leave.cap),
            Self::Alive | Self::Left | Self::Shutdown => NEVER,
        }
    }
}

/// How a process starts.
#[derive(Debug, Default)]
pub struct Start {
    /// The snapshot file of the life before; empty for a new node.
    pub file: File,
    /// Names and addresses of the file as members, in its order: whom to rejoin.
    pub known: Vec<(MemberId, AddressId)>,
}

impl Serf {
    fn blank(identity: Identity, config: &Config, age: Span, now: Time) -> Self {
        let grid = |every: Span| now + every - age % every.max(1);
        Self {
            wake: NEVER,
            touched: true,
            heard: false,
            queued: false,
            places: false,
            deferred: false,
            told: Vec::new(),
            me: identity.me,
            stream: identity.stream,
            draws: [0; 8],
            clocks: Clocks { member: Clock::at(1), event: Clock::at(1), query: Clock::at(1) },
            life: Life::Alive,
            members: Members::default(),
            intents: std::collections::BTreeMap::new(),
            queues: Queues::new(grid(config.queue_check_interval)),
            calls: Vec::new(),
            numbers: 0,
            events: Ring::default(),
            event_slots: 0,
            event_bytes: 0,
            event_min: 0,
            join_ignores: false,
            queries: Ring::default(),
            query_min: 0,
            collectors: Vec::new(),
            refutations: Vec::new(),
            reap_at: NEVER,
            reap_due: NEVER,
            reap_grid: grid(config.reap_interval),
            reconnect_at: NEVER,
            reconnect_grid: grid(config.reconnect_interval),
            reconnecting: false,
            prunes: Vec::new(),
            stalled_until: NEVER,
            stalls: std::collections::VecDeque::new(),
            pipeline: Pipeline::default(),
            recorder: None,
            rejoin: Vec::new(),
            rejoining: None,
            rotations: std::collections::VecDeque::new(),
            coordinates: None,
        }
    }

    /// A Serf node as `Create` leaves it, with its SWIM node: it knows itself, and what its snapshot says.
    pub fn create<V: View, O: SerfOutbox>(
        env: &mut Env<'_, V, O>,
        identity: Identity,
        incarnation: u32,
        start: Start,
    ) -> (Node, Self) {
        let config = env.config.serf.unwrap_or(Config::library());
        let mut serf = Self::blank(identity, &config, 0, env.now);
        if config.coordinates(env.config.quirks.dead_config) {
            serf.coordinates = Some(Client::default());
            serf.places = true;
        }
        if config.snapshot && !env.world.serf.no_snapshots {
            let keep = config.rejoin_after_leave;
            let (recorder, restored) = Recorder::open(env.now, start.file, keep);
            serf.recorder = Some(Box::new(recorder));
            // Every counter goes to 1 first; an empty file is witnessed to no effect.
            serf.clocks.member.witness(restored.member_clock);
            serf.clocks.event.witness(restored.event_clock);
            serf.clocks.query.witness(restored.query_clock);
            serf.event_min = restored.event_clock.wrapping_add(1);
            serf.query_min = restored.query_clock.wrapping_add(1);
        }
        // SWIM announces the node to itself while it is being created.
        let mut node = Node::nobody(identity);
        let mut agent = Agent { swim: &mut node, serf: &mut serf };
        agent.below(env, None, |node, env| *node = Node::create(env, identity, incarnation));
        if config.snapshot && !env.world.serf.no_snapshots {
            agent.rejoin(env, start.known);
        }
        agent.settle(env, true);
        (node, serf)
    }

    /// A Serf node of a cluster at rest, with its SWIM node: as if all had joined one after another, each
    /// with its intent, long ago. `members` is what all know, by member.
    pub fn at_rest<V: View, O: SerfOutbox>(
        env: &mut Env<'_, V, O>,
        identity: Identity,
        rest: Rest,
        (members, age): (&Resting, Span),
    ) -> (Node, Self) {
        let config = env.config.serf.unwrap_or(Config::library());
        let mut serf = Self::blank(identity, &config, age, env.now);
        if config.coordinates(env.config.quirks.dead_config) {
            serf.coordinates = Some(Client::default());
            serf.places = true;
        }
        let count = members.count();
        serf.clocks.member = Clock::at(u64::from(count.max(1)));
        serf.members = Members::resting(members);
        serf.pipeline = Pipeline::grown(count);
        if config.snapshot && !env.world.serf.no_snapshots {
            let mut text = String::new();
            for (member, record) in serf.members.iter() {
                let address = env.world.roster.attributes(record.attributes).address;
                let name = env.world.roster.name(member);
                let _ = writeln!(text, "alive: {name} {}", address.text());
            }
            let _ = writeln!(text, "clock: {}", serf.clocks.member.time() - 1);
            let keep = config.rejoin_after_leave;
            let (recorder, _) = Recorder::open(env.now, File::new(text), keep);
            serf.recorder = Some(Box::new(recorder));
        }
        let mut node = Node::nobody(identity);
        let mut agent = Agent { swim: &mut node, serf: &mut serf };
        agent.below(env, None, |node, env| *node = Node::at_rest(env, identity, rest));
        agent.settle(env, false);
        (node, serf)
    }
}

impl Agent<'_> {
    /// Joins through these addresses (`Join`). User events from before are left out, unless the agent
    /// replays them.
    pub fn join<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        addresses: &[AddressId],
    ) {
        if self.serf.life != Life::Alive {
            return;
        }
        self.serf.touched = true;
        self.serf.join_ignores = !env.config.serf.is_some_and(|c| c.replay_on_join);
        self.below(env, None, |node, env| node.join(env, addresses, Joiner::Application));
        self.settle(env, true);
    }

    /// Leaves (`Leave`): the intent is sent out, then memberlist's own leave, then comes a wait. Whoever
    /// calls it gives up after `cap` (0: never), as the agent does 3 s after an interrupt.
    pub fn leave<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>, cap: Span) {
        match self.serf.life {
            Life::Alive => {}
            Life::Left => return env.out.tell(Event::LeaveReturned { in_time: true }),
            Life::Leaving(_) | Life::Shutdown => {
                return env.out.tell(Event::LeaveReturned { in_time: false });
            }
        }
        let (now, me) = (env.now, self.serf.me);
        if let Some(recorder) = &mut self.serf.recorder {
            recorder.leave(now);
        }
        let cap = if cap == 0 { NEVER } else { now + cap };
        let leave = LeaveCall { phase: Phase::Intent, until: NEVER, cap, in_time: true };
        self.serf.life = Life::Leaving(leave);
        let ltime = self.serf.clocks.member.time();
        self.serf.clocks.member.increment();
        self.hear_leave(env, (ltime, me, false), Path::Own);
        if self.others_alive() {
            let user = sizes::add(env, Content::Leave { ltime, member: me, prune: false });
            let waiter = self.call(env, Calling::Leave);
            self.queue(env, QueueName::Intent, user, waiter);
        } else {
            self.leave_memberlist(env);
        }
        self.serf.touched = true;
        self.settle(env, true);
    }

    /// A call that waits for its message.
    fn call<V: View, O: SerfOutbox>(&mut self, env: &Env<'_, V, O>, what: Calling) -> Waiter {
        let number = self.serf.next_number();
        let timeout = env.config.serf.map_or(0, |c| c.broadcast_timeout);
        self.serf.calls.push(Call { number, until: env.now + timeout, what });
        Waiter::Call(number)
    }

    /// Calls whose message was sent often enough.
    pub(super) fn release_calls<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>) {
        while let Some(number) = self.serf.queues.take_call() {
            if let Some(i) = self.serf.calls.iter().position(|c| c.number == number) {
                let call = self.serf.calls.remove(i);
                self.call_over(env, call, true);
            }
        }
    }

    pub(super) fn call_deadlines<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>) {
        while let Some(i) = self.serf.calls.iter().position(|c| c.until <= env.now) {
            let call = self.serf.calls.remove(i);
            self.call_over(env, call, false);
        }
    }

    fn call_over<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        call: Call,
        in_time: bool,
    ) {
        match call.what {
            Calling::ForceLeave(member) => {
                env.out.tell(Event::ForceLeaveReturned { member, in_time });
            }
            Calling::Leave => {
                let Life::Leaving(leave) = &mut self.serf.life else { return };
                leave.in_time &= in_time;
                if in_time || sizes::is_head(env.config) {
                    self.leave_memberlist(env);
                } else {
                    // 0.9.4 gives up here: memberlist's own leave is never attempted.
                    self.leave_over(env, false);
                }
            }
        }
    }

    fn leave_memberlist<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>) {
        if let Life::Leaving(leave) = &mut self.serf.life {
            leave.phase = if leave.phase == Phase::Over { Phase::Over } else { Phase::Memberlist };
        }
        let timeout = env.config.serf.map_or(0, |c| c.broadcast_timeout);
        self.below(env, None, |node, env| node.leave_when(env, timeout, false));
    }

    /// Memberlist's own leave has returned.
    pub(super) fn swim_left<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        in_time: bool,
    ) {
        let delay = env.config.serf.map_or(0, |c| c.leave_propagate_delay);
        let Life::Leaving(leave) = &mut self.serf.life else { return };
        leave.in_time &= in_time;
        if !in_time && !sizes::is_head(env.config) {
            self.leave_over(env, false);
        } else if leave.phase == Phase::Memberlist {
            leave.phase = Phase::Propagate;
            leave.until = env.now + delay;
        }
    }

    pub(super) fn leave_deadline<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>) {
        let Life::Leaving(leave) = self.serf.life else { return };
        if leave.until <= env.now {
            self.serf.life = Life::Left;
            env.out.tell(Event::LeaveReturned { in_time: leave.in_time });
        } else if leave.cap <= env.now {
            self.leave_over(env, false);
        }
    }

    /// Whoever called the leave is told, though the node has not come to the end of it.
    fn leave_over<V: View, O: SerfOutbox>(&mut self, env: &mut Env<'_, V, O>, in_time: bool) {
        let Life::Leaving(leave) = &mut self.serf.life else { return };
        if leave.phase != Phase::Over {
            *leave = LeaveCall { phase: Phase::Over, until: NEVER, cap: NEVER, in_time };
            env.out.tell(Event::LeaveReturned { in_time });
        }
    }

    /// Makes a member leave, with `prune` forgets it altogether (`RemoveFailedNode`,
    /// `RemoveFailedNodePrune`). Unknown names are buffered and gossiped like any other.
    pub fn force_leave<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        member: MemberId,
        prune: bool,
    ) {
        let ltime = self.serf.clocks.member.time();
        self.serf.clocks.member.increment();
        let outcome = self.hear_leave(env, (ltime, member, prune), Path::Own);
        if self.others_alive() {
            let user = sizes::add(env, Content::Leave { ltime, member, prune });
            let waiter = self.call(env, Calling::ForceLeave(member));
            if outcome == Leaving::Stalls {
                self.stall(env, (user, waiter));
            } else {
                self.queue(env, QueueName::Intent, user, waiter);
            }
        } else {
            env.out.tell(Event::ForceLeaveReturned { member, in_time: true });
        }
        self.serf.touched = true;
        self.settle(env, true);
    }

    /// Changes the tags, which `attributes` encode (`SetTags`). Nothing is intended: memberlist says so with
    /// a higher incarnation.
    pub fn set_tags<V: View, O: SerfOutbox>(
        &mut self,
        env: &mut Env<'_, V, O>,
        attributes: AttributesId,
    ) {
        let timeout = env.config.serf.map_or(0, |c| c.broadcast_timeout);
        self.below(env, None, |node, env| node.update(env, attributes, timeout));
        self.settle(env, true);
    }

    /// Shuts down (`Shutdown`); the caller stops the process. Gives what is left of the snapshot.
    pub fn shutdown(&mut self, now: Time) -> Option<File> {
        self.serf.life = Life::Shutdown;
        self.serf.recorder.take().map(|recorder| recorder.shutdown(now))
    }

    /// The process dies. Gives what is left of the snapshot.
    pub fn crash(&mut self, now: Time) -> Option<File> {
        self.serf.recorder.take().map(|recorder| recorder.crash(now))
    }

    /// Whether some other member is held alive (`hasAliveMembers`).
    pub(super) fn others_alive(&self) -> bool {
        let members = &self.serf.members;
        let own = u32::from(members.status(self.serf.me) == Status::Alive);
        members.count(Status::Alive) > own
    }
}
