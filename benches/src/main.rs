//! `make bench`: measures the yardsticks and Wavetank in one run.

use clap::{Parser, ValueEnum};
use wavetank_benches::{
    floor::{self, Floor},
    measure::{self, Effort},
    peer::Peer,
    report::{self, Figure},
    tank::{self, Wavetank},
};

/// Measures Wavetank against a bare loop and against foca, in one run.
#[derive(Parser)]
#[command(name = "bench")]
struct Options {
    /// Shorter and fewer repetitions, and no large clusters.
    #[arg(long)]
    quick: bool,
    /// Only these subjects; may be given more than once.
    #[arg(long)]
    only: Vec<Subject>,
    /// How to print the figures.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Subject {
    Floor,
    Foca,
    Wavetank,
    Serf,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
}

const SEED: u64 = 1;

/// How long a cluster is observed after a node was killed, in simulated seconds.
const OBSERVED: u64 = 40;

fn main() {
    let options = Options::parse();
    let effort = if options.quick { Effort::QUICK } else { Effort::FULL };
    let wanted = |subject| options.only.is_empty() || options.only.contains(&subject);
    let mut figures = Vec::new();

    if wanted(Subject::Floor) {
        let sizes: &[u32] =
            if options.quick { &[1_000, 10_000] } else { &[1_000, 10_000, 100_000, 1_000_000] };
        for &nodes in sizes {
            let wall = measure::steady(&mut [&mut Floor::new(nodes, SEED)], effort);
            figures.push(Figure {
                subject: "floor",
                case: "steady",
                nodes,
                wall: wall[0],
                events: Some(floor::EVENTS),
            });
        }
    }
    if wanted(Subject::Foca) {
        let sizes: &[u32] = if options.quick { &[1_000] } else { &[1_000, 5_000] };
        for &nodes in sizes {
            let mut peer = Peer::new(nodes, SEED);
            let steady = measure::steady(&mut [&mut peer], effort);
            let killed = measure::killed(&mut [&mut peer], OBSERVED, effort);
            for (case, wall) in [("steady", steady[0]), ("killed", killed[0])] {
                figures.push(Figure { subject: "foca", case, nodes, wall, events: None });
            }
        }
    }

    if wanted(Subject::Wavetank) {
        let sizes: &[u32] = if options.quick { &[1_000] } else { &[1_000, 5_000, 10_000] };
        for &nodes in sizes {
            let plan = tank::plan(nodes);
            let mut tank = Wavetank::new(&plan, SEED);
            let steady = measure::steady(&mut [&mut tank], effort);
            let killed = measure::killed(&mut [&mut tank], OBSERVED, effort);
            for (case, wall) in [("steady", steady[0]), ("killed", killed[0])] {
                figures.push(Figure { subject: "wavetank", case, nodes, wall, events: None });
            }
        }
    }

    if wanted(Subject::Serf) {
        for &nodes in if options.quick { &[1_000][..] } else { &[1_000, 5_000] } {
            let (swim, serf) = (tank::plan(nodes), tank::serf_plan(nodes));
            let (mut swim, mut serf) = (Wavetank::new(&swim, SEED), Wavetank::new(&serf, SEED));
            let wall = measure::steady(&mut [&mut swim, &mut serf], effort);
            for (subject, wall) in [("swim", wall[0]), ("serf", wall[1])] {
                figures.push(Figure { subject, case: "serf", nodes, wall, events: None });
            }
        }
    }

    match options.format {
        Format::Table => print!("{}", report::table(&figures)),
        Format::Json => println!("{:#}", report::json(&figures)),
    }
}
