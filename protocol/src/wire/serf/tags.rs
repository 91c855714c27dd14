//! Tags as memberlist's metadata: a byte and a map (`serf/serf.go: encodeTags`; specification 8).

use super::Text;
use crate::{
    config::Compat,
    wire::{
        Malformed,
        msgpack::{Reader, Writer},
    },
};

/// What stands first in metadata that are tags.
pub const MAGIC: u8 = 0xff;

/// Appends tags in the order given: go ahead by key, where the original takes any.
pub fn encode<'t>(tags: impl ExactSizeIterator<Item = (&'t [u8], &'t [u8])>, out: &mut Vec<u8>) {
    let mut writer = Writer::new(out, Compat::Head);
    writer.byte(MAGIC);
    writer.pairs(tags.len());
    for (key, value) in tags {
        writer.text(key);
        writer.text(value);
    }
}

/// The tags in metadata, in their order; metadata of another kind are the tag `role`.
pub fn decode(meta: &[u8]) -> Result<Vec<(Text<'_>, Text<'_>)>, Malformed> {
    match meta.split_first() {
        Some((&MAGIC, body)) => Reader::new(body).pairs(),
        _ => Ok(vec![(b"role"[..].into(), meta.into())]),
    }
}
