//! `cat`: that of uutils asks a file for its type and refuses what WASI has no name for, as pipes and `/dev/null`.

use std::io::{self, Read, Write};

use lexopt::prelude::*;

use crate::failure::{Failure, plain};

/// How lines are shown.
#[derive(Default)]
struct Style {
    number_all: bool,
    number_filled: bool,
    squeeze_blank: bool,
    show_ends: bool,
    show_tabs: bool,
    show_nonprinting: bool,
}

impl Style {
    fn is_plain(&self) -> bool {
        !(self.number_all
            || self.number_filled
            || self.squeeze_blank
            || self.show_ends
            || self.show_tabs
            || self.show_nonprinting)
    }
}

/// Where the output stands; it goes on from one file to the next.
struct Lines {
    number: u64,
    at_start: bool,
    blank_before: bool,
}

pub fn cat(mut options: lexopt::Parser) -> Result<u8, Failure> {
    let (mut style, mut files) = (Style::default(), Vec::new());
    while let Some(option) = options.next()? {
        match option {
            Short('n') | Long("number") => style.number_all = true,
            Short('b') | Long("number-nonblank") => style.number_filled = true,
            Short('s') | Long("squeeze-blank") => style.squeeze_blank = true,
            Short('E') | Long("show-ends") => style.show_ends = true,
            Short('T') | Long("show-tabs") => style.show_tabs = true,
            Short('v') | Long("show-nonprinting") => style.show_nonprinting = true,
            Short('e') => (style.show_nonprinting, style.show_ends) = (true, true),
            Short('t') => (style.show_nonprinting, style.show_tabs) = (true, true),
            Short('A') | Long("show-all") => {
                (style.show_nonprinting, style.show_ends, style.show_tabs) = (true, true, true);
            }
            Short('u') => {}
            Value(file) => files.push(file),
            other => return Err(other.unexpected().into()),
        }
    }
    if files.is_empty() {
        files.push("-".into());
    }
    let mut out = io::stdout().lock();
    let mut lines = Lines {
        number: 0,
        at_start: true,
        blank_before: false,
    };
    let mut code = 0;
    for file in files {
        let copied = if file == "-" {
            copy(&mut io::stdin().lock(), &mut out, &style, &mut lines)
        } else {
            open(&file).and_then(|mut source| copy(&mut source, &mut out, &style, &mut lines))
        };
        if let Err(error) = copied {
            if error.kind() == io::ErrorKind::BrokenPipe {
                return Err(error.into());
            }
            out.flush()?;
            eprintln!("cat: {}: {}", file.to_string_lossy(), plain(&error));
            code = 1;
        }
    }
    out.flush()?;
    Ok(code)
}

fn open(path: &std::ffi::OsStr) -> io::Result<std::fs::File> {
    if std::fs::metadata(path)?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    std::fs::File::open(path)
}

fn copy(
    source: &mut impl Read,
    out: &mut impl Write,
    style: &Style,
    lines: &mut Lines,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = source.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        if style.is_plain() {
            out.write_all(&buffer[..read])?;
        } else {
            let mut shown = Vec::with_capacity(read * 2);
            buffer[..read]
                .iter()
                .for_each(|byte| show(*byte, style, lines, &mut shown));
            out.write_all(&shown)?;
        }
        // What was read from a pipe is shown at once, not when there is more.
        out.flush()?;
    }
}

fn show(byte: u8, style: &Style, lines: &mut Lines, out: &mut Vec<u8>) {
    if lines.at_start {
        let blank = byte == b'\n';
        if blank && lines.blank_before && style.squeeze_blank {
            return;
        }
        lines.blank_before = blank;
        if if style.number_filled {
            !blank
        } else {
            style.number_all
        } {
            lines.number += 1;
            out.extend_from_slice(format!("{:6}\t", lines.number).as_bytes());
        }
    }
    lines.at_start = byte == b'\n';
    match byte {
        b'\n' => {
            if style.show_ends {
                out.push(b'$');
            }
            out.push(b'\n');
        }
        b'\t' if style.show_tabs => out.extend_from_slice(b"^I"),
        b'\t' => out.push(b'\t'),
        _ if style.show_nonprinting => nonprinting(byte, out),
        _ => out.push(byte),
    }
}

/// `^X` for control characters, `M-` before what has the high bit set.
fn nonprinting(byte: u8, out: &mut Vec<u8>) {
    let low = if byte >= 0x80 {
        out.extend_from_slice(b"M-");
        byte & 0x7f
    } else {
        byte
    };
    match low {
        0x7f => out.extend_from_slice(b"^?"),
        0..0x20 => out.extend_from_slice(&[b'^', low + 0x40]),
        _ => out.push(low),
    }
}
