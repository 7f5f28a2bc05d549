//! From the data to a PNG.

use glovebox_kit::Result;

use crate::canvas::{Anchor, Canvas, Rgb, Style, Way};
use crate::data::{Axis, Data};
use crate::scale::{Scale, shown, span, ticks, ticks_around};
use crate::{Kind, Look};

const MARGIN: f32 = 20.0;
const TITLE_SIZE: f32 = 22.0;
const SIZE: f32 = 15.0;
const LEGEND_ROW: f32 = 24.0;
const TEXT: Rgb = [31, 41, 55];
const QUIET: Rgb = [95, 104, 118];
const GRID: Rgb = [229, 231, 235];
/// Told apart by people who see colours differently, too.
const COLORS: [Rgb; 10] = [
    [66, 105, 208],
    [239, 177, 24],
    [255, 114, 92],
    [60, 169, 81],
    [164, 99, 242],
    [108, 197, 176],
    [255, 138, 183],
    [156, 107, 78],
    [151, 187, 245],
    [148, 152, 160],
];

fn style(size: f32, color: Rgb, anchor: Anchor) -> Style {
    Style {
        size,
        color,
        anchor,
        way: Way::Across,
    }
}

fn color(series: usize) -> Rgb {
    COLORS[series % COLORS.len()]
}

/// The picture.
pub fn png(data: &Data, look: &Look) -> Result<Vec<u8>> {
    let mut canvas = Canvas::new(look.width, look.height)?;
    let (width, height) = (look.width as f32, look.height as f32);
    let mut top = MARGIN;
    if let Some(title) = &look.title {
        let (title, size) = fitted(&canvas, title, width - 2.0 * MARGIN);
        canvas.text(
            &title,
            (MARGIN, top + TITLE_SIZE / 2.0),
            style(size, TEXT, Anchor::Left),
        );
        top += TITLE_SIZE + 12.0;
    }
    if data.series.len() > 1 {
        top += legend(&mut canvas, data, top, width) + 6.0;
    }
    let x_label = look.x_label.as_deref().or(data.axis_name.as_deref());
    let bottom = height - MARGIN - if x_label.is_some() { 46.0 } else { 22.0 };
    let top = (top + 8.0).min(bottom - 40.0);

    let y_ticks = values_ticks(data, look.kind, f64::from(bottom - top) / 60.0);
    let low = y_ticks.first().copied().unwrap_or(0.0);
    let high = y_ticks.last().copied().unwrap_or(1.0);
    let y = Scale {
        low,
        high,
        start: bottom,
        end: top,
    };
    let widest = y_ticks
        .iter()
        .map(|tick| canvas.width(&shown(*tick), SIZE))
        .fold(0.0, f32::max);
    let left = MARGIN + widest + 10.0 + if look.y_label.is_some() { 26.0 } else { 0.0 };
    let x = places(data, look.kind, left, width - MARGIN);

    for tick in y_ticks {
        let at = y.place(tick).round() + 0.5;
        canvas.line(&[(left, at), (width - MARGIN, at)], GRID, 1.0);
        canvas.text(
            &shown(tick),
            (left - 10.0, at),
            style(SIZE, QUIET, Anchor::Right),
        );
    }
    match look.kind {
        Kind::Bar => bars(&mut canvas, data, x, y),
        Kind::Line => lines(&mut canvas, data, x, y),
        Kind::Scatter => dots(&mut canvas, data, x, y),
    }
    let zero = if low <= 0.0 && high >= 0.0 {
        y.place(0.0)
    } else {
        bottom
    };
    let axis = zero.round() + 0.5;
    canvas.line(&[(left, axis), (width - MARGIN, axis)], QUIET, 1.0);
    beside_x(&mut canvas, data, look.kind, x, bottom + 16.0);

    if let Some(label) = x_label {
        let middle = (left + width - MARGIN) / 2.0;
        canvas.text(
            label,
            (middle, height - MARGIN - 4.0),
            style(SIZE, TEXT, Anchor::Center),
        );
    }
    if let Some(label) = &look.y_label {
        let up = Style {
            way: Way::Up,
            ..style(SIZE, TEXT, Anchor::Center)
        };
        canvas.text(label, (MARGIN + 6.0, (top + bottom) / 2.0), up);
    }
    canvas.png()
}

/// A title as large as it can be in this width; one that is too long even when it is small is cut.
fn fitted(canvas: &Canvas, title: &str, width: f32) -> (String, f32) {
    let size = (TITLE_SIZE * width / canvas.width(title, TITLE_SIZE)).clamp(SIZE, TITLE_SIZE);
    let mut kept = title.to_owned();
    let mut shown = kept.clone();
    while canvas.width(&shown, size) > width && kept.pop().is_some() {
        shown = format!("{}…", kept.trim_end());
    }
    (shown, size)
}

/// Draws who is who and returns how high that is.
fn legend(canvas: &mut Canvas, data: &Data, top: f32, width: f32) -> f32 {
    let (mut left, mut row) = (MARGIN, 0.0);
    for (index, series) in data.series.iter().enumerate() {
        let needed = 20.0 + canvas.width(&series.name, SIZE) + 20.0;
        if left > MARGIN && left + needed > width - MARGIN {
            (left, row) = (MARGIN, row + 1.0);
        }
        let middle = top + (row + 0.5) * LEGEND_ROW;
        canvas.rectangle(
            [left, middle - 6.5, left + 13.0, middle + 6.5],
            color(index),
        );
        canvas.text(
            &series.name,
            (left + 20.0, middle),
            style(SIZE, TEXT, Anchor::Left),
        );
        left += needed;
    }
    (row + 1.0) * LEGEND_ROW
}

