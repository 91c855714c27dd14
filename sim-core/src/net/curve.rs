//! Inverse distribution functions as tables, and the latency of a link drawn from them.
//!
//! A uniform 64-bit word is looked up on a grid that is logarithmic towards both ends: from the middle
//! outwards each halving of the remaining share has 64 cells, linear inside. So the grid follows the
//! tails where a uniform one would cut them off, and almost all draws touch the same few kilobytes. The
//! last share of 2^-19 on either side is computed rather than looked up, so that the tail has no end.
//! Quantiles between 0.01 % and 99.99 % are within 0.1 % of the true ones (Pareto exponents from 0.4),
//! beyond that as exact as the formulas. Floating point meets a time only through `libm` and the
//! operations that IEEE 754 defines exactly.

use std::sync::Arc;

use wavetank_protocol::Span;

use crate::plan::{JitterShape, Latency, LatencyShape};

/// Binary digits of a cell's number within its octave.
const CELL_BITS: u32 = 6;
/// Octaves in the table on either side.
const OCTAVES: u32 = 18;
/// Least logarithm of a tail word that is in the table; half of all words is 2^63.
const LOWEST: u32 = 63 - OCTAVES;
/// Grid points of one side, both ends included.
const SIDE: usize = ((OCTAVES << CELL_BITS) + 1) as usize;
/// No latency is beyond this (36 years), so that sums stay far from overflow.
const FAR: f64 = (1u64 << 60) as f64;
/// The 99th percentile of the standard normal distribution.
const Z99: f64 = 2.326_347_874_040_841;

/// A distribution by its quantiles; values in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Uniform { low: f64, width: f64 },
    Normal { mean: f64, sd: f64 },
    LogNormal { median: f64, sigma: f64 },
    Pareto { scale: f64, exponent: f64 },
    Exponential { from: f64, scale: f64 },
    Jitter { size: f64, normal: f64, pareto: f64 },
}

impl Form {
    /// The quantile whose share is `tail` from below, or from above; `tail` is in (0, 1/2].
    fn quantile(self, upper: bool, tail: f64) -> f64 {
        let side = if upper { 1.0 } else { -1.0 };
        match self {
            Self::Uniform { low, width } => low + width * if upper { 1.0 - tail } else { tail },
            Self::Normal { mean, sd } => mean + side * sd * normal_tail(tail),
            Self::LogNormal { median, sigma } => {
                median * libm::exp(side * sigma * normal_tail(tail))
            }
            Self::Pareto { scale, exponent } => {
                scale * libm::pow(if upper { tail } else { 1.0 - tail }, -1.0 / exponent)
            }
            Self::Exponential { from, scale } => {
                from - scale * if upper { libm::log(tail) } else { libm::log1p(-tail) }
            }
            Self::Jitter { size, normal, pareto } => {
                let above = if upper { tail } else { 1.0 - tail };
                // netem's tables: a Pareto distribution with exponent 3, shifted by its mean.
                let heavy = (1.0 / libm::cbrt(above) - 1.5) * (4.0 / 3.0);
                let sum = normal * side * normal_tail(tail) + pareto * heavy;
                // They hold 16-bit numbers with a scale of 8192, which cuts all of them at four.
                size * sum.clamp(-4.0, 4.0)
            }
        }
    }
}

/// How far above the mean, in standard deviations, a share of `tail` of a normal distribution begins.
fn normal_tail(tail: f64) -> f64 {
    // Abramowitz and Stegun 26.2.23, good to 4.5e-4; Halley's rule triples the digits each time.
    let r = libm::sqrt(-2.0 * libm::log(tail));
    let above = 2.515_517 + r * (0.802_853 + r * 0.010_328);
    let below = 1.0 + r * (1.432_788 + r * (0.189_269 + r * 0.001_308));
    let mut x = above / below - r;
    for _ in 0..2 {
        let error = 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2) - tail;
        let step = error * libm::sqrt(std::f64::consts::TAU) * libm::exp(0.5 * x * x);
        x -= step / (1.0 + 0.5 * x * step);
    }
    -x
}

/// A tabulated inverse distribution function.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    form: Form,
    /// The lower side from the end to the middle, then the upper side from the end to the middle.
    grid: Arc<[i64]>,
}

