//! `diff`'s options.

use lexopt::prelude::*;

/// How differences are shown.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Format {
    Normal,
    Unified,
    Context,
    SideBySide,
}

pub(crate) struct Options {
    pub(crate) format: Format,
    pub(crate) context: usize,
    pub(crate) brief: bool,
    pub(crate) report_same: bool,
    pub(crate) recursive: bool,
    /// `-N`: a file that is missing counts as empty.
    pub(crate) new_file: bool,
    pub(crate) ignore_case: bool,
    pub(crate) ignore_space_change: bool,
    pub(crate) ignore_all_space: bool,
    pub(crate) ignore_trailing_space: bool,
    pub(crate) ignore_blank_lines: bool,
    pub(crate) strip_carriage_return: bool,
    pub(crate) text: bool,
    pub(crate) color: bool,
    pub(crate) width: usize,
    pub(crate) labels: Vec<String>,
    pub(crate) exclude: Vec<String>,
    pub(crate) files: [String; 2],
    /// The options as written, for the `diff -r a/x b/x` lines.
    pub(crate) written: String,
}

pub(crate) fn parse(mut parser: lexopt::Parser) -> Result<Options, String> {
    let mut options = Options {
        format: Format::Normal,
        context: 3,
        brief: false,
        report_same: false,
        recursive: false,
        new_file: false,
        ignore_case: false,
        ignore_space_change: false,
        ignore_all_space: false,
        ignore_trailing_space: false,
        ignore_blank_lines: false,
        strip_carriage_return: false,
        text: false,
        color: false,
        width: 130,
        labels: Vec::new(),
        exclude: Vec::new(),
        files: [String::new(), String::new()],
        written: String::new(),
    };
    let mut words = Vec::new();
    let text = |error: lexopt::Error| error.to_string();
    let value = |parser: &mut lexopt::Parser| {
        parser
            .value()
            .map(|value| value.to_string_lossy().into_owned())
            .map_err(text)
    };
    while let Some(option) = parser.next().map_err(text)? {
        match option {
            Short('u') => options.format = Format::Unified,
            Short('U') => {
                options.format = Format::Unified;
                options.context = number(&value(&mut parser)?)?;
            }
            Long("unified") => {
                options.format = Format::Unified;
                if let Some(count) = parser.optional_value() {
                    options.context = number(&count.to_string_lossy())?;
                }
            }
            Short('c') => options.format = Format::Context,
            Short('C') => {
                options.format = Format::Context;
                options.context = number(&value(&mut parser)?)?;
            }
            Long("context") => {
                options.format = Format::Context;
                if let Some(count) = parser.optional_value() {
                    options.context = number(&count.to_string_lossy())?;
                }
            }
            Short(digit @ '0'..='9') => options.context = digit as usize - '0' as usize,
            Short('y') | Long("side-by-side") => options.format = Format::SideBySide,
            Long("normal") => options.format = Format::Normal,
            Short('W') | Long("width") => options.width = number(&value(&mut parser)?)?,
            Short('q') | Long("brief") => options.brief = true,
            Short('s') | Long("report-identical-files") => options.report_same = true,
            Short('r') | Long("recursive") => options.recursive = true,
            Short('N') | Long("new-file") => options.new_file = true,
            Short('i') | Long("ignore-case") => options.ignore_case = true,
            Short('b') | Long("ignore-space-change") => options.ignore_space_change = true,
            Short('w') | Long("ignore-all-space") => options.ignore_all_space = true,
            Short('Z') | Long("ignore-trailing-space") => options.ignore_trailing_space = true,
            Short('B') | Long("ignore-blank-lines") => options.ignore_blank_lines = true,
            Long("strip-trailing-cr") => options.strip_carriage_return = true,
            Short('a') | Long("text") => options.text = true,
            Short('L') | Long("label") => options.labels.push(value(&mut parser)?),
            Short('x') | Long("exclude") => options.exclude.push(value(&mut parser)?),
            Long("color") => {
                options.color = parser.optional_value().is_some_and(|when| when == "always")
            }
            Short('d' | 'p' | 't' | 'T' | 'H' | 'E')
            | Long("minimal" | "speed-large-files" | "expand-tabs" | "no-dereference") => {}
            Short('v') | Long("version") => {
                println!("diff (GNU diff compatible, Glovebox)");
                std::process::exit(0);
            }
            Value(word) => words.push(word.to_string_lossy().into_owned()),
            other => return Err(text(other.unexpected())),
        }
    }
    options.files = <[String; 2]>::try_from(words).map_err(|words| match words.len() {
        0 | 1 => "missing operand".to_owned(),
        _ => format!("extra operand '{}'", words[2]),
    })?;
    let switches = std::env::args()
        .skip(1)
        .filter(|word| word.len() > 1 && word.starts_with('-'));
    options.written = switches.map(|word| format!(" {word}")).collect();
    Ok(options)
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("invalid number '{text}'"))
}
