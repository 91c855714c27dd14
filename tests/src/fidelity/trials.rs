//! Timed trials: crashes, joins, updates, user events, as they were measured one after another in each cluster.

use std::fmt::Write as _;

use rayon::prelude::*;
use wavetank_protocol::belief::MemberId;
use wavetank_scenarios::{Overrides, Source, load};
use wavetank_sim_core::{cluster::Tank, outcome::Outcome, plan::Plan, watch::Nobody};

use super::stats;
use crate::real_serf::{
    logs::{Log, Logs},
    steps::share,
};

/// What was not reached within this many milliseconds counts as not reached by gossip.
const GIVEN_UP: f64 = 3000.0;

/// A case of timed trials.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name among the measurements.
    pub id: &'static str,
    /// Nodes at the start.
    pub nodes: u32,
    /// Loss per datagram, in percent.
    pub loss: u32,
    /// Retransmit multiplier.
    pub retransmit_mult: u32,
    /// What a trial is.
    pub trial: Trial,
}

/// What a trial is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trial {
    /// One of the running nodes crashes, 4 to 6 s after the last crash was known to all.
    Crash,
    /// A new node joins through a random one.
    Join,
    /// A random node changes its metadata.
    Update,
    /// One of the running Serf agents is killed, likewise; read from the agents' logs.
    AgentCrash,
    /// A random Serf agent sends a user event; read from the agents' logs.
    AgentEvent,
}

impl Trial {
    /// At Serf agents.
    pub fn of_agents(self) -> bool {
        matches!(self, Self::AgentCrash | Self::AgentEvent)
    }
}

/// Measured or simulated trials: per cluster, per trial, the columns in milliseconds.
pub type Trials = Vec<Vec<Vec<Option<f64>>>>;

/// When measuring begins, in seconds: nodes started over 3 s and the packet rate is back to its base.
pub const BEGIN: u32 = 6;

/// The cluster of a real measurement as a scenario's head: nodes start over three seconds, so that each
/// one's push/pull begins 30 to 60 s after it.
pub fn head(nodes: u32, config: &str) -> String {
    let every = 3000 / nodes;
    let names = if nodes > 10 { "{group}-0{index}" } else { "{group}-00{index}" };
    format!(
        "version: 1\nname: measured\ncluster:\n  preset: memberlist-lan\n  compat: \"0.2\"\n  \
         names: \"{names}\"\n  meta_bytes: 8\n  start: joining\n  \
         join: {{via: [node-000], every: {every}ms}}\n  \
         config: {{enable_compression: false{config}}}\n  nodes: {nodes}\nnetwork:\n  \
         latency: 1150us\n  streams: {{loss: 0%}}\n"
    )
}

/// A cluster of real Serf agents, each a process on loopback: half a round trip as agents of such a cluster
/// estimate it (`tests/data/real-serf-16.json`), the agent's settings, no tags. The rest is as in [`head`].
pub fn agents(nodes: u32) -> String {
    head(nodes, "")
        .replace("memberlist-lan", "serf-lan")
        .replace("  meta_bytes: 8\n", "")
        .replace("  config: {enable_compression: false}\n", "")
        .replace("1150us", "200us")
}

