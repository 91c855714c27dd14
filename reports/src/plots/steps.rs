//! Curves as step functions: a value holds from its point to the next. Pooling several runs needs their
//! values at the same times.

use wavetank_protocol::Span;

/// The value of a curve at a time; 0 before its first point.
pub(super) fn at(points: &[(Span, f64)], time: f64) -> f64 {
    let next = points.partition_point(|p| p.0 as f64 <= time);
    if next == 0 { 0.0 } else { points[next - 1].1 }
}

/// What a curve did between two times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bin {
    /// Mean over time.
    pub mean: f64,
    /// Least value.
    pub min: f64,
    /// Greatest value.
    pub max: f64,
}

/// Divides `0 .. end` into `count` equal bins. Nobody looked before the first point; its value stands for that
/// time, since a cluster at rest does not begin with nothing.
pub(super) fn bins(points: &[(Span, f64)], end: f64, count: usize) -> Vec<Bin> {
    let width = end / count as f64;
    (0..count)
        .map(|i| {
            let (from, to) = (i as f64 * width, (i + 1) as f64 * width);
            let early = points.first().filter(|p| p.0 as f64 > from);
            let mut value = early.map_or_else(|| at(points, from), |p| p.1);
            let mut bin = Bin { mean: 0.0, min: value, max: value };
            let mut since = from;
            let first = points.partition_point(|p| p.0 as f64 <= from);
            for (time, next) in points[first..].iter().take_while(|p| (p.0 as f64) < to) {
                bin.mean += value * (*time as f64 - since);
                (value, since) = (*next, *time as f64);
                bin.min = bin.min.min(value);
                bin.max = bin.max.max(value);
            }
            bin.mean = (bin.mean + value * (to - since)) / width;
            bin
        })
        .collect()
}

/// The quantile of ascending values, linear between them (type 7); 0 of none.
pub(super) fn quantile(ascending: &[f64], share: f64) -> f64 {
    let Some(last) = ascending.len().checked_sub(1) else { return 0.0 };
    let place = share * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    ascending[below] + (ascending[above] - ascending[below]) * (place - below as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_holds_until_the_next() {
        let points = [(10, 2.0), (30, 6.0)];
        assert_eq!(
            [0.0, 10.0, 29.0, 30.0, 99.0].map(|t| at(&points, t)),
            [0.0, 2.0, 2.0, 6.0, 6.0]
        );
        let bins = bins(&points, 40.0, 2);
        assert_eq!(
            bins,
            [Bin { mean: 2.0, min: 2.0, max: 2.0 }, Bin { mean: 4.0, min: 2.0, max: 6.0 }]
        );
    }

    #[test]
    fn quantiles_are_linear_between_values() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.5), 2.0);
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.75), 3.0);
        assert_eq!(quantile(&[], 0.5), 0.0);
    }
}
