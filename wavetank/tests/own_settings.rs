//! What a property test of one's own settings looks like in CI; `examples/own_settings.rs` is the same as a
//! program.

use proptest::{prelude::*, test_runner::RngSeed};
use wavetank::strategies::{Cluster, Fault, scenarios_on};

/// A partition is not among them: memberlist alone may not recover from one.
const BAD_DAYS: [Fault; 4] = [Fault::Restart, Fault::Pause, Fault::Slow, Fault::Loss];

/// A fixed seed: a test that passes once passes always.
fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::with_cases(32)
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn five_servers_get_well_again_after_bad_days(
        scenario in scenarios_on(Just(Cluster::new("{preset: consul-lan, nodes: 5}")), &BAD_DAYS)
    ) {
        let report = scenario.run().map_err(|error| TestCaseError::fail(error.to_string()))?;
        let alive = report.curves.get("alive").and_then(|c| c.first()?.points.last().copied());
        prop_assert_eq!(alive.map(|(_, records)| records), Some(25.0));
    }
}
