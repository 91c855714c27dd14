//! What text and Markdown both show: the tables, who was not reached, what happened, and notes.

use std::collections::BTreeMap;

use wavetank_sim_core::outcome::Unit;

use crate::{
    report::{CounterSummary, Happened, Interval, Report, Run, Summary},
    units::{from_name, human, human_or_never, human_with_interval},
};

/// A table; the first column is left, the others are right.
pub(super) struct Table {
    pub title: &'static str,
    pub header: &'static [&'static str],
    pub rows: Vec<Vec<String>>,
    /// Said below the table.
    pub notes: Vec<String>,
}

/// The three kinds of metrics, those that there are.
pub(super) fn tables(report: &Report) -> Vec<Table> {
    let tables = [trends(report), counters(report), gauges(report)];
    tables.into_iter().filter(|t| !t.rows.is_empty() || !t.notes.is_empty()).collect()
}

fn floats(interval: Interval<u64>) -> Interval<f64> {
    interval.map(|bound| bound.map(|b| b as f64))
}

fn trends(report: &Report) -> Table {
    let mut rows = Vec::new();
    let mut notes = Vec::new();
    for (name, summary) in report.metrics.iter() {
        let Summary::Trend(t) = summary else { continue };
        let unit = from_name(&t.unit);
        let show = |v: Option<u64>| human_or_never(v.map(|v| v as f64), unit);
        rows.push(vec![
            name.to_owned(),
            t.count.to_string(),
            human_with_interval(t.med.map(|v| v as f64), floats(t.ci95.med), unit),
            show(t.p90),
            show(t.p99),
            show(t.max),
        ]);
        notes.extend(t.notes.iter().map(|n| (n.clone(), name)));
    }
    Table {
        title: "TIMES",
        header: &["metric", "n", "median (95 %)", "p90", "p99", "max"],
        rows,
        notes: by_note(notes),
    }
}

/// Notes with the metrics that they are about, equal ones together, in the order in which they come.
fn by_note(notes: Vec<(String, &str)>) -> Vec<String> {
    let mut grouped: Vec<(String, Vec<&str>)> = Vec::new();
    for (note, name) in notes {
        match grouped.iter_mut().find(|(known, _)| *known == note) {
            Some((_, names)) => names.push(name),
            None => grouped.push((note, vec![name])),
        }
    }
    grouped.into_iter().map(|(note, names)| format!("{}: {note}", names.join(", "))).collect()
}

fn counters(report: &Report) -> Table {
    let mut rows = Vec::new();
    let mut notes = Vec::new();
    let mut zeros = Vec::new();
    let mut bound = None;
    for (name, summary) in report.metrics.iter() {
        let Summary::Counter(c) = summary else { continue };
        notes.extend(c.notes.iter().map(|n| (n.clone(), name)));
        // What a reader came for stays in sight; of the rest, zeros share a line.
        if c.count == 0 && !name.starts_with("false_positives") && name != "missed" {
            zeros.push(name);
            bound = if c.unit == "B" { bound } else { c.rate_ci95[1] };
            continue;
        }
        rows.push(counter(name, c));
    }
    let mut notes = by_note(notes);
    if !zeros.is_empty() {
        let most = bound
            .map(|b| format!(" (each at most {} per node-hour, 95 %)", human(b, Unit::Count)))
            .unwrap_or_default();
        notes.push(format!("none of: {}{most}", zeros.join(", ")));
    }
    Table { title: "COUNTS", header: &["metric", "count", "per node-hour (95 %)"], rows, notes }
}

fn counter(name: &str, c: &CounterSummary) -> Vec<String> {
    let unit = from_name(&c.unit);
    let rate = if c.exposure_node_hours > 0.0 {
        human_with_interval(Some(c.rate_per_node_hour), c.rate_ci95, scale_of_zero(c, unit))
    } else {
        "no node ran".to_owned()
    };
    vec![name.to_owned(), human(c.count as f64, unit), rate]
}