impl Case {
    /// The scenario of one cluster with so many trials.
    fn scenario(&self, trials: usize) -> String {
        let config = format!(", retransmit_mult: {}", self.retransmit_mult);
        let mut text =
            if self.trial.of_agents() { agents(self.nodes) } else { head(self.nodes, &config) };
        if self.trial == Trial::Join {
            // Newcomers are there from the start but do not run; the last one never will.
            let groups = format!(
                "  groups:\n    - {{name: node, nodes: {}}}\n    - {{name: late, nodes: 11, start: stopped}}\n",
                self.nodes
            );
            text = text.replace(&format!("  nodes: {}\n", self.nodes), &groups);
        }
        let begin = BEGIN as usize + if self.loss > 0 { 5 } else { 0 };
        let duration = begin
            + match self.trial {
                Trial::Crash | Trial::AgentCrash => 40 * trials + 40,
                Trial::Join => 10 * trials + 30,
                Trial::Update | Trial::AgentEvent => 5 * trials + 10,
            };
        let _ = write!(text, "duration: {duration}s\ntimeline:\n");
        if self.loss > 0 {
            let _ = writeln!(text, "  - {{at: {BEGIN}s, loss: {}%}}", self.loss);
        }
        for i in 0..trials {
            let at = match (self.trial, i) {
                (Trial::Crash | Trial::AgentCrash, 0) => {
                    format!("at: {{from: {begin}s, to: {}s}}", begin + 2)
                }
                (Trial::Crash | Trial::AgentCrash, _) => {
                    format!("after: {{event: t{}, known: all, delay: {{from: 4s, to: 6s}}}}", i - 1)
                }
                // A newcomer is created, alone, some time before it joins.
                (Trial::Join, _) => {
                    format!("after: {{event: s{i}, known: none, delay: {{from: 1s, to: 2s}}}}")
                }
                (Trial::Update | Trial::AgentEvent, _) => {
                    format!("at: {{from: {}s, to: {}s}}", 5 * i + begin, 5 * i + begin + 1)
                }
            };
            let act = match self.trial {
                Trial::Crash | Trial::AgentCrash => {
                    "crash: {nodes: {group: node, pick: 1}}".to_owned()
                }
                Trial::AgentEvent => format!(
                    "user-event: {{nodes: {{group: node, pick: 1}}, name: event-{i}, payload: x, \
                     coalesce: false}}"
                ),
                Trial::Join => {
                    let at = 10 * i + begin;
                    let alone = format!("join: {{nodes: late-0{i:02}, via: [late-010]}}");
                    let _ = writeln!(text, "  - {{id: s{i}, at: {at}s, {alone}}}");
                    let via = (i * 7 + 3) % self.nodes as usize;
                    format!("join: {{nodes: late-0{i:02}, via: [node-0{via:02}]}}")
                }
                Trial::Update => {
                    "update: {nodes: {group: node, pick: 1}, meta_bytes: 8}".to_owned()
                }
            };
            let _ = writeln!(text, "  - {{id: t{i}, {at}, {act}}}");
        }
        text
    }

    fn plan(&self, trials: usize) -> Plan {
        let text = self.scenario(trials);
        match load(Source::new(self.id, &text), &Overrides::default()) {
            Ok(scenario) => scenario.plan,
            Err(problems) => panic!("the scenario of {} is wrong:\n{problems}\n{text}", self.id),
        }
    }

