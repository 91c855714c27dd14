//! Scenarios that load: what they become, and that their resolved form becomes the same.

use wavetank_scenarios::{Overrides, Scenario, Source, default_scenario, library, load, presets};
use wavetank_sim_core::plan::{Action, Of, Pick, Plan, SlotSet, When};

fn good(text: &str) -> Scenario {
    load(Source::new("test.yaml", text), &Overrides::default())
        .unwrap_or_else(|problems| panic!("{problems}"))
}

/// The plan without what a change of layout moves.
fn bare(scenario: &Scenario) -> Plan {
    let mut plan = scenario.plan.clone();
    plan.timeline.iter_mut().for_each(|e| e.line = 0);
    plan
}

fn check_round_trip(scenario: &Scenario) {
    let text = scenario.resolved();
    let again = load(Source::new("resolved.yaml", &text), &Overrides::default())
        .unwrap_or_else(|problems| panic!("{text}\n{problems}"));
    assert_eq!(bare(&again), bare(scenario), "{text}");
    assert_eq!(again.thresholds, scenario.thresholds);
    assert_eq!(again.description, scenario.description);
    assert_eq!(again.hash, scenario.hash, "{text}\n{}", again.resolved());
    assert_eq!(again.resolved(), text);
}

#[test]
fn the_contracts_example() {
    let text = library::get("zone-cut").unwrap().text;
    let scenario = good(text);
    let Plan { timeline, cluster, network, .. } = &scenario.plan;
    assert_eq!(scenario.warnings.to_string(), "");
    assert_eq!(cluster.slots(), 64);
    assert_eq!(cluster.configs.len(), 2);
    assert_eq!(network.links.len(), 1);
    let ids: Vec<&str> = timeline.iter().map(|e| e.id.as_str()).collect();
    assert_eq!(ids, ["crash-1", "partition-1", "change"]);
    let Action::Crash { who, .. } = &timeline[0].action else { panic!("{timeline:?}") };
    assert_eq!(who.of, Of::Set(SlotSet::range(0, 40)));
    assert_eq!(who.pick, Some(Pick::Count(1)));
    assert_eq!(timeline[2].when, When::At(60_000_000_000));
    assert_eq!(scenario.thresholds.len(), 3);
    check_round_trip(&scenario);
}

#[test]
fn the_library_loads_without_doubts() {
    for builtin in library::list() {
        let scenario = good(builtin.text);
        assert_eq!(scenario.plan.name, builtin.name);
        assert_eq!(scenario.warnings.to_string(), "", "{}", builtin.name);
        assert!(builtin.summary().ends_with('.'), "{}", builtin.name);
        check_round_trip(&scenario);
    }
}

#[test]
fn the_default_scenario_fits_every_preset() {
    for preset in presets::PRESETS {
        let scenario = default_scenario(preset.name, 20, Some("1%"), Some("5ms"))
            .unwrap_or_else(|problems| panic!("{}: {problems}", preset.name));
        assert_eq!(scenario.plan.cluster.configs[0], preset.config);
        check_round_trip(&scenario);
    }
}
