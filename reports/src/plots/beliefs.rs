//! Who believed what about a victim, and when: a row per observer, a bar per belief. The bar's height says
//! the same as its colour, for grey print.

use plotters::style::RGBColor;

use super::{
    sheet::{
        Anchor, EDGE, FLAG, GREEN, INK, ORANGE, Panel, SKY, Sheet, Swatch, WIDTH, shorten,
        text_width, tint,
    },
    ticks::{Axis, span},
};
use crate::report::{Belief, Beliefs};

/// Longer names are cut in their middle.
const NAMES: f64 = 90.0;

/// Colour and share of the row's height.
fn look(belief: Belief) -> (RGBColor, f64, &'static str) {
    match belief {
        Belief::Unknown => (RGBColor(0x8A, 0x93, 0x9E), 0.12, "unknown"),
        Belief::Alive => (tint(SKY, 0.55), 0.36, "alive"),
        Belief::Suspect => (ORANGE, 0.64, "suspect"),
        Belief::Dead => (RGBColor(0x5B, 0x1A, 0x18), 0.92, "dead"),
        Belief::Left => (GREEN, 0.92, "left"),
    }
}

/// Draws the timeline of a run; without observers there is none.
pub(super) fn sheet(seed: u64, timeline: &Beliefs) -> Option<Sheet> {
    if timeline.observers.is_empty() {
        return None;
    }
    let start = timeline.at_ns as f64;
    let changes = timeline.observers.iter().flat_map(|(_, c)| c.iter().skip(1).map(|c| c.0));
    let last = changes.max().unwrap_or(timeline.at_ns) as f64 - start;
    let (before, after) = (-0.05 * last.max(1e9), last.max(1e9) * 1.06);

    let mut sheet = Sheet::new();
    let mut seen: Vec<Belief> =
        timeline.observers.iter().flat_map(|(_, c)| c.iter().map(|c| c.1)).collect();
    seen.sort_unstable();
    seen.dedup();
    let swatch = |b: &Belief| {
        let (color, share, name) = look(*b);
        (Swatch::Bar(color, share), name.to_string())
    };
    let title = format!("What the others believed about {}", timeline.subject);
    let subtitle = format!(
        "{} observers in the run of seed {seed}, earliest to learn on top; {} at {}.",
        timeline.observers.len(),
        timeline.event,
        span(timeline.at_ns)
    );
    sheet.header(&title, &subtitle, &seen.iter().map(swatch).collect::<Vec<_>>());
    sheet.height += 6.0;

    let mut rows: Vec<_> = timeline.observers.iter().collect();
    // By when the last word reached them; equal ones stay in slot order.
    rows.sort_by_key(|(_, changes)| settled(changes));
    let (pitch, size) = if rows.len() > 32 { (11.0, 10.0) } else { (15.0, 11.0) };
    let (x, unit) = Axis::time(before, after, 5);
    let names: Vec<_> = rows.iter().map(|r| shorten(&r.0, size, false, NAMES)).collect();
    let left = EDGE + 6.0 + names.iter().map(|n| text_width(n, size, false)).fold(0.0, f64::max);
    let panel = Panel {
        left,
        right: WIDTH - 18.0,
        top: sheet.height,
        bottom: sheet.height + pitch * rows.len() as f64 + 2.0,
        x,
        y: Axis::percent(),
    };
    for (i, (name, (_, changes))) in names.iter().zip(rows).enumerate() {
        let y = panel.top + pitch * (i as f64 + 0.5);
        sheet.small((left - 6.0, y), name, size, Anchor::End, INK);
        for (j, (from, belief)) in changes.iter().enumerate() {
            let from = if j == 0 { panel.left } else { panel.at_x(*from as f64 - start) };
            let to = changes.get(j + 1).map_or(panel.right, |c| panel.at_x(c.0 as f64 - start));
            let (color, share, _) = look(*belief);
            let half = share * pitch / 2.0;
            if to > from {
                sheet.bar((from, y - half), (to, y + half), color);
            }
        }
    }
    let zero = panel.at_x(0.0);
    sheet.line(vec![(zero, panel.top - 4.0), (zero, panel.bottom)], FLAG);
    sheet.x_axis(&panel, Some(&format!("time since {} ({unit})", timeline.event)));
    Some(sheet)
}

/// When an observer first held the victim dead or left; if never, when it last changed its mind.
fn settled(changes: &[(u64, Belief)]) -> (bool, u64) {
    let gone = changes.iter().find(|c| matches!(c.1, Belief::Dead | Belief::Left));
    gone.map_or((true, changes.last().map_or(0, |c| c.0)), |c| (false, c.0))
}
