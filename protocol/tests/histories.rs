//! Random histories: whatever a node is told, and whenever, it neither panics nor contradicts itself.
//!
//! A history is a list of steps over a small world: packets with numbers and incarnations at their edges,
//! lists of states, streams under made-up tokens, freezing, calls of the application, early, late and
//! repeated wakes. After every step the node's audit must pass and each change that it told must be one
//! that the specification knows.

#![allow(clippy::unwrap_used, reason = "a test says so by panicking")]

mod common;

use std::collections::BTreeMap;

use common::{Lone, ME};
use proptest::prelude::*;
use wavetank_protocol::{
    Compat, Config, NEVER, Quirks,
    belief::{AddressId, Belief, BeliefId, MemberId, Status},
    message::{Head, Message},
    rules,
    swim::{Action, Event, Input, Joiner, Step, StreamMessage},
    time::{MILLISECOND, SECOND},
};

/// Members with a name; the node itself is the first, those it knows at the start come next.
const NAMES: u32 = 10;

/// A claim in a packet or a list, before it has ids.
#[derive(Clone, Debug)]
struct Claim {
    kind: u8,
    member: u32,
    incarnation: u32,
    from: u32,
    address: Option<u32>,
    meta: u32,
}

#[derive(Clone, Debug)]
enum Do {
    /// Lets the clock reach the next deadline, if it is not too far, and wakes the node.
    Wake,
    /// Wakes it without need.
    EarlyWake,
    /// Lets the clock run over deadlines, then wakes the node once.
    LateWake(u64),
    /// Lets time pass as it should.
    Run(u64),
    Packet {
        head: u8,
        seq: u32,
        target: u32,
        claims: Vec<Claim>,
    },
    /// The number of the last probe, answered.
    Answer {
        nack: bool,
    },
    Request {
        claims: Vec<Claim>,
    },
    RequestPing {
        seq: u32,
        target: u32,
    },
    Stream {
        step: u8,
        token: u32,
        claims: Vec<Claim>,
    },
    /// A step of the last stream that was dialled.
    Dialled {
        step: u8,
        claims: Vec<Claim>,
    },
    Freeze,
    Thaw,
    Slow(bool),
    Drain,
    Join(Vec<u32>),
    Leave(u64),
    Update {
        meta: u32,
        timeout: u64,
    },
    User {
        to: Option<u32>,
        reliable: bool,
        len: u32,
    },
}

fn number() -> impl Strategy<Value = u32> {
    prop_oneof![5 => 0u32..6, 1 => Just(u32::MAX), 1 => Just(u32::MAX - 1), 1 => any::<u32>()]
}

fn claim() -> impl Strategy<Value = Claim> {
    let address = prop_oneof![6 => Just(None), 1 => (0u32..14).prop_map(Some)];
    (0u8..5, 0..NAMES, number(), 0..NAMES, address, 0u32..3).prop_map(
        |(kind, member, incarnation, from, address, meta)| Claim {
            kind,
            member,
            incarnation,
            from,
            address,
            meta,
        },
    )
}

fn claims(most: usize) -> impl Strategy<Value = Vec<Claim>> {
    prop::collection::vec(claim(), 0..=most)
}

fn span() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        Just(1),
        (1u64..20).prop_map(|n| n * 100 * MILLISECOND),
        1..40 * SECOND,
        Just(90 * SECOND)
    ]
}

fn step() -> impl Strategy<Value = Do> {
    prop_oneof![
        8 => Just(Do::Wake),
        1 => Just(Do::EarlyWake),
        1 => span().prop_map(Do::LateWake),
        6 => span().prop_map(Do::Run),
        8 => (0u8..6, number(), 0..NAMES, claims(5))
            .prop_map(|(head, seq, target, claims)| Do::Packet { head, seq, target, claims }),
        3 => any::<bool>().prop_map(|nack| Do::Answer { nack }),
        2 => claims(10).prop_map(|claims| Do::Request { claims }),
        1 => (number(), 0..NAMES).prop_map(|(seq, target)| Do::RequestPing { seq, target }),
        1 => (0u8..4, number(), claims(6))
            .prop_map(|(step, token, claims)| Do::Stream { step, token, claims }),
        3 => (0u8..4, claims(6)).prop_map(|(step, claims)| Do::Dialled { step, claims }),
        1 => Just(Do::Freeze),
        2 => Just(Do::Thaw),
        1 => any::<bool>().prop_map(Do::Slow),
        1 => Just(Do::Drain),
        1 => prop::collection::vec(0..NAMES, 0..4).prop_map(Do::Join),
        1 => span().prop_map(Do::Leave),
        1 => (0u32..4, span()).prop_map(|(meta, timeout)| Do::Update { meta, timeout }),
        1 => (prop::option::of(0..NAMES), any::<bool>(), 0u32..2000)
            .prop_map(|(to, reliable, len)| Do::User { to, reliable, len }),
    ]
}

