//! How long each message is, from the lengths of its parts alone (specification 12.3).
//!
//! The simulator calls these once per packet instead of encoding it: no message value, no branch that
//! matters. Every function counts the type byte where the message has one. Ports are taken to be 256 or
//! more, as all but the odd test cluster's are; [`narrow_port`] gives what a smaller one saves.

use crate::config::Compat;

/// Bytes of an unsigned integer behind its tag, 0 if it is its own tag.
pub(super) const fn uint_width(value: u64) -> u32 {
    match value {
        0..=0x7f => 0,
        0x80..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    }
}

/// Bytes of a signed integer behind its tag, 0 if it is its own tag.
///
/// A positive one never takes one byte: go-msgpack keeps `d0` for negative ones.
pub(super) const fn int_width(value: i64) -> u32 {
    match value {
        -32..=0x7f => 0,
        -0x80..=-33 => 1,
        -0x8000..=0x7fff => 2,
        -0x8000_0000..=0x7fff_ffff => 4,
        _ => 8,
    }
}

/// An unsigned field: a sequence number, an incarnation, a port.
#[inline]
pub const fn uint_len(value: u32) -> u32 {
    1 + (value > 0x7f) as u32 + (value > 0xff) as u32 + 2 * (value > 0xffff) as u32
}

/// A Go `int`: a count or a state.
#[inline]
pub const fn int_len(value: i64, compat: Compat) -> u32 {
    match compat {
        Compat::V0_2 if value >= 0 => 1 + uint_width(value as u64),
        Compat::Head | Compat::V0_2 => 1 + int_width(value),
    }
}

/// A string or bytes of `len` bytes; nil is as long as empty.
#[inline]
pub const fn raw_len(len: u32) -> u32 {
    len + 1 + 2 * (len > 31) as u32 + 2 * (len > 0xffff) as u32
}

/// What a port below 256 saves, for each time it stands in a message: 0, 1 or 2 bytes.
///
/// In a ping the advertised port stands once, in an indirect ping that and the target's.
#[inline]
pub const fn narrow_port(port: u16) -> u32 {
    3 - uint_len(port as u32)
}

/// A ping that says where it comes from, as every memberlist since 0.2 sends it.
#[inline]
pub const fn ping_len(
    seq: u32,
    address_bytes: u8,
    node_name_len: u32,
    source_name_len: u32,
) -> u32 {
    49 + uint_len(seq)
        + raw_len(address_bytes as u32)
        + raw_len(node_name_len)
        + raw_len(source_name_len)
}

/// A request to a relay; the two addresses may differ in form.
#[inline]
pub const fn indirect_ping_len(
    seq: u32,
    target_address_bytes: u8,
    source_address_bytes: u8,
    node_name_len: u32,
    source_name_len: u32,
) -> u32 {
    70 + uint_len(seq)
        + raw_len(target_address_bytes as u32)
        + raw_len(source_address_bytes as u32)
        + raw_len(node_name_len)
        + raw_len(source_name_len)
}

/// An ack with `payload_len` bytes of the application's.
#[inline]
pub const fn ack_len(seq: u32, payload_len: u32) -> u32 {
    16 + uint_len(seq) + raw_len(payload_len)
}

/// A nack.
#[inline]
pub const fn nack_len(seq: u32) -> u32 {
    8 + uint_len(seq)
}

/// A suspect or a dead message.
#[inline]
pub const fn accusation_len(incarnation: u32, node_len: u32, from_len: u32) -> u32 {
    24 + uint_len(incarnation) + raw_len(node_len) + raw_len(from_len)
}

/// An alive message with the six version bytes that every release sends.
#[inline]
pub const fn alive_len(incarnation: u32, address_bytes: u8, meta_len: u32, node_len: u32) -> u32 {
    48 + uint_len(incarnation)
        + raw_len(address_bytes as u32)
        + raw_len(meta_len)
        + raw_len(node_len)
}

/// The type byte and the header of a push/pull message.
#[inline]
pub const fn push_pull_header_len(nodes: u32, user_state_len: u32, compat: Compat) -> u32 {
    27 + int_len(nodes as i64, compat) + int_len(user_state_len as i64, compat)
}

/// One member in a push/pull message.
#[inline]
pub const fn push_node_state_len(
    incarnation: u32,
    address_bytes: u8,
    meta_len: u32,
    name_len: u32,
) -> u32 {
    54 + uint_len(incarnation)
        + raw_len(address_bytes as u32)
        + raw_len(meta_len)
        + raw_len(name_len)
}

/// A user message in a packet.
#[inline]
pub const fn user_len(payload_len: u32) -> u32 {
    1 + payload_len
}

/// A user message on a stream, with its header.
#[inline]
pub const fn user_stream_len(payload_len: u32, compat: Compat) -> u32 {
    13 + int_len(payload_len as i64, compat) + payload_len
}

/// An error message on a stream.
#[inline]
pub const fn err_len(text_len: u32) -> u32 {
    8 + raw_len(text_len)
}

/// A compound of `count` messages that are `sum` bytes together.
#[inline]
pub const fn compound_len(count: u32, sum: u32) -> u32 {
    2 + 2 * count + sum
}

/// A compressed message around `lzw_len` bytes of LZW.
#[inline]
pub const fn compress_len(lzw_len: u32) -> u32 {
    12 + raw_len(lzw_len)
}
