//! `wavetank man`: one page for the program and all its commands.

use std::{fmt::Write, io};

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::{
    args::Cli,
    exit::{Exit, Failure},
    screen::Screen,
};

pub fn perform(screen: &Screen) -> Result<Exit, Failure> {
    let page =
        page().map_err(|error| Failure::CannotRun(format!("cannot write the page: {error}")))?;
    screen.print(&page)?;
    Ok(Exit::Passed)
}

fn page() -> io::Result<String> {
    let mut command = Cli::command();
    command.build();
    let mut out = Vec::new();
    let man = Man::new(command.clone());
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    man.render_synopsis_section(&mut out)?;
    man.render_description_section(&mut out)?;
    man.render_options_section(&mut out)?;
    man.render_extra_section(&mut out)?;
    let mut text = String::from_utf8_lossy(&out).into_owned();
    subcommands(&command, "wavetank", &mut text)?;
    Ok(text)
}

/// A section for each subcommand, with its own parts as subsections.
fn subcommands(command: &Command, path: &str, text: &mut String) -> io::Result<()> {
    for sub in command.get_subcommands().filter(|s| s.get_name() != "help") {
        let name = format!("{path} {}", sub.get_name());
        let man = Man::new(sub.clone());
        let mut out = Vec::new();
        man.render_synopsis_section(&mut out)?;
        man.render_description_section(&mut out)?;
        man.render_options_section(&mut out)?;
        man.render_extra_section(&mut out)?;
        let body = String::from_utf8_lossy(&out);
        let body: Vec<String> = body.lines().map(|l| l.replacen(".SH ", ".SS ", 1)).collect();
        let _ = writeln!(text, ".SH {}\n{}", name.to_uppercase(), body.join("\n"));
        subcommands(sub, &name, text)?;
    }
    Ok(())
}
