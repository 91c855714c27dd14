//! Serf's messages, byte for byte and length by length (Serf specification 12).
//!
//! A message is a type byte and one msgpack value; memberlist carries it as a user message. The values are
//! spelled as memberlist's are, with the keys sorted; [`len`] says how long each would be from
//! the lengths of its parts alone, and [`StateLen`] keeps that of the state of a push/pull.
//!
//! Releases differ where Go has a signed integer: in the timeout of a query and the port of a relay. Both
//! read what the other writes.

mod coordinate;
mod event;
mod filter;
mod intent;
mod key;
pub mod len;
mod member;
mod query;
mod relay;
mod state;
mod state_len;
pub mod tags;

pub use coordinate::Coordinate;
pub use event::{EventSlot, SlotEvent, UserEvent};
pub use filter::{Filter, TagFilter};
pub use intent::{Join, Leave};
pub use key::{KeyRequest, KeyResponse};
pub use member::Member;
pub use query::{ACK, NO_BROADCAST, Query, QueryResponse};
pub use relay::{Relay, RelayHeader, UdpAddress};
pub use state::State;
pub use state_len::StateLen;

use super::{
    Malformed,
    message::{Bytes, Text},
    msgpack::{Reader, Record},
};
use crate::config::Compat;

/// The first byte of each of Serf's messages (`serf/messages.go: messageType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// Somebody leaves.
    Leave = 0,
    /// Somebody is there.
    Join = 1,
    /// The state of a push/pull exchange.
    PushPull = 2,
    /// A user event.
    UserEvent = 3,
    /// A query.
    Query = 4,
    /// An ack or a response to a query.
    QueryResponse = 5,
    /// What a node knows of a name in conflict; inside responses only.
    ConflictResponse = 6,
    /// The key of a key operation; inside queries only.
    KeyRequest = 7,
    /// What became of a key operation; inside responses only.
    KeyResponse = 8,
    /// To be passed on.
    Relay = 9,
}

impl Kind {
    /// The kind that a first byte stands for, if any.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::Leave,
            1 => Self::Join,
            2 => Self::PushPull,
            3 => Self::UserEvent,
            4 => Self::Query,
            5 => Self::QueryResponse,
            6 => Self::ConflictResponse,
            7 => Self::KeyRequest,
            8 => Self::KeyResponse,
            9 => Self::Relay,
            _ => return None,
        })
    }
}

/// One of Serf's messages.
#[derive(Clone, Debug, PartialEq)]
pub enum Message<'a> {
    /// Somebody leaves.
    Leave(Leave<'a>),
    /// Somebody is there.
    Join(Join<'a>),
    /// The state of a push/pull exchange.
    PushPull(State<'a>),
    /// A user event.
    UserEvent(UserEvent<'a>),
    /// A query.
    Query(Query<'a>),
    /// An ack or a response to a query.
    QueryResponse(QueryResponse<'a>),
    /// What a node knows of a name in conflict; nothing if it does not know it.
    ConflictResponse(Option<Member<'a>>),
    /// The key of a key operation.
    KeyRequest(KeyRequest<'a>),
    /// What became of a key operation.
    KeyResponse(KeyResponse<'a>),
    /// To be passed on.
    Relay(Relay<'a>),
}

impl<'a> Message<'a> {
    /// Reads a message with its type byte; what stands behind it is ignored, but for a relay's.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (&first, body) = bytes.split_first().ok_or(Malformed::Truncated)?;
        Ok(match Kind::from_byte(first).ok_or(Malformed::Kind(first))? {
            Kind::Leave => Self::Leave(record_of(body)?),
            Kind::Join => Self::Join(record_of(body)?),
            Kind::PushPull => Self::PushPull(record_of(body)?),
            Kind::UserEvent => Self::UserEvent(record_of(body)?),
            Kind::Query => Self::Query(record_of(body)?),
            Kind::QueryResponse => Self::QueryResponse(record_of(body)?),
            Kind::ConflictResponse => {
                let mut reader = Reader::new(body);
                Self::ConflictResponse(if reader.nil() { None } else { Some(reader.record()?) })
            }
            Kind::KeyRequest => Self::KeyRequest(record_of(body)?),
            Kind::KeyResponse => Self::KeyResponse(record_of(body)?),
            Kind::Relay => Self::Relay(Relay::decode(body)?),
        })
    }

    /// Appends the message with its type byte.
    pub fn encode(&self, compat: Compat, out: &mut Vec<u8>) {
        match self {
            Self::Leave(leave) => leave.encode(out),
            Self::Join(join) => join.encode(out),
            Self::PushPull(state) => state.encode(out),
            Self::UserEvent(event) => event.encode(out),
            Self::Query(query) => query.encode(compat, out),
            Self::QueryResponse(response) => response.encode(out),
            Self::ConflictResponse(None) => out.extend([Kind::ConflictResponse as u8, 0xc0]),
            Self::ConflictResponse(Some(member)) => member.encode(compat, out),
            Self::KeyRequest(request) => request.encode(out),
            Self::KeyResponse(response) => response.encode(out),
            Self::Relay(relay) => relay.encode(compat, out),
        }
    }
}

fn record_of<'a, R: Record<'a>>(body: &'a [u8]) -> Result<R, Malformed> {
    Reader::new(body).record()
}
