//! Tags as metadata (`serf/serf.go: encodeTags`; specification 8).

use super::ledger::Tags;
use crate::wire::serf::{len, tags};

/// Longest encoded tags, in bytes (`memberlist.MetaMaxSize`).
pub const LONGEST: usize = 512;

/// Encoded length of tags: a type byte and a map of texts. Those of protocol 2 are the role alone.
pub fn encoded_len(tags: &Tags) -> u32 {
    len::tags(tags.iter().map(|(key, value)| (key.len() as u32, value.len() as u32)))
}

/// Appends tags as metadata.
pub fn encode(tags: &Tags, out: &mut Vec<u8>) {
    tags::encode(tags.iter().map(|(key, value)| (key.as_bytes(), value.as_bytes())), out);
}
