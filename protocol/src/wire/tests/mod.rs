//! The specification's vectors to the byte, and what must hold for all bytes.

#[cfg(feature = "encryption")]
mod encrypted;
mod examples;
mod lengths;
mod lzw;
mod serf;
mod serf_lengths;
mod sizes;
mod tolerance;

use super::message::{Bytes, Text};

/// Bytes from hexadecimal digits; white space is for the reader.
fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| (byte as char).to_digit(16).expect("a hexadecimal digit") as u8)
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn text(text: &str) -> Text<'_> {
    text.as_bytes().into()
}

#[expect(clippy::unnecessary_wraps, reason = "the fields it is for may be absent")]
fn bytes(bytes: &[u8]) -> Bytes<'_> {
    Some(bytes.into())
}
