//! From outcomes to a verdict: statistics, thresholds, and one report in many formats.
//!
//! [`Report::new`] pools the outcomes of all runs and judges the thresholds; [`format::render`] writes the
//! report as text, JSON, Markdown, CSV, JUnit, GitHub annotations or OpenMetrics. Nothing in a report depends
//! on wall time, host, path, thread count, build profile or platform.

pub mod format;
pub mod html;
mod judge;
pub mod plots;
pub mod report;
pub mod stats;
pub mod units;

pub use format::{Format, RenderOptions, render};
pub use report::{Meta, Report};

#[cfg(test)]
#[path = "../examples/synthetic/mod.rs"]
mod synthetic;
