//! Random histories: whatever is said to a Serf node, and whenever, it neither panics nor contradicts itself.
//!
//! Two nodes of a small world do what a list of steps says; one of them is told all kinds of things by a
//! network that does not exist. After each step both are audited, and what they told since the step before
//! must fit what they told before that.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use wavetank_protocol::{
    Compat, Config, Quirks,
    belief::{AddressId, MemberId},
    message::Message,
    queue::Waiter,
    serf::{
        self, Event, Life, Status,
        event::{Delivery, MemberEvent, QueueName},
        ledger::{Content, Internal, Reply, TextId},
        queues::Queues,
    },
    swim::{Input, Room},
    time::{MILLISECOND, SECOND},
};

use crate::pool::{One, Pool};

/// Members with a name: two nodes, two others that they know, and strangers.
const NAMES: u32 = 7;
const KNOWN: u32 = 4;
/// Events and queries are of few names, so that copies meet.
const TEXTS: u32 = 3;

#[derive(Clone, Debug)]
enum Say {
    Leave(u32, u64, bool),
    Join(u32, u64),
    Event(u32, u64, bool),
    Query(u64, u32, u32),
    Response(u64, u32, u32, bool),
    Relay(u32),
    Alive(u32, u32, u32, u32),
    Suspect(u32, u32),
    Dead(u32, u32, u32),
}

#[derive(Clone, Debug)]
enum Do {
    Run(u64),
    LateWake(u64),
    Say(Vec<Say>),
    /// The last thing that was asked is answered.
    Answer(u32, bool),
    PushPull,
    Learn,
    Deliver,
    Lose,
    Join(Vec<u32>),
    Leave(u64),
    ForceLeave(u32, bool),
    Fire(u32, bool),
    Ask(u8, Option<u64>),
    Rotate,
    SetTags(u32),
}

fn ltime() -> impl Strategy<Value = u64> {
    prop_oneof![6 => 0u64..30, 2 => 0u64..300, 1 => 0u64..(1 << 40)]
}

fn say() -> impl Strategy<Value = Say> {
    let member = 0..NAMES;
    prop_oneof![
        4 => (member.clone(), ltime(), prop::bool::weighted(0.3))
            .prop_map(|(m, l, prune)| Say::Leave(m, l, prune)),
        4 => (member.clone(), ltime()).prop_map(|(m, l)| Say::Join(m, l)),
        4 => (0..TEXTS, ltime(), any::<bool>()).prop_map(|(t, l, cc)| Say::Event(t, l, cc)),
        2 => (ltime(), 0u32..3, 0u32..4).prop_map(|(l, id, q)| Say::Query(l, id, q)),
        1 => (ltime(), 0u32..3, member.clone(), any::<bool>())
            .prop_map(|(l, id, m, ack)| Say::Response(l, id, m, ack)),
        1 => member.clone().prop_map(Say::Relay),
        4 => (member.clone(), 0u32..6, 0..NAMES, 0u32..3)
            .prop_map(|(m, i, from, meta)| Say::Alive(m, i, if from > 4 { from } else { m }, meta)),
        1 => (member.clone(), 0u32..6).prop_map(|(m, i)| Say::Suspect(m, i)),
        4 => (member.clone(), 0u32..6, member).prop_map(|(m, i, from)| Say::Dead(m, i, from)),
    ]
}

/// The same without claims to a name from elsewhere: each of those begins a vote, merged for the first time or
/// not (section 14, item 23).
fn plain() -> impl Strategy<Value = Say> {
    say().prop_map(|say| match say {
        Say::Alive(m, incarnation, _, meta) => Say::Alive(m, incarnation, m, meta),
        other => other,
    })
}

fn span() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        (1u64..20).prop_map(|n| n * 100 * MILLISECOND),
        (1u64..20).prop_map(|n| n * SECOND),
        1..40 * SECOND,
        Just(90 * SECOND)
    ]
}

fn step() -> impl Strategy<Value = Do> {
    prop_oneof![
        6 => span().prop_map(Do::Run),
        1 => span().prop_map(Do::LateWake),
        10 => prop::collection::vec(say(), 1..5).prop_map(Do::Say),
        2 => (0..NAMES, any::<bool>()).prop_map(|(m, ack)| Do::Answer(m, ack)),
        2 => Just(Do::PushPull),
        2 => Just(Do::Learn),
        3 => Just(Do::Deliver),
        2 => Just(Do::Lose),
        1 => prop::collection::vec(0..NAMES, 0..3).prop_map(Do::Join),
        1 => span().prop_map(Do::Leave),
        2 => (0..NAMES, any::<bool>()).prop_map(|(m, prune)| Do::ForceLeave(m, prune)),
        3 => (0..TEXTS, any::<bool>()).prop_map(|(t, cc)| Do::Fire(t, cc)),
        2 => (0u8..4, prop::option::of(span())).prop_map(|(relays, after)| Do::Ask(relays, after)),
        1 => Just(Do::Rotate),
        1 => (0u32..4).prop_map(Do::SetTags),
    ]
}

