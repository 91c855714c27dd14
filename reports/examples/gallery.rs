//! Writes every plot, as SVG and PNG, from made-up outcomes into a folder, to be looked at:
//! `cargo run -p wavetank-reports --example gallery -- FOLDER`.

use std::{env, error::Error, fs, path::Path};

use wavetank_protocol::time::{MILLISECOND, SECOND};
use wavetank_reports::plots::{self, Inputs, OldFormula, Settings};

mod synthetic;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args().nth(1).ok_or("give the folder to write to")?;
    let shapes = [("one", 64, 1, false), ("many", 64, 50, true), ("small", 8, 5, false)];
    for (name, nodes, runs, misses) in shapes {
        let folder = Path::new(&folder).join(name);
        fs::create_dir_all(&folder)?;
        let outcomes = synthetic::outcomes(synthetic::Shape { nodes, runs, misses });
        let settings = Settings {
            old_formula: Some(OldFormula {
                nodes,
                fanout: 3,
                interval: 200 * MILLISECOND,
                loss: 0.01,
                failed: 0.0,
            }),
            suspicion: Some((7200 * MILLISECOND, 43 * SECOND)),
        };
        for plot in plots::all(&Inputs::from_outcomes(&outcomes, settings)) {
            fs::write(folder.join(format!("{}.svg", plot.name)), &plot.svg)?;
            fs::write(folder.join(format!("{}.png", plot.name)), plots::png(&plot, 3))?;
        }
    }
    Ok(())
}
