//! What the options have chosen so far: later ones win, and some decide only together with others.

use super::options::{Clock, Flavour, Follow, Format, Hidden, Indicator, Options, Sort};
use super::parse::{usage, value};
use super::quote::{Quoting, always};
use super::size::Unit;
use super::time::TimeStyle;
use super::words;
use crate::failure::Failure;

/// Characters in a line when nothing tells.
const WIDTH: usize = 80;

/// What has been chosen so far; what has not depends on the rest and on where the output goes.
pub(super) struct Choices {
    format: Option<Format>,
    sort: Option<Sort>,
    clock: Option<Clock>,
    reverse: bool,
    directories_first: bool,
    hidden: Hidden,
    ignore: Vec<String>,
    hide: Vec<String>,
    recursive: bool,
    directory: bool,
    follow: Option<Follow>,
    indicator: Indicator,
    inode: bool,
    blocks: bool,
    owner: bool,
    group: bool,
    author: bool,
    numeric: bool,
    size_unit: Unit,
    block_unit: Unit,
    quoting: Option<Quoting>,
    question_marks: Option<bool>,
    color: bool,
    time_style: Option<String>,
    width: Option<usize>,
    tab: usize,
    end: u8,
}

impl Choices {
    pub(super) fn new(flavour: Flavour) -> Self {
        Choices {
            format: match flavour {
                Flavour::Ls => None,
                Flavour::Dir => Some(Format::Columns),
                Flavour::Vdir => Some(Format::Long),
            },
            sort: None,
            clock: None,
            reverse: false,
            directories_first: false,
            hidden: Hidden::Skip,
            ignore: Vec::new(),
            hide: Vec::new(),
            recursive: false,
            directory: false,
            follow: None,
            indicator: Indicator::None,
            inode: false,
            blocks: false,
            owner: true,
            group: true,
            author: false,
            numeric: false,
            size_unit: Unit::of(1),
            block_unit: Unit::of(1024),
            quoting: (flavour != Flavour::Ls).then_some(Quoting::Escape),
            question_marks: None,
            color: false,
            time_style: std::env::var("TIME_STYLE").ok(),
            width: std::env::var("COLUMNS")
                .ok()
                .and_then(|text| text.parse().ok()),
            tab: 8,
            end: b'\n',
        }
    }

    /// Takes the option known as `name`, and its argument from `parser`.
    pub(super) fn take(
        &mut self,
        program: &str,
        name: &str,
        parser: &mut lexopt::Parser,
        terminal: bool,
    ) -> Result<(), Failure> {
        match name {
            "a" => self.hidden = Hidden::All,
            "A" => self.hidden = Hidden::Almost,
            "f" => (self.hidden, self.sort) = (Hidden::All, Some(Sort::None)),
            "B" => self.ignore.extend(["*~", ".*~"].map(str::to_owned)),
            "I" => self.ignore.push(value(program, parser)?),
            "hide" => self.hide.push(value(program, parser)?),
            "R" => self.recursive = true,
            "d" => self.directory = true,
            "L" => self.follow = Some(Follow::Always),
            "H" => self.follow = Some(Follow::Operands),
            "follow-directories" => self.follow = Some(Follow::OperandDirectories),
            "r" => self.reverse = true,
            "group-directories-first" => self.directories_first = true,
            "t" => self.sort = Some(Sort::Time),
            "S" => self.sort = Some(Sort::Size),
            "X" => self.sort = Some(Sort::Extension),
            "U" => self.sort = Some(Sort::None),
            "v" => self.sort = Some(Sort::Version),
            "c" => self.clock = Some(Clock::Changed),
            "u" => self.clock = Some(Clock::Accessed),
            "sort" => self.sort = Some(words::sort(program, &value(program, parser)?)?),
            "time" => self.clock = Some(words::clock(program, &value(program, parser)?)?),
            "format" => self.format = Some(words::format(program, &value(program, parser)?)?),
            "indicator-style" => {
                self.indicator = words::indicator(program, &value(program, parser)?)?;
            }
            "quoting-style" => {
                self.quoting = Some(words::quoting(program, &value(program, parser)?)?);
            }
            "color" | "classify" => {
                let word = parser.optional_value().unwrap_or_else(|| "always".into());
                let on = words::when(program, name, &word.to_string_lossy(), terminal)?;
                match name {
                    "color" => self.color = on,
                    _ if on => self.indicator = Indicator::Classify,
                    _ => {}
                }
            }
            "F" => self.indicator = Indicator::Classify,
            "p" => self.indicator = Indicator::Slash,
            "file-type" => self.indicator = Indicator::FileType,
            "l" => self.format = Some(Format::Long),
            "g" => (self.format, self.owner) = (Some(Format::Long), false),
            "o" => (self.format, self.group) = (Some(Format::Long), false),
            "n" => (self.format, self.numeric) = (Some(Format::Long), true),
            "full-time" => {
                (self.format, self.time_style) = (Some(Format::Long), Some("full-iso".to_owned()));
            }
            "1" if self.format == Some(Format::Long) => {}
            "1" => self.format = Some(Format::OnePerLine),
            "C" => self.format = Some(Format::Columns),
            "x" => self.format = Some(Format::Across),
            "m" => self.format = Some(Format::Commas),
            "G" => self.group = false,
            "author" => self.author = true,
            "i" => self.inode = true,
            "s" => self.blocks = true,
            "h" => self.unit(Unit::Human(1024)),
            "si" => self.unit(Unit::Human(1000)),
            "k" => self.block_unit = Unit::of(1024),
            "block-size" => {
                let text = value(program, parser)?;
                let unit = Unit::parse(&text);
                self.unit(unit.ok_or_else(|| {
                    let text = always(&text);
                    Failure::new(
                        super::SERIOUS,
                        format!("invalid --block-size argument {text}"),
                    )
                })?);
            }
            "N" => self.quoting = Some(Quoting::Literal),
            "Q" => self.quoting = Some(Quoting::C),
            "b" => self.quoting = Some(Quoting::Escape),
            "q" => self.question_marks = Some(true),
            "show-control-chars" => self.question_marks = Some(false),
            "time-style" => self.time_style = Some(value(program, parser)?),
            "w" => self.width = Some(number("line width", &value(program, parser)?)?),
            "T" => self.tab = number("tab size", &value(program, parser)?)?,
            "zero" => {
                self.end = 0;
                if self.format != Some(Format::Long) {
                    self.format = Some(Format::OnePerLine);
                }
                (self.color, self.quoting) = (false, Some(Quoting::Literal));
                self.question_marks = Some(false);
            }
            letter => return Err(usage(program, &format!("invalid option -- '{letter}'"))),
        }
        Ok(())
    }

