//! The tank: a deterministic discrete-event kernel and the simulated cluster on it.

pub mod arena;
pub mod cluster;
pub mod digest;
pub mod net;
pub mod observe;
pub mod outcome;
pub mod plan;
mod prefetch;
pub mod queue;
pub mod threshold;
pub mod watch;
