//! `wavetank check`: what would run, without running it.

use std::fmt::Write;

use serde_json::{Value, json};
use wavetank::{
    Plan, estimate_memory,
    protocol::rules::{push_pull_scale, retransmit_limit, suspicion_limits},
    sim_core::plan::{Group, Start},
};

use crate::{
    args::{self, Changes},
    commands::run::with,
    exit::{Exit, Failure},
    host, pick,
    screen::Screen,
    words::{self, span},
};

/// Check scenarios and say what would run; simulates nothing
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  wavetank check my.yaml
  wavetank check *.yaml --format json
  wavetank check zone-cut --nodes 10000        does it fit into memory?

The exit code is 2 if any scenario is invalid.")]
pub struct Args {
    #[arg(required = true, value_name = "SCENARIO", help = args::SCENARIO)]
    scenarios: Vec<String>,
    #[command(flatten)]
    changes: Changes,
    /// What to print
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Form,
}

/// Formats of this command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For a terminal
    Text,
    /// A list with an object for each scenario
    Json,
}

pub fn perform(args: &Args, screen: &Screen) -> Result<Exit, Failure> {
    let mut objects = Vec::new();
    let mut invalid = 0;
    for (i, name) in args.scenarios.iter().enumerate() {
        let checked = pick::scenario(name, screen)
            .and_then(|s| with(s, &args.changes).check().map_err(Failure::Invalid));
        match checked {
            Ok(checked) if args.format == Form::Text => {
                let gap = if i > 0 { "\n" } else { "" };
                screen.print(&format!("{gap}{}", text(name, &checked, screen)))?;
                if !checked.warnings.is_empty() {
                    screen.problems(&checked.warnings);
                }
            }
            Ok(checked) => objects.push(object(name, &checked)),
            Err(failure) => {
                invalid += 1;
                match (&failure, args.format) {
                    (Failure::Invalid(problems), _) => screen.problems(problems),
                    _ => screen.failure(&failure),
                }
                objects.push(json!({"source": name, "valid": false, "errors": errors(&failure)}));
            }
        }
    }
    if args.format == Form::Json {
        screen.print(&format!("{:#}\n", Value::Array(objects)))?;
    }
    if invalid > 0 {
        screen.say(&format!("\n{invalid} of {} invalid", args.scenarios.len()));
        return Err(Failure::Told);
    }
    Ok(Exit::Passed)
}

fn errors(failure: &Failure) -> Vec<Value> {
    match failure {
        Failure::Invalid(problems) => problems.0.iter().map(problem).collect(),
        _ => vec![json!({"message": failure.to_string()})],
    }
}

fn problem(p: &wavetank::Problem) -> Value {
    json!({"message": p.message, "label": p.label, "help": p.help, "source": p.source, "line": p.line,
        "column": p.column})
}

fn text(name: &str, checked: &wavetank::scenarios::Scenario, screen: &Screen) -> String {
    let plan = &checked.plan;
    let mut out = String::new();
    let ok = screen.style("32", "✓");
    let title = screen.style("1", &plan.name);
    let place = if plan.name == name { String::new() } else { format!(" ({name})") };
    let _ = writeln!(out, "{ok} {title}{place}");
    let mut line = |key: &str, value: &str| {
        let key = screen.style("2", &format!("{key:<12}"));
        for (i, part) in wrap(value, 64).iter().enumerate() {
            let _ = writeln!(out, "  {}{part}", if i == 0 { &key } else { "              " });
        }
    };
    line("nodes", &format!("{}: {}", plan.cluster.slots(), words::groups(&plan.cluster)));
    line("start", start(&plan.cluster.start));
    line("runs", &runs(plan));
    line("network", &network(plan));
    for (i, entry) in plan.timeline.iter().enumerate() {
        let key = if i == 0 { "timeline" } else { "" };
        let entry =
            format!("{}: {} [{}]", words::when(entry, plan), words::what(entry, plan), entry.id);
        line(key, &entry);
    }
    for (i, threshold) in checked.thresholds.iter().enumerate() {
        let key = if i == 0 { "thresholds" } else { "" };
        line(key, &format!("{} {}", threshold.metric.name, threshold.expression));
    }
    for (i, derived) in derived(plan).iter().enumerate() {
        line(if i == 0 { "derived" } else { "" }, derived);
    }
    let memory = estimate_memory(plan);
    let remark = host::too_much(memory).map_or_else(String::new, |r| format!(", {r}"));
    line("memory", &format!("about {} a run{remark}", host::bytes(memory)));
    line("blake3", checked.hash.trim_start_matches("blake3:"));
    out
}

