//! The walk that turns bytes into codes, and the table of the strings seen since the last clear.
//!
//! A string is a code and one byte more: 20 bits. The table is open addressing in one flat array; an entry
//! holds generation, string and code in a word, so that forgetting everything is one increment.

use super::{CLEAR, END, LAST_CODE, MIN_WIDTH};

/// Twice the number of codes and a little: probes stay short.
const SLOTS: usize = 1 << SLOT_BITS;
const SLOT_BITS: u32 = 13;

/// Where codes go.
pub(super) trait Sink {
    /// Takes a code of `width` bits.
    fn put(&mut self, code: u32, width: u32);
}

/// Where the walk stands.
#[derive(Clone, Debug)]
pub(super) struct Trie {
    /// `generation:32 ‖ prefix:12 ‖ byte:8 ‖ code:12`; entries of other generations are free.
    slots: Box<[u64; SLOTS]>,
    generation: u32,
    /// The code of the string read but not yet put; none before the first byte.
    current: Option<u32>,
    /// The code given last; the next is one more.
    last: u32,
    width: u32,
}

impl Trie {
    pub(super) fn new() -> Self {
        let generation = 1;
        let slots = vec![0; SLOTS].into_boxed_slice();
        let slots = slots.try_into().expect("as many slots as were asked for");
        Self { slots, generation, current: None, last: END, width: MIN_WIDTH }
    }

    /// Begins a new output.
    pub(super) fn start(&mut self, sink: &mut impl Sink) {
        self.current = None;
        self.forget();
        sink.put(CLEAR, MIN_WIDTH);
    }

    /// Continues with some input.
    pub(super) fn walk(&mut self, input: &[u8], sink: &mut impl Sink) {
        let mut bytes = input.iter();
        let mut current = match self.current {
            Some(code) => code,
            None => match bytes.next() {
                Some(&byte) => u32::from(byte),
                None => return,
            },
        };
        for &byte in bytes {
            let key = current << 8 | u32::from(byte);
            let wanted = u64::from(self.generation) << 20 | u64::from(key);
            let mut slot = (key.wrapping_mul(0x9e37_79b1) >> (32 - SLOT_BITS)) as usize;
            current = loop {
                let entry = self.slots[slot];
                if entry >> 12 == wanted {
                    break (entry & 0xfff) as u32;
                }
                if (entry >> 32) as u32 != self.generation {
                    sink.put(current, self.width);
                    if self.next_code(sink) {
                        self.slots[slot] = wanted << 12 | u64::from(self.last);
                    }
                    break u32::from(byte);
                }
                slot = (slot + 1) % SLOTS;
            };
        }
        self.current = Some(current);
    }

    /// Puts what is left and the end; afterwards only a new start makes sense.
    pub(super) fn finish(&mut self, sink: &mut impl Sink) {
        if let Some(code) = self.current.take() {
            sink.put(code, self.width);
            self.next_code(sink);
        }
        sink.put(END, self.width);
    }

    /// How many bits [`Self::finish`] would put.
    pub(super) fn bits_to_finish(&self) -> u32 {
        if self.current.is_none() {
            return self.width;
        }
        let next = self.last + 1;
        if next == LAST_CODE {
            self.width + self.width + MIN_WIDTH
        } else {
            self.width + self.width + u32::from(next == 1 << self.width)
        }
    }

    /// Gives the next code; false if all were given and everything is forgotten instead.
    fn next_code(&mut self, sink: &mut impl Sink) -> bool {
        self.last += 1;
        self.width += u32::from(self.last == 1 << self.width);
        if self.last == LAST_CODE {
            sink.put(CLEAR, self.width);
            self.forget();
            return false;
        }
        true
    }

    fn forget(&mut self) {
        self.last = END;
        self.width = MIN_WIDTH;
        self.generation = self.generation.checked_add(1).unwrap_or_else(|| {
            self.slots.fill(0);
            1
        });
    }
}
