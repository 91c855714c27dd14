//! Scenario files: YAML text to a checked [`Plan`], with every problem of a file reported at once.
//!
//! The text becomes a tree that knows its places; options change the tree; readers lower it to a plan,
//! collecting problems and, beside the plan, the same scenario with every default written out. A plan that
//! leaves this crate needs no further check.
//!
//! ```
//! use wavetank_scenarios::{Overrides, Source, load};
//! let text = "version: 1\nname: two\nduration: 10s\ncluster: {nodes: 2}\n";
//! let scenario = load(Source::new("two.yaml", text), &Overrides::default()).unwrap();
//! assert_eq!(scenario.plan.cluster.name(1), "node-1");
//! ```

mod defaults;
pub mod library;
mod lower;
mod out;
mod overrides;
pub mod presets;
mod problem;
mod read;
mod schema;
mod spell;
mod units;
mod yaml;

use std::path::Path;

use wavetank_sim_core::{plan::Plan, threshold::Threshold};

pub use defaults::{default_scenario, default_text};
pub use overrides::Overrides;
pub use problem::{Problem, Problems, Severity};
pub use read::Files;
pub use schema::schema;

use out::Out;
use problem::Texts;
use read::Cx;

/// The text of a scenario and where it came from.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// Path of the file or name of a built-in, for messages.
    pub name: &'a str,
    /// The text.
    pub text: &'a str,
    /// Reads files that the scenario names (`latency: {file: ...}`); without it such a key is an error.
    pub files: Option<Files<'a>>,
}

impl<'a> Source<'a> {
    /// A text that may name no files.
    pub fn new(name: &'a str, text: &'a str) -> Self {
        Self { name, text, files: None }
    }

    /// The same text with a way to read the files that it names.
    #[must_use]
    pub fn with_files(self, files: Files<'a>) -> Self {
        Self { files: Some(files), ..self }
    }
}

/// A reader for [`Source::with_files`] of files relative to a folder.
pub fn files_in(folder: &Path) -> impl Fn(&str) -> Result<String, String> + '_ {
    move |name| std::fs::read_to_string(folder.join(name)).map_err(|error| error.to_string())
}

/// A checked scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What is to be run.
    pub plan: Plan,
    /// The file's `description`; may be empty.
    pub description: String,
    /// What the report is judged by, in file order.
    pub thresholds: Vec<Threshold>,
    /// `blake3:<hex>` of the resolved scenario without `description`, `seed` and `seeds`.
    pub hash: String,
    /// What is legal but probably not meant.
    pub warnings: Problems,
    /// Texts of cluster labels by `Label::id`; the first is empty.
    pub labels: Vec<String>,
    resolved: Out,
}

impl Scenario {
    /// The scenario as YAML with every default written out. It loads back to an equal plan, but for the
    /// entries' line numbers.
    pub fn resolved(&self) -> String {
        self.resolved.document()
    }
}

/// Reads a scenario with changes from the command line. Either all is well, or all problems are returned,
/// in the order of the text.
pub fn load(source: Source<'_>, overrides: &Overrides) -> Result<Scenario, Problems> {
    let mut all = vec![(source.name.to_owned(), source.text.to_owned())];
    all.extend(overrides.texts());
    let texts = Texts(all);
    let mut problems = Vec::new();
    let Some(mut root) = yaml::parse(&texts, 0, &mut problems) else {
        return Err(Problems(problems));
    };
    overrides.apply(&mut root, &texts, &mut problems);
    let mut cx = Cx::new(&texts, source.files);
    cx.problems = problems;
    cx.scaled = overrides.nodes.is_some();
    let lowered = lower::read(&mut cx, &root);
    let Cx { mut problems, warnings, labels, .. } = cx;
    let name = |p: &Problem| texts.0.iter().position(|(name, _)| *name == p.source);
    problems.sort_by_key(|p| (name(p), p.line, p.column));
    let Some(lowered) = lowered.filter(|_| problems.is_empty()) else {
        return Err(Problems(problems));
    };
    let hashed: Vec<(String, Out)> = lowered
        .resolved
        .iter()
        .filter(|(key, _)| !matches!(key.as_str(), "description" | "seed" | "seeds"))
        .cloned()
        .collect();
    let digest = blake3::hash(Out::Map(hashed).document().as_bytes());
    Ok(Scenario {
        plan: lowered.plan,
        description: lowered.description,
        thresholds: lowered.thresholds,
        hash: format!("blake3:{}", digest.to_hex()),
        warnings: Problems(warnings),
        labels,
        resolved: Out::Map(lowered.resolved),
    })
}
