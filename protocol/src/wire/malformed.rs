//! Why bytes could not be read.

use std::fmt;

/// Why bytes could not be read; says nothing about who is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// The bytes end before the value does: on a stream, wait for more.
    Truncated,
    /// A msgpack value of another type than the field's; holds its first byte.
    Type(u8),
    /// An integer that its field cannot hold.
    Range,
    /// A first byte that stands for no message, or for none that may stand here.
    Kind(u8),
    /// More than the limit, in bytes or items.
    TooLarge {
        /// The limit that was passed.
        limit: u32,
    },
    /// A checksum that does not fit.
    Checksum,
    /// A compression algorithm other than LZW.
    Algorithm(u8),
    /// Compressed data without their end code.
    Unfinished,
    /// A version of encryption other than 0 and 1, or of a coordinate other than 1.
    Version(u8),
    /// An LZW code that stands for nothing yet.
    Code(u16),
    /// A label that is not ours, is missing, or stands there twice.
    Label,
    /// Encrypted, and no key fits.
    Key,
    /// Plaintext where ciphertext is required, or the reverse.
    Encryption,
    /// Compounds or compressions nested deeper than anybody sends.
    Depth,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Truncated => f.write_str("the bytes end too early"),
            Self::Type(byte) => write!(f, "a value of the wrong type, starting with {byte:#04x}"),
            Self::Range => f.write_str("an integer out of its field's range"),
            Self::Kind(byte) => write!(f, "no message of type {byte} may stand here"),
            Self::TooLarge { limit } => write!(f, "larger than the limit of {limit}"),
            Self::Checksum => f.write_str("the checksum does not fit"),
            Self::Algorithm(byte) => write!(f, "unknown compression algorithm {byte}"),
            Self::Unfinished => f.write_str("the compressed data have no end"),
            Self::Version(byte) => write!(f, "unknown version {byte}"),
            Self::Code(code) => write!(f, "the LZW code {code} stands for nothing"),
            Self::Label => f.write_str("the label is not the expected one"),
            Self::Key => f.write_str("no key decrypts it"),
            Self::Encryption => {
                f.write_str("encrypted without keys, or plain where keys are required")
            }
            Self::Depth => f.write_str("nested too deeply"),
        }
    }
}

impl std::error::Error for Malformed {}
