//! The command line, as GNU's `getopt_long` takes it: long options may be shortened.

use std::io::IsTerminal as _;

use lexopt::prelude::*;

use super::SERIOUS;
use super::choices::Choices;
use super::options::{Flavour, Options};
use crate::failure::Failure;

pub(super) enum Request {
    List(Box<Options>, Vec<String>),
    Help,
    Version,
}

/// Long options, and the short one or the name under which `Choices` knows each.
const LONG: &[(&str, &str)] = &[
    ("all", "a"),
    ("almost-all", "A"),
    ("author", "author"),
    ("block-size", "block-size"),
    ("classify", "classify"),
    ("color", "color"),
    ("dereference", "L"),
    ("dereference-command-line", "H"),
    (
        "dereference-command-line-symlink-to-dir",
        "follow-directories",
    ),
    ("directory", "d"),
    ("escape", "b"),
    ("file-type", "file-type"),
    ("format", "format"),
    ("full-time", "full-time"),
    ("group-directories-first", "group-directories-first"),
    ("help", "help"),
    ("hide", "hide"),
    ("hide-control-chars", "q"),
    ("human-readable", "h"),
    ("ignore", "I"),
    ("ignore-backups", "B"),
    ("indicator-style", "indicator-style"),
    ("inode", "i"),
    ("kibibytes", "k"),
    ("literal", "N"),
    ("no-group", "G"),
    ("numeric-uid-gid", "n"),
    ("quote-name", "Q"),
    ("quoting-style", "quoting-style"),
    ("recursive", "R"),
    ("reverse", "r"),
    ("show-control-chars", "show-control-chars"),
    ("si", "si"),
    ("size", "s"),
    ("sort", "sort"),
    ("tabsize", "T"),
    ("time", "time"),
    ("time-style", "time-style"),
    ("version", "version"),
    ("width", "w"),
    ("zero", "zero"),
];

pub(super) fn request(mut parser: lexopt::Parser, flavour: Flavour) -> Result<Request, Failure> {
    let program = flavour.name();
    let terminal = std::io::stdout().is_terminal();
    let mut choices = Choices::new(flavour);
    let mut operands = Vec::new();
    loop {
        let next = parser.next();
        let Some(option) = next.map_err(|error| wrong(program, &error))? else {
            break;
        };
        let name = match option {
            Value(operand) => {
                operands.push(operand.to_string_lossy().into_owned());
                continue;
            }
            Short(letter) => letter.to_string(),
            Long(name) => long(program, name)?.to_owned(),
        };
        match name.as_str() {
            "help" => return Ok(Request::Help),
            "version" => return Ok(Request::Version),
            _ => choices.take(program, &name, &mut parser, terminal)?,
        }
    }
    if operands.is_empty() {
        operands.push(".".to_owned());
    }
    Ok(Request::List(
        Box::new(choices.options(program, terminal)?),
        operands,
    ))
}

/// What the long option `name`, or what it begins, is known as.
fn long(program: &str, name: &str) -> Result<&'static str, Failure> {
    if let Some((_, known)) = LONG.iter().find(|(long, _)| *long == name) {
        return Ok(known);
    }
    let found: Vec<_> = LONG
        .iter()
        .filter(|(long, _)| long.starts_with(name))
        .collect();
    match found[..] {
        [(_, known)] => Ok(known),
        [] => Err(usage(program, &format!("unrecognized option '--{name}'"))),
        _ => {
            let mut message = format!("option '--{name}' is ambiguous; possibilities:");
            for (long, _) in found {
                message += &format!(" '--{long}'");
            }
            Err(usage(program, &message))
        }
    }
}

/// The parser's errors in `getopt_long`'s words.
fn wrong(program: &str, error: &lexopt::Error) -> Failure {
    let message = match error {
        lexopt::Error::MissingValue {
            option: Some(option),
        } => match option.strip_prefix("--") {
            Some(_) => format!("option '{option}' requires an argument"),
            None => format!(
                "option requires an argument -- '{}'",
                option.trim_start_matches('-')
            ),
        },
        lexopt::Error::UnexpectedValue { option, .. } => {
            format!("option '{option}' doesn't allow an argument")
        }
        other => other.to_string(),
    };
    usage(program, &message)
}

/// The argument of an option that needs one.
pub(super) fn value(program: &str, parser: &mut lexopt::Parser) -> Result<String, Failure> {
    let value = parser.value();
    let value = value.map_err(|error| wrong(program, &error))?;
    Ok(value.to_string_lossy().into_owned())
}

/// Wrong usage.
pub(super) fn usage(program: &str, message: &str) -> Failure {
    Failure::new(
        SERIOUS,
        format!("{message}\nTry '{program} --help' for more information."),
    )
}
