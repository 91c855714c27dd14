//! A figure as a list of marks on a sheet: what every plot is made of before it becomes SVG or PNG.
//!
//! Lengths are in units; a sheet is [`WIDTH`] units wide, about a phone's width, so that type of 12 units
//! stays legible there. The two backends differ only in how many pixels a unit has. Text is measured with the
//! embedded font, never with one of the system.

use std::sync::Once;

use plotters::style::{FontStyle, FontTransform, IntoFont, RGBColor, register_font};

use super::ticks::Axis;

/// Width of every sheet, in units.
pub(super) const WIDTH: f64 = 400.0;
/// Size of ordinary text.
pub(super) const TEXT: f64 = 12.0;
const TITLE: f64 = 15.0;
const LINE: f64 = 1.3;
/// Free space at the edges.
pub(super) const EDGE: f64 = 10.0;
/// Lines of flags.
pub(super) const FLAG: Stroke = Stroke::dashed(SOFT, 1.0, 1.5, 2.5);
/// Height of the embedded font over its em.
pub(super) const FONT_HEIGHT: f64 = 1.164;

/// Text and axes.
pub(super) const INK: RGBColor = RGBColor(0x1F, 0x24, 0x2B);
/// Secondary text.
pub(super) const SOFT: RGBColor = RGBColor(0x55, 0x5E, 0x6A);
/// Grid lines.
pub(super) const GRID: RGBColor = RGBColor(0xDF, 0xE3, 0xE8);
/// The paper.
pub(super) const PAPER: RGBColor = RGBColor(0xFF, 0xFF, 0xFF);
/// Lines of single seeds: a colour nothing else has, by which the SVG marks them for the page's switch.
pub(super) const SEED: RGBColor = RGBColor(0x7D, 0xA7, 0xC9);
// The palette of Okabe and Ito, told apart by people with any colour vision.
pub(super) const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xB2);
pub(super) const SKY: RGBColor = RGBColor(0x56, 0xB4, 0xE9);
pub(super) const ORANGE: RGBColor = RGBColor(0xE6, 0x9F, 0x00);
pub(super) const VERMILION: RGBColor = RGBColor(0xD5, 0x5E, 0x00);
pub(super) const YELLOW: RGBColor = RGBColor(0xF0, 0xE4, 0x42);
pub(super) const GREEN: RGBColor = RGBColor(0x00, 0x9E, 0x73);

/// Horizontal place of a text relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A stroke.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stroke {
    pub color: RGBColor,
    pub width: f64,
    /// Lengths of dash and gap.
    pub dash: Option<(f64, f64)>,
}

impl Stroke {
    pub const fn solid(color: RGBColor, width: f64) -> Self {
        Self { color, width, dash: None }
    }

    pub const fn dashed(color: RGBColor, width: f64, on: f64, off: f64) -> Self {
        Self { color, width, dash: Some((on, off)) }
    }
}

/// A piece of text, centred vertically on its point.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Label {
    pub at: (f64, f64),
    pub text: String,
    pub size: f64,
    pub bold: bool,
    pub color: RGBColor,
    pub anchor: Anchor,
}

/// One mark, in the order of drawing.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Mark {
    Path { points: Vec<(f64, f64)>, stroke: Stroke },
    Area { points: Vec<(f64, f64)>, color: RGBColor },
    Rect { from: (f64, f64), to: (f64, f64), color: RGBColor },
    Text(Label),
}

/// What a legend shows beside its words.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Swatch {
    /// A line.
    Line(Stroke),
    /// A line in the middle of a band.
    Band(Stroke, RGBColor),
    /// A bar of this share of the row's height.
    Bar(RGBColor, f64),
}

/// A figure under construction.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sheet {
    pub height: f64,
    pub marks: Vec<Mark>,
}

/// A rectangle with two axes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Panel {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
    pub x: Axis,
    pub y: Axis,
}

/// Marks on the horizontal axis, ascending: values and words.
pub(super) struct Flags<'a> {
    pub named: &'a [(f64, String)],
    /// Write the words too, not only the lines.
    pub words: bool,
}

impl Flags<'_> {
    pub const NONE: Self = Self { named: &[], words: false };
}

/// The left end of panels with these vertical axes, so that panels one above the other line up.
pub(super) fn margin<'a>(axes: impl IntoIterator<Item = &'a Axis>) -> f64 {
    let labels = axes.into_iter().flat_map(|a| &a.ticks);
    EDGE + 6.0 + labels.map(|t| text_width(&t.1, TEXT, false)).fold(0.0, f64::max)
}

impl Panel {
    /// The point of a pair of values.
    pub fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.at_x(x), self.bottom - self.y.share(y) * (self.bottom - self.top))
    }

    /// The horizontal place of a value.
    pub fn at_x(&self, x: f64) -> f64 {
        self.left + self.x.share(x) * (self.right - self.left)
    }
}

impl Sheet {
    /// An empty sheet; its height grows with what is put on it.
    pub fn new() -> Self {
        Self { height: EDGE, marks: Vec::new() }
    }

