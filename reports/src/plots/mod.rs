//! Plots of a scenario's runs, as SVG and PNG, without any font or library of the system.
//!
//! A plot is first a list of marks on a sheet as wide as a phone; two backends turn it into a file. Colours
//! differ in lightness as well, so that a plot survives grey print, and legends stand above the data, never
//! on it. Equal inputs give equal bytes.

mod beliefs;
mod draw;
mod ecdf;
mod input;
mod levels;
mod serf;
mod sheet;
mod spread;
mod stack;
mod steps;
mod ticks;

pub use input::{Inputs, Marker, OldFormula, Series, Settings, Spread};

use levels::Level;
use sheet::{BLUE, ORANGE, Sheet, VERMILION};
use spread::Words;

/// At most so many timeline entries get a plot of their own, per kind of plot.
const ENTRIES: usize = 6;

/// A finished plot.
#[derive(Clone, Debug, PartialEq)]
pub struct Plot {
    /// File name without extension, unique within a report.
    pub name: String,
    /// What it shows, in words.
    pub title: String,
    /// How to read it, in a sentence.
    pub caption: &'static str,
    /// The plot as an SVG document that scales to the width it is given.
    pub svg: String,
    sheet: Sheet,
}

impl Plot {
    fn new(name: String, title: String, caption: &'static str, sheet: Sheet) -> Self {
        Self { svg: draw::svg(&sheet, &title), name, title, caption, sheet }
    }
}

/// The plot as a PNG, 400 times `scale` pixels wide; scales outside 1 to 8 are brought inside.
pub fn png(plot: &Plot, scale: u32) -> Vec<u8> {
    draw::png(&plot.sheet, scale)
}

/// All plots that the inputs have material for, in the order of a report.
pub fn all(inputs: &Inputs) -> Vec<Plot> {
    let mut plots = Vec::new();
    for (i, (event, spreads)) in inputs.dissemination.iter().take(ENTRIES).enumerate() {
        let title = format!("How the news of “{event}” spread");
        let words = Words {
            title: &title,
            x: "time since the change",
            y: "share of those who count that have it",
            done: "had it",
        };
        let formula = inputs.settings.old_formula.as_ref();
        let caption = "Who counts: the nodes that ran and could be reached when the change happened. The old formula is \
            the closed form of Serf's former convergence simulator; it knows no latency, no retransmit limit, no \
            piggybacking on probes and no push/pull.";
        if let Some(sheet) = spread::sheet(&words, spreads, formula) {
            plots.push(Plot::new(numbered("dissemination", i), title.clone(), caption, sheet));
        }
    }
    plots.extend(serf::spreads(inputs));
    if let Some(sheet) = ecdf::sheet(inputs) {
        let caption = "A curve that ends below 100 % counts crashes that were not detected before the run ended.";
        plots.push(Plot::new(
            "detection".into(),
            "How soon a crash is detected".into(),
            caption,
            sheet,
        ));
    }
    for (i, (event, spreads)) in inputs.detection.iter().take(ENTRIES).enumerate() {
        let title = format!("How the news of “{event}” spread");
        let words = Words {
            title: &title,
            x: "time since the crash",
            y: "share of those who count that hold it dead",
            done: "had it",
        };
        let caption = "The flat start is the time until a probe fails and the suspicion runs out.";
        if let Some(sheet) = spread::sheet(&words, spreads, None) {
            plots.push(Plot::new(numbered("detection-spread", i), title.clone(), caption, sheet));
        }
    }
    let (seed, timelines) = &inputs.beliefs;
    for (i, timeline) in timelines.iter().enumerate() {
        let caption = "Taller bars are worse news: alive, suspect, dead. The dotted line is the moment it happened.";
        if let Some(sheet) = beliefs::sheet(*seed, timeline) {
            let title = format!("What the others believed about {}", timeline.subject);
            plots.push(Plot::new(numbered("beliefs", i), title, caption, sheet));
        }
    }
    let caption =
        "A record is what one node believes about another; the panels have their own scales.";
    let counts = [
        Level { curve: "alive", y: "alive records", color: BLUE, whole: true, times: 1.0 },
        Level { curve: "suspect", y: "suspect records", color: ORANGE, whole: true, times: 1.0 },
        Level { curve: "dead", y: "dead records", color: VERMILION, whole: true, times: 1.0 },
    ];
    plots.extend(levels_plot(
        inputs,
        "records",
        "How many records say alive, suspect, dead",
        caption,
        &counts,
    ));
    if let Some(sheet) = stack::sheet(inputs) {
        let caption = "Payload of datagrams and streams, without the headers of UDP, TCP and IP.";
        plots.push(Plot::new(
            "bandwidth".into(),
            "What the nodes send, by kind of traffic".into(),
            caption,
            sheet,
        ));
    }
    let caption = "Broadcasts that wait to be sent; a queue that does not drain is a cluster that cannot keep up.";
    let queue = [
        Level {
            curve: "queue.depth",
            y: "broadcasts queued, mean over nodes",
            color: BLUE,
            whole: false,
            times: 1.0,
        },
        Level {
            curve: "queue.depth.max",
            y: "broadcasts queued, greatest of the nodes",
            color: BLUE,
            whole: true,
            times: 1.0,
        },
    ];
    if queue.iter().any(|level| inputs.ever(level.curve)) {
        plots.extend(levels_plot(
            inputs,
            "queue",
            "How many broadcasts wait in the queues",
            caption,
            &queue,
        ));
    }
    plots.extend(serf::levels(inputs));
    let caption =
        "Lifeguard's score of a node's own health: 0 is well, every point slows its probes down.";
    let health = [
        Level {
            curve: "health.score",
            y: "health score, mean over nodes",
            color: BLUE,
            whole: false,
            times: 1.0,
        },
        Level {
            curve: "health.score.max",
            y: "health score, worst of the nodes",
            color: BLUE,
            whole: true,
            times: 1.0,
        },
    ];
    plots.extend(levels_plot(
        inputs,
        "health",
        "How unwell the nodes think they are",
        caption,
        &health,
    ));
    plots
}

