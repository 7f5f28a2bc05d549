//! A file's bytes: inline while they are few, then in chunks, and nowhere where nobody wrote.

use std::sync::Arc;

use bytes::Bytes;

use super::FILE_BYTES_MAX;
use crate::map::{Malformed, Map, Reader, Writer};
use crate::store::{CHUNK_BYTES, Chunk, Store};
use crate::{Damage, SaveError};

/// How many bytes are kept with what is known about the file. A page of 32 such files is no longer than a chunk.
pub(crate) const INLINE_BYTES_MAX: usize = 2048;
/// Reads of less are copied; of more, they share the chunk.
const COPY_BYTES_MAX: usize = 4096;

static ZEROS: [u8; CHUNK_BYTES] = [0; CHUNK_BYTES];
const CHUNK: u64 = CHUNK_BYTES as u64;

/// A file's bytes.
#[derive(Clone)]
pub(crate) enum Content {
    Inline(Vec<u8>),
    Chunked {
        size: u64,
        /// By number; the first begins at 0. One that is missing is zeros.
        chunks: Map<u64, Arc<Chunk>>,
    },
}

fn long(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// The chunk a byte is in, and where in it.
fn locate(offset: u64) -> (u64, usize) {
    (offset / CHUNK, usize::try_from(offset % CHUNK).unwrap_or(0))
}

impl Content {
    pub(crate) fn empty() -> Content {
        Content::Inline(Vec::new())
    }

    pub(crate) fn size(&self) -> u64 {
        match self {
            Content::Inline(bytes) => long(bytes.len()),
            Content::Chunked { size, .. } => *size,
        }
    }

    /// What is at `offset`, at most `length` bytes and not beyond the end of a chunk.
    pub(crate) fn read(&self, offset: u64, length: usize) -> Result<Bytes, Damage> {
        self.piece(offset, length)?.bytes()
    }

    /// The same, its chunk not looked at yet.
    pub(crate) fn piece(&self, offset: u64, length: usize) -> Result<Piece, Damage> {
        match self {
            Content::Inline(bytes) => {
                let from = usize::try_from(offset)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                let to = from.saturating_add(length).min(bytes.len());
                Ok(Piece::Ready(Bytes::copy_from_slice(&bytes[from..to])))
            }
            Content::Chunked { size, chunks } => {
                let (number, from) = locate(offset);
                let left = usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX);
                let length = length.min(left).min(CHUNK_BYTES - from);
                if length == 0 {
                    return Ok(Piece::Ready(Bytes::new()));
                }
                Ok(match chunks.get(&number)? {
                    None => Piece::Ready(Bytes::from_static(&ZEROS).slice(..length)),
                    Some(chunk) => Piece::Of {
                        chunk: chunk.clone(),
                        from,
                        length,
                    },
                })
            }
        }
    }

    /// Writes all of `bytes`. Nothing is changed if that fails.
    pub(crate) fn write(
        &mut self,
        offset: u64,
        bytes: &[u8],
        store: &Arc<Store>,
    ) -> Result<(), Damage> {
        let end = offset.saturating_add(long(bytes.len()));
        if let Content::Inline(inline) = self {
            if end <= long(INLINE_BYTES_MAX) {
                let (from, to) = (locate(offset).1, locate(end).1);
                if inline.len() < to {
                    inline.resize(to, 0);
                }
                inline[from..to].copy_from_slice(bytes);
                return Ok(());
            }
            self.move_into_chunks(store)?;
        }
        let Content::Chunked { size, chunks } = self else {
            return Ok(());
        };
        for edge in [offset, end.saturating_sub(1)] {
            if let Some(chunk) = chunks.get(&locate(edge).0)? {
                chunk.bytes()?;
            }
        }
        let mut offset = offset;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (number, from) = locate(offset);
            let (piece, after) = rest.split_at(rest.len().min(CHUNK_BYTES - from));
            if from == 0 && (piece.len() == CHUNK_BYTES || offset + long(piece.len()) >= *size) {
                // All that there is of this chunk: what was there need not be looked at.
                replace(chunks, number, piece, store)?;
            } else {
                change(chunks, number, store, |chunk| {
                    if chunk.len() < from + piece.len() {
                        chunk.resize(from + piece.len(), 0);
                    }
                    chunk[from..from + piece.len()].copy_from_slice(piece);
                })?;
            }
            offset += long(piece.len());
            rest = after;
        }
        *size = end.max(*size);
        Ok(())
    }

    fn move_into_chunks(&mut self, store: &Arc<Store>) -> Result<(), Damage> {
        if let Content::Inline(inline) = self {
            let mut chunks = Map::new();
            let size = long(inline.len());
            if !inline.is_empty() {
                chunks.insert(0, Chunk::new(store, std::mem::take(inline)))?;
            }
            *self = Content::Chunked { size, chunks };
        }
        Ok(())
    }

    /// Cuts off, or goes on with zeros.
    pub(crate) fn truncate(&mut self, to: u64, store: &Arc<Store>) -> Result<(), Damage> {
        if to == 0 {
            *self = Content::empty();
            return Ok(());
        }
        if let Content::Inline(inline) = self {
            if to <= long(INLINE_BYTES_MAX) {
                inline.resize(locate(to).1, 0);
                return Ok(());
            }
            self.move_into_chunks(store)?;
        }
        let Content::Chunked { size, chunks } = self else {
            return Ok(());
        };
        if to < *size {
            let (last, keep) = locate(to);
            if keep > 0 && chunks.get(&last)?.is_some() {
                change(chunks, last, store, |chunk| chunk.truncate(keep))?;
            }
            let first_gone = if keep > 0 { last + 1 } else { last };
            let mut gone = Vec::new();
            let mut cursor = chunks.cursor_from(&first_gone)?;
            while let Some((number, _)) = cursor.next()? {
                gone.push(number);
            }
            drop(cursor);
            for number in gone {
                chunks.remove(&number)?;
            }
        }
        *size = to;
        Ok(())
    }

    /// Whether both hold the same, by digest, in time proportional to what they do not share.
    pub(crate) fn holds_same(&self, other: &Content) -> Result<bool, Damage> {
        if self.size() != other.size() {
            return Ok(false);
        }
        match (self, other) {
            (Content::Inline(a), Content::Inline(b)) => Ok(a == b),
            (Content::Chunked { chunks: a, .. }, Content::Chunked { chunks: b, .. }) => {
                let mut same = true;
                a.differences(b, |_, a, b| {
                    same = same
                        && match (a, b) {
                            (Some(a), Some(b)) => a.holds_same(b)?,
                            (Some(one), None) | (None, Some(one)) => {
                                one.bytes()?.iter().all(|byte| *byte == 0)
                            }
                            (None, None) => true,
                        };
                    Ok::<(), Damage>(())
                })?;
                Ok(same)
            }
            // A file that was cut short stays in chunks. Both are short then.
            _ => Ok(self.read(0, INLINE_BYTES_MAX)? == other.read(0, INLINE_BYTES_MAX)?),
        }
    }

    pub(crate) fn encode(&self, writer: &mut Writer<'_, '_>) -> Result<(), SaveError> {
        match self {
            Content::Inline(bytes) => {
                writer.byte(0);
                writer.bytes(bytes);
                Ok(())
            }
            Content::Chunked { size, chunks } => {
                writer.byte(1);
                writer.number(*size);
                chunks.encode(writer)
            }
        }
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Content, Malformed> {
        match reader.byte()? {
            0 => Ok(Content::Inline(reader.bytes(INLINE_BYTES_MAX)?.to_vec())),
            1 => {
                let size = reader.number()?;
                if size > FILE_BYTES_MAX {
                    return Err(Malformed("a file too long"));
                }
                Ok(Content::Chunked {
                    size,
                    chunks: Map::decode(reader)?,
                })
            }
            _ => Err(Malformed("of an unknown format")),
        }
    }
}

