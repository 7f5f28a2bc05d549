//! `find`'s tests.

use std::fs;

use jiff::Timestamp;
use regex::Regex;

use super::walk::Entry;
use crate::files::{Facts, USER, USER_ID, kind};
use crate::pattern::matches;

pub(super) enum Test {
    Name {
        pattern: String,
        ignore_case: bool,
    },
    Path {
        pattern: String,
        ignore_case: bool,
    },
    /// What a symlink points to.
    Target {
        pattern: String,
        ignore_case: bool,
    },
    Regex(Regex),
    Kind {
        kinds: String,
        follow: bool,
    },
    Size {
        number: Number,
        unit: u64,
    },
    Empty,
    /// Whole units (of seconds) before now.
    Age {
        of: Time,
        number: Number,
        unit: i64,
        now: Timestamp,
    },
    Newer {
        of: Time,
        limit: Timestamp,
    },
    Perm {
        kind: Perm,
        mode: u32,
    },
    /// Any of these bits.
    Access(u32),
    Owner(String),
    Links(Number),
    Inode(Number),
    SameFile {
        device: u64,
        inode: u64,
    },
}

#[derive(Clone, Copy)]
pub(super) struct Number {
    pub(super) compare: Compare,
    pub(super) value: u64,
}

#[derive(Clone, Copy)]
pub(super) enum Compare {
    Less,
    Equal,
    More,
}

#[derive(Clone, Copy)]
pub(super) enum Time {
    Accessed,
    Modified,
    Changed,
}

#[derive(Clone, Copy)]
pub(super) enum Perm {
    Exactly,
    All,
    Any,
}

impl Test {
    /// Whether `entry` passes. What cannot be found out does not.
    pub(super) fn passes(&self, entry: &Entry) -> bool {
        match self {
            Test::Name {
                pattern,
                ignore_case,
            } => matches(pattern, entry.name(), *ignore_case),
            Test::Path {
                pattern,
                ignore_case,
            } => matches(pattern, &entry.path, *ignore_case),
            Test::Target {
                pattern,
                ignore_case,
            } => fs::read_link(&entry.path)
                .is_ok_and(|target| matches(pattern, &target.to_string_lossy(), *ignore_case)),
            Test::Regex(regex) => regex.is_match(&entry.path),
            Test::Kind {
                kinds,
                follow: false,
            } => kinds.contains(entry.kind),
            Test::Kind {
                kinds,
                follow: true,
            } => kinds.contains(fs::metadata(&entry.path).map_or('l', |data| kind(&data))),
            Test::Size { number, unit } => {
                entry.with_facts(|facts| number.holds(facts.bytes.div_ceil(*unit)))
            }
            Test::Empty => match entry.kind {
                'd' => fs::read_dir(&entry.path).is_ok_and(|mut entries| entries.next().is_none()),
                'f' => entry.with_facts(|facts| facts.bytes == 0),
                _ => false,
            },
            Test::Age {
                of,
                number,
                unit,
                now,
            } => entry.with_facts(|facts| {
                let seconds = now.as_second() - of.of(facts).as_second();
                number.holds(u64::try_from(seconds.div_euclid(*unit)).unwrap_or(0))
            }),
            Test::Newer { of, limit } => entry.with_facts(|facts| of.of(facts) > *limit),
            Test::Perm { kind, mode } => entry.with_facts(|facts| match kind {
                Perm::Exactly => facts.mode == *mode,
                Perm::All => facts.mode & mode == *mode,
                Perm::Any => *mode == 0 || facts.mode & mode != 0,
            }),
            Test::Access(bits) => entry.with_facts(|facts| facts.mode & bits != 0),
            Test::Owner(name) => name == USER || name.parse() == Ok(USER_ID),
            Test::Links(number) => entry.with_facts(|facts| number.holds(facts.links)),
            Test::Inode(number) => entry.with_facts(|facts| number.holds(facts.inode)),
            Test::SameFile { device, inode } => {
                entry.with_facts(|facts| facts.device == *device && facts.inode == *inode)
            }
        }
    }
}

impl Number {
    fn holds(self, value: u64) -> bool {
        match self.compare {
            Compare::Less => value < self.value,
            Compare::Equal => value == self.value,
            Compare::More => value > self.value,
        }
    }
}

impl Time {
    pub(super) fn of(self, facts: &Facts) -> Timestamp {
        match self {
            Time::Accessed => facts.accessed,
            Time::Modified => facts.modified,
            Time::Changed => facts.changed,
        }
    }
}
