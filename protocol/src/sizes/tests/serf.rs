//! Packets and states with Serf's messages.

use super::*;
use crate::{
    serf::{
        filter::Filter,
        ledger::{Answer, Content, Ledger, Question, Reply, Text, TextId},
    },
    sizes::users,
    wire::serf::{EventSlot, Join, Leave, QueryResponse, SlotEvent, State, StateLen, len},
};

/// Appends what a user message says; false if it is foreign.
pub(super) fn say(book: Book<'_>, user: u32, out: &mut Vec<u8>) -> bool {
    let Some(ledger) = book.ledger else { return false };
    let name = |member| book.roster.name(member).as_bytes().into();
    match book.content(user) {
        Content::Foreign | Content::Relay { .. } => return false,
        Content::Join { ltime, member } => Join { ltime, node: name(member) }.encode(out),
        Content::Leave { ltime, member, prune } => {
            Leave { ltime, node: name(member), prune }.encode(out);
        }
        Content::Event { ltime, text, coalesce } => {
            users::event(ledger.text(text), ltime, coalesce, out);
        }
        Content::Query { ltime, id, question, source, timeout, .. } => {
            let times = (ltime, id, timeout as i64);
            users::query(ledger, ledger.question(question), times, book.who(source), out);
        }
        Content::Response { ltime, id, from, reply } => {
            let mut payload = Vec::new();
            content::words(user, user % 80, &mut payload);
            let payload = (reply != Reply::Ack).then(|| payload.into());
            QueryResponse { ltime, id, from: name(from), flags: 1, payload }.encode(out);
        }
    }
    true
}

/// What is sent in a cluster.
struct World {
    roster: Roster,
    beliefs: Vec<BeliefId>,
    ledger: Ledger,
    chance: Stream,
}

impl World {
    fn new(names: Names, metas: &[u16], address_bytes: u8) -> Self {
        Self::sized(200, names, metas, address_bytes)
    }

    fn sized(members: u32, names: Names, metas: &[u16], address_bytes: u8) -> Self {
        let (roster, beliefs) = cluster(names, members, metas, address_bytes);
        Self { roster, beliefs, ledger: Ledger::default(), chance: Keys::new(6).stream(0) }
    }

