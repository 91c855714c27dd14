//! The commands, one a file.

pub mod check;
pub mod completions;
pub mod formulas;
mod man;
pub mod report;
pub mod run;
pub mod scenarios;
pub mod trace;

use crate::{
    args::Command,
    exit::{Exit, Failure},
    screen::Screen,
};

/// Does what was asked for.
pub fn perform(command: Command, screen: &Screen) -> Result<Exit, Failure> {
    match command {
        Command::Run(args) => run::perform(&args, screen),
        Command::Check(args) => check::perform(&args, screen),
        Command::Scenarios(args) => scenarios::perform(args, screen),
        Command::Schema => {
            screen.print(&wavetank::scenarios::schema())?;
            Ok(Exit::Passed)
        }
        Command::Formulas(args) => formulas::perform(&args, screen),
        Command::Report(args) => report::perform(&args, screen),
        Command::Trace(args) => trace::perform(&args, screen),
        Command::Completions(args) => completions::perform(&args, screen),
        Command::Man => man::perform(screen),
    }
}
