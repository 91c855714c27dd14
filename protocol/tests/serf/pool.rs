//! Serf nodes without a network: each does what a test says, and what it sends waits until a test lets it
//! arrive. Time is a number; packets and streams arrive at once or not at all.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use wavetank_protocol::{
    Config, Span, Time,
    belief::{AddressId, Attributes, AttributesId, Belief, MemberId, Roster, Status},
    message::{AckPayload, Envelope, Head, Message, Packet, Purpose},
    order::Order,
    rng::Keys,
    serf::{
        self, Agent, Event, Serf, SerfOutbox, Start,
        event::QueueName,
        ledger::{Answer, Content, Question, QuestionId, Text, TextId},
        members::Resting,
    },
    swim::{self, Action, Env, Identity, Input, Node, Outbox, Rest, Step, StreamMessage, World},
    view::{PlainTable, PlainView, SnapshotId, Snapshots},
};

/// What a node sent.
#[derive(Clone, Debug)]
pub enum Sent {
    Packet { to: AddressId, head: Head, messages: Vec<Message>, payload: Option<AckPayload> },
    Action(Action),
}

/// What a node did.
#[derive(Debug, Default)]
pub struct Recorder {
    pub now: Time,
    pub sent: VecDeque<Sent>,
    pub told: Vec<(Time, Event)>,
    pub swim: Vec<swim::Event>,
}

impl Outbox for Recorder {
    fn send(&mut self, to: AddressId, packet: Packet<'_>) {
        let Packet { head, messages, payload, .. } = packet;
        let (messages, payload) = (messages.to_vec(), payload.copied());
        self.sent.push_back(Sent::Packet { to, head, messages, payload });
    }

    fn exchange(&mut self, action: Action) {
        self.sent.push_back(Sent::Action(action));
    }

    fn emit(&mut self, event: swim::Event) {
        self.swim.push(event);
    }
}

impl SerfOutbox for Recorder {
    fn tell(&mut self, event: Event) {
        self.told.push((self.now, event));
    }
}

/// One node.
#[derive(Debug)]
pub struct One {
    pub node: Node,
    pub serf: Serf,
    pub table: PlainTable,
    pub out: Recorder,
    pub config: Config,
}

/// Some nodes, by member; members without a node have a name and an address alone. Member `m` listens at
/// address `m`.
#[derive(Debug)]
pub struct Pool {
    pub now: Time,
    pub world: World,
    pub snapshots: Snapshots,
    pub agents: BTreeMap<u32, One>,
    /// What is sent stays where it is, to be looked at.
    pub keeps: bool,
    /// Pairs that cannot reach each other, in either direction.
    pub cut: BTreeSet<(u32, u32)>,
    streams: Vec<(u32, u32)>,
    dialled: BTreeMap<(u32, u32), u32>,
}

/// Settings in which nothing happens by itself: no probes, no push/pull, no coalescers.
pub fn quiet() -> Config {
    let serf = Some(serf::Config::library());
    Config { probe_interval: 0, push_pull_interval: 0, serf, ..Config::lan() }
}

/// The same with changed settings of Serf's.
pub fn quiet_with(change: impl FnOnce(&mut serf::Config)) -> Config {
    let mut serf = serf::Config::library();
    change(&mut serf);
    Config { serf: Some(serf), ..quiet() }
}

/// Members with their addresses, as a snapshot names them.
pub fn known(members: &[u32]) -> Vec<(MemberId, AddressId)> {
    members.iter().map(|m| (MemberId(*m), AddressId(*m))).collect()
}

impl Pool {
    fn empty(names: u32) -> Self {
        let mut roster = Roster::new(4);
        for m in 0..names {
            roster.add_member(&format!("node-{m:02}"));
        }
        Self {
            now: 0,
            world: World::new(roster, Keys::new(7)),
            snapshots: Snapshots::default(),
            agents: BTreeMap::new(),
            keeps: false,
            cut: BTreeSet::new(),
            streams: Vec::new(),
            dialled: BTreeMap::new(),
        }
    }

