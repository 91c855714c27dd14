//! Events as lines: names instead of ids, times in whole nanoseconds, keys in a fixed order.

use std::{
    cell::Cell,
    fmt::Write as _,
    io::{ErrorKind, Write},
};

use wavetank::{
    protocol::{
        Time,
        belief::{MemberId, Roster, Status},
        message::{Head, Message, MessageKind, Packet},
        serf::{self, ledger::Ledger},
        swim::{Event, Node, ProbeEnd, Via},
    },
    sim_core::{net::Drop, plan::Plan},
    watch::{Scene, Watch},
};

/// Kinds of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Datagrams sent
    Sent,
    /// Datagrams that arrived
    Delivered,
    /// Datagrams that did not, and why
    Lost,
    /// Deadlines of a node
    Timer,
    /// Changes of belief
    State,
    /// Probes and how they end
    Probe,
    /// Confirmations, expiries, refutations
    Suspicion,
    /// The health score
    Health,
    /// Steps of streams
    Stream,
    /// Processes that start or stop
    Process,
    /// What the timeline does
    Script,
    /// What Serf's layer tells: members, intents, events, queries, queues, coordinates
    Serf,
    /// Everything else that a node tells
    Other,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Lost => "lost",
            Self::Timer => "timer",
            Self::State => "state",
            Self::Probe => "probe",
            Self::Suspicion => "suspicion",
            Self::Health => "health",
            Self::Stream => "stream",
            Self::Process => "process",
            Self::Script => "script",
            Self::Serf => "serf",
            Self::Other => "other",
        }
    }
}

/// Which lines are wanted.
#[derive(Clone, Debug)]
pub struct Filter {
    pub node: Option<String>,
    pub about: Option<String>,
    pub from: Time,
    pub to: Time,
    /// Empty: all.
    pub kinds: Vec<Kind>,
}

/// Writes the lines.
pub struct Lines<'a, O> {
    out: O,
    plan: &'a Plan,
    filter: Filter,
    broken: &'a Cell<Option<ErrorKind>>,
    /// The member on each slot.
    members: Vec<Option<MemberId>>,
    pub(super) line: String,
    /// The line names whom it shall be about.
    hit: bool,
}

impl<'a, O: Write> Lines<'a, O> {
    pub fn new(
        out: O,
        plan: &'a Plan,
        filter: Filter,
        broken: &'a Cell<Option<ErrorKind>>,
    ) -> Self {
        let members = vec![None; plan.cluster.slots() as usize];
        Self { out, plan, filter, broken, members, line: String::new(), hit: false }
    }

    pub fn into_inner(self) -> O {
        self.out
    }

    /// Begins a line; false if none of its kind, time and node is wanted.
    fn begin(&mut self, now: Time, kind: Kind) -> bool {
        let kinds = &self.filter.kinds;
        if now < self.filter.from
            || now > self.filter.to
            || !(kinds.is_empty() || kinds.contains(&kind))
            || self.broken.get().is_some()
        {
            return false;
        }
        self.line.clear();
        self.hit = false;
        let _ = write!(self.line, "{{\"time_ns\":{now},\"kind\":\"{}\"", kind.name());
        true
    }

    /// Begins a line at a node.
    fn at(&mut self, scene: Scene<'_>, kind: Kind) -> bool {
        if !self.begin(scene.now, kind) {
            return false;
        }
        let name = self.slot_name(scene.roster, scene.slot);
        if self.filter.node.as_ref().is_some_and(|wanted| *wanted != name) {
            return false;
        }
        self.name("node", &name);
        true
    }

    fn end(&mut self) {
        if self.filter.about.is_some() && !self.hit {
            return;
        }
        self.line.push_str("}\n");
        if let Err(error) = self.out.write_all(self.line.as_bytes()) {
            self.broken.set(Some(error.kind()));
        }
    }

    fn slot_name(&self, roster: &Roster, slot: u32) -> String {
        match self.members.get(slot as usize).copied().flatten() {
            Some(member) => roster.name(member).to_owned(),
            None => self.plan.cluster.name(slot),
        }
    }

    pub(super) fn key(&mut self, key: &str) {
        if !self.line.ends_with(['{', '[']) {
            self.line.push(',');
        }
        let _ = write!(self.line, "\"{key}\":");
    }

    pub(super) fn number(&mut self, key: &str, value: u64) {
        self.key(key);
        let _ = write!(self.line, "{value}");
    }

    pub(super) fn word(&mut self, key: &str, value: &str) {
        self.key(key);
        // Names come from the scenario and may hold anything.
        self.line.push_str(&serde_json::Value::from(value).to_string());
    }

    fn name(&mut self, key: &str, name: &str) {
        self.hit |= self.filter.about.as_ref().is_some_and(|about| about == name);
        self.word(key, name);
    }

