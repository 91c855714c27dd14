//! One node alone with a recorder: what a test says to it, and what it does.

#![allow(dead_code, reason = "each test binary uses its own part")]

use wavetank_protocol::{
    Config, Span, Time,
    belief::{AddressId, Attributes, AttributesId, Belief, BeliefId, MemberId, Roster, Status},
    message::{Envelope, Head, Message, Packet, Purpose},
    order::Order,
    queue::Item,
    rng::Keys,
    swim::{Action, Env, Event, Identity, Input, Node, Outbox, Rest, World},
    view::{PlainTable, PlainView, SnapshotId, Snapshots, View},
};

/// Everything a node did, in order.
#[derive(Debug, Default)]
pub struct Recorder {
    pub sent: Vec<(Time, AddressId, Head, Vec<Message>)>,
    pub actions: Vec<(Time, Action)>,
    pub events: Vec<(Time, Event)>,
    pub now: Time,
}

impl Outbox for Recorder {
    fn send(&mut self, to: AddressId, packet: Packet<'_>) {
        self.sent.push((self.now, to, packet.head, packet.messages.to_vec()));
    }

    fn exchange(&mut self, action: Action) {
        self.actions.push((self.now, action));
    }

    fn emit(&mut self, event: Event) {
        self.events.push((self.now, event));
    }
}

/// A node (member 0) with everything that a call needs. Member `m` listens at address `m`.
#[derive(Debug)]
pub struct Lone {
    pub config: Config,
    pub world: World,
    pub table: PlainTable,
    pub snapshots: Snapshots,
    pub out: Recorder,
    pub node: Node,
    pub now: Time,
}

pub const ME: MemberId = MemberId(0);

fn roster(members: u32) -> Roster {
    let mut roster = Roster::new(16);
    for m in 0..members {
        roster.add_member(&format!("node-{m:02}"));
    }
    roster.add_user(5);
    roster
}

pub fn attributes(roster: &mut Roster, address: u32, meta: u32) -> AttributesId {
    let meta_len = if meta == 0 { 0 } else { 8 };
    roster.attributes_id(Attributes { address: AddressId(address), meta, meta_len, protocol: 2 })
}

impl Lone {
    /// A node at rest among `known` members at incarnation 1; `strangers` more have names. Its tickers
    /// began at 0.
    pub fn at_rest(config: Config, known: u32, strangers: u32) -> Self {
        let mut world = World::new(roster(known + strangers), Keys::new(7));
        let mut beliefs = Vec::new();
        let mut state_bytes = 0;
        for m in 0..known {
            let attributes = attributes(&mut world.roster, m, 0);
            let (member, status) = (MemberId(m), Status::Alive);
            let belief = Belief { member, status, incarnation: 1, attributes };
            state_bytes += u64::from(world.sizes.state_entry(&world.roster, belief));
            beliefs.push(world.roster.belief_id(belief));
        }
        let rest = Rest { age: 0, members: known, state_bytes };
        Self::start(config, world, PlainTable::of(beliefs), |env, identity| {
            Node::at_rest(env, identity, rest)
        })
    }

    /// A node just created, with nobody known to it.
    pub fn created(config: Config, strangers: u32) -> Self {
        let world = World::new(roster(1 + strangers), Keys::new(7));
        Self::start(config, world, PlainTable::default(), |env, identity| {
            Node::create(env, identity, 1)
        })
    }

    fn start(
        config: Config,
        mut world: World,
        mut table: PlainTable,
        make: impl FnOnce(&mut Env<'_, PlainView<'_>, Recorder>, Identity) -> Node,
    ) -> Self {
        let identity =
            Identity { me: ME, attributes: attributes(&mut world.roster, 0, 0), stream: 0 };
        let mut snapshots = Snapshots::default();
        let mut out = Recorder::default();
        let node = {
            let mut view = table.with(&mut snapshots);
            let mut env =
                Env { now: 0, config: &config, world: &mut world, view: &mut view, out: &mut out };
            make(&mut env, identity)
        };
        Self { config, world, table, snapshots, out, node, now: 0 }
    }

    /// Calls the node with its surroundings.
    pub fn call(&mut self, act: impl FnOnce(&mut Node, &mut Env<'_, PlainView<'_>, Recorder>)) {
        self.out.now = self.now;
        let mut view = self.table.with(&mut self.snapshots);
        let mut env = Env {
            now: self.now,
            config: &self.config,
            world: &mut self.world,
            view: &mut view,
            out: &mut self.out,
        };
        act(&mut self.node, &mut env);
    }