    fn columns(&self) -> &'static [&'static str] {
        match self.trial {
            Trial::Crash => &["first", "all"],
            Trial::Join => &["t50", "t90", "t99", "t100"],
            Trial::Update => &["t10", "t50", "t90", "t99", "t100"],
            Trial::AgentCrash | Trial::AgentEvent => &["first", "t50", "t90", "all"],
        }
    }

    /// Simulates the measured structure once.
    pub fn replicate(&self, plans: &[Plan], number: u64) -> Trials {
        let run = |(cluster, plan): (usize, &Plan)| {
            let seed = number * 1000 + cluster as u64 + 1;
            let trials = plan.timeline.iter().filter(|e| e.id.starts_with('t')).count();
            if self.trial.of_agents() {
                return self.read_logs(&Tank::run(plan, seed, Logs::default()).1, trials);
            }
            self.read(&Tank::run(plan, seed, Nobody).0, trials)
        };
        plans.iter().enumerate().map(run).collect()
    }

    /// Plans, one per measured cluster.
    pub fn plans(&self, measured: &Trials) -> Vec<Plan> {
        measured.iter().map(|trials| self.plan(trials.len())).collect()
    }

    /// Many replicates, in order.
    pub fn replicates(&self, measured: &Trials, many: u64) -> Vec<Trials> {
        let plans = self.plans(measured);
        (0..many).into_par_iter().map(|n| self.replicate(&plans, n)).collect()
    }

    fn read(&self, outcome: &Outcome, trials: usize) -> Vec<Vec<Option<f64>>> {
        let metric = |column: &str| match column {
            "first" => "detection.first",
            "all" => "detection.all",
            "t50" => "dissemination.t50",
            "t90" => "dissemination.t90",
            "t99" => "dissemination.t99",
            _ => "dissemination.t100",
        };
        let ms = |ns: u64| ns as f64 / 1e6;
        (0..trials)
            .map(|i| {
                let event = format!("t{i}");
                let column = |column: &&str| {
                    if *column == "t10" {
                        return share_reached(outcome, &event, 0.1);
                    }
                    let sample = outcome
                        .samples
                        .iter()
                        .find(|s| s.metric == metric(column) && s.event == event);
                    let value = sample.and_then(|s| s.value).map(ms);
                    value.filter(|v| self.trial == Trial::Crash || *v <= GIVEN_UP)
                };
                self.columns().iter().map(column).collect()
            })
            .collect()
    }

    /// The trials of agents. The sender of an event counts as its first hearer, as it was measured.
    fn read_logs(&self, logs: &Logs, trials: usize) -> Vec<Vec<Option<f64>>> {
        let mut running: Vec<usize> = (0..self.nodes as usize).collect();
        let mut read = |i: usize| {
            let Some((since, slots)) = logs.begin(&format!("t{i}")) else { return vec![None; 4] };
            let log = if self.trial == Trial::AgentCrash {
                running.retain(|who| !slots.contains(&(*who as u32)));
                Log::Failed(MemberId(slots[0]))
            } else {
                Log::EventHeard(i)
            };
            let patience = if self.trial == Trial::AgentCrash { u64::MAX } else { GIVEN_UP as u64 };
            let times = logs.reached(&running, since, patience, log);
            vec![share(&times, 0.0), share(&times, 0.5), share(&times, 0.9), share(&times, 1.0)]
        };
        (0..trials).map(&mut read).collect()
    }

    /// Names and values of the statistics of a set of trials, against the pooled simulation.
    pub fn statistics(&self, trials: &Trials, pooled: &[Vec<f64>]) -> Vec<(String, f64)> {
        let mut out = Vec::new();
        let all: Vec<&Vec<Option<f64>>> = trials.iter().flatten().collect();
        // That an agent hears its own event first says nothing.
        let skipped = usize::from(self.trial == Trial::AgentEvent);
        for (i, column) in self.columns().iter().enumerate().skip(skipped) {
            let values = stats::sorted(all.iter().map(|t| t[i]));
            out.push((format!("{column} p50"), stats::quantile(&values, 0.5)));
            out.push((format!("{column} p90"), stats::quantile(&values, 0.9)));
            out.push((format!("{column} KS"), stats::distance(&values, &pooled[i])));
        }
        let last = self.columns().len() - 1;
        if matches!(self.trial, Trial::Crash | Trial::AgentCrash) {
            let spread: Vec<f64> = all.iter().filter_map(|t| Some(t[last]? - t[0]?)).collect();
            out.push(("all less first, mean".to_owned(), stats::mean(&spread)));
        } else {
            let missing = all.iter().filter(|t| t[last].is_none()).count() as f64;
            out.push(("share not reached".to_owned(), missing / all.len() as f64));
        }
        out
    }

    /// All values of each column over all replicates, ascending.
    pub fn pooled(&self, replicates: &[Trials]) -> Vec<Vec<f64>> {
        (0..self.columns().len())
            .map(|i| stats::sorted(replicates.iter().flatten().flatten().map(|t| t[i])))
            .collect()
    }
}

/// When a share of the others who count had an event, from its curve.
fn share_reached(outcome: &Outcome, event: &str, share: f64) -> Option<f64> {
    let curve = outcome.curves.iter().find(|c| c.curve == "dissemination" && c.event == event)?;
    let wanted = ((curve.of - 1) as f64 * share).ceil() + 1.0;
    let point = curve.points.iter().find(|(_, value)| *value >= wanted)?;
    Some(point.0 as f64 / 1e6)
}
