//! What the original's decoder puts up with (specification 12.3), and that nothing makes ours panic.

use proptest::prelude::*;

use super::{hex, text};
use crate::{
    config::Compat,
    wire::{
        Accusation, Ack, Alive, IndirectPing, Kind, Malformed, Message, Nack, Ping, PushPullHeader,
        compound, compress,
        lzw::Encoder,
        message::Compress,
        msgpack::Reader,
        packet::{self, Receiving},
        stream::{self, StreamMessage},
    },
};

/// The digits of a short string.
fn name(text: &str) -> String {
    text.bytes()
        .fold(format!("{:02x}", 0xa0 + text.len()), |digits, byte| format!("{digits}{byte:02x}"))
}

#[track_caller]
fn reads(bytes: &str, expected: &Message<'_>) {
    assert_eq!(Message::decode(&hex(bytes)).as_ref(), Ok(expected));
}

#[track_caller]
fn refuses(bytes: &str, expected: Malformed) {
    assert_eq!(Message::decode(&hex(bytes)), Err(expected));
}

fn nack(seq: u32) -> Message<'static> {
    Message::Nack(Nack { seq })
}

fn ack(payload: &[u8]) -> Message<'_> {
    Message::Ack(Ack { seq: 0, payload: Some(payload.into()) })
}

#[test]
fn keys_may_come_in_any_order_be_missing_unknown_or_repeated() {
    let (node, seq, other) = (name("Node"), name("SeqNo"), name("Other"));
    let ping = |seq, node| Message::Ping(Ping { seq, node: text(node), ..Ping::default() });
    reads(&format!("0082{seq}07{node}{}", name("n")), &ping(7, "n"));
    reads(&format!("0081{node}{}", name("n")), &ping(0, "n"));
    reads(&format!("0082{seq}07{seq}08"), &ping(8, ""));
    reads(&format!("0081{}07", name("seqno")), &ping(0, ""));
    reads(&format!("0081{seq}07ff00"), &ping(7, ""));
    reads("00c0", &ping(0, ""));
    reads("0080", &ping(0, ""));
    for unknown in [
        "01",
        "e1",
        "c0",
        "c2",
        "c3",
        "cc01",
        "cd0101",
        "ce01010101",
        "cf0101010101010101",
        "d001",
        "d10101",
        "d201010101",
        "d30101010101010101",
        "ca01010101",
        "cb0101010101010101",
        "a161",
        "d90161",
        "da000161",
        "db0000000161",
        "c40161",
        "c5000161",
        "c60000000161",
        "920102",
        "dc00020102",
        "dd000000020102",
        "81a16101",
        "de0001a16101",
        "df00000001a16101",
        "d40000",
        "d5000000",
        "d60000000000",
        "c7010000",
        "c800010000",
        "c9000000010000",
        "9281a16192a16180c0",
    ] {
        reads(&format!("0082{other}{unknown}{seq}07"), &ping(7, ""));
    }
    for header in ["de0001", "df00000001"] {
        reads(&format!("00{header}{seq}07"), &ping(7, ""));
    }
    refuses(&format!("00820107{seq}07"), Malformed::Type(1));
    refuses(&format!("0082{other}c1{seq}07"), Malformed::Type(0xc1));
    refuses("00", Malformed::Truncated);
    refuses("", Malformed::Truncated);
    refuses("0001", Malformed::Type(1));
}

#[test]
fn nil_is_zero() {
    let all = ["SeqNo", "Node", "SourceAddr", "SourcePort", "SourceNode"];
    let fields: String = all.iter().map(|key| name(key) + "c0").collect();
    reads(&format!("0085{fields}"), &Message::Ping(Ping::default()));
    reads(&format!("0181{}c0", name("Nack")), &Message::IndirectPing(IndirectPing::default()));
}

#[test]
fn structs_may_be_arrays_short_or_long() {
    let accusation = Accusation { incarnation: 5, node: text("n"), from: text("f") };
    reads("039305a16ea166", &Message::Suspect(accusation.clone()));
    reads("05dc000305a16ea166", &Message::Dead(accusation.clone()));
    reads("05dd0000000505a16ea166c09101", &Message::Dead(accusation.clone()));
    reads("059205a16e", &Message::Dead(Accusation { from: text(""), ..accusation }));
    reads("0390", &Message::Suspect(Accusation::default()));
    let alive = Alive {
        incarnation: 1,
        node: text("n"),
        address: Some((&[1, 2, 3, 4]).into()),
        port: 80,
        meta: None,
        versions: Some((&[1]).into()),
    };
    reads("049601a16ea40102030450c0a101", &Message::Alive(alive));
}

