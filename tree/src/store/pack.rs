//! Chunks that had to leave memory: files that are only ever appended to, and an index in memory.
//!
//! A pack serves one process while it runs, as swap does. What must outlive it is saved as blobs, so a pack begins empty, is
//! never synced, and needs no digests: a checksum (XXH3) tells whether a chunk reads back as it was. A file whose chunks are all gone
//! is removed; when less than half of all is needed, the emptiest file's rest is moved and the file removed, so that a
//! pack is never longer than twice what is needed and two files more.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cap_std::fs::{Dir, OpenOptions};
use rustix::buffer::spare_capacity;
use twox_hash::XxHash3_64;

use crate::Damage;

/// A file that has reached this is not appended to any more.
const SEGMENT_BYTES: u64 = 64 << 20;

/// Chunks out of memory.
pub(super) struct Pack(Mutex<Kept>);

/// A chunk in a pack, until it is released.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Ticket(u64);

struct Kept {
    folder: Dir,
    /// The one that is appended to has the highest number.
    segments: HashMap<u64, Segment>,
    newest: u64,
    /// By the number of the ticket.
    index: HashMap<u64, Place>,
    tickets: u64,
    needed: u64,
    length: u64,
}

struct Segment {
    file: Arc<File>,
    length: u64,
    needed: u64,
    chunks: HashSet<u64>,
}

struct Place {
    segment: u64,
    offset: u64,
    length: usize,
    checksum: u64,
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
            tickets: 0,
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

    /// Takes a chunk in.
    pub(super) fn add(&self, bytes: &[u8]) -> io::Result<Ticket> {
        let checksum = XxHash3_64::oneshot(bytes);
        let mut kept = self.kept();
        let ticket = kept.tickets;
        kept.append(ticket, bytes, checksum)?;
        kept.tickets += 1;
        // A full disk may stop that; what is there stays readable.
        let _ = kept.compact();
        Ok(Ticket(ticket))
    }

    /// Reads a chunk back.
    pub(super) fn read(&self, ticket: &Ticket) -> Result<Vec<u8>, Damage> {
        let missing = || Damage::Pack("a chunk is missing".to_owned());
        let (file, offset, length, checksum) = {
            let kept = self.kept();
            let place = kept.index.get(&ticket.0).ok_or_else(missing)?;
            let segment = kept.segments.get(&place.segment).ok_or_else(missing)?;
            let Place {
                offset,
                length,
                checksum,
                ..
            } = *place;
            (segment.file.clone(), offset, length, checksum)
        };
        let bytes = read(&file, offset, length).map_err(|error| Damage::Pack(error.to_string()))?;
        if XxHash3_64::oneshot(&bytes) == checksum {
            Ok(bytes)
        } else {
            Err(Damage::Pack("a chunk was changed".to_owned()))
        }
    }

    /// A chunk is no longer needed.
    pub(super) fn release(&self, ticket: Ticket) {
        self.kept().release(ticket.0);
    }
}

/// So many bytes of a file.
fn read(file: &File, mut offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        let read = rustix::io::pread(file, spare_capacity(&mut bytes), offset)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        offset += u64::try_from(read).unwrap_or(u64::MAX);
    }
    bytes.truncate(length);
    Ok(bytes)
}

impl Kept {
    fn append(&mut self, ticket: u64, bytes: &[u8], checksum: u64) -> io::Result<()> {
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
            ticket,
            Place {
                segment: newest,
                offset: segment.length,
                length: bytes.len(),
                checksum,
            },
        );
        segment.chunks.insert(ticket);
        segment.length += length;
        segment.needed += length;
        self.length += length;
        self.needed += length;
        Ok(())
    }

    fn release(&mut self, ticket: u64) {
        let Some(place) = self.index.remove(&ticket) else {
            return;
        };
        let length = u64::try_from(place.length).unwrap_or(0);
        self.needed = self.needed.saturating_sub(length);
        if let Some(segment) = self.segments.get_mut(&place.segment) {
            segment.needed = segment.needed.saturating_sub(length);
            segment.chunks.remove(&ticket);
        }
        if place.segment != self.newest {
            self.remove_if_empty(place.segment);
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
            for ticket in chunks {
                let Some(place) = self.index.get(&ticket) else {
                    continue;
                };
                let (checksum, bytes) = (place.checksum, read(&file, place.offset, place.length)?);
                self.append(ticket, &bytes, checksum)?;
                // Its new place is known; the old one is not needed any more.
                let length = u64::try_from(bytes.len()).unwrap_or(0);
                self.needed = self.needed.saturating_sub(length);
                if let Some(segment) = self.segments.get_mut(&number) {
                    segment.needed = segment.needed.saturating_sub(length);
                    segment.chunks.remove(&ticket);
                }
            }
            self.remove_if_empty(number);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
