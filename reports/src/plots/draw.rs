//! A sheet becomes SVG or PNG, through the two backends of `plotters`.
//!
//! SVG keeps text as text in a generic family; positions come from the embedded font, which is wide, so a
//! reader's own font fits as well. The PNG is drawn at twice its size and averaged, which smooths edges.

use plotters::{
    backend::{BitMapBackend, SVGBackend},
    coord::Shift,
    drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea},
    element::{DashedPathElement, PathElement, Polygon, Rectangle, Text},
    style::{
        Color, FontStyle, IntoFont, RGBColor, ShapeStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};
use plotters_backend::DrawingBackend;

use super::sheet::{Anchor, FONT_HEIGHT, Mark, PAPER, SEED, Sheet, WIDTH, fonts};

/// Coordinates of the SVG per unit: backends round to whole coordinates, and this makes the rounding small.
const FINE: f64 = 4.0;

/// The sheet as an SVG document that fills the width it is given.
pub(super) fn svg(sheet: &Sheet, title: &str) -> String {
    let (width, height) = size(sheet, FINE);
    let mut raw = String::new();
    {
        let root = SVGBackend::with_string(&mut raw, (width, height)).into_drawing_area();
        draw(sheet, &root, &Type { scale: FINE, em: 1.24, drop: 0.0 })
            .expect("drawing into memory works");
        root.present().expect("drawing into memory works");
    }
    let body = raw.split_once('\n').map_or("", |(_, body)| body);
    let mut name = String::new();
    for c in title.chars() {
        match c {
            '<' => name.push_str("&lt;"),
            '>' => name.push_str("&gt;"),
            '&' => name.push_str("&amp;"),
            '"' => name.push_str("&quot;"),
            other => name.push(other),
        }
    }
    let RGBColor(r, g, b) = SEED;
    let seed = format!(" stroke=\"#{r:02X}{g:02X}{b:02X}\"");
    let body = body
        .replace(" font-family=\"sans-serif\"", "")
        .replace(" opacity=\"1\"", "")
        .replace(&seed, &format!(" class=\"seed\"{seed}"))
        .replace("\n</text>", "</text>");
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-label=\"{name}\" font-family=\"Helvetica, Arial, sans-serif\" stroke-linejoin=\"round\">\n{body}"
    )
}

/// The sheet as a PNG with `scale` pixels per unit.
pub(super) fn png(sheet: &Sheet, scale: u32) -> Vec<u8> {
    let scale = scale.clamp(1, 8);
    let (width, height) = size(sheet, f64::from(scale));
    let (wide, tall) = (width * 2, height * 2);
    let mut fine = vec![255; (wide * tall * 3) as usize];
    {
        let root = BitMapBackend::with_buffer(&mut fine, (wide, tall)).into_drawing_area();
        draw(sheet, &root, &Type { scale: f64::from(scale) * 2.0, em: FONT_HEIGHT, drop: 0.12 })
            .expect("drawing into memory works");
        root.present().expect("drawing into memory works");
    }
    let pixels = halve(&fine, wide as usize);
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().expect("writing into memory works");
    writer.write_image_data(&pixels).expect("writing into memory works");
    writer.finish().expect("writing into memory works");
    out
}

fn size(sheet: &Sheet, scale: f64) -> (u32, u32) {
    ((WIDTH * scale).ceil() as u32, (sheet.height * scale).ceil() as u32)
}

/// Averages blocks of two by two pixels.
fn halve(fine: &[u8], wide: usize) -> Vec<u8> {
    let row = wide * 3;
    let mut out = Vec::with_capacity(fine.len() / 4);
    for pair in fine.chunks_exact(row * 2) {
        let (upper, lower) = pair.split_at(row);
        for (u, l) in upper.chunks_exact(6).zip(lower.chunks_exact(6)) {
            for c in 0..3 {
                let sum =
                    u16::from(u[c]) + u16::from(u[c + 3]) + u16::from(l[c]) + u16::from(l[c + 3]);
                out.push(((sum + 2) / 4) as u8);
            }
        }
    }
    out
}

type Drawn<DB> = Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// How a backend sets type.
struct Type {
    /// Pixels per unit.
    scale: f64,
    /// What it takes for the height of a font of size 1.
    em: f64,
    /// How much too high it puts vertically centred text, as a share of the size.
    drop: f64,
}

fn draw<DB: DrawingBackend>(
    sheet: &Sheet,
    root: &DrawingArea<DB, Shift>,
    kind: &Type,
) -> Drawn<DB> {
    let Type { scale, em, drop } = *kind;
    fonts();
    root.fill(&PAPER)?;
    let pixel = |(x, y): (f64, f64)| ((x * scale).round() as i32, (y * scale).round() as i32);
    let length = |l: f64| ((l * scale).round() as u32).max(1);
    for mark in &sheet.marks {
        match mark {
            Mark::Path { points, stroke } => {
                let style: ShapeStyle = stroke.color.stroke_width(length(stroke.width));
                let points: Vec<_> = points.iter().map(|p| pixel(*p)).collect();
                match stroke.dash {
                    None => root.draw(&PathElement::new(points, style))?,
                    Some((on, off)) => {
                        root.draw(&DashedPathElement::new(points, length(on), length(off), style))?;
                    }
                }
            }
            Mark::Area { points, color } => {
                let points: Vec<_> = points.iter().map(|p| pixel(*p)).collect();
                root.draw(&Polygon::new(points, color.filled()))?;
            }
            Mark::Rect { from, to, color } => {
                root.draw(&Rectangle::new([pixel(*from), pixel(*to)], color.filled()))?;
            }
            Mark::Text(label) => {
                let weight = if label.bold { FontStyle::Bold } else { FontStyle::Normal };
                let across = match label.anchor {
                    Anchor::Start => HPos::Left,
                    Anchor::Middle => HPos::Center,
                    Anchor::End => HPos::Right,
                };
                let font = ("sans-serif", label.size * scale * em, weight).into_font();
                let style = font.color(&label.color).pos(Pos::new(across, VPos::Center));
                root.draw(&Text::new(
                    label.text.as_str(),
                    pixel((label.at.0, label.at.1 + drop * label.size)),
                    style,
                ))?;
            }
        }
    }
    Ok(())
}
