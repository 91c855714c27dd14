//! The figures as a table of 80 columns or as JSON.
//!
//! Only what was measured is printed. A ratio needs two figures of the same case and number of
//! nodes; it is the other subject's time over Wavetank's or, for the floor, the reverse, which is
//! how the goals are worded.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// One measured time.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Who: `floor`, `foca` or `wavetank`.
    pub subject: &'static str,
    /// Under which circumstances: `steady` or `killed`.
    pub case: &'static str,
    /// How many nodes.
    pub nodes: u32,
    /// Wall seconds per simulated second.
    pub wall: f64,
    /// Events per node and simulated second, where that is fixed.
    pub events: Option<u64>,
}

impl Figure {
    /// Nanoseconds of wall time per node and simulated second.
    pub fn per_node(&self) -> f64 {
        self.wall * 1e9 / f64::from(self.nodes)
    }

    /// Nanoseconds of wall time per event.
    pub fn per_event(&self) -> Option<f64> {
        self.events.map(|events| self.per_node() / events as f64)
    }

    fn json(&self) -> Value {
        json!({
            "subject": self.subject,
            "case": self.case,
            "nodes": self.nodes,
            "wall_seconds_per_second": self.wall,
            "ns_per_node_second": self.per_node(),
            "ns_per_event": self.per_event(),
        })
    }
}

/// A ratio with the figures it is made of.
struct Ratio {
    name: String,
    case: &'static str,
    nodes: u32,
    value: f64,
}

impl Ratio {
    fn json(&self) -> Value {
        json!({ "ratio": self.name, "case": self.case, "nodes": self.nodes, "value": self.value })
    }
}

/// Which subject's time is divided by which other's.
const RATIOS: &[(&str, &str)] = &[("wavetank", "floor"), ("foca", "wavetank"), ("serf", "swim")];

fn ratios(figures: &[Figure]) -> Vec<Ratio> {
    let mut ratios = Vec::new();
    for over in figures {
        for under in figures.iter().filter(|f| (f.case, f.nodes) == (over.case, over.nodes)) {
            if RATIOS.contains(&(over.subject, under.subject)) {
                ratios.push(Ratio {
                    name: format!("{} over {}", over.subject, under.subject),
                    case: over.case,
                    nodes: over.nodes,
                    value: over.wall / under.wall,
                });
            }
        }
    }
    ratios
}

/// The table, with a line feed at the end.
pub fn table(figures: &[Figure]) -> String {
    let mut out = format!(
        "{:<10}{:<8}{:>10}{:>18}{:>18}{:>12}\n",
        "subject", "case", "nodes", "ms per second", "ns per node-s", "ns an event"
    );
    for figure in figures {
        let event = figure.per_event().map_or_else(|| "-".to_owned(), |ns| format!("{ns:.1}"));
        writeln!(
            out,
            "{:<10}{:<8}{:>10}{:>18.3}{:>18.1}{event:>12}",
            figure.subject,
            figure.case,
            figure.nodes,
            figure.wall * 1e3,
            figure.per_node(),
        )
        .expect("writing to a string");
    }
    let ratios = ratios(figures);
    if !ratios.is_empty() {
        writeln!(out, "\n{:<28}{:<8}{:>10}{:>12}", "ratio", "case", "nodes", "value")
            .expect("writing to a string");
    }
    for Ratio { name, case, nodes, value } in ratios {
        writeln!(out, "{name:<28}{case:<8}{nodes:>10}{value:>12.2}").expect("writing to a string");
    }
    out
}

/// The same as JSON.
pub fn json(figures: &[Figure]) -> Value {
    json!({
        "figures": figures.iter().map(Figure::json).collect::<Vec<_>>(),
        "ratios": ratios(figures).iter().map(Ratio::json).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(subject: &'static str, nodes: u32, wall: f64) -> Figure {
        let events = (subject == "floor").then_some(4);
        Figure { subject, case: "steady", nodes, wall, events }
    }

    #[test]
    fn only_what_was_measured_is_printed() {
        let alone = [figure("floor", 1000, 8e-5), figure("foca", 1000, 5e-3)];
        let text = table(&alone);
        assert!(text.contains("80.0        20.0"), "{text}");
        assert!(!text.contains("ratio"));
        assert_eq!(json(&alone)["ratios"], json!([]));
    }

    #[test]
    fn ratios_read_as_the_goals_do() {
        let figures =
            [figure("floor", 10, 1.0), figure("foca", 10, 12.0), figure("wavetank", 10, 4.0)];
        let values: Vec<_> = ratios(&figures).into_iter().map(|r| (r.name, r.value)).collect();
        let expected = [("foca over wavetank", 3.0), ("wavetank over floor", 4.0)];
        assert_eq!(values, expected.map(|(name, value)| (name.to_owned(), value)));
    }

    #[test]
    fn lines_fit_80_columns() {
        let text = table(&[figure("wavetank", 1_000_000, 123.4), figure("floor", 1_000_000, 1e3)]);
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    }
}
