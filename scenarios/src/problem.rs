//! Problems of a scenario: what is wrong, where, and what to write instead.
//!
//! Lowering never stops at the first problem. Each problem carries its place twice: as a path of keys
//! (`timeline[2].crash.kind`) and as a span of the text it came from, which is the file or one of the
//! command line's options.

use std::fmt;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// After so many problems a file is past helping.
const MOST: usize = 100;

/// So many problems are kept at all.
pub(crate) const MOST_KEPT: usize = 1000;

/// Longer lines are cut around the place.
const LONGEST_LINE: usize = 1000;

/// A stretch of one of the texts, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    /// Index into [`Texts`]: 0 is the file.
    pub text: u16,
    /// First byte.
    pub from: u32,
    /// After the last byte.
    pub to: u32,
}

/// The texts that spans point into: the file first, then one per option.
#[derive(Clone, Debug, Default)]
pub(crate) struct Texts(pub Vec<(String, String)>);

impl Texts {
    /// The line of a span, from 1.
    pub fn line(&self, span: Span) -> u32 {
        let Some((_, text)) = self.0.get(span.text as usize) else { return 0 };
        let from = floor(text, span.from as usize);
        1 + text[..from].matches('\n').count() as u32
    }
}

/// The nearest character boundary at or before a byte.
fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// What is kept of a line that starts at byte `start`, around byte `at`; and where that starts.
fn around(line: &str, start: usize, at: usize) -> (usize, &str) {
    if line.len() <= LONGEST_LINE {
        return (start, line);
    }
    let at = (at - start).min(line.len());
    let from = floor(line, at.saturating_sub(LONGEST_LINE / 2));
    let to = floor(line, at + LONGEST_LINE / 2);
    (start + from, &line[from..to])
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Nothing is simulated.
    Error,
    /// It runs, but probably not as meant.
    Warning,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, with the path of keys in front.
    pub message: String,
    /// What the marked place should be, short; often the nearest valid spelling.
    pub label: String,
    /// What to write instead, or why.
    pub help: Option<String>,
    /// Name of the file, or the option.
    pub source: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// The line itself.
    pub text: String,
    /// The marked bytes of [`Self::text`].
    pub marked: (usize, usize),
}

impl Problem {
    /// Locates a problem in its text.
    pub(crate) fn new(
        texts: &Texts,
        severity: Severity,
        span: Span,
        message: String,
        label: String,
        help: Option<String>,
    ) -> Self {
        let nothing = (String::new(), String::new());
        let (source, text) = texts.0.get(span.text as usize).unwrap_or(&nothing);
        let from = floor(text, span.from as usize);
        let start = text[..from].rfind('\n').map_or(0, |i| i + 1);
        let end = text[from..].find('\n').map_or(text.len(), |i| from + i);
        let line = text[start..end].trim_end_matches('\r');
        let column = line[..(from - start).min(line.len())].chars().count() as u32 + 1;
        let (start, line) = around(line, start, from);
        let from_in_line = (from - start).min(line.len());
        let to = floor(text, (span.to as usize).max(from)).min(start + line.len());
        Self {
            severity,
            message,
            label,
            help,
            source: source.clone(),
            line: texts.line(span),
            column,
            text: line.to_owned(),
            marked: (from_in_line, to.saturating_sub(start).max(from_in_line)),
        }
    }

    /// As rustc would show it.
    pub fn render(&self, colour: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let label = (!self.label.is_empty()).then_some(self.label.as_str());
        let annotation = AnnotationKind::Primary.span(self.marked.0..self.marked.1).label(label);
        let snippet = Snippet::source(&self.text)
            .line_start(self.line as usize)
            .path(&self.source)
            .annotation(annotation);
        let mut group: Group = level.primary_title(&self.message).element(snippet);
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help));
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        renderer.render(&[group])
    }
}

/// All problems of a scenario, in the order of their places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As rustc would show them, one after another, then their number.
    pub fn render(&self, colour: bool) -> String {
        let mut out = String::new();
        for problem in self.0.iter().take(MOST) {
            out.push_str(problem.render(colour).trim_end());
            out.push_str("\n\n");
        }
        if self.0.len() > MOST {
            let more = self.0.len() - MOST;
            out.push_str("... and ");
            out.push_str(&more.to_string());
            out.push_str(" more\n");
        }
        out
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(false).trim_end())
    }
}

impl std::error::Error for Problems {}
