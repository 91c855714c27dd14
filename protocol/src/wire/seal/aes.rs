//! AES-GCM and the ring of keys (`keyring.go`).

use std::fmt;

use aes_gcm::{
    Aes128Gcm, Aes256Gcm, AesGcm, KeyInit as _,
    aead::{AeadInOut as _, consts::U12},
    aes::Aes192,
};

use super::{Cipher, NONCE, TAG};

/// A key of a length other than 16, 24 or 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyLength(pub usize);

impl fmt::Display for KeyLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a key of {} bytes; AES takes 16, 24 or 32", self.0)
    }
}

impl std::error::Error for KeyLength {}

enum Aes {
    Key128(Box<Aes128Gcm>),
    Key192(Box<AesGcm<Aes192, U12>>),
    Key256(Box<Aes256Gcm>),
}

/// Keys that decrypt, the first of which encrypts.
pub struct Keyring {
    keys: Vec<(Vec<u8>, Aes)>,
    nonces: Box<dyn FnMut() -> [u8; NONCE]>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({} keys)", self.keys.len())
    }
}

impl Keyring {
    /// With one key; `nonces` must never yield a value twice.
    pub fn new(
        primary: &[u8],
        nonces: impl FnMut() -> [u8; NONCE] + 'static,
    ) -> Result<Self, KeyLength> {
        let mut ring = Self { keys: Vec::new(), nonces: Box::new(nonces) };
        ring.add(primary)?;
        Ok(ring)
    }

    /// Appends a key, unless it is there already.
    pub fn add(&mut self, key: &[u8]) -> Result<(), KeyLength> {
        let wrong = |_| KeyLength(key.len());
        let aes = match key.len() {
            16 => Aes::Key128(Box::new(Aes128Gcm::new_from_slice(key).map_err(wrong)?)),
            24 => Aes::Key192(Box::new(AesGcm::new_from_slice(key).map_err(wrong)?)),
            _ => Aes::Key256(Box::new(Aes256Gcm::new_from_slice(key).map_err(wrong)?)),
        };
        if !self.keys.iter().any(|(known, _)| known == key) {
            self.keys.push((key.to_vec(), aes));
        }
        Ok(())
    }

    /// Makes a key of the ring the primary; false if it is not there.
    pub fn use_key(&mut self, key: &[u8]) -> bool {
        let Some(at) = self.keys.iter().position(|(known, _)| known == key) else {
            return false;
        };
        let key = self.keys.remove(at);
        self.keys.insert(0, key);
        true
    }

    /// Removes a key; false if it is the primary, which stays.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        if self.keys[0].0 == key {
            return false;
        }
        self.keys.retain(|(known, _)| known != key);
        true
    }
}

impl Cipher for Keyring {
    fn nonce(&mut self) -> [u8; NONCE] {
        (self.nonces)()
    }

    fn encrypt(&self, nonce: [u8; NONCE], associated: &[u8], text: &mut Vec<u8>) {
        let nonce = (&nonce).into();
        let tag = match &self.keys[0].1 {
            Aes::Key128(aes) => {
                aes.encrypt_inout_detached(nonce, associated, text.as_mut_slice().into())
            }
            Aes::Key192(aes) => {
                aes.encrypt_inout_detached(nonce, associated, text.as_mut_slice().into())
            }
            Aes::Key256(aes) => {
                aes.encrypt_inout_detached(nonce, associated, text.as_mut_slice().into())
            }
        };
        text.extend_from_slice(&tag.expect("a message is far below AES-GCM's limit of 64 GiB"));
    }

    fn decrypt(&self, nonce: [u8; NONCE], associated: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let nonce = (&nonce).into();
        let (text, tag) = sealed.split_last_chunk::<TAG>()?;
        self.keys.iter().find_map(|(_, aes)| {
            let mut text = text.to_vec();
            let (inout, tag) = (text.as_mut_slice().into(), tag.into());
            match aes {
                Aes::Key128(aes) => aes.decrypt_inout_detached(nonce, associated, inout, tag),
                Aes::Key192(aes) => aes.decrypt_inout_detached(nonce, associated, inout, tag),
                Aes::Key256(aes) => aes.decrypt_inout_detached(nonce, associated, inout, tag),
            }
            .ok()
            .map(|()| text)
        })
    }
}