    /// Puts title, subtitle and legend at the top; what follows goes below `height`.
    pub fn header(&mut self, title: &str, subtitle: &str, legend: &[(Swatch, String)]) {
        for line in wrap(title, TITLE, true, WIDTH - 2.0 * EDGE) {
            self.row(&line, TITLE, true, INK);
        }
        for line in wrap(subtitle, TEXT, false, WIDTH - 2.0 * EDGE) {
            self.row(&line, TEXT, false, SOFT);
        }
        self.height += 3.0;
        self.legend(legend);
    }

    fn row(&mut self, text: &str, size: f64, bold: bool, color: RGBColor) {
        let at = (EDGE, self.height + size * LINE / 2.0);
        self.marks.push(Mark::Text(Label {
            at,
            text: text.into(),
            size,
            bold,
            color,
            anchor: Anchor::Start,
        }));
        self.height += size * LINE;
    }

    fn legend(&mut self, legend: &[(Swatch, String)]) {
        const SAMPLE: f64 = 24.0;
        let mut x = EDGE;
        let row = TEXT * 1.5;
        for (swatch, words) in legend {
            let width = SAMPLE + 5.0 + text_width(words, TEXT, false);
            if x > EDGE && x + width > WIDTH - EDGE {
                x = EDGE;
                self.height += row;
            }
            let y = self.height + row / 2.0;
            let line = |stroke| Mark::Path { points: vec![(x, y), (x + SAMPLE, y)], stroke };
            match *swatch {
                Swatch::Line(stroke) => self.marks.push(line(stroke)),
                Swatch::Band(stroke, color) => {
                    self.bar((x, y - 6.0), (x + SAMPLE, y + 6.0), color);
                    self.marks.push(line(stroke));
                }
                Swatch::Bar(color, share) => {
                    self.bar((x, y - 6.0 * share), (x + SAMPLE, y + 6.0 * share), color);
                }
            }
            self.text((x + SAMPLE + 5.0, y), words, Anchor::Start, INK);
            x += width + 14.0;
        }
        if !legend.is_empty() {
            self.height += row + 5.0;
        }
    }

    /// Makes a panel below everything so far: the vertical axis' title above it, then the flags, grid, ticks,
    /// and, where given, the horizontal axis' title below it. It starts at `left`, which [`margin`] gives.
    pub fn panel(
        &mut self,
        left: f64,
        (x, x_title): (Axis, Option<&str>),
        (y, y_title): (Axis, &str),
        flags: &Flags,
        tall: f64,
    ) -> Panel {
        for line in wrap(y_title, TEXT, false, WIDTH - 2.0 * EDGE) {
            self.row(&line, TEXT, false, SOFT);
        }
        self.height += 8.0;
        let mut panel = Panel {
            left,
            right: WIDTH - EDGE - 8.0,
            top: self.height,
            bottom: self.height + tall,
            x,
            y,
        };
        self.flags(&mut panel, flags);
        for (value, label) in &panel.y.ticks {
            let y = panel.at(panel.x.low, *value).1;
            self.line(vec![(panel.left, y), (panel.right, y)], Stroke::solid(GRID, 0.75));
            self.text((panel.left - 6.0, y), label, Anchor::End, INK);
        }
        self.height = panel.bottom;
        self.x_axis(&panel, x_title);
        panel
    }

    /// Raises the flags: a dotted line through the panel each, its words above the panel, where no data is.
    /// Words that find no room in three rows are left out; their lines stay.
    fn flags(&mut self, panel: &mut Panel, flags: &Flags) {
        let row = TEXT * 1.25;
        let mut ends = [f64::NEG_INFINITY; 3];
        let mut placed = Vec::new();
        for (at, words) in flags.named {
            let x = panel.at_x(*at);
            let half = text_width(words, TEXT, false) / 2.0;
            let middle = x.clamp(EDGE + half, WIDTH - EDGE - half);
            let free = ends.iter_mut().enumerate().find(|(_, end)| **end + 6.0 < middle - half);
            if let Some((i, end)) = free {
                *end = middle + half;
                placed.push((i, x, middle, words.as_str()));
            }
        }
        let rows = placed.iter().map(|p| p.0 + 1).max().unwrap_or(0);
        let lift = if flags.words { row * rows as f64 } else { 0.0 };
        panel.top += lift;
        panel.bottom += lift;
        for (at, _) in flags.named {
            let x = panel.at_x(*at);
            self.line(vec![(x, panel.top), (x, panel.bottom)], FLAG);
        }
        if flags.words {
            for (i, x, middle, words) in placed {
                let y = panel.top - 3.0 - row * (i as f64 + 0.5);
                self.line(vec![(x, y + TEXT * 0.55), (x, panel.top)], FLAG);
                self.text((middle, y), words, Anchor::Middle, INK);
            }
        }
    }

