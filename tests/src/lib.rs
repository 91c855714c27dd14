//! What spans crates: the comparison with real clusters and the tests of the whole.

pub mod checkers;
pub mod fidelity;
pub mod fuzz;
pub mod real_serf;
