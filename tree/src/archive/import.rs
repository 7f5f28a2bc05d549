//! Unpacking a tar file into a tree.

use std::io::{self, Read};

use tar::{Archive, EntryType};

use crate::tree::{Create, Directory, File, Found, NewTime, NewTimes, OpenHow, Timestamp};
use crate::{Errno, valid_name};

/// No more entries are listed as passed over.
const PASSED_OVER_MAX: usize = 1000;
const BLOCK: usize = 64 << 10;

/// What was unpacked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Imported {
    /// Files, directories, symlinks and hard links.
    pub entries: u64,
    /// Bytes of files.
    pub bytes: u64,
    /// What a tree has no kind for: devices and pipes. At most a thousand are listed.
    pub passed_over: Vec<String>,
}

/// A tar file could not be unpacked. What came before in it is there.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It could not be read, or is no tar file.
    #[error("the archive could not be read")]
    Read(#[from] io::Error),
    /// A name in it is absolute, goes up, or cannot be one.
    #[error("{path}: not a path inside the archive")]
    Path {
        /// As it was given.
        path: String,
    },
    /// The tree refused.
    #[error("{path}: {errno}")]
    Refused {
        /// Path in the archive.
        path: String,
        /// Why.
        errno: Errno,
    },
}

/// Unpacks a tar file in `directory`. What is there already is replaced, directories excepted; nothing is followed.
pub fn import(directory: &Directory, archive: impl Read) -> Result<Imported, ImportError> {
    let mut imported = Imported::default();
    // Whatever comes into a directory changes its time, so these come last.
    let mut times: Vec<(Directory, Timestamp)> = Vec::new();
    for entry in Archive::new(archive).entries()? {
        let mut entry = entry?;
        let shown = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let refused = |errno| ImportError::Refused {
            path: shown.clone(),
            errno,
        };
        let kind = entry.header().entry_type();
        let names = names(&entry.path_bytes())?;
        let mode = entry.header().mode()? & 0o7777;
        let modified = modified(&mut entry)?;
        let Some((name, parents)) = names.split_last() else {
            // The directory itself.
            directory.set_mode(mode).map_err(refused)?;
            times.push((directory.clone(), modified));
            continue;
        };
        let link = |bytes: Option<std::borrow::Cow<'_, [u8]>>| {
            String::from_utf8(bytes.unwrap_or_default().into_owned())
                .map_err(|_| refused(Errno::Invalid))
        };
        match kind {
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                let parent = parent(directory, parents).map_err(refused)?;
                make_room(&parent, name).map_err(refused)?;
                let how = OpenHow {
                    write: true,
                    create: Create::Exclusively(mode),
                    truncate: false,
                    directory: false,
                };
                let Found::File(file) = parent.open(name, &how).map_err(refused)? else {
                    return Err(refused(Errno::IsDirectory));
                };
                imported.bytes += copy(&mut entry, &file).map_err(|error| match error {
                    CopyError::Read(error) => ImportError::Read(error),
                    CopyError::Write(errno) => refused(errno),
                })?;
                file.set_times(new_times(modified)).map_err(refused)?;
            }
            EntryType::Directory => {
                let parent = parent(directory, parents).map_err(refused)?;
                match parent.create_directory(name, mode) {
                    Err(Errno::Exist) => parent.set_entry_mode(name, mode).map_err(refused)?,
                    created => created.map_err(refused)?,
                }
                match parent.enter(name).map_err(refused)? {
                    Found::Directory(directory) => times.push((directory, modified)),
                    _ => return Err(refused(Errno::NotDirectory)),
                }
            }
            EntryType::Symlink => {
                let target = link(entry.link_name_bytes())?;
                let parent = parent(directory, parents).map_err(refused)?;
                make_room(&parent, name).map_err(refused)?;
                parent.symlink(name, &target).map_err(refused)?;
                parent
                    .set_entry_times(name, new_times(modified))
                    .map_err(refused)?;
            }
            EntryType::Link => {
                let target = link(entry.link_name_bytes())?;
                let target = self::names(target.as_bytes())?;
                let Some((target, target_parents)) = target.split_last() else {
                    return Err(refused(Errno::NotPermitted));
                };
                let from = parent_of_existing(directory, target_parents).map_err(refused)?;
                let parent = parent(directory, parents).map_err(refused)?;
                let same = from.stat_entry(target).map_err(refused)?.ino;
                if parent.stat_entry(name).is_ok_and(|stat| stat.ino == same) {
                    continue;
                }
                make_room(&parent, name).map_err(refused)?;
                from.link(target, &parent, name).map_err(refused)?;
            }
            EntryType::XGlobalHeader => continue,
            _ => {
                if imported.passed_over.len() < PASSED_OVER_MAX {
                    imported.passed_over.push(shown.clone());
                }
                continue;
            }
        }
        imported.entries += 1;
    }
    for (directory, modified) in times {
        // One that was replaced meanwhile has none.
        match directory.set_times(new_times(modified)) {
            Ok(()) | Err(Errno::NoEntry) => {}
            Err(errno) => {
                return Err(ImportError::Refused {
                    path: "/".into(),
                    errno,
                });
            }
        }
    }
    Ok(imported)
}

