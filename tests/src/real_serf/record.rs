//! What was measured or simulated, and its file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::schedule::{STEPS, Step};
use crate::fidelity::trials::Trials;

/// Trials of one step; one cluster.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
pub struct Case {
    /// What the columns are.
    pub columns: Vec<String>,
    /// Per cluster and trial, in milliseconds; none: not reached.
    pub clusters: Trials,
}

/// All steps of one run of the real cluster.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
pub struct Record {
    /// How it was made.
    pub about: String,
    /// One-way delay in microseconds, by the agents' own estimates of round trips.
    pub delay_us: u64,
    /// Median time in microseconds from an agent's ack to its response: its handler's.
    pub handler_us: u64,
    /// Steps by name.
    pub cases: BTreeMap<String, Case>,
}

impl Record {
    /// Adds a trial of a step.
    pub fn push(&mut self, step: &Step, values: Vec<Option<f64>>) {
        assert_eq!(values.len(), step.columns.len(), "a value for each column");
        let empty = || Case {
            columns: step.columns.iter().map(|&c| c.to_owned()).collect(),
            clusters: vec![Vec::new()],
        };
        let case = self.cases.entry(step.name.to_owned()).or_insert_with(empty);
        // A tenth of a millisecond is more than a pipe and a thread tell apart.
        let rounded = values.into_iter().map(|v| v.map(|v| (v * 10.0).round() / 10.0)).collect();
        case.clusters[0].push(rounded);
    }

    /// The file's text: a line for each trial.
    pub fn json(&self) -> String {
        let mut text = format!(
            "{{\n  \"about\": {},\n  \"delay_us\": {},\n  \"handler_us\": {},\n  \"cases\": {{\n",
            quoted(&self.about),
            self.delay_us,
            self.handler_us
        );
        let steps = STEPS.iter().filter_map(|s| Some((s.name, self.cases.get(s.name)?)));
        let cases: Vec<String> = steps
            .map(|(name, case)| {
                let trials: Vec<String> = case.clusters[0].iter().map(quoted).collect();
                format!(
                    "    {}: {{\"columns\": {}, \"clusters\": [[\n      {}\n    ]]}}",
                    quoted(name),
                    quoted(&case.columns),
                    trials.join(",\n      ")
                )
            })
            .collect();
        text.push_str(&cases.join(",\n"));
        text.push_str("\n  }\n}\n");
        text
    }
}

/// JSON of small values, which cannot fail.
fn quoted<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("plain values are JSON")
}
