//! `make real-serf`: sixteen real Serf agents on loopback beside the simulation of the same steps.
//!
//! Nothing outlives a run: agents, their handlers and the unpacked package belong to a [`guard::Guard`],
//! which ends and removes them when this process ends, however it ends. All addresses are loopback ones.

pub mod compare;
pub mod fleet;
pub mod guard;
pub mod logs;
pub mod program;
pub mod record;
pub mod schedule;
pub mod simulated;
pub mod steps;
