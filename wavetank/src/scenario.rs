//! A scenario to be run: its text, where it came from, and what the caller changes.
//!
//! The text stays a text until it is checked or run, so that every change is what `--set` would do and
//! every message points into the text or into the change.

use std::{
    fmt,
    ops::{Bound, RangeBounds},
    path::{Path, PathBuf},
};

use wavetank_reports::{Meta, plots::Settings, units};
use wavetank_scenarios::{Overrides, Problems, Source, files_in, library};
use wavetank_sim_core::{
    outcome::{Outcome, Unit},
    plan::Plan,
    threshold::{Threshold, nearest},
    watch::Watch,
};

use crate::{
    report::Report,
    run::{self, Options},
};

/// Why a scenario cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the scenario {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// There is no built-in scenario of that name.
    #[error("no built-in scenario is called `{name}`; {hint}")]
    UnknownBuiltin {
        /// The name.
        name: String,
        /// What there is.
        hint: String,
    },
    /// The text is no valid scenario: all problems at once.
    #[error("{0}")]
    Invalid(#[from] Problems),
    /// The threads could not be started.
    #[error("cannot start threads: {0}; try fewer jobs")]
    Threads(String),
}

/// A scenario and the changes to it. Its `Debug` form is the scenario file that reproduces it.
#[derive(Clone)]
pub struct Scenario {
    name: String,
    text: String,
    /// Where files that it names are looked for; none: it may name none.
    folder: Option<PathBuf>,
    overrides: Overrides,
}

