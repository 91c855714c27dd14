//! What is reckoned against what is really encoded, and against what was measured.

mod serf;

use super::*;
use crate::{
    belief::{AddressId, Attributes, BeliefId, Status},
    config::{Compat, Encryption, Label},
    rng::{Chance, Keys, Stream},
    wire::{Kind, Nack, compound, compress::compressed_packet_len, message::PushPullHeader},
};

/// How members are named.
#[derive(Clone, Copy, Debug)]
enum Names {
    /// `node-000`.
    Regular,
    /// As of five digits.
    Long,
    /// `web-3.eu-west-1.example.com`, of several roles and places.
    Hosts,
    /// Letters and digits, of 3 to 40 characters.
    Random,
}

fn name(names: Names, i: u32, chance: &mut Stream) -> String {
    let pick = |chance: &mut Stream, from: &[&str]| {
        from[chance.below(from.len() as u32) as usize].to_owned()
    };
    match names {
        Names::Regular => format!("node-{i:03}"),
        Names::Long => format!("node-{i:05}"),
        Names::Hosts => {
            let role = pick(chance, &["web", "db", "cache", "worker", "ingress", "kafka-broker"]);
            let zone = pick(chance, &["eu-west-1", "us-east-1", "ap-southeast-2"]);
            format!("{role}-{i}.{zone}.example.com")
        }
        Names::Random => {
            let letters = b"abcdefghijklmnopqrstuvwxyz0123456789-";
            let len = 3 + chance.below(38);
            let name = (0..len).map(|_| letters[chance.below(37) as usize] as char);
            format!("{}{i}", name.collect::<String>())
        }
    }
}

fn cluster(names: Names, n: u32, metas: &[u16], address_bytes: u8) -> (Roster, Vec<BeliefId>) {
    let mut roster = Roster::new(address_bytes);
    let mut chance = Keys::new(1).stream(0);
    let beliefs = (0..n)
        .map(|i| {
            let member = roster.add_member(&name(names, i, &mut chance));
            let meta_len = metas[i as usize % metas.len()];
            let meta = roster.new_meta(meta_len);
            let address = AddressId(i);
            let attributes = Attributes { address, meta, meta_len, protocol: 2 };
            let attributes = roster.attributes_id(attributes);
            roster.belief_id(Belief { member, status: Status::Alive, incarnation: 1, attributes })
        })
        .collect();
    (roster, beliefs)
}

fn who(roster: &Roster, member: MemberId) -> Who<'_> {
    let address_bytes = roster.address_bytes();
    Who { name: roster.name(member), address: member.0, address_bytes }
}

/// The packet that these ids stand for.
fn encoded<'a>(
    book: impl Into<Book<'a>>,
    me: MemberId,
    head: Head,
    messages: &[Message],
) -> Vec<u8> {
    let book = book.into();
    let roster = book.roster;
    let mut parts = Vec::new();
    let mut part = Vec::new();
    match head {
        Head::None => {}
        Head::Ping { seq, target, .. } => {
            content::ping(seq, roster.name(target), who(roster, me), &mut part);
        }
        Head::IndirectPing { seq, target, .. } => {
            content::indirect_ping(seq, who(roster, target), who(roster, me), &mut part);
        }
        Head::Ack { seq, payload: false } => Ack { seq, payload: None }.encode(&mut part),
        Head::Ack { seq, payload: true } => {
            let mut payload = Vec::new();
            content::coordinate(seq, &mut payload);
            Ack { seq, payload: Some(payload.into()) }.encode(&mut part);
        }
        Head::Nack { seq } => Nack { seq }.encode(&mut part),
    }
    if head != Head::None {
        parts.push(part);
    }
    for message in messages {
        let mut part = Vec::new();
        if message.kind() == MessageKind::User {
            part.push(Kind::User as u8);
            let user = message.belief().0;
            if !serf::say(book, user, &mut part) {
                content::payload(user, roster.user_len(user), &mut part);
            }
        } else {
            let Belief { member, incarnation, attributes, .. } = roster.belief(message.belief());
            if message.kind() == MessageKind::Alive {
                let mut meta = Vec::new();
                let attributes = roster.attributes(attributes);
                content::meta(attributes.meta, attributes.meta_len, &mut meta);
                content::alive(who(roster, member), incarnation, &meta, &mut part);
            } else {
                let kind =
                    if message.kind() == MessageKind::Dead { Kind::Dead } else { Kind::Suspect };
                let (node, from) = (roster.name(member), roster.name(message.from()));
                content::accusation(kind, node, from, incarnation, &mut part);
            }
        }
        parts.push(part);
    }
    if let [part] = &mut parts[..] {
        return std::mem::take(part);
    }
    let mut packet = Vec::new();
    compound::write(&parts, &mut packet);
    packet
}

