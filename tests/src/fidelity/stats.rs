//! Statistics of samples in milliseconds.

/// The quantile linear between order statistics; not a number without samples.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = share * last as f64;
    let below = place as usize;
    let above = (below + 1).min(last);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}

/// Ascending, without what is not there.
pub fn sorted(values: impl IntoIterator<Item = Option<f64>>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().flatten().collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The greatest distance between two empirical distributions (Kolmogorov and Smirnov).
pub fn distance(ours: &[f64], theirs: &[f64]) -> f64 {
    let (mut i, mut j, mut most) = (0, 0, 0.0f64);
    while i < ours.len() && j < theirs.len() {
        let value = ours[i].min(theirs[j]);
        while i < ours.len() && ours[i] <= value {
            i += 1;
        }
        while j < theirs.len() && theirs[j] <= value {
            j += 1;
        }
        let gap = i as f64 / ours.len() as f64 - j as f64 / theirs.len() as f64;
        most = most.max(gap.abs());
    }
    most
}

/// Mean.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Standard deviation of a sample.
pub fn deviation(values: &[f64]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    (squares / (values.len() as f64 - 1.0)).sqrt()
}

/// Where a value lies among replicates: the share of them below it, ties half.
pub fn rank(value: f64, replicates: &[f64]) -> f64 {
    let below = replicates.iter().filter(|r| **r < value).count() as f64;
    let equal = replicates.iter().filter(|r| **r == value).count() as f64;
    (below + equal / 2.0) / replicates.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_distances_and_ranks() {
        let a = [1.0, 2.0, 3.0, 4.0];
        assert_eq!((quantile(&a, 0.5), quantile(&a, 0.0), quantile(&a, 1.0)), (2.5, 1.0, 4.0));
        assert_eq!(distance(&a, &a), 0.0);
        assert_eq!(distance(&a, &[5.0]), 1.0);
        assert_eq!(distance(&[1.0, 3.0], &[2.0, 4.0]), 0.5);
        assert_eq!(rank(2.0, &a), 0.375);
    }
}
