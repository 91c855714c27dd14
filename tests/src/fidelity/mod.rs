//! The comparison with measurements of real clusters.
//!
//! Each measured case is simulated in its own structure (the same clusters, the same trials one after
//! another, as many as were measured) many times over. The measured statistics are then one more draw
//! from the distribution of the simulated ones, if the simulator is right; `z` says how unusual a draw.

pub mod agents;
pub mod cases;
pub mod counts;
pub mod stats;
pub mod table;
pub mod trials;