    fn book(&self) -> Book<'_> {
        Book::new(&self.roster, &self.ledger)
    }

    fn member(&mut self) -> MemberId {
        MemberId(self.chance.below(200))
    }

    /// A message that is as long as what it says.
    fn user(&mut self, content: Content) -> Message {
        let user = self.ledger.add(&mut self.roster.clone(), content, 0);
        let mut bytes = Vec::new();
        say(self.book(), user, &mut bytes);
        assert_eq!(self.roster.add_user(bytes.len() as u32), user);
        Message::user(user)
    }

    /// Texts of events: one name, or several; versions, reports, random bytes.
    fn text(&mut self, i: u32, sort: u32) -> TextId {
        let mut payload = Vec::new();
        match sort {
            0 => payload = format!("v1.{i}").into_bytes(),
            1 => content::words(i, 40 + i * 37 % 300, &mut payload),
            _ => content::payload(i, 20 + i * 17 % 60, &mut payload),
        }
        let name = ["deploy", "service-restart", "cache-flush"][(sort * i % 3) as usize];
        self.ledger.text_id(Text { name: name.to_owned(), payload: Some(payload) })
    }

    fn event(&mut self, sort: u32, clock: u64) -> Message {
        let (i, late) = (self.chance.below(40), self.chance.below(5));
        let text = self.text(i, sort);
        self.user(Content::Event { ltime: clock + u64::from(late), text, coalesce: true })
    }

    fn query(&mut self, clock: u64) -> Message {
        let (i, source) = (self.chance.below(6), self.member());
        let text = Text {
            name: ["load", "uptime"][i as usize % 2].to_owned(),
            payload: (i > 3).then(|| b"now".to_vec()),
        };
        let question = Question {
            text: self.ledger.text_id(text),
            filters: if i % 3 == 0 { vec![Filter::tag("role", "^web")] } else { vec![] },
            ack: i % 2 == 0,
            relay_factor: 0,
            timeout: 0,
            answer: Some(Answer { payload: b"0.42".to_vec(), after: (0, 0) }),
            internal: None,
        };
        let question = self.ledger.add_question(question);
        self.user(Content::Query {
            ltime: clock,
            id: self.chance.clone().word() as u32,
            question,
            address: AddressId(source.0),
            source,
            timeout: 9_600_000_000,
        })
    }

    /// A packet as joins, leaves, events and queries bring them about.
    fn packet(&mut self, sort: u32) -> (MemberId, Head, Vec<Message>) {
        let (me, target) = (MemberId(199), MemberId(198));
        let seq = 1 + self.chance.below(600);
        let head = match self.chance.below(6) {
            0..4 => Head::None,
            4 => Head::Ping { seq, target, reply: AddressId(me.0) },
            _ => Head::Ack { seq, payload: true },
        };
        let clock = [3, 60, 300, 70_000][self.chance.below(4) as usize];
        let mut messages = Vec::new();
        let count =
            1 + if self.chance.below(3) > 0 { self.chance.below(5) } else { self.chance.below(20) };
        let first = self.chance.below(170);
        match self.chance.below(6) {
            kind @ 0..3 => {
                let with = self.chance.below(2) == 0;
                let late = 1 + self.chance.below(60);
                let members: Vec<_> = (0..count).map(|i| MemberId(first + i)).collect();
                if with {
                    messages.extend(members.iter().map(|m| {
                        if kind < 2 {
                            Message::alive(self.beliefs[m.index()])
                        } else {
                            Message::dead(self.roster.accusation(*m, Status::Dead, 1), *m)
                        }
                    }));
                }
                for member in members {
                    let ltime = clock + u64::from(self.chance.below(late));
                    messages.push(if kind < 2 {
                        self.user(Content::Join { ltime, member })
                    } else {
                        self.user(Content::Leave { ltime, member, prune: false })
                    });
                }
            }
            3..5 => {
                for _ in 0..=count % 8 {
                    let event = self.event(sort, clock);
                    messages.push(event);
                }
            }
            _ => messages.push(self.query(clock)),
        }
        (me, head, messages)
    }
}

#[test]
fn packets_with_serf_are_near_the_real_ones() {
    let config = Config::lan();
    for (names, metas, bytes) in [
        (Names::Regular, &[11][..], 4),
        (Names::Hosts, &[11, 40, 200], 16),
        (Names::Random, &[30], 16),
    ] {
        for sort in 0..3 {
            let mut world = World::new(names, metas, bytes);
            let (mut sizes, mut encoder) = (Sizes::default(), Encoder::new());
            let (mut errors, mut reckoned, mut real) = (Vec::new(), 0, 0);
            for _ in 0..2000 {
                let (me, head, messages) = world.packet(sort);
                let packet = encoded(world.book(), me, head, &messages);
                if packet.len() > 1400 {
                    continue;
                }
                let len = sizes.packet(world.book(), &config, me, head, &messages, false);
                let exact = compressed_packet_len(&packet, &mut encoder);
                reckoned += len;
                real += exact;
                errors.push(f64::from(len.abs_diff(exact)) / f64::from(exact));
            }
            errors.sort_by(f64::total_cmp);
            let mean = errors.iter().sum::<f64>() / errors.len() as f64;
            let whole = f64::from(reckoned) / f64::from(real) - 1.0;
            let p95 = errors[errors.len() * 95 / 100];
            let report = format!(
                "{names:?} {metas:?} {sort}: mean {mean:.4}, p95 {p95:.4}, all {whole:+.4}, {} packets, shapes {}",
                errors.len(),
                sizes.packets.shapes()
            );
            println!("{report}");
            assert!(mean <= 0.02 && whole.abs() <= 0.02, "{report}");
        }
    }
}

/// A state of a cluster: so many members, who have left, events in the ring.
struct Above {
    members: u32,
    left: u32,
    events: u32,
    clock: u32,
}

