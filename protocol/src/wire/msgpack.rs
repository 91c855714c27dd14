//! The msgpack dialect of go-msgpack with its default handle: the old specification, in which strings and
//! bytes share one "raw" form (no `bin`, no `str8`).
//!
//! Writing is exact; reading is as tolerant as the original, which takes newer forms, any integer width,
//! keys in any order and structs as arrays. Nothing here knows a message.

use std::borrow::Cow;

use super::{Malformed, len};
use crate::config::Compat;

/// Bytes of a message, borrowed from it unless it spelled them as an array of integers.
///
/// Names are bytes too: nobody checks that they are UTF-8.
pub type Text<'a> = Cow<'a, [u8]>;

/// Bytes that may be absent: nil and empty are equal to the protocol, but one byte `c0` or `a0` on the
/// wire, kept from reading to writing.
pub type Bytes<'a> = Option<Cow<'a, [u8]>>;

/// Appends values to a buffer.
#[derive(Debug)]
pub struct Writer<'o> {
    out: &'o mut Vec<u8>,
    compat: Compat,
}

impl<'o> Writer<'o> {
    /// Writes behind what `out` holds, in the integer encoding of `compat`.
    pub fn new(out: &'o mut Vec<u8>, compat: Compat) -> Self {
        Self { out, compat }
    }

    /// One byte as it is: a message's type.
    pub fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    /// Bytes as they are, without a header.
    pub fn verbatim(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// The header of a map of at most 15 entries.
    pub fn map(&mut self, entries: u8) {
        assert!(entries < 16, "a message has fewer than 16 fields");
        self.out.push(0x80 | entries);
    }

    /// A key, or a string.
    pub fn text(&mut self, text: &[u8]) {
        self.raw_header(text.len());
        self.out.extend_from_slice(text);
    }

    /// Bytes: nil, or the same as a string.
    pub fn bytes(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            None => self.out.push(0xc0),
            Some(bytes) => self.text(bytes),
        }
    }

    /// An unsigned field: the shortest unsigned form.
    pub fn uint(&mut self, value: u64) {
        match len::uint_width(value) {
            0 => self.out.push(value as u8),
            1 => self.tagged(0xcc, value, 1),
            2 => self.tagged(0xcd, value, 2),
            4 => self.tagged(0xce, value, 4),
            _ => self.tagged(0xcf, value, 8),
        }
    }

    /// A Go `int`: from 128 on, signed in the newest release and unsigned in 0.2.2.
    pub fn int(&mut self, value: i64) {
        if value >= 0 && self.compat == Compat::V0_2 {
            return self.uint(value as u64);
        }
        match len::int_width(value) {
            0 => self.out.push(value as u8),
            1 => self.tagged(0xd0, value as u64, 1),
            2 => self.tagged(0xd1, value as u64, 2),
            4 => self.tagged(0xd2, value as u64, 4),
            _ => self.tagged(0xd3, value as u64, 8),
        }
    }

    /// The header of an array.
    pub fn array(&mut self, items: usize) {
        self.container(0x90, 0xdc, items);
    }

    /// The header of a map with keys of the users' own, of any number.
    pub fn pairs(&mut self, entries: usize) {
        self.container(0x80, 0xde, entries);
    }

    /// A float, always of eight bytes.
    pub fn float(&mut self, value: f64) {
        self.tagged(0xcb, value.to_bits(), 8);
    }

    /// Nothing: an absent string, array or map.
    pub fn nil(&mut self) {
        self.out.push(0xc0);
    }

    /// A boolean.
    pub fn bool(&mut self, value: bool) {
        self.out.push(if value { 0xc3 } else { 0xc2 });
    }

    fn raw_header(&mut self, len: usize) {
        match len {
            0..=31 => self.out.push(0xa0 | len as u8),
            32..=0xffff => self.tagged(0xda, len as u64, 2),
            _ => self.tagged(0xdb, len as u64, 4),
        }
    }

    fn container(&mut self, short: u8, long: u8, len: usize) {
        match len {
            0..=15 => self.out.push(short | len as u8),
            16..=0xffff => self.tagged(long, len as u64, 2),
            _ => self.tagged(long + 1, len as u64, 4),
        }
    }

    fn tagged(&mut self, tag: u8, value: u64, width: usize) {
        self.out.push(tag);
        self.out.extend_from_slice(&value.to_be_bytes()[8 - width..]);
    }
}

/// Something that msgpack can spell in one value.
pub trait Value<'a>: Sized {
    /// Reads one value; nil gives the zero of the type.
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed>;
}