/// A rate of events is a plain number.
fn scale_of_zero(c: &CounterSummary, unit: Unit) -> Unit {
    if c.count == 0 { Unit::Count } else { unit }
}

fn gauges(report: &Report) -> Table {
    let mut rows = Vec::new();
    for (name, summary) in report.metrics.iter() {
        let Summary::Gauge(g) = summary else { continue };
        let unit = from_name(&g.unit);
        rows.push(vec![
            name.to_owned(),
            human_with_interval(Some(g.mean), g.mean_ci95, unit),
            human(g.min, unit),
            human(g.max, unit),
        ]);
    }
    Table {
        title: "LEVELS",
        header: &["metric", "mean (95 %)", "least", "greatest"],
        rows,
        notes: Vec::new(),
    }
}

/// What happened in the first run: at most `limit` lines of time, entry, verb, nodes; then how many more.
pub(super) fn happened(report: &Report, limit: usize) -> (Vec<Vec<String>>, usize) {
    let Some(run) = report.runs.first() else { return (Vec::new(), 0) };
    let line = |h: &Happened| {
        vec![
            human(h.at_ns as f64, Unit::Nanoseconds),
            h.event.clone(),
            h.verb.clone(),
            names(&h.nodes, h.count),
        ]
    };
    (run.happened.iter().take(limit).map(line).collect(), run.happened.len().saturating_sub(limit))
}

/// Names, then how many more there are.
fn names(nodes: &[String], count: u64) -> String {
    const SHOWN: usize = 4;
    let shown = nodes.len().min(SHOWN);
    let more = count.saturating_sub(shown as u64);
    let list = nodes[..shown].join(", ");
    match (shown, more) {
        (_, 0) => list,
        (0, more) => format!("{more} nodes"),
        (_, more) => format!("{list} and {more} more"),
    }
}

/// An occurrence's entry and number: `crash-1#2` stands before `crash-1#10`.
fn natural(event: &str) -> (&str, u64, &str) {
    let numbered = event.rsplit_once('#').and_then(|(e, n)| Some((e, n.parse().ok()?)));
    let (entry, number) = numbered.unwrap_or((event, 0));
    (entry, number, event)
}

/// Who was not reached, with the first run as the example: at most `limit` lines, one per occurrence of a
/// timeline entry; then how many more.
pub(super) fn missed(report: &Report, limit: usize) -> (Vec<String>, usize) {
    struct Group<'a> {
        count: u64,
        runs: u64,
        first: (&'a Run, &'a crate::report::Missed),
    }
    let mut groups: BTreeMap<(&str, u64, &str), Group<'_>> = BTreeMap::new();
    for run in &report.runs {
        let mut last = None;
        for missed in run.missed.iter().filter(|m| m.count > 0) {
            let event = missed.event.as_str();
            let new = Group { count: 0, runs: 0, first: (run, missed) };
            let group = groups.entry(natural(event)).or_insert(new);
            group.count += missed.count;
            group.runs += u64::from(last != Some(event));
            last = Some(event);
        }
    }
    let runs = report.runs.len();
    let more = groups.len().saturating_sub(limit);
    let lines = groups
        .into_iter()
        .take(limit)
        .map(|((_, _, event), g)| {
            let (run, first) = g.first;
            let who = names(&first.nodes, first.count);
            let what = if first.subject.is_empty() { event } else { &first.subject };
            let s = if g.count == 1 { "" } else { "s" };
            format!(
                "{event}: {} node{s} not reached, in {} of {runs} runs; seed {}: {who} never learnt of {what}",
                g.count, g.runs, run.seed
            )
        })
        .collect();
    (lines, more)
}

/// `20 seeds (1 to 20)`.
pub(super) fn seeds(report: &Report) -> String {
    match (report.runs.first(), report.runs.last()) {
        (Some(first), Some(last)) if first.seed != last.seed => {
            format!("{} seeds ({} to {})", report.runs.len(), first.seed, last.seed)
        }
        (Some(only), _) => format!("seed {}", only.seed),
        _ => "no runs".to_owned(),
    }
}
