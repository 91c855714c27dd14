//! How a change spreads: the share of those who count over time, a thin line per run, their median and the
//! middle 80 %, and the old closed-form curve beneath for comparison.

use super::{
    input::{OldFormula, Spread},
    sheet::{BLUE, Flags, INK, SEED, Sheet, Stroke, Swatch, margin, tint},
    steps,
    ticks::{Axis, span},
};

/// More lines than this are only a grey cloud.
const LINES: usize = 40;
/// Times at which runs are pooled.
const GRID: usize = 200;

/// The words around a plot of spreading news.
pub(super) struct Words<'a> {
    pub title: &'a str,
    pub x: &'a str,
    pub y: &'a str,
    /// What those who count have done when all is over.
    pub done: &'a str,
}

/// Draws it; nothing to draw gives none.
pub(super) fn sheet(
    words: &Words,
    spreads: &[Spread],
    formula: Option<&OldFormula>,
) -> Option<Sheet> {
    let (end, late) = reach(spreads)?;
    let formula_end = formula.map_or(0.0, |f| f.time(0.99)).min(2.0 * end);
    let end = end.max(formula_end) * 1.04;

    let median = Stroke::solid(BLUE, 2.5);
    let old = Stroke::dashed(INK, 1.5, 6.0, 4.0);
    let shown = spreads.len().min(LINES);
    let mut legend = Vec::new();
    if spreads.len() > 1 {
        let each =
            if shown < spreads.len() { format!("first {shown} runs") } else { "each run".into() };
        legend.push((Swatch::Line(Stroke::solid(SEED, 1.0)), each));
        legend.push((Swatch::Band(median, tint(BLUE, 0.22)), "median, 10 to 90 %".into()));
    } else {
        legend.push((Swatch::Line(median), "this run".into()));
    }
    if formula.is_some() {
        legend.push((Swatch::Line(old), "old formula".into()));
    }

    let mut sheet = Sheet::new();
    sheet.header(words.title, &format!("{} {late}", subtitle(words.done, spreads)), &legend);
    let (x, unit) = Axis::time(0.0, end, 5);
    let y = Axis::percent();
    let x_title = format!("{} ({unit})", words.x);
    let panel = sheet.panel(margin([&y]), (x, Some(&x_title)), (y, words.y), &Flags::NONE, 190.0);

    let times: Vec<f64> = (0..=GRID).map(|i| end * i as f64 / GRID as f64).collect();
    let pooled: Vec<[f64; 3]> = times.iter().map(|t| pool(spreads, *t)).collect();
    if spreads.len() > 1 {
        let edge = |i: usize| move |(t, p): (&f64, &[f64; 3])| (*t, p[i]);
        let upper = times.iter().zip(&pooled).map(edge(2));
        let lower = times.iter().zip(&pooled).map(edge(0)).rev();
        sheet.area(upper.chain(lower).map(|(t, v)| panel.at(t, v)).collect(), tint(BLUE, 0.22));
        for spread in &spreads[..shown] {
            let line = outline(spread, end).into_iter().map(|(t, v)| panel.at(t, v));
            sheet.line(thin(line), Stroke::solid(SEED, 0.6));
        }
    }
    if let Some(formula) = formula {
        let line = times.iter().map(|t| panel.at(*t, formula.share(*t)));
        sheet.line(line.collect(), old);
    }
    let line: Vec<_> = if spreads.len() > 1 {
        times.iter().zip(&pooled).map(|(t, p)| panel.at(*t, p[1])).collect()
    } else {
        thin(outline(&spreads[0], end).into_iter().map(|(t, v)| panel.at(t, v)))
    };
    sheet.line(line, median);
    Some(sheet)
}

/// How far the axis goes, and a sentence if some came later. A straggler that only the next push/pull reached
/// must not squeeze all others into a corner.
fn reach(spreads: &[Spread]) -> Option<(f64, String)> {
    let last = spreads.iter().filter_map(|s| s.points.last()).map(|p| p.0).max()?.max(1);
    let most = |s: &Spread| {
        s.points.iter().find(|p| p.1 >= 0.99 * height(s)).or(s.points.last()).map(|p| p.0 as f64)
    };
    let mut bulk: Vec<f64> = spreads.iter().filter_map(most).collect();
    bulk.sort_unstable_by(f64::total_cmp);
    let bulk = steps::quantile(&bulk, 0.9).max(1.0);
    if last as f64 <= 3.0 * bulk {
        return Some((last as f64, String::new()));
    }
    Some((2.0 * bulk, format!("The last, after {}, lie beyond the right edge.", span(last))))
}