/// The vertical axis: bars stand on zero; a line that varies by little around a large number does not.
fn values_ticks(data: &Data, kind: Kind, count: f64) -> Vec<f64> {
    let values = data.series.iter().flat_map(|one| &one.values).flatten();
    let (mut low, mut high) = span(values.copied()).unwrap_or((0.0, 1.0));
    let near_zero = low >= 0.0 && low < high * 0.6;
    if kind == Kind::Bar || (kind == Kind::Line && near_zero) {
        (low, high) = (low.min(0.0), high.max(0.0));
    }
    if high <= low {
        let air = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
        (low, high) = (low - air, high + air);
    }
    ticks_around(low, high, count)
}

/// The horizontal axis: numbers where they are, names in places of one width.
fn places(data: &Data, kind: Kind, start: f32, end: f32) -> Scale {
    let (low, high) = match (&data.axis, kind) {
        (Axis::Numbers(numbers), Kind::Line | Kind::Scatter) => {
            let (low, high) = span(numbers.iter().copied()).unwrap_or((0.0, 1.0));
            let air = if high > low { (high - low) * 0.02 } else { 1.0 };
            (low - air, high + air)
        }
        _ => (-0.5, data.names().len() as f64 - 0.5),
    };
    Scale {
        low,
        high,
        start,
        end,
    }
}

fn place(data: &Data, index: usize, kind: Kind) -> f64 {
    match (&data.axis, kind) {
        (Axis::Numbers(numbers), Kind::Line | Kind::Scatter) => numbers[index],
        _ => index as f64,
    }
}

fn bars(canvas: &mut Canvas, data: &Data, x: Scale, y: Scale) {
    // A fifth of a place stays empty between two groups.
    let group = 0.8 / data.series.len() as f64;
    for (number, series) in data.series.iter().enumerate() {
        for (index, value) in series.values.iter().enumerate() {
            let Some(value) = *value else { continue };
            let left = index as f64 - 0.4 + number as f64 * group;
            let (from, to) = (x.place(left), x.place(left + group));
            let gap = if to - from > 6.0 { 1.0 } else { 0.0 };
            canvas.rectangle(
                [from + gap, y.place(value), to - gap, y.place(0.0)],
                color(number),
            );
        }
    }
}

fn lines(canvas: &mut Canvas, data: &Data, x: Scale, y: Scale) {
    for (number, series) in data.series.iter().enumerate() {
        let points: Vec<Option<(f32, f32)>> = series
            .values
            .iter()
            .enumerate()
            .map(|(index, value)| {
                value.map(|value| (x.place(place(data, index, Kind::Line)), y.place(value)))
            })
            .collect();
        // A missing value is a gap.
        for piece in points.split(Option::is_none) {
            let piece: Vec<_> = piece.iter().flatten().copied().collect();
            canvas.line(&piece, color(number), 2.5);
            if points.len() <= 40 || piece.len() == 1 {
                for at in piece {
                    canvas.dot(at, 4.0, color(number), 1.0);
                }
            }
        }
    }
}

fn dots(canvas: &mut Canvas, data: &Data, x: Scale, y: Scale) {
    for (number, series) in data.series.iter().enumerate() {
        for (index, value) in series.values.iter().enumerate() {
            if let Some(value) = value {
                let at = (x.place(place(data, index, Kind::Scatter)), y.place(*value));
                canvas.dot(at, 5.0, color(number), 0.7);
            }
        }
    }
}

/// Writes the horizontal axis' numbers, or as many of its names as fit.
fn beside_x(canvas: &mut Canvas, data: &Data, kind: Kind, x: Scale, at: f32) {
    let middle = style(SIZE, QUIET, Anchor::Center);
    if let (Axis::Numbers(_), Kind::Line | Kind::Scatter) = (&data.axis, kind) {
        for tick in ticks(x.low, x.high, f64::from(x.end - x.start) / 60.0) {
            canvas.text(&year_or_number(tick), (x.place(tick), at), middle);
        }
        return;
    }
    let names: Vec<String> = data.names().iter().map(|name| shortened(name)).collect();
    let widest = names
        .iter()
        .map(|name| canvas.width(name, SIZE))
        .fold(1.0, f32::max);
    let room = (x.end - x.start) / names.len().max(1) as f32;
    let step = ((widest + 12.0) / room).ceil().max(1.0) as usize;
    for (index, name) in names.iter().enumerate().step_by(step) {
        canvas.text(name, (x.place(index as f64), at), middle);
    }
}

fn year_or_number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e5 {
        return format!("{value}");
    }
    shown(value)
}

fn shortened(name: &str) -> String {
    const CHARACTERS_MAX: usize = 18;
    if name.chars().count() <= CHARACTERS_MAX {
        return name.to_owned();
    }
    let kept: String = name.chars().take(CHARACTERS_MAX - 1).collect();
    format!("{}…", kept.trim_end())
}