#[test]
fn bytes_and_strings_come_in_many_forms() {
    let payload = name("Payload");
    for form in [
        "a26869",
        "d9026869",
        "da00026869",
        "db000000026869",
        "c4026869",
        "c500026869",
        "c6000000026869",
        "926869",
        "dc00026869",
        "dd000000026869",
        "92cc68d10069",
    ] {
        reads(&format!("0281{payload}{form}"), &ack(b"hi"));
        reads(
            &format!("0081{}{form}", name("Node")),
            &Message::Ping(Ping { node: text("hi"), ..Ping::default() }),
        );
    }
    for empty in ["a0", "90", "c400"] {
        reads(&format!("0281{payload}{empty}"), &ack(b""));
    }
    reads(&format!("0281{payload}91ccff"), &ack(&[255]));
    refuses(&format!("0281{payload}91cd0100"), Malformed::Range);
    refuses(&format!("0281{payload}91ff"), Malformed::Range);
    refuses(&format!("0281{payload}07"), Malformed::Type(7));
    refuses(&format!("0281{payload}80"), Malformed::Type(0x80));
    refuses(&format!("0281{payload}a2"), Malformed::Truncated);
    refuses(&format!("0281{payload}dbffffffff"), Malformed::Truncated);
    refuses(&format!("0281{payload}ddffffffff00"), Malformed::Truncated);
    // Bytes read as an array or as bin are written as raw.
    let mut out = Vec::new();
    let read = hex(&format!("0281{payload}c4026869"));
    Message::decode(&read).expect("a legal ack").encode(&mut out);
    assert_eq!(out, hex(&format!("0282{payload}a26869{}00", name("SeqNo"))));
}

#[test]
fn integers_come_in_any_width_that_fits() {
    let seq = name("SeqNo");
    for seven in [
        "07",
        "cc07",
        "cd0007",
        "ce00000007",
        "cf0000000000000007",
        "d007",
        "d10007",
        "d200000007",
        "d30000000000000007",
    ] {
        reads(&format!("0b81{seq}{seven}"), &nack(7));
    }
    reads(&format!("0b81{seq}ceffffffff"), &nack(u32::MAX));
    reads(&format!("0b81{seq}d300000000ffffffff"), &nack(u32::MAX));
    for wrong in ["ff", "e0", "d0ff", "d1ffff", "d2ffffffff", "d3ffffffffffffffff"] {
        refuses(&format!("0b81{seq}{wrong}"), Malformed::Range);
    }
    refuses(&format!("0b81{seq}cf0000000100000000"), Malformed::Range);
    refuses(&format!("0081{}ce00010000", name("SourcePort")), Malformed::Range);
    refuses(&format!("0b81{seq}ca00000000"), Malformed::Type(0xca));
    refuses(&format!("0b81{seq}cb0000000000000000"), Malformed::Type(0xcb));
    refuses(&format!("0b81{seq}a137"), Malformed::Type(0xa1));
    refuses(&format!("0b81{seq}c3"), Malformed::Type(0xc3));

    let nodes = name("Nodes");
    for (digits, expected) in [
        ("d100c8", 200),
        ("ccc8", 200),
        ("e0", -32),
        ("d0df", -33),
        ("d1fffe", -2),
        ("d3ffffffffffffffff", -1),
    ] {
        let bytes = hex(&format!("81{nodes}{digits}"));
        let header: PushPullHeader = Reader::new(&bytes).record().expect("a legal header");
        assert_eq!(header.nodes, expected);
    }
    let bytes = hex(&format!("81{nodes}cf8000000000000000"));
    assert_eq!(Reader::new(&bytes).record::<PushPullHeader>(), Err(Malformed::Range));
}

#[test]
fn booleans_may_be_0_or_1() {
    let key = name("Nack");
    for (form, nack) in [("c2", false), ("c3", true), ("00", false), ("01", true)] {
        let expected = IndirectPing { nack, ..IndirectPing::default() };
        reads(&format!("0181{key}{form}"), &Message::IndirectPing(expected));
    }
    refuses(&format!("0181{key}02"), Malformed::Type(2));
    refuses(&format!("0181{key}cc01"), Malformed::Type(0xcc));
}

fn outcomes(packet: &[u8]) -> Vec<Result<usize, Malformed>> {
    let mut seen = Vec::new();
    packet::messages(packet, &mut |message| {
        seen.push(message.map(|message| message.encoded_len() as usize));
    });
    seen
}

