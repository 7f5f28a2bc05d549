//! Dates as text, in UTC: the sandbox knows no other zone.

use std::fmt::Write as _;

const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// `strftime` for nanoseconds since 1970.
pub fn format(format: &str, now_ns: u128) -> String {
    format_seconds(format, (now_ns / 1_000_000_000) as i64)
}

pub fn format_seconds(format: &str, seconds: i64) -> String {
    let days = seconds.div_euclid(86_400);
    let time = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    let weekday = (days + 4).rem_euclid(7) as usize;
    let (year, month, day) = civil(days);
    let year_day = days - days_from_civil(year, 1, 1) + 1;
    let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
    let mut out = String::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            out.push(character);
            continue;
        }
        let Some(mut letter) = characters.next() else {
            out.push('%');
            break;
        };
        let padded = letter != '-';
        if !padded {
            letter = characters.next().unwrap_or('-');
        }
        let mut two = |value: i64| {
            let _ = if padded {
                write!(out, "{value:02}")
            } else {
                write!(out, "{value}")
            };
        };
        match letter {
            'Y' => out.push_str(&year.to_string()),
            'y' => two(year.rem_euclid(100)),
            'C' => two(year / 100),
            'm' => two(month),
            'd' => two(day),
            'e' => out.push_str(&format!("{day:2}")),
            'H' => two(hour),
            'I' => two(twelve),
            'k' => out.push_str(&format!("{hour:2}")),
            'l' => out.push_str(&format!("{twelve:2}")),
            'M' => two(minute),
            'S' => two(second),
            'p' => out.push_str(if hour < 12 { "AM" } else { "PM" }),
            'P' => out.push_str(if hour < 12 { "am" } else { "pm" }),
            'j' => out.push_str(&format!("{year_day:03}")),
            'a' => out.push_str(&DAYS[weekday][..3]),
            'A' => out.push_str(DAYS[weekday]),
            'b' | 'h' => out.push_str(&MONTHS[(month - 1) as usize][..3]),
            'B' => out.push_str(MONTHS[(month - 1) as usize]),
            'u' => out.push_str(&(if weekday == 0 { 7 } else { weekday }).to_string()),
            'w' => out.push_str(&weekday.to_string()),
            's' => out.push_str(&seconds.to_string()),
            'F' => out.push_str(&format_seconds("%Y-%m-%d", seconds)),
            'T' => out.push_str(&format_seconds("%H:%M:%S", seconds)),
            'R' => out.push_str(&format_seconds("%H:%M", seconds)),
            'r' => out.push_str(&format_seconds("%I:%M:%S %p", seconds)),
            'D' | 'x' => out.push_str(&format_seconds("%m/%d/%y", seconds)),
            'X' => out.push_str(&format_seconds("%H:%M:%S", seconds)),
            'c' => out.push_str(&format_seconds("%a %b %e %H:%M:%S %Y", seconds)),
            'Z' => out.push_str("UTC"),
            'z' => out.push_str("+0000"),
            'n' => out.push('\n'),
            't' => out.push('\t'),
            '%' => out.push('%'),
            other => {
                out.push('%');
                out.push(other);
            }
        }
    }
    out
}

/// Year, month and day of a day counted from 1970 (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 {
        month_index + 3
    } else {
        month_index - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let month_index = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * month_index + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::format_seconds;

    #[test]
    fn dates() {
        for (seconds, want) in [
            (0, "1970-01-01 00:00:00 Thu 001"),
            (951_868_800, "2000-03-01 00:00:00 Wed 061"),
            (1_700_000_000, "2023-11-14 22:13:20 Tue 318"),
        ] {
            assert_eq!(format_seconds("%F %T %a %j", seconds), want);
        }
    }
}
