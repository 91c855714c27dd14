//! One report, many formats. Each format is a file of its own and reads nothing but the report.

mod csv;
mod github;
mod json;
mod junit;
mod markdown;
mod openmetrics;
mod rows;
mod text;

use std::{fmt, str::FromStr};

use wavetank_sim_core::threshold::nearest;

use crate::report::Report;

pub use csv::{curves as curves_csv, samples as samples_csv};

/// An output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// For a terminal.
    #[default]
    Text,
    /// The whole report, schema `wavetank.report/1`.
    Json,
    /// Tables that fit a pull-request comment.
    Markdown,
    /// Samples, counts and levels in long form.
    Csv,
    /// JUnit XML, for CI.
    Junit,
    /// GitHub annotations.
    Github,
    /// OpenMetrics text.
    Openmetrics,
}

impl Format {
    /// All formats with their names.
    pub const ALL: [(&'static str, Self); 7] = [
        ("text", Self::Text),
        ("json", Self::Json),
        ("markdown", Self::Markdown),
        ("csv", Self::Csv),
        ("junit", Self::Junit),
        ("github", Self::Github),
        ("openmetrics", Self::Openmetrics),
    ];
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(_, format)| format == self).map_or("", |(name, _)| name);
        f.write_str(name)
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((_, format)) = Self::ALL.iter().find(|(name, _)| *name == text) {
            return Ok(*format);
        }
        let names = Self::ALL.map(|(name, _)| name);
        let hint =
            nearest(text, &names).map(|n| format!("did you mean `{n}`? ")).unwrap_or_default();
        Err(format!("unknown format `{text}`; {hint}there are {}", names.join(", ")))
    }
}

/// What a report itself does not know about its reader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RenderOptions {
    /// Text: colours of a terminal.
    pub color: bool,
    /// Text: width in columns; 0: 80.
    pub width: usize,
    /// GitHub: path of the scenario file, relative to the repository.
    pub file: Option<String>,
    /// GitHub: the line of each threshold in that file, 0 when unknown.
    pub lines: Vec<u32>,
}

/// Writes a report. The result ends with a line feed.
pub fn render(report: &Report, format: Format, options: &RenderOptions) -> String {
    match format {
        Format::Text => text::render(report, options),
        Format::Json => json::render(report),
        Format::Markdown => markdown::render(report),
        Format::Csv => csv::samples(report),
        Format::Junit => junit::render(report),
        Format::Github => github::render(report, options),
        Format::Openmetrics => openmetrics::render(report),
    }
}

#[cfg(test)]
mod tests;
