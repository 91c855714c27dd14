//! Simulated time: whole nanoseconds since the start of a run.
//!
//! The machine never asks what time it is; it is told. Spans are plain `u64` nanoseconds, so that no
//! rounding can differ between two platforms.

/// An instant, in nanoseconds since the start of the run (or since the start of an agent).
pub type Time = u64;

/// A span of time, in nanoseconds.
pub type Span = u64;

/// One microsecond.
pub const MICROSECOND: Span = 1_000;
/// One millisecond.
pub const MILLISECOND: Span = 1_000_000;
/// One second.
pub const SECOND: Span = 1_000_000_000;
/// One minute.
pub const MINUTE: Span = 60 * SECOND;
/// One hour.
pub const HOUR: Span = 60 * MINUTE;

/// An instant that never comes: the deadline of a timer that is not set.
pub const NEVER: Time = Time::MAX;
