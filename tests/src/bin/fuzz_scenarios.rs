//! `make fuzz`: hostile scenario files, each of which must get an answer, and soon.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use rayon::prelude::*;
use wavetank_tests::fuzz;

/// An input that takes longer than this is a finding.
const PATIENCE: Duration = Duration::from_secs(2);

fn main() {
    let (mut inputs, mut seed, mut only) = (1_000_000, 1, None);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match (arg.as_str(), args.next().and_then(|n| n.parse::<u64>().ok())) {
            ("--inputs", Some(n)) => inputs = n,
            ("--seed", Some(n)) => seed = n,
            ("--only", Some(n)) => only = Some(n),
            _ => {
                eprintln!("usage: fuzz_scenarios [--inputs N] [--seed S] [--only NUMBER]");
                std::process::exit(2);
            }
        }
    }
    if let Some(number) = only {
        let text = fuzz::input(seed, number);
        println!("{text}\n{}", fuzz::try_one(&text));
        return;
    }
    let (accepted, findings) = (AtomicU64::new(0), AtomicU64::new(0));
    (0..inputs).into_par_iter().for_each(|number| {
        let text = fuzz::input(seed, number);
        let began = Instant::now();
        let answer = std::panic::catch_unwind(|| fuzz::try_one(&text));
        match answer {
            Ok(yes) if began.elapsed() <= PATIENCE => {
                accepted.fetch_add(u64::from(yes), Ordering::Relaxed);
            }
            answer => {
                let what = if answer.is_err() { "panicked" } else { "took too long" };
                eprintln!("input {number} {what}; see it with --seed {seed} --only {number}");
                findings.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let findings = findings.into_inner();
    println!(
        "{inputs} inputs of seed {seed}: {} were scenarios, {findings} findings",
        accepted.into_inner()
    );
    if findings > 0 {
        std::process::exit(99);
    }
}
