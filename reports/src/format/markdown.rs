//! Markdown that fits the comment of a pull request.

use std::fmt::Write;

use super::rows;
use crate::report::{Report, Verdict};

/// What the body of a comment may have, in characters.
const LIMIT: usize = 65_535;

const LINES: usize = 20;

pub(super) fn render(report: &Report) -> String {
    let mut out = String::new();
    let mark = if report.passed() { "✅" } else { "❌" };
    let mark = if report.thresholds.is_empty() { "🌊" } else { mark };
    let _ = writeln!(out, "## {mark} {}\n", escape(&report.scenario.name));
    if !report.scenario.description.is_empty() {
        let _ = writeln!(out, "{}\n", escape(&report.scenario.description));
    }
    let mut facts: Vec<String> = report
        .scenario
        .facts
        .iter()
        .map(|(name, value)| escape(&format!("{name} {value}")))
        .collect();
    facts.push(rows::seeds(report));
    let _ = writeln!(out, "{}\n", facts.join(" · "));
    thresholds(&mut out, &report.thresholds);
    for t in rows::tables(report) {
        let _ = writeln!(out, "### {}\n", sentence(t.title));
        if !t.rows.is_empty() {
            table(&mut out, t.header, &t.rows);
        }
        list(&mut out, &t.notes);
    }
    let (happened, more) = rows::happened(report, LINES);
    if !happened.is_empty() {
        let _ = writeln!(out, "### What happened (seed {})\n", report.runs[0].seed);
        table(&mut out, &["when", "entry", "verb", "nodes"], &happened);
        if more > 0 {
            let _ = writeln!(out, "and {more} more\n");
        }
    }
    let (missed, more) = rows::missed(report, LINES);
    if !missed.is_empty() {
        let _ = writeln!(out, "### Not reached\n");
        list(&mut out, &missed);
        if more > 0 {
            let _ = writeln!(out, "and {more} more\n");
        }
    }
    let footer = format!(
        "<sub>wavetank {} · scenario `{}` · digest `{}`</sub>\n",
        escape(&report.version),
        report.scenario.hash.replace('`', ""),
        report.digest.replace('`', "")
    );
    cut(&mut out, LIMIT - footer.chars().count());
    out + &footer
}

fn thresholds(out: &mut String, verdicts: &[Verdict]) {
    if verdicts.is_empty() {
        return;
    }
    let _ = writeln!(out, "### Thresholds\n");
    let row = |v: &Verdict| {
        vec![
            (if v.passed { "✅" } else { "❌" }).to_owned(),
            v.metric.clone(),
            v.expression.clone(),
            v.found(),
            v.note.clone(),
        ]
    };
    table(
        out,
        &["", "metric", "wanted", "found", "note"],
        &verdicts.iter().map(row).collect::<Vec<_>>(),
    );
}

fn table(out: &mut String, header: &[&str], rows: &[Vec<String>]) {
    let _ = writeln!(out, "| {} |", header.join(" | "));
    let _ = writeln!(out, "|{}", "---|".repeat(header.len()));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| escape(cell)).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
    out.push('\n');
}

fn list(out: &mut String, lines: &[String]) {
    for line in lines {
        let _ = writeln!(out, "- {}", escape(line));
    }
    if !lines.is_empty() {
        out.push('\n');
    }
}

/// `NOT REACHED` as `Not reached`.
fn sentence(title: &str) -> String {
    title.chars().take(1).chain(title.chars().skip(1).flat_map(char::to_lowercase)).collect()
}

/// Text without meaning to Markdown, on one line; `@` does not call anybody.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => {
                out.push('\\');
                out.push(c);
            }
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push_str("&#64;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Cuts at the last line that fits, and says so.
fn cut(out: &mut String, limit: usize) {
    const NOTE: &str = "\n(cut here: the rest is in report.json)\n\n";
    if out.chars().count() <= limit {
        return;
    }
    let keep = limit - NOTE.chars().count();
    let end = out.char_indices().nth(keep).map_or(out.len(), |(i, _)| i);
    let end = out[..end].rfind('\n').map_or(0, |i| i + 1);
    out.truncate(end);
    out.push_str(NOTE);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_reports_are_cut_at_a_line() {
        let mut out = "a line of ä\n".repeat(20_000);
        cut(&mut out, 1000);
        assert!(out.chars().count() <= 1000 && out.chars().count() > 980);
        assert!(out.ends_with("a line of ä\n\n(cut here: the rest is in report.json)\n\n"));
    }
}
