//! From `find`'s arguments to a query.

use jiff::Timestamp;
use regex::RegexBuilder;

use super::action::{Action, Exec};
use super::printf::Format;
use super::test::{Compare, Number, Perm, Test, Time};
use super::{Expression, Follow, Query};
use crate::chmod;
use crate::failure::Failure;
use crate::files::facts;

struct Parser {
    words: std::iter::Peekable<std::vec::IntoIter<String>>,
    query: Query,
    /// An action other than `-prune` and `-quit` was seen: nothing is printed by itself.
    acts: bool,
    now: Timestamp,
    /// `-daystart`.
    from_midnight: bool,
    emacs_regex: bool,
}

pub(super) fn query(words: Vec<String>) -> Result<Query, Failure> {
    let mut words = words.into_iter().peekable();
    let mut query = Query {
        roots: Vec::new(),
        expression: Expression::Constant(true),
        follow: Follow::Never,
        depth_first: false,
        depth_min: 0,
        depth_max: usize::MAX,
    };
    while let Some(word) = words.next_if(|word| {
        matches!(word.as_str(), "-P" | "-H" | "-L" | "--") || word.starts_with("-O")
    }) {
        match word.as_str() {
            "-P" => query.follow = Follow::Never,
            "-H" => query.follow = Follow::Roots,
            "-L" => query.follow = Follow::Always,
            _ => {}
        }
    }
    while let Some(root) = words.next_if(|word| {
        !(word.starts_with('-') && word.len() > 1) && !matches!(word.as_str(), "(" | "!")
    }) {
        query.roots.push(root);
    }
    if query.roots.is_empty() {
        query.roots.push(".".into());
    }
    let mut parser = Parser {
        words,
        query,
        acts: false,
        now: Timestamp::now(),
        from_midnight: false,
        emacs_regex: true,
    };
    let mut expression = if parser.words.peek().is_some() {
        parser.list()?
    } else {
        Expression::Constant(true)
    };
    if let Some(word) = parser.words.next() {
        return Err(match word.as_str() {
            ")" => usage("you have too many ')'"),
            _ => usage(format!("paths must precede expression: `{word}'")),
        });
    }
    if !parser.acts {
        expression = Expression::And(vec![expression, Expression::Action(Action::Print('\n'))]);
    }
    parser.query.expression = expression;
    Ok(parser.query)
}

fn usage(message: impl std::fmt::Display) -> Failure {
    Failure::new(1, message)
}

impl Parser {
    fn list(&mut self) -> Result<Expression, Failure> {
        let mut parts = vec![self.or()?];
        while self.words.next_if(|word| word == ",").is_some() {
            parts.push(self.or()?);
        }
        Ok(single(parts, Expression::List))
    }

    fn or(&mut self) -> Result<Expression, Failure> {
        let mut parts = vec![self.and()?];
        while self
            .words
            .next_if(|word| matches!(word.as_str(), "-o" | "-or"))
            .is_some()
        {
            parts.push(self.and()?);
        }
        Ok(single(parts, Expression::Or))
    }

    fn and(&mut self) -> Result<Expression, Failure> {
        let mut parts = vec![self.not()?];
        loop {
            let explicit = self
                .words
                .next_if(|word| matches!(word.as_str(), "-a" | "-and"))
                .is_some();
            match self.words.peek().map(String::as_str) {
                None | Some(")" | "-o" | "-or" | ",") if !explicit => {
                    return Ok(single(parts, Expression::And));
                }
                None => return Err(usage("expected an expression after '-a'")),
                Some(word) if !explicit && !word.starts_with('-') && !matches!(word, "(" | "!") => {
                    return Ok(single(parts, Expression::And));
                }
                Some(_) => parts.push(self.not()?),
            }
        }
    }

    fn not(&mut self) -> Result<Expression, Failure> {
        if self
            .words
            .next_if(|word| matches!(word.as_str(), "!" | "-not"))
            .is_some()
        {
            return Ok(Expression::Not(Box::new(self.not()?)));
        }
        if self.words.next_if(|word| word == "(").is_some() {
            let inner = self.list()?;
            self.words
                .next_if(|word| word == ")")
                .ok_or_else(|| usage("invalid expression; expected to find a ')'"))?;
            return Ok(inner);
        }
        self.primary()
    }

    fn value(&mut self, option: &str) -> Result<String, Failure> {
        self.words
            .next()
            .ok_or_else(|| usage(format!("missing argument to `{option}'")))
    }

