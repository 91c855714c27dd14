//! Writing codes down, or only counting their bits.

use super::trie::{Sink, Trie};

/// A reusable compressor: allocates its table once.
#[derive(Clone, Debug)]
pub struct Encoder {
    trie: Trie,
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Encoder {
    /// With an empty table of 64 KiB.
    pub fn new() -> Self {
        Self { trie: Trie::new() }
    }

    /// Appends the compressed input.
    pub fn encode(&mut self, input: &[u8], out: &mut Vec<u8>) {
        let mut bits = Bits { out, pending: 0, count: 0 };
        self.trie.start(&mut bits);
        self.trie.walk(input, &mut bits);
        self.trie.finish(&mut bits);
        bits.flush();
    }

    /// How many bytes [`Self::encode`] would append.
    pub fn encoded_len(&mut self, input: &[u8]) -> u32 {
        let mut count = Count(0);
        self.trie.start(&mut count);
        self.trie.walk(input, &mut count);
        count.bytes_with(self.trie.bits_to_finish())
    }
}

/// A running length: how long the compressed form of all that was fed so far would be.
///
/// A table of lengths over ever more entries costs one pass over them.
#[derive(Clone, Debug)]
pub struct Meter {
    trie: Trie,
    count: Count,
}

impl Default for Meter {
    fn default() -> Self {
        Self::new()
    }
}

impl Meter {
    /// Before the first byte.
    pub fn new() -> Self {
        let mut meter = Self { trie: Trie::new(), count: Count(0) };
        meter.clear();
        meter
    }

    /// Back to before the first byte, keeping the table's memory.
    pub fn clear(&mut self) {
        self.count = Count(0);
        self.trie.start(&mut self.count);
    }

    /// Takes more input.
    pub fn feed(&mut self, input: &[u8]) {
        self.trie.walk(input, &mut self.count);
    }

    /// The length in bytes if the input ended here.
    pub fn len_if_finished(&self) -> u32 {
        self.count.bytes_with(self.trie.bits_to_finish())
    }
}

/// Adds widths up.
#[derive(Clone, Copy, Debug)]
struct Count(u64);

impl Count {
    fn bytes_with(self, bits: u32) -> u32 {
        (self.0 + u64::from(bits)).div_ceil(8) as u32
    }
}

impl Sink for Count {
    #[inline]
    fn put(&mut self, _code: u32, width: u32) {
        self.0 += u64::from(width);
    }
}

/// Packs codes, the first in the lowest bits.
struct Bits<'o> {
    out: &'o mut Vec<u8>,
    pending: u32,
    count: u32,
}

impl Bits<'_> {
    fn flush(self) {
        if self.count > 0 {
            self.out.push(self.pending as u8);
        }
    }
}

impl Sink for Bits<'_> {
    #[inline]
    fn put(&mut self, code: u32, width: u32) {
        self.pending |= code << self.count;
        self.count += width;
        while self.count >= 8 {
            self.out.push(self.pending as u8);
            self.pending >>= 8;
            self.count -= 8;
        }
    }
}
