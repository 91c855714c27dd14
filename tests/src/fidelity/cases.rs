//! The measured cases and their raw trials.

use serde::Deserialize;

use super::trials::{Case, Trial, Trials};

/// The timed cases of memberlist, and those of Serf agents.
pub fn timed() -> Vec<Case> {
    let case =
        |id, nodes, loss, retransmit_mult, trial| Case { id, nodes, loss, retransmit_mult, trial };
    vec![
        case("crash-n32", 32, 0, 4, Trial::Crash),
        case("crash-n64", 64, 0, 4, Trial::Crash),
        case("crash-n64-loss10", 64, 10, 4, Trial::Crash),
        case("join-n32", 32, 0, 4, Trial::Join),
        case("update-n64-mult4", 64, 0, 4, Trial::Update),
        case("update-n64-mult2", 64, 0, 2, Trial::Update),
        case("update-n64-loss10", 64, 10, 4, Trial::Update),
        case("serf-crash-n32", 32, 0, 4, Trial::AgentCrash),
        case("serf-user-event-n32", 32, 0, 4, Trial::AgentEvent),
    ]
}

#[derive(Deserialize)]
struct Measured {
    columns: Vec<String>,
    clusters: Trials,
}

#[derive(Deserialize)]
struct File {
    cases: std::collections::BTreeMap<String, Measured>,
}

/// The measured trials of a case.
pub fn measured(id: &str) -> Trials {
    let text = include_str!("../../data/real-clusters.json");
    let mut file: File = serde_json::from_str(text).expect("the measurements are valid JSON");
    let case = file.cases.remove(id).expect("the case was measured");
    assert!(!case.columns.is_empty());
    case.clusters
}
