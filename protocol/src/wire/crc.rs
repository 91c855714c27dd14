//! The checksum layer of a packet: `0c ‖ crc32:be ‖ message` (specification 12.4, example E7).
//!
//! CRC-32 of IEEE 802.3 over everything behind the five bytes, by a table of four slices made at compile
//! time. Only the outermost plaintext layer may be one.

use super::{Kind, Malformed};

/// Bytes that the layer adds.
pub const OVERHEAD: u32 = 5;

const SLICES: usize = 4;
static TABLE: [[u32; 256]; SLICES] = table();

const fn table() -> [[u32; 256]; SLICES] {
    let mut table = [[0; 256]; SLICES];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
            bit += 1;
        }
        table[0][byte] = crc;
        byte += 1;
    }
    let mut slice = 1;
    while slice < SLICES {
        let mut byte = 0;
        while byte < 256 {
            let shorter = table[slice - 1][byte];
            table[slice][byte] = (shorter >> 8) ^ table[0][(shorter & 0xff) as usize];
            byte += 1;
        }
        slice += 1;
    }
    table
}

/// The CRC-32 (IEEE) of some bytes.
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    let mut words = bytes.chunks_exact(SLICES);
    for word in &mut words {
        let [a, b, c, d] = crc.to_le_bytes();
        crc = TABLE[3][(a ^ word[0]) as usize]
            ^ TABLE[2][(b ^ word[1]) as usize]
            ^ TABLE[1][(c ^ word[2]) as usize]
            ^ TABLE[0][(d ^ word[3]) as usize];
    }
    for &byte in words.remainder() {
        crc = (crc >> 8) ^ TABLE[0][((crc as u8) ^ byte) as usize];
    }
    !crc
}

/// Appends a message behind its checksum.
pub fn wrap(message: &[u8], out: &mut Vec<u8>) {
    out.push(Kind::Crc as u8);
    out.extend_from_slice(&crc32(message).to_be_bytes());
    out.extend_from_slice(message);
}

/// Takes the layer off if there is one; shorter packets are never taken for one.
pub fn unwrap(packet: &[u8]) -> Result<&[u8], Malformed> {
    match packet {
        [first, a, b, c, d, message @ ..] if *first == Kind::Crc as u8 => {
            if u32::from_be_bytes([*a, *b, *c, *d]) == crc32(message) {
                Ok(message)
            } else {
                Err(Malformed::Checksum)
            }
        }
        _ => Ok(packet),
    }
}
