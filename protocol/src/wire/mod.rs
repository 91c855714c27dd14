//! What goes over the network: memberlist's messages, byte for byte and length by length.
//!
//! A datagram is `label(encrypt(crc(compress(compound(messages)))))`, a stream carries one message per
//! direction as `label`, then `encrypt(compress(message))`; every layer is optional. Each layer has a file:
//!
//! ```text
//!   label ‖ version ‖ nonce ‖ [ 0c ‖ crc ‖ [ 09 ‖ {Algo, Buf: lzw} ] ] ‖ tag
//!   label    seal               crc          compress, lzw              <- compound <- message <- msgpack
//! ```
//!
//! The simulator never encodes a packet: [`len`] and [`layers`] say how long it would be, from the lengths
//! of its parts alone. Sockets use the same files to make and to read real bytes. The two agree on every
//! message; the property tests hold them together.
//!
//! Reading is total: any bytes give a value or a [`Malformed`], never a panic, and memory in proportion to
//! the input or to a stated limit.

pub mod compound;
pub mod compress;
pub mod crc;
pub mod label;
pub mod layers;
pub mod len;
pub mod lzw;
pub mod message;
pub mod msgpack;
pub mod packet;
pub mod seal;
pub mod serf;
pub mod stream;

mod malformed;
#[cfg(test)]
mod tests;

pub use compress::{compressed_len, compressed_packet_len};
pub use layers::Layers;
pub use malformed::Malformed;
pub use message::{
    Accusation, Ack, Alive, Bytes, Err, IndirectPing, Message, Nack, Ping, PushNodeState,
    PushPullHeader, Text, UserHeader,
};

/// The first byte of every message (`net.go: messageType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// A probe.
    Ping = 0,
    /// A request to probe somebody else.
    IndirectPing = 1,
    /// The answer to a probe.
    Ack = 2,
    /// Somebody is suspected.
    Suspect = 3,
    /// Somebody is alive.
    Alive = 4,
    /// Somebody is dead, or left.
    Dead = 5,
    /// One side of a push/pull exchange; on streams only.
    PushPull = 6,
    /// Several messages in one packet.
    Compound = 7,
    /// The application's own bytes.
    User = 8,
    /// A compressed message.
    Compress = 9,
    /// An encrypted message; on streams only.
    Encrypt = 10,
    /// A relay's word that its probe went unanswered.
    Nack = 11,
    /// A message behind its checksum.
    Crc = 12,
    /// What went wrong, as the answer on a stream.
    Err = 13,
}

impl Kind {
    /// The kind that a first byte stands for, if any.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::Ping,
            1 => Self::IndirectPing,
            2 => Self::Ack,
            3 => Self::Suspect,
            4 => Self::Alive,
            5 => Self::Dead,
            6 => Self::PushPull,
            7 => Self::Compound,
            8 => Self::User,
            9 => Self::Compress,
            10 => Self::Encrypt,
            11 => Self::Nack,
            12 => Self::Crc,
            13 => Self::Err,
            _ => return None,
        })
    }
}