fn start(start: &Start) -> &'static str {
    match start {
        Start::Converged => "converged: everybody knows everybody",
        Start::Empty => "empty: everybody knows only itself",
        Start::Joining { .. } => "joining: one after another",
    }
}

fn runs(plan: &Plan) -> String {
    let last = plan.seed + u64::from(plan.seeds) - 1;
    let seeds = if plan.seeds == 1 {
        format!("seed {}", plan.seed)
    } else {
        format!("{} seeds ({} to {last})", plan.seeds, plan.seed)
    };
    format!("{} of simulated time, {seeds}", span(plan.duration))
}

fn network(plan: &Plan) -> String {
    let spec = &plan.network.default;
    let links = match plan.network.links.len() {
        0 => String::new(),
        1 => "; 1 link differs".to_owned(),
        n => format!("; {n} links differ"),
    };
    format!("{}, {}{links}", words::latency(&spec.latency), words::loss(&spec.loss))
}

/// What follows from the settings, for the groups where it differs.
fn derived(plan: &Plan) -> Vec<String> {
    let n: u32 = plan.cluster.groups.iter().filter(|g| !g.stopped).map(|g| g.nodes).sum();
    let mut lines: Vec<(String, String)> = Vec::new();
    for Group { name, config: index, .. } in &plan.cluster.groups {
        let config = &plan.cluster.configs[usize::from(*index)];
        let limits = suspicion_limits(config, n);
        let copies = retransmit_limit(config.retransmit_mult, n);
        let text = format!(
            "{copies} copies of each message; suspicion {} to {} ({} confirmations); push/pull every {}",
            span(limits.min),
            span(if limits.expected == 0 { limits.min } else { limits.max }),
            limits.expected,
            span(config.push_pull_interval * push_pull_scale(n)),
        );
        match lines.iter_mut().find(|(_, same)| *same == text) {
            Some((names, _)) => names.extend([", ", name]),
            None => lines.push((name.clone(), text)),
        }
    }
    let alone = lines.len() == 1;
    let line = |(names, text): (String, String)| {
        if alone { text } else { format!("{names}: {text}") }
    };
    lines.into_iter().map(line).collect()
}

fn object(source: &str, checked: &wavetank::scenarios::Scenario) -> Value {
    let plan = &checked.plan;
    let groups: Vec<Value> =
        plan.cluster.groups.iter().map(|g| json!({"name": g.name, "nodes": g.nodes})).collect();
    let timeline: Vec<Value> = plan
        .timeline
        .iter()
        .map(|e| json!({"id": e.id, "when": words::when(e, plan), "what": words::what(e, plan)}))
        .collect();
    let thresholds: Vec<Value> = checked
        .thresholds
        .iter()
        .map(|t| json!({"metric": t.metric.name, "expression": t.expression}))
        .collect();
    let warnings: Vec<Value> = checked.warnings.0.iter().map(problem).collect();
    json!({
        "source": source, "valid": true, "name": plan.name, "hash": checked.hash,
        "nodes": plan.cluster.slots(), "groups": groups, "duration_ns": plan.duration,
        "seed": plan.seed, "seeds": plan.seeds, "timeline": timeline, "thresholds": thresholds,
        "memory_bytes": estimate_memory(plan), "warnings": warnings,
    })
}

/// Breaks a text at spaces.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
