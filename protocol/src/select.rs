//! Random members of a list (`util.go: kRandomNodes`).

use crate::{
    belief::MemberId,
    order::Order,
    rng::{Chance, Stream},
};

/// How many, how, and from which list.
#[derive(Clone, Copy, Debug)]
pub struct Selection<'a> {
    /// How many are wanted.
    pub k: u32,
    /// Lists shorter than `3k` are shuffled and read through (since 0.6.0).
    pub exhaustive: bool,
    /// The list.
    pub order: &'a Order,
}

/// Appends up to `k` distinct members that `keep` accepts.
///
/// Long lists are sampled with replacement, at most three draws a record, so that fewer than `k` may be
/// found; short ones are exhausted.
pub fn random(
    selection: Selection<'_>,
    rng: &mut Stream,
    shuffle: &mut Vec<MemberId>,
    keep: impl Fn(MemberId) -> bool,
    out: &mut Vec<MemberId>,
) {
    let Selection { k, exhaustive, order } = selection;
    let n = order.len();
    let first = out.len();
    if exhaustive && n < 3 * k {
        shuffle.clear();
        shuffle.extend((0..n).map(|slot| order.at(slot)));
        rng.shuffle(shuffle);
        out.extend(shuffle.iter().copied().filter(|m| keep(*m)).take(k as usize));
        return;
    }
    let mut draws = 0;
    while draws < 3 * u64::from(n) && out.len() - first < k as usize {
        draws += 1;
        let member = order.at(rng.below(n));
        if keep(member) && !out[first..].contains(&member) {
            out.push(member);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Keys;

    fn list(n: u32, rng: &mut Stream) -> Order {
        Order::shuffled(n, true, |out| out.extend((0..n).map(MemberId)), rng)
    }

    #[test]
    fn a_short_list_is_exhausted_and_a_long_one_sampled() {
        let mut rng = Keys::new(2).stream(1);
        for (n, k, exhaustive, least) in
            [(8, 3, true, 3), (4, 3, true, 3), (300, 3, true, 3), (4, 3, false, 1)]
        {
            let order = list(n, &mut rng);
            for _ in 0..200 {
                let mut out = Vec::new();
                let selection = Selection { k, exhaustive, order: &order };
                random(selection, &mut rng, &mut Vec::new(), |m| m.0 != 0, &mut out);
                assert!(out.len() >= least && !out.contains(&MemberId(0)), "{out:?}");
                out.sort_unstable();
                out.dedup();
                assert!(out.len() <= k as usize);
            }
        }
    }

    #[test]
    fn sampling_with_few_eligible_can_come_back_with_fewer() {
        let mut rng = Keys::new(2).stream(1);
        let order = list(300, &mut rng);
        let mut short = 0;
        for _ in 0..500 {
            let mut out = Vec::new();
            let selection = Selection { k: 1, exhaustive: true, order: &order };
            random(selection, &mut rng, &mut Vec::new(), |m| m.0 == 7, &mut out);
            short += usize::from(out.is_empty());
        }
        // (1 - 1/300)^900 = 4.95 %
        assert!((10..45).contains(&short), "{short} of 500");
    }
}