    pub(super) fn member(&mut self, key: &str, roster: &Roster, member: MemberId) {
        self.name(key, roster.name(member));
    }

    fn packet(&mut self, roster: &Roster, packet: &Packet<'_>) {
        match packet.head {
            Head::None => self.word("head", "none"),
            Head::Ping { seq, target, .. } => {
                self.word("head", "ping");
                self.number("seq", seq.into());
                self.member("target", roster, target);
            }
            Head::IndirectPing { seq, target, nack, .. } => {
                self.word("head", "indirect-ping");
                self.number("seq", seq.into());
                self.member("target", roster, target);
                self.key("nack");
                self.line.push_str(if nack { "true" } else { "false" });
            }
            Head::Ack { seq, .. } => {
                self.word("head", "ack");
                self.number("seq", seq.into());
            }
            Head::Nack { seq } => {
                self.word("head", "nack");
                self.number("seq", seq.into());
            }
        }
        self.number("bytes", packet.len.into());
        self.key("messages");
        self.line.push('[');
        for message in packet.messages {
            if !self.line.ends_with('[') {
                self.line.push(',');
            }
            self.line.push('{');
            self.message(roster, *message);
            self.line.push('}');
        }
        self.line.push(']');
    }

    fn message(&mut self, roster: &Roster, message: Message) {
        let kind = match message.kind() {
            MessageKind::Alive => "alive",
            MessageKind::Suspect => "suspect",
            MessageKind::Dead => "dead",
            MessageKind::User => {
                self.word("message", "user");
                self.number("number", message.belief().0.into());
                return;
            }
        };
        self.word("message", kind);
        let belief = roster.belief(message.belief());
        self.member("about", roster, belief.member);
        self.number("incarnation", belief.incarnation.into());
        if message.kind() != MessageKind::Alive {
            self.member("by", roster, message.from());
        }
    }

    /// What a node told.
    fn told(&mut self, roster: &Roster, event: &Event) {
        match *event {
            Event::Believed { member, old, new, from, via } => {
                self.member("about", roster, member);
                let old = old.map_or("unknown", |old| status(roster.belief(old).status));
                self.word("old", old);
                let new = roster.belief(new);
                self.word("new", status(new.status));
                self.number("incarnation", new.incarnation.into());
                self.member("by", roster, from);
                self.word("via", way(via));
            }
            Event::Reaped { member, old } => {
                self.member("about", roster, member);
                self.word("old", status(roster.belief(old).status));
                self.word("new", "unknown");
            }
            Event::Confirmed { member, from } => {
                self.word("what", "confirmed");
                self.member("about", roster, member);
                self.member("by", roster, from);
            }
            Event::SuspicionExpired { member, confirmations, expected, since } => {
                self.word("what", "expired");
                self.member("about", roster, member);
                self.number("confirmations", confirmations.into());
                self.number("expected", expected.into());
                self.number("since_ns", since);
            }
            Event::Refuted { incarnation } => {
                self.word("what", "refuted");
                self.number("incarnation", incarnation.into());
            }
            Event::Conflict { member } => {
                self.word("what", "conflict");
                self.member("about", roster, member);
            }
            Event::Health { old, new } => {
                self.number("old", old.into());
                self.number("new", new.into());
            }
            Event::Probing { target, seq } => {
                self.word("what", "begun");
                self.member("about", roster, target);
                self.number("seq", seq.into());
            }
            Event::ProbeTimeout { target } => {
                self.word("what", "no direct ack");
                self.member("about", roster, target);
            }
            Event::Probed { target, end, after } => {
                self.word("what", probe_end(end));
                self.member("about", roster, target);
                self.number("after_ns", after);
            }
            Event::Handled { kind } => {
                self.word("what", "handled");
                self.word("message", status(kind));
            }
            Event::HandoffDropped => self.word("what", "handoff dropped"),
            Event::Replaced => self.word("what", "broadcast replaced"),
            Event::UserMessage { user } => {
                self.word("what", "user message");
                self.number("number", user.into());
            }
            Event::Joined { successes, .. } => {
                self.word("what", "joined");
                self.number("successes", successes.into());
            }
            Event::LeaveReturned { in_time } | Event::UpdateReturned { in_time } => {
                let leave = matches!(event, Event::LeaveReturned { .. });
                self.word("what", if leave { "leave returned" } else { "update returned" });
                self.key("in_time");
                self.line.push_str(if in_time { "true" } else { "false" });
            }
            Event::Merged { .. } => self.word("what", "merged"),
            Event::ExchangeFailed => self.word("what", "exchange failed"),
        }
    }
}

