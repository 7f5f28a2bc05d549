//! jq's options.

use std::ffi::OsString;
use std::fs;

use jaq_json::{Val, read};
use lexopt::prelude::*;

use crate::{Failure, USAGE};

#[derive(Default)]
pub(crate) struct Options {
    pub(crate) filter: String,
    pub(crate) files: Vec<String>,
    pub(crate) null_input: bool,
    pub(crate) raw_input: bool,
    pub(crate) slurp: bool,
    pub(crate) raw_output: bool,
    /// The byte after each output.
    pub(crate) end: Option<u8>,
    pub(crate) indent: Option<String>,
    pub(crate) sort_keys: bool,
    pub(crate) color: bool,
    pub(crate) unbuffered: bool,
    pub(crate) exit_status: bool,
    /// `$name` and its value.
    pub(crate) variables: Vec<(String, Val)>,
    pub(crate) positional: Vec<Val>,
}

fn usage(message: impl std::fmt::Display) -> Failure {
    Failure(USAGE, message.to_string())
}

pub(crate) fn parse(mut arguments: lexopt::Parser) -> Result<Options, Failure> {
    let mut options = Options {
        end: Some(b'\n'),
        indent: Some("  ".into()),
        ..Options::default()
    };
    let (mut words, mut from_file): (Vec<String>, Option<String>) = (Vec::new(), None);
    // After `--args` and `--jsonargs` words are arguments, once the filter is known.
    let mut positional: Option<fn(&str) -> Result<Val, Failure>> = None;
    while let Some(argument) = arguments.next().map_err(usage)? {
        match argument {
            Short('n') | Long("null-input") => options.null_input = true,
            Short('R') | Long("raw-input") => options.raw_input = true,
            Short('s') | Long("slurp") => options.slurp = true,
            Short('r') | Long("raw-output") => options.raw_output = true,
            Short('j') | Long("join-output") => (options.raw_output, options.end) = (true, None),
            Long("raw-output0") => (options.raw_output, options.end) = (true, Some(0)),
            Short('a') | Long("ascii-output") => {}
            Short('c') | Long("compact-output") => options.indent = None,
            Short('S') | Long("sort-keys") => options.sort_keys = true,
            Short('C') | Long("color-output") => options.color = true,
            Short('M') | Long("monochrome-output") => options.color = false,
            Short('e') | Long("exit-status") => options.exit_status = true,
            Long("tab") => options.indent = Some("\t".into()),
            Long("indent") => {
                let count: usize = arguments
                    .value()
                    .and_then(|value| value.parse())
                    .map_err(usage)?;
                options.indent = (count > 0).then(|| " ".repeat(count));
            }
            Long("unbuffered") => options.unbuffered = true,
            Short('f') | Long("from-file") => from_file = Some(String::new()),
            Long("arg") => {
                let (name, value) = pair(&mut arguments)?;
                options.variables.push((name, Val::utf8_str(value)));
            }
            Long("argjson") => {
                let (name, value) = pair(&mut arguments)?;
                options.variables.push((
                    name.clone(),
                    json(&value).map_err(|_| {
                        usage(format!("Invalid JSON text passed to --argjson {name}"))
                    })?,
                ));
            }
            Long("slurpfile") => {
                let (name, file) = pair(&mut arguments)?;
                let bytes = load(&file)?;
                let values = read::parse_many(&bytes)
                    .collect::<Result<Vec<_>, _>>()
                    .map_err(|error| usage(format!("{file}: {error}")))?;
                options.variables.push((name, values.into_iter().collect()));
            }
            Long("rawfile") => {
                let (name, file) = pair(&mut arguments)?;
                options.variables.push((name, Val::utf8_str(load(&file)?)));
            }
            Long("args") => positional = Some(|word| Ok(Val::utf8_str(word.to_owned()))),
            Long("jsonargs") => positional = Some(json),
            Short('V') | Long("version") => {
                println!("jq-1.7 (jaq)");
                std::process::exit(0);
            }
            Short('h') | Long("help") => {
                println!("Usage: jq [OPTIONS] FILTER [FILES...]");
                std::process::exit(0);
            }
            Value(word) => {
                let word = text(word);
                match positional {
                    Some(read) if !words.is_empty() => options.positional.push(read(&word)?),
                    _ => words.push(word),
                }
            }
            other => return Err(usage(other.unexpected())),
        }
    }
    if words.is_empty() {
        // `jq` alone, or with options only, is `jq .`.
        words.push(".".into());
    }
    let first = words.remove(0);
    options.filter = match from_file {
        Some(_) => String::from_utf8_lossy(&load(&first)?).into_owned(),
        None => first,
    };
    options.files = words;
    Ok(options)
}

fn pair(arguments: &mut lexopt::Parser) -> Result<(String, String), Failure> {
    let mut next = || arguments.value().map(text).map_err(usage);
    Ok((next()?, next()?))
}

fn text(word: OsString) -> String {
    word.to_string_lossy().into_owned()
}

fn json(word: &str) -> Result<Val, Failure> {
    read::parse_single(word.as_bytes())
        .map_err(|error| usage(format!("Invalid JSON text: {error}")))
}

fn load(file: &str) -> Result<Vec<u8>, Failure> {
    fs::read(file).map_err(|error| usage(format!("error: Could not open {file}: {error}")))
}
