//! A piece of a file.
//!
//! Snapshots share chunks. One that a single tree refers to is changed in place; the tree sees to that, under its
//! lock. Its digest is computed only when it is saved or compared.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Store;
use super::pack::{Pack, Ticket};
use crate::blobs::{Digest, Part};
use crate::map::{Item, Malformed, Reader, Value, Writer};
use crate::saved::Memo;
use crate::{Damage, SaveError};

/// How long a chunk is at most. Measured: see `benches/tree.rs`.
pub(crate) const CHUNK_BYTES: usize = 64 << 10;

/// A piece of a file. Zeros at its end may be left out.
pub(crate) struct Chunk {
    store: Arc<Store>,
    inner: Mutex<Inner>,
    used: AtomicBool,
}

/// At least one of `bytes`, `packed` and `memo` is there.
struct Inner {
    length: usize,
    bytes: Option<Arc<Vec<u8>>>,
    /// Its place in the pack.
    packed: Option<Ticket>,
    digest: Option<Digest>,
    memo: Option<Memo>,
}

impl Chunk {
    pub(crate) fn new(store: &Arc<Store>, bytes: Vec<u8>) -> Arc<Chunk> {
        store.grow(bytes.len());
        let chunk = Chunk::with(
            store,
            Inner {
                length: bytes.len(),
                bytes: Some(Arc::new(bytes)),
                packed: None,
                digest: None,
                memo: None,
            },
        );
        store.enqueue(&chunk);
        chunk
    }

    fn with(store: &Arc<Store>, inner: Inner) -> Arc<Chunk> {
        Arc::new(Chunk {
            store: store.clone(),
            inner: Mutex::new(inner),
            used: AtomicBool::new(false),
        })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it holds, brought into memory if need be.
    pub(crate) fn bytes(self: &Arc<Self>) -> Result<Arc<Vec<u8>>, Damage> {
        let mut inner = self.inner();
        let at_hand = inner.bytes.is_some();
        let bytes = self.bytes_locked(&mut inner)?;
        drop(inner);
        if at_hand {
            self.used.store(true, Ordering::Relaxed);
        } else {
            self.store.relieve();
        }
        Ok(bytes)
    }

    fn bytes_locked(self: &Arc<Self>, inner: &mut Inner) -> Result<Arc<Vec<u8>>, Damage> {
        if let Some(bytes) = &inner.bytes {
            return Ok(bytes.clone());
        }
        let bytes = match (&inner.packed, &inner.memo, &self.store.pack) {
            (Some(ticket), _, Some(pack)) => pack.read(ticket)?,
            (_, Some(memo), _) => self.store.fetch(&memo.key)?.into(),
            _ => return Err(Damage::Pack("a chunk was lost".into())),
        };
        if bytes.len() != inner.length {
            return Err(match &inner.memo {
                Some(memo) => Damage::Malformed {
                    key: memo.key,
                    why: "of another length than was said",
                },
                None => Damage::Pack("a chunk of another length".into()),
            });
        }
        let bytes = Arc::new(bytes);
        inner.bytes = Some(bytes.clone());
        self.store.grow(inner.length);
        self.store.enqueue(self);
        Ok(bytes)
    }

    /// Reads it from where it is saved, if it is, and leaves it where it was.
    pub(crate) fn check(self: &Arc<Self>) -> Result<(), Damage> {
        let inner = self.inner();
        let Some(memo) = &inner.memo else {
            drop(inner);
            return self.bytes().map(drop);
        };
        if self.store.fetch(&memo.key)?.len() == inner.length {
            Ok(())
        } else {
            Err(Damage::Malformed {
                key: memo.key,
                why: "of another length than was said",
            })
        }
    }

    /// Changes it in place. Only for a chunk that no other tree or snapshot refers to. What `change` gets is zeros
    /// wherever it was not written, and may be made longer.
    pub(crate) fn change(
        self: &Arc<Self>,
        change: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), Damage> {
        self.used.store(true, Ordering::Relaxed);
        let mut inner = self.inner();
        drop(self.bytes_locked(&mut inner)?);
        self.forget_packed(&mut inner);
        inner.digest = None;
        inner.memo = None;
        let Some(bytes) = &mut inner.bytes else {
            return Ok(());
        };
        // A reader may hold the bytes as they were: then they are copied.
        let bytes = Arc::make_mut(bytes);
        let before = bytes.len();
        change(bytes);
        let after = bytes.len();
        inner.length = after;
        self.store.grow(after);
        self.store.shrink(before);
        Ok(())
    }

    fn forget_packed(&self, inner: &mut Inner) {
        if let (Some(ticket), Some(pack)) = (inner.packed.take(), &self.store.pack) {
            pack.release(ticket);
        }
    }

    /// Whether it was used since this was last asked.
    pub(super) fn was_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }

