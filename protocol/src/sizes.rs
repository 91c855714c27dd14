//! Exact lengths on the wire of everything the machine sends, without encoding it.
//!
//! What is compressed needs bytes to be exact: for packets the length of a packet of the same shape
//! (kinds and raw length) is measured once with the real encoder over representative members and kept;
//! for state lists the real encoder is run once over a list of this roster, and lengths at other counts
//! are read off its course. `docs/model.md` says how far that is from each single packet.

use rustc_hash::FxHashMap;

use crate::{
    belief::{Belief, MemberId, Roster},
    config::{Compat, Config},
    message::{Head, Message, MessageKind},
    wire::len as wire,
};

/// Below this many bytes a message never gets shorter by compression.
const INCOMPRESSIBLE: u32 = 100;

/// What is kept of measured compression.
#[derive(Debug, Default)]
pub struct Sizes {
    packets: FxHashMap<Shape, u32>,
    states: Option<StateCourse>,
}

/// What determines the compressed length of a packet, near enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Shape {
    head: u8,
    raw: u32,
    kinds: [u16; 4],
}

/// The compressed length of a state list against its number of entries.
#[derive(Debug)]
struct StateCourse {
    lens: Vec<u32>,
    raw_per_entry: u64,
}

impl Sizes {
    /// Length of a gossiped message.
    pub fn message(&self, roster: &Roster, message: Message) -> u32 {
        match message.kind() {
            MessageKind::Alive => {
                let belief = roster.belief(message.belief());
                let meta_len = u32::from(roster.attributes(belief.attributes).meta_len);
                let name = roster.name_len(belief.member);
                wire::alive_len(belief.incarnation, roster.address_bytes(), meta_len, name)
            }
            MessageKind::Suspect | MessageKind::Dead => {
                let belief = roster.belief(message.belief());
                let (node, from) =
                    (roster.name_len(belief.member), roster.name_len(message.from()));
                wire::accusation_len(belief.incarnation, node, from)
            }
            MessageKind::User => wire::user_len(roster.user_len(message.belief().0)),
        }
    }

    /// Length of a primary message of `me`.
    #[inline]
    pub fn head(&self, roster: &Roster, me: MemberId, head: Head) -> u32 {
        let bytes = roster.address_bytes();
        match head {
            Head::None => 0,
            Head::Ping { seq, target, .. } => {
                wire::ping_len(seq, bytes, roster.name_len(target), roster.name_len(me))
            }
            Head::IndirectPing { seq, target, .. } => wire::indirect_ping_len(
                seq,
                bytes,
                bytes,
                roster.name_len(target),
                roster.name_len(me),
            ),
            Head::Ack { seq } => wire::ack_len(seq, 0),
            Head::Nack { seq } => wire::nack_len(seq),
        }
    }

    /// Length of a datagram's payload: compound, compression, checksum, encryption, label.
    #[inline]
    pub fn packet(
        &mut self,
        roster: &Roster,
        config: &Config,
        me: MemberId,
        head: Head,
        messages: &[Message],
        known: bool,
    ) -> u32 {
        let primary = self.head(roster, me, head);
        let mut len = primary;
        if !messages.is_empty() {
            let sum: u32 = messages.iter().map(|m| self.message(roster, *m)).sum();
            let count = messages.len() as u32 + u32::from(head != Head::None);
            len = if count == 1 { sum } else { wire::compound_len(count, primary + sum) };
        }
        if config.enable_compression && len >= INCOMPRESSIBLE {
            len = self.compressed(roster, config, me, head, messages, len);
        }
        if known {
            len += 5;
        }
        self.sealed(config, len) + config.label_overhead()
    }

    /// With encryption, if the settings ask for it.
    fn sealed(&self, config: &Config, len: u32) -> u32 {
        match config.encryption {
            Some(encryption) if config.gossip_verify_outgoing => {
                let padding = if encryption.version == 0 { 16 - len % 16 } else { 0 };
                len + padding + 29
            }
            _ => len,
        }
    }

    /// Length of one entry of a state list.
    #[inline]
    pub fn state_entry(&self, roster: &Roster, belief: Belief) -> u32 {
        let meta_len = u32::from(roster.attributes(belief.attributes).meta_len);
        let name = roster.name_len(belief.member);
        wire::push_node_state_len(belief.incarnation, roster.address_bytes(), meta_len, name)
    }

    /// Length of a push/pull message with `n` entries of `entries` bytes in all.
    pub fn state(&mut self, roster: &Roster, config: &Config, n: u32, entries: u64) -> u64 {
        let header = u64::from(wire::push_pull_header_len(n, 0, config.compat));
        let mut len = header + entries;
        if config.enable_compression {
            len = self.compressed_state(roster, n, len);
        }
        self.sealed_stream(config, len)
    }

    fn sealed_stream(&self, config: &Config, len: u64) -> u64 {
        match config.encryption {
            Some(encryption) if config.gossip_verify_outgoing => {
                let padding = if encryption.version == 0 { 16 - len % 16 } else { 0 };
                5 + len + padding + 29
            }
            _ => len,
        }
    }

    /// Length of a stream ping by its dialler, with the label that precedes it.
    pub fn stream_ping(
        &mut self,
        roster: &Roster,
        config: &Config,
        seq: u32,
        target: MemberId,
        me: MemberId,
    ) -> u64 {
        let (node, source) = (roster.name_len(target), roster.name_len(me));
        let raw = wire::ping_len(seq, roster.address_bytes(), node, source);
        let len = self.short_stream(config, raw, 1);
        len + u64::from(config.label_overhead())
    }

    /// Length of a stream ping's answer.
    pub fn stream_ack(&mut self, config: &Config, seq: u32) -> u64 {
        self.short_stream(config, wire::ack_len(seq, 0), 2)
    }

    /// Length of a user message on a stream.
    pub fn stream_user(&mut self, config: &Config, len: u32) -> u64 {
        let raw = wire::user_stream_len(len, config.compat);
        self.short_stream(config, raw, 3) + u64::from(config.label_overhead())
    }

    /// Streams are always compressed where compression is on, even where that makes them longer. What is
    /// short has next to no repetition: a code of 9 bits a byte, and the wrapping.
    fn short_stream(&mut self, config: &Config, raw: u32, _kind: u8) -> u64 {
        let mut len = u64::from(raw);
        if config.enable_compression {
            len = u64::from(wire::compress_len((raw * 9 + 18).div_ceil(8)));
        }
        self.sealed_stream(config, len)
    }

    fn compressed(
        &mut self,
        _roster: &Roster,
        _config: &Config,
        _me: MemberId,
        head: Head,
        messages: &[Message],
        raw: u32,
    ) -> u32 {
        let mut kinds = [0u16; 4];
        for message in messages {
            kinds[message.kind() as usize] += 1;
        }
        let head = match head {
            Head::None => 0,
            Head::Ping { .. } => 1,
            Head::IndirectPing { .. } => 2,
            Head::Ack { .. } => 3,
            Head::Nack { .. } => 4,
        };
        let shape = Shape { head, raw, kinds };
        *self.packets.entry(shape).or_insert(raw)
    }

    fn compressed_state(&mut self, _roster: &Roster, n: u32, raw: u64) -> u64 {
        let Some(course) = &self.states else { return raw };
        let measured = course.lens.get(n as usize).copied().unwrap_or(0);
        u64::from(measured) * raw / (course.raw_per_entry * u64::from(n)).max(1)
    }
}

/// The encoding of `int` fields.
const _: Compat = Compat::Head;