/// The profiles, and settings at the edges of what makes sense.
fn config() -> impl Strategy<Value = Config> {
    let profile = prop_oneof![Just(Config::lan()), Just(Config::wan()), Just(Config::local())];
    let odd = prop_oneof![
        6 => Just(0u8),
        1 => 1u8..9,
    ];
    (profile, odd, any::<bool>(), any::<bool>()).prop_map(|(config, odd, head, id_reset)| Config {
        compat: if head { Compat::Head } else { Compat::V0_2 },
        quirks: Quirks { queue_id_reset: id_reset, ..Quirks::HEAD },
        probe_interval: if odd == 1 { 0 } else { config.probe_interval },
        gossip_interval: if odd == 2 { 0 } else { config.gossip_interval },
        push_pull_interval: if odd == 3 { 0 } else { config.push_pull_interval },
        awareness_max_multiplier: if odd == 4 { 1 } else { config.awareness_max_multiplier },
        suspicion_mult: if odd == 5 { 2 } else { config.suspicion_mult },
        indirect_checks: if odd == 6 { 0 } else { config.indirect_checks },
        handoff_queue_depth: if odd == 7 { 1 } else { config.handoff_queue_depth },
        udp_buffer_size: if odd == 8 { 100 } else { config.udp_buffer_size },
        dead_node_reclaim_time: if odd == 0 && head { 20 * SECOND } else { 0 },
        ..config
    })
}

/// The node under test with what a checker of its history remembers.
struct History {
    lone: Lone,
    /// Members known at most at one time: retransmit limits go by the number known.
    most_known: u32,
    left: bool,
    checked: usize,
    /// The clock ran over a deadline.
    late: bool,
}

impl History {
    fn new(config: Config, known: u32) -> Self {
        let lone = if known == 0 {
            Lone::created(config, NAMES - 1)
        } else {
            Lone::at_rest(config, known, NAMES - known)
        };
        Self { lone, most_known: known.max(1), left: false, checked: 0, late: false }
    }

    fn message(&mut self, c: &Claim) -> Message {
        let address = c.address.unwrap_or(c.member);
        match c.kind {
            0 | 1 => self.lone.alive_at(c.member, c.incarnation, address, c.meta),
            2 => self.lone.suspect(c.member, c.incarnation, c.from),
            4 => Message::user(0),
            _ => self.lone.dead(c.member, c.incarnation, c.from),
        }
    }

    fn list(&mut self, claims: &[Claim]) -> StreamMessage {
        let mut states: Vec<BeliefId> = Vec::new();
        for c in claims {
            let status = [Status::Alive, Status::Suspect, Status::Dead, Status::Left]
                [usize::from(c.kind) % 4];
            let address = c.address.unwrap_or(c.member);
            states.push(self.lone.state(c.member, status, c.incarnation, address, c.meta));
        }
        StreamMessage::State {
            snapshot: self.lone.list(&states),
            join: claims.len().is_multiple_of(2),
            user: 0,
        }
    }

    fn stream_step(&mut self, step: u8, token: u32, claims: &[Claim]) {
        let step = match step {
            0 => Step::Connected { token },
            1 => Step::Reply { token, message: self.list(claims) },
            2 => Step::Reply { token, message: StreamMessage::Ack { seq: token } },
            _ => Step::Failed { token },
        };
        self.lone.input(Input::Stream(step));
    }