/// A struct of the original: a map from field names, or an array in the order of declaration.
pub trait Record<'a>: Default {
    /// The field names in the order in which the original declares them.
    const DECLARED: &'static [&'static [u8]];

    /// Reads the value of a field; false, with nothing read, if there is no such field.
    fn set(&mut self, key: &[u8], reader: &mut Reader<'a>) -> Result<bool, Malformed>;
}

/// Reads values from bytes.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes were read.
    pub const fn position(&self) -> usize {
        self.at
    }

    /// What was not read yet.
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// The next `len` bytes as they are.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let bytes = self.rest().get(..len).ok_or(Malformed::Truncated)?;
        self.at += len;
        Ok(bytes)
    }

    /// A record, its missing fields zero; a field given twice keeps its last value.
    pub fn record<R: Record<'a>>(&mut self) -> Result<R, Malformed> {
        let mut record = R::default();
        let tag = self.byte()?;
        let (entries, is_map) = match tag {
            0xc0 => (0, true),
            0x80..=0x8f => (u64::from(tag & 0x0f), true),
            0xde => (self.big_endian(2)?, true),
            0xdf => (self.big_endian(4)?, true),
            0x90..=0x9f => (u64::from(tag & 0x0f), false),
            0xdc => (self.big_endian(2)?, false),
            0xdd => (self.big_endian(4)?, false),
            other => return Err(Malformed::Type(other)),
        };
        for entry in 0..entries {
            let known = if is_map {
                let key = Text::read(self)?;
                record.set(&key, self)?
            } else {
                match R::DECLARED.get(entry as usize) {
                    Some(key) => record.set(key, self)?,
                    None => false,
                }
            };
            if !known {
                self.skip()?;
            }
        }
        Ok(record)
    }

    /// Whether the next value is nil; it is passed over if so.
    pub fn nil(&mut self) -> bool {
        let nil = self.rest().first() == Some(&0xc0);
        self.at += usize::from(nil);
        nil
    }

    /// An array of values of one type; nil is empty. Grown as it is read: its length is a stranger's word.
    pub fn array<V: Value<'a>>(&mut self) -> Result<Vec<V>, Malformed> {
        let items = match self.byte()? {
            0xc0 => 0,
            tag @ 0x90..=0x9f => u64::from(tag & 0x0f),
            0xdc => self.big_endian(2)?,
            0xdd => self.big_endian(4)?,
            other => return Err(Malformed::Type(other)),
        };
        (0..items).map(|_| V::read(self)).collect()
    }

    /// A map with keys of the users' own, in its order; nil is empty.
    pub fn pairs<V: Value<'a>>(&mut self) -> Result<Vec<(Text<'a>, V)>, Malformed> {
        let entries = match self.byte()? {
            0xc0 => 0,
            tag @ 0x80..=0x8f => u64::from(tag & 0x0f),
            0xde => self.big_endian(2)?,
            0xdf => self.big_endian(4)?,
            other => return Err(Malformed::Type(other)),
        };
        (0..entries).map(|_| Ok((Text::read(self)?, V::read(self)?))).collect()
    }

    /// Passes over one value of any type and depth, without recursion.
    pub fn skip(&mut self) -> Result<(), Malformed> {
        let mut pending: u64 = 1;
        while pending > 0 {
            pending -= 1;
            let tag = self.byte()?;
            let (bytes, values) = match tag {
                0x00..=0x7f | 0xc0 | 0xc2 | 0xc3 | 0xe0..=0xff => (0, 0),
                0x80..=0x8f => (0, 2 * u64::from(tag & 0x0f)),
                0x90..=0x9f => (0, u64::from(tag & 0x0f)),
                0xa0..=0xbf => (u64::from(tag & 0x1f), 0),
                0xc1 => return Err(Malformed::Type(tag)),
                0xc4 | 0xd9 => (self.big_endian(1)?, 0),
                0xc5 | 0xda => (self.big_endian(2)?, 0),
                0xc6 | 0xdb => (self.big_endian(4)?, 0),
                0xc7..=0xc9 => (1 + self.big_endian(1 << (tag - 0xc7))?, 0),
                0xca => (4, 0),
                0xcb => (8, 0),
                0xcc..=0xcf => (1 << (tag - 0xcc), 0),
                0xd0..=0xd3 => (1 << (tag - 0xd0), 0),
                0xd4..=0xd8 => (1 + (1 << (tag - 0xd4)), 0),
                0xdc => (0, self.big_endian(2)?),
                0xdd => (0, self.big_endian(4)?),
                0xde => (0, 2 * self.big_endian(2)?),
                0xdf => (0, 2 * self.big_endian(4)?),
            };
            self.take(usize::try_from(bytes).map_err(|_| Malformed::Truncated)?)?;
            pending += values;
        }
        Ok(())
    }

    /// An integer of any width and sign; nil is 0.
    fn integer(&mut self) -> Result<i128, Malformed> {
        let tag = self.byte()?;
        Ok(match tag {
            0x00..=0x7f => i128::from(tag),
            0xc0 => 0,
            0xcc..=0xcf => i128::from(self.big_endian(1 << (tag - 0xcc))?),
            0xd0..=0xd3 => {
                let width = 1 << (tag - 0xd0);
                let unused = 64 - 8 * width as u32;
                i128::from((self.big_endian(width)? << unused) as i64 >> unused)
            }
            0xe0..=0xff => i128::from(tag as i8),
            other => return Err(Malformed::Type(other)),
        })
    }

    /// Raw, `str` and `bin` of any width, and arrays of integers below 256.
    fn bytes(&mut self) -> Result<Bytes<'a>, Malformed> {
        let tag = self.byte()?;
        let len = match tag {
            0xc0 => return Ok(None),
            0xa0..=0xbf => u64::from(tag & 0x1f),
            0xc4 | 0xd9 => self.big_endian(1)?,
            0xc5 | 0xda => self.big_endian(2)?,
            0xc6 | 0xdb => self.big_endian(4)?,
            0x90..=0x9f => return self.byte_array(u64::from(tag & 0x0f)),
            0xdc => {
                let items = self.big_endian(2)?;
                return self.byte_array(items);
            }
            0xdd => {
                let items = self.big_endian(4)?;
                return self.byte_array(items);
            }
            other => return Err(Malformed::Type(other)),
        };
        let len = usize::try_from(len).map_err(|_| Malformed::Truncated)?;
        self.take(len).map(|bytes| Some(Cow::Borrowed(bytes)))
    }

    fn byte_array(&mut self, items: u64) -> Result<Bytes<'a>, Malformed> {
        if items > self.rest().len() as u64 {
            return Err(Malformed::Truncated);
        }
        let bytes: Result<Vec<u8>, _> = (0..items).map(|_| u8::read(self)).collect();
        bytes.map(|bytes| Some(Cow::Owned(bytes)))
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn big_endian(&mut self, width: usize) -> Result<u64, Malformed> {
        Ok(self.take(width)?.iter().fold(0, |value, &byte| value << 8 | u64::from(byte)))
    }
}

