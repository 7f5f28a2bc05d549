//! `cmp`.

use lexopt::prelude::*;

use crate::load;

pub(crate) fn run(mut options: lexopt::Parser) -> Result<u8, String> {
    let (mut silent, mut list, mut show, mut limit, mut words) =
        (false, false, false, usize::MAX, Vec::new());
    let text = |error: lexopt::Error| error.to_string();
    while let Some(option) = options.next().map_err(text)? {
        match option {
            Short('s') | Long("silent" | "quiet") => silent = true,
            Short('l') | Long("verbose") => list = true,
            Short('b') | Long("print-bytes") => show = true,
            Short('n') | Long("bytes") => {
                limit = options
                    .value()
                    .and_then(|value| value.parse())
                    .map_err(text)?
            }
            Value(word) => words.push(word.to_string_lossy().into_owned()),
            other => return Err(text(other.unexpected())),
        }
    }
    let (Some(first), second) = (words.first(), words.get(1).map_or("-", String::as_str)) else {
        return Err("missing operand".into());
    };
    let (one, other) = (load(first)?, load(second)?);
    let (one, other) = (
        &one[..one.len().min(limit)],
        &other[..other.len().min(limit)],
    );
    let mut differ = one
        .iter()
        .zip(other)
        .enumerate()
        .filter(|(_, (one, other))| one != other)
        .peekable();
    if list {
        let mut code = 0;
        for (at, (one, other)) in differ {
            println!("{} {one:3o} {other:3o}", at + 1);
            code = 1;
        }
        return Ok(code);
    }
    if let Some((at, (left, right))) = differ.next() {
        if !silent {
            let line = one[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
            let bytes = if show {
                format!(
                    " is {left:3o} {} {right:3o} {}",
                    printable(*left),
                    printable(*right)
                )
            } else {
                String::new()
            };
            println!(
                "{first} {second} differ: byte {}, line {line}{bytes}",
                at + 1
            );
        }
        return Ok(1);
    }
    if one.len() != other.len() {
        if !silent {
            let (shorter, bytes) = if one.len() < other.len() {
                (first.as_str(), one.len())
            } else {
                (second, other.len())
            };
            eprintln!("cmp: EOF on {shorter} after byte {bytes}");
        }
        return Ok(1);
    }
    Ok(0)
}

fn printable(byte: u8) -> char {
    if byte.is_ascii_graphic() {
        byte as char
    } else {
        '.'
    }
}