    /// The first `running` of `known` members that know each other, at rest: all alive, member `m`
    /// since the intent of time `m`, all member clocks at `known`. `strangers` more have names.
    pub fn at_rest(config: &Config, running: u32, known: u32, strangers: u32) -> Self {
        let mut pool = Self::empty(known + strangers);
        let mut beliefs = Vec::new();
        let mut all = Vec::new();
        let mut state_bytes = 0;
        for m in 0..known {
            let attributes = pool.attributes(m, 0);
            let (member, status) = (MemberId(m), Status::Alive);
            let belief = Belief { member, status, incarnation: 1, attributes };
            state_bytes += u64::from(pool.world.sizes.state_entry(&pool.world.roster, belief));
            beliefs.push(pool.world.roster.belief_id(belief));
            all.push(attributes);
        }
        let resting = Resting::new(&pool.world.roster, &all);
        for m in 0..running {
            let rest = Rest { age: 0, members: known, state_bytes };
            pool.add(m, config, PlainTable::of(beliefs.clone()), |env, identity| {
                Serf::at_rest(env, identity, rest, (&resting, 0))
            });
        }
        pool
    }

    /// A node as `Create` leaves it.
    pub fn create(&mut self, m: u32, config: &Config, start: Start) {
        self.add(m, config, PlainTable::default(), |env, identity| {
            Serf::create(env, identity, 1, start)
        });
    }

    /// `running` nodes just created, of whom nobody knows anybody; `strangers` more have names.
    pub fn created(config: &Config, running: u32, strangers: u32) -> Self {
        let mut pool = Self::empty(running + strangers);
        for m in 0..running {
            pool.create(m, config, Start::default());
        }
        pool
    }

    fn add(
        &mut self,
        m: u32,
        config: &Config,
        mut table: PlainTable,
        make: impl FnOnce(&mut Env<'_, PlainView<'_>, Recorder>, Identity) -> (Node, Serf),
    ) {
        let attributes = self.attributes(m, 0);
        // A process's draws are its own: so are those of its next life.
        let stream = m + 100 * u32::from(self.agents.contains_key(&m));
        let identity = Identity { me: MemberId(m), attributes, stream };
        let mut out = Recorder { now: self.now, ..Recorder::default() };
        let (node, serf) = {
            let mut view = table.with(&mut self.snapshots);
            let mut env = Env {
                now: self.now,
                config,
                world: &mut self.world,
                view: &mut view,
                out: &mut out,
            };
            make(&mut env, identity)
        };
        self.agents.insert(m, One { node, serf, table, out, config: config.clone() });
    }

    pub fn attributes(&mut self, address: u32, meta: u32) -> AttributesId {
        let meta_len = if meta == 0 { 0 } else { 8 };
        let address = AddressId(address);
        let attributes = Attributes { address, meta, meta_len, protocol: 2 };
        self.world.roster.attributes_id(attributes)
    }