/// Stock settings, and settings at which limits are met soon.
fn config() -> impl Strategy<Value = Config> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (flags, 0u8..8, any::<bool>()).prop_map(|(flags, odd, small)| {
        let (head, id_reset, freeze, agent, snapshot) = flags;
        let mut serf = if agent { serf::Config::agent() } else { serf::Config::library() };
        serf.snapshot = snapshot;
        if small {
            serf.event_buffer = 8;
            serf.query_buffer = 8;
            serf.reconnect_timeout = 40 * SECOND;
            serf.tombstone_timeout = 20 * SECOND;
            serf.recent_intent_timeout = 10 * SECOND;
            serf.queue_depth_warning = 2;
            serf.max_queue_depth = 4;
        }
        match odd {
            1 => serf.min_queue_depth = 3,
            2 => serf.handler_time = 300 * MILLISECOND,
            3 => serf.replay_on_join = true,
            4 => serf.reap_interval = 0,
            5 => serf.reconnect_interval = 0,
            6 => serf.broadcast_timeout = 0,
            7 => (serf.leave_propagate_delay, serf.queue_check_interval) = (0, 0),
            _ => {}
        }
        Config {
            compat: if head { Compat::Head } else { Compat::V0_2 },
            quirks: Quirks { queue_id_reset: id_reset, prune_freeze: freeze, ..Quirks::HEAD },
            serf: Some(serf),
            ..Config::lan()
        }
    })
}

/// What a checker remembers of one node.
#[derive(Default)]
struct Seen {
    clocks: [u64; 3],
    event_min: u64,
    statuses: BTreeMap<MemberId, Status>,
    events: BTreeSet<(u64, TextId)>,
    handled: BTreeSet<(u64, TextId)>,
    queries: BTreeSet<(u64, u32)>,
    ended: bool,
}

struct History {
    pool: Pool,
    config: Config,
    seen: [Seen; 2],
    asked: Option<(u64, u32)>,
}

impl History {
    fn new(config: Config, fresh: bool) -> Self {
        let pool = if fresh {
            Pool::created(&config, 2, NAMES - 2)
        } else {
            Pool::at_rest(&config, 2, KNOWN, NAMES - KNOWN)
        };
        let mut seen = [Seen::default(), Seen::default()];
        for (m, seen) in (0u32..).zip(&mut seen) {
            if !fresh {
                seen.statuses = (0..KNOWN).map(|m| (MemberId(m), Status::Alive)).collect();
            }
            seen.clocks = pool.serf(m).clocks();
        }
        Self { pool, config, seen, asked: None }
    }

    fn text(&mut self, text: u32) -> TextId {
        self.pool.text(["a", "b", "c"][text as usize])
    }

    fn message(&mut self, say: &Say) -> Message {
        let id = MemberId;
        let content = match *say {
            Say::Alive(m, incarnation, address, meta) => {
                return self.pool.alive_as(m, incarnation, address, meta);
            }
            Say::Suspect(m, incarnation) => {
                use wavetank_protocol::belief::Status::Suspect;
                let claim = self.pool.world.roster.accusation(id(m), Suspect, incarnation);
                return Message::suspect(claim, id(3));
            }
            Say::Dead(m, incarnation, from) => return self.pool.dead(m, incarnation, from),
            Say::Leave(m, ltime, prune) => Content::Leave { ltime, member: id(m), prune },
            Say::Join(m, ltime) => Content::Join { ltime, member: id(m) },
            Say::Event(text, ltime, coalesce) => {
                Content::Event { ltime, text: self.text(text), coalesce }
            }
            Say::Query(ltime, number, kind) => {
                let question = self.pool.question(kind as u8, Some(u64::from(kind) * SECOND));
                let (address, source, timeout) = (AddressId(1), id(1), 2 * SECOND);
                Content::Query { ltime, id: number, question, address, source, timeout }
            }
            Say::Response(ltime, number, from, ack) => {
                let reply = if ack { Reply::Ack } else { Reply::Answer { len: 3 } };
                Content::Response { ltime, id: number, from: id(from), reply }
            }
            Say::Relay(to) => {
                let inner = Content::Response { ltime: 1, id: 1, from: id(0), reply: Reply::Ack };
                let inner = self.pool.message_of(inner, 40);
                Content::Relay { to: AddressId(to), name: id(to), inner }
            }
        };
        Message::user(self.pool.message_of(content, 40))
    }

