//! From values to places, and the numbers that stand beside them.

/// A span of values and the pixels it fills.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    pub low: f64,
    pub high: f64,
    pub start: f32,
    pub end: f32,
}

impl Scale {
    pub fn place(&self, value: f64) -> f32 {
        let part = (value - self.low) / (self.high - self.low);
        self.start + (self.end - self.start) * part as f32
    }
}

/// The least and the greatest; none when there is nothing.
pub fn span(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |span, value| match span {
        None => Some((value, value)),
        Some((low, high)) => Some((low.min(value), high.max(value))),
    })
}

/// Round numbers from `low` to `high`, about `count` of them.
pub fn ticks(low: f64, high: f64, count: f64) -> Vec<f64> {
    every(step(high - low, count), low, high)
}

fn every(step: f64, low: f64, high: f64) -> Vec<f64> {
    let first = (low / step - 1e-9).ceil();
    (0..200)
        .map(|index| (first + f64::from(index)) * step)
        .take_while(|tick| *tick <= high + step * 1e-9)
        .collect()
}

/// Round numbers around the whole span: the first is not above `low`, the last not below `high`.
pub fn ticks_around(low: f64, high: f64, count: f64) -> Vec<f64> {
    let step = step(high - low, count);
    let first = (low / step + 1e-9).floor() * step;
    let last = (high / step - 1e-9).ceil() * step;
    every(step, first, last)
}

fn step(length: f64, count: f64) -> f64 {
    let rough = (length / count.max(1.0)).max(f64::MIN_POSITIVE);
    let unit = 10_f64.powf(rough.log10().floor());
    [1.0, 2.0, 2.5, 5.0]
        .into_iter()
        .map(|factor| factor * unit)
        .find(|step| *step >= rough)
        .unwrap_or(10.0 * unit)
}

/// A number as short as it can be read.
pub fn shown(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        size if size >= 1e12 || (size > 0.0 && size < 1e-4) => return format!("{value:.1e}"),
        size if size >= 1e9 => (value / 1e9, "B"),
        size if size >= 1e6 => (value / 1e6, "M"),
        size if size >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let digits = format!("{scaled:.4}");
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    format!("{}{unit}", if digits == "-0" { "0" } else { digits })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(ticks(0.0, 100.0, 5.0), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(ticks(1999.0, 2004.0, 5.0).len(), 6);
        assert_eq!(
            ticks_around(3.0, 43.6, 4.6),
            [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
        );
        for (value, text) in [
            (0.0, "0"),
            (2000.0, "2000"),
            (1_250_000.0, "1.25M"),
            (-0.5, "-0.5"),
        ] {
            assert_eq!(shown(value), text);
        }
    }
}
