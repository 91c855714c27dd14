//! Tags as metadata (`serf/serf.go: encodeTags`; specification 8).

use super::ledger::Tags;
use crate::wire::len::raw_len;

/// Longest encoded tags, in bytes (`memberlist.MetaMaxSize`).
pub const LONGEST: usize = 512;

/// Encoded length of tags: a type byte and a map of texts. Those of protocol 2 are the role alone.
pub fn encoded_len(tags: &Tags) -> u32 {
    let text = |s: &String| raw_len(s.len() as u32);
    let header = if tags.len() < 16 { 1 } else { 3 };
    1 + header + tags.iter().map(|(k, v)| text(k) + text(v)).sum::<u32>()
}
