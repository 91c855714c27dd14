//! Queries and what comes back.

use super::{Bytes, Kind, Text};
use crate::{
    config::Compat,
    wire::{message::record, msgpack::Writer},
};

/// Flag of a query: an ack is wanted. Flag of a response: it is an ack (`queryFlagAck`).
pub const ACK: u32 = 1;
/// Flag of a query: receivers do not pass it on (`queryFlagNoBroadcast`).
pub const NO_BROADCAST: u32 = 2;

/// A query (`messageQuery`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query<'a> {
    /// Lamport time.
    pub ltime: u64,
    /// A random number that tells it from others of the same time.
    pub id: u32,
    /// Where to answer, 4 or 16 bytes.
    pub address: Bytes<'a>,
    /// Where to answer.
    pub port: u16,
    /// Who asks.
    pub source_node: Text<'a>,
    /// Whom it is for: encoded [`Filter`](super::Filter)s, all of which must accept.
    pub filters: Option<Vec<Text<'a>>>,
    /// [`ACK`], [`NO_BROADCAST`].
    pub flags: u32,
    /// How many members each answer is also to take its way through.
    pub relay_factor: u8,
    /// How long, in nanoseconds.
    pub timeout: i64,
    /// Its name.
    pub name: Text<'a>,
    /// Its payload.
    pub payload: Bytes<'a>,
}

record!(Query<'a> {
    b"LTime" => ltime,
    b"ID" => id,
    b"Addr" => address,
    b"Port" => port,
    b"SourceNode" => source_node,
    b"Filters" => filters,
    b"Flags" => flags,
    b"RelayFactor" => relay_factor,
    b"Timeout" => timeout,
    b"Name" => name,
    b"Payload" => payload,
});

impl Query<'_> {
    /// Appends the message with its type byte.
    pub fn encode(&self, compat: Compat, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, compat);
        writer.byte(Kind::Query as u8);
        writer.map(11);
        writer.text(b"Addr");
        writer.bytes(self.address.as_deref());
        writer.text(b"Filters");
        match &self.filters {
            None => writer.nil(),
            Some(filters) => {
                writer.array(filters.len());
                for filter in filters {
                    writer.text(filter);
                }
            }
        }
        writer.text(b"Flags");
        writer.uint(self.flags.into());
        writer.text(b"ID");
        writer.uint(self.id.into());
        writer.text(b"LTime");
        writer.uint(self.ltime);
        writer.text(b"Name");
        writer.text(&self.name);
        writer.text(b"Payload");
        writer.bytes(self.payload.as_deref());
        writer.text(b"Port");
        writer.uint(self.port.into());
        writer.text(b"RelayFactor");
        writer.uint(self.relay_factor.into());
        writer.text(b"SourceNode");
        writer.text(&self.source_node);
        writer.text(b"Timeout");
        writer.int(self.timeout);
    }
}

/// An ack or a response (`messageQueryResponse`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryResponse<'a> {
    /// Lamport time of the query.
    pub ltime: u64,
    /// Random number of the query.
    pub id: u32,
    /// Who answers.
    pub from: Text<'a>,
    /// [`ACK`]: it is one.
    pub flags: u32,
    /// The answer; nil in an ack.
    pub payload: Bytes<'a>,
}

record!(QueryResponse<'a> {
    b"LTime" => ltime,
    b"ID" => id,
    b"From" => from,
    b"Flags" => flags,
    b"Payload" => payload,
});

impl QueryResponse<'_> {
    /// Appends the message with its type byte.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, Compat::Head);
        writer.byte(Kind::QueryResponse as u8);
        writer.map(5);
        writer.text(b"Flags");
        writer.uint(self.flags.into());
        writer.text(b"From");
        writer.text(&self.from);
        writer.text(b"ID");
        writer.uint(self.id.into());
        writer.text(b"LTime");
        writer.uint(self.ltime);
        writer.text(b"Payload");
        writer.bytes(self.payload.as_deref());
    }
}
