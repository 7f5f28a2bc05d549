//! `tac`: that of uutils keeps its input in a temporary file of the standard library, which WASI has none of.

use std::io::{Read as _, Write as _};

use lexopt::prelude::*;

use crate::failure::{Failure, plain};

pub fn tac(mut options: lexopt::Parser) -> Result<u8, Failure> {
    let (mut separator, mut before, mut files) = (b"\n".to_vec(), false, Vec::new());
    while let Some(option) = options.next()? {
        match option {
            Short('s') | Long("separator") => {
                separator = options.value()?.into_encoded_bytes();
            }
            Short('b') | Long("before") => before = true,
            Value(file) => files.push(file),
            other => return Err(other.unexpected().into()),
        }
    }
    if separator.is_empty() {
        separator.push(0);
    }
    if files.is_empty() {
        files.push("-".into());
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut code = 0;
    for file in files {
        let read = if file == "-" {
            let mut bytes = Vec::new();
            std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
        } else {
            std::fs::read(&file)
        };
        match read {
            Ok(bytes) => {
                for piece in pieces(&bytes, &separator, before).iter().rev() {
                    out.write_all(piece)?;
                }
            }
            Err(error) => {
                let name = file.to_string_lossy();
                eprintln!(
                    "tac: failed to open '{name}' for reading: {}",
                    plain(&error)
                );
                code = 1;
            }
        }
    }
    out.flush()?;
    Ok(code)
}

/// The records, each with the separator that ends it, or with `before` the one that begins it.
fn pieces<'text>(text: &'text [u8], separator: &[u8], before: bool) -> Vec<&'text [u8]> {
    let (mut pieces, mut start, mut at) = (Vec::new(), 0, 0);
    while at + separator.len() <= text.len() {
        if &text[at..at + separator.len()] == separator {
            let end = if before { at } else { at + separator.len() };
            if end > start {
                pieces.push(&text[start..end]);
            }
            start = end;
            at += separator.len();
        } else {
            at += 1;
        }
    }
    if start < text.len() {
        pieces.push(&text[start..]);
    }
    pieces
}
