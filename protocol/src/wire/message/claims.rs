//! The messages that are gossiped: what somebody claims about a member.

use super::{Bytes, Text, bytes_len, record, text_len};
use crate::{
    config::Compat,
    wire::{Kind, len, msgpack::Writer},
};

/// The body of a suspect and of a dead message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accusation<'a> {
    /// The incarnation of the member that is accused.
    pub incarnation: u32,
    /// Who is accused.
    pub node: Text<'a>,
    /// Who accuses; the node itself when it leaves.
    pub from: Text<'a>,
}

record!(Accusation<'a> { b"Incarnation" => incarnation, b"Node" => node, b"From" => from });

impl Accusation<'_> {
    /// Appends the message, as a [`Kind::Suspect`] or a [`Kind::Dead`].
    pub fn encode(&self, kind: Kind, out: &mut Vec<u8>) {
        assert!(matches!(kind, Kind::Suspect | Kind::Dead), "an accusation is suspect or dead");
        let mut writer = Writer::new(out, Compat::Head);
        writer.byte(kind as u8);
        writer.map(3);
        writer.text(b"From");
        writer.text(&self.from);
        writer.text(b"Incarnation");
        writer.uint(self.incarnation.into());
        writer.text(b"Node");
        writer.text(&self.node);
    }

    /// How many bytes [`Self::encode`] appends.
    pub fn encoded_len(&self) -> u32 {
        len::accusation_len(self.incarnation, self.node.len() as u32, self.from.len() as u32)
    }
}

/// A member is alive, here, with this metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alive<'a> {
    /// The member's own count of its claims.
    pub incarnation: u32,
    /// Its name.
    pub node: Text<'a>,
    /// Its address, 4 or 16 bytes; the two forms of one IPv4 address differ.
    pub address: Bytes<'a>,
    /// Its port.
    pub port: u16,
    /// The application's bytes about it.
    pub meta: Bytes<'a>,
    /// `PMin, PMax, PCur, DMin, DMax, DCur`; receivers cope with fewer.
    pub versions: Bytes<'a>,
}

record!(Alive<'a> {
    b"Incarnation" => incarnation,
    b"Node" => node,
    b"Addr" => address,
    b"Port" => port,
    b"Meta" => meta,
    b"Vsn" => versions,
});

impl Alive<'_> {
    /// Appends the message with its type byte.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, Compat::Head);
        writer.byte(Kind::Alive as u8);
        writer.map(6);
        writer.text(b"Addr");
        writer.bytes(self.address.as_deref());
        writer.text(b"Incarnation");
        writer.uint(self.incarnation.into());
        writer.text(b"Meta");
        writer.bytes(self.meta.as_deref());
        writer.text(b"Node");
        writer.text(&self.node);
        writer.text(b"Port");
        writer.uint(self.port.into());
        writer.text(b"Vsn");
        writer.bytes(self.versions.as_deref());
    }

    /// How many bytes [`Self::encode`] appends.
    pub fn encoded_len(&self) -> u32 {
        38 + bytes_len(&self.address)
            + len::uint_len(self.incarnation)
            + bytes_len(&self.meta)
            + text_len(&self.node)
            + len::uint_len(self.port.into())
            + bytes_len(&self.versions)
    }
}
