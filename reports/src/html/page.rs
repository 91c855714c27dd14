//! What the template lays out: a report as words.

use serde::Serialize;

use super::{answers, tables};
use crate::{
    plots::Plot,
    report::{Number, Ordered, Report, Verdict},
    units,
};

/// Rows of lists that grow with the scenario; the rest is in the report's other files.
const ROWS: usize = 200;

#[derive(Serialize)]
pub(super) struct Page<'a> {
    name: &'a str,
    description: &'a str,
    version: &'a str,
    hash: &'a str,
    digest: &'a str,
    facts: Vec<(&'a str, &'a str)>,
    runs: String,
    verdict: Judgement,
    thresholds: Vec<ThresholdRow<'a>>,
    answers: Vec<answers::Answer>,
    tables: Vec<tables::Table>,
    plots: Vec<PlotPart<'a>>,
    has_seeds: bool,
    happened: tables::Table,
    missed: tables::Table,
    seeds: tables::Table,
    first_seed: Option<u64>,
    model: &'static str,
}

/// Pass, fail, or nothing to judge.
#[derive(Serialize)]
struct Judgement {
    tone: &'static str,
    mark: &'static str,
    words: String,
}

#[derive(Serialize)]
struct ThresholdRow<'a> {
    passed: bool,
    metric: &'a str,
    expression: &'a str,
    actual: String,
    note: &'a str,
}

#[derive(Serialize)]
struct PlotPart<'a> {
    name: &'a str,
    caption: &'a str,
    svg: &'a str,
}

impl<'a> Page<'a> {
    pub fn new(report: &'a Report, plots: &'a [Plot]) -> Self {
        let repository = option_env!("CARGO_PKG_REPOSITORY").unwrap_or_default();
        Self {
            name: &report.scenario.name,
            description: &report.scenario.description,
            version: &report.version,
            hash: &report.scenario.hash,
            digest: &report.digest,
            facts: report
                .scenario
                .facts
                .iter()
                .map(|(name, value)| (name, value.as_str()))
                .collect(),
            runs: runs(report),
            verdict: judgement(&report.thresholds),
            thresholds: report.thresholds.iter().map(threshold).collect(),
            answers: answers::all(report),
            tables: tables::metrics(report),
            has_seeds: plots.iter().any(|p| p.svg.contains("class=\"seed\"")),
            plots: plots
                .iter()
                .map(|p| PlotPart { name: &p.name, caption: p.caption, svg: &p.svg })
                .collect(),
            happened: tables::happened(report, ROWS),
            missed: tables::missed(report, ROWS),
            seeds: tables::seeds(report, ROWS),
            first_seed: report.runs.first().map(|r| r.seed),
            model: repository,
        }
    }
}

/// The report without its curves and timelines of beliefs, which the plots show, as JSON that can stand
/// inside a script element.
pub(super) fn data(report: &Report) -> String {
    let mut report = report.clone();
    report.curves = Ordered::default();
    for run in &mut report.runs {
        run.beliefs.clear();
    }
    let text = serde_json::to_string(&report).expect("a report is plain data");
    text.replace('<', "\\u003c")
}

fn runs(report: &Report) -> String {
    match (report.runs.first(), report.runs.last()) {
        (Some(first), Some(last)) if first.seed != last.seed => {
            format!("{} runs, seeds {} to {}", report.runs.len(), first.seed, last.seed)
        }
        (Some(only), _) => format!("one run, seed {}", only.seed),
        _ => "no runs".into(),
    }
}

fn judgement(thresholds: &[Verdict]) -> Judgement {
    let all = thresholds.len();
    let failed = thresholds.iter().filter(|t| !t.passed).count();
    let (tone, mark, words) = match (all, failed) {
        (0, _) => ("none", "○", "No thresholds: nothing was judged".to_string()),
        (1, 0) => ("passed", "✓", "The threshold holds".into()),
        (_, 0) => ("passed", "✓", format!("All {all} thresholds hold")),
        (1, _) => ("failed", "✗", "The threshold does not hold".into()),
        (_, 1) => ("failed", "✗", format!("1 of {all} thresholds does not hold")),
        (_, _) => ("failed", "✗", format!("{failed} of {all} thresholds do not hold")),
    };
    // The banner's mark stands for all; with a single threshold it would only repeat the row's.
    let mark = if all == 1 { "" } else { mark };
    Judgement { tone, mark, words }
}

fn threshold(verdict: &Verdict) -> ThresholdRow<'_> {
    ThresholdRow {
        passed: verdict.passed,
        metric: &verdict.metric,
        expression: &verdict.expression,
        actual: units::human_or_never(verdict.actual.map(Number::value), verdict.unit()),
        note: &verdict.note,
    }
}
