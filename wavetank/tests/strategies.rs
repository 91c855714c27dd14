//! Whatever the strategies make is a valid scenario, and they make every kind of fault.

use std::collections::BTreeSet;

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngSeed, TestRunner},
};
use wavetank::strategies::{Fault, clusters, faults, scenarios};

fn quick(cases: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::with_cases(cases)
    }
}

proptest! {
    #![proptest_config(quick(256))]

    #[test]
    fn scenarios_are_valid_and_show_their_file(scenario in scenarios()) {
        prop_assert!(scenario.check().is_ok(), "{}", scenario.check().expect_err("invalid"));
        let shown = format!("{scenario:?}");
        let again = wavetank::Scenario::parse(&shown).map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(again.check().expect("valid").hash, scenario.check().expect("valid").hash);
    }
}

proptest! {
    #![proptest_config(quick(8))]

    #[test]
    fn scenarios_run(scenario in scenarios()) {
        let report = scenario.run().expect("a report");
        prop_assert_eq!(report.runs.len(), 1);
    }
}

#[test]
fn every_verb_and_both_starts_are_made() {
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    );
    let mut seen = BTreeSet::new();
    for _ in 0..300 {
        let made = faults(&Fault::ALL, 4).new_tree(&mut runner).expect("faults").current();
        for verb in [
            "restart",
            "update",
            "pause",
            "slow",
            "loss",
            "delay",
            "partition",
            "block",
            "duplicate",
        ] {
            if made.entries().any(|e| e.contains(&format!("{verb}: {{"))) {
                seen.insert(verb);
            }
        }
        let cluster = clusters().new_tree(&mut runner).expect("a cluster").current();
        seen.insert(if cluster.text().contains("joining") { "joining" } else { "converged" });
    }
    assert_eq!(seen.len(), 11, "{seen:?}");
}