    fn step(&mut self, step: &Do) {
        if self.seen[0].ended {
            return;
        }
        let pool = &mut self.pool;
        match step {
            Do::Run(span) => {
                let until = pool.now + span;
                // Both are left to themselves, and what they send waits.
                pool.keeps = true;
                for _ in 0..100_000 {
                    let next = pool.wake_of(0).min(pool.wake_of(1));
                    if next > until {
                        break;
                    }
                    pool.run_until(next);
                }
                assert!(pool.wake_of(0).min(pool.wake_of(1)) > until, "it wakes for ever");
                pool.now = until;
            }
            Do::LateWake(span) => {
                pool.now += span;
                pool.input(0, Input::Wake);
            }
            Do::Say(says) => {
                let messages: Vec<Message> = says.iter().map(|say| self.message(say)).collect();
                self.pool.packet(0, &messages);
            }
            Do::Answer(from, ack) => {
                if let Some((ltime, id)) = self.asked {
                    let reply = if *ack { Reply::Ack } else { Reply::Answer { len: 3 } };
                    pool.hear(0, Content::Response { ltime, id, from: MemberId(*from), reply });
                }
            }
            Do::PushPull => pool.push_pull(0, 1),
            Do::Learn => pool.learn(0, 1),
            Do::Deliver => pool.deliver(),
            Do::Lose => pool.lose(),
            Do::Join(via) => {
                let addresses: Vec<_> = via.iter().copied().map(AddressId).collect();
                pool.call(0, |agent, env| agent.join(env, &addresses));
            }
            Do::Leave(cap) => pool.call(0, |agent, env| agent.leave(env, *cap)),
            Do::ForceLeave(m, prune) => {
                pool.call(0, |agent, env| agent.force_leave(env, MemberId(*m), *prune));
            }
            Do::Fire(text, coalesce) => {
                let text = self.text(*text);
                let _ = self.pool.call(0, |agent, env| agent.user_event(env, text, *coalesce));
            }
            Do::Ask(relays, after) => {
                let question = pool.question(*relays, *after);
                self.asked = Some(pool.ask(0, question));
            }
            Do::Rotate => {
                let steps = [Internal::ListKeys, Internal::InstallKey(1)];
                pool.call(0, |agent, env| agent.change_all_keys(env, &steps, 1));
            }
            Do::SetTags(meta) => {
                let attributes = pool.attributes(0, *meta);
                pool.call(0, |agent, env| agent.set_tags(env, attributes));
            }
        }
    }

    fn check(&mut self, m: u32) -> Result<(), String> {
        let news = self.pool.news(m);
        let seen = &mut self.seen[m as usize];
        for event in news {
            match event {
                Event::Status { member, old, new } => {
                    let held = seen.statuses.get(&member).copied().unwrap_or(Status::None);
                    if held != old || !is_known(old, new) {
                        return Err(format!("{member:?} was {held:?}: {old:?} to {new:?}"));
                    }
                    seen.statuses.insert(member, new);
                }
                Event::Member { kind, member, .. } => {
                    let status = seen.statuses.get(&member).copied().unwrap_or(Status::None);
                    let fits = match kind {
                        MemberEvent::Join => matches!(status, Status::Alive | Status::Leaving),
                        MemberEvent::Leave => status == Status::Left,
                        MemberEvent::Failed => status == Status::Failed,
                        MemberEvent::Update => status != Status::None,
                        MemberEvent::Reap => status == Status::None,
                    };
                    if !fits {
                        return Err(format!("{kind:?} of {member:?}, who is {status:?}"));
                    }
                }
                Event::User { ltime, text, .. } if !seen.events.insert((ltime, text)) => {
                    return Err(format!("{text:?} of {ltime} was heard twice"));
                }
                Event::Delivered(Delivery::User(ltime, text))
                    if !seen.handled.insert((ltime, text)) =>
                {
                    return Err(format!("{text:?} of {ltime} was handled twice"));
                }
                Event::Query { ltime, id, .. } if !seen.queries.insert((ltime, id)) => {
                    return Err(format!("query {id} of {ltime} was heard twice"));
                }
                Event::Shutdown => seen.ended = true,
                _ => {}
            }
        }
        let one = &self.pool.agents[&m];
        let clocks = one.serf.clocks();
        if clocks.iter().zip(&seen.clocks).any(|(now, before)| now < before) {
            return Err(format!("clocks went from {:?} to {clocks:?}", seen.clocks));
        }
        if one.serf.event_min_time() < seen.event_min {
            return Err(format!("the least time went back from {}", seen.event_min));
        }
        (seen.clocks, seen.event_min) = (clocks, one.serf.event_min_time());
        let newest = one.serf.members().iter().map(|(_, r)| r.ltime).max().unwrap_or(0);
        if newest >= clocks[0] {
            return Err(format!("an intent of {newest} at clock {}", clocks[0]));
        }
        for (member, record) in one.serf.members().iter() {
            if seen.statuses.get(&member) != Some(&record.status) {
                return Err(format!("{member:?} is {record:?}, told {:?}", seen.statuses));
            }
        }
        if one.serf.life() == Life::Alive
            && matches!(one.serf.members().status(MemberId(m)), Status::Leaving | Status::Left)
        {
            return Err("it holds itself leaving and is not".to_owned());
        }
        one.serf.audit(&self.config, &self.pool.world, self.pool.now)?;
        let One { node, table, .. } = self.pool.agents.get_mut(&m).expect("it runs");
        let view = table.with(&mut self.pool.snapshots);
        node.audit(&self.config, &self.pool.world, &view)
    }
}

