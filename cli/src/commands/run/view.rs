//! `--view`: what the operator of one agent sees, instead of the report.

use wavetank::{
    operator::{Level, OperatorView, slot_of},
    protocol::Time,
};

use super::{Args, scenario};
use crate::{
    exit::{Exit, Failure},
    screen::Screen,
};

pub(super) fn perform(args: &Args, node: &str, screen: &Screen) -> Result<Exit, Failure> {
    let checked = scenario(args, screen)?.check()?;
    if !checked.warnings.is_empty() {
        screen.problems(&checked.warnings);
    }
    let plan = &checked.plan;
    let slot = slot_of(plan, node).map_err(Failure::Usage)?;
    if args.changes.seeds.is_some() || plan.seeds > 1 {
        screen
            .note(&format!("the run of seed {} of {}; choose with --seed", plan.seed, plan.seeds));
    }
    let at = args.at.unwrap_or(Time::MAX);
    if args.at.is_some_and(|at| at > plan.duration) {
        screen.note("the run ends before that time; this is its end");
    }
    let level = args.log_level.unwrap_or(Level::Info);
    let view = OperatorView::new(plan, plan.seed, slot, at, level);
    screen.print(&view.to_string())?;
    Ok(Exit::Passed)
}
