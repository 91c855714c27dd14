//! Lengths without encoding equal those of what is encoded, for every width of every field.

use proptest::prelude::*;

use crate::{
    config::{Compat, Config, Encryption, Label},
    wire::{
        Accusation, Ack, Alive, IndirectPing, Kind, Layers, Malformed, Message, Nack, Ping,
        PushNodeState, PushPullHeader, Text, UserHeader, compound,
        compress::{compressed_packet_len, compressed_stream_len},
        label, len,
        lzw::Encoder,
        packet::{self, Receiving, Sending},
        seal::{Cipher, NONCE, TAG},
        stream::{self, PushPull, StreamMessage},
    },
};

/// A cipher that is none: the text as it is, and a tag that depends on all there is.
struct Sum(u8);

impl Cipher for Sum {
    fn nonce(&mut self) -> [u8; NONCE] {
        self.0 = self.0.wrapping_add(1);
        [self.0; NONCE]
    }

    fn encrypt(&self, nonce: [u8; NONCE], associated: &[u8], text: &mut Vec<u8>) {
        let tag = tag(nonce, associated, text);
        text.extend_from_slice(&tag);
    }

    fn decrypt(&self, nonce: [u8; NONCE], associated: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (text, end) = sealed.split_at_checked(sealed.len().checked_sub(TAG)?)?;
        (tag(nonce, associated, text) == end).then(|| text.to_vec())
    }
}

fn tag(nonce: [u8; NONCE], associated: &[u8], text: &[u8]) -> [u8; TAG] {
    let all = [&nonce, associated, b"|", text].concat();
    [all.iter().enumerate().fold(1, |sum: u8, (at, byte)| sum.wrapping_mul(31) ^ byte ^ at as u8);
        TAG]
}

/// Integers near every change of width, and others.
fn number() -> impl Strategy<Value = u32> {
    let edges = [0, 1, 127, 128, 255, 256, 32767, 32768, 65535, 65536, i32::MAX as u32, u32::MAX];
    prop_oneof![proptest::sample::select(edges.to_vec()), any::<u32>()]
}

fn port() -> impl Strategy<Value = u16> {
    prop_oneof![
        Just(7946),
        proptest::sample::select(vec![1, 127, 128, 255, 256, u16::MAX]),
        1..=u16::MAX
    ]
}

/// Names and metadata near every change of header.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let len = prop_oneof![
        0..40usize,
        proptest::sample::select(vec![0, 1, 31, 32, 255, 256, 512, 65535, 65536])
    ];
    (len, any::<u8>()).prop_map(|(len, byte)| vec![byte; len])
}

fn compat() -> impl Strategy<Value = Compat> {
    prop_oneof![Just(Compat::Head), Just(Compat::V0_2)]
}

fn len_of(bytes: &[u8]) -> u32 {
    bytes.len() as u32
}

/// What is appended has the foretold length and reads back.
fn holds(message: &Message<'_>) -> Result<u32, TestCaseError> {
    let mut out = vec![99];
    message.encode(&mut out);
    let encoded = &out[1..];
    prop_assert_eq!(message.encoded_len() as usize, encoded.len());
    let read = Message::decode(encoded);
    prop_assert_eq!(read.as_ref(), Ok(message));
    Ok(len_of(encoded))
}