    fn perform(&mut self, what: &Do) {
        let lone = &mut self.lone;
        match what {
            Do::Wake => {
                let wake = lone.node.next_wake();
                if wake < lone.now + 120 * SECOND {
                    lone.now = lone.now.max(wake);
                    lone.input(Input::Wake);
                }
            }
            Do::EarlyWake => lone.input(Input::Wake),
            Do::LateWake(span) => {
                lone.now += span;
                lone.input(Input::Wake);
                self.late = true;
            }
            Do::Run(span) => {
                let until = lone.now + span;
                self.run_until(until);
            }
            Do::Packet { head, seq, target, claims } => {
                let target = MemberId(*target);
                let reply = AddressId(*seq % NAMES);
                let seq = *seq;
                let head = match head {
                    0 | 1 => Head::None,
                    2 => Head::Ping { seq, target, reply },
                    3 => {
                        let address = AddressId(target.0);
                        Head::IndirectPing { seq, target, address, nack: seq % 2 == 0, reply }
                    }
                    4 => Head::Ack { seq, payload: false },
                    _ => Head::Nack { seq },
                };
                let messages: Vec<Message> = claims.iter().map(|c| self.message(c)).collect();
                self.lone.packet(1, head, &messages);
            }
            Do::Answer { nack } => {
                let probing = |event: &Event| match event {
                    Event::Probing { seq, .. } => Some(*seq),
                    _ => None,
                };
                if let Some(seq) = lone.events().filter_map(probing).last() {
                    let head =
                        if *nack { Head::Nack { seq } } else { Head::Ack { seq, payload: false } };
                    lone.packet(1, head, &[]);
                }
            }
            Do::Request { claims } => {
                let message = self.list(claims);
                self.lone.input(Input::Stream(Step::Request { stream: 3, message }));
            }
            Do::RequestPing { seq, target } => {
                let message = StreamMessage::Ping { seq: *seq, target: MemberId(*target) };
                lone.input(Input::Stream(Step::Request { stream: 4, message }));
            }
            Do::Stream { step, token, claims } => self.stream_step(*step, *token, claims),
            Do::Dialled { step, claims } => {
                let dial = |(_, action): &(_, Action)| match action {
                    Action::Dial { token, .. } => Some(*token),
                    _ => None,
                };
                if let Some(token) = lone.out.actions.iter().filter_map(dial).next_back() {
                    self.stream_step(*step, token, claims);
                }
            }
            Do::Freeze => lone.input(Input::Freeze),
            Do::Thaw => lone.input(Input::Thaw),
            Do::Slow(slow) => lone.node.set_slow(*slow),
            Do::Drain => lone.input(Input::Drain),
            Do::Join(via) => {
                let via: Vec<_> = via.iter().map(|m| AddressId(*m)).collect();
                lone.call(|node, env| node.join(env, &via, Joiner::Application));
            }
            Do::Leave(timeout) => {
                lone.call(|node, env| node.leave(env, *timeout));
                self.left = true;
            }
            Do::Update { meta, timeout } => {
                let attributes = common::attributes(&mut lone.world.roster, 0, *meta);
                lone.call(|node, env| node.update(env, attributes, *timeout));
            }
            Do::User { to, reliable, len } => {
                let user = lone.world.roster.add_user(*len);
                let to = to.map(AddressId);
                lone.call(|node, env| match to {
                    None => node.broadcast_user(env, user),
                    Some(to) if *reliable => node.send_reliable(env, to, user),
                    Some(to) => node.send_best_effort(env, to, user),
                });
            }
        }
        self.catch_up();
        self.check();
    }

    /// Wakes a node that is late until nothing is due; ticks of an hour are many, but they end.
    fn catch_up(&mut self) {
        let mut wakes = 0;
        while self.late && self.lone.node.next_wake() <= self.lone.now {
            self.lone.input(Input::Wake);
            wakes += 1;
            assert!(wakes < 1000, "a late node never gets done");
        }
        self.late = false;
        assert!(self.lone.node.next_wake() >= self.lone.now, "a deadline in the past");
    }