    /// Lets a node do something.
    pub fn call<R>(
        &mut self,
        m: u32,
        act: impl FnOnce(&mut Agent<'_>, &mut Env<'_, PlainView<'_>, Recorder>) -> R,
    ) -> R {
        let now = self.now;
        let One { node, serf, table, out, config } = self.agents.get_mut(&m).expect("it runs");
        out.now = now;
        let mut view = table.with(&mut self.snapshots);
        let mut env = Env { now, config, world: &mut self.world, view: &mut view, out };
        act(&mut Agent { swim: node, serf }, &mut env)
    }

    pub fn input(&mut self, m: u32, input: Input<'_>) {
        self.call(m, |agent, env| agent.handle(env, input));
    }

    // ---- What is said to a node.

    /// A message of Serf's in the ledger, of so many bytes.
    pub fn message_of(&mut self, content: Content, len: u32) -> u32 {
        let World { roster, serf, .. } = &mut self.world;
        serf.ledger.add(roster, content, len)
    }

    pub fn packet(&mut self, m: u32, messages: &[Message]) {
        self.headed(m, Head::None, messages, None);
    }

    fn headed(&mut self, m: u32, head: Head, messages: &[Message], payload: Option<&AckPayload>) {
        let purpose = if head == Head::None { Purpose::Gossip } else { Purpose::Probe };
        let envelope = Envelope::default();
        let packet = Packet { head, messages, payload, envelope, len: 0, purpose };
        self.input(m, Input::Packet { from: AddressId(0), packet });
    }

    /// A message of Serf's arrives alone; gives its number.
    pub fn hear(&mut self, m: u32, content: Content) -> u32 {
        let user = self.message_of(content, 40);
        self.packet(m, &[Message::user(user)]);
        user
    }

    pub fn hear_join(&mut self, m: u32, about: u32, ltime: u64) -> u32 {
        self.hear(m, Content::Join { ltime, member: MemberId(about) })
    }

    pub fn hear_leave(&mut self, m: u32, about: u32, ltime: u64) -> u32 {
        self.hear(m, Content::Leave { ltime, member: MemberId(about), prune: false })
    }

    pub fn hear_prune(&mut self, m: u32, about: u32, ltime: u64) -> u32 {
        self.hear(m, Content::Leave { ltime, member: MemberId(about), prune: true })
    }

    pub fn text(&mut self, name: &str) -> TextId {
        self.world.serf.ledger.text_id(Text { name: name.to_owned(), payload: None })
    }

    pub fn hear_event(&mut self, m: u32, name: &str, ltime: u64) -> u32 {
        let text = self.text(name);
        self.hear(m, Content::Event { ltime, text, coalesce: false })
    }

    /// Fires a user event; gives its Lamport time.
    pub fn fire(&mut self, m: u32, name: &str, coalesce: bool) -> u64 {
        let text = self.text(name);
        self.call(m, |agent, env| agent.user_event(env, text, coalesce)).expect("it is short")
    }

    /// A question with acks, and answers after a time if one is given.
    pub fn question(&mut self, relay_factor: u8, answer_after: Option<Span>) -> QuestionId {
        let text = self.text("load");
        let answer = answer_after.map(|t| Answer { payload: vec![7; 4], after: (t, t) });
        self.world.serf.ledger.add_question(Question {
            text,
            filters: Vec::new(),
            ack: true,
            relay_factor,
            timeout: 0,
            answer,
            internal: None,
        })
    }

    /// Asks; gives Lamport time and number.
    pub fn ask(&mut self, m: u32, question: QuestionId) -> (u64, u32) {
        let asked = self.call(m, |agent, env| agent.query(env, question));
        asked.expect("it is short").expect("queries are known")
    }

    /// Memberlist's alive message.
    pub fn alive(&mut self, member: u32, incarnation: u32) -> Message {
        self.alive_as(member, incarnation, member, 0)
    }

    pub fn alive_as(&mut self, member: u32, incarnation: u32, address: u32, meta: u32) -> Message {
        let attributes = self.attributes(address, meta);
        let (member, status) = (MemberId(member), Status::Alive);
        let belief = Belief { member, status, incarnation, attributes };
        Message::alive(self.world.roster.belief_id(belief))
    }

    /// Memberlist's dead message.
    pub fn dead(&mut self, member: u32, incarnation: u32, from: u32) -> Message {
        let roster = &mut self.world.roster;
        let claim = roster.accusation(MemberId(member), Status::Dead, incarnation);
        Message::dead(claim, MemberId(from))
    }

    pub fn comes(&mut self, m: u32, member: u32, incarnation: u32) {
        let message = self.alive(member, incarnation);
        self.packet(m, &[message]);
    }

    pub fn dies(&mut self, m: u32, member: u32, incarnation: u32) {
        let message = self.dead(member, incarnation, m);
        self.packet(m, &[message]);
    }

    // ---- Push/pull.

    /// A list of nobody.
    fn nothing(&mut self) -> SnapshotId {
        use wavetank_protocol::view::View;
        PlainTable::default().with(&mut self.snapshots).snapshot(&Order::default())
    }

    fn release(&mut self, message: StreamMessage) {
        if let StreamMessage::State { snapshot, user, .. } = message {
            self.snapshots.release(snapshot);
            self.world.serf.release(user);
        }
    }

    /// What a node would say in a push/pull now.
    pub fn state_of(&mut self, m: u32) -> StreamMessage {
        let snapshot = self.nothing();
        let message = StreamMessage::State { snapshot, join: false, user: 0 };
        self.input(m, Input::Stream(Step::Request { stream: 0, message }));
        self.release(message);
        let out = &mut self.agents.get_mut(&m).expect("it runs").out;
        match out.sent.pop_back() {
            Some(Sent::Action(Action::Reply { message, .. })) => message,
            other => panic!("a request is answered: {other:?}"),
        }
    }

    /// The same state with an empty list of memberlist's.
    pub fn without_list(&mut self, state: StreamMessage) -> StreamMessage {
        let StreamMessage::State { snapshot, user, join } = state else { panic!("{state:?}") };
        self.snapshots.release(snapshot);
        StreamMessage::State { snapshot: self.nothing(), user, join }
    }

    /// A node merges a state, which stays in flight.
    pub fn merge(&mut self, m: u32, state: StreamMessage, is_join: bool) {
        let StreamMessage::State { snapshot, user, .. } = state else { panic!("{state:?}") };
        let message = StreamMessage::State { snapshot, join: is_join, user };
        self.input(m, Input::Stream(Step::Request { stream: 0, message }));
        let out = &mut self.agents.get_mut(&m).expect("it runs").out;
        let Some(Sent::Action(Action::Reply { message, .. })) = out.sent.pop_back() else {
            panic!("a request is answered");
        };
        self.release(message);
    }

    /// One node hears another's state.
    pub fn learn(&mut self, m: u32, from: u32) {
        let state = self.state_of(from);
        self.merge(m, state, false);
        self.release(state);
    }

    /// A push/pull: both take their states before they merge.
    pub fn push_pull(&mut self, a: u32, b: u32) {
        let (of_a, of_b) = (self.state_of(a), self.state_of(b));
        self.merge(b, of_a, false);
        self.merge(a, of_b, false);
        self.release(of_a);
        self.release(of_b);
    }

    /// The application joins, all the way.
    pub fn join(&mut self, m: u32, via: u32) {
        self.call(m, |agent, env| agent.join(env, &[AddressId(via)]));
        self.deliver();
    }

    // ---- Delivery and time.

    fn reaches(&self, a: u32, b: u32) -> bool {
        let cut = self.cut.contains(&(a, b)) || self.cut.contains(&(b, a));
        self.agents.contains_key(&b) && !cut
    }

    /// Lets everything arrive that was sent, and what is sent in answer.
    pub fn deliver(&mut self) {
        while let Some((from, sent)) = self.next_sent() {
            match sent {
                Sent::Packet { to, head, messages, payload } => {
                    if self.reaches(from, to.0) {
                        self.headed(to.0, head, &messages, payload.as_ref());
                    }
                }
                Sent::Action(action) => self.act(from, action),
            }
        }
    }

    /// Everything that was sent is lost.
    pub fn lose(&mut self) {
        while let Some((_, sent)) = self.next_sent() {
            if let Sent::Action(Action::Send { message, .. } | Action::Reply { message, .. }) = sent
            {
                self.release(message);
            }
        }
    }

    fn next_sent(&mut self) -> Option<(u32, Sent)> {
        let pop = |(m, one): (&u32, &mut One)| Some((*m, one.out.sent.pop_front()?));
        self.agents.iter_mut().find_map(pop)
    }

    fn act(&mut self, from: u32, action: Action) {
        match action {
            Action::Dial { token, to, .. } => {
                let step = if self.reaches(from, to.0) {
                    self.dialled.insert((from, token), to.0);
                    Step::Connected { token }
                } else {
                    Step::Failed { token }
                };
                self.input(from, Input::Stream(step));
            }
            Action::Send { token, message, .. } => {
                if let Some(to) = self.dialled.remove(&(from, token)) {
                    self.streams.push((from, token));
                    let stream = self.streams.len() as u32;
                    self.input(to, Input::Stream(Step::Request { stream, message }));
                }
                self.release(message);
            }
            Action::Reply { stream, message, .. } => {
                let (to, token) = self.streams[stream as usize - 1];
                self.input(to, Input::Stream(Step::Reply { token, message }));
                self.release(message);
            }
            Action::Close { token } => {
                self.dialled.remove(&(from, token));
            }
        }
    }

    /// When a node wants to be woken.
    pub fn wake_of(&self, m: u32) -> Time {
        let one = &self.agents[&m];
        one.node.next_wake().min(one.serf.next_wake())
    }

    /// Wakes all whenever they want, up to and including a time, and lets all they send arrive,
    /// unless it is kept.
    pub fn run_until(&mut self, until: Time) {
        let all: Vec<u32> = self.agents.keys().copied().collect();
        while let Some(next) = all.iter().map(|m| self.wake_of(*m)).min().filter(|t| *t <= until) {
            self.now = self.now.max(next);
            for &m in &all {
                if self.wake_of(m) <= self.now {
                    self.input(m, Input::Wake);
                }
            }
            if !self.keeps {
                self.deliver();
            }
        }
        self.now = self.now.max(until);
    }

    pub fn run_for(&mut self, span: Span) {
        self.run_until(self.now + span);
    }

    // ---- What is seen.

    pub fn serf(&self, m: u32) -> &Serf {
        &self.agents[&m].serf
    }

    /// As what a node holds a member, and since which Lamport time.
    pub fn held(&self, m: u32, member: u32) -> (serf::Status, u64) {
        let record = self.serf(m).members().get(MemberId(member));
        (record.status, record.ltime)
    }

    pub fn status(&self, m: u32, member: u32) -> serf::Status {
        self.held(m, member).0
    }

    pub fn told(&self, m: u32) -> impl DoubleEndedIterator<Item = &Event> {
        self.agents[&m].out.told.iter().map(|(_, event)| event)
    }

    /// What it told since last asked.
    pub fn news(&mut self, m: u32) -> Vec<Event> {
        let told = std::mem::take(&mut self.agents.get_mut(&m).expect("it runs").out.told);
        told.into_iter().map(|(_, event)| event).collect()
    }

    /// When it told something.
    pub fn when(&self, m: u32, what: impl Fn(&Event) -> bool) -> Vec<Time> {
        let told = &self.agents[&m].out.told;
        told.iter().filter(|(_, e)| what(e)).map(|(at, _)| *at).collect()
    }

    /// Messages in a queue, in its order.
    pub fn queued(&self, m: u32, queue: QueueName) -> Vec<u32> {
        let items = self.serf(m).queues().queue(queue).items();
        items.map(|(_, item)| item.message.belief().0).collect()
    }

    /// What the messages of a queue say.
    pub fn contents(&self, m: u32, queue: QueueName) -> Vec<Content> {
        let content = |user: u32| self.world.serf.ledger.content(user);
        self.queued(m, queue).into_iter().map(content).collect()
    }

    /// How often a message was sent in all, by a node whose packets were not delivered.
    pub fn copies(&self, m: u32, user: u32) -> usize {
        let messages = |sent: &Sent| match sent {
            Sent::Packet { messages, .. } => messages.clone(),
            Sent::Action(_) => Vec::new(),
        };
        let all = self.agents[&m].out.sent.iter().flat_map(messages);
        all.filter(|message| *message == Message::user(user)).count()
    }
}
