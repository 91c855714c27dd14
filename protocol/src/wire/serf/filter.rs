//! Filters of a query, each a byte string in it: a type byte and a value (`serf/query.go: filterType`).

use super::{Text, record_of};
use crate::{
    config::Compat,
    wire::{
        Malformed,
        message::record,
        msgpack::{Reader, Writer},
    },
};

/// Whom a query is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter<'a> {
    /// Members of these names (`filterNode`).
    Nodes(Vec<Text<'a>>),
    /// Members with such a tag.
    Tag(TagFilter<'a>),
}

/// A regular expression for the value of a tag (`filterTag`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagFilter<'a> {
    /// Which tag.
    pub tag: Text<'a>,
    /// The expression.
    pub expr: Text<'a>,
}

record!(TagFilter<'a> { b"Tag" => tag, b"Expr" => expr });

impl<'a> Filter<'a> {
    /// Reads a filter. One that cannot be read rejects everybody; an empty one, which ends the original,
    /// is such a one here.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (&first, body) = bytes.split_first().ok_or(Malformed::Truncated)?;
        match first {
            0 => Reader::new(body).array().map(Self::Nodes),
            1 => record_of(body).map(Self::Tag),
            other => Err(Malformed::Kind(other)),
        }
    }

    /// Appends the filter with its type byte.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, Compat::Head);
        match self {
            Self::Nodes(names) => {
                writer.byte(0);
                writer.array(names.len());
                for name in names {
                    writer.text(name);
                }
            }
            Self::Tag(TagFilter { tag, expr }) => {
                writer.byte(1);
                writer.map(2);
                writer.text(b"Expr");
                writer.text(expr);
                writer.text(b"Tag");
                writer.text(tag);
            }
        }
    }
}
