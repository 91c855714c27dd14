//! Simulated gossip clusters in a Rust test: load or write a scenario, run it over seeds, assert on the
//! report.
//!
//! ```
//! # fn main() -> Result<(), wavetank::Error> {
//! use wavetank::Scenario;
//!
//! let report = Scenario::parse(
//!     "version: 1
//! name: small
//! duration: 40s
//! cluster: {preset: memberlist-local, nodes: 8}
//! timeline:
//!   - {at: 2s, crash: {nodes: {pick: 1}}}
//! thresholds:
//!   detection.all: [\"max < 25s\"]
//! ")?
//! .set("cluster.config.gossip_interval", "50ms")
//! .seeds(1..=3)
//! .run()?;
//!
//! report.assert_passed();
//! assert_eq!(report.metric("detection.all").count(), 3);
//! report.assert("false_positives", "count == 0");
//! # Ok(())
//! # }
//! ```
//!
//! A run is a function of its scenario and its seed and of nothing else, so a test that passes once passes
//! always, and one that fails prints the scenario file and the command that show the same again.
//!
//! | to | use |
//! |---|---|
//! | load, write or change a scenario | [`Scenario`] |
//! | run it with progress, a number of threads, or a way to stop | [`Scenario::run_with`], [`Options`] |
//! | judge | [`Report::assert_passed`], [`Report::assert`], `report.metric(name)` ([`View`]) |
//! | write it down | [`Report::render`], [`Report::plots`], [`Report::html`] |
//! | see what an operator of one agent would see | [`operator::OperatorView`] |
//! | watch every event of one run | [`Scenario::watch`], [`watch::Watch`] |
//! | generate clusters, fault schedules and scenarios | `strategies` (feature `proptest`) |
//!
//! The crates below this one are re-exported for what is not here: [`protocol`] (the machine and its
//! formulas), [`sim_core`] (plan, kernel, network), [`scenarios`] (the file format), [`reports`].

mod memory;
pub mod operator;
mod report;
mod run;
mod scenario;
#[cfg(feature = "proptest")]
pub mod strategies;

pub use wavetank_protocol as protocol;
pub use wavetank_reports as reports;
pub use wavetank_scenarios as scenarios;
pub use wavetank_sim_core as sim_core;

pub use wavetank_reports::{Format, RenderOptions, report::View};
pub use wavetank_scenarios::{Overrides, Problem, Problems};
pub use wavetank_sim_core::{plan::Plan, watch};

pub use memory::estimate_memory;
pub use report::Report;
pub use run::{Options, Progress};
pub use scenario::{Error, Scenario};
