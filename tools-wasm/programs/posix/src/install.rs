//! `install`: copies, makes folders, sets modes.

use std::fs;
use std::path::{Path, PathBuf};

use glovebox_kit::bindings::glovebox::process::files;
use glovebox_kit::process::{absolute, message};
use lexopt::prelude::*;

use crate::chmod;
use crate::failure::{Failure, plain};

pub fn install(mut options: lexopt::Parser) -> Result<u8, Failure> {
    let (mut folders, mut parents, mut verbose, mut target, mut mode, mut words) =
        (false, false, false, None, 0o755, Vec::new());
    while let Some(option) = options.next()? {
        match option {
            Short('d') | Long("directory") => folders = true,
            Short('D') => parents = true,
            Short('v') | Long("verbose") => verbose = true,
            Short('t') | Long("target-directory") => target = Some(PathBuf::from(options.value()?)),
            Short('m') | Long("mode") => {
                let text = options.value()?.to_string_lossy().into_owned();
                mode = chmod::parse(&text)
                    .ok_or_else(|| Failure::new(1, format!("invalid mode ‘{text}’")))?
                    .of(0, false);
            }
            Short('o' | 'g') | Long("owner" | "group") => drop(options.value()?),
            Short('p' | 'c' | 's' | 'C' | 'T') => {}
            Value(word) => words.push(PathBuf::from(word)),
            other => return Err(other.unexpected().into()),
        }
    }
    if folders {
        for folder in &words {
            fs::create_dir_all(folder).map_err(|error| {
                Failure::new(
                    1,
                    format!(
                        "cannot create directory '{}': {}",
                        folder.display(),
                        plain(&error)
                    ),
                )
            })?;
            set_mode(folder, mode)?;
        }
        return Ok(0);
    }
    let target = match target.or_else(|| if words.len() > 1 { words.pop() } else { None }) {
        Some(target) if !words.is_empty() => target,
        _ => return Err(Failure::new(1, "missing file operand")),
    };
    let into = words.len() > 1 || target.is_dir();
    if parents {
        let folder = if into {
            Some(target.as_path())
        } else {
            target.parent()
        };
        if let Some(folder) = folder {
            fs::create_dir_all(folder)?;
        }
    }
    for source in &words {
        let file = if into {
            target.join(source.file_name().unwrap_or_default())
        } else {
            target.clone()
        };
        fs::copy(source, &file).map_err(|error| {
            Failure::new(
                1,
                format!(
                    "cannot install '{}' to '{}': {}",
                    source.display(),
                    file.display(),
                    plain(&error)
                ),
            )
        })?;
        set_mode(&file, mode)?;
        if verbose {
            println!("'{}' -> '{}'", source.display(), file.display());
        }
    }
    Ok(0)
}

fn set_mode(file: &Path, mode: u32) -> Result<(), Failure> {
    files::set_mode(&absolute(&file.to_string_lossy()), mode).map_err(|errno| {
        Failure::new(
            1,
            format!(
                "cannot change permissions of '{}': {}",
                file.display(),
                message(errno)
            ),
        )
    })
}
