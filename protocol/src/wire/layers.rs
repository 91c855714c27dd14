//! How long a packet or a stream gets behind the layers that do not depend on its contents.
//!
//! Compression does depend on them: its result, from [`compress`](super::compress) or from a memo of it,
//! is what these functions start from.

use super::{crc, seal};
use crate::config::{Config, Encryption};

/// The layers outside compression.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Layers {
    /// Whether packets carry a checksum: the destination's record is known and its `PMax` at least 5.
    pub crc: bool,
    /// The version of the encryption, if any.
    pub encryption: Option<u8>,
    /// Bytes of the label, without its header; 0 is no header.
    pub label_len: u8,
}

impl Layers {
    /// What a node with these settings puts around its packets and around the streams that it dials.
    pub const fn of(config: &Config, crc: bool) -> Self {
        let encryption = match config.encryption {
            Some(Encryption { version, .. }) if config.gossip_verify_outgoing => Some(version),
            _ => None,
        };
        Self { crc, encryption, label_len: config.label.len }
    }

    /// The same for an answer on a stream, which has no label of its own.
    #[must_use]
    pub const fn answering(self) -> Self {
        Self { label_len: 0, ..self }
    }

    /// Bytes of a datagram around a message of this length after compression.
    #[inline]
    pub const fn packet_len(self, compressed: u32) -> u32 {
        let checked = if self.crc { crc::OVERHEAD + compressed } else { compressed };
        let sealed = match self.encryption {
            Some(version) => seal::sealed_len(version, checked),
            None => checked,
        };
        self.label_overhead() + sealed
    }

    /// Bytes of one direction of a stream around a message of this length after compression.
    #[inline]
    pub const fn stream_len(self, compressed: u32) -> u32 {
        const TYPE_AND_LEN: u32 = 5;
        let sealed = match self.encryption {
            Some(version) => TYPE_AND_LEN + seal::sealed_len(version, compressed),
            None => compressed,
        };
        self.label_overhead() + sealed
    }

    const fn label_overhead(self) -> u32 {
        if self.label_len == 0 { 0 } else { 2 + self.label_len as u32 }
    }
}
