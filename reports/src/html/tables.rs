//! Tables of the page: cells as people read them, with the plain value beside it for sorting.

use serde::Serialize;
use wavetank_sim_core::{
    observe::metric,
    outcome::{Kind, Unit},
};

use crate::{
    report::{Happened, Interval, Report, Run, RunMetric, Summary},
    units::{from_name, human, human_or_never},
};

/// A table.
#[derive(Default, Serialize)]
pub(super) struct Table {
    title: &'static str,
    /// Said above it.
    intro: String,
    /// Column heads; the first column is text.
    head: Vec<String>,
    rows: Vec<Vec<Cell>>,
    /// Said below it.
    notes: Vec<String>,
    /// Rows that are not shown.
    more: usize,
}

/// A cell.
#[derive(Default, Serialize)]
struct Cell {
    text: String,
    /// Smaller words below the text.
    small: String,
    /// By what to sort, if not by the text.
    value: Option<f64>,
    /// Set as code, in full on hover.
    code: String,
}

impl Cell {
    fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    fn number(text: String, value: f64) -> Self {
        Self { text, value: Some(value), ..Self::default() }
    }

    fn below(mut self, small: String) -> Self {
        self.small = small;
        self
    }
}

/// Metrics by kind, kinds without metrics left out.
pub(super) fn metrics(report: &Report) -> Vec<Table> {
    let kinds: [(Kind, &'static str, &str, &[&str]); 3] = [
        (
            Kind::Trend,
            "Times",
            "Samples of all runs together; what never happened counts as infinite.",
            &["metric", "samples", "never", "median", "p90", "p99", "greatest"],
        ),
        (
            Kind::Counter,
            "Counts",
            "Summed over the runs; a node-hour is an hour of one running node.",
            &["metric", "count", "per node-hour"],
        ),
        (
            Kind::Gauge,
            "Levels",
            "Per node, over all runs.",
            &["metric", "mean", "least node", "greatest node"],
        ),
    ];
    let tables = kinds.into_iter().map(|(kind, title, intro, head)| {
        let these: Vec<_> = report.metrics.iter().filter(|(_, s)| matches(kind, s)).collect();
        Table {
            title,
            intro: intro.into(),
            head: head.iter().map(ToString::to_string).collect(),
            rows: these.iter().map(|(name, summary)| row(name, summary)).collect(),
            notes: notes(&these),
            more: 0,
        }
    });
    tables.filter(|t| !t.rows.is_empty()).collect()
}

/// The metrics' notes, equal ones together, in the order in which they come.
fn notes(metrics: &[(&str, &Summary)]) -> Vec<String> {
    let mut grouped: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, summary) in metrics {
        let notes: &[String] = match summary {
            Summary::Trend(t) => &t.notes,
            Summary::Counter(c) => &c.notes,
            Summary::Gauge(_) => &[],
        };
        for note in notes {
            match grouped.iter_mut().find(|(known, _)| known == note) {
                Some((_, names)) => names.push(name),
                None => grouped.push((note, vec![name])),
            }
        }
    }
    grouped.into_iter().map(|(note, names)| format!("{}: {note}.", names.join(", "))).collect()
}

fn matches(kind: Kind, summary: &Summary) -> bool {
    match summary {
        Summary::Trend(_) => kind == Kind::Trend,
        Summary::Counter(_) => kind == Kind::Counter,
        Summary::Gauge(_) => kind == Kind::Gauge,
    }
}

fn row(name: &str, summary: &Summary) -> Vec<Cell> {
    let help = metric(name).map(|m| m.help.to_string()).unwrap_or_default();
    let mut cells = vec![Cell::text(name).below(help)];
    match summary {
        Summary::Trend(t) => {
            let unit = from_name(&t.unit);
            let time = |value: Option<u64>, interval: Interval<u64>| {
                let value = value.map(|v| v as f64);
                let interval = interval.map(|b| b.map(|b| b as f64));
                Cell::number(human_or_never(value, unit), value.unwrap_or(f64::MAX))
                    .below(between(interval, unit))
            };
            cells.push(Cell::number(t.count.to_string(), t.count as f64));
            cells.push(Cell::number(t.missing.to_string(), t.missing as f64));
            cells.push(time(t.med, t.ci95.med));
            cells.push(time(t.p90, t.ci95.p90));
            cells.push(time(t.p99, t.ci95.p99));
            cells.push(time(t.max, [None, None]));
        }
        Summary::Counter(c) => {
            let unit = from_name(&c.unit);
            cells.push(Cell::number(human(c.count as f64, unit), c.count as f64));
            let rate = Cell::number(human(c.rate_per_node_hour, unit), c.rate_per_node_hour);
            cells.push(rate.below(between(c.rate_ci95, unit)));
        }
        Summary::Gauge(g) => {
            let unit = from_name(&g.unit);
            let mean = Cell::number(human(g.mean, unit), g.mean);
            cells.push(mean.below(between(g.mean_ci95, unit)));
            cells.push(Cell::number(human(g.min, unit), g.min));
            cells.push(Cell::number(human(g.max, unit), g.max));
        }
    }
    cells
}