    fn unit(&mut self, unit: Unit) {
        (self.size_unit, self.block_unit) = (unit.clone(), unit);
    }

    /// All together, with what nobody chose filled in.
    pub(super) fn options(self, program: &str, terminal: bool) -> Result<Options, Failure> {
        let (own_format, own_quoting) = if terminal {
            (Format::Columns, Quoting::ShellEscape)
        } else {
            (Format::OnePerLine, Quoting::Literal)
        };
        let format = self.format.unwrap_or(own_format);
        let long = format == Format::Long;
        let style = self.time_style.as_deref().unwrap_or("locale");
        let time_style = TimeStyle::parse(style).ok_or_else(|| {
            let message = format!(
                "invalid argument {} for 'time style'\nValid arguments are:\n  - [posix-]full-iso\n  \
                 - [posix-]long-iso\n  - [posix-]iso\n  - [posix-]locale\n  - +FORMAT (e.g., +%H:%M) \
                 for a 'date'-style format",
                always(style)
            );
            usage(program, &message)
        })?;
        let plain = long || self.directory || self.indicator == Indicator::Classify;
        Ok(Options {
            format,
            sort: self.sort.unwrap_or(match self.clock {
                Some(_) if !long => Sort::Time,
                _ => Sort::Name,
            }),
            clock: self.clock.unwrap_or(Clock::Modified),
            reverse: self.reverse,
            directories_first: self.directories_first,
            hidden: self.hidden,
            ignore: self.ignore,
            hide: self.hide,
            recursive: self.recursive && !self.directory,
            directory: self.directory,
            follow: self.follow.unwrap_or(match plain {
                true => Follow::Never,
                false => Follow::OperandDirectories,
            }),
            indicator: self.indicator,
            inode: self.inode,
            blocks: self.blocks,
            owner: self.owner,
            group: self.group,
            author: self.author,
            numeric: self.numeric,
            size_unit: self.size_unit,
            block_unit: self.block_unit,
            quoting: self.quoting.unwrap_or(own_quoting),
            question_marks: self.question_marks.unwrap_or(terminal && program == "ls"),
            color: self.color,
            time_style,
            width: Some(self.width.unwrap_or(WIDTH)).filter(|width| *width > 0),
            // Terminals take tabs and colours on one line badly.
            tab: if self.color { 0 } else { self.tab },
            end: self.end,
        })
    }
}

fn number(what: &str, text: &str) -> Result<usize, Failure> {
    text.parse().map_err(|_| {
        let text = always(text);
        Failure::new(super::SERIOUS, format!("invalid {what}: {text}"))
    })
}