impl World {
    /// The exact length of a state, compressed with its list, and what it is reckoned from.
    fn state(&mut self, sort: u32, of: &Above) -> (u64, StateLen, u64) {
        let mut order = self.beliefs[..of.members as usize].to_vec();
        self.chance.shuffle(&mut order);
        let mut list = Vec::new();
        let mut meta = Vec::new();
        for &id in &order {
            let belief = self.roster.belief(id);
            let attributes = self.roster.attributes(belief.attributes);
            content::meta(attributes.meta, attributes.meta_len, &mut meta);
            content::entry(who(&self.roster, belief.member), 1, &meta, &mut list);
        }
        let clock = u64::from(of.clock);
        let mut len =
            StateLen { clock, event_clock: 1 + u64::from(of.events), ..StateLen::new(512) };
        let texts: Vec<TextId> = (0..of.events).map(|i| self.text(i, sort)).collect();
        self.chance.shuffle(&mut order);
        let mut state = State {
            ltime: clock,
            event_ltime: len.event_clock,
            events: vec![None; 512],
            query_ltime: 1,
            ..State::default()
        };
        for (ltime, text) in (1..).zip(texts) {
            let text = self.ledger.text(text);
            let payload = text.payload.as_deref();
            let name_len = text.name.len() as u32;
            let event = len::slot_event(name_len, payload.map(|p| p.len() as u32));
            len.add_slot(len::slot(ltime, 1, event));
            let event =
                SlotEvent { name: text.name.as_bytes().into(), payload: payload.map(Into::into) };
            state.events[ltime as usize] = Some(EventSlot { ltime, events: vec![event] });
        }
        for (i, id) in order.into_iter().enumerate() {
            let member = self.roster.belief(id).member;
            let name = self.roster.name(member).as_bytes();
            let ltime = self.chance.below(of.clock).into();
            len.add_member(name.len() as u32, ltime);
            state.status_ltimes.push((name.into(), ltime));
            if (i as u32) < of.left {
                len.add_left(name.len() as u32);
                state.left_members.push(name.into());
            }
        }
        let mut user = Vec::new();
        state.encode(&mut user);
        assert_eq!(user.len(), len.len() as usize);
        let (mut bytes, entries) = (Vec::new(), list.len() as u64);
        PushPullHeader { nodes: of.members.into(), user_state_len: user.len() as i64, join: false }
            .encode(Compat::Head, &mut bytes);
        bytes.extend(list);
        bytes.extend(user);
        (u64::from(compress::compressed_stream_len(&bytes, &mut Encoder::new())), len, entries)
    }
}

#[test]
fn states_with_serf_are_near_the_real_ones() {
    let config = Config::lan();
    let mut worst = 0.0f64;
    for (names, metas, bytes) in
        [(Names::Regular, &[11][..], 4), (Names::Hosts, &[40, 200], 16), (Names::Random, &[30], 16)]
    {
        for members in [8, 32, 200, 1000] {
            for (events, sort) in [(0, 0), (5, 0), (100, 0), (100, 1), (100, 2)] {
                for (left, clock) in [(0, 3), (members / 8, 50), (0, members), (members / 2, 2000)]
                {
                    let mut world = World::sized(members, names, metas, bytes);
                    let mut sizes = Sizes::default();
                    let (mut reckoned, mut real) = (0, 0);
                    for _ in 0..(400 / members).clamp(1, 8) {
                        let above = Above { members, left, events, clock };
                        let (exact, len, entries) = world.state(sort, &above);
                        real += exact;
                        reckoned +=
                            sizes.state(world.book(), &config, members, entries, Some(&len));
                    }
                    let error = reckoned as f64 / real as f64 - 1.0;
                    worst = worst.max(error.abs());
                    println!(
                        "{names:?} {members}: {events} events {sort}, {left} left, clock {clock}: \
                         {error:+.4} of {real}"
                    );
                }
            }
        }
    }
    assert!(worst <= 0.03, "{worst}");
}

