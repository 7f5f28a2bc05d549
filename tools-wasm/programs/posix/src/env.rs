//! `env` and `nohup`.

use std::collections::BTreeMap;
use std::io::Write as _;

use glovebox_kit::process::Command;
use lexopt::prelude::*;

use crate::failure::Failure;

/// What `env` itself fails with.
const TROUBLE: u8 = 125;

pub fn env(mut options: lexopt::Parser) -> Result<u8, Failure> {
    let mut environment: BTreeMap<String, String> = std::env::vars_os()
        .map(|(name, value)| {
            (
                name.to_string_lossy().into_owned(),
                value.to_string_lossy().into_owned(),
            )
        })
        .collect();
    let mut separator = '\n';
    let mut directory = None;
    let mut words: Vec<String> = Vec::new();
    let bad = |error: lexopt::Error| Failure::new(TROUBLE, error);
    while let Some(option) = options.next().map_err(bad)? {
        match option {
            Short('i') | Long("ignore-environment") => environment.clear(),
            Short('u') | Long("unset") => {
                environment.remove(&options.value().map_err(bad)?.to_string_lossy().into_owned());
            }
            Short('C') | Long("chdir") => {
                directory = Some(options.value().map_err(bad)?.to_string_lossy().into_owned())
            }
            Short('0') | Long("null") => separator = '\0',
            Short('S') | Long("split-string") => {
                let value = options.value().map_err(bad)?;
                words.extend(
                    value
                        .to_string_lossy()
                        .split_whitespace()
                        .map(str::to_owned),
                );
                words.extend(rest(&mut options)?);
                break;
            }
            Value(value) => {
                // A lone `-` means `-i`.
                if value == "-" {
                    environment.clear();
                    continue;
                }
                words.push(value.to_string_lossy().into_owned());
                words.extend(rest(&mut options)?);
                break;
            }
            other => return Err(bad(other.unexpected())),
        }
    }
    let assignments = words
        .iter()
        .take_while(|word| word.find('=').is_some_and(|at| at > 0))
        .count();
    for word in words.drain(..assignments) {
        if let Some((name, value)) = word.split_once('=') {
            environment.insert(name.to_owned(), value.to_owned());
        }
    }
    let Some((program, arguments)) = words.split_first() else {
        let mut out = std::io::stdout().lock();
        for (name, value) in environment {
            write!(out, "{name}={value}{separator}")?;
        }
        return Ok(0);
    };
    let mut command = Command::new(program)
        .args(arguments)
        .environment(environment);
    if let Some(directory) = directory {
        command = command.current_directory(&directory);
    }
    run(program, &command)
}

/// `nohup`: a session's background processes outlive the call anyway, so only the running is left.
pub fn nohup(mut options: lexopt::Parser) -> Result<u8, Failure> {
    let words = rest(&mut options)?;
    let Some((program, arguments)) = words.split_first() else {
        return Err(Failure::new(TROUBLE, "missing operand"));
    };
    run(program, &Command::new(program).args(arguments))
}

/// Runs it; a program that cannot be started gives the statuses of a shell.
pub fn run(program: &str, command: &Command) -> Result<u8, Failure> {
    command
        .status()
        .map_err(|error| Failure::new(error.exit_status(), format!("‘{program}’: {error}")))
}

/// Everything left, options of the inner command included.
pub fn rest(options: &mut lexopt::Parser) -> Result<Vec<String>, Failure> {
    Ok(options
        .raw_args()?
        .map(|word| word.to_string_lossy().into_owned())
        .collect())
}
