//! A member as one node knows it: the answer in a vote about a name (specification 5.10).

use super::{Bytes, Kind, Text};
use crate::{
    config::Compat,
    wire::{message::record, msgpack::Writer},
};

/// What a node knows of a member (`serf/serf.go: Member`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member<'a> {
    /// Its name.
    pub name: Text<'a>,
    /// Its address, 4 or 16 bytes.
    pub address: Bytes<'a>,
    /// Its port.
    pub port: u16,
    /// Its tags; nil is an empty map to 0.9.4.
    pub tags: TagMap<'a>,
    /// Its [status](crate::serf::Status) by number.
    pub status: i64,
    /// `PMin` of memberlist.
    pub protocol_min: u8,
    /// `PMax` of memberlist.
    pub protocol_max: u8,
    /// `PCur` of memberlist.
    pub protocol_cur: u8,
    /// `DMin`: Serf's own.
    pub delegate_min: u8,
    /// `DMax`: Serf's own.
    pub delegate_max: u8,
    /// `DCur`: Serf's own.
    pub delegate_cur: u8,
}

/// Tags by key; absent is nil.
pub type TagMap<'a> = Option<Vec<(Text<'a>, Text<'a>)>>;

record!(Member<'a> {
    b"Name" => name,
    b"Addr" => address,
    b"Port" => port,
    b"Tags" => tags,
    b"Status" => status,
    b"ProtocolMin" => protocol_min,
    b"ProtocolMax" => protocol_max,
    b"ProtocolCur" => protocol_cur,
    b"DelegateMin" => delegate_min,
    b"DelegateMax" => delegate_max,
    b"DelegateCur" => delegate_cur,
});

impl Member<'_> {
    /// Appends the conflict response with its type byte.
    pub fn encode(&self, compat: Compat, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, compat);
        writer.byte(Kind::ConflictResponse as u8);
        writer.map(11);
        writer.text(b"Addr");
        writer.bytes(self.address.as_deref());
        for (key, version) in [
            (&b"DelegateCur"[..], self.delegate_cur),
            (b"DelegateMax", self.delegate_max),
            (b"DelegateMin", self.delegate_min),
        ] {
            writer.text(key);
            writer.uint(version.into());
        }
        writer.text(b"Name");
        writer.text(&self.name);
        writer.text(b"Port");
        writer.uint(self.port.into());
        for (key, version) in [
            (&b"ProtocolCur"[..], self.protocol_cur),
            (b"ProtocolMax", self.protocol_max),
            (b"ProtocolMin", self.protocol_min),
        ] {
            writer.text(key);
            writer.uint(version.into());
        }
        writer.text(b"Status");
        writer.int(self.status);
        writer.text(b"Tags");
        match &self.tags {
            None if compat == Compat::Head => writer.nil(),
            tags => {
                let tags = tags.as_deref().unwrap_or_default();
                writer.pairs(tags.len());
                for (key, value) in tags {
                    writer.text(key);
                    writer.text(value);
                }
            }
        }
    }
}
