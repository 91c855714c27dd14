//! The compression layer: `09 ‖ {Algo: 0, Buf: lzw}` (specification 12.5).
//!
//! A packet is compressed only if that makes it shorter, a stream always.

use std::borrow::Cow;

use super::{
    Malformed, len,
    lzw::{self, Encoder},
    message::Compress,
    msgpack::Reader,
};

/// The most bytes that a message may have after decompression.
pub const MAX_DECOMPRESSED: u32 = 41_943_040;

/// No message of so few bytes gets shorter: `k` codes stand for at most `k (k + 1) / 2` bytes, 9 bits
/// each, with 18 bits around them and 13 bytes of envelope.
pub const NEVER_SHORTER: u32 = 24;

/// The length of the LZW form of some bytes, without producing it.
pub fn compressed_len(raw: &[u8], encoder: &mut Encoder) -> u32 {
    encoder.encoded_len(raw)
}

/// The length of a packet's message after this layer: compressed if that is shorter, else as it is.
pub fn compressed_packet_len(raw: &[u8], encoder: &mut Encoder) -> u32 {
    let raw_len = raw.len() as u32;
    if raw_len <= NEVER_SHORTER {
        return raw_len;
    }
    raw_len.min(len::compress_len(encoder.encoded_len(raw)))
}

/// The length of a stream's message after this layer, which may be longer than before.
pub fn compressed_stream_len(raw: &[u8], encoder: &mut Encoder) -> u32 {
    len::compress_len(encoder.encoded_len(raw))
}

/// Appends the compressed message.
pub fn wrap(message: &[u8], encoder: &mut Encoder, out: &mut Vec<u8>) {
    let mut buffer = Vec::new();
    encoder.encode(message, &mut buffer);
    Compress { algorithm: 0, buffer: Some(Cow::Owned(buffer)) }.encode(out);
}

/// Appends the compressed message if that is shorter, else the message.
pub fn wrap_if_shorter(message: &[u8], encoder: &mut Encoder, out: &mut Vec<u8>) {
    if (compressed_packet_len(message, encoder) as usize) < message.len() {
        wrap(message, encoder, out);
    } else {
        out.extend_from_slice(message);
    }
}

/// The message of a compressed one, given what stands behind its type byte.
pub fn unwrap(body: &[u8]) -> Result<Vec<u8>, Malformed> {
    let Compress { algorithm, buffer } = Reader::new(body).record()?;
    if algorithm != 0 {
        return Err(Malformed::Algorithm(algorithm));
    }
    let mut message = Vec::new();
    lzw::decode(buffer.as_deref().unwrap_or_default(), MAX_DECOMPRESSED, &mut message)?;
    Ok(message)
}