proptest! {
    #[test]
    fn probe_messages(
        seq in number(),
        node in bytes(),
        source in bytes(),
        (target, from) in (0..18usize, 0..18usize),
        (port, source_port) in (port(), port()),
        payload in proptest::option::of(bytes()),
        nack: bool,
    ) {
        let [target, from] = [target, from].map(|len| vec![7; len]);
        let ping = Ping {
            seq,
            node: Text::from(&node),
            source_address: super::bytes(&from),
            source_port,
            source_node: Text::from(&source),
        };
        let sent = !from.is_empty() && !source.is_empty();
        let Ping { source_address, source_node, .. } = ping.clone();
        let got = if from.is_empty() {
            // An empty source address is left out, and read as none.
            holds(&Message::Ping(Ping { source_address: None, ..ping }))?
        } else {
            holds(&Message::Ping(ping))?
        };
        let (node_len, source_len) = (len_of(&node), len_of(&source));
        if sent {
            let expected = len::ping_len(seq, from.len() as u8, node_len, source_len);
            prop_assert_eq!(got, expected - len::narrow_port(source_port));
            let indirect = IndirectPing {
                seq,
                target: super::bytes(&target),
                port,
                node: Text::from(&node),
                nack,
                source_address,
                source_port,
                source_node,
            };
            let expected = len::indirect_ping_len(
                seq,
                target.len() as u8,
                from.len() as u8,
                node_len,
                source_len,
            );
            let narrow = len::narrow_port(port) + len::narrow_port(source_port);
            prop_assert_eq!(holds(&Message::IndirectPing(indirect))?, expected - narrow);
        }
        let payload_len = payload.as_deref().map_or(0, len_of);
        let ack = Ack { seq, payload: payload.as_deref().map(Into::into) };
        prop_assert_eq!(holds(&Message::Ack(ack))?, len::ack_len(seq, payload_len));
        prop_assert_eq!(holds(&Message::Nack(Nack { seq }))?, len::nack_len(seq));
        prop_assert_eq!(holds(&Message::User(&node))?, len::user_len(node_len));
    }

    #[test]
    fn claims_and_records(
        incarnation in number(),
        node in bytes(),
        from in bytes(),
        meta in proptest::option::of(bytes()),
        port in port(),
        address_len in 0..18usize,
        state in 0..4i64,
        compat in compat(),
    ) {
        let address = vec![7; address_len];
        let (node_len, address_bytes) = (len_of(&node), address_len as u8);
        let meta_len = meta.as_deref().map_or(0, len_of);
        let accusation =
            Accusation { incarnation, node: Text::from(&node), from: Text::from(&from) };
        let expected = len::accusation_len(incarnation, node_len, len_of(&from));
        prop_assert_eq!(holds(&Message::Suspect(accusation.clone()))?, expected);
        prop_assert_eq!(holds(&Message::Dead(accusation))?, expected);

        let alive = Alive {
            incarnation,
            node: Text::from(&node),
            address: super::bytes(&address),
            port,
            meta: meta.as_deref().map(Into::into),
            versions: super::bytes(&[1, 5, 2, 0, 0, 0]),
        };
        let expected = len::alive_len(incarnation, address_bytes, meta_len, node_len);
        let narrow = len::narrow_port(port);
        prop_assert_eq!(holds(&Message::Alive(alive.clone()))?, expected - narrow);

        let record = PushNodeState {
            name: alive.node,
            address: alive.address,
            port,
            meta: alive.meta,
            incarnation,
            state,
            versions: alive.versions,
        };
        let mut out = Vec::new();
        record.encode(compat, &mut out);
        let expected = len::push_node_state_len(incarnation, address_bytes, meta_len, node_len);
        prop_assert_eq!(len_of(&out), expected - narrow);
        prop_assert_eq!(len_of(&out), record.encoded_len(compat));

        let push_pull = StreamMessage::PushPull(PushPull {
            join: state == 1,
            nodes: vec![record; 1 + meta_len as usize % 300],
            user_state: Text::from(&from),
        });
        out.clear();
        push_pull.encode(compat, &mut out);
        prop_assert_eq!(len_of(&out), push_pull.encoded_len(compat));
        prop_assert_eq!(StreamMessage::decode(&out), Ok(push_pull));
    }

    #[test]
    fn headers(
        nodes in number(),
        user_state_len in number(),
        negative: bool,
        compat in compat(),
    ) {
        let mut out = Vec::new();
        let header =
            PushPullHeader { nodes: nodes.into(), user_state_len: user_state_len.into(), join: true };
        header.encode(compat, &mut out);
        prop_assert_eq!(len_of(&out), len::push_pull_header_len(nodes, user_state_len, compat));
        prop_assert_eq!(len_of(&out), header.encoded_len(compat));
        let user_message_len = if negative { -i64::from(nodes) } else { nodes.into() };
        let header = UserHeader { user_message_len };
        out.clear();
        header.encode(compat, &mut out);
        prop_assert_eq!(len_of(&out), header.encoded_len(compat));
        if !negative && nodes < 1 << 30 {
            prop_assert_eq!(len_of(&out) + nodes, len::user_stream_len(nodes, compat));
        }
    }

    #[test]
    fn layers(
        messages in proptest::collection::vec(bytes(), 1..5),
        encryption in proptest::option::of(0..2u8),
        label in proptest::collection::vec(any::<u8>(), 0..4),
        (compression, crc, dialled) in any::<(bool, bool, bool)>(),
        flip: prop::sample::Index,
    ) {
        let messages: Vec<Vec<u8>> = messages
            .into_iter()
            .map(|payload| [&[Kind::User as u8], &payload[..payload.len().min(2000)]].concat())
            .collect();
        let mut message = Vec::new();
        compound::write(&messages, &mut message);
        let sum = messages.iter().map(|message| len_of(message)).sum();
        prop_assert_eq!(len_of(&message), len::compound_len(messages.len() as u32, sum));

        let (mut encoder, mut cipher) = (Encoder::new(), Sum(0));
        let layers = Layers { crc, encryption, label_len: label.len() as u8 };
        let encoded = |len: fn(&[u8], &mut Encoder) -> u32| {
            if compression { len(&message, &mut Encoder::new()) } else { len_of(&message) }
        };
        macro_rules! sending {
            () => {
                Sending {
                    compress: compression.then_some(&mut encoder),
                    crc,
                    seal: encryption.map(|version| (version, &mut cipher as &mut dyn Cipher)),
                    label: &label,
                }
            };
        }
        let mut datagram = Vec::new();
        packet::write(&message, sending!(), &mut datagram);
        prop_assert_eq!(len_of(&datagram), layers.packet_len(encoded(compressed_packet_len)));
        let mut bytes = Vec::new();
        stream::write(&message, dialled, sending!(), &mut bytes);
        let around = if dialled { layers } else { layers.answering() };
        prop_assert_eq!(len_of(&bytes), around.stream_len(encoded(compressed_stream_len)));

        let receiving = Receiving {
            cipher: encryption.is_some().then_some(&cipher as &dyn Cipher),
            verify_incoming: true,
            label: &label,
            skip_label_check: false,
        };
        let packet = packet::read(&datagram, &receiving);
        prop_assert!(packet.is_ok(), "{:?}", packet);
        let mut seen = Vec::new();
        packet::messages(&packet.unwrap_or_default(), &mut |part| {
            let mut out = Vec::new();
            seen.push(part.map(|part| {
                part.encode(&mut out);
                out
            }));
        });
        let expected: Vec<Result<_, Malformed>> = messages.into_iter().map(Ok).collect();
        prop_assert_eq!(seen, expected);
        let bytes = if dialled { label::check(&bytes, &label, false) } else { Ok(&bytes[..]) };
        let bytes = bytes.and_then(|bytes| stream::read(bytes, &receiving));
        prop_assert_eq!(bytes.as_deref(), Ok(&message[..]));

        let at = flip.index(datagram.len());
        datagram[at] ^= 0x10;
        let flipped = packet::read(&datagram, &receiving);
        prop_assert!(flipped.is_err() || encryption.is_none() && !(crc && at > label.len() + 6));
    }
}

#[test]
fn layers_of_the_settings() {
    let mut config = Config::lan();
    assert_eq!(Layers::of(&config, true), Layers { crc: true, ..Layers::default() });
    config.label = Label { id: 1, len: 9 };
    config.encryption = Some(Encryption { version: 1, primary: 0, keys: 1 });
    let layers = Layers { crc: false, encryption: Some(1), label_len: 9 };
    assert_eq!(Layers::of(&config, false), layers);
    assert_eq!(layers.packet_len(100), 100 + config.label_overhead() + config.encrypt_overhead());
    config.gossip_verify_outgoing = false;
    assert_eq!(Layers::of(&config, false).encryption, None);
}
