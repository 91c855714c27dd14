//! Writes every plot and a page from made-up outcomes into a folder, to be looked at:
//! `cargo run -p wavetank-reports --example gallery -- FOLDER`.

use std::{env, error::Error, fs, path::Path};

use wavetank_protocol::time::{MILLISECOND, SECOND};
use wavetank_reports::{
    Meta, Report, html,
    plots::{self, Inputs, OldFormula, Settings},
};
use wavetank_sim_core::threshold::Threshold;

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
        let meta = Meta {
            name: format!("zone-cut ({name})"),
            hash: "blake3:5f0c2e9d4b7a6183c5f0c2e9d4b7a6183c5f0c2e9d4b7a6183c5f0c2e9d4b7a61".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            description: "One node crashes; later a zone is cut off for four seconds; then a node changes its metadata."
                .into(),
            facts: [("nodes", nodes.to_string()), ("preset", "memberlist-lan".into()), ("simulated", "90 s".into())]
                .map(|(name, value)| (name.to_string(), value))
                .to_vec(),
        };
        let thresholds = [
            ("detection.first", "p(99) < 20s"),
            ("false_positives", "count == 0"),
            ("dissemination.t100", "max < 5s"),
        ];
        let thresholds = thresholds
            .into_iter()
            .map(|(m, e)| Threshold::parse(m, e))
            .collect::<Result<Vec<_>, _>>()?;
        let report = Report::new(meta, outcomes, &thresholds);
        let plots = plots::all(&Inputs::new(&report, settings));
        for plot in &plots {
            fs::write(folder.join(format!("{}.svg", plot.name)), &plot.svg)?;
            fs::write(folder.join(format!("{}.png", plot.name)), plots::png(plot, 3))?;
        }
        fs::write(folder.join("report.html"), html::render(&report, &plots))?;
    }
    Ok(())
}