impl Curve {
    fn new(form: Form) -> Self {
        let point = |side: usize, i: usize| {
            // Grid point i stands where the first cell of octave i / 64 begins, plus so many cells.
            let octave = (i >> CELL_BITS) as u32 + LOWEST;
            let cell = (i & ((1 << CELL_BITS) - 1)) as u64;
            let word = (1u64 << octave) + (cell << (octave - CELL_BITS));
            clip(form.quantile(side == 1, share(word)))
        };
        let grid = (0..2).flat_map(|side| (0..SIDE).map(move |i| point(side, i))).collect();
        Self { form, grid }
    }

    /// The variation of a delay: `size` is the half-width if uniform, else the standard deviation.
    pub(super) fn jitter(shape: JitterShape, size: Span) -> Self {
        let size = size as f64;
        Self::new(match shape {
            JitterShape::Uniform => Form::Uniform { low: -size, width: 2.0 * size },
            JitterShape::Normal => Form::Jitter { size, normal: 1.0, pareto: 0.0 },
            JitterShape::Pareto => Form::Jitter { size, normal: 0.0, pareto: 1.0 },
            JitterShape::ParetoNormal => Form::Jitter { size, normal: 0.25, pareto: 0.75 },
        })
    }

    /// The quantile whose share is `word` of 2^64.
    #[inline]
    pub(super) fn at(&self, word: u64) -> i64 {
        let upper = word >> 63;
        let tail = word ^ 0u64.wrapping_sub(upper);
        if tail >> LOWEST == 0 {
            return self.beyond(upper == 1, tail);
        }
        let octave = tail.ilog2();
        let mantissa = tail << (64 - octave);
        let cell =
            ((octave - LOWEST) << CELL_BITS) as usize + (mantissa >> (64 - CELL_BITS)) as usize;
        let within = mantissa << CELL_BITS;
        let i = upper as usize * SIDE + cell;
        let (a, b) = (self.grid[i], self.grid[i + 1]);
        a + ((i128::from(b - a) * i128::from(within)) >> 64) as i64
    }

    #[cold]
    fn beyond(&self, upper: bool, tail: u64) -> i64 {
        clip(self.form.quantile(upper, share(tail)))
    }
}

/// The share that a tail word stands for; never 0.
fn share(tail: u64) -> f64 {
    (tail as f64 + 0.5) / 18_446_744_073_709_551_616.0
}

fn clip(value: f64) -> i64 {
    value.round().clamp(-FAR, FAR) as i64
}

/// The latency of a link, ready to be drawn.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    /// What every draw is clamped to from below; at least 1.
    pub(super) min: Span,
    draw: Draw,
}

#[derive(Clone, Debug)]
enum Draw {
    Fixed(Span),
    Uniform { min: Span, values: u64 },
    Curve(Curve),
    Table(Arc<[(u64, Span)]>),
}

impl Flight {
    /// Compiles a latency.
    pub(super) fn new(latency: &Latency) -> Self {
        let far = |span: Span| span.min(FAR as Span);
        let min = far(latency.min).max(1);
        let curve = |form| Draw::Curve(Curve::new(form));
        let draw = match &latency.shape {
            LatencyShape::Fixed(span) => Draw::Fixed(far(*span).max(min)),
            LatencyShape::Uniform { min: least, max } => {
                let (least, max) = (far(*least), far(*max));
                Draw::Uniform { min: least, values: max.saturating_sub(least) + 1 }
            }
            LatencyShape::Normal { mean, sd } => {
                curve(Form::Normal { mean: *mean as f64, sd: *sd as f64 })
            }
            LatencyShape::LogNormal { median, p99 } => {
                let median = (*median).max(1) as f64;
                let sigma = libm::log((*p99 as f64 / median).max(1.0)) / Z99;
                curve(Form::LogNormal { median, sigma })
            }
            LatencyShape::Pareto { scale, shape } => {
                curve(Form::Pareto { scale: *scale as f64, exponent: shape.max(1e-3) })
            }
            LatencyShape::Exponential { mean } => {
                let scale = mean.saturating_sub(min) as f64;
                curve(Form::Exponential { from: min as f64, scale })
            }
            LatencyShape::Table(points) => {
                Draw::Table(points.iter().map(|&(share, at)| (share.bits(), far(at))).collect())
            }
        };
        Self { min, draw }
    }