/// A piece of a file.
pub(crate) enum Piece {
    /// At hand.
    Ready(Bytes),
    /// In a chunk, zeros where that is shorter.
    Of {
        chunk: Arc<Chunk>,
        from: usize,
        length: usize,
    },
}

impl Piece {
    /// Its bytes, fetched if need be.
    pub(crate) fn bytes(self) -> Result<Bytes, Damage> {
        match self {
            Piece::Ready(bytes) => Ok(bytes),
            Piece::Of {
                chunk,
                from,
                length,
            } => Ok(cut(chunk.bytes()?, from, length)),
        }
    }
}

/// A piece of a chunk, zeros where it is shorter.
fn cut(bytes: Arc<Vec<u8>>, from: usize, length: usize) -> Bytes {
    struct Shared(Arc<Vec<u8>>);
    impl AsRef<[u8]> for Shared {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    let to = from + length;
    if from >= bytes.len() {
        Bytes::from_static(&ZEROS).slice(..length)
    } else if to > bytes.len() || length <= COPY_BYTES_MAX {
        let mut copy = Vec::with_capacity(length);
        copy.extend_from_slice(&bytes[from..to.min(bytes.len())]);
        copy.resize(length, 0);
        copy.into()
    } else {
        Bytes::from_owner(Shared(bytes)).slice(from..to)
    }
}

/// Puts a whole chunk in place. One that nobody else refers to keeps its room.
fn replace(
    chunks: &mut Map<u64, Arc<Chunk>>,
    number: u64,
    bytes: &[u8],
    store: &Arc<Store>,
) -> Result<(), Damage> {
    chunks.insert(number, Chunk::new(store, bytes.to_vec()))?;
    Ok(())
}

/// Changes a chunk: in place if nobody else refers to it, otherwise a copy. One that is missing comes into being.
fn change(
    chunks: &mut Map<u64, Arc<Chunk>>,
    number: u64,
    store: &Arc<Store>,
    change: impl FnOnce(&mut Vec<u8>),
) -> Result<(), Damage> {
    // Brought into memory first, so that nothing can fail any more when something was changed.
    match chunks.get(&number)? {
        None => {
            let mut bytes = Vec::new();
            change(&mut bytes);
            chunks.insert(number, Chunk::new(store, bytes))?;
            return Ok(());
        }
        Some(chunk) => drop(chunk.bytes()?),
    }
    // From here on the way to the chunk is this version's alone: its count tells who else refers to it.
    let Some(chunk) = chunks.get_mut(&number)? else {
        return Ok(());
    };
    if Arc::strong_count(chunk) == 1 {
        return chunk.change(change);
    }
    let mut bytes = chunk.bytes()?.to_vec();
    change(&mut bytes);
    *chunk = Chunk::new(store, bytes);
    Ok(())
}
