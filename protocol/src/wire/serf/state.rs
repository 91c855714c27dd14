//! What Serf adds to a push/pull exchange (specification 7.1).

use super::{EventSlot, Kind, Text};
use crate::{
    config::Compat,
    wire::{message::record, msgpack::Writer},
};

/// The state of a node (`messagePushPull`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State<'a> {
    /// The member clock.
    pub ltime: u64,
    /// The time of the last news of each member, in any order; the last of equal names counts.
    pub status_ltimes: Vec<(Text<'a>, u64)>,
    /// Who has left.
    pub left_members: Vec<Text<'a>>,
    /// The event clock.
    pub event_ltime: u64,
    /// The whole ring of recent events, with its empty slots.
    pub events: Vec<Option<EventSlot<'a>>>,
    /// The query clock.
    pub query_ltime: u64,
}

record!(State<'a> {
    b"LTime" => ltime,
    b"StatusLTimes" => status_ltimes,
    b"LeftMembers" => left_members,
    b"EventLTime" => event_ltime,
    b"Events" => events,
    b"QueryLTime" => query_ltime,
});

impl State<'_> {
    /// Appends the message with its type byte.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, Compat::Head);
        writer.byte(Kind::PushPull as u8);
        writer.map(6);
        writer.text(b"EventLTime");
        writer.uint(self.event_ltime);
        writer.text(b"Events");
        writer.array(self.events.len());
        for slot in &self.events {
            match slot {
                None => writer.nil(),
                Some(slot) => slot.write(&mut writer),
            }
        }
        writer.text(b"LTime");
        writer.uint(self.ltime);
        writer.text(b"LeftMembers");
        writer.array(self.left_members.len());
        for name in &self.left_members {
            writer.text(name);
        }
        writer.text(b"QueryLTime");
        writer.uint(self.query_ltime);
        writer.text(b"StatusLTimes");
        writer.pairs(self.status_ltimes.len());
        for (name, ltime) in &self.status_ltimes {
            writer.text(name);
            writer.uint(*ltime);
        }
    }
}