impl Scenario {
    /// Reads a file. Files that it names are looked for beside it. Errors: unreadable, invalid.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Error::Read { path: path.to_owned(), error })?;
        let folder = path.parent().map(Path::to_owned);
        Self { folder, ..Self::raw(&path.display().to_string(), &text) }.checked()
    }

    /// From the text of a scenario file, which may name no other files. Errors: invalid.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::raw("scenario", text).checked()
    }

    /// A built-in scenario. Errors: no such name.
    pub fn builtin(name: &str) -> Result<Self, Error> {
        let Some(builtin) = library::get(name) else {
            let names: Vec<&str> = library::list().iter().map(|b| b.name).collect();
            let hint = match nearest(name, &names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", names.join(", ")),
            };
            return Err(Error::UnknownBuiltin { name: name.to_owned(), hint });
        };
        Self::raw(builtin.name, builtin.text).checked()
    }

    /// From a text with its name for messages, unchecked until [`Self::check`] or a run.
    pub fn raw(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
            folder: None,
            overrides: Overrides::default(),
        }
    }

    /// With files that the text names looked for in this folder.
    #[must_use]
    pub fn with_folder(self, folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()), ..self }
    }

    /// With all these changes instead of those so far.
    #[must_use]
    pub fn with_overrides(self, overrides: Overrides) -> Self {
        Self { overrides, ..self }
    }

    /// Sets a key of the file: `.set("cluster.config.gossip_interval", "500ms")`. What is wrong with it is
    /// told when the scenario is checked or run.
    #[must_use]
    pub fn set(mut self, path: &str, value: impl fmt::Display) -> Self {
        self.overrides.set.push((path.to_owned(), value.to_string()));
        self
    }

    /// Sets the total number of nodes; groups keep their proportions.
    #[must_use]
    pub fn nodes(mut self, nodes: u32) -> Self {
        self.overrides.nodes = Some(nodes);
        self
    }

    /// One run with this seed.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        (self.overrides.seed, self.overrides.seeds) = (Some(seed), None);
        self
    }

    /// One run for each seed of a range: `.seeds(1..=20)`. Without a start it begins at 1.
    ///
    /// # Panics
    ///
    /// When the range is empty, endless or longer than `u32::MAX`.
    #[must_use]
    pub fn seeds(mut self, seeds: impl RangeBounds<u64>) -> Self {
        let first = match seeds.start_bound() {
            Bound::Included(&first) => first,
            Bound::Excluded(&before) => before + 1,
            Bound::Unbounded => 1,
        };
        let count = match seeds.end_bound() {
            Bound::Included(&last) => last.checked_add(1).and_then(|end| end.checked_sub(first)),
            Bound::Excluded(&end) => end.checked_sub(first),
            Bound::Unbounded => None,
        };
        let count = count.and_then(|n| u32::try_from(n).ok()).filter(|&n| n > 0);
        let count = count.expect("a range of seeds that is neither empty nor endless");
        (self.overrides.seed, self.overrides.seeds) = (None, Some((first, count)));
        self
    }

    /// Reads and checks everything, without running it. Errors: all problems of the text and the changes.
    pub fn check(&self) -> Result<wavetank_scenarios::Scenario, Problems> {
        let source = Source::new(&self.name, &self.text);
        match &self.folder {
            None => wavetank_scenarios::load(source, &self.overrides),
            Some(folder) => {
                let files = files_in(folder);
                wavetank_scenarios::load(source.with_files(&files), &self.overrides)
            }
        }
    }

    /// Runs all seeds on all processors. Errors: invalid, no threads.
    pub fn run(&self) -> Result<Report, Error> {
        self.run_with(Options::default())
    }

    /// Runs all seeds. Errors: invalid, no threads.
    pub fn run_with(&self, options: Options<'_>) -> Result<Report, Error> {
        let checked = self.check()?;
        let outcomes = run::all(&checked.plan, options).map_err(Error::Threads)?;
        let (finished, wanted) = (outcomes.len(), checked.plan.seeds as usize);
        let mut meta = meta(&checked);
        if finished < wanted {
            meta.facts.push(("stopped after".to_owned(), format!("{finished} of {wanted} runs")));
        }
        let inner = wavetank_reports::Report::new(meta, outcomes, &checked.thresholds);
        let settings = Settings::from_plan(&checked.plan);
        Ok(Report::new(inner, self.file(), settings, wanted))
    }

    /// Runs one seed with a watcher that is told every effect. Errors: invalid.
    pub fn watch<W: Watch>(&self, seed: u64, watch: W) -> Result<(Outcome, W), Error> {
        let plan = self.check()?.plan;
        Ok(wavetank_sim_core::cluster::Tank::run(&plan, seed, watch))
    }

    /// The scenario file with all changes in it: the text itself where there are none, else with every
    /// default written out; the text also where it is invalid.
    pub fn file(&self) -> String {
        if self.overrides == Overrides::default() {
            return self.text.clone();
        }
        self.check().map_or_else(|_| self.text.clone(), |checked| checked.resolved())
    }

    /// The name for messages: path, built-in or whatever it was given.
    pub fn source_name(&self) -> &str {
        &self.name
    }

    /// The text without changes.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line of each threshold in the text, from 1, in the order of `thresholds`; 0 where it is not
    /// there (as when an option set it).
    pub fn threshold_lines(&self, thresholds: &[Threshold]) -> Vec<u32> {
        let lines: Vec<&str> = self.text.lines().collect();
        let start = lines.iter().position(|l| l.starts_with("thresholds:")).unwrap_or(lines.len());
        let mut from = start;
        let mut line_of = |t: &Threshold| {
            let named =
                |l: &str| l.trim_start().trim_matches(['"', '\'']).starts_with(t.metric.name);
            if let Some(key) = (start..lines.len()).find(|&i| named(lines[i])) {
                from = from.max(key);
            }
            let found = (from..lines.len()).find(|&i| lines[i].contains(&t.expression));
            from = found.unwrap_or(from);
            found.map_or(0, |i| i as u32 + 1)
        };
        thresholds.iter().map(&mut line_of).collect()
    }

    fn checked(self) -> Result<Self, Error> {
        self.check()?;
        Ok(self)
    }
}

impl fmt::Debug for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "# scenario file; run it with: wavetank run FILE\n{}", self.file())
    }
}

/// What the report says about its scenario.
fn meta(checked: &wavetank_scenarios::Scenario) -> Meta {
    Meta {
        name: checked.plan.name.clone(),
        hash: checked.hash.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        description: checked.description.clone(),
        facts: facts(&checked.plan),
    }
}

/// Facts of a plan for the line under the title.
fn facts(plan: &Plan) -> Vec<(String, String)> {
    let fact = |name: &str, value: String| (name.to_owned(), value);
    vec![
        fact("nodes", plan.cluster.slots().to_string()),
        fact("simulated", units::human(plan.duration as f64, Unit::Nanoseconds)),
    ]
}
