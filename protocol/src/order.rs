//! The order of a node's member list, which is its probe order (specification 3.5 to 3.7).
//!
//! The original keeps a shuffled vector. A million such vectors do not fit, so a list is, from one wrap
//! of the cursor to the next, the ascending list of known members under a keyed permutation: a key and
//! a length. What happens to it in between is exact: a newcomer takes a random slot and the displaced
//! member goes to the end; both are kept as overrides, and when these grow past an eighth of the list, or
//! where the known members are not simply `0 .. n`, the list is written out. Both forms give the same
//! order to the bit, so that stores and sizes never change a history.

use crate::{
    belief::MemberId,
    rng::{Chance, Stream, fold},
};

/// Lists shorter than this are shuffled truly (Fisher and Yates): the keyed permutation is not uniform
/// over all orders of a short list.
const SHORT: u32 = 256;

/// A keyed permutation of `0 .. n`: an unbalanced Feistel network over two digits, with cycle walking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permutation {
    keys: [u64; ROUNDS],
    n: u32,
    left: u32,
    right: u32,
}

/// Rounds of the network, two digits each turn.
const ROUNDS: usize = 6;

impl Permutation {
    /// The permutation of `0 .. n` with a key.
    pub fn new(key: u64, n: u32) -> Self {
        let left = n.isqrt().max(1);
        let right = n.div_ceil(left).max(1);
        let round_key = |round: usize| {
            let spread = key ^ (round as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            fold(spread, 0xe703_7ed1_a0b4_28db)
        };
        Self { keys: std::array::from_fn(round_key), n, left, right }
    }

    #[inline]
    fn round(key: u64, digit: u32, range: u32) -> u32 {
        let spread = u64::from(digit).wrapping_mul(0xd6e8_feb8_6659_fd93);
        let word = fold(key ^ spread, key.rotate_left(32) | 1);
        (((word >> 32) * u64::from(range)) >> 32) as u32
    }

    /// Where `slot` goes.
    #[inline]
    pub fn apply(self, slot: u32) -> u32 {
        let mut x = slot;
        loop {
            let (mut a, mut b) = (x / self.right, x % self.right);
            for keys in self.keys.chunks_exact(2) {
                a += Self::round(keys[0], b, self.left);
                a -= if a >= self.left { self.left } else { 0 };
                b += Self::round(keys[1], a, self.right);
                b -= if b >= self.right { self.right } else { 0 };
            }
            x = a * self.right + b;
            if x < self.n {
                return x;
            }
        }
    }

    /// Which slot goes to `x`.
    pub fn invert(self, x: u32) -> u32 {
        let mut x = x;
        loop {
            let (mut a, mut b) = (x / self.right, x % self.right);
            for keys in self.keys.chunks_exact(2).rev() {
                let back = Self::round(keys[1], a, self.right);
                b = if b >= back { b - back } else { b + self.right - back };
                let back = Self::round(keys[0], b, self.left);
                a = if a >= back { a - back } else { a + self.left - back };
            }
            x = a * self.right + b;
            if x < self.n {
                return x;
            }
        }
    }
}

#[derive(Debug)]
enum Form {
    /// Members `0 .. n` under a permutation, but for these slots (ascending).
    Keyed { permutation: Permutation, overrides: Vec<(u32, MemberId)> },
    /// Written out.
    Listed(Vec<MemberId>),
}

/// The member list's order. Cloning from another reuses what is there.
#[derive(Debug)]
pub struct Order {
    form: Form,
    len: u32,
}

impl Clone for Form {
    fn clone(&self) -> Self {
        match self {
            Self::Keyed { permutation, overrides } => {
                Self::Keyed { permutation: *permutation, overrides: overrides.clone() }
            }
            Self::Listed(list) => Self::Listed(list.clone()),
        }
    }

    fn clone_from(&mut self, source: &Self) {
        match (&mut *self, source) {
            (Self::Listed(ours), Self::Listed(theirs)) => ours.clone_from(theirs),
            (
                Self::Keyed { permutation, overrides },
                Self::Keyed { permutation: theirs, overrides: others },
            ) => {
                *permutation = *theirs;
                overrides.clone_from(others);
            }
            _ => *self = source.clone(),
        }
    }
}

impl Clone for Order {
    fn clone(&self) -> Self {
        Self { form: self.form.clone(), len: self.len }
    }

