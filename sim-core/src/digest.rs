//! The digest of a history: what was sent, delivered, dropped, believed, and what came of it.
//!
//! Each effect is mixed to 128 bits with its key (time, node, the node's count of effects) and the mixes
//! are added. Keys are unique, so the sum fixes each node's order of effects, while neither threads, nor
//! the kernel's order between nodes, nor the elision of events without effect can move it. BLAKE3 closes
//! the sum.

use wavetank_protocol::Time;

/// The sum of all effects so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    low: u64,
    high: u64,
    effects: u64,
}

#[inline]
const fn fold(a: u64, b: u64) -> u64 {
    let wide = (a as u128).wrapping_mul(b as u128);
    (wide as u64) ^ ((wide >> 64) as u64)
}

impl Digest {
    /// Adds an effect: the node's count `nth` makes its key unique; `kind`, `a` and `b` say what it was.
    #[inline]
    pub fn add(&mut self, time: Time, node: u32, nth: u32, kind: u8, a: u64, b: u64) {
        let key = (node as u64) << 32 | nth as u64;
        let x = fold(key ^ 0x9e37_79b9_7f4a_7c15, time ^ 0xa076_1d64_78bd_642f);
        let y = fold(a ^ x, b ^ 0xe703_7ed1_a0b4_28db ^ (kind as u64) << 56);
        let low = fold(x ^ y ^ 0x8ebc_6af0_9c88_c6e3, y | 1);
        let high = fold(y.rotate_left(32) ^ 0x5899_65cc_7537_4cc3, x | 1);
        let sum = (u128::from(self.high) << 64 | u128::from(self.low))
            .wrapping_add(u128::from(high) << 64 | u128::from(low));
        self.low = sum as u64;
        self.high = (sum >> 64) as u64;
        self.effects += 1;
    }

    /// Number of effects.
    pub const fn effects(&self) -> u64 {
        self.effects
    }

    /// The closed digest, 64 hexadecimal digits.
    pub fn close(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for word in [self.low, self.high, self.effects] {
            hasher.update(&word.to_le_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_nodes_does_not_matter_but_each_effect_does() {
        let effects = [(5, 1, 0, 2u8, 7, 8), (5, 2, 0, 2, 7, 8), (6, 1, 1, 3, 0, 0)];
        let sum = |order: &[usize]| {
            let mut digest = Digest::default();
            for &i in order {
                let (time, node, nth, kind, a, b) = effects[i];
                digest.add(time, node, nth, kind, a, b);
            }
            digest.close()
        };
        assert_eq!(sum(&[0, 1, 2]), sum(&[2, 0, 1]));
        assert_ne!(sum(&[0, 1]), sum(&[0, 1, 2]));
        let mut other = Digest::default();
        other.add(5, 1, 0, 2, 7, 9);
        let mut same = Digest::default();
        same.add(5, 1, 0, 2, 7, 8);
        assert_ne!(other.close(), same.close());
    }
}