    /// Leaves memory. False if there is nowhere to go.
    pub(super) fn move_out(&self, pack: Option<&Pack>) -> bool {
        let mut inner = self.inner();
        let Some(bytes) = inner.bytes.clone() else {
            return true;
        };
        // A snapshot that was opened is among the roots of every sweep. What was only saved may be nobody's root yet, or
        // never; it goes to the pack where there is one.
        let stays = match &inner.memo {
            Some(memo) => memo.origin.is_some() || pack.is_none(),
            None => false,
        };
        if !stays && inner.packed.is_none() {
            let Some(Ok(ticket)) = pack.map(|pack| pack.add(&bytes)) else {
                return false;
            };
            inner.packed = Some(ticket);
        }
        inner.bytes = None;
        self.store.shrink(inner.length);
        true
    }

    /// Whether both hold the same, which may need their digests.
    pub(crate) fn holds_same(self: &Arc<Self>, other: &Arc<Chunk>) -> Result<bool, Damage> {
        Ok(Arc::ptr_eq(self, other) || self.digest()? == other.digest()?)
    }

    /// Its digest.
    pub(crate) fn digest(self: &Arc<Self>) -> Result<Digest, Damage> {
        let mut inner = self.inner();
        if let Some(memo) = &inner.memo {
            return Ok(memo.key.digest);
        }
        if let Some(digest) = inner.digest {
            return Ok(digest);
        }
        let digest = Digest::of(&self.bytes_locked(&mut inner)?);
        inner.digest = Some(digest);
        drop(inner);
        self.store.relieve();
        Ok(digest)
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        let mut inner = std::mem::replace(
            &mut *self.inner(),
            Inner {
                length: 0,
                bytes: None,
                packed: None,
                digest: None,
                memo: None,
            },
        );
        self.forget_packed(&mut inner);
        if inner.bytes.is_some() {
            self.store.shrink(inner.length);
        }
    }
}

impl Item for Arc<Chunk> {
    fn encode(&self, writer: &mut Writer<'_, '_>) -> Result<(), SaveError> {
        let memo = self.inner().memo.clone();
        let good = match &memo {
            Some(memo) => writer.saver.still_good(memo)?,
            None => None,
        };
        let (key, length) = match good {
            Some(memo) => {
                let mut inner = self.inner();
                inner.memo = Some(memo.clone());
                (memo.key, inner.length)
            }
            None => {
                let digest = self.digest()?;
                let bytes = self.bytes()?;
                let memo = writer.saver.put(Part::Chunk, digest, &bytes)?;
                let key = memo.key;
                let mut inner = self.inner();
                inner.digest = Some(digest);
                inner.memo = Some(memo);
                (key, bytes.len())
            }
        };
        writer.number(u64::try_from(length).unwrap_or(u64::MAX));
        writer.key(&key);
        Ok(())
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Arc<Chunk>, Malformed> {
        let length = usize::try_from(reader.number()?)
            .ok()
            .filter(|length| *length <= CHUNK_BYTES)
            .ok_or(Malformed("a chunk too long"))?;
        let key = reader.key(Part::Chunk)?;
        Ok(Chunk::with(
            reader.store,
            Inner {
                length,
                bytes: None,
                packed: None,
                digest: Some(key.digest),
                memo: Some(Memo::opened(key, reader.origin.clone())),
            },
        ))
    }
}

impl Value for Arc<Chunk> {
    const TAG: u8 = b'c';

    fn same(&self, other: &Arc<Chunk>) -> bool {
        Arc::ptr_eq(self, other)
    }
}
