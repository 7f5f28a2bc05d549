//! Sizes as `-h`, `--si`, `-k` and `--block-size` write them.

use crate::files::human;

/// What sizes are counted in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Unit {
    /// The largest unit that leaves a number of at most four characters; 1000 or 1024 is the base.
    Human(u64),
    Blocks {
        bytes: u64,
        suffix: String,
    },
}

impl Unit {
    pub(super) fn of(bytes: u64) -> Self {
        Unit::Blocks {
            bytes,
            suffix: String::new(),
        }
    }

    /// `--block-size`'s argument: `K`, `1M`, `kB`, `MiB`, `512`, `human-readable`, `si`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "human-readable" => return Some(Unit::Human(1024)),
            "si" => return Some(Unit::Human(1000)),
            _ => {}
        }
        let digits = text
            .find(|letter: char| !letter.is_ascii_digit())
            .unwrap_or(text.len());
        let (number, suffix) = text.split_at(digits);
        let count: u64 = if number.is_empty() {
            1
        } else {
            number.parse().ok()?
        };
        let mut letters = suffix.chars();
        let power = match letters.next() {
            None => 0,
            Some(letter) => "KMGTPE".find(letter.to_ascii_uppercase())? + 1,
        };
        let base: u64 = match letters.as_str() {
            "" | "iB" => 1024,
            "B" => 1000,
            _ => return None,
        };
        let bytes = base
            .checked_pow(u32::try_from(power).ok()?)?
            .checked_mul(count)
            .filter(|bytes| *bytes > 0)?;
        // A bare suffix is repeated after every number.
        let suffix = if number.is_empty() { suffix } else { "" };
        (!text.is_empty()).then(|| Unit::Blocks {
            bytes,
            suffix: suffix.to_owned(),
        })
    }

    pub(super) fn show(&self, bytes: u64) -> String {
        match self {
            Unit::Human(base) => human(bytes, *base),
            Unit::Blocks {
                bytes: unit,
                suffix,
            } => format!("{}{suffix}", bytes.div_ceil(*unit)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Unit;

    #[test]
    fn sizes_are_rounded_up_and_carry_a_bare_suffix() {
        for (unit, bytes, shown) in [
            ("human-readable", 1023, "1023"),
            ("human-readable", 1024, "1.0K"),
            ("human-readable", 10_189, "10K"),
            ("human-readable", 1_048_575, "1.0M"),
            ("si", 999, "999"),
            ("si", 1001, "1.1k"),
            ("si", 1_500_000, "1.5M"),
            ("K", 1025, "2K"),
            ("1K", 1025, "2"),
            ("kB", 1001, "2kB"),
            ("512", 513, "2"),
        ] {
            let parsed = Unit::parse(unit).expect("a unit");
            assert_eq!(parsed.show(bytes), shown, "{bytes} in {unit}");
        }
        for wrong in ["", "0", "Q", "1Kx", "-1"] {
            assert_eq!(Unit::parse(wrong), None, "{wrong}");
        }
    }
}
