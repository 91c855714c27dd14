//! Packets as words in the arena, and back.

use wavetank_protocol::{
    belief::{AddressId, MemberId},
    message::{AckPayload, Envelope, Head, Message, Packet, Purpose},
};

/// Words before the messages.
pub const HEADER: usize = 3;

/// Words of an ack's payload.
pub const PAYLOAD: usize = 11;

/// The first words of a packet from an address, and the address of an indirect ping's target.
///
/// ```text
/// 0  source address 32 | length 24 | kind 3 | purpose 1 | nack 1
/// 1  label 16 | key 8 | -- 8 | sequence 32
/// 2  target 32 | reply address 32
/// 3  (indirect ping only) target address, or 3 to 13 (ack with payload only) the payload
/// .. messages
/// ```
#[inline]
pub fn header(from: AddressId, packet: &Packet<'_>) -> ([u64; HEADER], Option<AddressId>) {
    let (kind, seq, target, reply, address, nack) = match packet.head {
        Head::None => (0u64, 0, 0, 0, None, false),
        Head::Ping { seq, target, reply } => (1, seq, target.0, reply.0, None, false),
        Head::IndirectPing { seq, target, address, nack, reply } => {
            (2, seq, target.0, reply.0, Some(address), nack)
        }
        Head::Ack { seq, payload: false } => (3, seq, 0, 0, None, false),
        Head::Ack { seq, payload: true } => (5, seq, 0, 0, None, false),
        Head::Nack { seq } => (4, seq, 0, 0, None, false),
    };
    let first = u64::from(from.0) << 32
        | u64::from(packet.len) << 8
        | kind << 4
        | (packet.purpose as u64) << 1
        | u64::from(nack);
    let second = u64::from(packet.envelope.label) << 48
        | u64::from(packet.envelope.key) << 40
        | u64::from(seq);
    ([first, second, u64::from(target) << 32 | u64::from(reply)], address)
}

/// Writes a whole packet as words.
pub fn encode(from: AddressId, packet: &Packet<'_>, out: &mut Vec<u64>) {
    let (words, address) = header(from, packet);
    out.clear();
    out.extend_from_slice(&words);
    if let Some(address) = address {
        out.push(u64::from(address.0));
    }
    if let Some(payload) = packet.payload {
        out.extend_from_slice(payload);
    }
    out.extend(packet.messages.iter().map(|m| m.to_word()));
}

/// Room for what a packet is read into.
#[derive(Debug, Default)]
pub struct Copy {
    messages: Vec<Message>,
    payload: AckPayload,
}

/// Reads a packet into a copy. Gives the source address too.
#[inline]
pub fn decode<'m>(words: &[u64], copy: &'m mut Copy) -> (AddressId, Packet<'m>) {
    let (first, second, third) = (words[0], words[1], words[2]);
    let seq = second as u32;
    let target = MemberId((third >> 32) as u32);
    let reply = AddressId(third as u32);
    let nack = first & 1 == 1;
    let mut rest = &words[HEADER..];
    let head = match first >> 4 & 15 {
        1 => Head::Ping { seq, target, reply },
        2 => {
            let address = AddressId(rest[0] as u32);
            rest = &rest[1..];
            Head::IndirectPing { seq, target, address, nack, reply }
        }
        3 => Head::Ack { seq, payload: false },
        4 => Head::Nack { seq },
        5 => {
            let (payload, after) = rest.split_at(PAYLOAD);
            copy.payload.copy_from_slice(payload);
            rest = after;
            Head::Ack { seq, payload: true }
        }
        _ => Head::None,
    };
    copy.messages.clear();
    if !rest.is_empty() {
        copy.messages.extend(rest.iter().map(|w| Message::from_word(*w)));
    }
    let packet = Packet {
        head,
        messages: &copy.messages,
        payload: matches!(head, Head::Ack { payload: true, .. }).then_some(&copy.payload),
        envelope: Envelope { label: (second >> 48) as u16, key: (second >> 40) as u8 },
        len: len(words),
        purpose: if first >> 1 & 1 == 0 { Purpose::Probe } else { Purpose::Gossip },
    };
    (AddressId((first >> 32) as u32), packet)
}

/// The length of a packet's payload in bytes.
#[inline]
pub fn len(words: &[u64]) -> u32 {
    (words[0] >> 8) as u32 & 0xff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;
    use wavetank_protocol::belief::BeliefId;

    #[test]
    fn packets_survive_the_arena() {
        let heads = [
            Head::None,
            Head::Ping { seq: 7, target: MemberId(900_000), reply: AddressId(u32::MAX - 1) },
            Head::IndirectPing {
                seq: u32::MAX,
                target: MemberId(3),
                address: AddressId(4),
                nack: true,
                reply: AddressId(5),
            },
            Head::Ack { seq: 1, payload: false },
            Head::Ack { seq: 3, payload: true },
            Head::Nack { seq: 2 },
        ];
        let some = [Message::alive(BeliefId(8)), Message::dead(BeliefId(9), MemberId(1_000_000))];
        for head in heads {
            for messages in [&some[..], &[]] {
                let envelope = Envelope { label: 65_535, key: 64 };
                let purpose = Purpose::Gossip;
                let words = [3; 11];
                let payload = matches!(head, Head::Ack { payload: true, .. }).then_some(&words);
                let packet = Packet { head, messages, payload, envelope, len: 65_535, purpose };
                let mut words = Vec::new();
                encode(AddressId(77), &packet, &mut words);
                let mut copy = Copy::default();
                let (from, read) = decode(&words, &mut copy);
                assert_eq!(
                    (from, read.head, read.len, read.purpose),
                    (AddressId(77), head, 65_535, purpose)
                );
                assert_eq!((read.messages, read.envelope), (messages, envelope));
                assert_eq!(read.payload, payload);
            }
        }
    }
}
