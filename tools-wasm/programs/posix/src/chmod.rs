//! `chmod`, and `chown` as far as one user can.

use std::fs;
use std::path::Path;

use glovebox_kit::bindings::glovebox::process::files;
use glovebox_kit::process::{absolute, message};

use crate::failure::{Failure, plain};

/// A change of mode.
pub enum Change {
    Set(u32),
    Symbolic(Vec<Clause>),
}

/// `ug+rx`.
pub struct Clause {
    who: u32,
    operator: u8,
    bits: u32,
    /// `X`: execution for directories and for what is executable by somebody.
    conditional: bool,
    /// `g=u` copies another class's bits.
    copy: Option<u32>,
}

pub fn chmod(mut options: lexopt::Parser) -> Result<u8, Failure> {
    // Modes like `-x` look like options, so these are taken apart here.
    let (mut recursive, mut verbose, mut quiet, mut words) = (false, false, false, Vec::new());
    let mut ended = false;
    for word in crate::env::rest(&mut options)? {
        match word.as_str() {
            "--" if !ended => ended = true,
            "-R" | "--recursive" if !ended => recursive = true,
            "-v" | "--verbose" | "-c" | "--changes" if !ended => verbose = true,
            "-f" | "--silent" | "--quiet" if !ended => quiet = true,
            "-Rf" | "-fR" if !ended => (recursive, quiet) = (true, true),
            "-Rv" | "-vR" if !ended => (recursive, verbose) = (true, true),
            _ if word.starts_with("--reference=") && !ended => {
                let file = absolute(&word["--reference=".len()..]);
                let mode = files::mode(&file, true)
                    .map_err(|errno| Failure::new(1, format!("{file}: {}", message(errno))))?;
                words.insert(0, format!("{mode:o}"));
            }
            _ => words.push(word),
        }
    }
    if words.len() < 2 {
        return Err(Failure::new(1, "missing operand"));
    }
    let mode = words.remove(0);
    let change = parse(&mode).ok_or_else(|| Failure::new(1, format!("invalid mode: ‘{mode}’")))?;
    let mut code = 0;
    for word in &words {
        if !apply(Path::new(word), &change, recursive, verbose, quiet) {
            code = 1;
        }
    }
    Ok(code)
}

/// There is one user: naming it changes nothing, naming another is refused.
pub fn chown(mut options: lexopt::Parser) -> Result<u8, Failure> {
    let words = crate::env::rest(&mut options)?;
    let mut words = words.iter().filter(|word| !word.starts_with('-'));
    let owner = words
        .next()
        .ok_or_else(|| Failure::new(1, "missing operand"))?;
    let ours = owner
        .split([':', '.'])
        .all(|part| matches!(part, "" | "agent" | "1000"));
    let mut code = 0;
    for word in words {
        if let Err(error) = fs::symlink_metadata(word) {
            eprintln!("chown: cannot access '{word}': {}", plain(&error));
            code = 1;
        } else if !ours {
            eprintln!("chown: changing ownership of '{word}': Operation not permitted");
            code = 1;
        }
    }
    Ok(code)
}

fn apply(path: &Path, change: &Change, recursive: bool, verbose: bool, quiet: bool) -> bool {
    let shown = path.display();
    let data = match fs::metadata(path) {
        Ok(data) => data,
        Err(error) => {
            if !quiet {
                eprintln!("chmod: cannot access '{shown}': {}", plain(&error));
            }
            return false;
        }
    };
    let absolute = absolute(&path.to_string_lossy());
    let old = crate::files::mode(path, &data, true);
    let new = change.of(old, data.is_dir());
    let mut fine = true;
    if let Err(errno) = files::set_mode(&absolute, new) {
        if !quiet {
            eprintln!(
                "chmod: changing permissions of '{shown}': {}",
                message(errno)
            );
        }
        fine = false;
    } else if verbose && old != new {
        println!("mode of '{shown}' changed from {old:04o} to {new:04o}");
    }
    if recursive && data.is_dir() {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            if !entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                fine &= apply(&entry.path(), change, recursive, verbose, quiet);
            }
        }
    }
    fine
}

/// An octal or a symbolic mode.
pub fn parse(text: &str) -> Option<Change> {
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        return u32::from_str_radix(text, 8)
            .ok()
            .filter(|mode| *mode <= 0o7777)
            .map(Change::Set);
    }
    let mut clauses = Vec::new();
    for clause in text.split(',') {
        let at = clause.find(['+', '-', '='])?;
        let mut who = 0;
        for letter in clause[..at].chars() {
            who |= match letter {
                'u' => 0o4700,
                'g' => 0o2070,
                'o' => 0o1007,
                'a' => 0o7777,
                _ => return None,
            };
        }
        // Nobody named: everybody, less the umask.
        let who = if who == 0 {
            0o7777 & !files::umask()
        } else {
            who
        };
        let mut rest = &clause[at..];
        while let Some(operator) = rest.bytes().next() {
            let end = rest[1..]
                .find(['+', '-', '='])
                .map_or(rest.len(), |end| end + 1);
            let (mut bits, mut conditional, mut copy) = (0, false, None);
            for letter in rest[1..end].chars() {
                match letter {
                    'r' => bits |= 0o444,
                    'w' => bits |= 0o222,
                    'x' => bits |= 0o111,
                    'X' => conditional = true,
                    's' => bits |= 0o6000,
                    't' => bits |= 0o1000,
                    'u' => copy = Some(6),
                    'g' => copy = Some(3),
                    'o' => copy = Some(0),
                    _ => return None,
                }
            }
            clauses.push(Clause {
                who,
                operator,
                bits,
                conditional,
                copy,
            });
            rest = &rest[end..];
        }
    }
    Some(Change::Symbolic(clauses))
}

impl Change {
    /// The new mode of a file that has `old`.
    pub fn of(&self, old: u32, directory: bool) -> u32 {
        let clauses = match self {
            Change::Set(mode) => return *mode,
            Change::Symbolic(clauses) => clauses,
        };
        clauses.iter().fold(old, |mode, clause| {
            let mut bits = clause.bits;
            if clause.conditional && (directory || mode & 0o111 != 0) {
                bits |= 0o111;
            }
            if let Some(shift) = clause.copy {
                bits |= (mode >> shift & 7) * 0o111;
            }
            let bits = bits & clause.who;
            match clause.operator {
                b'+' => mode | bits,
                b'-' => mode & !bits,
                _ => mode & !(clause.who & 0o777) | bits,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbolic_modes_are_those_of_chmod() {
        for (text, old, directory, new) in [
            ("755", 0o644, false, 0o755),
            ("u+x", 0o644, false, 0o744),
            ("a+x", 0o644, false, 0o755),
            ("go-rwx", 0o755, false, 0o700),
            ("u=rw,go=r", 0o777, false, 0o644),
            ("a+X", 0o644, false, 0o644),
            ("a+X", 0o644, true, 0o755),
            ("g=u", 0o740, false, 0o770),
        ] {
            let change = parse(text).expect("a valid mode");
            assert_eq!(change.of(old, directory), new, "{text} on {old:o}");
        }
        assert!(parse("u+q").is_none() && parse("999").is_none());
    }
}
