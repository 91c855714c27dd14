//! How long each of Serf's messages is, from the lengths of its parts alone (Serf specification 12).
//!
//! Every function counts the type byte where the message has one. Payloads and keys that are nil are as
//! long as empty ones, but an absent one says so.

use crate::{
    config::Compat,
    wire::len::{int_len, raw_len, uint_len, uint_width},
};

pub use super::state_len::StateLen;

/// Bytes of a coordinate of eight dimensions as the payload of an ack.
pub const COORDINATE: u32 = 130;

/// A Lamport time.
#[inline]
pub const fn ltime(ltime: u64) -> u32 {
    1 + uint_width(ltime)
}

/// The header of an array or of a map with so many items.
#[inline]
pub const fn header(items: u32) -> u32 {
    1 + 2 * (items > 15) as u32 + 2 * (items > 0xffff) as u32
}

/// A join intent.
#[inline]
pub const fn join(at: u64, name_len: u32) -> u32 {
    13 + ltime(at) + raw_len(name_len)
}

/// A leave intent.
#[inline]
pub const fn leave(at: u64, name_len: u32) -> u32 {
    20 + ltime(at) + raw_len(name_len)
}

/// A user event.
#[inline]
pub const fn user_event(at: u64, name_len: u32, payload_len: Option<u32>) -> u32 {
    25 + ltime(at) + raw_len(name_len) + payload(payload_len)
}

/// The parts of a query.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// Lamport time.
    pub ltime: u64,
    /// Its random number.
    pub id: u32,
    /// Bytes of the asker's address: 4 or 16.
    pub address_bytes: u8,
    /// The asker's port.
    pub port: u16,
    /// Bytes of the asker's name.
    pub source_len: u32,
    /// Bytes of each encoded filter.
    pub filters: &'a [u32],
    /// Its flags.
    pub flags: u32,
    /// Its relay factor.
    pub relay_factor: u8,
    /// How long, in nanoseconds.
    pub timeout: i64,
    /// Bytes of its name.
    pub name_len: u32,
    /// Bytes of its payload.
    pub payload_len: Option<u32>,
}

/// A query.
pub fn query(query: &Query<'_>, compat: Compat) -> u32 {
    let filters: u32 = query.filters.iter().map(|&filter| raw_len(filter)).sum();
    79 + raw_len(query.address_bytes.into())
        + header(query.filters.len() as u32)
        + filters
        + uint_len(query.flags)
        + uint_len(query.id)
        + ltime(query.ltime)
        + raw_len(query.name_len)
        + payload(query.payload_len)
        + uint_len(query.port.into())
        + uint_len(query.relay_factor.into())
        + raw_len(query.source_len)
        + int_len(query.timeout, compat)
}

/// A filter by names, from their lengths.
pub fn node_filter(names: impl ExactSizeIterator<Item = u32>) -> u32 {
    1 + header(names.len() as u32) + names.map(raw_len).sum::<u32>()
}

/// A filter by a tag.
#[inline]
pub const fn tag_filter(tag_len: u32, expression_len: u32) -> u32 {
    11 + raw_len(expression_len) + raw_len(tag_len)
}

/// A response, or an ack.
#[inline]
pub const fn response(
    at: u64,
    id: u32,
    from_len: u32,
    flags: u32,
    payload_len: Option<u32>,
) -> u32 {
    30 + uint_len(flags) + raw_len(from_len) + uint_len(id) + ltime(at) + payload(payload_len)
}

/// A message to be passed on, around one of `inner_len` bytes.
#[inline]
pub const fn relay(
    address_bytes: u8,
    port: u16,
    name_len: u32,
    inner_len: u32,
    compat: Compat,
) -> u32 {
    35 + raw_len(address_bytes as u32)
        + int_len(port as i64, compat)
        + raw_len(name_len)
        + inner_len
}

/// The answer in a vote about a name that is not known.
pub const CONFLICT_UNKNOWN: u32 = 2;

/// The answer in a vote about a name, from the length of the tags' map (see [`tags`]: without its first
/// byte). Versions and status are below 128.
#[inline]
pub const fn conflict(address_bytes: u8, port: u16, name_len: u32, tags_map_len: u32) -> u32 {
    108 + raw_len(address_bytes as u32) + uint_len(port as u32) + raw_len(name_len) + tags_map_len
}

/// The payload of a key operation; listing has an empty key.
#[inline]
pub const fn key_request(key_len: u32) -> u32 {
    6 + raw_len(key_len)
}

/// The answer to a key operation: so many keys of `key_len` characters each in base64, none but to a list.
#[inline]
pub const fn key_response(message_len: u32, keys: u32, key_len: u32, primary_len: u32) -> u32 {
    34 + header(keys) + keys * raw_len(key_len) + raw_len(message_len) + raw_len(primary_len)
}

/// A filled slot of the ring, from its events' bytes in all.
#[inline]
pub const fn slot(at: u64, events: u32, events_bytes: u32) -> u32 {
    14 + header(events) + events_bytes + ltime(at)
}

/// One event of a slot.
#[inline]
pub const fn slot_event(name_len: u32, payload_len: Option<u32>) -> u32 {
    14 + raw_len(name_len) + payload(payload_len)
}

/// A member and the time of its last news, in a state.
#[inline]
pub const fn status_entry(name_len: u32, at: u64) -> u32 {
    raw_len(name_len) + ltime(at)
}

/// Tags as metadata, from the lengths of keys and values.
pub fn tags(tags: impl ExactSizeIterator<Item = (u32, u32)>) -> u32 {
    1 + header(tags.len() as u32) + tags.map(|(k, v)| raw_len(k) + raw_len(v)).sum::<u32>()
}

const fn payload(len: Option<u32>) -> u32 {
    match len {
        None => 1,
        Some(len) => raw_len(len),
    }
}