impl<O: Write> Watch for Lines<'_, O> {
    const PACKETS: bool = true;

    fn serf(&mut self, scene: Scene<'_>, ledger: &Ledger, event: &serf::Event) {
        if self.at(scene, Kind::Serf) {
            self.serf_told(scene.roster, ledger, event);
            self.end();
        }
    }

    fn sent(&mut self, scene: Scene<'_>, to: u32, packet: &Packet<'_>) {
        if self.at(scene, Kind::Sent) {
            let to = self.slot_name(scene.roster, to);
            self.name("to", &to);
            self.packet(scene.roster, packet);
            self.end();
        }
    }

    fn delivered(&mut self, scene: Scene<'_>, from: u32, packet: &Packet<'_>) {
        if self.at(scene, Kind::Delivered) {
            let from = self.slot_name(scene.roster, from);
            self.name("from", &from);
            self.packet(scene.roster, packet);
            self.end();
        }
    }

    fn lost(&mut self, scene: Scene<'_>, to: u32, why: Option<Drop>) {
        if self.at(scene, Kind::Lost) {
            let to = self.slot_name(scene.roster, to);
            self.name("to", &to);
            self.word(
                "why",
                match why {
                    Some(Drop::Loss) => "loss",
                    Some(Drop::Corrupt) => "corrupt",
                    Some(Drop::Full) => "queue full",
                    Some(Drop::Cut) => "cut",
                    None => "nobody there",
                },
            );
            self.end();
        }
    }

    fn event(&mut self, scene: Scene<'_>, event: &Event) {
        let kind = match event {
            Event::Believed { .. } | Event::Reaped { .. } => Kind::State,
            Event::Probing { .. } | Event::ProbeTimeout { .. } | Event::Probed { .. } => {
                Kind::Probe
            }
            Event::Confirmed { .. } | Event::SuspicionExpired { .. } | Event::Refuted { .. } => {
                Kind::Suspicion
            }
            Event::Health { .. } => Kind::Health,
            Event::Conflict { .. }
            | Event::Handled { .. }
            | Event::HandoffDropped
            | Event::Replaced
            | Event::UserMessage { .. }
            | Event::Joined { .. }
            | Event::LeaveReturned { .. }
            | Event::UpdateReturned { .. }
            | Event::Merged { .. }
            | Event::ExchangeFailed => Kind::Other,
        };
        if self.at(scene, kind) {
            self.told(scene.roster, event);
            self.end();
        }
    }

    fn woke(&mut self, scene: Scene<'_>, _node: &Node) {
        if self.at(scene, Kind::Timer) {
            self.end();
        }
    }

    fn stream(&mut self, scene: Scene<'_>, to: u32, what: &'static str, bytes: u64) {
        if self.at(scene, Kind::Stream) {
            let to = self.slot_name(scene.roster, to);
            self.name("to", &to);
            self.word("what", what);
            self.number("bytes", bytes);
            self.end();
        }
    }

    fn process(&mut self, scene: Scene<'_>, name: MemberId, what: &'static str) {
        let slot = scene.slot as usize;
        if slot >= self.members.len() {
            self.members.resize(slot + 1, None);
        }
        self.members[slot] = Some(name);
        if self.at(scene, Kind::Process) {
            self.word("what", what);
            self.end();
        }
    }

    fn script(&mut self, now: Time, event: &str, verb: &'static str, slots: &[u32]) {
        // The timeline is nobody's own doing: `--node` wants those entries that name the node.
        if !self.begin(now, Kind::Script) {
            return;
        }
        self.word("event", event);
        self.word("what", verb);
        self.key("nodes");
        self.line.push('[');
        let mut named = false;
        for &slot in slots {
            if !self.line.ends_with('[') {
                self.line.push(',');
            }
            // The roster is not at hand; a slot keeps its first name here.
            let name = self.plan.cluster.name(slot);
            self.hit |= self.filter.about.as_ref().is_some_and(|about| *about == name);
            named |= self.filter.node.as_ref().is_some_and(|node| *node == name);
            self.line.push_str(&serde_json::Value::from(name).to_string());
        }
        self.line.push(']');
        if self.filter.node.is_none() || named {
            self.end();
        }
    }
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Alive => "alive",
        Status::Suspect => "suspect",
        Status::Dead => "dead",
        Status::Left => "left",
    }
}

fn way(via: Via) -> &'static str {
    match via {
        Via::Packet => "packet",
        Via::PushPull => "push/pull",
        Via::Own => "own",
    }
}

fn probe_end(end: ProbeEnd) -> &'static str {
    match end {
        ProbeEnd::Direct => "direct ack",
        ProbeEnd::Late => "late or relayed ack",
        ProbeEnd::Stream => "saved by a stream",
        ProbeEnd::Failed => "failed",
        ProbeEnd::Unsent => "could not be written",
    }
}
