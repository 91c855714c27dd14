//! Messages and packets as the machine sees them: ids instead of bytes, with their exact length known.

use crate::belief::{AddressId, BeliefId, MemberId};

/// Kind of a queued or gossiped message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum MessageKind {
    /// A member is alive.
    Alive = 0,
    /// A member is suspected.
    Suspect = 1,
    /// A member is dead, or has left when it says so itself.
    Dead = 2,
    /// A user message.
    User = 3,
}

/// A message in eight bytes: kind, belief (or user message), accuser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Message {
    content: u32,
    kind_and_from: u32,
}

impl Message {
    const FROM_BITS: u32 = 30;

    /// An alive message with its belief.
    pub const fn alive(belief: BeliefId) -> Self {
        Self { content: belief.0, kind_and_from: (MessageKind::Alive as u32) << Self::FROM_BITS }
    }

    /// A suspect message: an accusation and its author.
    pub const fn suspect(accusation: BeliefId, from: MemberId) -> Self {
        Self {
            content: accusation.0,
            kind_and_from: (MessageKind::Suspect as u32) << Self::FROM_BITS | from.0,
        }
    }

    /// A dead message: an accusation and its author.
    pub const fn dead(accusation: BeliefId, from: MemberId) -> Self {
        Self {
            content: accusation.0,
            kind_and_from: (MessageKind::Dead as u32) << Self::FROM_BITS | from.0,
        }
    }

    /// A user message by its number in the roster.
    pub const fn user(user: u32) -> Self {
        Self { content: user, kind_and_from: (MessageKind::User as u32) << Self::FROM_BITS }
    }

    /// The kind.
    #[inline]
    pub const fn kind(self) -> MessageKind {
        match self.kind_and_from >> Self::FROM_BITS {
            0 => MessageKind::Alive,
            1 => MessageKind::Suspect,
            2 => MessageKind::Dead,
            _ => MessageKind::User,
        }
    }

    /// The belief or accusation; of a user message its number.
    #[inline]
    pub const fn belief(self) -> BeliefId {
        BeliefId(self.content)
    }

    /// The author of an accusation.
    #[inline]
    pub const fn from(self) -> MemberId {
        MemberId(self.kind_and_from & ((1 << Self::FROM_BITS) - 1))
    }

    /// As one word.
    #[inline]
    pub const fn to_word(self) -> u64 {
        (self.kind_and_from as u64) << 32 | self.content as u64
    }

    /// From one word.
    #[inline]
    pub const fn from_word(word: u64) -> Self {
        Self { content: word as u32, kind_and_from: (word >> 32) as u32 }
    }
}

/// The primary message of a packet, handled at once by its receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// None: gossip or a user message.
    None,
    /// Are you there?
    Ping {
        /// Sequence number.
        seq: u32,
        /// Whose name it is addressed to.
        target: MemberId,
        /// Where to answer.
        reply: AddressId,
    },
    /// Please ask this one.
    IndirectPing {
        /// Sequence number of the asker.
        seq: u32,
        /// Whom to ask.
        target: MemberId,
        /// Where that one is.
        address: AddressId,
        /// A nack is wanted on silence.
        nack: bool,
        /// Where to answer.
        reply: AddressId,
    },
    /// I am.
    Ack {
        /// Sequence number of the ping.
        seq: u32,
        /// [`Packet::payload`] goes with it.
        payload: bool,
    },
    /// It did not answer me.
    Nack {
        /// Sequence number of the indirect ping.
        seq: u32,
    },
}

/// What a packet is for: the kinds of load in reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Purpose {
    /// Pings, acks, indirect pings, nacks.
    Probe = 0,
    /// Gossip ticks and user messages.
    Gossip = 1,
}

/// What is outside of a packet's plaintext.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Label id, 0 for none.
    pub label: u16,
    /// Encrypting key plus one, 0 for plaintext.
    pub key: u8,
}

/// What an ack may carry: a network coordinate, as the bit patterns of its numbers.
pub type AckPayload = [u64; 11];

/// A packet: a head, messages, and its length on the wire.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// The primary message.
    pub head: Head,
    /// The others, in packet order.
    pub messages: &'a [Message],
    /// What an ack carries, where its head says so.
    pub payload: Option<&'a AckPayload>,
    /// What is outside.
    pub envelope: Envelope,
    /// Payload of the datagram in bytes: everything above UDP.
    pub len: u32,
    /// What it is for.
    pub purpose: Purpose,
}
