//! The messages as values: fields of the original's structs, encoded with sorted keys (specification 12.3).
//!
//! Each has `encode`, which appends the message with its type byte, and `encoded_len`, which says how much
//! that would be; reading goes through [`Message::decode`], or [`Reader::record`] where the values follow
//! one another on a stream.

mod claims;
mod probe;
mod sync;

pub use super::msgpack::{Bytes, Text};
pub use claims::{Accusation, Alive};
pub use probe::{Ack, IndirectPing, Nack, Ping};
pub use sync::{Compress, Err, PushNodeState, PushPullHeader, UserHeader};

use super::{
    Kind, Malformed, len,
    msgpack::{Reader, Record},
};

/// Implements [`Record`] from the fields in the original's order of declaration.
macro_rules! record {
    ($type:ty { $($key:literal => $field:ident),* $(,)? }) => {
        impl<'a> $crate::wire::msgpack::Record<'a> for $type {
            const DECLARED: &'static [&'static [u8]] = &[$($key),*];

            fn set(
                &mut self,
                key: &[u8],
                reader: &mut $crate::wire::msgpack::Reader<'a>,
            ) -> Result<bool, $crate::wire::Malformed> {
                match key {
                    $($key => self.$field = $crate::wire::msgpack::Value::read(reader)?,)*
                    _ => return Ok(false),
                }
                Ok(true)
            }
        }
    };
}
pub(in crate::wire) use record;

/// A message of a packet, or of a stream that carries just one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// A probe.
    Ping(Ping<'a>),
    /// A request to probe somebody else.
    IndirectPing(IndirectPing<'a>),
    /// The answer to a probe.
    Ack(Ack<'a>),
    /// A relay's word that its probe went unanswered.
    Nack(Nack),
    /// Somebody is suspected.
    Suspect(Accusation<'a>),
    /// Somebody is alive.
    Alive(Alive<'a>),
    /// Somebody is dead; left, if from the node itself.
    Dead(Accusation<'a>),
    /// The application's bytes, on a packet.
    User(&'a [u8]),
    /// What went wrong, as the answer on a stream.
    Err(Err<'a>),
}

impl<'a> Message<'a> {
    /// Reads a message with its type byte; what stands behind it is ignored, as the original does.
    ///
    /// Compounds, compressed and push/pull messages have their own files, and are an error here.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (&first, body) = bytes.split_first().ok_or(Malformed::Truncated)?;
        Ok(match Kind::from_byte(first) {
            Some(Kind::Ping) => Self::Ping(record_of(body)?),
            Some(Kind::IndirectPing) => Self::IndirectPing(record_of(body)?),
            Some(Kind::Ack) => Self::Ack(record_of(body)?),
            Some(Kind::Nack) => Self::Nack(record_of(body)?),
            Some(Kind::Suspect) => Self::Suspect(record_of(body)?),
            Some(Kind::Alive) => Self::Alive(record_of(body)?),
            Some(Kind::Dead) => Self::Dead(record_of(body)?),
            Some(Kind::User) => Self::User(body),
            Some(Kind::Err) => Self::Err(record_of(body)?),
            Some(Kind::PushPull | Kind::Compound | Kind::Compress | Kind::Encrypt | Kind::Crc)
            | None => return Result::Err(Malformed::Kind(first)),
        })
    }

    /// Appends the message with its type byte.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Ping(ping) => ping.encode(out),
            Self::IndirectPing(ping) => ping.encode(out),
            Self::Ack(ack) => ack.encode(out),
            Self::Nack(nack) => nack.encode(out),
            Self::Suspect(accusation) => accusation.encode(Kind::Suspect, out),
            Self::Alive(alive) => alive.encode(out),
            Self::Dead(accusation) => accusation.encode(Kind::Dead, out),
            Self::User(payload) => {
                out.push(Kind::User as u8);
                out.extend_from_slice(payload);
            }
            Self::Err(err) => err.encode(out),
        }
    }

    /// How many bytes [`Self::encode`] appends.
    pub fn encoded_len(&self) -> u32 {
        match self {
            Self::Ping(ping) => ping.encoded_len(),
            Self::IndirectPing(ping) => ping.encoded_len(),
            Self::Ack(ack) => ack.encoded_len(),
            Self::Nack(nack) => nack.encoded_len(),
            Self::Suspect(accusation) | Self::Dead(accusation) => accusation.encoded_len(),
            Self::Alive(alive) => alive.encoded_len(),
            Self::User(payload) => len::user_len(payload.len() as u32),
            Self::Err(err) => err.encoded_len(),
        }
    }
}

fn record_of<'a, R: Record<'a>>(body: &'a [u8]) -> Result<R, Malformed> {
    Reader::new(body).record()
}

/// The length of bytes that may be absent.
fn bytes_len(bytes: &Bytes<'_>) -> u32 {
    len::raw_len(bytes.as_ref().map_or(0, |bytes| bytes.len() as u32))
}

/// The length of a string.
fn text_len(text: &Text<'_>) -> u32 {
    len::raw_len(text.len() as u32)
}
