//! The records of streams (the parts of a push/pull message, the header of a user message, an error) and
//! the envelope of compression.

use super::{Bytes, Text, bytes_len, record, text_len};
use crate::{
    config::Compat,
    wire::{Kind, len, msgpack::Writer},
};

/// What stands first in a push/pull message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PushPullHeader {
    /// How many members follow.
    pub nodes: i64,
    /// How many bytes of the application's state follow them.
    pub user_state_len: i64,
    /// Whether the exchange is a join.
    pub join: bool,
}

record!(PushPullHeader {
    b"Nodes" => nodes,
    b"UserStateLen" => user_state_len,
    b"Join" => join,
});

impl PushPullHeader {
    /// Appends the type byte and the header.
    pub fn encode(&self, compat: Compat, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, compat);
        writer.byte(Kind::PushPull as u8);
        writer.map(3);
        writer.text(b"Join");
        writer.bool(self.join);
        writer.text(b"Nodes");
        writer.int(self.nodes);
        writer.text(b"UserStateLen");
        writer.int(self.user_state_len);
    }

    /// How many bytes [`Self::encode`] appends.
    pub const fn encoded_len(&self, compat: Compat) -> u32 {
        27 + len::int_len(self.nodes, compat) + len::int_len(self.user_state_len, compat)
    }
}

/// One member in a push/pull message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushNodeState<'a> {
    /// The member's name.
    pub name: Text<'a>,
    /// Its address, 4 or 16 bytes.
    pub address: Bytes<'a>,
    /// Its port.
    pub port: u16,
    /// The application's bytes about it.
    pub meta: Bytes<'a>,
    /// The incarnation that the sender knows.
    pub incarnation: u32,
    /// Alive 0, suspect 1, dead 2, left 3; others are ignored.
    pub state: i64,
    /// `PMin, PMax, PCur, DMin, DMax, DCur`; receivers cope with fewer.
    pub versions: Bytes<'a>,
}

record!(PushNodeState<'a> {
    b"Name" => name,
    b"Addr" => address,
    b"Port" => port,
    b"Meta" => meta,
    b"Incarnation" => incarnation,
    b"State" => state,
    b"Vsn" => versions,
});

impl PushNodeState<'_> {
    /// Appends the record, which has no type byte.
    pub fn encode(&self, compat: Compat, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, compat);
        writer.map(7);
        writer.text(b"Addr");
        writer.bytes(self.address.as_deref());
        writer.text(b"Incarnation");
        writer.uint(self.incarnation.into());
        writer.text(b"Meta");
        writer.bytes(self.meta.as_deref());
        writer.text(b"Name");
        writer.text(&self.name);
        writer.text(b"Port");
        writer.uint(self.port.into());
        writer.text(b"State");
        writer.int(self.state);
        writer.text(b"Vsn");
        writer.bytes(self.versions.as_deref());
    }

    /// How many bytes [`Self::encode`] appends.
    pub fn encoded_len(&self, compat: Compat) -> u32 {
        43 + bytes_len(&self.address)
            + len::uint_len(self.incarnation)
            + bytes_len(&self.meta)
            + text_len(&self.name)
            + len::uint_len(self.port.into())
            + len::int_len(self.state, compat)
            + bytes_len(&self.versions)
    }
}

/// What stands before the application's bytes on a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserHeader {
    /// How many bytes follow.
    pub user_message_len: i64,
}

record!(UserHeader { b"UserMsgLen" => user_message_len });

impl UserHeader {
    /// Appends the type byte and the header.
    pub fn encode(&self, compat: Compat, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, compat);
        writer.byte(Kind::User as u8);
        writer.map(1);
        writer.text(b"UserMsgLen");
        writer.int(self.user_message_len);
    }

    /// How many bytes [`Self::encode`] appends.
    pub const fn encoded_len(&self, compat: Compat) -> u32 {
        13 + len::int_len(self.user_message_len, compat)
    }
}

/// What went wrong, sent back before a stream is closed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Err<'a> {
    /// The text, for a log.
    pub text: Text<'a>,
}

record!(Err<'a> { b"Error" => text });

impl Err<'_> {
    /// Appends the message with its type byte.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, Compat::Head);
        writer.byte(Kind::Err as u8);
        writer.map(1);
        writer.text(b"Error");
        writer.text(&self.text);
    }

    /// How many bytes [`Self::encode`] appends.
    pub fn encoded_len(&self) -> u32 {
        len::err_len(self.text.len() as u32)
    }
}

/// The envelope of a compressed message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compress<'a> {
    /// 0: LZW, the only one there is.
    pub algorithm: u8,
    /// The compressed message.
    pub buffer: Bytes<'a>,
}

record!(Compress<'a> { b"Algo" => algorithm, b"Buf" => buffer });

impl Compress<'_> {
    /// Appends the message with its type byte.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, Compat::Head);
        writer.byte(Kind::Compress as u8);
        writer.map(2);
        writer.text(b"Algo");
        writer.uint(self.algorithm.into());
        writer.text(b"Buf");
        writer.bytes(self.buffer.as_deref());
    }

    /// How many bytes [`Self::encode`] appends.
    pub fn encoded_len(&self) -> u32 {
        11 + len::uint_len(self.algorithm.into()) + bytes_len(&self.buffer)
    }
}
