//! A version of a tree.

use std::sync::Arc;

use super::inode::{Data, Ino, Inode, Kind, Meta, ROOT, Stat, Timestamp};
use super::names::{Names, valid_name};
use super::quota::Usage;
use crate::errno::Fault;
use crate::map::Map;
use crate::store::Store;
use crate::{Damage, Damaged, Errno};

/// All of a tree at one moment. Cloning it is one reference count.
#[derive(Clone)]
pub(crate) struct Version {
    pub(crate) inodes: Map<Ino, Arc<Inode>>,
    /// The next number to be given to a file.
    pub(crate) next: Ino,
    pub(crate) usage: Usage,
}

impl Version {
    pub(crate) fn empty(now: Timestamp) -> Version {
        let root = Inode {
            meta: Meta::new(0o755, now),
            names: Names::none(),
            data: Data::Directory(Map::new()),
        };
        let mut inodes = Map::new();
        // A map in memory cannot be damaged.
        let _ = inodes.insert(ROOT, Arc::new(root));
        Version {
            inodes,
            next: ROOT + 1,
            usage: Usage::default(),
        }
    }
}

/// A version of a tree, as a value: taken in constant time, shared with the tree as far as they do not differ.
#[derive(Clone)]
pub struct Snapshot {
    version: Version,
    store: Arc<Store>,
}

impl Snapshot {
    pub(crate) fn new(version: Version, store: Arc<Store>) -> Snapshot {
        Snapshot { version, store }
    }

    pub(crate) fn version(&self) -> &Version {
        &self.version
    }

    pub(crate) fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// What it has in use. If it was opened, this is what its manifest says; [`Snapshot::verify`] looks.
    pub fn usage(&self) -> Usage {
        self.version.usage
    }

    /// Whether it is certain without looking that both hold the same.
    pub fn shares_all(&self, other: &Snapshot) -> bool {
        self.version.inodes.shares_all(&other.version.inodes)
    }

    /// What is known about the file at a path from the root, symlinks not followed.
    pub fn stat(&self, path: &str) -> Result<Stat, SnapshotError> {
        let ino = self.find(path)?;
        self.at(path, self.version.inode(ino))?
            .map(|inode| inode.stat(ino))
            .ok_or_else(|| SnapshotError::refused(path, Errno::NoEntry))
    }

    /// All of a file, if it has at most `bytes_max` bytes; `FileTooLarge` otherwise.
    pub fn read_file(&self, path: &str, bytes_max: usize) -> Result<Vec<u8>, SnapshotError> {
        let ino = self.find(path)?;
        let content = match self
            .at(path, self.version.inode(ino))?
            .map(|inode| &inode.data)
        {
            Some(Data::File(content)) => content,
            Some(Data::Directory(_)) => {
                return Err(SnapshotError::refused(path, Errno::IsDirectory));
            }
            _ => return Err(SnapshotError::refused(path, Errno::Invalid)),
        };
        if !usize::try_from(content.size()).is_ok_and(|size| size <= bytes_max) {
            return Err(SnapshotError::refused(path, Errno::FileTooLarge));
        }
        let mut bytes = Vec::new();
        loop {
            let at = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            let piece = self.at(path, content.read(at, usize::MAX).map_err(Fault::from))?;
            if piece.is_empty() {
                return Ok(bytes);
            }
            bytes.extend_from_slice(&piece);
        }
    }

    /// The names in a directory and what they are, by name.
    pub fn list(&self, path: &str) -> Result<Vec<(String, Kind)>, SnapshotError> {
        let ino = self.find(path)?;
        let mut cursor = self.at(path, self.version.entries(ino))?.cursor();
        let mut names = Vec::new();
        while let Some((name, entry)) = self.at(path, cursor.next().map_err(Fault::from))? {
            names.push((name.to_string(), entry.kind));
        }
        Ok(names)
    }

    pub(crate) fn find(&self, path: &str) -> Result<Ino, SnapshotError> {
        let mut ino = ROOT;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            valid_name(name).map_err(|errno| SnapshotError::refused(path, errno))?;
            ino = self
                .at(path, self.version.entry(ino, name))?
                .ok_or_else(|| SnapshotError::refused(path, Errno::NoEntry))?
                .ino;
        }
        Ok(ino)
    }

    pub(crate) fn at<T>(&self, path: &str, result: Result<T, Fault>) -> Result<T, SnapshotError> {
        result.map_err(|fault| match fault {
            Fault::Errno(errno) => SnapshotError::refused(path, errno),
            Fault::Damage(damage) => Damaged {
                path: path.to_owned(),
                damage,
            }
            .into(),
        })
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot")
            .field("usage", &self.usage())
            .finish_non_exhaustive()
    }
}

/// A snapshot could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// There is no such thing in it.
    #[error("{path}: {errno}")]
    Refused {
        /// Path from the root.
        path: String,
        /// Why.
        errno: Errno,
    },
    /// A part of it is damaged or missing.
    #[error(transparent)]
    Damaged(#[from] Damaged),
}

impl SnapshotError {
    fn refused(path: &str, errno: Errno) -> SnapshotError {
        SnapshotError::Refused {
            path: path.to_owned(),
            errno,
        }
    }
}

impl From<Damage> for SnapshotError {
    fn from(damage: Damage) -> SnapshotError {
        Damaged {
            path: "/".into(),
            damage,
        }
        .into()
    }
}
