//! The tank: a deterministic discrete-event kernel and the simulated cluster on it.

pub mod net;
pub mod observe;
pub mod outcome;
pub mod plan;
pub mod threshold;