/// A path as names, without `.` and doubled slashes.
fn names(path: &[u8]) -> Result<Vec<String>, ImportError> {
    let refused = || ImportError::Path {
        path: String::from_utf8_lossy(path).into_owned(),
    };
    let text = std::str::from_utf8(path).map_err(|_| refused())?;
    if text.starts_with('/') {
        return Err(refused());
    }
    text.split('/')
        .filter(|name| !matches!(*name, "" | "."))
        .map(|name| {
            valid_name(name)
                .map(|()| name.to_owned())
                .map_err(|_| refused())
        })
        .collect()
}

/// The directory at a path, created where it is missing.
fn parent(directory: &Directory, names: &[String]) -> Result<Directory, Errno> {
    names.iter().try_fold(directory.clone(), |at, name| {
        match at.create_directory(name, 0o755) {
            Ok(()) | Err(Errno::Exist) => {}
            Err(errno) => return Err(errno),
        }
        step(&at, name)
    })
}

fn parent_of_existing(directory: &Directory, names: &[String]) -> Result<Directory, Errno> {
    names
        .iter()
        .try_fold(directory.clone(), |at, name| step(&at, name))
}

/// Symlinks are not followed: they would lead where the archive does not say.
fn step(directory: &Directory, name: &str) -> Result<Directory, Errno> {
    match directory.enter(name)? {
        Found::Directory(directory) => Ok(directory),
        _ => Err(Errno::NotDirectory),
    }
}

/// Removes what is at a name, unless it is a directory.
fn make_room(directory: &Directory, name: &str) -> Result<(), Errno> {
    match directory.remove_file(name) {
        Ok(()) | Err(Errno::NoEntry) => Ok(()),
        Err(errno) => Err(errno),
    }
}

enum CopyError {
    Read(io::Error),
    Write(Errno),
}

/// Copies all bytes; zeros become holes.
fn copy(from: &mut impl Read, to: &File) -> Result<u64, CopyError> {
    let mut block = vec![0; BLOCK];
    let mut offset = 0_u64;
    loop {
        let mut filled = 0;
        while filled < BLOCK {
            match from.read(&mut block[filled..]) {
                Ok(0) => break,
                Ok(more) => filled += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(CopyError::Read(error)),
            }
        }
        let bytes = &block[..filled];
        if bytes.is_empty() {
            return Ok(offset);
        }
        let end = offset.saturating_add(u64::try_from(filled).unwrap_or(0));
        if filled == BLOCK && bytes.iter().all(|byte| *byte == 0) {
            to.truncate(end).map_err(CopyError::Write)?;
        } else if to.write_at(offset, bytes).map_err(CopyError::Write)? < filled {
            return Err(CopyError::Write(Errno::NoSpace));
        }
        offset = end;
    }
}

fn new_times(modified: Timestamp) -> NewTimes {
    NewTimes {
        accessed: NewTime::Keep,
        modified: NewTime::At(modified),
    }
}

/// From the pax extension if there is one, to the nanosecond.
fn modified(entry: &mut tar::Entry<'_, impl Read>) -> io::Result<Timestamp> {
    let mut modified = Timestamp {
        seconds: entry.header().mtime()?,
        nanoseconds: 0,
    };
    if let Some(extensions) = entry.pax_extensions()? {
        for extension in extensions.flatten() {
            if extension.key() == Ok("mtime")
                && let Some(time) = extension.value().ok().and_then(parse_time)
            {
                modified = time;
            }
        }
    }
    Ok(modified)
}

fn parse_time(text: &str) -> Option<Timestamp> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits: String = fraction
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    Some(Timestamp {
        seconds: seconds.parse().ok()?,
        nanoseconds: digits.parse().ok()?,
    })
}