/// How many, and when the median reached everybody.
fn subtitle(done: &str, spreads: &[Spread]) -> String {
    let mut complete: Vec<f64> = spreads
        .iter()
        .map(|s| s.points.iter().find(|p| p.1 >= height(s)).map_or(f64::INFINITY, |p| p.0 as f64))
        .collect();
    complete.sort_unstable_by(f64::total_cmp);
    let never = complete.iter().filter(|t| t.is_infinite()).count();
    let least = spreads.iter().map(height).fold(f64::INFINITY, f64::min);
    let most = spreads.iter().map(height).fold(0.0, f64::max);
    let who = if least < most { format!("{least:.0} to {most:.0}") } else { format!("{most:.0}") };
    let middle = steps::quantile(&complete, 0.5);
    let many = spreads.len();
    let all = if many == 1 && middle.is_finite() {
        format!("All {done} after {}.", span(middle as u64))
    } else if many == 1 {
        format!("Not all {done} before the run ended.")
    } else if middle.is_finite() {
        format!("Half the time all {done} within {}.", span(middle as u64))
    } else {
        String::new()
    };
    let missed = if never > 0 && many > 1 {
        format!("{never} times some never {done}.")
    } else {
        String::new()
    };
    let times = if many > 1 { format!(", {many} times") } else { String::new() };
    format!("{who} nodes count{times}. {all} {missed}")
}

fn height(spread: &Spread) -> f64 {
    if spread.of > 0 {
        spread.of as f64
    } else {
        spread.points.iter().map(|p| p.1).fold(1.0, f64::max)
    }
}

/// 10th percentile, median and 90th percentile of the shares at a time.
fn pool(spreads: &[Spread], time: f64) -> [f64; 3] {
    let mut shares: Vec<f64> =
        spreads.iter().map(|s| steps::at(s.points, time) / height(s)).collect();
    shares.sort_unstable_by(f64::total_cmp);
    [0.1, 0.5, 0.9].map(|q| steps::quantile(&shares, q))
}

/// The corners of the step function up to `end`.
fn outline(spread: &Spread, end: f64) -> Vec<(f64, f64)> {
    let mut corners = Vec::new();
    let mut value = 0.0;
    for (time, next) in spread.points {
        corners.push((*time as f64, value));
        value = next / height(spread);
        corners.push((*time as f64, value));
    }
    corners.push((end, value));
    corners
}

/// Keeps the first and the last point of each half unit of width: more cannot be seen.
pub(super) fn thin(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let column = |x: f64| (x * 2.0).round() as i64;
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for point in points {
        match kept.as_slice() {
            [.., a, b] if column(a.0) == column(point.0) && column(b.0) == column(point.0) => {
                if let Some(last) = kept.last_mut() {
                    *last = point;
                }
            }
            _ => kept.push(point),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straggler_does_not_set_the_axis_but_is_told() {
        let spread = |last| [(0, 98.0), (1_000, 99.0), (last, 100.0)];
        let (near, far) = (spread(2_000), spread(30_000_000_000));
        let of = |points| Spread { seed: 1, of: 100, points };
        assert_eq!(reach(&[of(&near)]), Some((2_000.0, String::new())));
        let (end, words) = reach(&[of(&far)]).expect("there are points");
        assert_eq!((end, words.contains("30.0 s")), (2_000.0, true));
        assert_eq!(reach(&[]), None);
    }

    #[test]
    fn thinning_keeps_the_ends_and_one_point_a_column() {
        let line: Vec<_> = (0..1000).map(|i| (f64::from(i) / 100.0, f64::from(i))).collect();
        let thinned = thin(line.iter().copied());
        assert!(thinned.len() < 50);
        assert_eq!((thinned.first(), thinned.last()), (line.first(), line.last()));
    }
}