/// A packet as crashes, joins and freezes bring them about.
fn random_packet(
    roster: &mut Roster,
    beliefs: &[BeliefId],
    chance: &mut Stream,
) -> (MemberId, Head, Vec<Message>) {
    let n = beliefs.len() as u32;
    let me = MemberId(chance.below(n));
    let mut member = |not: MemberId| MemberId((not.0 + 1 + chance.below(n - 1)) % n);
    let target = member(me);
    let mut subjects = vec![target];
    let mut others = vec![me];
    for _ in 0..30 {
        subjects.push(member(me));
        others.push(member(me));
    }
    let reply = AddressId(me.0);
    let seq = 1 + chance.below(600);
    let head = match chance.below(8) {
        0..3 => Head::None,
        3..5 => Head::Ping { seq, target, reply },
        5 => Head::IndirectPing { seq, target, address: AddressId(target.0), nack: true, reply },
        6 => Head::Ack { seq, payload: false },
        _ => Head::Nack { seq },
    };
    let few = chance.below(4) > 0;
    let count = usize::from(head == Head::None) + chance.below(if few { 4 } else { 25 }) as usize;
    let skip = usize::from(chance.below(2) == 0);
    subjects[skip..].sort_unstable();
    subjects.dedup();
    let sort = chance.below(4);
    let accusers = 1 + chance.below(6);
    let incarnation = if chance.below(3) == 0 { 4 } else { 1 };
    let mut messages = Vec::new();
    for &subject in subjects.iter().skip(skip).take(count) {
        let incarnation = 1 + chance.below(incarnation);
        let from = others[chance.below(accusers) as usize];
        let kind = if sort == 3 { chance.below(3) } else { sort };
        messages.push(match kind {
            0 => {
                let belief = roster.belief(beliefs[subject.index()]);
                Message::alive(roster.belief_id(Belief { incarnation, ..belief }))
            }
            1 => Message::suspect(roster.accusation(subject, Status::Suspect, incarnation), from),
            _ => Message::dead(roster.accusation(subject, Status::Dead, incarnation), from),
        });
    }
    if chance.below(20) == 0 {
        messages.push(Message::user(roster.add_user(chance.below(200))));
    }
    (me, head, messages)
}

#[test]
fn packets_are_near_the_real_ones() {
    let config = Config::lan();
    for (names, metas, bytes) in [
        (Names::Regular, &[0][..], 4),
        (Names::Regular, &[8], 16),
        (Names::Hosts, &[0], 4),
        (Names::Hosts, &[0, 40, 200], 16),
        (Names::Random, &[0], 4),
        (Names::Random, &[100], 16),
    ] {
        let (mut roster, beliefs) = cluster(names, 200, metas, bytes);
        let (mut sizes, mut encoder) = (Sizes::default(), Encoder::new());
        let mut chance = Keys::new(2).stream(1);
        let (mut errors, mut reckoned, mut real) = (Vec::new(), 0, 0);
        while errors.len() < 2000 {
            let (me, head, messages) = random_packet(&mut roster, &beliefs, &mut chance);
            let packet = encoded(&roster, me, head, &messages);
            if packet.len() > 1400 {
                continue;
            }
            let len = sizes.packet(&roster, &config, me, head, &messages, false);
            let exact = compressed_packet_len(&packet, &mut encoder);
            reckoned += len;
            real += exact;
            errors.push(f64::from(len.abs_diff(exact)) / f64::from(exact));
        }
        errors.sort_by(f64::total_cmp);
        let mean = errors.iter().sum::<f64>() / 2000.0;
        let whole = f64::from(reckoned) / f64::from(real) - 1.0;
        let report = format!(
            "{names:?} {metas:?} {bytes}: mean {mean:.4}, p95 {:.4}, max {:.4}, all {whole:+.4}, shapes {}",
            errors[1900],
            errors[1999],
            sizes.packets.shapes()
        );
        println!("{report}");
        assert!(mean <= 0.015 && errors[1900] <= 0.05 && whole.abs() <= 0.01, "{report}");
    }
}

/// Real lengths of lists in the order of `chance`.
fn real_state(roster: &Roster, beliefs: &[BeliefId], n: u32, chance: &mut Stream) -> (u64, u64) {
    let mut order = beliefs.to_vec();
    chance.shuffle(&mut order);
    let (mut bytes, mut meta, mut meter) = (Vec::new(), Vec::new(), Meter::new());
    PushPullHeader { nodes: n.into(), user_state_len: 0, join: false }
        .encode(Compat::Head, &mut bytes);
    meter.feed(&bytes);
    let mut entries = 0;
    for &id in &order[..n as usize] {
        let belief = roster.belief(id);
        let attributes = roster.attributes(belief.attributes);
        content::meta(attributes.meta, attributes.meta_len, &mut meta);
        bytes.clear();
        content::entry(who(roster, belief.member), belief.incarnation, &meta, &mut bytes);
        meter.feed(&bytes);
        entries += bytes.len() as u64;
    }
    (entries, u64::from(wire::compress_len(meter.len_if_finished())))
}

