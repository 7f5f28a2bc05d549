//! `find -printf`.

use jiff::Timestamp;

use super::walk::Entry;
use crate::files::{USER, USER_ID, mode_text};

/// A format, taken apart once.
pub(super) struct Format(Vec<Part>);

enum Part {
    Text(String),
    /// Flags and width, the letter, and for times the letter after it.
    Field {
        flags: String,
        letter: char,
        time: Option<char>,
    },
}

impl Format {
    pub(super) fn parse(text: &str) -> Self {
        let text = crate::stat::unescape(text);
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            if letter != '%' || letters.peek().is_none() {
                plain.push(letter);
                continue;
            }
            if letters.next_if_eq(&'%').is_some() {
                plain.push('%');
                continue;
            }
            let mut flags = String::new();
            while let Some(flag) =
                letters.next_if(|letter| matches!(letter, '-' | '0'..='9' | '.' | '#' | '+' | ' '))
            {
                flags.push(flag);
            }
            let letter = letters.next().unwrap_or('%');
            let time = if matches!(letter, 'A' | 'C' | 'T') {
                letters.next()
            } else {
                None
            };
            parts.extend([
                Part::Text(std::mem::take(&mut plain)),
                Part::Field {
                    flags,
                    letter,
                    time,
                },
            ]);
        }
        parts.push(Part::Text(plain));
        Format(parts)
    }

    pub(super) fn of(&self, entry: &Entry) -> String {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Field {
                    flags,
                    letter,
                    time,
                } => {
                    let text = field(*letter, *time, entry);
                    let width = flags
                        .trim_start_matches(['-', '0', '#', '+', ' '])
                        .split('.')
                        .next();
                    let width: usize = width.and_then(|width| width.parse().ok()).unwrap_or(0);
                    out.push_str(&match (flags.starts_with('-'), flags.starts_with('0')) {
                        (true, _) => format!("{text:<width$}"),
                        (_, true) => format!("{text:0>width$}"),
                        _ => format!("{text:>width$}"),
                    });
                }
            }
        }
        out
    }
}

fn field(letter: char, time: Option<char>, entry: &Entry) -> String {
    let facts = entry.facts();
    let fact = |show: &dyn Fn(&crate::files::Facts) -> String| {
        facts.as_deref().map(show).unwrap_or_default()
    };
    match letter {
        'p' => entry.path.clone(),
        'f' => entry.name().to_owned(),
        'h' => entry.folder().to_owned(),
        'P' => entry.path[entry.root_bytes..]
            .trim_start_matches('/')
            .to_owned(),
        'H' => entry.path[..entry.root_bytes].to_owned(),
        'd' => entry.depth.to_string(),
        'y' => entry.kind.to_string(),
        'Y' => std::fs::metadata(&entry.path)
            .map_or('N', |data| crate::files::kind(&data))
            .to_string(),
        'l' if entry.kind == 'l' => std::fs::read_link(&entry.path)
            .map(|target| target.display().to_string())
            .unwrap_or_default(),
        'l' => String::new(),
        's' => fact(&|facts| facts.bytes.to_string()),
        'b' => fact(&|facts| facts.allocated().div_ceil(512).to_string()),
        'k' => fact(&|facts| facts.allocated().div_ceil(1024).to_string()),
        'm' => fact(&|facts| format!("{:o}", facts.mode)),
        'M' => fact(&|facts| mode_text(entry.kind, facts.mode)),
        'i' => fact(&|facts| facts.inode.to_string()),
        'n' => fact(&|facts| facts.links.to_string()),
        'D' => fact(&|facts| facts.device.to_string()),
        'u' | 'g' => USER.to_owned(),
        'U' | 'G' => USER_ID.to_string(),
        't' => fact(&|facts| show_time(facts.modified, 'c')),
        'a' => fact(&|facts| show_time(facts.accessed, 'c')),
        'c' => fact(&|facts| show_time(facts.changed, 'c')),
        'T' => fact(&|facts| show_time(facts.modified, time.unwrap_or('c'))),
        'A' => fact(&|facts| show_time(facts.accessed, time.unwrap_or('c'))),
        'C' => fact(&|facts| show_time(facts.changed, time.unwrap_or('c'))),
        other => format!("%{other}"),
    }
}

fn show_time(time: Timestamp, letter: char) -> String {
    let nanoseconds = time.subsec_nanosecond();
    match letter {
        '@' => format!("{}.{nanoseconds:09}0", time.as_second()),
        '+' => format!("{}.{nanoseconds:09}0", time.strftime("%Y-%m-%d+%H:%M:%S")),
        'S' => format!("{}.{nanoseconds:09}0", time.strftime("%S")),
        'T' => format!("{}.{nanoseconds:09}0", time.strftime("%H:%M:%S")),
        'c' => format!(
            "{}.{nanoseconds:09}0 {}",
            time.strftime("%a %b %e %H:%M:%S"),
            time.strftime("%Y")
        ),
        other => time.strftime(&format!("%{other}")).to_string(),
    }
}
