//! Blobs as files in a folder, `part/generation/ab/cd…`.
//!
//! A blob is first written beside its place. `flush` syncs all such files, renames them into place and syncs the
//! folders, so that a crash leaves all of a blob or none. What a crash leaves beside is removed when the folder is next
//! opened. One process uses a folder at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use cap_std::fs::{Dir, OpenOptions};

use super::{BLOB_BYTES_MAX, Blobs, Key};

const NEW: &str = "new";
const RECORD: &str = "sweep";
/// More files than these are synced with their whole file system, in one call.
const SYNC_EACH_MAX: usize = 16;

/// Blobs in a folder.
pub struct FolderBlobs {
    folder: Dir,
    access: Access,
    waiting: Mutex<Waiting>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    ReadWrite,
}

/// What was put since the last flush.
#[derive(Default)]
struct Waiting {
    number: u64,
    blobs: BTreeMap<Key, String>,
}

impl FolderBlobs {
    /// Uses `folder`, which nobody else may write to.
    pub fn open(folder: Dir) -> io::Result<FolderBlobs> {
        folder.create_dir_all(NEW)?;
        for entry in folder.read_dir(NEW)? {
            entry?.remove_file()?;
        }
        Ok(FolderBlobs {
            folder,
            access: Access::ReadWrite,
            waiting: Mutex::default(),
        })
    }

    /// A folder that somebody else may write to. Changing anything is refused.
    pub fn open_read_only(folder: Dir) -> FolderBlobs {
        FolderBlobs {
            folder,
            access: Access::Read,
            waiting: Mutex::default(),
        }
    }

    fn may_write(&self) -> io::Result<()> {
        match self.access {
            Access::ReadWrite => Ok(()),
            Access::Read => Err(io::Error::new(
                io::ErrorKind::ReadOnlyFilesystem,
                "opened for reading only",
            )),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, waiting: &mut Waiting, bytes: &[u8]) -> io::Result<String> {
        waiting.number += 1;
        let name = format!("{NEW}/{}", waiting.number);
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(true);
        self.folder.open_with(&name, options)?.write_all(bytes)?;
        Ok(name)
    }

    fn sync(&self, at: &str) -> io::Result<()> {
        self.folder.open(at)?.sync_all()
    }

    /// Syncs files or folders. At the same time, because a journal commits for all who wait for it at once: one after the
    /// other, each waits for a commit of its own.
    fn sync_all(&self, all: &[&str]) -> io::Result<()> {
        match all {
            [] => Ok(()),
            [one] => self.sync(one),
            many if many.len() > SYNC_EACH_MAX => Ok(rustix::fs::syncfs(self.folder.open(".")?)?),
            [first, others @ ..] => std::thread::scope(|scope| {
                let syncing: Vec<_> = others
                    .iter()
                    .map(|at| std::thread::Builder::new().spawn_scoped(scope, || self.sync(at)))
                    .collect();
                let mut result = self.sync(first);
                for thread in syncing {
                    let synced = thread.and_then(|thread| {
                        let failed = |_| io::Error::other("syncing failed");
                        thread.join().map_err(failed)?
                    });
                    result = result.and(synced);
                }
                result
            }),
        }
    }

    fn read(&self, at: &str, bytes_max: u64) -> io::Result<Option<Bytes>> {
        let file = match self.folder.open(at) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut bytes = Vec::new();
        file.take(bytes_max + 1).read_to_end(&mut bytes)?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length <= bytes_max) {
            Ok(Some(bytes.into()))
        } else {
            Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "longer than any blob",
            ))
        }
    }
}

/// The folder a blob is in, and its path.
fn place(key: &Key) -> (String, String) {
    let text = key.to_string();
    let hex = text.len() - 64;
    let into = text[..hex + 2].to_owned();
    let at = format!("{into}/{}", &text[hex + 2..]);
    (into, at)
}

impl Blobs for FolderBlobs {
    fn put(&self, key: &Key, bytes: &[u8]) -> io::Result<()> {
        self.may_write()?;
        let mut waiting = self.waiting();
        if waiting.blobs.contains_key(key) || self.folder.try_exists(place(key).1)? {
            return Ok(());
        }
        let name = self.write(&mut waiting, bytes)?;
        waiting.blobs.insert(*key, name);
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let mut waiting = self.waiting();
        let files: Vec<&str> = waiting.blobs.values().map(String::as_str).collect();
        self.sync_all(&files)?;
        let mut folders = BTreeSet::new();
        // Chunks, then pages, then roots: a root that is in its place has what it needs in its place.
        for (key, name) in waiting.blobs.iter().rev() {
            let (into, at) = place(key);
            if let Err(error) = self.folder.rename(name, &self.folder, &at) {
                if error.kind() != io::ErrorKind::NotFound {
                    return Err(error);
                }
                // Its folder is missing; or an earlier flush came thus far.
                self.folder.create_dir_all(&into)?;
                let above = into.match_indices('/').map(|(at, _)| into[..at].to_owned());
                folders.extend(above.chain([".".to_owned()]));
                match self.folder.rename(name, &self.folder, &at) {
                    Err(_) if self.folder.try_exists(&at)? => {}
                    renamed => renamed?,
                }
            }
            folders.insert(into);
        }
        let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
        self.sync_all(&folders)?;
        waiting.blobs.clear();
        Ok(())
    }

    fn get(&self, key: &Key) -> io::Result<Option<Bytes>> {
        let name = self.waiting().blobs.get(key).cloned();
        if let Some(name) = name
            && let Some(bytes) = self.read(&name, BLOB_BYTES_MAX)?
        {
            return Ok(Some(bytes));
        }
        self.read(&place(key).1, BLOB_BYTES_MAX)
    }

    fn has(&self, key: &Key) -> io::Result<bool> {
        Ok(self.waiting().blobs.contains_key(key) || self.folder.try_exists(place(key).1)?)
    }

    fn list(&self) -> io::Result<Vec<Key>> {
        let mut keys: Vec<Key> = self.waiting().blobs.keys().copied().collect();
        for part in ["root", "page", "chunk"] {
            for generation in names(&self.folder, part)? {
                for first in names(&self.folder, &format!("{part}/{generation}"))? {
                    for rest in names(&self.folder, &format!("{part}/{generation}/{first}"))? {
                        keys.extend(format!("{part}/{generation}/{first}{rest}").parse::<Key>());
                    }
                }
            }
        }
        Ok(keys)
    }

    fn delete(&self, key: &Key) -> io::Result<()> {
        self.may_write()?;
        let waiting = self.waiting().blobs.remove(key);
        for at in waiting.into_iter().chain([place(key).1]) {
            match self.folder.remove_file(at) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed?,
            }
        }
        Ok(())
    }

    fn record(&self) -> io::Result<Option<Bytes>> {
        self.read(RECORD, u64::MAX - 1)
    }

    fn set_record(&self, bytes: &[u8]) -> io::Result<()> {
        self.may_write()?;
        let name = self.write(&mut self.waiting(), bytes)?;
        self.sync(&name)?;
        self.folder.rename(name, &self.folder, RECORD)?;
        self.sync(".")
    }
}

fn names(folder: &Dir, at: &str) -> io::Result<Vec<String>> {
    let entries = match folder.read_dir(at) {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(Vec::new());
        }
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string());
    }
    Ok(names)
}
