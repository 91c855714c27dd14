//! The messages of a probe: ping, the request to a relay, ack and nack.

use super::{Bytes, Text, bytes_len, record, text_len};
use crate::{
    config::Compat,
    wire::{Kind, len, msgpack::Writer},
};

/// A probe: an ack with its sequence number is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ping<'a> {
    /// The sender's number for this probe, to be returned.
    pub seq: u32,
    /// Whom it is meant for; another receiver stays silent.
    pub node: Text<'a>,
    /// Where the answer goes; left out when empty.
    pub source_address: Bytes<'a>,
    /// The port of the answer; left out when 0.
    pub source_port: u16,
    /// Who asks; left out when empty.
    pub source_node: Text<'a>,
}

record!(Ping<'a> {
    b"SeqNo" => seq,
    b"Node" => node,
    b"SourceAddr" => source_address,
    b"SourcePort" => source_port,
    b"SourceNode" => source_node,
});

impl Ping<'_> {
    /// Appends the message with its type byte.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let source = Source::of(&self.source_address, self.source_port, &self.source_node);
        let mut writer = Writer::new(out, Compat::Head);
        writer.byte(Kind::Ping as u8);
        writer.map(2 + source.fields());
        writer.text(b"Node");
        writer.text(&self.node);
        writer.text(b"SeqNo");
        writer.uint(self.seq.into());
        source.write(&mut writer);
    }

    /// How many bytes [`Self::encode`] appends.
    pub fn encoded_len(&self) -> u32 {
        let source = Source::of(&self.source_address, self.source_port, &self.source_node);
        13 + text_len(&self.node) + len::uint_len(self.seq) + source.len()
    }
}

/// A request to a relay to probe a target and to pass its ack on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndirectPing<'a> {
    /// The asker's number for this probe.
    pub seq: u32,
    /// The target's address.
    pub target: Bytes<'a>,
    /// The target's port.
    pub port: u16,
    /// The target's name.
    pub node: Text<'a>,
    /// Whether a nack is wanted when the target does not answer.
    pub nack: bool,
    /// Where the answer goes; left out when empty.
    pub source_address: Bytes<'a>,
    /// The port of the answer; left out when 0.
    pub source_port: u16,
    /// Who asks; left out when empty.
    pub source_node: Text<'a>,
}

record!(IndirectPing<'a> {
    b"SeqNo" => seq,
    b"Target" => target,
    b"Port" => port,
    b"Node" => node,
    b"Nack" => nack,
    b"SourceAddr" => source_address,
    b"SourcePort" => source_port,
    b"SourceNode" => source_node,
});

impl IndirectPing<'_> {
    /// Appends the message with its type byte.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let source = Source::of(&self.source_address, self.source_port, &self.source_node);
        let mut writer = Writer::new(out, Compat::Head);
        writer.byte(Kind::IndirectPing as u8);
        writer.map(5 + source.fields());
        writer.text(b"Nack");
        writer.bool(self.nack);
        writer.text(b"Node");
        writer.text(&self.node);
        writer.text(b"Port");
        writer.uint(self.port.into());
        writer.text(b"SeqNo");
        writer.uint(self.seq.into());
        source.write(&mut writer);
        writer.text(b"Target");
        writer.bytes(self.target.as_deref());
    }

    /// How many bytes [`Self::encode`] appends.
    pub fn encoded_len(&self) -> u32 {
        let source = Source::of(&self.source_address, self.source_port, &self.source_node);
        31 + text_len(&self.node)
            + len::uint_len(self.port.into())
            + len::uint_len(self.seq)
            + bytes_len(&self.target)
            + source.len()
    }
}

/// The answer to a probe, direct or relayed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ack<'a> {
    /// The number of the ping.
    pub seq: u32,
    /// The application's bytes, from a delegate of the target.
    pub payload: Bytes<'a>,
}

record!(Ack<'a> { b"SeqNo" => seq, b"Payload" => payload });

impl Ack<'_> {
    /// Appends the message with its type byte.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, Compat::Head);
        writer.byte(Kind::Ack as u8);
        writer.map(2);
        writer.text(b"Payload");
        writer.bytes(self.payload.as_deref());
        writer.text(b"SeqNo");
        writer.uint(self.seq.into());
    }

    /// How many bytes [`Self::encode`] appends.
    pub fn encoded_len(&self) -> u32 {
        len::ack_len(self.seq, self.payload.as_ref().map_or(0, |payload| payload.len() as u32))
    }
}

/// A relay's word that its probe went unanswered, so that the asker knows the relay to be well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Nack {
    /// The asker's number for the probe.
    pub seq: u32,
}

record!(Nack { b"SeqNo" => seq });

impl Nack {
    /// Appends the message with its type byte.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, Compat::Head);
        writer.byte(Kind::Nack as u8);
        writer.map(1);
        writer.text(b"SeqNo");
        writer.uint(self.seq.into());
    }

    /// How many bytes [`Self::encode`] appends.
    pub const fn encoded_len(&self) -> u32 {
        len::nack_len(self.seq)
    }
}

/// The three fields that are left out when empty, the only ones of the protocol.
struct Source<'m> {
    address: Option<&'m [u8]>,
    port: u16,
    node: &'m [u8],
}

impl<'m> Source<'m> {
    fn of(address: &'m Bytes<'_>, port: u16, node: &'m Text<'_>) -> Self {
        Self { address: address.as_deref().filter(|address| !address.is_empty()), port, node }
    }

    fn fields(&self) -> u8 {
        u8::from(self.address.is_some())
            + u8::from(self.port != 0)
            + u8::from(!self.node.is_empty())
    }

    fn write(&self, writer: &mut Writer<'_>) {
        if let Some(address) = self.address {
            writer.text(b"SourceAddr");
            writer.text(address);
        }
        if !self.node.is_empty() {
            writer.text(b"SourceNode");
            writer.text(self.node);
        }
        if self.port != 0 {
            writer.text(b"SourcePort");
            writer.uint(self.port.into());
        }
    }

    fn len(&self) -> u32 {
        const KEY: u32 = 11;
        let address = self.address.map_or(0, |address| KEY + len::raw_len(address.len() as u32));
        let node =
            if self.node.is_empty() { 0 } else { KEY + len::raw_len(self.node.len() as u32) };
        let port = if self.port == 0 { 0 } else { KEY + len::uint_len(self.port.into()) };
        address + node + port
    }
}
