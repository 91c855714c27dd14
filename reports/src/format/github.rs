//! GitHub annotations: an error per failed threshold, the certain ones first.
//!
//! GitHub shows at most ten annotations per level and step, so what is more goes into plain lines below,
//! which stand in the log.

use std::fmt::Write;

use super::RenderOptions;
use crate::report::{Report, Verdict};

const SHOWN: usize = 10;

pub(super) fn render(report: &Report, options: &RenderOptions) -> String {
    let mut failed: Vec<(usize, &Verdict)> =
        report.thresholds.iter().enumerate().filter(|(_, v)| !v.passed).collect();
    // Stable: the order of the file within equals.
    failed.sort_by_key(|(_, v)| !v.settled);
    let mut out = String::new();
    for (i, verdict) in failed.iter().take(SHOWN) {
        let _ = writeln!(
            out,
            "::error {}::{}",
            properties(report, *i, verdict, options),
            data(&message(verdict))
        );
    }
    for (_, verdict) in failed.iter().skip(SHOWN) {
        let _ = writeln!(
            out,
            "failed: {} {}: {}",
            verdict.metric,
            verdict.expression,
            one_line(&message(verdict))
        );
    }
    let (all, bad) = (report.thresholds.len(), failed.len());
    let name = one_line(&report.scenario.name);
    let _ = match (all, bad) {
        (0, _) => writeln!(out, "wavetank {name}: no thresholds"),
        (_, 0) => writeln!(out, "wavetank {name}: {all} of {all} thresholds passed"),
        _ => writeln!(out, "wavetank {name}: {bad} of {all} thresholds failed"),
    };
    out
}

fn properties(report: &Report, index: usize, verdict: &Verdict, options: &RenderOptions) -> String {
    let mut out = String::new();
    if let Some(file) = &options.file {
        let _ = write!(out, "file={},", property(file));
        if let Some(line) = options.lines.get(index).filter(|&&line| line > 0) {
            let _ = write!(out, "line={line},");
        }
    }
    let _ =
        write!(out, "title={}", property(&format!("{}: {}", report.scenario.name, verdict.metric)));
    out
}

fn message(verdict: &Verdict) -> String {
    let note = if verdict.note.is_empty() { String::new() } else { format!("\n{}", verdict.note) };
    format!("expected {}, found {}{note}", verdict.expression, verdict.found())
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}
