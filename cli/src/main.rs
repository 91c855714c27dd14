//! The program `wavetank`: the commands of the library for a terminal and for CI.
//!
//! Results go to standard output, progress and diagnostics to standard error. [`exit`] has the exit codes;
//! each command is a file of [`commands`].

mod args;
mod commands;
mod exit;
mod folder;
mod host;
mod interrupt;
mod pick;
mod progress;
mod screen;
mod words;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = args::Cli::parse();
    let screen = screen::Screen::new(&cli.common);
    match commands::perform(cli.command, &screen) {
        Ok(exit) => exit.code(),
        Err(failure) => {
            screen.failure(&failure);
            failure.code()
        }
    }
}
