//! The encryption layer's layout: `version ‖ nonce[12] ‖ ciphertext ‖ tag[16]` (specification 12.6).
//!
//! The cipher itself is somebody else's, behind [`Cipher`]; the simulator only needs [`sealed_len`]. With the
//! feature `encryption`, `aes` is the real one.

#[cfg(feature = "encryption")]
pub mod aes;

use super::Malformed;

/// Bytes of a nonce.
pub const NONCE: usize = 12;
/// Bytes of an authentication tag.
pub const TAG: usize = 16;
/// Bytes around the ciphertext.
const AROUND: u32 = (1 + NONCE + TAG) as u32;
/// Version 0 pads to a multiple of this, by at least one byte.
const BLOCK: u32 = 16;

/// Authenticated encryption with a ring of keys.
pub trait Cipher {
    /// A nonce that was never used before.
    fn nonce(&mut self) -> [u8; NONCE];

    /// Turns the plaintext into ciphertext and tag, with the primary key.
    fn encrypt(&self, nonce: [u8; NONCE], associated: &[u8], text: &mut Vec<u8>);

    /// The plaintext of ciphertext and tag, with the first key that fits, the primary first.
    fn decrypt(&self, nonce: [u8; NONCE], associated: &[u8], sealed: &[u8]) -> Option<Vec<u8>>;
}

/// How long some plaintext gets: 29 bytes more in version 1, 30 to 45 in version 0.
#[inline]
pub const fn sealed_len(version: u8, plain_len: u32) -> u32 {
    AROUND + if version == 0 { (plain_len / BLOCK + 1) * BLOCK } else { plain_len }
}

/// Appends the encrypted plaintext.
pub fn seal(
    version: u8,
    plain: &[u8],
    associated: &[u8],
    cipher: &mut dyn Cipher,
    out: &mut Vec<u8>,
) {
    let mut text = plain.to_vec();
    if version == 0 {
        let padding = BLOCK as usize - plain.len() % BLOCK as usize;
        text.resize(plain.len() + padding, padding as u8);
    }
    let nonce = cipher.nonce();
    cipher.encrypt(nonce, associated, &mut text);
    out.push(version);
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&text);
}

/// The plaintext of what [`seal`] wrote.
pub fn open(payload: &[u8], associated: &[u8], cipher: &dyn Cipher) -> Result<Vec<u8>, Malformed> {
    let (&version, rest) = payload.split_first().ok_or(Malformed::Truncated)?;
    let least = match version {
        0 => AROUND + BLOCK,
        1 => AROUND,
        other => return Err(Malformed::Version(other)),
    };
    if payload.len() < least as usize {
        return Err(Malformed::Truncated);
    }
    let (&nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or(Malformed::Truncated)?;
    let mut plain = cipher.decrypt(nonce, associated, sealed).ok_or(Malformed::Key)?;
    if version == 0 {
        let padding = plain.last().copied().unwrap_or_default() as usize;
        let len = plain.len().checked_sub(padding).ok_or(Malformed::Range)?;
        plain.truncate(len);
    }
    Ok(plain)
}
