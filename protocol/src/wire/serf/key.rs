//! The payloads of key operations (`serf/keymanager.go: keyRequest`, `internal_query.go: nodeKeyResponse`).

use super::{Bytes, Kind, Text};
use crate::{
    config::Compat,
    wire::{message::record, msgpack::Writer},
};

/// Which key (`keyRequest`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRequest<'a> {
    /// The raw key; empty to list.
    pub key: Bytes<'a>,
}

record!(KeyRequest<'a> { b"Key" => key });

impl KeyRequest<'_> {
    /// Appends the message with its type byte.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, Compat::Head);
        writer.byte(Kind::KeyRequest as u8);
        writer.map(1);
        writer.text(b"Key");
        writer.bytes(self.key.as_deref());
    }
}

/// What became of it at one member (`nodeKeyResponse`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyResponse<'a> {
    /// Whether it was done.
    pub result: bool,
    /// Why not, or what else to know.
    pub message: Text<'a>,
    /// All keys in base64, to a list.
    pub keys: Option<Vec<Text<'a>>>,
    /// The one that encrypts in base64, to a list.
    pub primary_key: Text<'a>,
}

record!(KeyResponse<'a> {
    b"Result" => result,
    b"Message" => message,
    b"Keys" => keys,
    b"PrimaryKey" => primary_key,
});

impl KeyResponse<'_> {
    /// Appends the message with its type byte.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, Compat::Head);
        writer.byte(Kind::KeyResponse as u8);
        writer.map(4);
        writer.text(b"Keys");
        match &self.keys {
            None => writer.nil(),
            Some(keys) => {
                writer.array(keys.len());
                for key in keys {
                    writer.text(key);
                }
            }
        }
        writer.text(b"Message");
        writer.text(&self.message);
        writer.text(b"PrimaryKey");
        writer.text(&self.primary_key);
        writer.text(b"Result");
        writer.bool(self.result);
    }
}
