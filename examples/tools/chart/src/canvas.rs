//! Shapes and text on a white picture, with smooth edges.

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use glovebox_kit::{Error, Result};
use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, PathBuilder, Pixmap, Rect, Stroke, Transform,
};

/// Red, green, blue.
pub type Rgb = [u8; 3];

/// Which point of the text is given.
#[derive(Clone, Copy)]
pub enum Anchor {
    Left,
    Center,
    Right,
}

/// Which way text runs.
#[derive(Clone, Copy, PartialEq)]
pub enum Way {
    Across,
    Up,
}

/// How text looks.
#[derive(Clone, Copy)]
pub struct Style {
    pub size: f32,
    pub color: Rgb,
    pub anchor: Anchor,
    pub way: Way,
}

/// The picture.
pub struct Canvas {
    pixmap: Pixmap,
    font: FontRef<'static>,
}

fn paint(color: Rgb, opacity: f32) -> Paint<'static> {
    let mut paint = Paint::default();
    let [red, green, blue] = color.map(|part| f32::from(part) / 255.0);
    paint.set_color(Color::from_rgba(red, green, blue, opacity).unwrap_or(Color::BLACK));
    paint.anti_alias = true;
    paint
}

impl Canvas {
    pub fn new(width: u32, height: u32) -> Result<Self> {
        let mut pixmap =
            Pixmap::new(width, height).ok_or_else(|| Error::failed("the picture has no size"))?;
        pixmap.fill(Color::WHITE);
        let font = FontRef::try_from_slice(dejavu::sans::regular())?;
        Ok(Self { pixmap, font })
    }

    pub fn rectangle(&mut self, [left, top, right, bottom]: [f32; 4], color: Rgb) {
        let (low, high) = (top.min(bottom), top.max(bottom));
        if let Some(area) = Rect::from_ltrb(left, low, right.max(left), high) {
            let paint = paint(color, 1.0);
            self.pixmap
                .fill_rect(area, &paint, Transform::identity(), None);
        }
    }

    pub fn line(&mut self, points: &[(f32, f32)], color: Rgb, width: f32) {
        let mut builder = PathBuilder::new();
        for (index, &(x, y)) in points.iter().enumerate() {
            if index == 0 {
                builder.move_to(x, y);
            } else {
                builder.line_to(x, y);
            }
        }
        let Some(path) = builder.finish() else { return };
        let stroke = Stroke {
            width,
            line_cap: LineCap::Round,
            line_join: LineJoin::Round,
            ..Stroke::default()
        };
        let paint = paint(color, 1.0);
        self.pixmap
            .stroke_path(&path, &paint, &stroke, Transform::identity(), None);
    }

    pub fn dot(&mut self, (x, y): (f32, f32), radius: f32, color: Rgb, opacity: f32) {
        if let Some(path) = PathBuilder::from_circle(x, y, radius) {
            let paint = paint(color, opacity);
            self.pixmap.fill_path(
                &path,
                &paint,
                FillRule::Winding,
                Transform::identity(),
                None,
            );
        }
    }

    /// How wide the text is.
    pub fn width(&self, text: &str, size: f32) -> f32 {
        let font = self.font.as_scaled(PxScale::from(size));
        let mut last = None;
        text.chars().fold(0.0, |width, letter| {
            let glyph = font.glyph_id(letter);
            let kerning = last
                .replace(glyph)
                .map_or(0.0, |last| font.kern(last, glyph));
            width + kerning + font.h_advance(glyph)
        })
    }

    /// Writes the text with its middle line at the point's height (or, running up, at its left).
    pub fn text(&mut self, text: &str, (x, y): (f32, f32), style: Style) {
        let scale = PxScale::from(style.size);
        let font = self.font.as_scaled(scale);
        let total = self.width(text, style.size);
        let mut along = match style.anchor {
            Anchor::Left => 0.0,
            Anchor::Center => -total / 2.0,
            Anchor::Right => -total,
        };
        // Capitals are centred: they are about 0.62 of the size above the base line.
        let base = style.size * 0.31;
        let mut covered = Vec::new();
        let mut last = None;
        for letter in text.chars() {
            let id = font.glyph_id(letter);
            along += last.replace(id).map_or(0.0, |last| font.kern(last, id));
            let start = if style.way == Way::Across { x } else { -y };
            let across = if style.way == Way::Across { y } else { x };
            let glyph = id.with_scale_and_position(scale, point(start + along, across + base));
            if let Some(outline) = self.font.outline_glyph(glyph) {
                let bounds = outline.px_bounds();
                outline.draw(|right, down, cover| {
                    covered.push((
                        bounds.min.x as i32 + right as i32,
                        bounds.min.y as i32 + down as i32,
                        cover,
                    ));
                });
            }
            along += font.h_advance(id);
        }
        for (right, down, cover) in covered {
            let (column, row) = match style.way {
                Way::Across => (right, down),
                Way::Up => (down, -right - 1),
            };
            self.blend(column, row, style.color, cover.clamp(0.0, 1.0));
        }
    }

    fn blend(&mut self, column: i32, row: i32, color: Rgb, cover: f32) {
        let (width, height) = (self.pixmap.width() as i32, self.pixmap.height() as i32);
        if !(0..width).contains(&column) || !(0..height).contains(&row) {
            return;
        }
        let at = (row * width + column) as usize * 4;
        // What is below is opaque, so nothing is premultiplied.
        for (below, above) in self.pixmap.data_mut()[at..at + 3].iter_mut().zip(color) {
            *below = (f32::from(*below) * (1.0 - cover) + f32::from(above) * cover).round() as u8;
        }
    }

    pub fn png(&self) -> Result<Vec<u8>> {
        Ok(self.pixmap.encode_png()?)
    }
}
