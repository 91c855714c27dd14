//! Measured beside simulated.

use std::fmt::Write as _;

use super::{record::Record, schedule::STEPS};
use crate::fidelity::{stats, table::Verdict};

/// One column of one step.
#[derive(Clone, Debug)]
pub struct Row {
    /// Step.
    pub step: &'static str,
    /// Column.
    pub column: &'static str,
    /// As measured, in order of time; not reached is left out.
    pub measured: Vec<f64>,
    /// How many were not reached.
    pub missing: usize,
    /// First, fiftieth and ninety-ninth percentile of all simulated ones.
    pub simulated: [f64; 3],
    /// Share of the simulated ones that were not reached.
    pub simulated_missing: f64,
    /// How many of the measured ones lie between the first and the ninety-ninth percentile.
    pub inside: usize,
    /// Median of the measured ones.
    pub median: f64,
    /// It among the medians of the simulated runs.
    pub verdict: Verdict,
    /// Mean of the medians of the simulated runs.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
}

/// A row for each column of each step.
pub fn rows(measured: &Record, simulated: &[Record]) -> Vec<Row> {
    let mut rows = Vec::new();
    for step in STEPS {
        for (i, column) in step.columns.iter().copied().enumerate() {
            let of = |record: &Record| -> Vec<Option<f64>> {
                let case = record.cases.get(step.name);
                case.map_or_else(Vec::new, |c| c.clusters.iter().flatten().map(|t| t[i]).collect())
            };
            let samples = of(measured);
            let values: Vec<f64> = samples.iter().flatten().copied().collect();
            let pooled: Vec<Option<f64>> = simulated.iter().flat_map(&of).collect();
            let sorted = stats::sorted(pooled.iter().copied());
            let percentiles = [0.01, 0.5, 0.99].map(|p| stats::quantile(&sorted, p));
            let median = |values: Vec<Option<f64>>| stats::quantile(&stats::sorted(values), 0.5);
            let medians: Vec<f64> =
                simulated.iter().map(|r| median(of(r))).filter(|m| !m.is_nan()).collect();
            let (mean, deviation) = (stats::mean(&medians), stats::deviation(&medians));
            let ours = median(samples.clone());
            let verdict = Verdict::Z((ours - mean) / deviation);
            let inside = values.iter().filter(|v| percentiles[0] <= **v && **v <= percentiles[2]);
            rows.push(Row {
                step: step.name,
                column,
                inside: inside.count(),
                missing: samples.len() - values.len(),
                measured: values,
                simulated: percentiles,
                simulated_missing: (pooled.len() - sorted.len()) as f64
                    / pooled.len().max(1) as f64,
                median: ours,
                verdict,
                mean,
                deviation,
            });
        }
    }
    rows
}

/// The table as Markdown.
pub fn markdown(rows: &[Row]) -> String {
    let mut text = String::from(
        "| step | ms until | measured | simulated p1 | p50 | p99 | inside | median |\n\
         |---|---|---|---:|---:|---:|---:|---|\n",
    );
    for row in rows {
        let mut measured: Vec<String> = row.measured.iter().map(|v| format!("{v:.0}")).collect();
        if row.missing > 0 {
            measured.push(format!("{} not reached", row.missing));
        }
        let Verdict::Z(z) = row.verdict else { continue };
        let [low, middle, high] = row.simulated;
        let never = if row.simulated_missing > 0.0 {
            format!(" ({:.1} % not reached)", row.simulated_missing * 100.0)
        } else {
            String::new()
        };
        let flag = if row.verdict.holds() { "" } else { " **no**" };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {low:.0} | {middle:.0} | {high:.0}{never} | {} of {} | z {z:+.2}{flag} |",
            row.step,
            row.column,
            measured.join(" "),
            row.inside,
            row.measured.len() + row.missing,
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::real_serf::simulated;

    /// The recorded file is what the program writes, its steps can be simulated, and the simulation is told
    /// apart from one that is not right.
    #[test]
    fn the_record_is_compared() {
        let text = include_str!("../../data/real-serf-16.json");
        let measured: Record = serde_json::from_str(text).expect("the record is valid JSON");
        assert_eq!(measured.json(), text);
        let runs = simulated::runs(measured.delay_us, measured.handler_us, 8).expect("it runs");
        let good = rows(&measured, &runs);
        assert_eq!(good.len(), STEPS.iter().map(|s| s.columns.len()).sum::<usize>());
        assert!(good.iter().all(|r| r.mean > 0.0 && r.simulated_missing < 0.1));
        let slow = simulated::runs(200_000, measured.handler_us, 8).expect("it runs");
        assert!(rows(&measured, &slow).iter().any(|r| !r.verdict.holds()));
    }
}
