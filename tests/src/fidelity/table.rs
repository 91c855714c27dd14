//! The table of comparisons.

use std::fmt::Write as _;

/// One measured statistic beside its simulation.
#[derive(Clone, Debug)]
pub struct Row {
    /// Case.
    pub case: String,
    /// Which statistic.
    pub statistic: String,
    /// As measured.
    pub measured: f64,
    /// Mean over the replicates.
    pub mean: f64,
    /// Standard deviation over the replicates.
    pub deviation: f64,
    /// How it is judged.
    pub verdict: Verdict,
}

/// How a row is judged.
#[derive(Clone, Copy, Debug)]
pub enum Verdict {
    /// By its distance in deviations.
    Z(f64),
    /// By its place among the replicates, a share.
    Rank(f64),
    /// By its relative difference, with the most allowed.
    Relative(f64, f64),
    /// An outcome that must be the same.
    Same(bool),
    /// Not judged: the measurement leaves its own structure open.
    Told,
}

impl Verdict {
    /// Whether it is good enough.
    pub fn holds(self) -> bool {
        match self {
            Self::Z(z) => z.abs() <= 3.5,
            Self::Rank(rank) => (0.005..=0.995).contains(&rank),
            Self::Relative(difference, most) => difference.abs() <= most,
            Self::Same(same) => same,
            Self::Told => true,
        }
    }
}

/// The table as Markdown.
pub fn markdown(rows: &[Row]) -> String {
    let mut text = String::from(
        "| case | statistic | measured | simulated | s.d. | judged |\n|---|---|---:|---:|---:|---|\n",
    );
    for row in rows {
        let verdict = match row.verdict {
            Verdict::Z(z) => format!("z {z:+.2}"),
            Verdict::Rank(rank) => format!("rank {:.1} %", rank * 100.0),
            Verdict::Relative(d, most) => format!("{:+.2} % of {:.0} %", d * 100.0, most * 100.0),
            Verdict::Same(true) => "same".to_owned(),
            Verdict::Same(false) => "DIFFERENT".to_owned(),
            Verdict::Told => "not judged".to_owned(),
        };
        let flag = if row.verdict.holds() { "" } else { " **no**" };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {verdict}{flag} |",
            row.case,
            row.statistic,
            number(row.measured),
            number(row.mean),
            number(row.deviation)
        );
    }
    text
}

fn number(value: f64) -> String {
    match value.abs() {
        v if v.is_nan() => "–".to_owned(),
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// Mean of the squares of all z, and how many there are.
pub fn mean_square(rows: &[Row]) -> (f64, usize) {
    let squares: Vec<f64> = rows
        .iter()
        .filter_map(|r| if let Verdict::Z(z) = r.verdict { Some(z * z) } else { None })
        .collect();
    (squares.iter().sum::<f64>() / squares.len().max(1) as f64, squares.len())
}
