//! The worked examples E1 to E12 of specification 12.11, written and read.

use super::{bytes, hex, text};
use crate::{
    config::Compat,
    wire::{
        Accusation, Ack, Alive, Bytes, Err, IndirectPing, Layers, Malformed, Message, Nack, Ping,
        PushNodeState, PushPullHeader, compound, compress, crc, len,
        lzw::Encoder,
        packet::{self, Receiving, Sending},
        seal,
        stream::{PushPull, StreamMessage},
    },
};

const PORT: u16 = 7946;

fn versions() -> Bytes<'static> {
    bytes(&[1, 5, 2, 0, 0, 0])
}

fn ping() -> Ping<'static> {
    Ping {
        seq: 42,
        node: text("n1"),
        source_address: bytes(&[10, 0, 0, 1]),
        source_port: PORT,
        source_node: text("n0"),
    }
}

pub(super) fn suspect() -> Message<'static> {
    Message::Suspect(Accusation { incarnation: 1, node: text("n1"), from: text("n0") })
}

fn alive() -> Alive<'static> {
    Alive {
        incarnation: 1,
        node: text("n1"),
        address: bytes(&[10, 0, 0, 1]),
        port: PORT,
        meta: None,
        versions: versions(),
    }
}

pub(super) fn encoded(message: &Message<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    message.encode(&mut out);
    out
}

/// Writing gives the bytes, their length is foretold, and reading gives the message back.
#[track_caller]
fn check(message: &Message<'_>, expected: &str) {
    let expected = hex(expected);
    assert_eq!(encoded(message), expected);
    assert_eq!(message.encoded_len() as usize, expected.len());
    assert_eq!(Message::decode(&expected).as_ref(), Ok(message));
}

#[test]
fn e1_ping() {
    check(
        &Message::Ping(ping()),
        "0085a44e6f6465a26e31a55365714e6f2aaa536f7572636541646472a40a000001
         aa536f757263654e6f6465a26e30aa536f75726365506f7274cd1f0a",
    );
    let bare = |seq| Message::Ping(Ping { seq, node: text("n1"), ..Ping::default() });
    check(&bare(42), "0082a44e6f6465a26e31a55365714e6f2a");
    check(&bare(200), "0082a44e6f6465a26e31a55365714e6fccc8");
    check(&bare(300), "0082a44e6f6465a26e31a55365714e6fcd012c");
    check(&bare(70000), "0082a44e6f6465a26e31a55365714e6fce00011170");
}

#[test]
fn e2_indirect_ping() {
    let ping = IndirectPing {
        seq: 42,
        target: bytes(&[10, 0, 0, 1]),
        port: PORT,
        node: text("n1"),
        nack: true,
        source_address: bytes(&[10, 0, 0, 2]),
        source_port: PORT,
        source_node: text("n0"),
    };
    check(
        &Message::IndirectPing(ping),
        "0188a44e61636bc3a44e6f6465a26e31a4506f7274cd1f0aa55365714e6f2aaa536f7572636541646472a40a000002
         aa536f757263654e6f6465a26e30aa536f75726365506f7274cd1f0aa6546172676574a40a000001",
    );
}

#[test]
fn e3_answers() {
    let ack = |payload| Message::Ack(Ack { seq: 42, payload });
    check(&ack(None), "0282a75061796c6f6164c0a55365714e6f2a");
    check(&ack(bytes(b"")), "0282a75061796c6f6164a0a55365714e6f2a");
    check(&ack(bytes(b"hi")), "0282a75061796c6f6164a26869a55365714e6f2a");
    check(&Message::Nack(Nack { seq: 42 }), "0b81a55365714e6f2a");
    check(&Message::Err(Err { text: text("boom") }), "0d81a54572726f72a4626f6f6d");
}

#[test]
fn e4_accusations() {
    let body = "83a446726f6da26e30ab496e6361726e6174696f6e01a44e6f6465a26e31";
    check(&suspect(), &format!("03{body}"));
    let dead =
        |from| Message::Dead(Accusation { incarnation: 1, node: text("n1"), from: text(from) });
    check(&dead("n0"), &format!("05{body}"));
    check(&dead("n1"), "0583a446726f6da26e31ab496e6361726e6174696f6e01a44e6f6465a26e31");
}

