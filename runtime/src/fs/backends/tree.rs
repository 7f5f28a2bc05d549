//! A versioned tree: what a session's own files live in.
//!
//! The tree does the work; here its handles become a mount's directories and files, and the sandbox's ledger becomes
//! its quota. Whoever made the tree can take snapshots of it at any moment.

use std::any::Any;
use std::sync::Arc;

use bytes::Bytes;
use glovebox_tree as tree;

use crate::fs::node::{
    Create, Directory, Entered, Entry, File, Kind, Listing, NewTime, NewTimes, OpenEntry, Opened,
    Stat, Timestamp,
};
use crate::fs::{Errno, Ledger, Name};

/// A directory of a tree, to be mounted. `directory` is a path from the tree's root; nothing in it is followed.
pub(in crate::fs) fn open(
    tree: &Arc<tree::Tree>,
    directory: &str,
) -> Result<Arc<dyn Directory>, Errno> {
    Ok(Arc::new(TreeDirectory(tree.directory(directory)?)))
}

/// Charges what is in a tree to the ledger from now on, and to no other.
pub(in crate::fs) fn charge(tree: &tree::Tree, ledger: &Arc<Ledger>) {
    tree.set_quota(Arc::new(LedgerQuota(ledger.clone())));
}

struct LedgerQuota(Arc<Ledger>);

impl tree::Quota for LedgerQuota {
    fn note_existing(&self, usage: tree::Usage) {
        self.0.note_existing(usage.bytes, usage.files);
    }

    fn charge_bytes_up_to(&self, wanted: u64) -> u64 {
        self.0.charge_bytes_up_to(wanted)
    }

    fn charge_bytes(&self, wanted: u64) -> Result<(), tree::Errno> {
        self.0
            .charge_bytes(wanted)
            .map_err(|_| tree::Errno::NoSpace)
    }

    fn charge_file(&self) -> Result<(), tree::Errno> {
        self.0.charge_file().map_err(|_| tree::Errno::NoSpace)
    }

    fn release(&self, usage: tree::Usage) {
        self.0.release_bytes(usage.bytes);
        self.0.release_files(usage.files);
    }

    fn file_end(&self, size: u64, end: u64) -> u64 {
        self.0.file_end(size, end)
    }
}

struct TreeDirectory(tree::Directory);

impl TreeDirectory {
    /// The directory of a tree that `to` is.
    fn of(to: &dyn Directory) -> Result<&tree::Directory, Errno> {
        (to as &dyn Any)
            .downcast_ref::<TreeDirectory>()
            .map(|to| &to.0)
            .ok_or(Errno::CrossDevice)
    }
}

impl Directory for TreeDirectory {
    fn enter(&self, name: Name<'_>) -> Result<Entered, Errno> {
        match self.0.enter(name.as_str())? {
            tree::Found::Directory(directory) => {
                Ok(Entered::Directory(Arc::new(TreeDirectory(directory))))
            }
            tree::Found::Link(target) => Ok(Entered::Link(target.to_string())),
            tree::Found::File(_) => Err(Errno::NotDirectory),
        }
    }

    fn stat_entry(&self, name: Name<'_>) -> Result<Stat, Errno> {
        Ok(self.0.stat_entry(name.as_str())?.into())
    }

    fn open(&self, name: Name<'_>, how: &OpenEntry) -> Result<Opened, Errno> {
        let how = tree::OpenHow {
            write: how.write,
            create: match how.create {
                Create::Never => tree::Create::Never,
                Create::IfMissing(mode) => tree::Create::IfMissing(mode),
                Create::Exclusively(mode) => tree::Create::Exclusively(mode),
            },
            truncate: how.truncate,
            directory: how.directory,
        };
        Ok(match self.0.open(name.as_str(), &how)? {
            tree::Found::File(file) => Opened::File(Arc::new(TreeFile(file))),
            tree::Found::Directory(directory) => {
                Opened::Directory(Arc::new(TreeDirectory(directory)))
            }
            tree::Found::Link(target) => Opened::Link(target.to_string()),
        })
    }

    fn read_link(&self, name: Name<'_>) -> Result<String, Errno> {
        Ok(self.0.read_link(name.as_str())?.to_string())
    }

    fn list(&self) -> Result<Listing, Errno> {
        Ok(Box::new(self.0.list()?.map(|entry| {
            let (name, kind) = entry?;
            Ok(Entry {
                name: name.to_string(),
                kind: kind.into(),
            })
        })))
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(self.0.stat()?.into())
    }

    fn create_directory(&self, name: Name<'_>, mode: u32) -> Result<(), Errno> {
        Ok(self.0.create_directory(name.as_str(), mode)?)
    }

    fn remove_directory(&self, name: Name<'_>) -> Result<(), Errno> {
        Ok(self.0.remove_directory(name.as_str())?)
    }