    /// A latency, from the packet's die, which is not rolled where it would not matter.
    #[inline]
    pub(super) fn draw(&self, die: impl FnOnce() -> u64) -> Span {
        match &self.draw {
            Draw::Fixed(span) => *span,
            Draw::Curve(curve) => curve.at(die()).max(self.min as i64) as Span,
            Draw::Uniform { min, values } => {
                (min + ((u128::from(die()) * u128::from(*values)) >> 64) as u64).max(self.min)
            }
            Draw::Table(points) => between(points, die()).max(self.min),
        }
    }

    /// The median.
    pub(super) fn median(&self) -> Span {
        self.draw(|| 1 << 63)
    }

    /// The least latency that can be drawn.
    pub(super) fn least(&self) -> Span {
        self.draw(|| 0)
    }
}

/// The quantile of a measured table whose share is `word`: all shares up to the first point's have its
/// value, between two points it is linear.
fn between(points: &[(u64, Span)], word: u64) -> Span {
    let i = points.partition_point(|&(share, _)| share < word);
    match (points.get(i.wrapping_sub(1)), points.get(i)) {
        (Some(&(s0, v0)), Some(&(s1, v1))) => {
            let rise = u128::from(v1.saturating_sub(v0)) * u128::from(word - s0);
            v0 + (rise / u128::from(s1 - s0)) as u64
        }
        (None, Some(&(_, v))) | (Some(&(_, v)), None) => v,
        (None, None) => 1,
    }
}

#[cfg(test)]
mod tests {
    use wavetank_protocol::rng::{Keys, Probability};

    use super::*;

    const MS: Span = 1_000_000;
    /// (share, its standard normal quantile).
    const NORMAL: [(f64, f64); 7] = [
        (0.0001, -3.719_016_485_455_709),
        (0.01, -2.326_347_874_040_841),
        (0.25, -0.674_489_750_196_082),
        (0.5, 0.0),
        (0.9, 1.281_551_565_544_6),
        (0.99, 2.326_347_874_040_841),
        (0.9999, 3.719_016_485_455_681),
    ];

    fn word(share: f64) -> u64 {
        Probability::from_share(share).bits()
    }

    fn flight(min: Span, shape: LatencyShape) -> Flight {
        Flight::new(&Latency { min, shape })
    }

    fn check(shape: &LatencyShape, share: f64, expected: f64) {
        let got = flight(1, shape.clone()).draw(|| word(share)) as f64;
        assert!((got / expected - 1.0).abs() < 1e-3, "{shape:?} at {share}: {got}, not {expected}");
    }

    #[test]
    fn quantiles_are_within_a_thousandth() {
        for (share, z) in NORMAL {
            let normal = LatencyShape::Normal { mean: 10 * MS, sd: 2 * MS };
            check(&normal, share, 1e7 + 2e6 * z);
            for ratio in [1, 3, 30, 300] {
                let shape = LatencyShape::LogNormal { median: 5 * MS, p99: 5 * ratio * MS };
                check(&shape, share, 5e6 * libm::pow(ratio as f64, z / Z99));
            }
        }
        for share in [0.0001, 0.01, 0.3, 0.5, 0.7, 0.77, 0.9, 0.99, 0.999, 0.9999, 0.999_999] {
            for exponent in [0.4, 1.16, 3.0] {
                let shape = LatencyShape::Pareto { scale: MS, shape: exponent };
                let expected = 1e6 * libm::pow(1.0 - share, -1.0 / exponent);
                if expected < FAR / 4.0 {
                    check(&shape, share, expected);
                }
            }
            let scale = 1e8;
            let expected = 1.0 - scale * libm::log1p(-share);
            check(&LatencyShape::Exponential { mean: 100 * MS + 1 }, share, expected);
        }
    }

