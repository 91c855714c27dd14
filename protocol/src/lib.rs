//! memberlist's SWIM, and Serf above it, as a machine without I/O: no clock, no socket, no thread, no global.
//!
//! The same machine is driven by the simulator, by tests and by real sockets.

pub mod belief;
pub mod config;
pub mod marks;
pub mod message;
pub mod order;
pub mod queue;
pub mod rng;
pub mod rules;
pub mod select;
pub mod serf;
pub mod sizes;
pub mod swim;
pub mod time;
pub mod view;
pub mod wire;

pub use config::{Compat, Config, Encryption, Label, Quirks};
pub use time::{NEVER, Span, Time};
