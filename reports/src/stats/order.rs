//! Intervals of percentiles from order statistics, without assumptions about the distribution.
//!
//! The number of samples below the true p-quantile is binomial(n, p). So the interval between two order
//! statistics covers the quantile with a probability that depends on their ranks alone (David and Nagaraja,
//! "Order Statistics", 3rd ed., section 7.1). The chance of lying outside is at most 2.5 % on each side.

use wavetank_sim_core::threshold::Percent;

use super::{
    TAIL,
    percentile::Samples,
    special::{binomial_at_least, binomial_at_most},
};
use crate::report::Interval;

/// The share that a percentage is.
pub fn share(p: Percent) -> f64 {
    p.numerator() as f64 / Percent::WHOLE as f64
}

/// Ranks (from 1) of the order statistics that bound the quantile; absent: no sample bounds it there.
pub fn ranks(n: u64, p: Percent) -> Interval<u64> {
    let p = share(p);
    // The greatest rank with P(at most rank - 1 below) within the tail.
    let lower = partition(n, |rank| binomial_at_most(rank - 1, n, p) <= TAIL);
    // The least rank with P(at least rank below) within the tail.
    let upper = partition(n, |rank| binomial_at_least(rank, n, p) > TAIL) + 1;
    [(lower >= 1).then_some(lower), (upper <= n).then_some(upper)]
}

/// How many of the ranks `1..=n` come before the condition first fails.
fn partition(n: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, n);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if holds(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

/// 95 % interval of a percentile; an infinite or missing bound is absent.
pub fn interval(samples: &Samples, p: Percent) -> Interval<u64> {
    ranks(samples.count(), p).map(|rank| rank.and_then(|r| samples.rank(r)))
}

/// How many samples it takes until the greatest one bounds this percentile from above: the least n with
/// p^n at most 2.5 %. Absent for 100 %.
pub fn needed(p: Percent) -> Option<u64> {
    let p = share(p);
    (p < 1.0).then(|| if p <= TAIL { 1 } else { libm::ceil(libm::log(TAIL) / libm::log(p)) as u64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_of_published_tables() {
        // Medians: Conover, "Practical Nonparametric Statistics", and Hahn and Meeker, "Statistical
        // Intervals"; exact coverages 0.9688, 0.9785, 0.9586, 0.9511, 0.9648.
        for (n, thousandths, wanted) in [
            (5, 50_000, [None, None]),
            (6, 50_000, [Some(1), Some(6)]),
            (10, 50_000, [Some(2), Some(9)]),
            (20, 50_000, [Some(6), Some(15)]),
            (50, 50_000, [Some(18), Some(33)]),
            (100, 50_000, [Some(40), Some(61)]),
            (20, 99_000, [Some(19), None]),
            (367, 99_000, [Some(359), None]),
            (368, 99_000, [Some(360), Some(368)]),
            (0, 50_000, [None, None]),
        ] {
            assert_eq!(ranks(n, Percent::thousandths(thousandths)), wanted, "{n} {thousandths}");
        }
    }

    #[test]
    fn samples_needed() {
        for (thousandths, wanted) in [
            (50_000, Some(6)),
            (90_000, Some(36)),
            (99_000, Some(368)),
            (99_900, Some(3688)),
            (100_000, None),
        ] {
            assert_eq!(needed(Percent::thousandths(thousandths)), wanted, "{thousandths}");
        }
    }
}