    /// Wakes at each deadline on the way; each instant needs few wakes.
    fn run_until(&mut self, until: u64) {
        let mut here = 0;
        while self.lone.node.next_wake() <= until {
            let at = self.lone.node.next_wake();
            here = if at > self.lone.now { 0 } else { here + 1 };
            assert!(here < 100, "time stands still at {at}");
            self.lone.now = self.lone.now.max(at);
            self.lone.input(Input::Wake);
            self.check();
        }
        self.lone.now = self.lone.now.max(until);
    }

    fn check(&mut self) {
        self.lone.audit().unwrap();
        let lone = &self.lone;
        assert!(lone.node.next_wake() == NEVER || lone.node.next_wake() < NEVER / 2);
        self.most_known = self.most_known.max(lone.node.known());
        let limit = rules::retransmit_limit(lone.config.retransmit_mult, self.most_known);
        for (transmits, item) in lone.node.queue().items() {
            assert!(transmits < limit, "{item:?} was sent {transmits} of {limit} times");
        }
        assert!(lone.node.handoff_depth() <= 2 * lone.config.handoff_queue_depth as usize);
        for (_, event) in &lone.out.events[self.checked..] {
            if let Event::Believed { old, new, from, .. } = event {
                let old = old.map(|id| lone.world.roster.belief(id));
                let new = lone.world.roster.belief(*new);
                if let Err(why) = possible(lone, old, new, *from) {
                    panic!("{why}: {old:?} to {new:?} by {from:?}");
                }
            }
        }
        self.checked = lone.out.events.len();
        for (_, _, _, messages) in &lone.out.sent {
            assert!(messages.len() < 255);
        }
        self.lone.out.sent.clear();
    }
}

/// Whether a record can change like this (specification 6).
fn possible(
    lone: &Lone,
    old: Option<Belief>,
    new: Belief,
    from: MemberId,
) -> Result<(), &'static str> {
    use Status::{Alive, Dead, Left, Suspect};
    let Some(old) = old else {
        return if new.status == Alive { Ok(()) } else { Err("a stranger is not alive") };
    };
    let address = |b: Belief| lone.world.roster.attributes(b.attributes).address;
    let moved = address(old) != address(new);
    if new.member == ME {
        // An accusation of the greatest incarnation wraps the own one to 0.
        let wrapped = new.incarnation == 0;
        return match (old.status, new.status) {
            (Alive, Alive) if new.incarnation > old.incarnation || wrapped => Ok(()),
            (Alive, Left) if new.incarnation == old.incarnation && from == ME => Ok(()),
            _ => Err("impossible about itself"),
        };
    }
    let reclaim = lone.config.dead_node_reclaim_time > 0;
    match (old.status, new.status) {
        (Left, Alive) if moved => Ok(()),
        (Dead, Alive) if moved && reclaim => Ok(()),
        _ if moved => Err("moved without being gone"),
        (_, Alive) if new.incarnation > old.incarnation => Ok(()),
        (_, Alive) => Err("alive again without a greater incarnation"),
        _ if new.incarnation < old.incarnation => Err("an incarnation went back"),
        (Alive, Suspect) => Ok(()),
        (Alive | Suspect, Dead) if from != new.member => Ok(()),
        (Alive | Suspect, Left) if from == new.member => Ok(()),
        _ => Err("no such transition"),
    }
}

/// `PROPTEST_CASES`, or so many.
fn cases(usual: u32) -> u32 {
    let cases = ProptestConfig::default().cases;
    if cases == 256 { usual } else { cases }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: cases(1500),
        max_shrink_iters: 20_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_history_confuses_a_node(
        config in config(),
        known in prop_oneof![Just(0u32), 1u32..=NAMES],
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut history = History::new(config, known);
        for step in &steps {
            history.perform(step);
        }
    }
}

