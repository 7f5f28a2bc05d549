//! Where content lives: in memory up to a budget, beyond it in a local pack, and what was saved in blobs.
//!
//! One store serves many trees, usually all of a process; they share its budget.

mod chunk;
mod pack;

pub(crate) use chunk::{CHUNK_BYTES, Chunk};

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use cap_std::fs::Dir;

use self::pack::Pack;
use crate::blobs::{BLOB_BYTES_MAX, Blobs, Digest, Key};
use crate::{Damage, Timestamp};

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What a store is made of.
pub struct StoreOptions {
    /// Where snapshots are saved to and loaded from.
    pub blobs: Arc<dyn Blobs>,
    /// How many bytes of chunks may be in memory before some are moved out. Default 256 MiB.
    pub memory_bytes_max: u64,
    /// Where they are moved: a folder of this store alone, emptied when it is opened. Without one, chunks that are
    /// not saved stay in memory.
    pub pack: Option<Dir>,
    /// What time it is.
    pub clock: Clock,
}

impl StoreOptions {
    /// In memory up to the default budget; no pack.
    pub fn new(blobs: Arc<dyn Blobs>, clock: Clock) -> StoreOptions {
        StoreOptions {
            blobs,
            memory_bytes_max: 256 << 20,
            pack: None,
            clock,
        }
    }
}

/// Where content lives.
pub struct Store {
    blobs: Arc<dyn Blobs>,
    pack: Option<Pack>,
    clock: Clock,
    memory_bytes_max: u64,
    memory_bytes: AtomicU64,
    /// How much there must be before it is tried again to move chunks out, after there was nowhere to go.
    patience_bytes: AtomicU64,
    /// Chunks in memory, the next to go in front. A chunk comes in there, and goes to the back when it was used again
    /// by the time it would have to leave: a file that is longer than the budget, read or written once, passes through
    /// without driving out what is in use, and while the processor's cache still has it.
    queue: Mutex<VecDeque<Weak<Chunk>>>,
}

/// What a store has in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreUsage {
    /// Bytes of chunks in memory.
    pub memory_bytes: u64,
    /// Bytes of chunks in the pack that are needed.
    pub pack_bytes: u64,
    /// Length of the pack's files.
    pub pack_file_bytes: u64,
}

impl Store {
    /// Opens a store.
    pub fn open(options: StoreOptions) -> std::io::Result<Arc<Store>> {
        Ok(Arc::new(Store {
            blobs: options.blobs,
            pack: options.pack.map(Pack::open).transpose()?,
            clock: options.clock,
            memory_bytes_max: options.memory_bytes_max,
            memory_bytes: AtomicU64::new(0),
            patience_bytes: AtomicU64::new(0),
            queue: Mutex::default(),
        }))
    }

    /// What is in use.
    pub fn usage(&self) -> StoreUsage {
        let (pack_bytes, pack_file_bytes) = self.pack.as_ref().map_or((0, 0), Pack::usage);
        StoreUsage {
            memory_bytes: self.memory_bytes.load(Ordering::Relaxed),
            pack_bytes,
            pack_file_bytes,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(crate) fn blobs(&self) -> &dyn Blobs {
        &*self.blobs
    }

    /// A blob, its digest checked.
    pub(crate) fn fetch(&self, key: &Key) -> Result<Bytes, Damage> {
        let bytes = self
            .blobs
            .get(key)
            .map_err(|error| Damage::Unreadable {
                key: *key,
                message: error.to_string(),
            })?
            .ok_or(Damage::Missing(*key))?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length <= BLOB_BYTES_MAX)
            && Digest::of(&bytes) == key.digest
        {
            Ok(bytes)
        } else {
            Err(Damage::Digest(*key))
        }
    }

    /// Moves chunks out until the rest is within the budget. Called with no chunk locked, and where it matters with no
    /// tree locked.
    pub(crate) fn relieve(&self) {
        let patience = self.patience_bytes.load(Ordering::Relaxed);
        if self.memory_bytes.load(Ordering::Relaxed) <= patience.max(self.memory_bytes_max) {
            return;
        }
        // Twice round at most: once to pass over what was used lately, once to move it out after all.
        let mut turns = self.queue().len().saturating_mul(2);
        while turns > 0 && self.memory_bytes.load(Ordering::Relaxed) > self.memory_bytes_max {
            turns -= 1;
            let Some(chunk) = self.queue().pop_front() else {
                return;
            };
            let Some(chunk) = chunk.upgrade() else {
                continue;
            };
            if chunk.was_used() || !chunk.move_out(self.pack.as_ref()) {
                self.queue().push_back(Arc::downgrade(&chunk));
            }
        }
        // Where nothing more can be moved out, going round again with every call would cost more than it could give.
        let left = self.memory_bytes.load(Ordering::Relaxed);
        let patience = if left > self.memory_bytes_max {
            left.saturating_add(self.memory_bytes_max / 8)
        } else {
            0
        };
        self.patience_bytes.store(patience, Ordering::Relaxed);
    }

    /// A chunk has come into memory.
    fn enqueue(&self, chunk: &Arc<Chunk>) {
        let mut queue = self.queue();
        queue.push_front(Arc::downgrade(chunk));
        // Chunks that are gone leave their places behind.
        if queue.len() >= 1024 && queue.len().is_power_of_two() {
            queue.retain(|chunk| chunk.strong_count() > 0);
        }
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, VecDeque<Weak<Chunk>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn grow(&self, bytes: usize) {
        self.memory_bytes
            .fetch_add(u64::try_from(bytes).unwrap_or(0), Ordering::Relaxed);
    }

    fn shrink(&self, bytes: usize) {
        self.memory_bytes
            .fetch_sub(u64::try_from(bytes).unwrap_or(0), Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("usage", &self.usage())
            .finish_non_exhaustive()
    }
}
