//! Where snapshots are saved: blobs by digest, and one small record.
//!
//! The trait is shaped by what saving and sweeping need. The server implements it over its own blob store; here are a
//! folder and, for tests, memory. Implementations block: they are called from threads that may.

mod folder;
mod key;
mod memory;

pub use folder::FolderBlobs;
pub use key::{Digest, Key, KeyError, Part};
pub use memory::MemoryBlobs;

use std::io;

use bytes::Bytes;

/// No blob is longer. What claims to be is not read.
pub const BLOB_BYTES_MAX: u64 = 16 << 20;

/// Blobs by key.
pub trait Blobs: Send + Sync {
    /// Takes a blob. It can be had again at once, but is sure to be there after a crash only when `flush` has
    /// succeeded. A blob that is there already is the same one. A reader never sees a part of it.
    fn put(&self, key: &Key, bytes: &[u8]) -> io::Result<()>;
    /// Makes everything durable that was put before.
    fn flush(&self) -> io::Result<()>;
    /// A blob, or none. One longer than [`BLOB_BYTES_MAX`] may be refused. Callers check its digest.
    fn get(&self, key: &Key) -> io::Result<Option<Bytes>>;
    /// Whether a blob is there.
    fn has(&self, key: &Key) -> io::Result<bool>;
    /// All keys. Those that come or go meanwhile may or may not be among them.
    fn list(&self) -> io::Result<Vec<Key>>;
    /// Removes a blob. Fine if it is not there.
    fn delete(&self, key: &Key) -> io::Result<()>;
    /// The sweeper's record, if it ever wrote one.
    fn record(&self) -> io::Result<Option<Bytes>>;
    /// Replaces the sweeper's record, durably and at once: readers see the old one or the new one.
    fn set_record(&self, bytes: &[u8]) -> io::Result<()>;
}

impl<T: Blobs + ?Sized> Blobs for std::sync::Arc<T> {
    fn put(&self, key: &Key, bytes: &[u8]) -> io::Result<()> {
        (**self).put(key, bytes)
    }
    fn flush(&self) -> io::Result<()> {
        (**self).flush()
    }
    fn get(&self, key: &Key) -> io::Result<Option<Bytes>> {
        (**self).get(key)
    }
    fn has(&self, key: &Key) -> io::Result<bool> {
        (**self).has(key)
    }
    fn list(&self) -> io::Result<Vec<Key>> {
        (**self).list()
    }
    fn delete(&self, key: &Key) -> io::Result<()> {
        (**self).delete(key)
    }
    fn record(&self) -> io::Result<Option<Bytes>> {
        (**self).record()
    }
    fn set_record(&self, bytes: &[u8]) -> io::Result<()> {
        (**self).set_record(bytes)
    }
}
