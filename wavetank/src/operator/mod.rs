//! What an operator of one agent sees: its log, `serf members` and `serf info`, in the words of the original.
//!
//! A run has no date; the log's begins with the run, at 2000/01/01 00:00:00. Rows stand in the order of
//! names and tags in that of their keys, where the original's order is random.

mod log;
mod tables;

use std::fmt;

use wavetank_protocol::Time;
use wavetank_sim_core::{cluster::Tank, plan::Plan, threshold::nearest};

pub use log::{Level, Line};

use log::Log;

/// What one node's operator sees at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorView {
    /// What the agent logged up to then.
    pub log: Vec<Line>,
    /// Whether its process runs then.
    pub running: bool,
    /// The member list, a line per member: of Serf as `serf members` prints it, without Serf that of memberlist.
    pub members: Vec<String>,
    /// The lines of `serf info`; none without Serf.
    pub info: Vec<String>,
}

impl OperatorView {
    /// Runs a plan with a seed up to and with a time, and looks at one slot; what is less grave than `level`
    /// is not logged.
    pub fn new(plan: &Plan, seed: u64, slot: u32, at: Time, level: Level) -> Self {
        let end = plan.duration.min(at.saturating_add(1));
        let mut tank = Tank::new(plan, seed, Log::new(plan, slot, level));
        tank.advance(end);
        let running = tank.node(slot).is_some();
        let members = match (running, tank.serf(slot)) {
            (false, _) => Vec::new(),
            (true, Some(serf)) => tables::serf_members(serf, tank.roster(), tank.ledger()),
            (true, None) => tables::members(&tank, slot),
        };
        let info = tables::info(&tank, plan, slot);
        let (_, log) = tank.finish();
        Self { log: log.lines, running, members, info }
    }
}

impl fmt::Display for OperatorView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.log {
            writeln!(f, "{line}")?;
        }
        if !self.log.is_empty() {
            writeln!(f)?;
        }
        if !self.running {
            return writeln!(f, "no agent runs here at this time");
        }
        let command = if self.info.is_empty() { "members" } else { "serf members" };
        writeln!(f, "$ {command}")?;
        for line in &self.members {
            writeln!(f, "{line}")?;
        }
        if !self.info.is_empty() {
            writeln!(f, "\n$ serf info")?;
            for line in &self.info {
                writeln!(f, "{line}")?;
            }
        }
        Ok(())
    }
}

/// The slot of a name in a plan.
/// Errors: nobody is called so at the start, with the nearest names in words.
pub fn slot_of(plan: &Plan, name: &str) -> Result<u32, String> {
    let names: Vec<String> = (0..plan.cluster.slots()).map(|s| plan.cluster.name(s)).collect();
    if let Some(slot) = names.iter().position(|n| n == name) {
        return Ok(slot as u32);
    }
    let texts: Vec<&str> = names.iter().map(String::as_str).collect();
    let hint = match (nearest(name, &texts), texts.as_slice()) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, [first, .., last]) => format!("the names go from {first} to {last}"),
        (None, _) => format!("there is only {}", texts.join(", ")),
    };
    Err(format!("no node is called `{name}`; {hint}"))
}
