//! Which scenario is meant: a path, `-`, or the name of a built-in.

use std::{io::Read, path::Path};

use wavetank::{
    Scenario,
    scenarios::{default_text, library},
};

use crate::{exit::Failure, screen::Screen};

/// The scenario of an argument, not yet checked. A name with `/` or `.` in it is a path; any other is a file
/// if there is one, else a built-in.
pub fn scenario(argument: &str, screen: &Screen) -> Result<Scenario, Failure> {
    if argument == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(|error| {
            Failure::Usage(format!("cannot read the scenario from standard input: {error}"))
        })?;
        return Ok(Scenario::raw("<stdin>", &text));
    }
    let path = Path::new(argument);
    let builtin = library::get(argument);
    if path.is_file() {
        if builtin.is_some() {
            screen.note(&format!(
                "running the file `{argument}`, not the built-in scenario of that name; \
                 rename the file to run the latter"
            ));
        }
        return file(path);
    }
    if let Some(builtin) = builtin {
        return Ok(Scenario::raw(builtin.name, builtin.text));
    }
    if path.is_dir() {
        return Err(Failure::Usage(format!(
            "`{argument}` is a folder; name a scenario file in it (to render a run folder: wavetank report {argument})"
        )));
    }
    let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or(argument);
    if argument.contains(['/', '.']) {
        let hint = match library::get(stem) {
            Some(builtin) => format!("the built-in scenario is called `{}`", builtin.name),
            None => "`wavetank scenarios new` writes one".to_owned(),
        };
        return Err(Failure::Usage(format!("there is no file `{argument}`; {hint}")));
    }
    match Scenario::builtin(argument) {
        Ok(scenario) => Ok(scenario),
        Err(error) => Err(Failure::Usage(format!("{error} (nor is there a file of that name)"))),
    }
}

/// The scenario of a file, not yet checked.
fn file(path: &Path) -> Result<Scenario, Failure> {
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::Usage(format!("cannot read {}: {error}", path.display())))?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Failure::Usage(format!(
            "{} is not a text in UTF-8; a scenario is a YAML file",
            path.display()
        ))
    })?;
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    Ok(Scenario::raw(&path.display().to_string(), &text).with_folder(folder))
}

/// The scenario that runs without a file, not yet checked.
pub fn default(preset: &str, nodes: u32, loss: Option<&str>, latency: Option<&str>) -> Scenario {
    Scenario::raw("default", &default_text(preset, nodes, loss, latency))
}
