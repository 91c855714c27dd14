//! Axes: where ticks go and how numbers with units are written.
//!
//! Steps are 1, 2 or 5 times a power of ten, found by multiplication alone, so that every platform places
//! the same ticks.

use wavetank_protocol::{
    Span,
    time::{MICROSECOND, MILLISECOND, MINUTE, SECOND},
};
use wavetank_sim_core::outcome::Unit;

use crate::units;

/// A linear axis with its ticks.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    /// Value at the start.
    pub low: f64,
    /// Value at the end; above `low`.
    pub high: f64,
    /// Values with a tick and their labels, ascending.
    pub ticks: Vec<(f64, String)>,
}

impl Axis {
    /// Where a value lies, as a share of the axis; outside values lie on its ends.
    pub fn share(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// From 0 to 1, labelled in per cent.
    pub fn percent() -> Self {
        let ticks = [0, 25, 50, 75, 100].map(|p| (f64::from(p) / 100.0, format!("{p} %")));
        Self { low: 0.0, high: 1.0, ticks: ticks.to_vec() }
    }

    /// From 0 to a round value at or above `high`, with about `wanted` steps; labels abbreviate thousands.
    pub fn from_zero(high: f64, wanted: u32, whole: bool) -> Self {
        let mut step = round_step(high.max(f64::MIN_POSITIVE) / f64::from(wanted.max(1)));
        if whole {
            step = step.max(1.0);
        }
        let count = (high / step).ceil().max(1.0);
        let mut axis = Self { low: 0.0, high: count * step, ticks: Vec::new() };
        axis.fill(step, si);
        axis
    }

    /// Between two times in nanoseconds, with about `wanted` steps; the second value names the unit.
    pub fn time(low: f64, high: f64, wanted: u32) -> (Self, &'static str) {
        let (per, unit) = time_unit(high.abs().max(low.abs()));
        let step = time_step((high - low) / per / f64::from(wanted.max(1)), unit);
        let mut axis = Self { low: low / per, high: high / per, ticks: Vec::new() };
        axis.fill(step, decimal);
        axis.low = low;
        axis.high = high;
        for tick in &mut axis.ticks {
            tick.0 *= per;
        }
        (axis, unit)
    }

    fn fill(&mut self, step: f64, label: impl Fn(f64, f64) -> String) {
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        for i in first..=last {
            let value = i as f64 * step;
            self.ticks.push((value, label(value, step)));
        }
    }
}

/// The least of 1, 2, 5 times a power of ten that is at least `raw`.
fn round_step(raw: f64) -> f64 {
    let mut base = 1.0;
    while base > raw {
        base /= 10.0;
    }
    while base * 10.0 <= raw {
        base *= 10.0;
    }
    [1.0, 2.0, 5.0, 10.0].map(|m| m * base).into_iter().find(|s| *s >= raw).unwrap_or(10.0 * base)
}

/// Like [`round_step`], but minutes and hours divide like a clock's.
fn time_step(raw: f64, unit: &str) -> f64 {
    const CLOCK: [f64; 9] = [0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0];
    match unit {
        "min" | "h" => CLOCK.into_iter().find(|s| *s >= raw).unwrap_or_else(|| round_step(raw)),
        _ => round_step(raw),
    }
}

/// Nanoseconds per unit, and the unit, in which values up to `most` nanoseconds read best.
fn time_unit(most: f64) -> (f64, &'static str) {
    let table = [
        (2.0 * MICROSECOND as f64, 1.0, "ns"),
        (2.0 * MILLISECOND as f64, MICROSECOND as f64, "µs"),
        (2.0 * SECOND as f64, MILLISECOND as f64, "ms"),
        (4.0 * MINUTE as f64, SECOND as f64, "s"),
        (180.0 * MINUTE as f64, MINUTE as f64, "min"),
    ];
    table
        .into_iter()
        .find(|(below, ..)| most < *below)
        .map_or((60.0 * MINUTE as f64, "h"), |(_, per, unit)| (per, unit))
}

/// A value with as many decimals as its step needs.
fn decimal(value: f64, step: f64) -> String {
    let mut places = 0;
    let mut scaled = step;
    while places < 6 && (scaled - scaled.round()).abs() > 1e-6 {
        scaled *= 10.0;
        places += 1;
    }
    let text = format!("{value:.places$}");
    if value == 0.0 { "0".into() } else { text.replace('-', "\u{2212}") }
}

/// A value with k, M, G for thousands.
fn si(value: f64, step: f64) -> String {
    for (per, suffix) in [(1e9, "G"), (1e6, "M"), (1e3, "k")] {
        if value.abs() >= per {
            return decimal(value / per, step / per) + suffix;
        }
    }
    decimal(value, step)
}

/// A span for a reader.
pub(super) fn span(ns: Span) -> String {
    units::human(ns as f64, Unit::Nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_labelled_in_one_unit() {
        let labels = |axis: Axis| axis.ticks.into_iter().map(|t| t.1).collect::<Vec<_>>();
        let (axis, unit) = Axis::time(0.0, 1.7e9, 4);
        assert_eq!(
            (labels(axis), unit),
            (vec!["0".into(), "500".into(), "1000".into(), "1500".into()], "ms")
        );
        let (axis, unit) = Axis::time(-5e9, 21e9, 5);
        assert_eq!((labels(axis).join(" "), unit), ("0 10 20".into(), "s"));
        assert_eq!(labels(Axis::from_zero(4100.0, 4, true)).join(" "), "0 2k 4k 6k");
        assert_eq!(labels(Axis::from_zero(0.0, 4, true)).join(" "), "0 1");
        assert_eq!(labels(Axis::from_zero(0.7, 4, false)).join(" "), "0 0.2 0.4 0.6 0.8");
    }
}
