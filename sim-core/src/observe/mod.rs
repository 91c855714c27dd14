//! Observation: what is measured in a run.

pub mod metrics;

pub use metrics::{METRICS, metric};
