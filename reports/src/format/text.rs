//! Text for a terminal: verdicts first, then what was measured, what happened, and what to keep in mind.

use std::fmt::Write;

use super::{
    RenderOptions,
    rows::{self, Table},
};
use crate::{
    report::{Report, Summary, Verdict},
    units,
};

/// So many lines of what happened and of who was not reached; the rest is in the JSON.
const LINES: usize = 12;

struct Page {
    out: String,
    color: bool,
    width: usize,
}

pub(super) fn render(report: &Report, options: &RenderOptions) -> String {
    let width = if options.width == 0 { 80 } else { options.width.max(40) };
    let mut page = Page { out: String::new(), color: options.color, width };
    page.title(report);
    page.thresholds(&report.thresholds);
    for table in rows::tables(report) {
        page.table(&table);
    }
    page.shapes(report);
    page.happened(report);
    page.missed(report);
    page.line("");
    page.line(&page.style("2", &format!("digest {}", report.digest)));
    page.out
}

impl Page {
    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    /// Text in an ANSI style, where colours are wanted.
    fn style(&self, code: &str, text: &str) -> String {
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn heading(&mut self, text: &str) {
        self.line("");
        self.line(&self.style("1", text));
    }

    /// A paragraph broken at spaces, each line indented, continued ones by two more.
    fn paragraph(&mut self, indent: usize, style: &str, text: &str) {
        for (i, line) in wrap(&clean(text), self.width - indent - 2).into_iter().enumerate() {
            let indent = if i == 0 { indent } else { indent + 2 };
            self.line(&format!("{}{}", " ".repeat(indent), self.style(style, &line)));
        }
    }

    fn title(&mut self, report: &Report) {
        let mut parts = vec![report.scenario.name.clone()];
        parts.extend(report.scenario.facts.iter().map(|(name, value)| format!("{name} {value}")));
        parts.push(rows::seeds(report));
        let title = self.style("1", &clean(&parts.join(" · ")));
        self.line(&title);
        if !report.scenario.description.is_empty() {
            for line in wrap(&clean(&report.scenario.description), self.width) {
                self.line(&line);
            }
        }
    }

    fn thresholds(&mut self, verdicts: &[Verdict]) {
        if verdicts.is_empty() {
            return;
        }
        self.heading("THRESHOLDS");
        let column = |f: fn(&Verdict) -> usize| verdicts.iter().map(f).max().unwrap_or(0);
        let (metric, expression) =
            (column(|v| columns(&v.metric)), column(|v| columns(&v.expression)));
        for v in verdicts {
            let (mark, color) = if v.passed { ("✓", "32") } else { ("✗", "31") };
            let mark = self.style(color, mark);
            self.line(&format!(
                "  {mark} {}  {}  {}",
                pad(&v.metric, metric),
                pad(&v.expression, expression),
                v.found()
            ));
            if !v.note.is_empty() {
                self.paragraph(6, "2", &v.note);
            }
        }
        let failed = verdicts.iter().filter(|v| !v.passed).count();
        let (words, color) = match failed {
            0 => (format!("all {} passed", verdicts.len()), "32"),
            _ => (format!("{failed} of {} failed", verdicts.len()), "31"),
        };
        let words = self.style(color, &words);
        self.line(&format!("  {words}"));
    }

    fn table(&mut self, table: &Table) {
        self.heading(table.title);
        if !table.rows.is_empty() {
            let header: Vec<String> = table.header.iter().map(|h| (*h).to_owned()).collect();
            let widths: Vec<usize> = (0..header.len())
                .map(|i| {
                    let cells = table.rows.iter().chain([&header]).map(|r| columns(&r[i]));
                    cells.max().unwrap_or(0)
                })
                .collect();
            let line = |row: &[String]| {
                let mut out = String::from("  ");
                for (i, cell) in row.iter().enumerate() {
                    let fill = " ".repeat(widths[i] - columns(cell));
                    let _ = if i == 0 {
                        write!(out, "{cell}{fill}")
                    } else {
                        write!(out, "  {fill}{cell}")
                    };
                }
                out
            };
            let head = self.style("2", &line(&header));
            self.line(&head);
            for row in &table.rows {
                self.line(&line(row));
            }
        }
        for note in &table.notes {
            self.paragraph(2, "2", note);
        }
    }

    /// A histogram of each trend with enough samples, from its least to its greatest.
    fn shapes(&mut self, report: &Report) {
        let mut lines = Vec::new();
        for (name, summary) in report.metrics.iter() {
            let Summary::Trend(t) = summary else { continue };
            let view = report.metric(name);
            let finite = view.sorted().finite();
            let (Some(&low), Some(&high)) = (finite.first(), finite.last()) else { continue };
            if finite.len() < 8 || low == high {
                continue;
            }
            let unit = units::from_name(&t.unit);
            let ends = [low, high].map(|v| units::human(v as f64, unit));
            lines.push((
                name.to_owned(),
                ends,
                bars(finite, bins(finite.len()).min(self.width - 40)),
            ));
        }
        if lines.is_empty() {
            return;
        }
        self.heading("SHAPES");
        let name_width = lines.iter().map(|l| columns(&l.0)).max().unwrap_or(0);
        let low_width = lines.iter().map(|l| columns(&l.1[0])).max().unwrap_or(0);
        for (name, [low, high], bars) in lines {
            let fill = " ".repeat(low_width - columns(&low));
            self.line(&format!("  {}  {fill}{low} {bars} {high}", pad(&name, name_width)));
        }
    }

    fn happened(&mut self, report: &Report) {
        let (lines, more) = rows::happened(report, LINES);
        let Some(run) = report.runs.first().filter(|_| !lines.is_empty()) else { return };
        let title = if report.runs.len() > 1 {
            format!("WHAT HAPPENED (seed {}; each seed draws its own)", run.seed)
        } else {
            "WHAT HAPPENED".to_owned()
        };
        self.heading(&title);
        let widths: Vec<usize> =
            (0..3).map(|i| lines.iter().map(|l| columns(&l[i])).max().unwrap_or(0)).collect();
        for l in &lines {
            let time = format!("{}{}", " ".repeat(widths[0] - columns(&l[0])), l[0]);
            let line = format!("  {time}  {}  {}  ", pad(&l[1], widths[1]), pad(&l[2], widths[2]));
            let start = columns(&line);
            // Names that do not fit go on below the first of them, or all below where entries are long.
            if start + self.width / 4 <= self.width {
                let names =
                    wrap(&clean(&l[3]), self.width - start).join(&format!("\n{:start$}", ""));
                self.line(&format!("{}{names}", clean(&line)));
            } else {
                self.line(&clean(&line));
                self.paragraph(6, "0", &l[3]);
            }
        }
        if more > 0 {
            self.line(&format!("  and {more} more"));
        }
    }

    fn missed(&mut self, report: &Report) {
        let (lines, more) = rows::missed(report, LINES);
        if lines.is_empty() {
            return;
        }
        self.heading("NOT REACHED");
        for line in &lines {
            self.paragraph(2, "0", line);
        }
        if more > 0 {
            self.line(&format!("  and {more} more"));
        }
    }
}

/// Few enough bins that they hold some samples each.
fn bins(samples: usize) -> usize {
    (2 * samples.isqrt()).clamp(8, 40)
}

/// A histogram in one line, from the least of ascending values to the greatest.
fn bars(sorted: &[u64], width: usize) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let (low, high) = (sorted[0], sorted[sorted.len() - 1]);
    let mut bins = vec![0_u64; width];
    for &value in sorted {
        let bin = u128::from(value - low) * width as u128 / (u128::from(high - low) + 1);
        bins[bin as usize] += 1;
    }
    let most = bins.iter().copied().max().unwrap_or(1);
    let block = |count: u64| {
        if count == 0 { ' ' } else { BLOCKS[((count * 8).div_ceil(most) - 1) as usize] }
    };
    bins.into_iter().map(block).collect()
}

fn columns(text: &str) -> usize {
    text.chars().count()
}

fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

/// Without line breaks and terminal codes that a name in a scenario could bring.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if columns(line) + 1 + columns(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
