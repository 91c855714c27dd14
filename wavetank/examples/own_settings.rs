//! A property of your own settings, over fault schedules that nobody wrote by hand:
//! `cargo run -p wavetank --features proptest --example own_settings`.
//!
//! The same stands as a `#[test]` in `tests/own_settings.rs`. When a case fails, proptest shrinks it and
//! prints the scenario file that shows it.

use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use wavetank::{
    Scenario,
    strategies::{Cluster, Fault, scenarios_on},
};

/// The settings in question: five Consul servers with gossip at half the default rate.
fn my_cluster() -> Cluster {
    Cluster::new("{preset: consul-lan, nodes: 5, config: {gossip_interval: 400ms}}")
}

/// What happens to them on bad days. A partition is not among them: memberlist alone may not recover.
const BAD_DAYS: [Fault; 7] = [
    Fault::Restart,
    Fault::Update,
    Fault::Pause,
    Fault::Slow,
    Fault::Loss,
    Fault::Delay,
    Fault::Duplicate,
];

/// Whatever happened, once it is over everybody holds everybody alive again.
fn gets_well_again(scenario: &Scenario) -> Result<(), TestCaseError> {
    let report = scenario.run().map_err(|error| TestCaseError::fail(error.to_string()))?;
    let alive =
        report.curves.get("alive").and_then(|curves| curves.first()?.points.last().copied());
    prop_assert_eq!(
        alive.map(|(_, records)| records),
        Some(25.0),
        "records that say alive at the end"
    );
    Ok(())
}

fn main() {
    let cases = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(64);
    let mut runner =
        TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(cases) });
    match runner
        .run(&scenarios_on(Just(my_cluster()), &BAD_DAYS), |scenario| gets_well_again(&scenario))
    {
        Ok(()) => println!("{cases} fault schedules, and the cluster got well after each"),
        Err(failure) => {
            eprintln!("{failure}");
            std::process::exit(99);
        }
    }
}