/// Answers go alone in their packets, acks with coordinates alone or before others; compression saves
/// nothing on short ones.
#[test]
fn answers_and_coordinates() {
    let config = Config::lan();
    let mut world = World::new(Names::Hosts, &[11], 4);
    let (mut sizes, mut encoder) = (Sizes::default(), Encoder::new());
    let me = MemberId(0);
    let plain = [Head::Ack { seq: 5, payload: true }, Head::Ack { seq: 300, payload: true }];
    let lens = plain.map(|head| sizes.packet(world.book(), &config, me, head, &[], false));
    assert_eq!(lens, [150, 152], "random mantissas do not compress");
    let (mut reckoned, mut real) = (0, 0);
    for i in 0..300 {
        let reply = if i % 2 == 0 { Reply::Ack } else { Reply::Answer { len: i % 80 } };
        let from = world.member();
        let message = world.user(Content::Response { ltime: 7, id: 1 << 30 | i, from, reply });
        let packet = encoded(world.book(), me, Head::None, &[message]);
        let exact = compressed_packet_len(&packet, &mut encoder);
        let len = sizes.packet(world.book(), &config, me, Head::None, &[message], false);
        assert!(len <= packet.len() as u32 && (reply != Reply::Ack || len == exact), "{i}: {len}");
        reckoned += len;
        real += exact;
    }
    assert!(reckoned.abs_diff(real) * 100 <= real, "{reckoned} of {real}");
    // A long one does compress, relayed or not.
    let (to, name) = (AddressId(3), MemberId(3));
    let reply = Reply::Answer { len: 860 };
    let inner = world.ledger.add(
        &mut world.roster,
        Content::Response { ltime: 7, id: 9, from: me, reply },
        900,
    );
    let relay = world.ledger.add(&mut world.roster, Content::Relay { to, name, inner }, 960);
    for (user, raw) in [(inner, 901), (relay, 961)] {
        let messages = [Message::user(user)];
        let len = sizes.packet(world.book(), &config, me, Head::None, &messages, false);
        assert!((raw / 2..raw).contains(&len), "{len} of {raw}");
    }
}

/// What was asked before changes no answer about Serf's packets and states either.
#[test]
fn serf_answers_do_not_depend_on_the_questions_before() {
    let config = Config::lan();
    let mut world = World::new(Names::Hosts, &[11], 4);
    let packets: Vec<_> = (0..300).map(|i| world.packet(i % 3)).collect();
    let states: Vec<_> = [(8, 0, 0, 3), (100, 20, 30, 50), (200, 3, 100, 300)]
        .map(|(members, left, events, clock)| {
            let (_, len, entries) = world.state(1, &Above { members, left, events, clock });
            (members, entries, len)
        })
        .into();
    let (mut forward, mut backward) = (Sizes::default(), Sizes::default());
    let ask = |sizes: &mut Sizes, (me, head, messages): &(MemberId, Head, Vec<Message>)| {
        sizes.packet(world.book(), &config, *me, *head, messages, true)
    };
    let lens: Vec<u32> = packets.iter().map(|packet| ask(&mut forward, packet)).collect();
    for (packet, len) in packets.iter().zip(lens).rev() {
        assert_eq!(ask(&mut backward, packet), len);
    }
    let ask = |sizes: &mut Sizes, (n, entries, len): &(u32, u64, StateLen)| {
        sizes.state(world.book(), &config, *n, *entries, Some(len))
    };
    let lens: Vec<u64> = states.iter().map(|state| ask(&mut forward, state)).collect();
    for (state, len) in states.iter().zip(lens).rev() {
        assert_eq!(ask(&mut backward, state), len);
    }
}

#[test]
fn states_are_exact_without_compression() {
    let mut config = Config::lan();
    config.enable_compression = false;
    let mut world = World::new(Names::Random, &[11], 4);
    let above = Above { members: 100, left: 10, events: 20, clock: 300 };
    let (_, len, entries) = world.state(1, &above);
    let mut sizes = Sizes::default();
    let bare = sizes.state(&world.roster, &config, 100, entries, None);
    let whole = sizes.state(world.book(), &config, 100, entries, Some(&len));
    // The header holds the length in three bytes instead of one.
    assert_eq!(whole, bare + 2 + u64::from(len.len()));
}
