//! The sizes that the specification's section 14 quotes of the original, for names of ten characters.

use super::{bytes, text};
use crate::{
    config::Compat,
    wire::{
        Accusation, Ack, Alive, Kind, Message, Ping, PushNodeState, compound,
        compress::compressed_stream_len, compressed_packet_len, len, lzw::Encoder,
    },
};

fn encoded(message: &Message<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    message.encode(&mut out);
    out
}

fn accusation<'a>(node: &'a str, from: &'a str) -> Accusation<'a> {
    Accusation { incarnation: 1, node: text(node), from: text(from) }
}

#[test]
fn probes() {
    let mut encoder = Encoder::new();
    let ping = encoded(&Message::Ping(Ping {
        seq: 300,
        node: text("node-00001"),
        source_address: bytes(&[10, 0, 0, 2]),
        source_port: 7946,
        source_node: text("node-00002"),
    }));
    assert_eq!(ping.len(), 79);
    assert_eq!(compressed_packet_len(&ping, &mut encoder), 79);
    assert_eq!(compressed_stream_len(&ping, &mut encoder), 86);
    let ack = encoded(&Message::Ack(Ack { seq: 300, payload: None }));
    assert_eq!(ack.len(), 20);
    assert_eq!(compressed_packet_len(&ack, &mut encoder), 20);
    assert_eq!(compressed_stream_len(&ack, &mut encoder), 38);

    let suspect = encoded(&Message::Suspect(accusation("node-00001", "node-00002")));
    let mut buddy = Vec::new();
    compound::write(&[ping, suspect], &mut buddy);
    assert_eq!(buddy.len(), 132);
    assert_eq!(compressed_packet_len(&buddy, &mut encoder), 128);
}

#[test]
fn gossip_breaks_even_at_two_messages() {
    let mut encoder = Encoder::new();
    for kind in [Kind::Alive, Kind::Suspect] {
        for (count, alives, suspects) in
            [(1, 66, 47), (2, 138, 100), (10, 682, 492), (20, 1362, 982)]
        {
            let messages: Vec<Vec<u8>> = (0..count)
                .map(|member: u8| {
                    let (node, address) = (format!("node-{member:05}"), [10, 0, 0, member]);
                    encoded(&match kind {
                        Kind::Alive => Message::Alive(Alive {
                            incarnation: 1,
                            node: text(&node),
                            address: bytes(&address),
                            port: 7946,
                            meta: None,
                            versions: bytes(&[1, 5, 2, 0, 0, 0]),
                        }),
                        _ => Message::Suspect(accusation(&node, "node-00099")),
                    })
                })
                .collect();
            let mut packet = Vec::new();
            if let [message] = &messages[..] {
                packet.clone_from(message);
            } else {
                compound::write(&messages, &mut packet);
            }
            let raw = if kind == Kind::Alive { alives } else { suspects };
            assert_eq!(packet.len(), raw, "{kind:?} {count}");
            let shorter = compressed_packet_len(&packet, &mut encoder) < raw as u32;
            assert_eq!(shorter, count >= 2, "{kind:?} {count}");
        }
    }
}

#[test]
fn push_pull() {
    for (nodes, raw) in [(1, 101), (10, 749), (100, 7_229), (1000, 72_031), (10_000, 720_031)] {
        let record = PushNodeState {
            name: text("node-00001"),
            address: bytes(&[10, 0, 0, 1]),
            port: 7946,
            incarnation: 1,
            versions: bytes(&[1, 5, 2, 0, 0, 0]),
            ..PushNodeState::default()
        };
        let header = len::push_pull_header_len(nodes, 0, Compat::Head);
        assert_eq!(header + nodes * record.encoded_len(Compat::Head), raw);
    }
}
