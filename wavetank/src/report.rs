//! What came out of a scenario's runs, with what reproduces it.

use std::{fmt::Write, ops::Deref};

use wavetank_reports::{
    Format, RenderOptions, html,
    plots::{self, Inputs, Plot, Settings},
    report::Verdict,
};

/// The report of a scenario, together with the scenario: everything of [`wavetank_reports::Report`], and
/// assertions that print what shows a failure again.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    inner: wavetank_reports::Report,
    /// The scenario file; empty for a report that was read back.
    scenario: String,
    settings: Settings,
    wanted: usize,
}

impl Report {
    pub(crate) fn new(
        inner: wavetank_reports::Report,
        scenario: String,
        settings: Settings,
        wanted: usize,
    ) -> Self {
        Self { inner, scenario, settings, wanted }
    }

    /// The report as `report.json` holds it.
    pub fn into_inner(self) -> wavetank_reports::Report {
        self.inner
    }

    /// The scenario file that was run, command-line changes included.
    pub fn scenario_file(&self) -> &str {
        &self.scenario
    }

    /// How many runs were asked for; more than there are when it was stopped.
    pub fn wanted_runs(&self) -> usize {
        self.wanted
    }

    /// Writes the report in a format. The result ends with a line feed.
    pub fn render(&self, format: Format, options: &RenderOptions) -> String {
        wavetank_reports::render(&self.inner, format, options)
    }

    /// All plots that there is material for.
    pub fn plots(&self) -> Vec<Plot> {
        plots::all(&Inputs::new(&self.inner, self.settings.clone()))
    }

    /// The report as one HTML page with these plots.
    pub fn html(&self, plots: &[Plot]) -> String {
        html::render(&self.inner, plots)
    }

    /// Asserts that every threshold of the scenario passed.
    ///
    /// # Panics
    ///
    /// When one failed, with the thresholds, the scenario file and the command that shows it again.
    #[track_caller]
    pub fn assert_passed(&self) {
        let failed: Vec<&Verdict> = self.thresholds.iter().filter(|t| !t.passed).collect();
        assert!(failed.is_empty(), "{}", self.reproduction(&failed, self.thresholds.len()));
    }

    /// Asserts one more condition, written as in a scenario file: `report.assert("heal", "max < 60s")`.
    ///
    /// # Panics
    ///
    /// When it does not hold, as [`Self::assert_passed`]; or when it cannot be read.
    #[track_caller]
    pub fn assert(&self, metric: &str, expression: &str) {
        let verdict = match self.judge(metric, expression) {
            Ok(verdict) => verdict,
            Err(error) => panic!("{error}"),
        };
        assert!(verdict.passed, "{}", self.reproduction(&[&verdict], 1));
    }

    /// What failed and how to see it again.
    fn reproduction(&self, failed: &[&Verdict], of: usize) -> String {
        let name = &self.inner.scenario.name;
        let plural = if of == 1 { "threshold" } else { "thresholds" };
        let mut out = format!("scenario `{name}`: {} of {of} {plural} failed\n", failed.len());
        for v in failed {
            let _ = writeln!(out, "  {}  {}  found {}", v.metric, v.expression, v.found());
        }
        // One bad seed says it all; where no seed fails alone, all of them are needed.
        let bad = failed.iter().find_map(|v| v.by_seed.iter().find(|s| !s.passed));
        let seeds = match (bad, self.inner.runs.first(), self.inner.runs.last()) {
            (Some(bad), ..) => format!("--seed {}", bad.seed),
            (None, Some(first), Some(last)) => format!("--seeds {}..{}", first.seed, last.seed),
            _ => String::new(),
        };
        let _ = writeln!(out, "to see it again, save what follows as {name}.yaml and run");
        let _ = writeln!(out, "  wavetank run {name}.yaml {seeds}\n");
        out.push_str(&self.scenario);
        out
    }
}

impl Deref for Report {
    type Target = wavetank_reports::Report;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}