impl<'a> Value<'a> for Bytes<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        reader.bytes()
    }
}

impl<'a> Value<'a> for Text<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(reader.bytes()?.unwrap_or_default())
    }
}

impl<'a, V: Value<'a>> Value<'a> for Vec<V> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        reader.array()
    }
}

impl<'a, V: Value<'a>> Value<'a> for Option<Vec<V>> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        if reader.nil() { Ok(None) } else { reader.array().map(Some) }
    }
}

impl<'a, V: Value<'a>> Value<'a> for Vec<(Text<'a>, V)> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        reader.pairs()
    }
}

impl<'a, V: Value<'a>> Value<'a> for Option<Vec<(Text<'a>, V)>> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        if reader.nil() { Ok(None) } else { reader.pairs().map(Some) }
    }
}

impl<'a> Value<'a> for f64 {
    /// Floats of both widths, and integers.
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        match reader.rest().first() {
            Some(0xca) => {
                reader.byte()?;
                Ok(Self::from(f32::from_bits(reader.big_endian(4)? as u32)))
            }
            Some(0xcb) => {
                reader.byte()?;
                Ok(Self::from_bits(reader.big_endian(8)?))
            }
            _ => Ok(reader.integer()? as Self),
        }
    }
}

impl<'a> Value<'a> for bool {
    /// The original also takes the integers 0 and 1, in their shortest form only.
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        match reader.byte()? {
            0xc0 | 0xc2 | 0x00 => Ok(false),
            0xc3 | 0x01 => Ok(true),
            other => Err(Malformed::Type(other)),
        }
    }
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl<'a> Value<'a> for $type {
            fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
                reader.integer()?.try_into().map_err(|_| Malformed::Range)
            }
        }
    )*};
}
integers!(u8, u16, u32, u64, i64);