    pub fn input(&mut self, input: Input<'_>) {
        self.call(|node, env| node.handle(env, input));
    }

    /// Wakes it whenever it wants, up to and including a time.
    pub fn run_until(&mut self, until: Time) {
        while self.node.next_wake() <= until {
            self.now = self.now.max(self.node.next_wake());
            self.input(Input::Wake);
        }
        self.now = self.now.max(until);
    }

    /// The same, and these members answer pings at once.
    pub fn run_answered(&mut self, until: Time, answers: impl Fn(u32) -> bool) {
        while self.node.next_wake() <= until {
            self.now = self.now.max(self.node.next_wake());
            let before = self.out.sent.len();
            self.input(Input::Wake);
            for i in before..self.out.sent.len() {
                if let Head::Ping { seq, target, .. } = self.out.sent[i].2
                    && answers(target.0)
                {
                    self.packet(target.0, Head::Ack { seq, payload: false }, &[]);
                }
            }
        }
        self.now = self.now.max(until);
    }

    pub fn run_for(&mut self, span: Span) {
        self.run_until(self.now + span);
    }

    pub fn packet(&mut self, from: u32, head: Head, messages: &[Message]) {
        let purpose = if head == Head::None { Purpose::Gossip } else { Purpose::Probe };
        let packet = Packet {
            head,
            messages,
            payload: None,
            envelope: Envelope::default(),
            len: 0,
            purpose,
        };
        self.input(Input::Packet { from: AddressId(from), packet });
    }

    pub fn hear(&mut self, message: Message) {
        self.packet(1, Head::None, &[message]);
    }

    pub fn alive(&mut self, member: u32, incarnation: u32) -> Message {
        self.alive_at(member, incarnation, member, 0)
    }

    pub fn alive_at(&mut self, member: u32, incarnation: u32, address: u32, meta: u32) -> Message {
        Message::alive(self.state(member, Status::Alive, incarnation, address, meta))
    }

    /// A whole belief, as a list of states has it.
    pub fn state(
        &mut self,
        member: u32,
        status: Status,
        incarnation: u32,
        address: u32,
        meta: u32,
    ) -> BeliefId {
        let attributes = attributes(&mut self.world.roster, address, meta);
        let member = MemberId(member);
        self.world.roster.belief_id(Belief { member, status, incarnation, attributes })
    }

    pub fn suspect(&mut self, member: u32, incarnation: u32, from: u32) -> Message {
        let roster = &mut self.world.roster;
        let claim = roster.accusation(MemberId(member), Status::Suspect, incarnation);
        Message::suspect(claim, MemberId(from))
    }

    pub fn dead(&mut self, member: u32, incarnation: u32, from: u32) -> Message {
        let roster = &mut self.world.roster;
        let claim = roster.accusation(MemberId(member), Status::Dead, incarnation);
        Message::dead(claim, MemberId(from))
    }

    /// A list of states in flight, in this order.
    pub fn list(&mut self, states: &[BeliefId]) -> SnapshotId {
        let mut table = PlainTable::default();
        let mut order = Order::default();
        let mut rng = Keys::new(1).stream(0);
        for &id in states {
            let member = self.world.roster.belief(id).member;
            if table.get(member).is_none() {
                order.insert(member, &mut rng);
            }
            table.with(&mut self.snapshots).set(member, id);
        }
        table.with(&mut self.snapshots).snapshot(&order)
    }

    /// What it believes about a member: status and incarnation.
    pub fn record(&self, member: u32) -> Option<(Status, u32)> {
        let belief = self.world.roster.belief(self.table.get(MemberId(member))?);
        Some((belief.status, belief.incarnation))
    }

    pub fn queue(&self) -> Vec<(u32, Item)> {
        self.node.queue().items().collect()
    }

    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.out.events.iter().map(|(_, event)| event)
    }

    /// When its probes began.
    pub fn probe_starts(&self) -> Vec<Time> {
        let probing =
            |(at, event): &(Time, Event)| matches!(event, Event::Probing { .. }).then_some(*at);
        self.out.events.iter().filter_map(probing).collect()
    }

    pub fn audit(&mut self) -> Result<(), String> {
        let view = self.table.with(&mut self.snapshots);
        self.node.audit(&self.config, &self.world, &view)?;
        if self.table.known() != self.node.known() {
            return Err(format!("{} known, {} in the view", self.node.known(), self.table.known()));
        }
        Ok(())
    }
}
