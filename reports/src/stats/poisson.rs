//! Exact Poisson intervals for counts of events, and whether the runs look Poisson at all.

use super::{
    TAIL,
    special::{gamma_p, invert},
};

/// Above this count the quantiles come from the cube-root approximation, which is then within a millionth.
const EXACT_UP_TO: u64 = 100_000;

/// 97.5 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// 95 % interval of the mean of a Poisson variable that was observed to be `count`: half the chi-squared
/// quantiles at 2 count and 2 count + 2 degrees of freedom (Garwood, "Fiducial limits for the Poisson
/// distribution", Biometrika 28, 1936).
pub fn interval(count: u64) -> (f64, f64) {
    let lower = if count == 0 { 0.0 } else { gamma_quantile(count, TAIL, -Z) };
    (lower, gamma_quantile(count + 1, 1.0 - TAIL, Z))
}

/// Quantile of the gamma distribution with a whole shape and scale 1; beyond [`EXACT_UP_TO`] by Wilson and
/// Hilferty ("The distribution of chi-square", PNAS 17, 1931), with `z` the same quantile of the normal.
fn gamma_quantile(shape: u64, level: f64, z: f64) -> f64 {
    let a = shape as f64;
    if shape > EXACT_UP_TO {
        let root = 1.0 - 1.0 / (9.0 * a) + z / (3.0 * libm::sqrt(a));
        return a * root * root * root;
    }
    invert(level, 0.0, a + 10.0 * libm::sqrt(a) + 10.0, |x| gamma_p(a, x))
}

/// How much more the counts of runs vary than Poisson counts with one rate would: the dispersion, when its
/// chance under Poisson is below 0.1 %; absent otherwise and for fewer than two runs or no events.
pub fn overdispersion(runs: &[(u64, f64)]) -> Option<f64> {
    let count: u64 = runs.iter().map(|r| r.0).sum();
    let exposure: f64 = runs.iter().map(|r| r.1).sum();
    if runs.len() < 2 || count == 0 || exposure <= 0.0 {
        return None;
    }
    let rate = count as f64 / exposure;
    let squares: f64 = runs
        .iter()
        .filter(|r| r.1 > 0.0)
        .map(|&(c, e)| {
            let expected = rate * e;
            (c as f64 - expected) * (c as f64 - expected) / expected
        })
        .sum();
    let freedom = runs.len() as f64 - 1.0;
    let dispersion = squares / freedom;
    (dispersion > 1.0 && 1.0 - gamma_p(freedom / 2.0, squares / 2.0) < 0.001).then_some(dispersion)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_published_tables() {
        // Pearson and Hartley, "Biometrika Tables for Statisticians" I, table 40.
        for (count, lower, upper) in [
            (0, 0.0, 3.689),
            (1, 0.0253, 5.572),
            (2, 0.2422, 7.225),
            (3, 0.6187, 8.767),
            (5, 1.6235, 11.668),
            (10, 4.7954, 18.390),
            (20, 12.217, 30.888),
            (50, 37.111, 65.919),
            (100, 81.364, 121.627),
        ] {
            let (low, high) = interval(count);
            assert!((low - lower).abs() < 0.0006, "{count}: {low}");
            assert!((high - upper).abs() < 0.0006, "{count}: {high}");
        }
    }

    #[test]
    fn the_approximation_joins_the_exact_part() {
        let a = EXACT_UP_TO;
        let exact = gamma_quantile(a, 1.0 - TAIL, Z);
        let beyond = gamma_quantile(a + 1, 1.0 - TAIL, Z);
        assert!((beyond - exact - 1.0).abs() < 0.01, "{exact} {beyond}");
    }

    #[test]
    fn clumps_are_noticed() {
        let even: Vec<_> = (0..20).map(|i| (9 + i % 3, 1.0)).collect();
        assert_eq!(overdispersion(&even), None);
        let clumped: Vec<_> = (0..20).map(|i| (if i == 7 { 200 } else { 0 }, 1.0)).collect();
        assert_eq!(overdispersion(&clumped), Some(200.0));
    }
}