    fn remove_file(&self, name: Name<'_>) -> Result<(), Errno> {
        Ok(self.0.remove_file(name.as_str())?)
    }

    fn rename(&self, name: Name<'_>, to: &dyn Directory, to_name: Name<'_>) -> Result<(), Errno> {
        Ok(self
            .0
            .rename(name.as_str(), TreeDirectory::of(to)?, to_name.as_str())?)
    }

    fn link(&self, name: Name<'_>, to: &dyn Directory, to_name: Name<'_>) -> Result<(), Errno> {
        Ok(self
            .0
            .link(name.as_str(), TreeDirectory::of(to)?, to_name.as_str())?)
    }

    fn symlink(&self, name: Name<'_>, target: &str) -> Result<(), Errno> {
        Ok(self.0.symlink(name.as_str(), target)?)
    }

    fn set_entry_mode(&self, name: Name<'_>, mode: u32) -> Result<(), Errno> {
        Ok(self.0.set_entry_mode(name.as_str(), mode)?)
    }

    fn set_entry_times(&self, name: Name<'_>, times: NewTimes) -> Result<(), Errno> {
        Ok(self.0.set_entry_times(name.as_str(), times.into())?)
    }

    fn set_mode(&self, mode: u32) -> Result<(), Errno> {
        Ok(self.0.set_mode(mode)?)
    }

    fn set_times(&self, times: NewTimes) -> Result<(), Errno> {
        Ok(self.0.set_times(times.into())?)
    }
}

struct TreeFile(tree::File);

impl File for TreeFile {
    fn read_at(&self, offset: u64, length: usize) -> Result<Bytes, Errno> {
        Ok(self.0.read_at(offset, length)?)
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(self.0.stat()?.into())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<usize, Errno> {
        Ok(self.0.write_at(offset, bytes)?)
    }

    fn append(&self, bytes: &[u8]) -> Result<usize, Errno> {
        Ok(self.0.append(bytes)?)
    }

    fn truncate(&self, size: u64) -> Result<(), Errno> {
        Ok(self.0.truncate(size)?)
    }

    fn set_mode(&self, mode: u32) -> Result<(), Errno> {
        Ok(self.0.set_mode(mode)?)
    }

    fn set_times(&self, times: NewTimes) -> Result<(), Errno> {
        Ok(self.0.set_times(times.into())?)
    }
}

impl From<tree::Errno> for Errno {
    fn from(errno: tree::Errno) -> Errno {
        match errno {
            tree::Errno::CrossDevice => Errno::CrossDevice,
            tree::Errno::Exist => Errno::Exist,
            tree::Errno::FileTooLarge => Errno::FileTooLarge,
            tree::Errno::Invalid => Errno::Invalid,
            tree::Errno::Io => Errno::Io,
            tree::Errno::IsDirectory => Errno::IsDirectory,
            tree::Errno::NameTooLong => Errno::NameTooLong,
            tree::Errno::NoEntry => Errno::NoEntry,
            tree::Errno::NoSpace => Errno::NoSpace,
            tree::Errno::NotDirectory => Errno::NotDirectory,
            tree::Errno::NotEmpty => Errno::NotEmpty,
            tree::Errno::NotPermitted => Errno::NotPermitted,
            tree::Errno::NotSupported => Errno::NotSupported,
            tree::Errno::TooManyLinks => Errno::TooManyLinks,
        }
    }
}

impl From<tree::Kind> for Kind {
    fn from(kind: tree::Kind) -> Kind {
        match kind {
            tree::Kind::File => Kind::File,
            tree::Kind::Directory => Kind::Directory,
            tree::Kind::Symlink => Kind::Symlink,
        }
    }
}

impl From<tree::Stat> for Stat {
    fn from(stat: tree::Stat) -> Stat {
        let moment = |time: tree::Timestamp| Timestamp {
            seconds: time.seconds,
            nanoseconds: time.nanoseconds,
        };
        Stat {
            kind: stat.kind.into(),
            mode: stat.mode,
            size: stat.size,
            links: stat.links,
            inode: stat.ino,
            device: 0,
            accessed: moment(stat.accessed),
            modified: moment(stat.modified),
            changed: moment(stat.changed),
        }
    }
}

impl From<NewTimes> for tree::NewTimes {
    fn from(times: NewTimes) -> tree::NewTimes {
        let new = |time| match time {
            NewTime::Keep => tree::NewTime::Keep,
            NewTime::Now => tree::NewTime::Now,
            NewTime::At(Timestamp {
                seconds,
                nanoseconds,
            }) => tree::NewTime::At(tree::Timestamp {
                seconds,
                nanoseconds,
            }),
        };
        tree::NewTimes {
            accessed: new(times.accessed),
            modified: new(times.modified),
        }
    }
}
