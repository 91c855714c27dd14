//! Statistics of reports: percentiles, intervals, and the special functions under them.
//!
//! Percentiles and means of nanoseconds are exact integers. Intervals need gamma and beta functions; those
//! use `libm` and plain arithmetic in a fixed order, so they are equal on every platform.

pub mod order;
pub mod percentile;
pub mod poisson;
pub mod ratio;
pub mod special;
pub mod student;

/// What a two-sided 95 % interval leaves on each side.
pub const TAIL: f64 = 0.025;
