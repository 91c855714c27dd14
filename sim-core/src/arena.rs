//! Where packets lie while they are in flight: blocks of words, reused last in, first out.
//!
//! A packet is a slice of 64-bit words that only its sender and receiver understand. Blocks come in
//! powers of two; a freed block is the next one handed out, so that a warm cluster stays in cache and
//! allocates nothing.

/// Smallest block, in words.
const LEAST: usize = 4;
/// Number of block sizes: the largest holds 2^15 words.
const SIZES: usize = 14;

/// A block of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Index of its first word, in units of the smallest block.
    pub at: u32,
}

/// The arena.
#[derive(Debug, Default)]
pub struct Arena {
    words: Vec<u64>,
    free: [Vec<u32>; SIZES],
    live: usize,
}

#[inline]
const fn size_of_words(words: usize) -> usize {
    if words <= LEAST {
        return 0;
    }
    words.div_ceil(LEAST).next_power_of_two().trailing_zeros() as usize
}

impl Arena {
    /// A block of at least so many words, whose first word the arena uses for the length.
    #[inline]
    pub fn take(&mut self, words: &[u64]) -> Block {
        let need = words.len() + 1;
        let size = size_of_words(need);
        let at = if let Some(at) = self.free[size].pop() {
            at
        } else {
            let at = (self.words.len() / LEAST) as u32;
            self.words.resize(self.words.len() + (LEAST << size), 0);
            at
        };
        let first = at as usize * LEAST;
        self.words[first] = words.len() as u64;
        self.words[first + 1..first + need].copy_from_slice(words);
        self.live += 1;
        Block { at }
    }

    /// The words of a block.
    #[inline]
    pub fn get(&self, block: Block) -> &[u64] {
        let first = block.at as usize * LEAST;
        let len = self.words[first] as usize;
        &self.words[first + 1..=first + len]
    }

    /// Hints that a block will be read soon.
    #[inline]
    pub fn prefetch(&self, block: Block) {
        crate::prefetch::prefetch(&self.words, block.at as usize * LEAST, 1);
    }

    /// Gives a block back.
    #[inline]
    pub fn give_back(&mut self, block: Block) {
        let len = self.words[block.at as usize * LEAST] as usize;
        self.free[size_of_words(len + 1)].push(block.at);
        self.live -= 1;
    }

    /// Blocks in use.
    pub fn live(&self) -> usize {
        self.live
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_keep_their_words_and_are_reused() {
        let mut arena = Arena::default();
        let a = arena.take(&[1, 2, 3]);
        let long: Vec<u64> = (0..100).collect();
        let b = arena.take(&long);
        assert_eq!((arena.get(a), arena.get(b)), (&[1, 2, 3][..], &long[..]));
        arena.give_back(a);
        let c = arena.take(&[9]);
        assert_eq!((a, arena.get(c), arena.live()), (c, &[9][..], 2));
    }
}
