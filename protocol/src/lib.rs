//! memberlist's SWIM as a machine without I/O: no clock, no socket, no thread, no global.
//!
//! The same machine is driven by the simulator, by tests and by real sockets.

pub mod config;
pub mod rng;
pub mod time;

pub use config::{Compat, Config, Encryption, Label, Quirks};
pub use time::{NEVER, Span, Time};
