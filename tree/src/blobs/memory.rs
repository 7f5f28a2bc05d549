//! Blobs in memory, for tests and for trees that are never saved.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::{Blobs, Key};

/// Blobs in memory.
#[derive(Default)]
pub struct MemoryBlobs(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    blobs: BTreeMap<Key, Bytes>,
    record: Option<Bytes>,
}

impl MemoryBlobs {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts other bytes in a blob's place, whatever its name says.
    pub fn damage(&self, key: &Key, bytes: &[u8]) {
        self.kept()
            .blobs
            .insert(*key, Bytes::copy_from_slice(bytes));
    }
}

impl Blobs for MemoryBlobs {
    fn put(&self, key: &Key, bytes: &[u8]) -> io::Result<()> {
        self.kept()
            .blobs
            .entry(*key)
            .or_insert_with(|| Bytes::copy_from_slice(bytes));
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }

    fn get(&self, key: &Key) -> io::Result<Option<Bytes>> {
        Ok(self.kept().blobs.get(key).cloned())
    }

    fn has(&self, key: &Key) -> io::Result<bool> {
        Ok(self.kept().blobs.contains_key(key))
    }

    fn list(&self) -> io::Result<Vec<Key>> {
        Ok(self.kept().blobs.keys().copied().collect())
    }

    fn delete(&self, key: &Key) -> io::Result<()> {
        self.kept().blobs.remove(key);
        Ok(())
    }

    fn record(&self) -> io::Result<Option<Bytes>> {
        Ok(self.kept().record.clone())
    }

    fn set_record(&self, bytes: &[u8]) -> io::Result<()> {
        self.kept().record = Some(Bytes::copy_from_slice(bytes));
        Ok(())
    }
}