    fn primary(&mut self) -> Result<Expression, Failure> {
        let word = self
            .words
            .next()
            .ok_or_else(|| usage("expected an expression"))?;
        if let Some(action) = self.action(&word)? {
            self.acts |= !matches!(action, Action::Prune | Action::Quit);
            return Ok(Expression::Action(action));
        }
        let test = match word.as_str() {
            "-true" => return Ok(Expression::Constant(true)),
            "-false" => return Ok(Expression::Constant(false)),
            "-depth" | "-d" => return Ok(self.set(|query| query.depth_first = true)),
            "-follow" => return Ok(self.set(|query| query.follow = Follow::Always)),
            "-maxdepth" | "-mindepth" => {
                let text = self.value(&word)?;
                let depth = text.parse().map_err(|_| {
                    usage(format!(
                        "Expected a positive decimal integer argument to {word}, but got ‘{text}’"
                    ))
                })?;
                return Ok(self.set(|query| {
                    if word == "-maxdepth" {
                        query.depth_max = depth
                    } else {
                        query.depth_min = depth
                    }
                }));
            }
            "-daystart" => {
                self.from_midnight = true;
                return Ok(Expression::Constant(true));
            }
            "-mount"
            | "-xdev"
            | "-noleaf"
            | "-warn"
            | "-nowarn"
            | "-ignore_readdir_race"
            | "-noignore_readdir_race" => {
                return Ok(Expression::Constant(true));
            }
            "-regextype" => {
                self.emacs_regex = matches!(
                    self.value(&word)?.as_str(),
                    "emacs" | "findutils-default" | "posix-basic" | "sed" | "grep" | "ed"
                );
                return Ok(Expression::Constant(true));
            }
            "-name" | "-iname" => Test::Name {
                pattern: self.value(&word)?,
                ignore_case: word == "-iname",
            },
            "-path" | "-wholename" | "-ipath" | "-iwholename" => Test::Path {
                pattern: self.value(&word)?,
                ignore_case: word.starts_with("-i"),
            },
            "-lname" | "-ilname" => Test::Target {
                pattern: self.value(&word)?,
                ignore_case: word == "-ilname",
            },
            "-regex" | "-iregex" => {
                let text = self.value(&word)?;
                let pattern = if self.emacs_regex {
                    from_basic(&text)
                } else {
                    text
                };
                let regex = RegexBuilder::new(&format!("^(?:{pattern})$"))
                    .case_insensitive(word == "-iregex")
                    .dot_matches_new_line(true)
                    .build();
                Test::Regex(regex.map_err(usage)?)
            }
            "-type" | "-xtype" => {
                let kinds = self.value(&word)?.replace(',', "");
                if let Some(letter) = kinds.chars().find(|letter| !"bcdpfls".contains(*letter)) {
                    return Err(usage(format!("Unknown argument to -type: {letter}")));
                }
                Test::Kind {
                    kinds,
                    follow: word == "-xtype",
                }
            }
            "-size" => self.size()?,
            "-empty" => Test::Empty,
            "-mtime" | "-atime" | "-ctime" | "-mmin" | "-amin" | "-cmin" => {
                let text = self.value(&word)?;
                let number = Number::parse(&text)
                    .ok_or_else(|| usage(format!("invalid argument `{text}' to `{word}'")))?;
                let unit = if word.ends_with("min") { 60 } else { 86_400 };
                Test::Age {
                    of: time(&word[1..2]),
                    number,
                    unit,
                    now: self.base(unit),
                }
            }
            "-newer" | "-anewer" | "-cnewer" => {
                self.newer(if word == "-newer" { "m" } else { &word[1..2] }, "m")?
            }
            _ if word.starts_with("-newer") && word.len() == 8 => {
                self.newer(&word[6..7], &word[7..8])?
            }
            "-perm" => self.perm()?,
            "-readable" => Test::Access(0o444),
            "-writable" => Test::Access(0o222),
            "-executable" => Test::Access(0o111),
            "-user" | "-uid" => Test::Owner(self.value(&word)?),
            "-group" | "-gid" => Test::Owner(self.value(&word)?),
            "-nouser" | "-nogroup" => return Ok(Expression::Constant(false)),
            "-links" | "-inum" => {
                let text = self.value(&word)?;
                let number = Number::parse(&text)
                    .ok_or_else(|| usage(format!("invalid argument `{text}' to `{word}'")))?;
                if word == "-links" {
                    Test::Links(number)
                } else {
                    Test::Inode(number)
                }
            }
            "-samefile" => {
                let file = self.value(&word)?;
                let facts = facts(file.as_ref(), true).map_err(|error| {
                    usage(format!("‘{file}’: {}", crate::failure::plain(&error)))
                })?;
                Test::SameFile {
                    device: facts.device,
                    inode: facts.inode,
                }
            }
            _ if word.starts_with('-') => return Err(usage(format!("unknown predicate `{word}'"))),
            _ => return Err(usage(format!("paths must precede expression: `{word}'"))),
        };
        Ok(Expression::Test(test))
    }

    fn action(&mut self, word: &str) -> Result<Option<Action>, Failure> {
        Ok(Some(match word {
            "-print" => Action::Print('\n'),
            "-print0" => Action::Print('\0'),
            "-printf" => Action::Printf(Format::parse(&self.value(word)?)),
            "-fprint" => Action::PrintTo(create(&self.value(word)?)?, '\n'),
            "-fprint0" => Action::PrintTo(create(&self.value(word)?)?, '\0'),
            "-ls" => Action::List,
            "-delete" => {
                self.query.depth_first = true;
                Action::Delete
            }
            "-prune" => Action::Prune,
            "-quit" => Action::Quit,
            "-exec" | "-execdir" | "-ok" | "-okdir" => Action::Exec(self.exec(word)?),
            _ => return Ok(None),
        }))
    }

