//! Messages to be passed on: a header, and whatever stands behind it (specification 12.6).

use super::{Bytes, Kind, Text};
use crate::{
    config::Compat,
    wire::{
        Malformed,
        message::record,
        msgpack::{Reader, Value, Writer},
    },
};

/// A message to be passed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relay<'a> {
    /// Where to.
    pub header: RelayHeader<'a>,
    /// The message inside with its type byte; the relay does not look at it.
    pub inner: Text<'a>,
}

/// Where a relayed message goes (`relayHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelayHeader<'a> {
    /// Which address.
    pub address: UdpAddress<'a>,
    /// Whose name.
    pub name: Text<'a>,
}

record!(RelayHeader<'a> { b"DestAddr" => address, b"DestName" => name });

/// Go's `net.UDPAddr`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UdpAddress<'a> {
    /// The address, 4 or 16 bytes.
    pub ip: Bytes<'a>,
    /// The port.
    pub port: i64,
    /// The zone of an IPv6 address; nobody sends one.
    pub zone: Text<'a>,
}

record!(UdpAddress<'a> { b"IP" => ip, b"Port" => port, b"Zone" => zone });

impl<'a> Value<'a> for UdpAddress<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        reader.record()
    }
}

impl<'a> Relay<'a> {
    /// Reads what stands behind the type byte: the header, and all that follows.
    pub(super) fn decode(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let header = reader.record()?;
        Ok(Self { header, inner: reader.rest().into() })
    }

    /// Appends the message with its type byte.
    pub fn encode(&self, compat: Compat, out: &mut Vec<u8>) {
        let RelayHeader { address, name } = &self.header;
        let mut writer = Writer::new(out, compat);
        writer.byte(Kind::Relay as u8);
        writer.map(2);
        writer.text(b"DestAddr");
        writer.map(3);
        writer.text(b"IP");
        writer.bytes(address.ip.as_deref());
        writer.text(b"Port");
        writer.int(address.port);
        writer.text(b"Zone");
        writer.text(&address.zone);
        writer.text(b"DestName");
        writer.text(name);
        writer.verbatim(&self.inner);
    }
}
