//! Datagrams, layer by layer, as real bytes (specification 7.3, 11.1).
//!
//! For sockets and tests; allocates freely. The handling of what was read (queues, order) is the machine's.

use std::borrow::Cow;

use super::{
    Kind, Malformed, Message, compound, compress, crc, label,
    lzw::Encoder,
    seal::{self, Cipher},
};

/// Compounds and compressions may be nested; the original has no limit, and nobody sends more than two.
const MAX_DEPTH: u32 = 16;

/// What a sender puts around a message.
#[derive(Default)]
pub struct Sending<'a> {
    /// `EnableCompression`: with what.
    pub compress: Option<&'a mut Encoder>,
    /// Whether a packet gets a checksum.
    pub crc: bool,
    /// Keys to encrypt with, and the version of the layout.
    pub seal: Option<(u8, &'a mut dyn Cipher)>,
    /// The label; empty for none.
    pub label: &'a [u8],
}

/// What a receiver expects around a message.
#[derive(Clone, Copy, Default)]
pub struct Receiving<'a> {
    /// Keys, if any: encryption is enabled.
    pub cipher: Option<&'a dyn Cipher>,
    /// `GossipVerifyIncoming`: with keys, refuse plaintext.
    pub verify_incoming: bool,
    /// The receiver's own label; empty for none.
    pub label: &'a [u8],
    /// `SkipInboundLabelCheck`.
    pub skip_label_check: bool,
}

/// Appends the datagram that carries a message (or a compound of them).
pub fn write(message: &[u8], sending: Sending<'_>, out: &mut Vec<u8>) {
    let mut inner = Vec::with_capacity(message.len());
    match sending.compress {
        Some(encoder) => compress::wrap_if_shorter(message, encoder, &mut inner),
        None => inner.extend_from_slice(message),
    }
    if sending.crc {
        let mut checked = Vec::with_capacity(inner.len() + crc::OVERHEAD as usize);
        crc::wrap(&inner, &mut checked);
        inner = checked;
    }
    label::write(sending.label, out);
    match sending.seal {
        Some((version, cipher)) => seal::seal(version, &inner, sending.label, cipher, out),
        None => out.extend_from_slice(&inner),
    }
}

/// The message of a datagram, without label, encryption and checksum; compression is [`messages`]' part.
pub fn read<'a>(datagram: &'a [u8], receiving: &Receiving<'_>) -> Result<Cow<'a, [u8]>, Malformed> {
    let packet = label::check(datagram, receiving.label, receiving.skip_label_check)?;
    let opened = match receiving.cipher {
        None => Cow::Borrowed(packet),
        Some(cipher) => match seal::open(packet, receiving.label, cipher) {
            Ok(plain) => Cow::Owned(plain),
            Err(malformed) if receiving.verify_incoming => return Err(malformed),
            Err(_) => Cow::Borrowed(packet),
        },
    };
    Ok(match opened {
        Cow::Borrowed(packet) => Cow::Borrowed(crc::unwrap(packet)?),
        Cow::Owned(mut packet) => {
            let overhead = packet.len() - crc::unwrap(&packet)?.len();
            packet.drain(..overhead);
            Cow::Owned(packet)
        }
    })
}

/// Hands out the messages of a packet in order, and what could not be read in its place.
///
/// A part that cannot be read drops that part alone; a compound that is cut short drops its tail and
/// reports it once.
pub fn messages(packet: &[u8], visit: &mut dyn FnMut(Result<Message<'_>, Malformed>)) {
    dispatch(packet, MAX_DEPTH, visit);
}

fn dispatch(packet: &[u8], depth: u32, visit: &mut dyn FnMut(Result<Message<'_>, Malformed>)) {
    let Some((&first, body)) = packet.split_first() else {
        return visit(Err(Malformed::Truncated));
    };
    let kind = Kind::from_byte(first);
    if depth == 0 && matches!(kind, Some(Kind::Compound | Kind::Compress)) {
        return visit(Err(Malformed::Depth));
    }
    match kind {
        Some(Kind::Compound) => match compound::split(body) {
            Err(malformed) => visit(Err(malformed)),
            Ok(mut parts) => {
                for part in &mut parts {
                    dispatch(part, depth - 1, visit);
                }
                if parts.truncated() > 0 {
                    visit(Err(Malformed::Truncated));
                }
            }
        },
        Some(Kind::Compress) => match compress::unwrap(body) {
            Err(malformed) => visit(Err(malformed)),
            Ok(inner) => dispatch(&inner, depth - 1, visit),
        },
        // An answer on a stream, which nobody takes from a packet.
        Some(Kind::Err) => visit(Err(Malformed::Kind(first))),
        _ => visit(Message::decode(packet)),
    }
}
