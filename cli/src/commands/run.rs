//! `wavetank run`: simulates a scenario over its seeds, prints the report, judges the thresholds.

mod view;

use std::{path::Path, sync::atomic::Ordering};

use wavetank::{
    Format, Options, RenderOptions, Scenario, operator::Level, protocol::Time,
    reports::plots::Settings,
};

use crate::{
    args::{self, Changes, Folder},
    exit::{Exit, Failure},
    folder, host, interrupt, pick,
    progress::Bar,
    screen::Screen,
};

/// Nodes of the default scenario.
const NODES: u32 = 64;
const PRESET: &str = "memberlist-lan";

/// Simulate a scenario, print the report, judge its thresholds
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Without a SCENARIO a default one runs: ten quiet minutes, a crash, a change.

Examples:
  wavetank run first-crash
  wavetank run my.yaml --seeds 50 --out out
  wavetank run my.yaml --set cluster.config.suspicion_mult=6 --seed 17
  wavetank run --preset consul-lan --nodes 200 --loss 1% --latency 5ms
  wavetank run my.yaml --format github         annotations for a pull request
  wavetank run my.yaml --view n-07 --at 30s    that agent's log, members and info

Exit codes: 0 passed, 1 could not run, 2 usage or invalid scenario,
            99 a threshold failed, 130 interrupted (finished runs are kept)")]
pub struct Args {
    #[arg(help = args::SCENARIO)]
    scenario: Option<String>,
    #[command(flatten)]
    changes: Changes,
    /// Settings of a product or profile (`cluster.preset`)
    #[arg(long, value_name = "NAME", value_parser = args::preset())]
    preset: Option<String>,
    /// Share of datagrams lost, such as 1% (`network.loss`)
    #[arg(long, value_name = "SHARE")]
    loss: Option<String>,
    /// One-way latency, such as 5ms (`network.latency`)
    #[arg(long, value_name = "DURATION")]
    latency: Option<String>,
    /// Write a run folder: report.html, report.json, CSV, JUnit, plots, the resolved scenario
    #[arg(long, value_name = "DIR")]
    out: Option<Folder>,
    /// With --out: write plots as PNG too
    #[arg(long, requires = "out")]
    png: bool,
    /// What to print: text, json, markdown, csv, junit, github or openmetrics
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = args::format)]
    format: Format,
    /// Runs at once; as many as there are processors if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Instead of a report: this agent's log (from 2000/01/01 on), `serf members` and `serf info`, for one seed
    #[arg(long, value_name = "NODE", conflicts_with_all = ["out", "format", "jobs"])]
    view: Option<String>,
    /// With --view: at this simulated time, such as 30s; at the end if not given
    #[arg(long, value_name = "T", requires = "view", value_parser = args::time)]
    at: Option<Time>,
    /// With --view: how much of the log, debug, info, warn or err; info if not given
    #[arg(long, value_name = "LEVEL", requires = "view")]
    log_level: Option<Level>,
}

pub fn perform(args: &Args, screen: &Screen) -> Result<Exit, Failure> {
    if let Some(node) = &args.view {
        return view::perform(args, node, screen);
    }
    let stop = interrupt::listen();
    if let Some(out) = &args.out {
        folder::claim(out)?;
    }
    let scenario = scenario(args, screen)?;
    let checked = scenario.check()?;
    if !checked.warnings.is_empty() {
        screen.problems(&checked.warnings);
    }
    let wanted = usize::from(args.jobs.unwrap_or(0));
    let jobs = host::jobs(&checked.plan, wanted)?;
    if jobs < wanted && jobs < checked.plan.seeds as usize {
        screen.note(&format!("memory is enough for {jobs} runs at once"));
    }

    let bar = Bar::new(screen);
    let show = |progress| bar.show(progress);
    let options = Options { jobs, progress: Some(&show), stop: Some(stop) };
    let report = scenario.run_with(options)?;
    bar.finish();

    let (finished, all) = (report.runs.len(), report.wanted_runs());
    let interrupted = stop.load(Ordering::Relaxed) && finished < all;
    if interrupted {
        screen.warning(&format!("interrupted: {finished} of {all} runs"));
        if finished == 0 {
            return Ok(Exit::Interrupted);
        }
    }
    let options = RenderOptions {
        color: screen.color && args.format == Format::Text,
        width: 0,
        file: args.scenario.clone().filter(|name| Path::new(name).is_file()),
        lines: scenario.threshold_lines(&checked.thresholds),
    };
    screen.print(&report.render(args.format, &options))?;
    if let Some(out) = &args.out {
        let settings = Settings::from_plan(&checked.plan);
        let written = folder::write(out, &report, &checked.resolved(), settings, args.png)?;
        let places: Vec<String> = written.iter().map(|p| p.display().to_string()).collect();
        screen.say(&format!("\nto look at: {}", places.join(", ")));
    }
    Ok(match (interrupted, report.passed()) {
        (true, _) => Exit::Interrupted,
        (_, true) => Exit::Passed,
        (_, false) => Exit::Failed,
    })
}

/// The scenario with all changes of the command line.
fn scenario(args: &Args, screen: &Screen) -> Result<Scenario, Failure> {
    let Some(name) = &args.scenario else {
        let (preset, nodes) =
            (args.preset.as_deref().unwrap_or(PRESET), args.changes.nodes.unwrap_or(NODES));
        screen.note(&format!(
            "no scenario named: the default one with {preset} and {nodes} nodes \
             (`wavetank scenarios` lists others)"
        ));
        let scenario = pick::default(preset, nodes, args.loss.as_deref(), args.latency.as_deref());
        let changes = Changes { nodes: None, ..args.changes.clone() };
        return Ok(with(scenario, &changes));
    };
    let mut changes = args.changes.clone();
    let named = [
        ("cluster.preset", &args.preset),
        ("network.loss", &args.loss),
        ("network.latency", &args.latency),
    ];
    for (path, value) in named {
        changes.set.extend(value.iter().map(|v| (path.to_owned(), v.clone())));
    }
    Ok(with(pick::scenario(name, screen)?, &changes))
}

/// A scenario with changes; `--seeds N` counts from its own first seed.
pub fn with(scenario: Scenario, changes: &Changes) -> Scenario {
    let first = scenario.check().map_or(1, |checked| checked.plan.seed);
    scenario.with_overrides(changes.overrides(first))
}