/// An interval in words; nothing if it has no bounds.
fn between(interval: Interval<f64>, unit: Unit) -> String {
    match interval {
        [None, None] => String::new(),
        [Some(low), Some(high)] => format!("{} to {}", human(low, unit), human(high, unit)),
        [Some(low), None] => format!("at least {}", human(low, unit)),
        [None, Some(high)] => format!("at most {}", human(high, unit)),
    }
}

/// What happened in the first run.
pub(super) fn happened(report: &Report, limit: usize) -> Table {
    let Some(run) = report.runs.first() else { return Table::default() };
    let row = |h: &Happened| {
        vec![
            Cell::number(human(h.at_ns as f64, Unit::Nanoseconds), h.at_ns as f64),
            Cell::text(&h.verb),
            Cell::text(&h.event),
            Cell::text(names(&h.nodes, h.count)),
        ]
    };
    let intro = if report.runs.len() > 1 {
        format!("In the run of seed {}; random times and picks differ from run to run.", run.seed)
    } else {
        String::new()
    };
    Table {
        title: "What happened",
        intro,
        head: ["at", "what", "entry", "to whom"].map(Into::into).to_vec(),
        rows: run.happened.iter().take(limit).map(row).collect(),
        notes: Vec::new(),
        more: run.happened.len().saturating_sub(limit),
    }
}

/// Who was not reached, in all runs.
pub(super) fn missed(report: &Report, limit: usize) -> Table {
    let all = report
        .runs
        .iter()
        .flat_map(|r| r.missed.iter().filter(|m| m.count > 0).map(move |m| (r.seed, m)));
    let mut rows: Vec<_> = all
        .map(|(seed, m)| {
            vec![
                Cell::number(seed.to_string(), seed as f64),
                Cell::text(&m.event),
                Cell::text(&m.subject),
                Cell::number(m.count.to_string(), m.count as f64),
                Cell::text(names(&m.nodes, m.count)),
            ]
        })
        .collect();
    let more = rows.len().saturating_sub(limit);
    rows.truncate(limit);
    Table {
        title: "Who was not reached",
        intro: "Nodes that count and had not got a change when the run ended.".into(),
        head: ["seed", "entry", "about", "nodes", "who"].map(Into::into).to_vec(),
        rows,
        notes: Vec::new(),
        more,
    }
}

/// A row per run, for the metrics that tell runs apart.
pub(super) fn seeds(report: &Report, limit: usize) -> Table {
    const COLUMNS: [&str; 7] = [
        "detection.first",
        "detection.all",
        "dissemination.t100",
        "event.t100",
        "query.acks.missing",
        "false_positives",
        "missed",
    ];
    let there: Vec<&str> =
        COLUMNS.into_iter().filter(|c| report.metrics.get(c).is_some()).collect();
    let row = |run: &Run| {
        let mut cells = vec![Cell::number(run.seed.to_string(), run.seed as f64)];
        cells.extend(there.iter().map(|name| worst(run, name)));
        cells.push(Cell::number(human(run.effects as f64, Unit::Count), run.effects as f64));
        let short: String = run.digest.chars().take(12).collect();
        cells.push(Cell { code: run.digest.clone(), ..Cell::text(short) });
        cells
    };
    let mut head = vec!["seed".to_string()];
    head.extend(there.iter().map(ToString::to_string));
    head.extend(["effects".to_string(), "digest".to_string()]);
    Table {
        title: "Run by run",
        intro: "The worst sample of each run. Equal digests mean equal histories.".into(),
        head,
        rows: report.runs.iter().take(limit).map(row).collect(),
        notes: Vec::new(),
        more: report.runs.len().saturating_sub(limit),
    }
}

/// The greatest sample of a run, or its count.
fn worst(run: &Run, name: &str) -> Cell {
    let unit = metric(name).map_or(Unit::Count, |m| m.unit);
    match run.metrics.get(name) {
        None => Cell::number("–".into(), -1.0),
        Some(RunMetric::Count(count)) => Cell::number(human(*count as f64, unit), *count as f64),
        Some(RunMetric::Level(level)) => Cell::number(human(*level, unit), *level),
        Some(RunMetric::Samples(values)) if values.is_empty() => Cell::number("–".into(), -1.0),
        Some(RunMetric::Samples(values)) => {
            let all: Option<Vec<u64>> = values.iter().copied().collect();
            let worst = all.and_then(|v| v.into_iter().max()).map(|v| v as f64);
            Cell::number(human_or_never(worst, unit), worst.unwrap_or(f64::MAX))
        }
    }
}

/// Names, then how many more there are.
fn names(nodes: &[String], count: u64) -> String {
    const SHOWN: usize = 8;
    let shown = nodes.len().min(SHOWN);
    let list = nodes[..shown].join(", ");
    match (shown, count.saturating_sub(shown as u64)) {
        (_, 0) => list,
        (0, more) => format!("{more} nodes"),
        (_, more) => format!("{list} and {more} more"),
    }
}
