//! Chance: a counter-based generator per node and purpose, keyed from ChaCha.
//!
//! A draw is a pure function of (key, stream, counter), so that a draw of one purpose never moves a
//! draw of another, and a generator costs four bytes of state. Keys come from [`rand_chacha`] and the
//! run's seed; see [`Keys`]. All methods are integer: no platform float can reach a decision.

use rand_chacha::{
    ChaCha12Rng,
    rand_core::{Rng as _, SeedableRng as _},
};

const P0: u64 = 0xa076_1d64_78bd_642f;
const P1: u64 = 0xe703_7ed1_a0b4_28db;
const P2: u64 = 0x8ebc_6af0_9c88_c6e3;

/// Multiplies to 128 bits and folds the halves together.
#[inline]
pub(crate) const fn fold(a: u64, b: u64) -> u64 {
    let wide = (a as u128).wrapping_mul(b as u128);
    (wide as u64) ^ ((wide >> 64) as u64)
}

/// The key of all counter-based streams of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys {
    a: u64,
    b: u64,
}

impl Keys {
    /// The keys of a run, from its seed.
    pub fn new(seed: u64) -> Self {
        let mut root = root(seed, u64::MAX);
        Self { a: root.next_u64(), b: root.next_u64() }
    }

    /// The draw number `counter` of the stream `stream`.
    #[inline]
    pub const fn draw(self, stream: u64, counter: u64) -> u64 {
        let k = fold(stream ^ self.a ^ P0, self.b ^ P1);
        let x = fold(counter ^ k ^ P2, self.a ^ P1);
        fold(x ^ self.b, k ^ P0)
    }

    /// A generator for one node and purpose, from its first draw.
    pub const fn stream(self, stream: u64) -> Stream {
        Stream { keys: self, number: stream, counter: 0 }
    }
}

/// A ChaCha generator for what is drawn once: victims, phases, schedules.
///
/// `purpose` selects an independent stream of the same seed.
pub fn root(seed: u64, purpose: u64) -> ChaCha12Rng {
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    rng.set_stream(purpose);
    rng
}

/// Anything that yields uniform 64-bit words; the samplers are ours, so that golden values depend on
/// nothing else.
pub trait Chance {
    /// A uniform 64-bit word.
    fn word(&mut self) -> u64;

    /// A uniform integer in `0..n` by widening multiplication; 0 when `n` is 0.
    ///
    /// The bias, below 2^-32 for the ranges of a simulation, is the price of exactly one draw.
    #[inline]
    fn below(&mut self, n: u32) -> u32 {
        ((u128::from(self.word()) * u128::from(n)) >> 64) as u32
    }

    /// A uniform span in `0..n` nanoseconds; 0 when `n` is 0.
    #[inline]
    fn span(&mut self, n: u64) -> u64 {
        ((u128::from(self.word()) * u128::from(n)) >> 64) as u64
    }

    /// Shuffles uniformly (Fisher and Yates).
    fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.below(i as u32 + 1) as usize;
            items.swap(i, j);
        }
    }
}

/// A counter-based generator: 4 bytes of state that matter, copied freely.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    keys: Keys,
    number: u64,
    counter: u64,
}

impl Stream {
    /// Resumes at a draw number.
    #[must_use]
    pub const fn at(mut self, counter: u64) -> Self {
        self.counter = counter;
        self
    }

    /// The number of draws so far.
    pub const fn drawn(&self) -> u64 {
        self.counter
    }
}

impl Chance for Stream {
    #[inline]
    fn word(&mut self) -> u64 {
        let word = self.keys.draw(self.number, self.counter);
        self.counter += 1;
        word
    }
}

impl Chance for ChaCha12Rng {
    fn word(&mut self) -> u64 {
        self.next_u64()
    }
}

/// A probability as an integer threshold: true for `share * 2^64` of all words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Probability(u64);

impl Probability {
    /// Never.
    pub const ZERO: Self = Self(0);
    /// Always, but for one word in 2^64 which [`Self::hit`] treats as always.
    pub const ONE: Self = Self(u64::MAX);

    /// From a share between 0 and 1; values outside are clamped.
    pub fn from_share(share: f64) -> Self {
        if share >= 1.0 {
            Self::ONE
        } else if share <= 0.0 {
            Self::ZERO
        } else {
            // Exact: scaling by a power of two does not round.
            Self((share * 18_446_744_073_709_551_616.0) as u64)
        }
    }

    /// The threshold itself: the share times 2^64, all ones meaning always.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// From a threshold, as [`Self::bits`] gives it.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The share, for display.
    pub fn share(self) -> f64 {
        if self == Self::ONE { 1.0 } else { self.0 as f64 / 18_446_744_073_709_551_616.0 }
    }

    /// Whether it can ever be true.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Decides with one uniform word.
    #[inline]
    pub const fn hit(self, word: u64) -> bool {
        word < self.0 || self.0 == u64::MAX
    }

    /// The chance that at least one of two independent ones is true.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if self == Self::ONE || other == Self::ONE {
            return Self::ONE;
        }
        let (a, b) = (u128::from(self.0), u128::from(other.0));
        Self((a + b - ((a * b) >> 64)) as u64)
    }

    /// The chance that both of two independent ones are true.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::ONE, p) | (p, Self::ONE) => p,
            (Self(a), Self(b)) => Self(((u128::from(a) * u128::from(b)) >> 64) as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_compose_as_independent_chances() {
        let p = |share| Probability::from_share(share);
        assert_eq!(p(0.0).or(p(0.0)), Probability::ZERO);
        assert_eq!(p(0.5).or(p(0.5)), p(0.75));
        assert_eq!(p(1.0).or(p(0.1)), Probability::ONE);
        assert_eq!(p(0.5).and(p(0.5)), p(0.25));
        assert_eq!(p(1.0).and(p(0.1)), p(0.1));
        assert!((p(0.01).or(p(0.02)).share() - 0.0298).abs() < 1e-12);
    }

    #[test]
    fn words_of_neighbouring_streams_and_counters_are_unrelated() {
        let keys = Keys::new(7);
        let mut flips = 0;
        for stream in 0..64u64 {
            for counter in 0..64u64 {
                flips += (keys.draw(stream, counter) ^ keys.draw(stream, counter + 1)).count_ones();
                flips += (keys.draw(stream, counter) ^ keys.draw(stream + 1, counter)).count_ones();
            }
        }
        let mean = f64::from(flips) / (2.0 * 64.0 * 64.0);
        assert!((mean - 32.0).abs() < 0.2, "{mean} of 64 bits change");
    }

    #[test]
    fn below_is_uniform() {
        let mut rng = Keys::new(1).stream(3);
        let mut counts = [0u32; 7];
        for _ in 0..70_000 {
            counts[rng.below(7) as usize] += 1;
        }
        for count in counts {
            assert!((9_600..10_400).contains(&count), "{counts:?}");
        }
    }
}
