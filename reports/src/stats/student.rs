//! Quantiles of Student's t, for means over a few runs.

use super::{
    TAIL,
    special::{beta_i, invert},
};

/// The t with P(|T| < t) = 95 % at so many degrees of freedom (at least 1). P(|T| < t) is
/// 1 - I_{f / (f + t^2)}(f / 2, 1 / 2) (Abramowitz and Stegun, 26.7.1 and 26.5.27).
pub fn quantile_95(freedom: u64) -> f64 {
    let f = freedom as f64;
    invert(1.0 - 2.0 * TAIL, 0.0, 16.0, |t| 1.0 - beta_i(f / 2.0, 0.5, f / (f + t * t)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_published_tables() {
        // NIST/SEMATECH e-Handbook of Statistical Methods, section 1.3.6.7.2, column 0.975.
        for (freedom, wanted) in [
            (1, 12.706),
            (2, 4.303),
            (3, 3.182),
            (5, 2.571),
            (10, 2.228),
            (19, 2.093),
            (30, 2.042),
            (100, 1.984),
        ] {
            assert!(
                (quantile_95(freedom) - wanted).abs() < 0.0006,
                "{freedom}: {}",
                quantile_95(freedom)
            );
        }
        assert!((quantile_95(1_000_000) - 1.959_966).abs() < 1e-5);
    }
}