/// Changes of a status that the specification's table knows, and erasure.
fn is_known(old: Status, new: Status) -> bool {
    match old {
        Status::None => matches!(new, Status::Alive | Status::Leaving),
        Status::Alive => matches!(new, Status::Failed | Status::Leaving | Status::None),
        Status::Leaving => matches!(new, Status::Alive | Status::Left | Status::None),
        Status::Left => matches!(new, Status::Alive | Status::None),
        Status::Failed => matches!(new, Status::Alive | Status::Left | Status::None),
    }
}

/// `PROPTEST_CASES`, or so many.
fn cases(usual: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = if default.cases == 256 { usual } else { default.cases };
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 4000, ..default }
}

/// What a node keeps of members, clocks and events.
fn kept(pool: &Pool, m: u32) -> (Vec<(MemberId, serf::members::Record)>, [u64; 3], usize, usize) {
    let serf = pool.serf(m);
    let records = serf.members().iter().collect();
    (records, serf.clocks(), serf.remembered_events(), serf.buffered_intents())
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn no_history_makes_a_node_contradict_itself(
        config in config(),
        fresh in any::<bool>(),
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let mut history = History::new(config, fresh);
        for (n, step) in steps.iter().enumerate() {
            history.step(step);
            for m in 0..2 {
                if let Err(wrong) = history.check(m) {
                    prop_assert!(false, "at node {m} after step {n}, {step:?}: {wrong}");
                }
            }
        }
    }

    /// A state that is merged once more changes nothing: not even the tombstones, whose times were taken for
    /// one more the first time.
    #[test]
    fn the_same_state_merged_twice_is_merged_once(
        says in prop::collection::vec(plain(), 0..30),
        heard in prop::collection::vec(plain(), 0..30),
        fresh in any::<bool>(),
    ) {
        let serf = Some(serf::Config::library());
        let config = Config { serf, probe_interval: 0, push_pull_interval: 0, ..Config::lan() };
        let mut history = History::new(config, fresh);
        for (m, says) in [(0, heard), (1, says)] {
            for say in says {
                let message = history.message(&say);
                history.pool.packet(m, &[message]);
            }
        }
        let pool = &mut history.pool;
        let state = pool.state_of(1);
        pool.merge(0, state, false);
        let once = (kept(pool, 0), pool.queued(0, QueueName::Intent));
        pool.news(0);
        pool.merge(0, state, false);
        prop_assert_eq!(once, (kept(pool, 0), pool.queued(0, QueueName::Intent)));
        let told: Vec<_> = pool.news(0).into_iter().filter(|e| !is_told_again(e)).collect();
        prop_assert_eq!(told, vec![]);
    }

    /// Two nodes that exchange their states agree on all times but those of the left, which go on by the
    /// rule of two tombstones (7.4), and the member clocks with them.
    #[test]
    fn an_exchange_is_a_fixed_point_but_for_the_left(
        says in prop::collection::vec(plain(), 0..30),
        heard in prop::collection::vec(plain(), 0..30),
    ) {
        let serf = Some(serf::Config::library());
        let config = Config { serf, probe_interval: 0, push_pull_interval: 0, ..Config::lan() };
        let mut history = History::new(config, false);
        for (m, says) in [(0, heard), (1, says)] {
            for say in says {
                let message = history.message(&say);
                history.pool.packet(m, &[message]);
            }
        }
        let pool = &mut history.pool;
        // What one refutes of the other's first state is news in the second.
        for _ in 0..3 {
            pool.push_pull(0, 1);
        }
        let before = [0, 1].map(|m| kept(pool, m));
        pool.push_pull(0, 1);
        let after = [0, 1].map(|m| kept(pool, m));
        for m in [0, 1] {
            let other = 1 - m;
            prop_assert_eq!(before[m].2, after[m].2, "events");
            prop_assert_eq!(&before[m].1[1..], &after[m].1[1..], "clocks of events and queries");
            for ((member, was), (same, is)) in before[m].0.iter().zip(&after[m].0) {
                prop_assert_eq!(member, same);
                prop_assert_eq!(was.status, is.status);
                let theirs = before[other].0.iter().find(|(who, _)| who == member);
                let told = theirs.map_or(0, |(_, r)| {
                    r.ltime + u64::from(r.status == Status::Left)
                });
                prop_assert_eq!(is.ltime, was.ltime.max(told), "{:?}", member);
            }
        }
    }

    /// Each message is sent its limit, or replaced by an equal key, or dropped at a look; a call that waits
    /// for it returns in the first and the last case and in no other.
    #[test]
    fn no_message_is_lost_uncounted(
        steps in prop::collection::vec((0u8..10, 1u32..6, 0u32..3), 1..200),
        limit in 1u32..6,
        id_reset in any::<bool>(),
        prunes in any::<bool>(),
    ) {
        let config = serf::Config { max_queue_depth: 4, ..serf::Config::library() };
        let mut queues = Queues::new(0);
        let mut sent: Vec<(QueueName, u32)> = Vec::new();
        let (mut replaced, mut dropped) = (0, 0);
        let mut returned = BTreeSet::new();
        let mut later = Vec::new();
        let mut fill = |queues: &mut Queues, room: u32, sent: &mut Vec<(QueueName, u32)>| {
            let mut out = Vec::new();
            let mut room = Room { overhead: 3, limit: room, later: &mut later };
            queues.fill(&mut room, limit, id_reset, &mut out);
            for message in &out {
                sent[message.belief().0 as usize].1 += 1;
            }
            out.len()
        };
        for (kind, size, queue) in steps {
            let queue = QueueName::ALL[queue as usize];
            match kind {
                0..=5 => {
                    let user = sent.len() as u32;
                    queues.push(queue, (user, size * 10), Waiter::Call(user), id_reset);
                    sent.push((queue, 0));
                }
                6..=8 => drop(fill(&mut queues, size * 25, &mut sent)),
                _ if prunes => queues.check(0, (&config, 5), id_reset, |depth| {
                    dropped += depth.pruned.map_or(0, |(_, dropped)| dropped);
                }),
                _ => {}
            }
            while let Some(call) = queues.take_call() {
                prop_assert!(returned.insert(call), "call {} returned twice", call);
            }
            replaced += queues.take_replaced().iter().sum::<u32>();
            let depth: u32 = QueueName::ALL.iter().map(|q| queues.depth(*q)).sum();
            let done = returned.len() as u32;
            prop_assert_eq!(sent.len() as u32, depth + done + replaced);
        }
        // The rest goes out; what is then short of its limit was replaced or dropped.
        for _ in 0..10_000 {
            if fill(&mut queues, 1400, &mut sent) == 0 {
                break;
            }
        }
        while let Some(call) = queues.take_call() {
            prop_assert!(returned.insert(call));
        }
        replaced += queues.take_replaced().iter().sum::<u32>();
        prop_assert!(queues.is_empty());
        prop_assert!(sent.iter().all(|(_, copies)| *copies <= limit));
        let short = sent.iter().filter(|(_, copies)| *copies < limit).count() as u32;
        prop_assert_eq!(short, replaced + dropped);
        prop_assert_eq!(returned.len() as u32, sent.len() as u32 - replaced);
        prop_assert!(id_reset || replaced == 0, "ids that are never reused replace nothing");
    }
}

/// What is told of an old message each time that it is met.
fn is_told_again(event: &Event) -> bool {
    matches!(
        event,
        Event::OldEvent { .. }
            | Event::Intent { news: false, .. }
            | Event::BadStateWhenLeave { .. }
            | Event::NameConflict { .. }
    )
}
