//! Packets and states with Serf's messages.

use super::*;
use crate::{
    serf::{
        filter::Filter,
        ledger::{Answer, Content, Ledger, Question, Reply, Text, TextId},
    },
    sizes::users,
    wire::serf::{Join, Leave, QueryResponse},
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
        let (roster, beliefs) = cluster(names, 200, metas, address_bytes);
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
                for _ in 0..1 + count % 8 {
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
