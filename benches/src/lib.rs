//! What Wavetank's speed is measured against, in the same run and on the same machine.
//!
//! Two yardsticks: the [`floor`] is the least that any simulator of this shape must do for an event,
//! the [`peer`] is another implementation of the protocol in a plain event loop. [`measure`] takes
//! the times, [`report`] prints them. Every subject keeps simulated time itself and is advanced by
//! whole seconds, so that one clock and one rule serve all.

pub mod floor;
pub mod measure;
pub mod peer;
pub mod report;
pub mod tank;
