//! `wavetank scenarios`: the built-in library, and a new scenario from a few questions.

mod new;

use std::{fmt::Write, path::PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};
use wavetank::{Scenario, scenarios::library};

use super::check::wrap;
use crate::{
    exit::{Exit, Failure},
    folder,
    screen::Screen,
};

/// The built-in scenarios: list, show, copy, or write a new one
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  wavetank scenarios
  wavetank scenarios show zone-cut
  wavetank scenarios copy zone-cut my.yaml
  wavetank scenarios new")]
pub struct Args {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List them
    List {
        /// What to print
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: Form,
    },
    /// Print one
    Show {
        /// Its name
        name: String,
    },
    /// Write one to a file, to change it
    Copy {
        /// Its name
        name: String,
        /// The file; NAME.yaml if not given
        path: Option<PathBuf>,
    },
    /// Ask a few questions and write a commented scenario file
    ///
    /// Answers are read from standard input, one a line; an empty one takes the default.
    New {
        /// The file; named after the scenario if not given
        path: Option<PathBuf>,
    },
}

/// Formats of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For a terminal
    Text,
    /// A list with an object for each scenario
    Json,
}

pub fn perform(args: Args, screen: &Screen) -> Result<Exit, Failure> {
    match args.what.unwrap_or(What::List { format: Form::Text }) {
        What::List { format: Form::Text } => screen.print(&list(screen))?,
        What::List { format: Form::Json } => {
            let object = |b: &library::Builtin| json!({"name": b.name, "summary": b.summary()});
            let all: Vec<Value> = library::list().iter().map(object).collect();
            screen.print(&format!("{:#}\n", Value::Array(all)))?;
        }
        What::Show { name } => screen.print(Scenario::builtin(&name)?.text())?,
        What::Copy { name, path } => {
            let scenario = Scenario::builtin(&name)?;
            let path = path.unwrap_or_else(|| format!("{name}.yaml").into());
            save(&path, scenario.text(), screen)?;
        }
        What::New { path } => {
            let (name, text) = new::ask(screen)?;
            let path = path.unwrap_or_else(|| format!("{name}.yaml").into());
            save(&path, &text, screen)?;
        }
    }
    Ok(Exit::Passed)
}

fn list(screen: &Screen) -> String {
    let mut out = String::new();
    let width = library::list().iter().map(|b| b.name.len()).max().unwrap_or(0);
    for builtin in library::list() {
        let name = screen.style("1", &format!("{:<width$}", builtin.name));
        for (i, line) in wrap(&builtin.summary(), 78 - width).iter().enumerate() {
            let _ = if i == 0 {
                writeln!(out, "{name}  {line}")
            } else {
                writeln!(out, "{:width$}  {line}", "")
            };
        }
    }
    let first = library::list().first().map_or("", |b| b.name);
    let hint = |text: &str| screen.style("2", text);
    let _ = writeln!(
        out,
        "
{}",
        hint(&format!("run one:   wavetank run {first}"))
    );
    let _ = writeln!(out, "{}", hint(&format!("read it:   wavetank scenarios show {first}")));
    let _ = writeln!(out, "{}", hint("your own:  wavetank scenarios new"));
    out
}

/// Writes a new file and says what to do with it.
fn save(path: &std::path::Path, text: &str, screen: &Screen) -> Result<(), Failure> {
    let shown = path.display();
    if path.exists() {
        return Err(Failure::Usage(format!(
            "{shown} is there already; name another file, or remove it first"
        )));
    }
    folder::whole(path, text.as_bytes())?;
    let open = if path.components().count() == 1 && path.extension().is_none() { "./" } else { "" };
    screen.print(&format!("wrote {shown}; run it with: wavetank run {open}{shown}\n"))
}