/// The histories do reach what they are meant to reach.
#[test]
fn histories_reach_every_corner() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let all = (config(), 0u32..=NAMES, prop::collection::vec(step(), 40..60));
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..400 {
        let (config, known, steps) = all.new_tree(&mut runner).unwrap().current();
        let mut history = History::new(config, known);
        for step in &steps {
            history.perform(step);
        }
        let roster = &history.lone.world.roster;
        for event in history.lone.events() {
            let name = match event {
                Event::Believed { old: Some(old), new, .. } => {
                    let (old, new) = (roster.belief(*old), roster.belief(*new));
                    let moved = roster.attributes(old.attributes).address
                        != roster.attributes(new.attributes).address;
                    let how = match (moved, new.incarnation < old.incarnation) {
                        (true, _) => "takes over",
                        (_, true) => "wraps",
                        _ => "becomes",
                    };
                    format!("{:?} {how} {:?}", old.status, new.status)
                }
                Event::Probed { end, .. } => format!("probe {end:?}"),
                other => {
                    let text = format!("{other:?}");
                    text.split(' ').next().unwrap_or_default().to_owned()
                }
            };
            *seen.entry(name).or_default() += 1;
        }
    }
    for wanted in [
        "Alive becomes Alive",
        "Alive becomes Suspect",
        "Alive becomes Dead",
        "Alive becomes Left",
        "Suspect becomes Alive",
        "Suspect becomes Dead",
        "Suspect becomes Left",
        "Dead becomes Alive",
        "Left becomes Alive",
        "Left takes over Alive",
        "Dead takes over Alive",
        "Alive wraps Alive",
        "Reaped",
        "Confirmed",
        "SuspicionExpired",
        "Refuted",
        "Conflict",
        "Health",
        "probe Direct",
        "probe Late",
        "probe Stream",
        "probe Failed",
        "HandoffDropped",
        "Replaced",
        "UserMessage",
        "Joined",
        "LeaveReturned",
        "UpdateReturned",
        "Merged",
        "ExchangeFailed",
    ] {
        assert!(seen.contains_key(wanted), "no history saw {wanted}: {seen:#?}");
    }
}

/// The checkers catch what they are for.
mod planted {
    use super::*;

    fn change(old: (Status, u32, u32), new: (Status, u32, u32), member: u32, from: u32) -> bool {
        let mut lone = Lone::at_rest(Config::lan(), 3, 3);
        let [old, new] = [old, new].map(|(status, incarnation, address)| {
            let id = lone.state(member, status, incarnation, address, 0);
            lone.world.roster.belief(id)
        });
        possible(&lone, Some(old), new, MemberId(from)).is_ok()
    }

    #[test]
    fn impossible_changes_are_seen() {
        use Status::{Alive, Dead, Left, Suspect};
        for (old, new, member, from, possible) in [
            ((Alive, 2, 1), (Alive, 3, 1), 1, 1, true),
            ((Alive, 2, 1), (Alive, 2, 1), 1, 1, false),
            ((Alive, 2, 1), (Alive, 3, 2), 1, 1, false),
            ((Alive, 2, 1), (Suspect, 1, 1), 1, 2, false),
            ((Dead, 2, 1), (Suspect, 2, 1), 1, 2, false),
            ((Dead, 2, 1), (Left, 2, 1), 1, 1, false),
            ((Dead, 2, 1), (Alive, 3, 2), 1, 1, false),
            ((Left, 2, 1), (Alive, 1, 2), 1, 1, true),
            ((Suspect, 2, 1), (Dead, 2, 1), 1, 1, false),
            ((Alive, 2, 0), (Suspect, 2, 0), 0, 1, false),
            ((Alive, 2, 0), (Alive, 0, 0), 0, 0, true),
            ((Alive, 2, 0), (Alive, 1, 0), 0, 0, false),
        ] {
            assert_eq!(change(old, new, member, from), possible, "{old:?} {new:?} {member} {from}");
        }
    }

    #[test]
    fn a_view_changed_behind_the_node_is_seen() {
        use wavetank_protocol::view::View;
        let changes: [fn(&mut Lone); 3] = [
            |lone| {
                let id = lone.state(1, Status::Suspect, 1, 1, 0);
                lone.table.with(&mut lone.snapshots).set(MemberId(1), id);
            },
            |lone| lone.table.with(&mut lone.snapshots).forget(MemberId(1)),
            |lone| {
                let id = lone.state(1, Status::Alive, 1000, 1, 0);
                lone.table.with(&mut lone.snapshots).set(MemberId(1), id);
            },
        ];
        for change in changes {
            let mut lone = Lone::at_rest(Config::lan(), 3, 3);
            lone.audit().unwrap();
            change(&mut lone);
            lone.audit().unwrap_err();
        }
    }
}
