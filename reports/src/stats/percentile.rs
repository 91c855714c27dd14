//! Samples of a trend and what is exact about them: percentiles and the mean, in whole nanoseconds.

use wavetank_sim_core::threshold::Percent;

/// Samples in ascending order; missing ones count as infinite and stand at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Samples {
    finite: Vec<u64>,
    missing: u64,
}

impl Samples {
    /// From values in any order; absent: missing.
    pub fn new(values: impl IntoIterator<Item = Option<u64>>) -> Self {
        let mut samples = Self::default();
        for value in values {
            match value {
                Some(value) => samples.finite.push(value),
                None => samples.missing += 1,
            }
        }
        samples.finite.sort_unstable();
        samples
    }

    /// How many, missing ones too.
    pub fn count(&self) -> u64 {
        self.finite.len() as u64 + self.missing
    }

    /// How many are missing.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// Those that happened, ascending.
    pub fn finite(&self) -> &[u64] {
        &self.finite
    }

    /// The sample of a rank from 1; absent when infinite or out of range.
    pub fn rank(&self, rank: u64) -> Option<u64> {
        self.finite.get(usize::try_from(rank.checked_sub(1)?).ok()?).copied()
    }

    /// Least; absent when there is none or all are missing.
    pub fn min(&self) -> Option<u64> {
        self.finite.first().copied()
    }

    /// Greatest; absent when there is none or one is missing.
    pub fn max(&self) -> Option<u64> {
        self.finite.last().copied().filter(|_| self.missing == 0)
    }

    /// Mean, to the nearest whole, ties to even; absent when there is none or one is missing.
    pub fn mean(&self) -> Option<u64> {
        if self.missing > 0 || self.finite.is_empty() {
            return None;
        }
        let sum: u128 = self.finite.iter().map(|&v| u128::from(v)).sum();
        u64::try_from(divide(sum, self.finite.len() as u128)).ok()
    }

    /// Percentile, linear between order statistics: with n samples, position (n - 1) p (type 7 of Hyndman
    /// and Fan, "Sample quantiles in statistical packages", The American Statistician 50, 1996). To the
    /// nearest whole, ties to even; absent when infinite or when there are no samples.
    pub fn percentile(&self, p: Percent) -> Option<u64> {
        let whole = u128::from(Percent::WHOLE);
        let position = u128::from(self.count().checked_sub(1)?) * u128::from(p.numerator());
        let rank = (position / whole) as u64 + 1;
        let below = u128::from(self.rank(rank)?);
        let part = position % whole;
        if part == 0 {
            return u64::try_from(below).ok();
        }
        let above = u128::from(self.rank(rank + 1)?);
        u64::try_from(divide(below * whole + (above - below) * part, whole)).ok()
    }
}

/// The quotient to the nearest whole, ties to even.
fn divide(numerator: u128, denominator: u128) -> u128 {
    let (quotient, rest) = (numerator / denominator, numerator % denominator);
    let up = rest * 2 > denominator || (rest * 2 == denominator && quotient % 2 == 1);
    quotient + u128::from(up)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(text: &str) -> Percent {
        Percent::parse(text).expect("a percentage")
    }

    #[test]
    fn type_7_to_the_nearest_nanosecond_ties_to_even() {
        let n = u64::MAX - 1;
        for (values, percent, wanted) in [
            (vec![], "50", None),
            (vec![7], "0", Some(7)),
            (vec![7], "100", Some(7)),
            // R: quantile(c(10, 20, 30, 40), c(.25, .5, .9), type = 7) is 17.5, 25, 37.
            (vec![40, 10, 30, 20], "25", Some(18)),
            (vec![40, 10, 30, 20], "50", Some(25)),
            (vec![40, 10, 30, 20], "90", Some(37)),
            (vec![0, 1], "50", Some(0)),
            (vec![1, 2], "50", Some(2)),
            (vec![0, 1], "50.000000001", Some(1)),
            (vec![0, 1000], "99.95", Some(1000)),
            (vec![0, 100_000], "99.95", Some(99_950)),
            // Floats would lose the last digits of these.
            (vec![n, n], "33.3", Some(n)),
            (vec![9_007_199_254_740_993, 9_007_199_254_740_993], "50", Some(9_007_199_254_740_993)),
        ] {
            let samples = Samples::new(values.iter().copied().map(Some));
            assert_eq!(samples.percentile(p(percent)), wanted, "{values:?} {percent}");
        }
    }

    #[test]
    fn a_missing_sample_is_infinite() {
        let samples = Samples::new([Some(30), None, Some(10), Some(20)]);
        assert_eq!((samples.min(), samples.max(), samples.mean()), (Some(10), None, None));
        assert_eq!(samples.percentile(p("50")), Some(25));
        assert_eq!(samples.percentile(Percent::parse("66.666666666").expect("p")), Some(30));
        assert_eq!(samples.percentile(p("67")), None);
        assert_eq!(Samples::new([None]).percentile(p("0")), None);
    }

    #[test]
    fn means_are_exact() {
        assert_eq!(Samples::new([Some(1), Some(2)]).mean(), Some(2));
        assert_eq!(Samples::new([Some(0), Some(1)]).mean(), Some(0));
        let big = u64::MAX - 2;
        assert_eq!(Samples::new([Some(big), Some(big), Some(big)]).mean(), Some(big));
    }
}
