//! Chunks that had to leave memory: files that are only ever appended to, and an index in memory.
//!
//! A pack serves one process while it runs. What must outlive it is saved as blobs, so a pack begins empty, is never
//! synced, and a chunk that reads back differently is damage, not a reason to guess. A file whose chunks are all gone
//! is removed; when less than half of all is needed, the emptiest file's rest is moved and the file removed, so that a
//! pack is never longer than twice what is needed and two files more.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cap_std::fs::{Dir, OpenOptions};

use crate::Damage;
use crate::blobs::Digest;

/// A file that has reached this is not appended to any more.
const SEGMENT_BYTES: u64 = 64 << 20;

/// Chunks out of memory.
pub(super) struct Pack(Mutex<Kept>);

struct Kept {
    folder: Dir,
    /// The one that is appended to has the highest number.
    segments: HashMap<u64, Segment>,
    newest: u64,
    index: HashMap<Digest, Place>,
    needed: u64,
    length: u64,
}

struct Segment {
    file: Arc<File>,
    length: u64,
    needed: u64,
    chunks: HashSet<Digest>,
}

struct Place {
    segment: u64,
    offset: u64,
    length: usize,
    /// How many chunks rely on it.
    users: u64,
}

impl Pack {
    /// An empty pack in `folder`.
    pub(super) fn open(folder: Dir) -> io::Result<Pack> {
        for entry in folder.entries()? {
            entry?.remove_file()?;
        }
        Ok(Pack(Mutex::new(Kept {
            folder,
            segments: HashMap::new(),
            newest: 0,
            index: HashMap::new(),
            needed: 0,
            length: 0,
        })))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes needed, bytes in files.
    pub(super) fn usage(&self) -> (u64, u64) {
        let kept = self.kept();
        (kept.needed, kept.length)
    }

    /// Takes a chunk in, until it is released as often as it was added.
    pub(super) fn add(&self, digest: &Digest, bytes: &[u8]) -> io::Result<()> {
        let mut kept = self.kept();
        if let Some(place) = kept.index.get_mut(digest) {
            place.users += 1;
            return Ok(());
        }
        kept.append(digest, bytes, 1)?;
        // A full disk may stop that; what is there stays readable.
        let _ = kept.compact();
        Ok(())
    }

    /// Reads a chunk back.
    pub(super) fn read(&self, digest: &Digest) -> Result<Vec<u8>, Damage> {
        let (file, offset, length) = {
            let kept = self.kept();
            let place = kept
                .index
                .get(digest)
                .ok_or_else(|| Damage::Pack(format!("{digest} is missing")))?;
            let segment = kept
                .segments
                .get(&place.segment)
                .ok_or_else(|| Damage::Pack(format!("{digest} is missing")))?;
            (segment.file.clone(), place.offset, place.length)
        };
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, offset)
            .map_err(|error| Damage::Pack(error.to_string()))?;
        if Digest::of(&bytes) == *digest {
            Ok(bytes)
        } else {
            Err(Damage::Pack(format!("{digest} was changed")))
        }
    }

    /// A chunk is no longer relied upon.
    pub(super) fn release(&self, digest: &Digest) {
        self.kept().release(digest);
    }
}

impl Kept {
    fn append(&mut self, digest: &Digest, bytes: &[u8], users: u64) -> io::Result<()> {
        if self
            .segments
            .get(&self.newest)
            .is_none_or(|segment| segment.length >= SEGMENT_BYTES)
        {
            let number = self.newest + 1;
            let mut options = OpenOptions::new();
            let options = options.read(true).write(true).create_new(true);
            let file = self
                .folder
                .open_with(number.to_string(), options)?
                .into_std();
            let segment = Segment {
                file: Arc::new(file),
                length: 0,
                needed: 0,
                chunks: HashSet::new(),
            };
            self.segments.insert(number, segment);
            let before = std::mem::replace(&mut self.newest, number);
            // It was kept only because it was appended to.
            self.remove_if_empty(before);
        }
        let newest = self.newest;
        let Some(segment) = self.segments.get_mut(&newest) else {
            return Err(io::Error::other("the pack has no file"));
        };
        segment.file.write_all_at(bytes, segment.length)?;
        let length = u64::try_from(bytes.len()).unwrap_or(0);
        self.index.insert(
            *digest,
            Place {
                segment: newest,
                offset: segment.length,
                length: bytes.len(),
                users,
            },
        );
        segment.chunks.insert(*digest);
        segment.length += length;
        segment.needed += length;
        self.length += length;
        self.needed += length;
        Ok(())
    }

    fn release(&mut self, digest: &Digest) {
        let Some(place) = self.index.get_mut(digest) else {
            return;
        };
        place.users = place.users.saturating_sub(1);
        if place.users > 0 {
            return;
        }
        let number = place.segment;
        self.forget(digest);
        if number != self.newest {
            self.remove_if_empty(number);
        }
    }

    fn forget(&mut self, digest: &Digest) {
        let Some(place) = self.index.remove(digest) else {
            return;
        };
        let length = u64::try_from(place.length).unwrap_or(0);
        self.needed = self.needed.saturating_sub(length);
        if let Some(segment) = self.segments.get_mut(&place.segment) {
            segment.needed = segment.needed.saturating_sub(length);
            segment.chunks.remove(digest);
        }
    }

    fn remove_if_empty(&mut self, number: u64) {
        if self
            .segments
            .get(&number)
            .is_some_and(|segment| segment.chunks.is_empty())
            && let Some(segment) = self.segments.remove(&number)
        {
            self.length = self.length.saturating_sub(segment.length);
            // Left behind if that fails, until the pack is next opened.
            let _ = self.folder.remove_file(number.to_string());
        }
    }

    /// Moves the rest of the emptiest files, while less than half is needed.
    fn compact(&mut self) -> io::Result<()> {
        while self.length > self.needed.saturating_mul(2).saturating_add(SEGMENT_BYTES) {
            let emptiest = self
                .segments
                .iter()
                .filter(|(number, _)| **number != self.newest)
                .min_by_key(|(_, segment)| segment.needed)
                .map(|(number, segment)| (*number, segment.file.clone(), segment.chunks.clone()));
            let Some((number, file, chunks)) = emptiest else {
                return Ok(());
            };
            for digest in chunks {
                let Some(place) = self.index.get(&digest) else {
                    continue;
                };
                let (users, mut bytes) = (place.users, vec![0; place.length]);
                file.read_exact_at(&mut bytes, place.offset)?;
                self.append(&digest, &bytes, users)?;
                // Its new place is known; the old one is not needed any more.
                let length = u64::try_from(bytes.len()).unwrap_or(0);
                self.needed = self.needed.saturating_sub(length);
                if let Some(segment) = self.segments.get_mut(&number) {
                    segment.needed = segment.needed.saturating_sub(length);
                    segment.chunks.remove(&digest);
                }
            }
            self.remove_if_empty(number);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
