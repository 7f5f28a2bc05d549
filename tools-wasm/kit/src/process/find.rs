//! From what the user wrote to what the kernel starts: PATH and the first line of scripts.

use std::fs;
use std::io::Read as _;

use crate::bindings::glovebox::process::types::Errno;
use crate::bindings::glovebox::process::{files, process};

/// An interpreter may itself be a script, but not for ever.
const DEPTH_MAX: u32 = 4;
/// What Linux reads of a first line.
const FIRST_LINE_BYTES_MAX: u64 = 256;

/// The program to spawn and its `argv`.
pub(super) fn program(
    name: &str,
    arguments: &[String],
    path: &str,
) -> Result<(String, Vec<String>), Errno> {
    let mut name = name.to_owned();
    let mut arguments = arguments.to_vec();
    for _ in 0..DEPTH_MAX {
        let file = match locate(&name, path)? {
            Found::Program(program) => return Ok((program, arguments)),
            Found::File(file) => file,
        };
        let Some(interpreter) = interpreter(&file)? else {
            return Ok((file, arguments));
        };
        // As execve does: the interpreter, its one argument, the script's path, the rest.
        let written = if name.contains('/') { name } else { file };
        arguments.splice(0..1, interpreter.iter().cloned().chain([written]));
        name = interpreter.into_iter().next().unwrap_or_default();
    }
    Err(Errno::Loop)
}

enum Found {
    /// A name in the kernel's table.
    Program(String),
    /// A path in the sandbox.
    File(String),
}

fn locate(name: &str, path: &str) -> Result<Found, Errno> {
    let program = |name: &str| process::which(name).map(|_| Found::Program(name.to_owned()));
    if name.is_empty() {
        return Err(Errno::NoEntry);
    }
    if name.contains('/') {
        let file = super::absolute(name);
        // `/bin/sh`, `/usr/bin/env`, `/usr/bin/python3` in scripts from elsewhere.
        let standard = ["/bin/", "/usr/bin/", "/usr/local/bin/"]
            .iter()
            .find_map(|folder| file.strip_prefix(folder));
        return Ok(standard.and_then(program).unwrap_or(Found::File(file)));
    }
    for folder in path.split(':').filter(|folder| folder.starts_with('/')) {
        if matches!(folder, "/bin" | "/usr/bin")
            && let Some(found) = program(name)
        {
            return Ok(found);
        }
        let file = format!("{}/{name}", folder.trim_end_matches('/'));
        if fs::metadata(&file).is_ok_and(|data| data.is_file()) && executable(&file) {
            return Ok(Found::File(file));
        }
    }
    program(name).ok_or(Errno::NoEntry)
}

fn executable(file: &str) -> bool {
    files::mode(file, true).is_ok_and(|mode| mode & 0o111 != 0)
}

/// The interpreter (and its argument) that a script asks for; none for a component, which the kernel starts itself.
fn interpreter(file: &str) -> Result<Option<Vec<String>>, Errno> {
    let data = fs::metadata(file).map_err(|_| Errno::NoEntry)?;
    if data.is_dir() || !executable(file) {
        return Err(Errno::Access);
    }
    let mut start = Vec::new();
    let opened = fs::File::open(file).map_err(|_| Errno::Access)?;
    opened
        .take(FIRST_LINE_BYTES_MAX)
        .read_to_end(&mut start)
        .map_err(|_| Errno::Io)?;
    if start.starts_with(b"\0asm") {
        return Ok(None);
    }
    let Some(line) = start.strip_prefix(b"#!") else {
        // POSIX: a text file that the kernel does not know is a shell script.
        return if start.contains(&0) {
            Err(Errno::NotExecutable)
        } else {
            Ok(Some(vec!["/bin/sh".into()]))
        };
    };
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let (program, argument) = line
        .trim()
        .split_once([' ', '\t'])
        .unwrap_or((line.trim(), ""));
    if program.is_empty() {
        return Err(Errno::NotExecutable);
    }
    let argument = argument.trim();
    Ok(Some(
        [program, argument]
            .iter()
            .filter(|part| !part.is_empty())
            .map(|part| (*part).to_owned())
            .collect(),
    ))
}