    fn clone_from(&mut self, source: &Self) {
        self.form.clone_from(&source.form);
        self.len = source.len;
    }
}

impl Default for Order {
    fn default() -> Self {
        Self { form: Form::Listed(Vec::new()), len: 0 }
    }
}

impl Order {
    /// A fresh shuffle of the known members, given in ascending order. `identity` says that they are
    /// `0 .. len`, in which case `members` is not asked when the list is long.
    pub fn shuffled(
        len: u32,
        identity: bool,
        members: impl FnOnce(&mut Vec<MemberId>),
        rng: &mut Stream,
    ) -> Self {
        if len < SHORT {
            let mut list = Vec::with_capacity(len as usize);
            members(&mut list);
            rng.shuffle(&mut list);
            return Self { form: Form::Listed(list), len };
        }
        let permutation = Permutation::new(rng.word(), len);
        if identity {
            return Self { form: Form::Keyed { permutation, overrides: Vec::new() }, len };
        }
        let mut ascending = Vec::with_capacity(len as usize);
        members(&mut ascending);
        let list = (0..len).map(|slot| ascending[permutation.apply(slot) as usize]).collect();
        Self { form: Form::Listed(list), len }
    }

    /// Length of the list.
    #[inline]
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether nobody is on it.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The member in a slot.
    #[inline]
    pub fn at(&self, slot: u32) -> MemberId {
        match &self.form {
            Form::Listed(list) => list[slot as usize],
            Form::Keyed { permutation, overrides } => {
                if !overrides.is_empty()
                    && let Ok(i) = overrides.binary_search_by_key(&slot, |(s, _)| *s)
                {
                    return overrides[i].1;
                }
                MemberId(permutation.apply(slot))
            }
        }
    }

    /// Inserts a newcomer: it takes a random slot, whose member moves to the end (`state.go: aliveNode`).
    pub fn insert(&mut self, member: MemberId, rng: &mut Stream) {
        let n = self.len;
        self.len += 1;
        if n == 0 {
            self.form = Form::Listed(vec![member]);
            return;
        }
        let slot = rng.below(n);
        if let Form::Keyed { overrides, .. } = &self.form
            && overrides.len() as u32 + 2 > n / 8
        {
            let list = (0..n).map(|s| self.at(s)).collect();
            self.form = Form::Listed(list);
        }
        let displaced = self.at(slot);
        match &mut self.form {
            Form::Listed(list) => {
                list.push(displaced);
                list[slot as usize] = member;
            }
            Form::Keyed { overrides, .. } => {
                match overrides.binary_search_by_key(&slot, |(s, _)| *s) {
                    Ok(i) => overrides[i].1 = member,
                    Err(i) => overrides.insert(i, (slot, member)),
                }
                overrides.push((n, displaced));
            }
        }
    }

    /// Sorts members of the list by their slot, as a list sent in push/pull has them.
    pub fn sort_by_slot<T>(&self, items: &mut [T], member: impl Fn(&T) -> MemberId) {
        if items.len() < 2 {
            return;
        }
        match &self.form {
            Form::Listed(list) => {
                // Few differ as a rule: one pass over the list finds the slots of all of them.
                items.sort_unstable_by_key(&member);
                let mut slots: Vec<u32> = vec![u32::MAX; items.len()];
                let mut missing = items.len();
                for (slot, m) in list.iter().enumerate() {
                    if let Ok(i) = items.binary_search_by_key(m, &member) {
                        slots[i] = slot as u32;
                        missing -= 1;
                        if missing == 0 {
                            break;
                        }
                    }
                }
                permute_by(items, slots);
            }
            Form::Keyed { permutation, overrides } => {
                let mut by_member: Vec<(MemberId, u32)> =
                    overrides.iter().map(|&(s, m)| (m, s)).collect();
                by_member.sort_unstable();
                let slot = |m: MemberId| match by_member.binary_search_by_key(&m, |(o, _)| *o) {
                    Ok(i) => by_member[i].1,
                    Err(_) => permutation.invert(m.0),
                };
                items.sort_by_cached_key(|i| slot(member(i)));
            }
        }
    }