fn levels_plot(
    inputs: &Inputs,
    name: &str,
    title: &str,
    caption: &'static str,
    levels: &[Level],
) -> Option<Plot> {
    let sheet = levels::sheet(inputs, title, levels)?;
    Some(Plot::new(name.into(), title.into(), caption, sheet))
}

/// `name`, `name-2`, `name-3`, ...
fn numbered(name: &str, index: usize) -> String {
    if index == 0 { name.into() } else { format!("{name}-{}", index + 1) }
}

#[cfg(test)]
mod tests {
    use wavetank_protocol::time::{MILLISECOND, SECOND};

    use super::*;
    use crate::{
        report::{Meta, Report},
        synthetic,
    };
    use sheet::{Anchor, Label, Mark, WIDTH, text_width};

    fn plots(nodes: u64, runs: u64, misses: bool) -> Vec<Plot> {
        let outcomes = synthetic::outcomes(synthetic::Shape { nodes, runs, misses });
        let report = Report::new(Meta::default(), outcomes, &[]);
        let settings = Settings {
            old_formula: Some(OldFormula {
                nodes,
                fanout: 3,
                interval: 200 * MILLISECOND,
                loss: 0.01,
                failed: 0.0,
            }),
            suspicion: Some((7 * SECOND, 42 * SECOND)),
        };
        all(&Inputs::new(&report, settings))
    }

    /// Left, right, top and bottom of a text.
    fn bounds(label: &Label) -> [f64; 4] {
        let width = text_width(&label.text, label.size, label.bold);
        let left = match label.anchor {
            Anchor::Start => label.at.0,
            Anchor::Middle => label.at.0 - width / 2.0,
            Anchor::End => label.at.0 - width,
        };
        [left, left + width, label.at.1 - label.size / 2.0, label.at.1 + label.size / 2.0]
    }

    #[test]
    fn all_text_is_on_the_sheet_and_none_is_on_other_text() {
        for (nodes, runs, misses) in
            [(64, 1, false), (64, 50, true), (8, 5, false), (100_000, 3, true)]
        {
            for plot in plots(nodes, runs, misses) {
                let texts: Vec<_> = plot
                    .sheet
                    .marks
                    .iter()
                    .filter_map(|m| {
                        if let Mark::Text(label) = m {
                            Some((bounds(label), &label.text))
                        } else {
                            None
                        }
                    })
                    .collect();
                for (i, (a, text)) in texts.iter().enumerate() {
                    assert!(
                        a[0] >= 0.0 && a[1] <= WIDTH && a[2] >= 0.0 && a[3] <= plot.sheet.height,
                        "{text}"
                    );
                    for (b, other) in &texts[..i] {
                        let apart = a[0] >= b[1] || b[0] >= a[1] || a[2] >= b[3] || b[2] >= a[3];
                        assert!(apart, "{}: `{text}` on `{other}`", plot.name);
                    }
                }
            }
        }
    }

    #[test]
    fn equal_inputs_give_equal_bytes_and_unique_names() {
        let (first, second) = (plots(24, 4, true), plots(24, 4, true));
        assert_eq!(first, second);
        let mut names: Vec<_> = first.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names.len(), 14);
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 14);
        assert_eq!(png(&first[0], 1), png(&second[0], 1));
    }

    #[test]
    fn a_png_has_the_size_of_its_sheet_and_ink_on_it() {
        let plot = &plots(8, 2, false)[0];
        let bytes = png(plot, 2);
        let mut reader =
            ::png::Decoder::new(std::io::Cursor::new(bytes)).read_info().expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
        let info = reader.next_frame(&mut pixels).expect("a frame");
        assert_eq!((info.width, info.height), (800, (plot.sheet.height * 2.0).ceil() as u32));
        assert!(pixels.iter().any(|p| *p < 64));
    }

    #[test]
    fn queues_that_stay_empty_have_no_plot() {
        let outcomes = synthetic::outcomes(synthetic::Shape { nodes: 8, runs: 2, misses: false });
        let report = Report::new(Meta::default(), outcomes, &[]);
        let mut inputs = Inputs::new(&report, Settings::default());
        let named = |inputs: &Inputs| all(inputs).iter().any(|p| p.name == "queue");
        assert!(named(&inputs));
        for name in ["queue.depth", "queue.depth.max"] {
            for series in inputs.curves.get_mut(name).into_iter().flatten() {
                series.points = &[(0, 0.0)];
            }
        }
        assert!(!named(&inputs));
    }

    #[test]
    fn without_material_there_are_no_plots() {
        let report = Report::new(Meta::default(), Vec::new(), &[]);
        assert!(all(&Inputs::new(&report, Settings::default())).is_empty());
    }

    #[test]
    fn the_old_formula_is_the_published_one() {
        let formula =
            OldFormula { nodes: 100, fanout: 3, interval: SECOND, loss: 0.0, failed: 0.0 };
        assert_eq!(formula.share(0.0), 1.0 / 102.0);
        let half = formula.time(0.5);
        assert!((formula.share(half) - 0.5).abs() < 1e-12);
        assert!((half / 1e9 - libm::log(101.0) / 1.5).abs() < 1e-9);
    }
}