    fn exec(&mut self, option: &str) -> Result<Exec, Failure> {
        let mut words: Vec<String> = Vec::new();
        loop {
            let word = self
                .words
                .next()
                .ok_or_else(|| usage(format!("missing argument to `{option}'")))?;
            let batch = word == "+" && words.last().is_some_and(|last| last == "{}");
            if word == ";" || batch {
                if batch {
                    words.pop();
                }
                if words.is_empty() {
                    return Err(usage(format!("missing argument to `{option}'")));
                }
                return Ok(Exec::new(words, batch, option.ends_with("dir")));
            }
            words.push(word);
        }
    }

    fn size(&mut self) -> Result<Test, Failure> {
        let text = self.value("-size")?;
        let bad = || usage(format!("invalid -size type `{text}'"));
        let (number, unit) = match text.chars().last() {
            Some('c') => (&text[..text.len() - 1], 1),
            Some('w') => (&text[..text.len() - 1], 2),
            Some('b') => (&text[..text.len() - 1], 512),
            Some('k') => (&text[..text.len() - 1], 1 << 10),
            Some('M') => (&text[..text.len() - 1], 1 << 20),
            Some('G') => (&text[..text.len() - 1], 1 << 30),
            Some(digit) if digit.is_ascii_digit() => (text.as_str(), 512),
            _ => return Err(bad()),
        };
        Ok(Test::Size {
            number: Number::parse(number).ok_or_else(bad)?,
            unit,
        })
    }

    fn newer(&mut self, of: &str, than: &str) -> Result<Test, Failure> {
        let text = self.value("-newer")?;
        let limit = if than == "t" {
            parse_time(&text).ok_or_else(|| {
                usage(format!(
                    "I cannot figure out how to interpret ‘{text}’ as a date or time"
                ))
            })?
        } else {
            let facts = facts(text.as_ref(), true)
                .map_err(|error| usage(format!("‘{text}’: {}", crate::failure::plain(&error))))?;
            time(than).of(&facts)
        };
        Ok(Test::Newer {
            of: time(of),
            limit,
        })
    }

    fn perm(&mut self) -> Result<Test, Failure> {
        let text = self.value("-perm")?;
        let (kind, mode) = match text.as_bytes().first() {
            Some(b'-') => (Perm::All, &text[1..]),
            Some(b'/') => (Perm::Any, &text[1..]),
            _ => (Perm::Exactly, text.as_str()),
        };
        let change = chmod::parse(mode).ok_or_else(|| usage(format!("invalid mode ‘{text}’")))?;
        Ok(Test::Perm {
            kind,
            mode: change.of(0, false),
        })
    }

    fn base(&self, unit: i64) -> Timestamp {
        match self.from_midnight && unit > 60 {
            // From the end of today.
            true => Timestamp::from_second((self.now.as_second() / 86_400 + 1) * 86_400)
                .unwrap_or(self.now),
            false => self.now,
        }
    }

    fn set(&mut self, change: impl FnOnce(&mut Query)) -> Expression {
        change(&mut self.query);
        Expression::Constant(true)
    }
}

fn single(mut parts: Vec<Expression>, several: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.len() {
        1 => parts.remove(0),
        _ => several(parts),
    }
}

fn time(letter: &str) -> Time {
    match letter {
        "a" => Time::Accessed,
        "c" => Time::Changed,
        _ => Time::Modified,
    }
}

fn create(file: &str) -> Result<std::cell::RefCell<std::fs::File>, Failure> {
    let created = std::fs::File::create(file);
    created
        .map(std::cell::RefCell::new)
        .map_err(|error| usage(format!("‘{file}’: {}", crate::failure::plain(&error))))
}

/// `2026-01-31`, with a time of day or without, or `@SECONDS`. Times are UTC: a sandbox has no other zone.
fn parse_time(text: &str) -> Option<Timestamp> {
    if let Some(seconds) = text.strip_prefix('@') {
        return Timestamp::from_second(seconds.parse().ok()?).ok();
    }
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    let text = text.replace(' ', "T");
    let date_time: jiff::civil::DateTime = text.parse().ok()?;
    date_time
        .to_zoned(jiff::tz::TimeZone::UTC)
        .ok()
        .map(|zoned| zoned.timestamp())
}

/// Emacs and basic regular expressions write groups and alternatives with backslashes.
fn from_basic(text: &str) -> String {
    let mut out = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some(special @ ('(' | ')' | '|' | '{' | '}')) => out.push(special),
                Some(other) => out.extend(['\\', other]),
                None => out.push_str(r"\\"),
            },
            '(' | ')' | '|' | '{' | '}' => out.extend(['\\', letter]),
            _ => out.push(letter),
        }
    }
    out
}

impl Number {
    fn parse(text: &str) -> Option<Number> {
        let (compare, digits) = match text.as_bytes().first()? {
            b'+' => (Compare::More, &text[1..]),
            b'-' => (Compare::Less, &text[1..]),
            _ => (Compare::Equal, text),
        };
        Some(Number {
            compare,
            value: digits.parse().ok()?,
        })
    }
}