    /// The horizontal axis of a panel: ticks, their labels where they have room, and the title.
    pub fn x_axis(&mut self, panel: &Panel, title: Option<&str>) {
        self.line(
            vec![(panel.left, panel.bottom), (panel.right, panel.bottom)],
            Stroke::solid(INK, 1.0),
        );
        for (value, label) in &panel.x.ticks {
            let x = panel.at_x(*value);
            self.line(vec![(x, panel.bottom), (x, panel.bottom + 4.0)], Stroke::solid(INK, 1.0));
            if title.is_some() {
                self.text((x, panel.bottom + 5.0 + TEXT / 2.0), label, Anchor::Middle, INK);
            }
        }
        self.height = panel.bottom + 10.0;
        if let Some(title) = title {
            let middle = f64::midpoint(panel.left, panel.right);
            self.text((middle, panel.bottom + 5.0 + TEXT * 1.95), title, Anchor::Middle, SOFT);
            self.height = panel.bottom + 5.0 + TEXT * 2.6 + EDGE;
        }
    }

    /// A line.
    pub fn line(&mut self, points: Vec<(f64, f64)>, stroke: Stroke) {
        self.marks.push(Mark::Path { points, stroke });
    }

    /// A filled polygon.
    pub fn area(&mut self, points: Vec<(f64, f64)>, color: RGBColor) {
        self.marks.push(Mark::Area { points, color });
    }

    /// A filled rectangle.
    pub fn bar(&mut self, from: (f64, f64), to: (f64, f64), color: RGBColor) {
        self.marks.push(Mark::Rect { from, to, color });
    }

    /// Ordinary text, centred vertically on its point.
    pub fn text(&mut self, at: (f64, f64), text: &str, anchor: Anchor, color: RGBColor) {
        self.small(at, text, TEXT, anchor, color);
    }

    /// Text of any size.
    pub fn small(
        &mut self,
        at: (f64, f64),
        text: &str,
        size: f64,
        anchor: Anchor,
        color: RGBColor,
    ) {
        self.marks.push(Mark::Text(Label {
            at,
            text: text.into(),
            size,
            bold: false,
            color,
            anchor,
        }));
    }
}

/// A colour mixed with the paper: `share` of it remains. Unlike opacity it looks the same in every backend.
pub(super) fn tint(color: RGBColor, share: f64) -> RGBColor {
    let mix = |c: u8| (f64::from(c) * share + 255.0 * (1.0 - share)).round() as u8;
    RGBColor(mix(color.0), mix(color.1), mix(color.2))
}

/// Makes the embedded font known as `sans-serif`, whose metrics all layout uses.
pub(super) fn fonts() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let regular = include_bytes!("../../assets/DejaVuSans-subset.ttf");
        let bold = include_bytes!("../../assets/DejaVuSans-Bold-subset.ttf");
        let ok = register_font("sans-serif", FontStyle::Normal, regular).is_ok()
            && register_font("sans-serif", FontStyle::Bold, bold).is_ok();
        assert!(ok, "the embedded fonts are valid");
    });
}

/// Width of a text in units.
pub(super) fn text_width(text: &str, size: f64, bold: bool) -> f64 {
    fonts();
    // Measured large, because the measure is in whole pixels.
    let style = if bold { FontStyle::Bold } else { FontStyle::Normal };
    let font = ("sans-serif", size * 100.0 * FONT_HEIGHT, style)
        .into_font()
        .transform(FontTransform::None);
    font.box_size(text).map_or(0.0, |(width, _)| f64::from(width) / 100.0)
}

/// Breaks a text into lines that fit.
pub(super) fn wrap(text: &str, size: f64, bold: bool, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words(text) {
        let word = word.as_str();
        if let Some(line) = lines.last_mut() {
            let longer = format!("{line} {word}");
            if text_width(&longer, size, bold) <= width {
                *line = longer;
                continue;
            }
        }
        lines.push(shorten(word, size, bold, width));
    }
    lines
}

/// The words of a text; a number and its unit are one.
fn words(text: &str) -> Vec<String> {
    const UNITS: [&str; 7] = ["s", "ms", "us", "ns", "m", "h", "%"];
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|w| !w.is_empty()) {
        match words.last_mut() {
            Some(number)
                if UNITS.contains(&word.trim_end_matches(['.', ',', ';', ':']))
                    && number.ends_with(|c: char| c.is_ascii_digit()) =>
            {
                number.push(' ');
                number.push_str(word);
            }
            _ => words.push(word.to_string()),
        }
    }
    words
}

/// Cuts a text that does not fit, with an ellipsis in its middle: the ends of names tell nodes apart.
pub(super) fn shorten(text: &str, size: f64, bold: bool, width: f64) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut short = text.to_string();
    let mut keep = chars.len();
    while keep > 2 && text_width(&short, size, bold) > width {
        keep -= 1;
        let head: String = chars[..keep.div_ceil(2)].iter().collect();
        let tail: String = chars[chars.len() - keep / 2..].iter().collect();
        short = format!("{head}…{tail}");
    }
    short
}