#[test]
fn a_compound_keeps_the_parts_that_are_whole() {
    let mut packet = Vec::new();
    compound::write(&[&b"\x08one"[..], b"", b"\x06", b"\x08three"], &mut packet);
    let all = [Ok(4), Err(Malformed::Truncated), Err(Malformed::Kind(6)), Ok(6)];
    assert_eq!(outcomes(&packet), all);
    let cut = packet.len() - 1;
    assert_eq!(outcomes(&packet[..cut])[..3], all[..3]);
    assert_eq!(outcomes(&packet[..cut])[3..], [Err(Malformed::Truncated)]);
    assert_eq!(outcomes(&packet[..9]), [Err(Malformed::Truncated)], "lengths cut short");
    assert_eq!(outcomes(&packet[..1]), [Err(Malformed::Truncated)]);
    for kind in [6, 10, 12, 13, 14, 244] {
        assert_eq!(outcomes(&[kind, 0x80]), [Err(Malformed::Kind(kind))]);
    }
}

#[test]
fn more_than_255_messages_overflow_the_count() {
    let parts = vec![b"\x08"; 257];
    let mut packet = Vec::new();
    compound::write(&parts, &mut packet);
    let kept = compound::split(&packet[1..]).expect("one length").count();
    assert_eq!(kept, 1);
}

#[test]
fn nesting_ends_somewhere() {
    let mut packet = b"\x08deep".to_vec();
    for _ in 0..15 {
        let mut outer = Vec::new();
        compound::write(&[&packet], &mut outer);
        packet = outer;
    }
    assert_eq!(outcomes(&packet), [Ok(5)]);
    for _ in 0..2 {
        let mut outer = Vec::new();
        compress::wrap(&packet, &mut Encoder::new(), &mut outer);
        packet = outer;
    }
    assert_eq!(outcomes(&packet), [Err(Malformed::Depth)]);
}

#[test]
fn compression_is_lzw_or_nothing() {
    let mut packet = Vec::new();
    Compress { algorithm: 1, buffer: Some(b"".into()) }.encode(&mut packet);
    assert_eq!(outcomes(&packet), [Err(Malformed::Algorithm(1))]);
    assert_eq!(outcomes(b"\x09\x80"), [Err(Malformed::Unfinished)]);
    packet.clear();
    compress::wrap(b"", &mut Encoder::new(), &mut packet);
    assert_eq!(outcomes(&packet), [Err(Malformed::Truncated)], "empty inside");
}

#[test]
fn a_stream_states_limits() {
    let push_pull = |nodes: i64, user_state_len: i64| {
        let mut out = Vec::new();
        PushPullHeader { nodes, user_state_len, join: false }.encode(Compat::Head, &mut out);
        StreamMessage::decode(&out).map(|_| ())
    };
    let too_large = |limit| Err(Malformed::TooLarge { limit });
    assert_eq!(push_pull(0, 0), Ok(()));
    assert_eq!(push_pull(stream::MAX_NODES.into(), 0), Err(Malformed::Truncated));
    assert_eq!(push_pull(i64::from(stream::MAX_NODES) + 1, 0), too_large(stream::MAX_NODES));
    assert_eq!(push_pull(0, stream::MAX_BYTES.into()), Err(Malformed::Truncated));
    assert_eq!(push_pull(0, i64::MAX), too_large(stream::MAX_BYTES));
    assert_eq!(push_pull(-1, 0), Err(Malformed::Range));
}

/// Random bytes, and such as look like messages.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let tokens = proptest::sample::select(vec![
        hex("0085"),
        hex("07020003"),
        hex("0982a4416c676f00a3427566"),
        hex("0c"),
        hex("f403"),
        hex("0683"),
        hex("a44e6f6465"),
        hex("a55365714e6f"),
        hex("a54e6f646573"),
        hex("ddffffffff"),
        hex("dfffffffff"),
        hex("c0"),
        hex("a7"),
        hex("cf"),
        hex("0a000000"),
        hex("81"),
        hex("92"),
    ]);
    let token = prop_oneof![tokens, proptest::collection::vec(any::<u8>(), 1..6)];
    proptest::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in garbage()) {
        let _ = packet::read(&bytes, &Receiving::default());
        let _ = stream::read(&bytes, &Receiving::default());
        let _ = StreamMessage::decode(&bytes);
        // A compound of no messages is silent; all else leaves a message or a reason.
        prop_assert!(!outcomes(&bytes).is_empty() || bytes.contains(&(Kind::Compound as u8)));
        let mut reader = Reader::new(&bytes);
        if reader.skip().is_ok() {
            prop_assert!(reader.position() > 0 && reader.position() <= bytes.len());
        }
        for kind in 0..=13 {
            let message = [&[kind], &bytes[..]].concat();
            if let Ok(message) = Message::decode(&message) {
                let mut again = Vec::new();
                message.encode(&mut again);
                prop_assert_eq!(again.len() as u32, message.encoded_len());
                prop_assert_eq!(Message::decode(&again), Ok(message));
            }
        }
    }
}
