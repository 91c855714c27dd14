//! Several messages in one packet: `07 ‖ count:u8 ‖ count x len:u16be ‖ messages` (specification 12.4).

use super::{Kind, Malformed};

/// The most messages a compound can count.
pub const MAX_PARTS: usize = 255;

/// Appends one compound of the messages, in order.
///
/// Like the original it writes count and lengths modulo their width: more than [`MAX_PARTS`] messages, or
/// one beyond 65535 bytes, give a compound that nobody can read (specification 13, B2).
pub fn write<M: AsRef<[u8]>>(messages: &[M], out: &mut Vec<u8>) {
    out.push(Kind::Compound as u8);
    out.push(messages.len() as u8);
    for message in messages {
        out.extend_from_slice(&(message.as_ref().len() as u16).to_be_bytes());
    }
    for message in messages {
        out.extend_from_slice(message.as_ref());
    }
}

/// The messages of a compound, given what stands behind its type byte.
///
/// Fails if the count or the lengths are cut short. A message that is cut short ends the list, and
/// [`Parts::truncated`] counts it and those behind it.
pub fn split(body: &[u8]) -> Result<Parts<'_>, Malformed> {
    let (&count, rest) = body.split_first().ok_or(Malformed::Truncated)?;
    let (lens, rest) = rest.split_at_checked(2 * count as usize).ok_or(Malformed::Truncated)?;
    Ok(Parts { lens, rest })
}

/// An iterator over the messages of a compound.
#[derive(Clone, Debug)]
pub struct Parts<'a> {
    lens: &'a [u8],
    rest: &'a [u8],
}

impl Parts<'_> {
    /// How many messages are left that the compound promised: at its end, those that were cut off.
    pub const fn truncated(&self) -> usize {
        self.lens.len() / 2
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (len, lens) = self.lens.split_first_chunk::<2>()?;
        let (part, rest) = self.rest.split_at_checked(u16::from_be_bytes(*len) as usize)?;
        (self.lens, self.rest) = (lens, rest);
        Some(part)
    }
}
