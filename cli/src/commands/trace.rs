//! `wavetank trace`: one run, event by event, as JSON Lines.
//!
//! A line is written when its event happens and nothing is kept, so a trace may be longer than memory. When
//! the reader goes away, so does the run.

mod lines;
mod serf;

use std::{
    cell::Cell,
    io::{self, BufWriter, ErrorKind, Write},
};

use wavetank::{
    protocol::Time,
    sim_core::{cluster::Tank, plan::Plan},
};

use crate::{
    args::{self, Changes},
    commands::run::with,
    exit::{Exit, Failure},
    pick,
    screen::Screen,
};

use lines::{Filter, Kind, Lines};

/// Print every event of one run as JSON Lines
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Each line is an object with time_ns (simulated), kind, node, and what belongs to
the kind: to or from, what a packet carried, how a belief changed.

Examples:
  wavetank trace zone-cut --seed 3 > trace.jsonl
  wavetank trace zone-cut --about a-03 --kinds state,suspicion
  wavetank trace my.yaml --node n-07 --from 10s --to 20s")]
pub struct Args {
    #[arg(help = args::SCENARIO)]
    scenario: String,
    #[command(flatten)]
    changes: Changes,
    /// Only what happens at this node
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// Only what is about this node: its own doings and what others send, hear or believe about it
    #[arg(long, value_name = "NAME")]
    about: Option<String>,
    /// Only from this simulated time on, such as 10s
    #[arg(long, value_name = "T", value_parser = args::time)]
    from: Option<Time>,
    /// Only up to this simulated time, where the run ends
    #[arg(long, value_name = "T", value_parser = args::time)]
    to: Option<Time>,
    /// Only these kinds, with commas
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    kinds: Vec<Kind>,
}

pub fn perform(args: &Args, screen: &Screen) -> Result<Exit, Failure> {
    let checked = with(pick::scenario(&args.scenario, screen)?, &args.changes).check()?;
    let plan = &checked.plan;
    if !checked.warnings.is_empty() {
        screen.problems(&checked.warnings);
    }
    if args.changes.seeds.is_some() || (plan.seeds > 1 && args.changes.seed.is_none()) {
        screen.note(&format!("tracing seed {} of {}; choose with --seed", plan.seed, plan.seeds));
    }
    for name in args.node.iter().chain(&args.about) {
        known(name, plan)?;
    }
    let filter = Filter {
        node: args.node.clone(),
        about: args.about.clone(),
        from: args.from.unwrap_or(0),
        to: args.to.unwrap_or(Time::MAX),
        kinds: args.kinds.clone(),
    };
    let broken = Cell::new(None);
    let out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let lines = Lines::new(out, plan, filter, &broken);
    let mut tank = Tank::new(plan, plan.seed, lines);
    let end = plan.duration.min(args.to.unwrap_or(Time::MAX).saturating_add(1));
    // A small step, so that a reader who went away is noticed soon.
    let step = (plan.duration / 1000).max(1);
    while tank.now() < end && broken.get().is_none() {
        tank.advance((tank.now() + step).min(end));
    }
    let (_, lines) = tank.finish();
    let flushed = lines.into_inner().flush();
    match broken.get().or(flushed.err().map(|e| e.kind())) {
        None | Some(ErrorKind::BrokenPipe) => Ok(Exit::Passed),
        Some(kind) => Err(Failure::CannotRun(format!("cannot write the trace: {kind}"))),
    }
}

/// Refuses names that nobody has; names that a restart makes up are let through.
fn known(name: &str, plan: &Plan) -> Result<(), Failure> {
    let cluster = &plan.cluster;
    let matches = |slot: u32| {
        let own = cluster.name(slot);
        own == name || name.starts_with(&own)
    };
    if (0..cluster.slots()).any(matches) {
        return Ok(());
    }
    let (first, last) = (cluster.name(0), cluster.name(cluster.slots() - 1));
    Err(Failure::Usage(format!("no node is called `{name}`; the names go from {first} to {last}")))
}
