//! `wavetank report`: renders a run folder again.

use wavetank::{Format, RenderOptions, reports::render};

use crate::{
    args::{self, Folder},
    exit::{Exit, Failure},
    folder,
    screen::Screen,
};

/// Render a run folder again, in any format
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  wavetank report out
  wavetank report out --format markdown > comment.md
  wavetank report out --out again --png        the whole folder anew, with PNG plots

The exit code is 0 whatever the verdict: it was given when the scenario ran.")]
pub struct Args {
    /// A run folder, or a report.json
    #[arg(value_name = "DIR")]
    folder: Folder,
    /// What to print: text, json, markdown, csv, junit, github or openmetrics
    #[arg(long, value_name = "FORMAT", value_parser = args::format)]
    format: Option<Format>,
    /// Write a run folder anew, HTML and plots too
    #[arg(long, value_name = "DIR")]
    out: Option<Folder>,
    /// With --out: write plots as PNG too
    #[arg(long, requires = "out")]
    png: bool,
}

pub fn perform(args: &Args, screen: &Screen) -> Result<Exit, Failure> {
    let read = folder::read(&args.folder)?;
    if let Some(out) = &args.out {
        folder::claim(out)?;
        let written = folder::write(out, &read.report, &read.scenario, read.settings, args.png)?;
        let places: Vec<String> = written.iter().map(|p| p.display().to_string()).collect();
        screen.say(&format!("to look at: {}", places.join(", ")));
        if args.format.is_none() {
            return Ok(Exit::Passed);
        }
    }
    let format = args.format.unwrap_or_default();
    let color = screen.color && format == Format::Text;
    let options = RenderOptions { color, ..RenderOptions::default() };
    screen.print(&render(&read.report, format, &options))?;
    Ok(Exit::Passed)
}