#[test]
fn state_lists_are_near_the_real_ones() {
    let config = Config::lan();
    for names in [Names::Regular, Names::Hosts, Names::Random] {
        for metas in [&[0][..], &[8], &[32], &[256], &[0, 256], &[8, 8, 8, 300]] {
            for n in [3, 10, 32, 100, 1000, 10_000] {
                let (roster, beliefs) = cluster(names, n, metas, 16);
                let mut sizes = Sizes::default();
                let mut chance = Keys::new(3).stream(n.into());
                let (mut reckoned, mut real) = (0, 0);
                for _ in 0..(1000 / n).clamp(1, 20) {
                    let (entries, exact) = real_state(&roster, &beliefs, n, &mut chance);
                    reckoned += sizes.state(&roster, &config, n, entries, None);
                    real += exact;
                }
                let error = reckoned as f64 / real as f64 - 1.0;
                println!("{names:?} {metas:?} {n}: {error:+.4}");
                let most = if metas.len() == 1 || n >= 32 { 0.011 } else { 0.03 };
                assert!(error.abs() <= most, "{names:?} {metas:?} {n}: {error:+.4}");
            }
        }
    }
}

/// Lists of a part of the members, as while they join.
#[test]
fn partial_lists_are_near_the_real_ones() {
    let config = Config::lan();
    for (names, metas) in
        [(Names::Long, &[0][..]), (Names::Hosts, &[0, 100]), (Names::Random, &[32])]
    {
        let (roster, beliefs) = cluster(names, 300, metas, 4);
        let mut sizes = Sizes::default();
        let mut chance = Keys::new(4).stream(0);
        for n in [1, 3, 10, 50, 200] {
            let (mut reckoned, mut real) = (0, 0);
            for _ in 0..100 {
                let (entries, exact) = real_state(&roster, &beliefs, n, &mut chance);
                reckoned += sizes.state(&roster, &config, n, entries, None);
                real += exact;
            }
            let error = reckoned as f64 / real as f64 - 1.0;
            println!("{names:?} {n}: {error:+.4}");
            assert!(error.abs() <= 0.02, "{names:?} {n}: {error:+.4}");
        }
    }
}

/// A measured cluster: `node-000` and so on, 8 bytes of metadata, addresses of 16 bytes. Both ways of four
/// joins, into 32 to 35 members, came to 3028 to 3298 bytes, compressed to 951 to 990.
#[test]
fn joins_into_a_measured_cluster() {
    let mut config = Config::lan();
    for (compression, least, most) in [(false, 3028, 3298), (true, 951, 990)] {
        config.enable_compression = compression;
        let (roster, beliefs) = cluster(Names::Regular, 36, &[8], 16);
        let mut sizes = Sizes::default();
        let entry = u64::from(sizes.state_entry(&roster, roster.belief(beliefs[0])));
        let mut both = |n: u32| {
            sizes.state(&roster, &config, 1, entry, None)
                + sizes.state(&roster, &config, n, u64::from(n) * entry, None)
        };
        let (first, last) = (both(32), both(35));
        println!("{first} to {last}, measured {least} to {most}");
        assert!(first.abs_diff(least) * 50 <= least, "{first}, measured {least}");
        assert!(last.abs_diff(most) * 50 <= most, "{last}, measured {most}");
    }
}

#[test]
fn short_streams_are_exact() {
    let mut config = Config::lan();
    let (roster, _) = cluster(Names::Long, 10, &[0], 4);
    let mut sizes = Sizes::default();
    let (one, two) = (MemberId(1), MemberId(2));
    assert_eq!(sizes.stream_ping(&roster, &config, 300, one, two), 86);
    assert_eq!(sizes.stream_ack(&config, 300), 38);
    config.label = Label { id: 1, len: 3 };
    config.encryption = Some(Encryption { version: 1, primary: 0, keys: 1 });
    assert_eq!(sizes.stream_ping(&roster, &config, 300, one, two), 5 + 5 + 29 + 86);
    assert_eq!(sizes.stream_ack(&config, 300), 5 + 29 + 38);
    config.enable_compression = false;
    assert_eq!(sizes.stream_ping(&roster, &config, 300, one, two), 5 + 5 + 29 + 79);
    assert_eq!(sizes.stream_user(&config, 100), 5 + 5 + 29 + 114);
}

