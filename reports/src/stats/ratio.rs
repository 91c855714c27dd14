//! Means whose uncertainty comes from the runs: samples of one run share its history and are not
//! independent, runs are.
//!
//! The mean over all samples is a ratio of two sums over runs (values, and how many or how long). Its
//! variance is estimated from the residuals of the runs (Cochran, "Sampling Techniques", 3rd ed., sections
//! 2.11 and 9A.2). With equally many samples in each run this is the t interval over the run means.

use super::student::quantile_95;
use crate::report::Interval;

/// 95 % interval of `sum of values / sum of weights` from (value, weight) of each run; no bounds with fewer
/// than two runs of positive weight.
pub fn interval(runs: &[(f64, f64)]) -> Interval<f64> {
    let runs: Vec<_> = runs.iter().filter(|r| r.1 > 0.0).collect();
    if runs.len() < 2 {
        return [None, None];
    }
    let values: f64 = runs.iter().map(|r| r.0).sum();
    let weights: f64 = runs.iter().map(|r| r.1).sum();
    let mean = values / weights;
    let squares: f64 = runs.iter().map(|r| (r.0 - mean * r.1) * (r.0 - mean * r.1)).sum();
    let k = runs.len() as f64;
    let error = libm::sqrt(k / (k - 1.0) * squares) / weights;
    let reach = quantile_95(runs.len() as u64 - 1) * error;
    [Some(mean - reach), Some(mean + reach)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_weights_give_the_t_interval_of_the_run_means() {
        // Means 1..5: mean 3, standard error sqrt(2.5 / 5), t at 4 degrees of freedom 2.7764.
        let runs: Vec<_> = (1..=5).map(|m| (f64::from(m) * 4.0, 4.0)).collect();
        let [Some(low), Some(high)] = interval(&runs) else { panic!("no interval") };
        assert!((low - 1.036_757).abs() < 1e-5 && (high - 4.963_243).abs() < 1e-5, "{low} {high}");
    }

    #[test]
    fn one_run_says_nothing_about_the_next() {
        assert_eq!(interval(&[(3.0, 1.0), (0.0, 0.0)]), [None, None]);
    }
}
