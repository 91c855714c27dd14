//! User events, as they are gossiped and as the ring of recent ones holds them.

use super::{Bytes, Kind, Text};
use crate::{
    config::Compat,
    wire::{
        Malformed,
        message::record,
        msgpack::{Reader, Value, Writer},
    },
};

/// A user event (`messageUserEvent`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserEvent<'a> {
    /// Lamport time.
    pub ltime: u64,
    /// Its name.
    pub name: Text<'a>,
    /// Its payload; nil and empty are equal but for the bytes.
    pub payload: Bytes<'a>,
    /// Receivers may coalesce it with others of its name (`CC`).
    pub coalesce: bool,
}

record!(UserEvent<'a> {
    b"LTime" => ltime,
    b"Name" => name,
    b"Payload" => payload,
    b"CC" => coalesce,
});

impl UserEvent<'_> {
    /// Appends the message with its type byte.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, Compat::Head);
        writer.byte(Kind::UserEvent as u8);
        writer.map(4);
        writer.text(b"CC");
        writer.bool(self.coalesce);
        writer.text(b"LTime");
        writer.uint(self.ltime);
        writer.text(b"Name");
        writer.text(&self.name);
        writer.text(b"Payload");
        writer.bytes(self.payload.as_deref());
    }
}

/// An event in the ring (`userEvent`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SlotEvent<'a> {
    /// Its name.
    pub name: Text<'a>,
    /// Its payload, as it came.
    pub payload: Bytes<'a>,
}

record!(SlotEvent<'a> { b"Name" => name, b"Payload" => payload });

impl<'a> Value<'a> for SlotEvent<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        reader.record()
    }
}

/// A filled slot of the ring: the events of one Lamport time (`userEvents`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventSlot<'a> {
    /// Lamport time.
    pub ltime: u64,
    /// The events, in the order in which they came.
    pub events: Vec<SlotEvent<'a>>,
}

record!(EventSlot<'a> { b"LTime" => ltime, b"Events" => events });

impl<'a> Value<'a> for Option<EventSlot<'a>> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        if reader.nil() { Ok(None) } else { reader.record().map(Some) }
    }
}

impl EventSlot<'_> {
    /// Appends the slot, which has no type byte.
    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        writer.map(2);
        writer.text(b"Events");
        writer.array(self.events.len());
        for event in &self.events {
            writer.map(2);
            writer.text(b"Name");
            writer.text(&event.name);
            writer.text(b"Payload");
            writer.bytes(event.payload.as_deref());
        }
        writer.text(b"LTime");
        writer.uint(self.ltime);
    }
}
