//! Where the bytes go: bandwidth by kind of traffic, stacked, mean over runs.

use plotters::style::RGBColor;

use super::{
    input::Inputs,
    levels::{BINS, happenings},
    sheet::{BLUE, Flags, PAPER, SKY, Sheet, Stroke, Swatch, VERMILION, YELLOW, margin},
    steps,
    ticks::Axis,
};

/// Curves from the bottom up; neighbours differ in lightness.
const KINDS: [(&str, &str, RGBColor); 4] = [
    ("bandwidth.probe", "probes", BLUE),
    ("bandwidth.gossip", "gossip", SKY),
    ("bandwidth.pushpull", "push/pull", YELLOW),
    ("bandwidth.stream_ping", "stream pings", VERMILION),
];

/// Draws it; without these curves there is none.
pub(super) fn sheet(inputs: &Inputs) -> Option<Sheet> {
    let there: Vec<_> = KINDS.iter().filter(|k| !inputs.curve(k.0).is_empty()).collect();
    if there.is_empty() || inputs.simulated == 0 {
        return None;
    }
    let end = inputs.simulated as f64;
    let mut tops = vec![vec![0.0; BINS]];
    for (curve, ..) in &there {
        let runs = inputs.curve(curve);
        let mut top: Vec<f64> = tops[tops.len() - 1].clone();
        for run in runs {
            for (sum, bin) in top.iter_mut().zip(steps::bins(run.points, end, BINS)) {
                *sum += bin.mean / runs.len() as f64;
            }
        }
        tops.push(top);
    }
    let high = tops[there.len()].iter().copied().fold(0.0, f64::max);
    let (per, unit) = [(1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s")]
        .into_iter()
        .find(|(per, _)| high >= *per)
        .unwrap_or((1.0, "B/s"));

    let mut sheet = Sheet::new();
    let swatches = there.iter().rev().map(|k| (Swatch::Bar(k.2, 0.8), k.1.to_string()));
    let subtitle =
        if inputs.runs > 1 { format!("Mean of {} runs.", inputs.runs) } else { String::new() };
    sheet.header(
        "What the nodes send, by kind of traffic",
        &subtitle,
        &swatches.collect::<Vec<_>>(),
    );
    let (x, time) = Axis::time(0.0, end, 6);
    let x_title = format!("simulated time ({time})");
    let y = Axis::from_zero(high / per, 4, false);
    let y_title = format!("payload sent by all nodes ({unit})");
    let named = happenings(inputs);
    let flags = Flags { named: &named, words: true };
    let panel = sheet.panel(margin([&y]), (x, Some(&x_title)), (y, &y_title), &flags, 180.0);
    let corner = |(i, v): (usize, &f64)| panel.at((i as f64 + 0.5) / BINS as f64 * end, v / per);
    for (i, kind) in there.iter().enumerate() {
        let upper = tops[i + 1].iter().enumerate().map(corner);
        let lower = tops[i].iter().enumerate().map(corner).rev();
        sheet.area(upper.chain(lower).collect(), kind.2);
    }
    for top in &tops[1..there.len()] {
        sheet.line(top.iter().enumerate().map(corner).collect(), Stroke::solid(PAPER, 0.75));
    }
    Some(sheet)
}
