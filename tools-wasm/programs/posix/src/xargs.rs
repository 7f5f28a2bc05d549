//! `xargs`.

use std::collections::VecDeque;
use std::io::{BufRead as _, Read as _, Write as _};

use glovebox_kit::process::{Child, Command};
use lexopt::prelude::*;

use crate::env::rest;
use crate::failure::Failure;

/// GNU's default limit of a command line.
const COMMAND_BYTES_MAX: usize = 128 * 1024;
/// Some command failed with 1 to 125.
const SOME_FAILED: u8 = 123;
/// A command failed with 255, or was killed.
const STOPPED: u8 = 124;
const KILLED: u8 = 125;

struct Xargs {
    command: Vec<String>,
    /// `-I`: the text to replace by each line.
    replace: Option<String>,
    words_max: usize,
    lines_max: Option<usize>,
    bytes_max: usize,
    parallel: usize,
    skip_empty: bool,
    trace: bool,
    /// `-a FILE`: the commands then keep our standard input.
    input: Option<String>,
    running: VecDeque<Child>,
    status: u8,
}

enum Separator {
    Byte(u8),
    Lines,
    Words,
}

pub fn xargs(mut options: lexopt::Parser) -> Result<u8, Failure> {
    let mut xargs = Xargs {
        command: Vec::new(),
        replace: None,
        words_max: usize::MAX,
        lines_max: None,
        bytes_max: COMMAND_BYTES_MAX,
        parallel: 1,
        skip_empty: false,
        trace: false,
        input: None,
        running: VecDeque::new(),
        status: 0,
    };
    let mut separator = Separator::Words;
    while let Some(option) = options.next()? {
        match option {
            Short('0') | Long("null") => separator = Separator::Byte(0),
            Short('d') | Long("delimiter") => {
                let text = crate::stat::unescape(&options.value()?.to_string_lossy());
                separator = Separator::Byte(text.bytes().next().unwrap_or(0));
            }
            Short('I') => xargs.replace = Some(options.value()?.to_string_lossy().into_owned()),
            Short('i') | Long("replace") => {
                xargs.replace = Some(
                    options
                        .optional_value()
                        .map_or("{}".into(), |text| text.to_string_lossy().into_owned()),
                );
            }
            Short('n') | Long("max-args") => xargs.words_max = options.value()?.parse()?,
            Short('L') | Long("max-lines") => xargs.lines_max = Some(options.value()?.parse()?),
            Short('s') | Long("max-chars") => xargs.bytes_max = options.value()?.parse()?,
            // Output goes out as it comes; 0 means as many as possible.
            Short('P') | Long("max-procs") => xargs.parallel = options.value()?.parse()?,
            Short('r') | Long("no-run-if-empty") => xargs.skip_empty = true,
            Short('t') | Long("verbose") => xargs.trace = true,
            Short('a') | Long("arg-file") => {
                xargs.input = Some(options.value()?.to_string_lossy().into_owned())
            }
            Short('E') | Short('x') | Long("exit") | Short('o') | Long("open-tty") => {}
            Value(program) => {
                xargs.command.push(program.to_string_lossy().into_owned());
                xargs.command.extend(rest(&mut options)?);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    if xargs.command.is_empty() {
        xargs.command.push("echo".into());
    }
    if xargs.parallel == 0 {
        xargs.parallel = 16;
    }
    if xargs.replace.is_some() && matches!(separator, Separator::Words) {
        separator = Separator::Lines;
    }
    xargs.run(&separator)
}

impl Xargs {
    fn run(mut self, separator: &Separator) -> Result<u8, Failure> {
        let mut batch: Vec<String> = Vec::new();
        let (mut bytes, mut lines, mut ran) = (0, 0, false);
        let fixed = self
            .command
            .iter()
            .map(|word| word.len() + 1)
            .sum::<usize>();
        let mut items = self.items(separator)?;
        while let Some((item, ends_line)) = items.next()? {
            if self.replace.is_some() {
                if matches!(separator, Separator::Lines) && item.is_empty() {
                    continue;
                }
                ran = true;
                if !self.start(std::slice::from_ref(&item))? {
                    break;
                }
                continue;
            }
            if !batch.is_empty()
                && (batch.len() >= self.words_max
                    || fixed + bytes + item.len() + 1 > self.bytes_max)
            {
                ran = true;
                if !self.start(&std::mem::take(&mut batch))? {
                    break;
                }
                (bytes, lines) = (0, 0);
            }
            bytes += item.len() + 1;
            batch.push(item);
            lines += usize::from(ends_line);
            if self.lines_max.is_some_and(|max| lines >= max) {
                ran = true;
                if !self.start(&std::mem::take(&mut batch))? {
                    break;
                }
                (bytes, lines) = (0, 0);
            }
        }
        let stopped = self.status >= STOPPED;
        if !stopped && (!batch.is_empty() || (!ran && !self.skip_empty && self.replace.is_none())) {
            self.start(&batch)?;
        }
        while let Some(child) = self.running.pop_front() {
            let code = child.wait();
            self.note(code);
        }
        Ok(self.status)
    }

    /// Starts the command with these words; false when xargs has to stop.
    fn start(&mut self, words: &[String]) -> Result<bool, Failure> {
        let arguments: Vec<String> = match &self.replace {
            Some(mark) => self
                .command
                .iter()
                .map(|word| word.replace(mark.as_str(), &words[0]))
                .collect(),
            None => self.command.iter().chain(words).cloned().collect(),
        };
        if self.trace {
            eprintln!("{}", arguments.join(" "));
        }
        while self.running.len() >= self.parallel {
            let Some(child) = self.running.pop_front() else {
                break;
            };
            let code = child.wait();
            self.note(code);
            if self.status >= STOPPED {
                return Ok(false);
            }
        }
        let mut command = Command::new(&arguments[0]).args(&arguments[1..]);
        if self.input.is_none() {
            // The list is ours: a command that reads gets nothing.
            command = command.no_input();
        }
        let child = command.spawn().map_err(|error| {
            Failure::new(error.exit_status(), format!("{}: {error}", arguments[0]))
        })?;
        if self.parallel > 1 {
            self.running.push_back(child);
        } else {
            let code = child.wait();
            self.note(code);
        }
        Ok(self.status < STOPPED)
    }

    fn note(&mut self, code: u8) {
        let _ = std::io::stdout().flush();
        self.status = match code {
            0 => self.status,
            255 => {
                eprintln!(
                    "xargs: {}: exited with status 255; aborting",
                    self.command[0]
                );
                STOPPED
            }
            128.. => {
                eprintln!(
                    "xargs: {}: terminated by signal {}",
                    self.command[0],
                    code - 128
                );
                KILLED
            }
            _ => self.status.max(SOME_FAILED),
        };
    }

    fn items(&self, separator: &Separator) -> Result<Items, Failure> {
        let source: Box<dyn std::io::BufRead> = match &self.input {
            Some(file) => {
                let opened = std::fs::File::open(file);
                let opened = opened.map_err(|error| {
                    Failure::new(
                        1,
                        format!("cannot open ‘{file}’: {}", crate::failure::plain(&error)),
                    )
                })?;
                Box::new(std::io::BufReader::new(opened))
            }
            None => Box::new(std::io::stdin().lock()),
        };
        let until = match separator {
            Separator::Byte(byte) => Some(*byte),
            Separator::Lines => Some(b'\n'),
            Separator::Words => None,
        };
        Ok(Items {
            source,
            until,
            trim: matches!(separator, Separator::Lines),
        })
    }
}

/// The input's items, read as they come.
struct Items {
    source: Box<dyn std::io::BufRead>,
    until: Option<u8>,
    trim: bool,
}

impl Items {
    /// The next item and whether its line ends with it.
    fn next(&mut self) -> Result<Option<(String, bool)>, Failure> {
        let Some(until) = self.until else {
            return self.next_word();
        };
        let mut bytes = Vec::new();
        if self.source.read_until(until, &mut bytes)? == 0 {
            return Ok(None);
        }
        if bytes.last() == Some(&until) {
            bytes.pop();
        }
        let item = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Some((
            if self.trim {
                item.trim_start().to_owned()
            } else {
                item
            },
            true,
        )))
    }

    /// Words as xargs splits them: blanks, quotes without escapes inside, backslashes outside.
    fn next_word(&mut self) -> Result<Option<(String, bool)>, Failure> {
        let (mut word, mut started, mut quote) = (Vec::new(), false, None);
        loop {
            let mut byte = [0];
            if self.source.read(&mut byte)? == 0 {
                if quote.is_some() {
                    return Err(Failure::new(
                        1,
                        "unmatched quote; by default quotes are special to xargs unless you use the -0 option",
                    ));
                }
                return Ok(started.then(|| (String::from_utf8_lossy(&word).into_owned(), true)));
            }
            match (byte[0], quote) {
                (byte, Some(open)) if byte == open => quote = None,
                (b'\n', Some(_)) => {
                    return Err(Failure::new(
                        1,
                        "unmatched quote; by default quotes are special to xargs unless you use the -0 option",
                    ));
                }
                (byte, Some(_)) => word.push(byte),
                (byte @ (b'"' | b'\''), None) => (quote, started) = (Some(byte), true),
                (b'\\', None) => {
                    let mut next = [0];
                    if self.source.read(&mut next)? > 0 {
                        word.push(next[0]);
                    }
                    started = true;
                }
                (byte @ (b' ' | b'\t' | b'\n'), None) => {
                    if started {
                        return Ok(Some((
                            String::from_utf8_lossy(&word).into_owned(),
                            byte == b'\n',
                        )));
                    }
                }
                (byte, None) => {
                    word.push(byte);
                    started = true;
                }
            }
        }
    }
}