#[test]
fn random_payloads_grow_by_compression() {
    let config = Config::lan();
    let mut sizes = Sizes::default();
    for (len, least, most) in [(100, 1.1, 1.5), (10_000, 1.3, 1.45), (1_000_000, 1.35, 1.42)] {
        let share = sizes.stream_user(&config, len) as f64 / f64::from(len);
        assert!(least < share && share < most, "{len}: {share}");
    }
}

/// The packets that the specification gives: a ping alone, with the suspicion of its target, gossip.
#[test]
fn packets_of_the_specification() {
    let config = Config::lan();
    let (mut roster, _) = cluster(Names::Long, 200, &[0], 4);
    let mut sizes = Sizes::default();
    let (me, target) = (MemberId(2), MemberId(1));
    let head = Head::Ping { seq: 300, target, reply: AddressId(2) };
    let suspect = Message::suspect(roster.accusation(target, Status::Suspect, 1), me);
    assert_eq!(sizes.packet(&roster, &config, me, head, &[], false), 79);
    assert_eq!(
        sizes.packet(&roster, &config, me, Head::Ack { seq: 300, payload: false }, &[], true),
        25
    );
    let buddy = sizes.packet(&roster, &config, me, head, &[suspect], false);
    assert!(buddy.abs_diff(128) <= 2, "{buddy}");
    for (count, len) in [(10, 234), (20, 363)] {
        let messages: Vec<Message> = (10..10 + count)
            .map(|i| {
                Message::suspect(
                    roster.accusation(MemberId(i), Status::Suspect, 1),
                    MemberId(100 + i),
                )
            })
            .collect();
        let gossip = sizes.packet(&roster, &config, me, Head::None, &messages, false);
        println!("{count}: {gossip}");
        assert!(gossip.abs_diff(len) * 25 <= len, "{count}: {gossip}");
    }
}

/// Packets at the edges of what can be sent: more messages than a compound counts, names of all lengths,
/// user messages alone.
#[test]
fn odd_packets_have_a_length_too() {
    let config = Config::lan();
    let mut roster = Roster::new(16);
    for name in ["", "a", &"b".repeat(40), &"c".repeat(300)] {
        roster.add_member(name);
    }
    let user = [0, 1, 30, 70_000].map(|len| Message::user(roster.add_user(len)));
    let dead = roster.accusation(MemberId(0), Status::Dead, 1);
    let suspects: Vec<Message> =
        (0..255).map(|i| Message::suspect(dead, MemberId(i % 4))).collect();
    let mut sizes = Sizes::default();
    let reply = AddressId(0);
    for me in (0..4).map(MemberId) {
        for target in (0..4).map(MemberId) {
            let ping = Head::Ping { seq: 1, target, reply };
            for messages in [&[][..], &user[..1], &user[..], &suspects[..1], &suspects[..]] {
                for head in [ping, Head::Nack { seq: 70_000 }] {
                    let len = sizes.packet(&roster, &config, me, head, messages, false);
                    let sum: u32 = messages.iter().map(|m| sizes.message(&roster, *m)).sum();
                    let raw = sizes.head(&roster, me, head)
                        + if messages.is_empty() { 0 } else { sum + 4 + 2 * messages.len() as u32 };
                    assert!(len > 0 && len <= raw, "{head:?} {}: {len} of {raw}", messages.len());
                }
            }
        }
    }
}

/// What was asked before, and whether members were added since, changes no answer.
#[test]
fn answers_do_not_depend_on_the_questions_before() {
    let config = Config::lan();
    let (mut roster, beliefs) = cluster(Names::Hosts, 50, &[8], 16);
    let mut chance = Keys::new(5).stream(0);
    let packets: Vec<_> =
        (0..300).map(|_| random_packet(&mut roster, &beliefs, &mut chance)).collect();
    let (mut forward, mut backward) = (Sizes::default(), Sizes::default());
    forward.state(&roster, &config, 50, 5000, None);
    let lens: Vec<u32> = packets
        .iter()
        .map(|(me, head, messages)| forward.packet(&roster, &config, *me, *head, messages, true))
        .collect();
    for ((me, head, messages), len) in packets.iter().zip(lens).rev() {
        assert_eq!(backward.packet(&roster, &config, *me, *head, messages, true), len);
    }
    for n in (1..=50).rev() {
        let entries = u64::from(n) * 100;
        let len = backward.state(&roster, &config, n, entries, None);
        roster.add_member("new");
        roster.add_user(n);
        assert_eq!(forward.state(&roster, &config, n, entries, None), len, "{n}");
        if n == 10 {
            break;
        }
    }
}
