//! The files that guests see.

use std::collections::BTreeMap;

use bytes::Bytes;

/// A read-only tree of files in memory, shared by all sandboxes that mount it.
#[derive(Debug, Default)]
pub struct Image {
    files: BTreeMap<String, (Bytes, u32)>,
}

impl Image {
    /// An image of files: path relative to the mount, content, permission bits.
    pub fn new(files: impl IntoIterator<Item = (String, Bytes, u32)>) -> Image {
        Image { files: files.into_iter().map(|(path, bytes, mode)| (path, (bytes, mode))).collect() }
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}