    /// Bytes held on the heap.
    pub fn heap_bytes(&self) -> usize {
        match &self.form {
            Form::Listed(list) => list.capacity() * size_of::<MemberId>(),
            Form::Keyed { overrides, .. } => overrides.capacity() * size_of::<(u32, MemberId)>(),
        }
    }
}

/// Sorts `items` by `keys`, which are theirs by position.
fn permute_by<T>(items: &mut [T], mut keys: Vec<u32>) {
    // Cycle sort by rank: few items, each moved once.
    let mut ranks: Vec<usize> = (0..keys.len()).collect();
    ranks.sort_unstable_by_key(|&i| keys[i]);
    let mut target = vec![0usize; ranks.len()];
    for (rank, &i) in ranks.iter().enumerate() {
        target[i] = rank;
    }
    for i in 0..items.len() {
        while target[i] != i {
            let j = target[i];
            items.swap(i, j);
            keys.swap(i, j);
            target.swap(i, j);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Keys;

    #[test]
    fn a_permutation_is_one_and_inverts() {
        for n in [1, 2, 3, 7, 256, 257, 1000, 4097] {
            let p = Permutation::new(0x1234_5678_9abc_def0, n);
            let mut seen = vec![false; n as usize];
            for slot in 0..n {
                let x = p.apply(slot);
                assert!(!std::mem::replace(&mut seen[x as usize], true));
                assert_eq!(p.invert(x), slot);
            }
        }
    }

    /// Where a member lands, and who follows whom, is uniform over keys.
    #[test]
    fn permutations_over_keys_are_uniform_in_position_and_succession() {
        let n = 256;
        let keys = Keys::new(11);
        let mut position = vec![0u32; n as usize];
        let mut step = vec![0u32; n as usize];
        let rounds = 40_000u32;
        for round in 0..rounds {
            let p = Permutation::new(keys.draw(1, u64::from(round)), n);
            position[p.apply(17) as usize] += 1;
            step[((p.apply(18) + n - p.apply(17)) % n) as usize] += 1;
        }
        let chi = |counts: &[u32], cells: f64| {
            let expected = f64::from(rounds) / cells;
            counts
                .iter()
                .map(|&c| (f64::from(c) - expected) * (f64::from(c) - expected) / expected)
                .sum::<f64>()
        };
        // 255 and 254 degrees of freedom: mean 255, s.d. 22.6; five deviations allow for nothing real.
        assert!(chi(&position, 256.0) < 255.0 + 113.0, "{}", chi(&position, 256.0));
        assert_eq!(step[0], 0);
        assert!(chi(&step[1..], 255.0) < 254.0 + 113.0, "{}", chi(&step[1..], 255.0));
    }

    #[test]
    fn keyed_and_listed_forms_agree_under_insertion() {
        let n = 2000;
        let mut rng_a = Keys::new(3).stream(1);
        let mut rng_b = Keys::new(3).stream(1);
        let fill = |out: &mut Vec<MemberId>| out.extend((0..n).map(MemberId));
        let mut keyed = Order::shuffled(n, true, |_| unreachable!(), &mut rng_a);
        let mut listed = Order::shuffled(n, false, fill, &mut rng_b);
        for newcomer in n..n + 400 {
            keyed.insert(MemberId(newcomer), &mut rng_a);
            listed.insert(MemberId(newcomer), &mut rng_b);
            if newcomer % 50 == 0 || newcomer < n + 3 {
                assert!((0..keyed.len()).all(|s| keyed.at(s) == listed.at(s)));
            }
        }
        let mut some: Vec<MemberId> = [5, 2100, 1999, 0, 2399].map(MemberId).to_vec();
        let mut same = some.clone();
        keyed.sort_by_slot(&mut some, |m| *m);
        listed.sort_by_slot(&mut same, |m| *m);
        assert_eq!(some, same);
    }

    #[test]
    fn a_newcomer_never_takes_the_last_slot() {
        let mut rng = Keys::new(5).stream(2);
        let mut order = Order::default();
        order.insert(MemberId(0), &mut rng);
        for m in 1..50 {
            order.insert(MemberId(m), &mut rng);
            assert_ne!(order.at(m), MemberId(m));
        }
        let mut all: Vec<_> = (0..50).map(|s| order.at(s).0).collect();
        all.sort_unstable();
        assert_eq!(all, (0..50).collect::<Vec<_>>());
    }
}
