//! `wavetank completions`: what a shell needs to complete our arguments.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{
    args::Cli,
    exit::{Exit, Failure},
    screen::Screen,
};

/// Print completions for a shell
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  wavetank completions bash > ~/.local/share/bash-completion/completions/wavetank
  wavetank completions fish > ~/.config/fish/completions/wavetank.fish")]
pub struct Args {
    /// The shell
    shell: Shell,
}

pub fn perform(args: &Args, screen: &Screen) -> Result<Exit, Failure> {
    let mut out = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "wavetank", &mut out);
    screen.print(&String::from_utf8_lossy(&out))?;
    Ok(Exit::Passed)
}