#[test]
fn e5_alive() {
    check(
        &Message::Alive(alive()),
        "0486a441646472a40a000001ab496e6361726e6174696f6e01a44d657461c0a44e6f6465a26e31
         a4506f7274cd1f0aa356736ea6010502000000",
    );
    let mapped = hex("00000000000000000000ffff0a000001");
    let meta = [0x5a; 40];
    let tail = "a44e6f6465a26e31a4506f7274cd1f0aa356736ea6010502000000";
    check(
        &Message::Alive(Alive { address: bytes(&mapped), meta: bytes(&meta), ..alive() }),
        &format!(
            "0486a441646472b000000000000000000000ffff0a000001ab496e6361726e6174696f6e01
             a44d657461da0028{}{tail}",
            "5a".repeat(40)
        ),
    );
    check(
        &Message::Alive(Alive {
            incarnation: 70000,
            node: text("node-0001"),
            port: 80,
            versions: bytes(&[1, 5, 2, 2, 5, 4]),
            ..alive()
        }),
        "0486a441646472a40a000001ab496e6361726e6174696f6ece00011170a44d657461c0
         a44e6f6465a96e6f64652d30303031a4506f727450a356736ea6010502020504",
    );
}

#[test]
fn e6_compound() {
    let parts = [encoded(&Message::Ping(ping())), encoded(&suspect())];
    let mut packet = Vec::new();
    compound::write(&parts, &mut packet);
    assert_eq!(packet, [hex("0702003d001f"), parts.concat()].concat());
    assert_eq!(packet.len(), 98);
    assert_eq!(len::compound_len(2, 61 + 31), 98);

    let mut seen = Vec::new();
    packet::messages(&packet, &mut |message| seen.push(message.map(|message| encoded(&message))));
    assert_eq!(seen, [Ok(parts[0].clone()), Ok(parts[1].clone())]);
}

#[test]
fn e7_crc() {
    let inner = encoded(&suspect());
    let mut packet = Vec::new();
    crc::wrap(&inner, &mut packet);
    assert_eq!(packet, [hex("0c598ccffe"), inner.clone()].concat());
    assert_eq!(crc::unwrap(&packet), Ok(&inner[..]));
    packet[7] ^= 1;
    assert_eq!(crc::unwrap(&packet), Err(Malformed::Checksum));
    assert_eq!(crc::unwrap(&packet[..4]), Ok(&packet[..4]), "too short to be one");
}

#[test]
fn e8_compress() {
    #[track_caller]
    fn check(message: &[u8], expected: &str, shorter: bool) {
        let expected = hex(expected);
        let mut encoder = Encoder::new();
        let mut out = Vec::new();
        compress::wrap(message, &mut encoder, &mut out);
        assert_eq!(out, expected);
        assert_eq!(compress::compressed_stream_len(message, &mut encoder), expected.len() as u32);
        assert_eq!(compress::unwrap(&expected[1..]).as_deref(), Ok(message));

        let mut packet = Vec::new();
        compress::wrap_if_shorter(message, &mut encoder, &mut packet);
        assert_eq!(packet, if shorter { &expected } else { message });
        let len = compress::compressed_packet_len(message, &mut encoder);
        assert_eq!(len as usize, packet.len());
    }
    check(
        &encoded(&suspect()),
        "0982a4416c676f00a3427566da002400070c226544ce9b36a2dcc05895c4cd983072dc84a193e68d9b00a49cbc
         215326618c80",
        false,
    );
    let user = [&[8], &[b'a'; 100][..]].concat();
    check(&user, "0982a4416c676f00a3427566b40011841948b0a0c18308132a5cc8b0a143850101", true);
    check(b"", "0982a4416c676f00a3427566a3000302", false);
    let mut packet = Vec::new();
    let alive = encoded(&Message::Alive(alive()));
    compound::write(&[&encoded(&suspect()), &alive, &alive], &mut packet);
    assert_eq!(packet.len(), 155);
    check(
        &packet,
        "0982a4416c676f00a3427566da0081000f0c00f001800e830306913222e74d1b516e60ac4ae2664c18396ec2d0
         49f3c64d00524ede90290331060143a4829021238794020000024cac7831e3c68e1f9b94a1130618489124ddc4
         2005e58d1c3acd3e281865658e1b53010a088009e064ca952d5fc69c6911a3468e1e49e9e4e933e4c892448d22
         55cad42954a9540302",
        true,
    );
}

pub(super) fn members() -> PushPull<'static> {
    let n0 = PushNodeState {
        name: text("n0"),
        address: bytes(&[10, 0, 0, 1]),
        port: PORT,
        incarnation: 3,
        versions: versions(),
        ..PushNodeState::default()
    };
    let n1 = PushNodeState {
        name: text("n1"),
        address: bytes(&[10, 0, 0, 2]),
        meta: bytes(b"m"),
        incarnation: 200,
        state: 1,
        ..n0.clone()
    };
    PushPull { join: true, nodes: vec![n0, n1], user_state: b"STATE".into() }
}

