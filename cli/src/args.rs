//! The arguments: every command and option with its help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, builder::PossibleValuesParser};
use wavetank::{
    Format, Overrides, protocol::Time, scenarios::presets::PRESETS, sim_core::threshold::Threshold,
};

use crate::{commands, screen::Color};

/// Simulates clusters that gossip with HashiCorp memberlist.
///
/// A scenario file says who there is, what lies between them and what goes wrong. wavetank runs it over many
/// seeds and reports how soon everybody knew, what it cost, and whether a healthy node was declared dead.
#[derive(Debug, Parser)]
#[command(
    name = "wavetank",
    version,
    max_term_width = 80,
    arg_required_else_help = true,
    after_help = "\
Examples:
  wavetank run first-crash                     a built-in scenario
  wavetank run --preset consul-lan --nodes 200 --loss 1%
  wavetank scenarios new                       write one of your own
  wavetank run my.yaml --seeds 50 --out out    fifty runs, out/report.html

Exit codes: 0 passed, 1 could not run, 2 usage or invalid scenario,
            99 a threshold failed, 130 interrupted"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How to talk.
    #[command(flatten)]
    pub common: Common,
}

/// Options of all commands.
#[derive(Args, Debug)]
pub struct Common {
    /// Print no progress and no remarks
    #[arg(long, global = true, display_order = 900)]
    pub quiet: bool,
    /// When to use colours; `NO_COLOR` in the environment means never
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", display_order = 901)]
    pub color: Color,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Simulate a scenario, print the report, judge its thresholds
    Run(commands::run::Args),
    /// Check scenarios and say what would run; simulates nothing
    Check(commands::check::Args),
    /// The built-in scenarios: list, show, copy, or write a new one
    Scenarios(commands::scenarios::Args),
    /// Print the JSON Schema of the scenario file
    Schema,
    /// What follows from settings and size by formula: limits, timers, packets, load
    Formulas(commands::formulas::Args),
    /// Render a run folder again, in any format
    Report(commands::report::Args),
    /// Print every event of one run as JSON Lines
    Trace(commands::trace::Args),
    /// Print completions for a shell
    Completions(commands::completions::Args),
    /// Print the man page
    Man,
}

/// Which runs, and with which changes.
#[derive(Args, Clone, Debug, Default)]
pub struct Changes {
    /// One run with this seed
    #[arg(long, value_name = "N", conflicts_with = "seeds", value_parser = seed)]
    pub seed: Option<u64>,
    /// So many runs, from the scenario's first seed on, or those of a range such as 1..20 (both included)
    #[arg(long, value_name = "N|A..B", value_parser = seeds)]
    pub seeds: Option<Seeds>,
    /// Total number of nodes; groups keep their proportions
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub nodes: Option<u32>,
    /// Set a key of the scenario, such as cluster.config.gossip_interval=500ms or timeline.ID.at=5s
    #[arg(long, value_name = "PATH=VALUE", value_parser = set)]
    pub set: Vec<(String, String)>,
}

/// The value of `--seeds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seeds {
    /// So many.
    Count(u32),
    /// From this one on, so many.
    Range(u64, u32),
}

impl Changes {
    /// As changes to a scenario whose first seed is `first`.
    pub fn overrides(&self, first: u64) -> Overrides {
        let seeds = self.seeds.map(|seeds| match seeds {
            Seeds::Count(count) => (first, count),
            Seeds::Range(first, count) => (first, count),
        });
        Overrides { set: self.set.clone(), nodes: self.nodes, seed: self.seed, seeds }
    }
}

/// Reads `--format` of a report.
pub fn format(text: &str) -> Result<Format, String> {
    text.parse()
}

/// Reads a time as a scenario file does.
pub fn time(text: &str) -> Result<Time, String> {
    let wrong = || "expected a time with its unit, such as 10s or 250ms".to_owned();
    let threshold = Threshold::parse("detection.all", &format!("max < {text}"));
    threshold.map(|t| t.value as Time).map_err(|_| wrong())
}

/// The names of presets.
pub fn preset() -> PossibleValuesParser {
    PossibleValuesParser::new(PRESETS.iter().map(|p| p.name))
}

fn seed(text: &str) -> Result<u64, String> {
    text.trim().parse().map_err(|_| match seeds(text) {
        Ok(_) => format!("one number is expected; for several runs: --seeds {text}"),
        Err(_) => "expected a number such as 17".to_owned(),
    })
}

fn seeds(text: &str) -> Result<Seeds, String> {
    let wrong = || "expected a number of runs such as 20, or a range such as 1..20".to_owned();
    let number = |t: &str| t.trim().parse::<u64>().map_err(|_| wrong());
    let Some((first, last)) = text.split_once("..") else {
        let count = number(text)?;
        return match u32::try_from(count) {
            Ok(count) if count > 0 => Ok(Seeds::Count(count)),
            _ => Err(wrong()),
        };
    };
    let (first, last) = (number(first)?, number(last.trim_start_matches('='))?);
    let count = last.checked_sub(first).and_then(|n| n.checked_add(1));
    match count.and_then(|n| u32::try_from(n).ok()) {
        Some(count) => Ok(Seeds::Range(first, count)),
        None => Err(format!("the range is empty or too long; did you mean {last}..{first}?")),
    }
}

pub fn set(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((path, value)) if !path.trim().is_empty() => {
            Ok((path.trim().to_owned(), value.to_owned()))
        }
        _ => Err("expected PATH=VALUE, such as cluster.config.gossip_interval=500ms".to_owned()),
    }
}

/// A SCENARIO argument's help, shared by the commands.
pub const SCENARIO: &str =
    "Path of a scenario file, `-` for standard input, or the name of a built-in scenario";

/// A folder.
pub type Folder = PathBuf;

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn seeds_are_counts_or_closed_ranges() {
        assert_eq!(seeds("20"), Ok(Seeds::Count(20)));
        assert_eq!(seeds("1..20"), Ok(Seeds::Range(1, 20)));
        assert_eq!(seeds("7..=7"), Ok(Seeds::Range(7, 1)));
        for bad in ["0", "-1", "x", "5..1", "1..", "1..99999999999"] {
            assert!(seeds(bad).is_err(), "{bad}");
        }
    }
}
