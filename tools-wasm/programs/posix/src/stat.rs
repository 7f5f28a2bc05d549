//! `stat`.

use std::fmt::Write as _;
use std::path::Path;

use jiff::Timestamp;
use lexopt::prelude::*;

use crate::failure::{Failure, plain};
use crate::files::{Facts, USER, USER_ID, facts, mode_text};

const BLOCK_BYTES: u64 = 512;

pub fn stat(mut options: lexopt::Parser) -> Result<u8, Failure> {
    let (mut follow, mut format, mut newline, mut terse, mut files) =
        (false, None, true, false, Vec::new());
    while let Some(option) = options.next()? {
        match option {
            Short('L') | Long("dereference") => follow = true,
            Short('c') | Long("format") => {
                format = Some(options.value()?.to_string_lossy().into_owned())
            }
            Long("printf") => {
                format = Some(unescape(&options.value()?.to_string_lossy()));
                newline = false;
            }
            Short('t') | Long("terse") => terse = true,
            Value(file) => files.push(file),
            other => return Err(other.unexpected().into()),
        }
    }
    if files.is_empty() {
        return Err(Failure::new(1, "missing operand"));
    }
    let mut code = 0;
    for file in files {
        let path = Path::new(&file);
        match facts(path, follow) {
            Ok(facts) => match &format {
                Some(format) => print!(
                    "{}{}",
                    formatted(format, path, &facts),
                    if newline { "\n" } else { "" }
                ),
                None if terse => println!(
                    "{}",
                    formatted(
                        "%n %s %b %f %u %g %D %i %h %t %T %X %Y %Z %W %o",
                        path,
                        &facts
                    )
                ),
                None => print_all(path, &facts),
            },
            Err(error) => {
                eprintln!("stat: cannot statx '{}': {}", path.display(), plain(&error));
                code = 1;
            }
        }
    }
    Ok(code)
}

fn print_all(path: &Path, facts: &Facts) {
    let target = match std::fs::read_link(path) {
        Ok(target) if facts.kind == 'l' => format!(" -> {}", target.display()),
        _ => String::new(),
    };
    println!("  File: {}{target}", path.display());
    println!(
        "{}",
        formatted(
            "  Size: %-10s\tBlocks: %-10b IO Block: %-6o %F",
            path,
            facts
        )
    );
    println!(
        "{}",
        formatted("Device: %d\tInode: %-11i Links: %h", path, facts)
    );
    println!(
        "Access: ({:04o}/{})  Uid: ({USER_ID:5}/{USER:>8})   Gid: ({USER_ID:5}/{USER:>8})",
        facts.mode,
        mode_text(facts.kind, facts.mode)
    );
    println!(
        "{}",
        formatted("Access: %x\nModify: %y\nChange: %z\n Birth: -", path, facts)
    );
}

/// GNU stat's `--format`.
fn formatted(format: &str, path: &Path, facts: &Facts) -> String {
    let mut out = String::new();
    let mut letters = format.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        let mut flags = String::new();
        while let Some(flag) = letters
            .next_if(|letter| matches!(letter, '-' | '0'..='9' | '#' | '+' | '.' | ' ' | '\''))
        {
            flags.push(flag);
        }
        let text = match letters.next() {
            Some('a') => format!("{:o}", facts.mode),
            Some('A') => mode_text(facts.kind, facts.mode),
            Some('b') => facts.allocated().div_ceil(BLOCK_BYTES).to_string(),
            Some('B') => BLOCK_BYTES.to_string(),
            Some('d') => facts.device.to_string(),
            Some('D') => format!("{:x}", facts.device),
            Some('f') => format!("{:x}", facts.mode | type_bits(facts.kind)),
            Some('F') => type_name(facts).to_owned(),
            Some('g' | 'u') => USER_ID.to_string(),
            Some('G' | 'U') => USER.to_owned(),
            Some('h') => facts.links.to_string(),
            Some('i') => facts.inode.to_string(),
            Some('m') => "/".to_owned(),
            Some('n') => path.display().to_string(),
            Some('N') => match std::fs::read_link(path) {
                Ok(target) if facts.kind == 'l' => {
                    format!("'{}' -> '{}'", path.display(), target.display())
                }
                _ => format!("'{}'", path.display()),
            },
            Some('o') => "4096".to_owned(),
            Some('s') => facts.bytes.to_string(),
            Some('t' | 'T') => "0".to_owned(),
            Some('w') => "-".to_owned(),
            Some('W') => "0".to_owned(),
            Some('x') => time(facts.accessed),
            Some('X') => facts.accessed.as_second().to_string(),
            Some('y') => time(facts.modified),
            Some('Y') => facts.modified.as_second().to_string(),
            Some('z') => time(facts.changed),
            Some('Z') => facts.changed.as_second().to_string(),
            Some('%') => "%".to_owned(),
            Some(other) => format!("%{flags}{other}"),
            None => "%".to_owned(),
        };
        let width: usize = flags
            .trim_start_matches(['-', '0', '#', '+', ' ', '\''])
            .parse()
            .unwrap_or(0);
        let _ = match flags.starts_with('-') {
            true => write!(out, "{text:<width$}"),
            false if flags.starts_with('0') => write!(out, "{text:0>width$}"),
            false => write!(out, "{text:>width$}"),
        };
    }
    out
}

fn time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S.%9f +0000").to_string()
}

fn type_bits(kind: char) -> u32 {
    match kind {
        'd' => 0o040_000,
        'l' => 0o120_000,
        'f' => 0o100_000,
        _ => 0o020_000,
    }
}

fn type_name(facts: &Facts) -> &'static str {
    match facts.kind {
        'd' => "directory",
        'l' => "symbolic link",
        'f' if facts.bytes == 0 => "regular empty file",
        'f' => "regular file",
        _ => "character special file",
    }
}

/// `\n`, `\t`, `\0`, `\033` and the like.
pub fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            out.push(letter);
            continue;
        }
        match letters.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('a') => out.push('\x07'),
            Some('b') => out.push('\x08'),
            Some('f') => out.push('\x0c'),
            Some('v') => out.push('\x0b'),
            Some('\\') => out.push('\\'),
            Some('"') => out.push('"'),
            Some(digit @ '0'..='7') => {
                let mut value = digit.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(next) = letters.peek().and_then(|letter| letter.to_digit(8)) else {
                        break;
                    };
                    value = value * 8 + next;
                    letters.next();
                }
                out.push(char::from_u32(value).unwrap_or('\0'));
            }
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}
