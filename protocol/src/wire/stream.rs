//! Streams: one message per direction (specification 9.3, 11.3, 12.7).
//!
//! What is neither compressed nor encrypted has no length of its own: it is read until it is whole, and
//! [`Malformed::Truncated`] means to wait for more.

use std::borrow::Cow;

use super::{
    Kind, Malformed, Message, compress, label, len,
    message::{PushNodeState, PushPullHeader, UserHeader},
    msgpack::Reader,
    packet::{Receiving, Sending},
    seal,
};
use crate::config::Compat;

/// The most members of a push/pull message.
pub const MAX_NODES: u32 = 1_048_576;
/// The most bytes of the application's state in one, of a user message, and of an encrypted stream.
pub const MAX_BYTES: u32 = 20_971_520;

/// One side of a push/pull exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushPull<'a> {
    /// Whether the exchange is a join.
    pub join: bool,
    /// The sender's members in the order of its list.
    pub nodes: Vec<PushNodeState<'a>>,
    /// The application's state.
    pub user_state: Cow<'a, [u8]>,
}

impl<'a> PushPull<'a> {
    /// Appends the message with its type byte.
    pub fn encode(&self, compat: Compat, out: &mut Vec<u8>) {
        self.header().encode(compat, out);
        for node in &self.nodes {
            node.encode(compat, out);
        }
        out.extend_from_slice(&self.user_state);
    }

    /// How many bytes [`Self::encode`] appends.
    pub fn encoded_len(&self, compat: Compat) -> u32 {
        let nodes: u32 = self.nodes.iter().map(|node| node.encoded_len(compat)).sum();
        self.header().encoded_len(compat) + nodes + self.user_state.len() as u32
    }

    /// Reads the message, given what stands behind its type byte.
    pub fn decode(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let header: PushPullHeader = reader.record()?;
        let count = limited(header.nodes, MAX_NODES)?;
        let user_state_len = limited(header.user_state_len, MAX_BYTES)?;
        // Grown as it is read: the count is a stranger's word.
        let mut nodes = Vec::new();
        for _ in 0..count {
            nodes.push(reader.record()?);
        }
        let user_state = Cow::Borrowed(reader.take(user_state_len)?);
        Ok(Self { join: header.join, nodes, user_state })
    }

    fn header(&self) -> PushPullHeader {
        PushPullHeader {
            nodes: self.nodes.len() as i64,
            user_state_len: self.user_state.len() as i64,
            join: self.join,
        }
    }
}

/// A message on a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamMessage<'a> {
    /// One side of a push/pull exchange.
    PushPull(PushPull<'a>),
    /// The application's bytes.
    User(Cow<'a, [u8]>),
    /// A ping, an ack or an error, spelled as in a packet.
    Plain(Message<'a>),
}

impl<'a> StreamMessage<'a> {
    /// Appends the message with its type byte.
    pub fn encode(&self, compat: Compat, out: &mut Vec<u8>) {
        match self {
            Self::PushPull(push_pull) => push_pull.encode(compat, out),
            Self::User(payload) => {
                UserHeader { user_message_len: payload.len() as i64 }.encode(compat, out);
                out.extend_from_slice(payload);
            }
            Self::Plain(message) => message.encode(out),
        }
    }

    /// How many bytes [`Self::encode`] appends.
    pub fn encoded_len(&self, compat: Compat) -> u32 {
        match self {
            Self::PushPull(push_pull) => push_pull.encoded_len(compat),
            Self::User(payload) => len::user_stream_len(payload.len() as u32, compat),
            Self::Plain(message) => message.encoded_len(),
        }
    }

    /// Reads a message with its type byte, once [`read`] took the layers off.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (&first, body) = bytes.split_first().ok_or(Malformed::Truncated)?;
        match Kind::from_byte(first) {
            Some(Kind::PushPull) => PushPull::decode(body).map(Self::PushPull),
            Some(Kind::User) => {
                let mut reader = Reader::new(body);
                let header: UserHeader = reader.record()?;
                let len = limited(header.user_message_len, MAX_BYTES)?;
                Ok(Self::User(Cow::Borrowed(reader.take(len)?)))
            }
            Some(Kind::Ping | Kind::Ack | Kind::Err) => Message::decode(bytes).map(Self::Plain),
            _ => Err(Malformed::Kind(first)),
        }
    }
}

/// Appends what goes over the stream for a message.
///
/// A dialler's label goes first and is also authenticated; an answer must be given the same label in
/// `sending` and `dialled: false`, for it is authenticated though not sent.
pub fn write(message: &[u8], dialled: bool, sending: Sending<'_>, out: &mut Vec<u8>) {
    if dialled {
        label::write(sending.label, out);
    }
    let mut inner = Vec::new();
    let inner = match sending.compress {
        Some(encoder) => {
            compress::wrap(message, encoder, &mut inner);
            &inner
        }
        None => message,
    };
    match sending.seal {
        Some((version, cipher)) => {
            let frame = frame(seal::sealed_len(version, inner.len() as u32));
            out.extend_from_slice(&frame);
            seal::seal(version, inner, &associated(frame, sending.label), cipher, out);
        }
        None => out.extend_from_slice(inner),
    }
}

/// The message on a stream, without encryption and compression; the label is [`label::check`]'s part, and
/// only on the accepting side.
pub fn read<'a>(bytes: &'a [u8], receiving: &Receiving<'_>) -> Result<Cow<'a, [u8]>, Malformed> {
    let (&first, body) = bytes.split_first().ok_or(Malformed::Truncated)?;
    let opened = match (Kind::from_byte(first), receiving.cipher) {
        (Some(Kind::Encrypt), None) => return Err(Malformed::Encryption),
        (Some(Kind::Encrypt), Some(cipher)) => {
            let (&len, payload) = body.split_first_chunk::<4>().ok_or(Malformed::Truncated)?;
            let len = u32::from_be_bytes(len);
            if len > MAX_BYTES {
                return Err(Malformed::TooLarge { limit: MAX_BYTES });
            }
            let payload = payload.get(..len as usize).ok_or(Malformed::Truncated)?;
            Cow::Owned(seal::open(payload, &associated(frame(len), receiving.label), cipher)?)
        }
        (_, Some(_)) if receiving.verify_incoming => return Err(Malformed::Encryption),
        _ => Cow::Borrowed(bytes),
    };
    match opened.split_first() {
        Some((&first, body)) if first == Kind::Compress as u8 => {
            compress::unwrap(body).map(Cow::Owned)
        }
        _ => Ok(opened),
    }
}

fn frame(len: u32) -> [u8; 5] {
    let [a, b, c, d] = len.to_be_bytes();
    [Kind::Encrypt as u8, a, b, c, d]
}

fn associated(frame: [u8; 5], label: &[u8]) -> Vec<u8> {
    [&frame, label].concat()
}

fn limited(len: i64, limit: u32) -> Result<usize, Malformed> {
    match u32::try_from(len) {
        Ok(len) if len <= limit => Ok(len as usize),
        Ok(_) => Err(Malformed::TooLarge { limit }),
        Err(_) if len > 0 => Err(Malformed::TooLarge { limit }),
        Err(_) => Err(Malformed::Range),
    }
}
