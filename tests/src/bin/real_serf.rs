//! `make real-serf`: real Serf agents on loopback, and the simulation of the same steps.

use std::{
    path::PathBuf,
    process::ExitCode,
    thread,
    time::Duration,
};

use wavetank_tests::real_serf::{guard::Guard, program, steps};

/// Nothing lasts longer; the guard's own limit stands behind it.
const LIMIT: Duration = Duration::from_secs(285);

fn main() -> ExitCode {
    let mut record: Option<PathBuf> = None;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match (arg.as_str(), args.next()) {
            ("--record", Some(path)) => record = Some(path.into()),
            _ => {
                eprintln!("usage: real_serf [--record FILE]");
                return ExitCode::from(2);
            }
        }
    }
    thread::spawn(|| {
        thread::sleep(LIMIT);
        eprintln!("real-serf: stopped after {} s", LIMIT.as_secs());
        std::process::exit(1);
    });
    let guard = match Guard::start(LIMIT + Duration::from_secs(10)) {
        Ok(guard) => guard,
        Err(e) => {
            eprintln!("real-serf: could not run: the guard did not start: {e}");
            return ExitCode::from(1);
        }
    };
    let measured = program::find(guard.folder()).and_then(|program| {
        eprintln!("found serf {}", program.version);
        steps::measure(&guard, &program)
    });
    drop(guard);
    let measured = match measured {
        Ok(measured) => measured,
        Err(e) => {
            eprintln!("real-serf: could not run: {e}");
            return ExitCode::from(1);
        }
    };
    print!("{}", measured.json());
    ExitCode::SUCCESS
}