    #[test]
    fn between_grid_points_no_quantile_is_off_and_none_goes_back() {
        let forms = [
            Form::LogNormal { median: 1e9, sigma: 2.0 },
            Form::Pareto { scale: 1e8, exponent: 0.5 },
            Form::Exponential { from: 0.0, scale: 1e9 },
        ];
        for form in forms {
            let curve = Curve::new(form);
            let mut last = i64::MIN;
            for i in 1..20_000u64 {
                // Shares from 0.005 % to 99.995 %.
                let word = i * (u64::MAX / 20_000);
                let got = curve.at(word);
                let upper = word >> 63 == 1;
                let truth = form.quantile(upper, share(if upper { !word } else { word }));
                assert!(
                    (got as f64 / truth - 1.0).abs() < 1e-3,
                    "{form:?} {i}: {got}, not {truth}"
                );
                assert!(got >= last);
                last = got;
            }
        }
    }

    #[test]
    fn the_tail_goes_on_beyond_the_table() {
        let curve = Curve::new(Form::Pareto { scale: 1000.0, exponent: 2.0 });
        for bits in [44, 30, 10] {
            let share = share(1 << bits);
            let expected = 1000.0 / libm::sqrt(share);
            let got = curve.at(!(1u64 << bits)) as f64;
            assert!((got / expected - 1.0).abs() < 1e-9, "{got} {expected}");
        }
        assert_eq!(Curve::new(Form::Pareto { scale: 1e9, exponent: 0.1 }).at(u64::MAX), 1 << 60);
    }

    #[test]
    fn every_latency_keeps_its_minimum() {
        let shapes = [
            (LatencyShape::Fixed(3), 100),
            (LatencyShape::Fixed(300), 300),
            (LatencyShape::Uniform { min: 10, max: 5000 }, 100),
            (LatencyShape::Normal { mean: 1000, sd: 5000 }, 100),
            (LatencyShape::LogNormal { median: 1000, p99: 90_000 }, 100),
            (LatencyShape::Pareto { scale: 400, shape: 1.0 }, 400),
            (LatencyShape::Exponential { mean: 1000 }, 100),
            (LatencyShape::Table(vec![(Probability::ONE, 7)]), 100),
        ];
        let keys = Keys::new(1);
        for (shape, least) in shapes {
            let flight = flight(100, shape);
            assert_eq!(flight.least(), least, "{flight:?}");
            assert!((0..1000).all(|i| flight.draw(|| keys.draw(0, i)) >= least));
        }
        assert_eq!(flight(0, LatencyShape::Fixed(0)).least(), 1);
    }

    #[test]
    fn uniform_latencies_reach_both_ends() {
        let flight = flight(1, LatencyShape::Uniform { min: 10, max: 12 });
        assert_eq!([0, u64::MAX / 2, u64::MAX].map(|w| flight.draw(|| w)), [10, 11, 12]);
    }

    #[test]
    fn a_table_is_linear_between_its_points() {
        let points = [(0.5, 100), (0.75, 200), (1.0, 1000)];
        let points = points.map(|(share, at)| (Probability::from_share(share), at)).to_vec();
        let flight = flight(1, LatencyShape::Table(points));
        for (share, expected) in [(0.0, 100), (0.5, 100), (0.625, 150), (0.75, 200), (0.875, 600)] {
            assert_eq!(flight.draw(|| word(share)), expected);
        }
    }

    #[test]
    fn variations_are_those_of_netem() {
        let cases = [
            (JitterShape::Uniform, 0.5, 0.0),
            (JitterShape::Uniform, 0.75, 0.5),
            (JitterShape::Normal, 0.9, 1.281_551_565_5),
            (JitterShape::Normal, 0.999_999, 4.0),
            (JitterShape::Pareto, 0.875, (2.0 - 1.5) * 4.0 / 3.0),
            (JitterShape::Pareto, 0.9999, 4.0),
            (JitterShape::ParetoNormal, 0.5, 0.75 * (1.259_921_05 - 1.5) * 4.0 / 3.0),
        ];
        for (shape, share, expected) in cases {
            let got = Curve::jitter(shape, 1_000_000).at(word(share)) as f64 / 1e6;
            assert!((got - expected).abs() < 1e-3, "{shape:?} at {share}: {got}, not {expected}");
        }
    }
}
