//! Intents: who is there, who leaves.

use super::{Kind, Text};
use crate::{
    config::Compat,
    wire::{message::record, msgpack::Writer},
};

/// A join intent (`messageJoin`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Join<'a> {
    /// Lamport time.
    pub ltime: u64,
    /// Who is there.
    pub node: Text<'a>,
}

record!(Join<'a> { b"LTime" => ltime, b"Node" => node });

impl Join<'_> {
    /// Appends the message with its type byte.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, Compat::Head);
        writer.byte(Kind::Join as u8);
        writer.map(2);
        writer.text(b"LTime");
        writer.uint(self.ltime);
        writer.text(b"Node");
        writer.text(&self.node);
    }
}

/// A leave intent (`messageLeave`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leave<'a> {
    /// Lamport time.
    pub ltime: u64,
    /// Who leaves.
    pub node: Text<'a>,
    /// Forget it altogether.
    pub prune: bool,
}

record!(Leave<'a> { b"LTime" => ltime, b"Node" => node, b"Prune" => prune });

impl Leave<'_> {
    /// Appends the message with its type byte.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, Compat::Head);
        writer.byte(Kind::Leave as u8);
        writer.map(3);
        writer.text(b"LTime");
        writer.uint(self.ltime);
        writer.text(b"Node");
        writer.text(&self.node);
        writer.text(b"Prune");
        writer.bool(self.prune);
    }
}
