//! `make real-serf`: real Serf agents on loopback, and the simulation of the same steps.

use std::{process::ExitCode, thread, time::Duration};

use wavetank_tests::real_serf::{compare, guard::Guard, program, record::Record, simulated, steps};

/// Nothing lasts longer; the guard's own limit stands behind it.
const LIMIT: Duration = Duration::from_secs(285);

const USAGE: &str = "usage: real_serf [--runs N] [--record FILE] [--measured FILE]

  --runs N         simulations to compare with (400)
  --record FILE    write the measurements as JSON
  --measured FILE  compare these measurements; no agent is started";

struct Options {
    runs: u64,
    record: Option<String>,
    measured: Option<String>,
}

fn options() -> Option<Options> {
    let mut options = Options { runs: 400, record: None, measured: None };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match (arg.as_str(), args.next()) {
            ("--runs", Some(n)) => options.runs = n.parse().ok().filter(|n| *n > 1)?,
            ("--record", Some(path)) => options.record = Some(path),
            ("--measured", Some(path)) => options.measured = Some(path),
            _ => return None,
        }
    }
    Some(options)
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    thread::spawn(|| {
        thread::sleep(LIMIT);
        eprintln!("real-serf: stopped after {} s", LIMIT.as_secs());
        std::process::exit(1);
    });
    match run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(99),
        Err(e) => {
            eprintln!("real-serf: could not run: {e}");
            ExitCode::from(1)
        }
    }
}

fn run(options: &Options) -> Result<bool, String> {
    let measured = match &options.measured {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
            serde_json::from_str(&text).map_err(|e| format!("{path}: {e}"))?
        }
        None => measure()?,
    };
    if let Some(path) = &options.record {
        std::fs::write(path, measured.json()).map_err(|e| format!("{path}: {e}"))?;
    }
    eprintln!("simulating the same steps with {} seeds ...", options.runs);
    let simulated = simulated::runs(measured.delay_us, measured.handler_us, options.runs)?;
    let rows = compare::rows(&measured, &simulated);
    println!(
        "Measured: {}.\nSimulated: {} seeds; one-way delay {} us and handler {} us as measured.\n\
         \"inside\" counts measured ones between p1 and p99; z is the distance of the measured median from \
         the mean of the simulated runs' medians, in their standard deviations (at most 3.5).\n\n{}",
        measured.about,
        options.runs,
        measured.delay_us,
        measured.handler_us,
        compare::markdown(&rows)
    );
    let outside = rows.iter().filter(|r| !r.verdict.holds()).count();
    println!("{} rows, {outside} outside their bounds", rows.len());
    Ok(outside == 0)
}

/// All agents are gone when this returns.
fn measure() -> Result<Record, String> {
    let guard = Guard::start(LIMIT + Duration::from_secs(10))
        .map_err(|e| format!("the guard of the agents did not start: {e}"))?;
    let program = program::find(&guard)?;
    eprintln!("found serf {}", program.version);
    steps::measure(&guard, &program)
}
