//! The identity and the encoding that foca is given: the leanest that its interface admits.
//!
//! Fixed-width fields, put together on the stack and copied at once. Nothing has a variable length,
//! so decoding is a bounds check and a few loads.

use std::fmt;

use bytes::{Buf, BufMut};
use foca::{Codec, Header, Identity, Member, Message, State};

/// A node by number; its own address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id(pub u32);

impl Identity for Id {
    type Addr = u32;

    #[inline]
    fn renew(&self) -> Option<Self> {
        None
    }

    #[inline]
    fn addr(&self) -> u32 {
        self.0
    }

    #[inline]
    fn win_addr_conflict(&self, _: &Self) -> bool {
        false
    }
}

/// Fixed-width fields, little-endian.
#[derive(Clone, Copy, Debug)]
pub struct Fixed;

/// A buffer too small or too short, or an unknown tag.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed packet")
    }
}

impl std::error::Error for Malformed {}

/// Source, destination, third node, incarnation, tag, probe number.
const HEADER: usize = 4 + 4 + 4 + 2 + 1 + 1;
/// Node, incarnation, state.
const MEMBER: usize = 4 + 2 + 1;

impl Codec<Id> for Fixed {
    type Error = Malformed;

    #[inline]
    fn encode_header(
        &mut self,
        header: &Header<Id>,
        mut buf: impl BufMut,
    ) -> Result<(), Malformed> {
        let (tag, third, number) = match header.message {
            Message::Ping(number) => (0, Id(0), number),
            Message::Ack(number) => (1, Id(0), number),
            Message::PingReq { target, probe_number } => (2, target, probe_number),
            Message::IndirectPing { origin, probe_number } => (3, origin, probe_number),
            Message::IndirectAck { target, probe_number } => (4, target, probe_number),
            Message::ForwardedAck { origin, probe_number } => (5, origin, probe_number),
            Message::Announce => (6, Id(0), 0),
            Message::Feed => (7, Id(0), 0),
            Message::Gossip => (8, Id(0), 0),
            Message::Broadcast => (9, Id(0), 0),
            Message::TurnUndead => (10, Id(0), 0),
        };
        let mut bytes = [0; HEADER];
        bytes[0..4].copy_from_slice(&header.src.0.to_le_bytes());
        bytes[4..8].copy_from_slice(&header.dst.0.to_le_bytes());
        bytes[8..12].copy_from_slice(&third.0.to_le_bytes());
        bytes[12..14].copy_from_slice(&header.src_incarnation.to_le_bytes());
        bytes[14] = tag;
        bytes[15] = number;
        put(&bytes, &mut buf)
    }

    #[inline]
    fn decode_header(&mut self, mut buf: impl Buf) -> Result<Header<Id>, Malformed> {
        let bytes: [u8; HEADER] = take(&mut buf)?;
        let number = bytes[15];
        let third = id(&bytes, 8);
        let message = match bytes[14] {
            0 => Message::Ping(number),
            1 => Message::Ack(number),
            2 => Message::PingReq { target: third, probe_number: number },
            3 => Message::IndirectPing { origin: third, probe_number: number },
            4 => Message::IndirectAck { target: third, probe_number: number },
            5 => Message::ForwardedAck { origin: third, probe_number: number },
            6 => Message::Announce,
            7 => Message::Feed,
            8 => Message::Gossip,
            9 => Message::Broadcast,
            10 => Message::TurnUndead,
            _ => return Err(Malformed),
        };
        Ok(Header {
            src: id(&bytes, 0),
            dst: id(&bytes, 4),
            src_incarnation: u16::from_le_bytes([bytes[12], bytes[13]]),
            message,
        })
    }

    #[inline]
    fn encode_member(
        &mut self,
        member: &Member<Id>,
        mut buf: impl BufMut,
    ) -> Result<(), Malformed> {
        let mut bytes = [0; MEMBER];
        bytes[0..4].copy_from_slice(&member.id().0.to_le_bytes());
        bytes[4..6].copy_from_slice(&member.incarnation().to_le_bytes());
        bytes[6] = match member.state() {
            State::Alive => 0,
            State::Suspect => 1,
            State::Down => 2,
        };
        put(&bytes, &mut buf)
    }

    #[inline]
    fn decode_member(&mut self, mut buf: impl Buf) -> Result<Member<Id>, Malformed> {
        let bytes: [u8; MEMBER] = take(&mut buf)?;
        let state = match bytes[6] {
            0 => State::Alive,
            1 => State::Suspect,
            2 => State::Down,
            _ => return Err(Malformed),
        };
        Ok(Member::new(id(&bytes, 0), u16::from_le_bytes([bytes[4], bytes[5]]), state))
    }
}

#[inline]
fn put(bytes: &[u8], buf: &mut impl BufMut) -> Result<(), Malformed> {
    if buf.remaining_mut() < bytes.len() {
        return Err(Malformed);
    }
    buf.put_slice(bytes);
    Ok(())
}

#[inline]
fn take<const N: usize>(buf: &mut impl Buf) -> Result<[u8; N], Malformed> {
    if buf.remaining() < N {
        return Err(Malformed);
    }
    let mut bytes = [0; N];
    buf.copy_to_slice(&mut bytes);
    Ok(bytes)
}

#[inline]
fn id(bytes: &[u8], at: usize) -> Id {
    Id(u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_comes_back() {
        let (third, probe_number) = (Id(0x0102_0304), 9);
        for message in [
            Message::Ping(7),
            Message::Ack(8),
            Message::PingReq { target: third, probe_number },
            Message::IndirectPing { origin: third, probe_number },
            Message::IndirectAck { target: third, probe_number },
            Message::ForwardedAck { origin: third, probe_number },
            Message::Announce,
            Message::Feed,
            Message::Gossip,
            Message::Broadcast,
            Message::TurnUndead,
        ] {
            let header = Header { src: Id(4999), src_incarnation: 513, dst: Id(70_000), message };
            let mut bytes = Vec::new();
            assert_eq!(Fixed.encode_header(&header, &mut bytes), Ok(()));
            let mut rest = &bytes[..];
            assert_eq!(Fixed.decode_header(&mut rest), Ok(header));
            assert!(rest.is_empty());
            assert_eq!(Fixed.decode_header(&bytes[1..]), Err(Malformed));
        }
    }

    #[test]
    fn every_state_comes_back_and_a_full_buffer_stays_clean() {
        for state in [State::Alive, State::Suspect, State::Down] {
            let member = Member::new(Id(0x0a0b_0c0d), 300, state);
            let mut bytes = Vec::new();
            assert_eq!(
                Fixed.encode_member(&member, (&mut bytes).limit(MEMBER - 1)),
                Err(Malformed)
            );
            assert!(bytes.is_empty());
            assert_eq!(Fixed.encode_member(&member, &mut bytes), Ok(()));
            assert_eq!(Fixed.decode_member(&bytes[..]), Ok(member));
        }
    }
}
