//! Dates as `--time-style` writes them. A sandbox's clock is UTC's.

use jiff::fmt::strtime::{BrokenDownTime, Config};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Half a Gregorian year: what is older shows its year.
const RECENT: SignedDuration = SignedDuration::from_secs(31_556_952 / 2);

pub(super) struct TimeStyle {
    recent: String,
    /// For what is older than half a year, or in the future.
    old: String,
}

impl TimeStyle {
    /// `full-iso`, `long-iso`, `iso`, `locale`, or `+FORMAT`, whose second line is for recent files.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(format) = text.strip_prefix('+') {
            let mut lines = format.splitn(2, '\n');
            let old = lines.next().unwrap_or_default();
            return Some(Self::new(lines.next().unwrap_or(old), old));
        }
        // `posix-iso` is `iso` outside the POSIX locale, which is the only one here.
        if text.starts_with("posix-") {
            return Some(Self::default());
        }
        Some(match text {
            "full-iso" => Self::new("%Y-%m-%d %H:%M:%S.%9f %z", "%Y-%m-%d %H:%M:%S.%9f %z"),
            "long-iso" => Self::new("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M"),
            "iso" => Self::new("%m-%d %H:%M", "%Y-%m-%d "),
            "locale" => Self::default(),
            _ => return None,
        })
    }

    fn new(recent: &str, old: &str) -> Self {
        TimeStyle {
            recent: recent.to_owned(),
            old: old.to_owned(),
        }
    }

    pub(super) fn show(&self, time: Timestamp, now: Timestamp) -> String {
        let age = now.duration_since(time);
        let recent = age >= SignedDuration::ZERO && age < RECENT;
        let format = if recent { &self.recent } else { &self.old };
        let zoned = time.to_zoned(TimeZone::UTC);
        // What a format asks for and nobody knows is shown as it was written.
        BrokenDownTime::from(&zoned)
            .to_string_with_config(&Config::new().lenient(true), format)
            .unwrap_or_else(|_| format.clone())
    }

    /// Characters that a date takes.
    pub(super) fn width(&self, now: Timestamp) -> usize {
        self.show(now, now).chars().count()
    }
}

impl Default for TimeStyle {
    fn default() -> Self {
        Self::new("%b %e %H:%M", "%b %e  %Y")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_shows_its_year_when_old_or_in_the_future() {
        let now: Timestamp = "2026-11-21T18:47:00Z".parse().expect("a time");
        for (style, time, shown) in [
            ("locale", "2026-11-21T18:46:00Z", "Nov 21 18:46"),
            ("locale", "2026-11-01T08:06:00Z", "Nov  1 08:06"),
            ("locale", "2026-05-01T08:06:00Z", "May  1  2026"),
            ("locale", "2026-11-22T00:00:00Z", "Nov 22  2026"),
            ("long-iso", "2026-11-01T08:06:00Z", "2026-11-01 08:06"),
            ("iso", "2026-11-01T08:06:00Z", "11-01 08:06"),
            ("iso", "2025-11-01T08:06:00Z", "2025-11-01 "),
            (
                "full-iso",
                "2026-11-01T08:06:07.5Z",
                "2026-11-01 08:06:07.500000000 +0000",
            ),
            ("+%s", "1970-01-01T00:00:09Z", "9"),
            ("+old\nnew", "1970-01-01T00:00:09Z", "old"),
            ("+old\nnew", "2026-11-01T08:06:00Z", "new"),
        ] {
            let parsed = TimeStyle::parse(style).expect("a style");
            let time = time.parse().expect("a time");
            assert_eq!(parsed.show(time, now), shown, "{style}");
        }
        assert!(TimeStyle::parse("roman").is_none());
    }
}
