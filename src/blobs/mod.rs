//! Bytes that are kept whole and found by their digest: the components that people push.
//!
//! A blob never changes, and its name is what is in it, so that nothing read back can be something else unnoticed. Who
//! refers to a blob is not known here: whoever puts one also sees to it that it is deleted when nobody does.

mod folder;

use async_trait::async_trait;
use bytes::Bytes;

pub use folder::Folder;

use crate::package::Digest;

/// Where blobs are kept.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// Keeps these bytes, durably when it returns. Putting what is there already changes nothing.
    async fn put(&self, bytes: Bytes) -> Result<Digest, BlobError>;
    /// The bytes with this digest, checked; none when there are none.
    async fn get(&self, digest: &Digest) -> Result<Option<Bytes>, BlobError>;
    /// Forgets them. Forgetting what is not there is fine.
    async fn delete(&self, digest: &Digest) -> Result<(), BlobError>;
    /// All that there are, in no order.
    async fn all(&self) -> Result<Vec<Digest>, BlobError>;
}

/// Bytes could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The disk failed.
    #[error("{context}")]
    Io {
        /// What was being done, and with which file.
        context: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// What lies under this digest has another one. It is of no use to anybody.
    #[error("what is kept as {digest} is something else")]
    Corrupt {
        /// The digest asked for.
        digest: Digest,
    },
}