/// Written, the message has these bytes and the foretold length; read, it comes back.
#[track_caller]
fn check_stream(message: &StreamMessage<'_>, compat: Compat, expected: &str) {
    let expected = hex(expected);
    let mut out = Vec::new();
    message.encode(compat, &mut out);
    assert_eq!(out, expected);
    assert_eq!(message.encoded_len(compat) as usize, expected.len());
    assert_eq!(StreamMessage::decode(&expected).as_ref(), Ok(message));
    for cut in 0..expected.len() {
        assert_eq!(StreamMessage::decode(&expected[..cut]), Err(Malformed::Truncated), "{cut}");
    }
}

#[test]
fn e10_push_pull() {
    check_stream(
        &StreamMessage::PushPull(members()),
        Compat::Head,
        "0683a44a6f696ec3a54e6f64657302ac5573657253746174654c656e05
         87a441646472a40a000001ab496e6361726e6174696f6e03a44d657461c0a44e616d65a26e30a4506f7274cd1f0a
         a5537461746500a356736ea6010502000000
         87a441646472a40a000002ab496e6361726e6174696f6eccc8a44d657461a16da44e616d65a26e31
         a4506f7274cd1f0aa5537461746501a356736ea6010502000000
         5354415445",
    );
    for (compat, count) in [(Compat::Head, "d100c8"), (Compat::V0_2, "ccc8")] {
        let header = PushPullHeader { nodes: 200, user_state_len: 0, join: false };
        let mut out = Vec::new();
        header.encode(compat, &mut out);
        let expected =
            hex(&format!("0683a44a6f696ec2a54e6f646573{count}ac5573657253746174654c656e00"));
        assert_eq!(out, expected);
        assert_eq!(header.encoded_len(compat) as usize, expected.len());
    }
}

#[test]
fn e11_user() {
    check(&Message::User(b"hello"), "0868656c6c6f");
    let user = |payload: &'static [u8]| StreamMessage::User(payload.into());
    check_stream(&user(b"hello"), Compat::Head, "0881aa557365724d73674c656e0568656c6c6f");
    for (len, compat, header) in [
        (128, Compat::Head, "d10080"),
        (32768, Compat::Head, "d200008000"),
        (128, Compat::V0_2, "cc80"),
        (32768, Compat::V0_2, "cd8000"),
    ] {
        let message = StreamMessage::User(vec![7; len].into());
        let mut out = Vec::new();
        message.encode(compat, &mut out);
        let header = hex(&format!("0881aa557365724d73674c656e{header}"));
        assert_eq!(out[..header.len()], header);
        assert_eq!(out.len(), header.len() + len);
        assert_eq!(message.encoded_len(compat) as usize, out.len());
    }
}

#[test]
fn e12_label() {
    let sending = Sending { label: b"lbl", ..Sending::default() };
    let mut out = Vec::new();
    packet::write(&encoded(&Message::User(b"hi")), sending, &mut out);
    assert_eq!(out, hex("f4036c626c086869"));
    let layers = Layers { label_len: 3, ..Layers::default() };
    assert_eq!(layers.packet_len(3) as usize, out.len());

    let own =
        |label, skip_label_check| Receiving { label, skip_label_check, ..Receiving::default() };
    let read = |datagram, receiving| packet::read(datagram, &receiving).map(Vec::from);
    assert_eq!(read(&out, own(b"lbl", false)), Ok(b"\x08hi".to_vec()));
    assert_eq!(read(&out, own(b"other", false)), Err(Malformed::Label));
    assert_eq!(read(&out, own(b"", false)), Err(Malformed::Label));
    assert_eq!(read(b"\x08hi", own(b"lbl", false)), Err(Malformed::Label));
    assert_eq!(read(&out, own(b"lbl", true)), Err(Malformed::Label), "one label too many");
    assert_eq!(read(b"\x08hi", own(b"lbl", true)), Ok(b"\x08hi".to_vec()));
    assert_eq!(read(b"\xf4\x00\x08hi", own(b"", false)), Err(Malformed::Label));
    assert_eq!(read(b"\xf4\x09lbl", own(b"", false)), Err(Malformed::Truncated));
}

#[test]
fn e9_lengths_of_encryption() {
    assert_eq!(seal::sealed_len(1, 31), 60);
    assert_eq!(seal::sealed_len(0, 31), 61);
    assert_eq!(seal::sealed_len(0, 32), 77, "a whole block is padded by a block");
    let layers = |encryption, label_len| Layers { crc: false, encryption, label_len };
    assert_eq!(layers(Some(1), 3).packet_len(31), 65);
    assert_eq!(layers(Some(1), 0).stream_len(164), 198);
    assert_eq!(layers(Some(1), 3).answering(), layers(Some(1), 0));
}
