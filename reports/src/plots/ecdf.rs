//! How long detection takes: the share of crashes found within a time, by the first node and by all. What
//! was never found keeps the curve below 100 %.

use wavetank_protocol::Span;

use super::{
    input::Inputs,
    sheet::{BLUE, Flags, Sheet, Stroke, Swatch, VERMILION, margin},
    spread::thin,
    ticks::{Axis, span},
};

/// Draws it; without samples there is none.
pub(super) fn sheet(inputs: &Inputs) -> Option<Sheet> {
    let (first, all) = (&inputs.detection_first, &inputs.detection_all);
    let crashes = first.len().max(all.len());
    if crashes == 0 {
        return None;
    }
    let found = first.iter().chain(all).filter_map(|v| *v).max();
    let marks = inputs.settings.suspicion.map_or(vec![], |(min, max)| {
        let mut marks = vec![(min, "least suspicion time")];
        if max > min {
            marks.push((max, "greatest suspicion time"));
        }
        marks
    });
    // A greatest suspicion time far beyond everything observed would squeeze the curves.
    let reach = found.unwrap_or(0).max(1);
    let marks: Vec<_> = marks.into_iter().filter(|m| found.is_none() || m.0 <= reach * 2).collect();
    let end = marks.iter().map(|m| m.0).max().unwrap_or(0).max(reach) as f64 * 1.06;

    let by_first = Stroke::solid(BLUE, 2.5);
    let by_all = Stroke::dashed(VERMILION, 2.5, 9.0, 3.5);
    let mut legend = Vec::new();
    if !first.is_empty() {
        legend.push((Swatch::Line(by_first), "declared dead by the first node".to_string()));
    }
    if !all.is_empty() {
        legend.push((Swatch::Line(by_all), "held dead by all who count".to_string()));
    }
    let mut sheet = Sheet::new();
    let many = if crashes == 1 { "1 crash".into() } else { format!("{crashes} crashes") };
    let runs = if inputs.runs == 1 { "1 run".into() } else { format!("{} runs", inputs.runs) };
    let by_first_words = words(first, "a first node declared", "were never declared");
    let by_all_words = words(all, "all knew of", "were never known to all");
    let subtitle = format!("{many} in {runs}; {by_first_words}; {by_all_words}.");
    sheet.header("How soon a crash is detected", &subtitle, &legend);
    let (x, unit) = Axis::time(0.0, end, 5);
    let title = format!("time since the crash ({unit})");
    let y = Axis::percent();
    let words: Vec<_> =
        marks.iter().map(|(at, name)| (*at as f64, format!("{name} {}", span(*at)))).collect();
    let flags = Flags { named: &words, words: true };
    let y_title = "share of crashes detected by then";
    let panel = sheet.panel(margin([&y]), (x, Some(&title)), (y, y_title), &flags, 190.0);
    for (samples, stroke) in [(first, by_first), (all, by_all)] {
        if samples.is_empty() {
            continue;
        }
        let mut corners = vec![(0.0, 0.0)];
        let mut share = 0.0;
        for (i, time) in samples.iter().filter_map(|v| *v).enumerate() {
            corners.push((time as f64, share));
            share = (i + 1) as f64 / samples.len() as f64;
            corners.push((time as f64, share));
        }
        corners.push((end, share));
        sheet.line(thin(corners.into_iter().map(|(t, v)| panel.at(t, v))), stroke);
    }
    Some(sheet)
}

/// Says how late the last one came, or how many never did.
fn words(samples: &[Option<Span>], done: &str, not_done: &str) -> String {
    let missing = samples.iter().filter(|v| v.is_none()).count();
    let last = samples.iter().filter_map(|v| *v).max();
    match (missing, last) {
        (0, Some(only)) if samples.len() == 1 => format!("{done} it after {}", span(only)),
        (0, Some(last)) => format!("{done} each within {}", span(last)),
        (0, None) => "not measured".into(),
        (missing, _) => format!("{missing} {not_done}"),
    }
}
