//! Levels over the whole run: one panel per curve on a common time axis, the mean over runs as a line and
//! the range between the least and the greatest run as a band.

use plotters::style::RGBColor;
use wavetank_protocol::Span;

use super::{
    input::{Inputs, Series},
    sheet::{Flags, Sheet, Stroke, Swatch, margin, tint},
    steps::{self, Bin},
    ticks::Axis,
};

/// Bins over the run.
pub(super) const BINS: usize = 180;

/// A curve with its words and colour.
#[derive(Clone, Copy)]
pub(super) struct Level<'a> {
    pub curve: &'a str,
    pub y: &'a str,
    pub color: RGBColor,
    /// Values are whole numbers, and so are the ticks.
    pub whole: bool,
    /// By what the values are multiplied: 100 for shares in per cent.
    pub times: f64,
}

/// Draws the curves that exist; if none does there is no plot.
pub(super) fn sheet(inputs: &Inputs, title: &str, levels: &[Level]) -> Option<Sheet> {
    let there: Vec<_> = levels.iter().filter(|l| !inputs.curve(l.curve).is_empty()).collect();
    if there.is_empty() || inputs.simulated == 0 {
        return None;
    }
    let mut sheet = Sheet::new();
    let first = &there[0];
    let mean = Stroke::solid(first.color, 2.0);
    let legend = if inputs.runs > 1 {
        let words = format!("mean and range of {} runs", inputs.runs);
        vec![(Swatch::Band(mean, tint(first.color, 0.3)), words)]
    } else {
        vec![(Swatch::Line(mean), "this run".to_string())]
    };
    sheet.header(title, "", &legend);
    let named = happenings(inputs);
    let (tall, steps) = if there.len() == 1 { (150.0, 4) } else { (78.0, 2) };
    let bins: Vec<_> =
        there.iter().map(|l| pooled(inputs.curve(l.curve), inputs.simulated, l.times)).collect();
    let axes: Vec<_> = there
        .iter()
        .zip(&bins)
        .map(|(level, bins)| {
            let high = bins.iter().map(|b| b.max).fold(0.0, f64::max);
            Axis::from_zero(high, steps, level.whole)
        })
        .collect();
    let left = margin(&axes);
    let last = there.len() - 1;
    for (i, ((level, bins), y)) in there.iter().zip(&bins).zip(axes).enumerate() {
        let (x, unit) = Axis::time(0.0, inputs.simulated as f64, 6);
        let x_title = format!("simulated time ({unit})");
        let x_title = (i == last).then_some(x_title.as_str());
        let flags = Flags { named: &named, words: i == 0 };
        let panel = sheet.panel(left, (x, x_title), (y, level.y), &flags, tall);
        let points = |value: fn(&Bin) -> f64| -> Vec<(f64, f64)> {
            let end = inputs.simulated as f64;
            let middle = |i: usize| (i as f64 + 0.5) / BINS as f64 * end;
            bins.iter().enumerate().map(|(i, b)| panel.at(middle(i), value(b))).collect()
        };
        let (upper, mean, lower) = (points(|b| b.max), points(|b| b.mean), points(|b| b.min));
        let band = upper.into_iter().chain(lower.into_iter().rev()).collect();
        sheet.area(band, tint(level.color, 0.3));
        sheet.line(mean, Stroke::solid(level.color, 1.8));
    }
    Some(sheet)
}

/// Per bin the mean of the runs, the least and the greatest value of any.
fn pooled(series: &[Series], end: Span, times: f64) -> Vec<Bin> {
    let runs: Vec<_> = series.iter().map(|s| steps::bins(s.points, end as f64, BINS)).collect();
    (0..BINS)
        .map(|i| Bin {
            mean: times * runs.iter().map(|r| r[i].mean).sum::<f64>() / runs.len() as f64,
            min: times * runs.iter().map(|r| r[i].min).fold(f64::INFINITY, f64::min),
            max: times * runs.iter().map(|r| r[i].max).fold(0.0, f64::max),
        })
        .collect()
}

/// What happened, for the flags.
pub(super) fn happenings(inputs: &Inputs) -> Vec<(f64, String)> {
    inputs.markers.iter().map(|m| (m.at as f64, m.label.clone())).collect()
}
