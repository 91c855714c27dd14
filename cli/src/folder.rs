//! The run folder: everything about a scenario's runs, to look at, to keep and to render again.
//!
//! Each file is written beside its place and then renamed, so that no reader ever sees half of one.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use wavetank::{
    Format, RenderOptions, Scenario,
    reports::{
        Report, format, html,
        plots::{self, Inputs, Settings},
        render,
    },
};

use crate::exit::Failure;

/// What makes a folder a run folder.
const REPORT: &str = "report.json";
const SCENARIO: &str = "scenario.yaml";
const PLOTS: &str = "plots";
/// Pixels of a PNG per unit of a plot, which is 400 units wide.
const SCALE: u32 = 3;

/// Refuses a folder that holds something else. Done before anything is simulated.
pub fn claim(folder: &Path) -> Result<(), Failure> {
    let refused = |why: &str| {
        Failure::Usage(format!(
            "will not write into {}: {why}; name a new folder with --out",
            folder.display()
        ))
    };
    if folder.exists() && !folder.is_dir() {
        return Err(refused("it is a file"));
    }
    let mut entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return fs::create_dir_all(folder).map_err(|error| Failure::writing(folder, &error));
        }
        Err(error) => return Err(Failure::writing(folder, &error)),
    };
    if entries.next().is_some() && !folder.join(REPORT).is_file() {
        return Err(refused("it holds files and no report.json, so it is no run folder"));
    }
    Ok(())
}

/// Writes a run folder. Returns the files worth opening.
pub fn write(
    folder: &Path,
    report: &Report,
    scenario: &str,
    settings: Settings,
    png: bool,
) -> Result<Vec<PathBuf>, Failure> {
    let plots = plots::all(&Inputs::new(report, settings));
    let plain = RenderOptions::default();
    let text = |f| render(report, f, &plain);
    remove_old_plots(&folder.join(PLOTS));
    let put = |name: &str, content: &[u8]| whole(&folder.join(name), content);
    put("report.html", html::render(report, &plots).as_bytes())?;
    put("report.md", text(Format::Markdown).as_bytes())?;
    put("samples.csv", format::samples_csv(report).as_bytes())?;
    put("curves.csv", format::curves_csv(report).as_bytes())?;
    put("junit.xml", text(Format::Junit).as_bytes())?;
    put(SCENARIO, scenario.as_bytes())?;
    if !plots.is_empty() {
        let folder = folder.join(PLOTS);
        fs::create_dir_all(&folder).map_err(|error| Failure::writing(&folder, &error))?;
    }
    for plot in &plots {
        put(&format!("{PLOTS}/{}.svg", plot.name), plot.svg.as_bytes())?;
        if png {
            put(&format!("{PLOTS}/{}.png", plot.name), &plots::png(plot, SCALE))?;
        }
    }
    // Last: its presence says that the folder is complete.
    put(REPORT, text(Format::Json).as_bytes())?;
    let mut open = vec![folder.join("report.html"), folder.join(REPORT)];
    if !plots.is_empty() {
        open.push(folder.join(PLOTS));
    }
    Ok(open)
}

/// What was read from a run folder.
#[derive(Debug)]
pub struct Read {
    /// The report.
    pub report: Report,
    /// The resolved scenario; empty when it is not there.
    pub scenario: String,
    /// What the plots show beside the report.
    pub settings: Settings,
}

/// Reads a run folder, or a `report.json` by itself.
pub fn read(place: &Path) -> Result<Read, Failure> {
    let file = if place.is_dir() { place.join(REPORT) } else { place.to_owned() };
    let text = fs::read_to_string(&file).map_err(|error| {
        Failure::Usage(format!(
            "cannot read {}: {error}; `wavetank run SCENARIO --out DIR` writes a run folder",
            file.display()
        ))
    })?;
    let report = Report::from_json(&text).map_err(|error| {
        Failure::Usage(format!(
            "{}: {error}; write it again with `wavetank run SCENARIO --out DIR`",
            file.display()
        ))
    })?;
    let beside = file.with_file_name(SCENARIO);
    let scenario = fs::read_to_string(&beside).unwrap_or_default();
    let checked = Scenario::raw(&beside.display().to_string(), &scenario)
        .with_folder(file.parent().map(Path::to_owned).unwrap_or_default())
        .check();
    let settings = checked.map_or_else(|_| Settings::default(), |c| Settings::from_plan(&c.plan));
    Ok(Read { report, scenario, settings })
}

/// Plots of an earlier run that this one may not have.
fn remove_old_plots(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_some_and(|e| e == "svg" || e == "png") {
            let _ = fs::remove_file(path);
        }
    }
}

/// Writes a file whole or not at all.
pub fn whole(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let written = fs::write(&part, content).and_then(|()| fs::rename(&part, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&part);
        Failure::writing(path, &error)
    })
}
