//! What a property test of one's own settings looks like in CI; `examples/own_settings.rs` is the same as a
//! program.

use proptest::prelude::*;
use wavetank::strategies::{Cluster, scenarios_on};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(8) })]

    #[test]
    fn five_servers_get_well_again_after_any_faults(
        scenario in scenarios_on(Just(Cluster::new("{preset: consul-lan, nodes: 5}")))
    ) {
        let report = scenario.run().map_err(|error| TestCaseError::fail(error.to_string()))?;
        let alive = report.curves.get("alive").and_then(|c| c.first()?.points.last().copied());
        prop_assert_eq!(alive.map(|(_, records)| records), Some(25.0));
    }
}
