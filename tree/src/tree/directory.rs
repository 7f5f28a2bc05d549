//! A handle to a directory, and what can be asked of one.

use std::sync::Arc;

use super::change::New;
use super::file::File;
use super::inode::{Data, Entry, Ino, Inode, Kind, Meta, NewTimes, ROOT, Stat};
use super::names::valid_name;
use super::{State, Tree};
use crate::Errno;
use crate::errno::Fault;
use crate::map::Cursor;

/// Whether opening may create, and with which permission bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Create {
    /// It must be there.
    Never,
    /// It is created when missing.
    IfMissing(u32),
    /// It must not be there.
    Exclusively(u32),
}

/// How to open an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenHow {
    /// For writing. A directory is then refused with `IsDirectory`.
    pub write: bool,
    /// Whether it may be created.
    pub create: Create,
    /// Whether a file is to be emptied.
    pub truncate: bool,
    /// Anything but a directory is refused with `NotDirectory`.
    pub directory: bool,
}

/// What a name stands for.
pub enum Found {
    /// A file, now open.
    File(File),
    /// A directory.
    Directory(Directory),
    /// A symlink and its target, for the caller to follow.
    Link(Arc<str>),
}

/// A directory. It stays usable when it is renamed; when it is removed it is empty and nothing can be created in it.
#[derive(Clone)]
pub struct Directory {
    pub(super) tree: Arc<Tree>,
    pub(super) ino: Ino,
    /// What was known of it, for when it is removed.
    meta: Option<Meta>,
}

impl Directory {
    pub(super) fn new(tree: Arc<Tree>, ino: Ino, meta: Option<Meta>) -> Directory {
        Directory { tree, ino, meta }
    }

    /// The tree it is in.
    pub fn tree(&self) -> &Arc<Tree> {
        &self.tree
    }

    fn run<T>(&self, name: &str, act: impl FnOnce() -> Result<T, Fault>) -> Result<T, Errno> {
        valid_name(name)?;
        act().map_err(|fault| self.tree.told_of(self.ino, Some(name), fault))
    }

    /// An entry that must be there.
    pub(super) fn existing(&self, state: &State, name: &str) -> Result<Entry, Fault> {
        Ok(state.version.entry(self.ino, name)?.ok_or(Errno::NoEntry)?)
    }

    fn with<T>(
        &self,
        name: &str,
        act: impl FnOnce(Ino, &Inode) -> Result<T, Fault>,
    ) -> Result<T, Errno> {
        self.run(name, || {
            let state = self.tree.read();
            let entry = self.existing(&state, name)?;
            act(entry.ino, state.version.target(&entry)?)
        })
    }

    /// Steps into a directory, or gives back the symlink. Anything else is `NotDirectory`.
    pub fn enter(&self, name: &str) -> Result<Found, Errno> {
        self.with(name, |ino, inode| match &inode.data {
            Data::Directory(_) => Ok(Found::Directory(self.child(ino, inode))),
            Data::Symlink(target) => Ok(Found::Link(target.clone())),
            Data::File(_) => Err(Errno::NotDirectory.into()),
        })
    }

    fn child(&self, ino: Ino, inode: &Inode) -> Directory {
        Directory::new(self.tree.clone(), ino, Some(inode.meta))
    }

    /// What is known about an entry, symlinks not followed.
    pub fn stat_entry(&self, name: &str) -> Result<Stat, Errno> {
        self.with(name, |ino, inode| Ok(inode.stat(ino)))
    }

    /// A symlink's target. `Invalid` when it is none.
    pub fn read_link(&self, name: &str) -> Result<Arc<str>, Errno> {
        self.with(name, |_, inode| match &inode.data {
            Data::Symlink(target) => Ok(target.clone()),
            _ => Err(Errno::Invalid.into()),
        })
    }

    /// Opens an entry, or gives back the symlink it is.
    pub fn open(&self, name: &str, how: &OpenHow) -> Result<Found, Errno> {
        let file = match self.run(name, || self.open_existing(name, how))? {
            Some(Found::File(file)) => file,
            Some(found) => return Ok(found),
            None => match self.run(name, || self.open_new(name, how))? {
                Found::File(file) => file,
                found => return Ok(found),
            },
        };
        if how.truncate {
            file.truncate(0)?;
        }
        Ok(Found::File(file))
    }

    /// None if it is not there and may be created.
    fn open_existing(&self, name: &str, how: &OpenHow) -> Result<Option<Found>, Fault> {
        let state = self.tree.read();
        match (state.version.entry(self.ino, name)?, how.create) {
            (None, Create::Never) => Err(Errno::NoEntry.into()),
            (None, _) => Ok(None),
            (Some(_), Create::Exclusively(_)) => Err(Errno::Exist.into()),
            (Some(entry), _) => self.open_entry(&state, entry, how).map(Some),
        }
    }

    fn open_new(&self, name: &str, how: &OpenHow) -> Result<Found, Fault> {
        let (Create::IfMissing(mode) | Create::Exclusively(mode)) = how.create else {
            return Err(Errno::NoEntry.into());
        };
        let mut state = self.tree.write();
        match state.version.entry(self.ino, name)? {
            Some(entry) if matches!(how.create, Create::IfMissing(_)) => {
                self.open_entry(&state, entry, how)
            }
            _ => {
                let ino = self.tree.add(&mut state, self.ino, name, New::File, mode)?;
                Ok(Found::File(File::open(self.tree.clone(), ino)))
            }
        }
    }

    /// The tree is locked, so that what is opened cannot be removed meanwhile.
    fn open_entry(&self, state: &State, entry: Entry, how: &OpenHow) -> Result<Found, Fault> {
        let inode = state.version.target(&entry)?;
        match &inode.data {
            Data::Symlink(target) => Ok(Found::Link(target.clone())),
            Data::Directory(_) if how.write || how.truncate => Err(Errno::IsDirectory.into()),
            Data::Directory(_) => Ok(Found::Directory(self.child(entry.ino, inode))),
            Data::File(_) if how.directory => Err(Errno::NotDirectory.into()),
            Data::File(_) => Ok(Found::File(File::open(self.tree.clone(), entry.ino))),
        }
    }

    /// Its entries as they are now, by name, whatever becomes of them.
    pub fn list(&self) -> Result<Entries, Errno> {
        let state = self.tree.read();
        let cursor = match state.version.entries(self.ino) {
            Ok(entries) => Ok(Some(entries.cursor())),
            Err(Fault::Errno(Errno::NoEntry)) => Ok(None),
            Err(fault) => Err(fault),
        };
        drop(state);
        let cursor = cursor.map_err(|fault| self.tree.told_of(self.ino, None, fault))?;
        Ok(Entries {
            tree: self.tree.clone(),
            directory: self.ino,
            cursor,
        })
    }

    /// What is known about it.
    pub fn stat(&self) -> Result<Stat, Errno> {
        let found = self
            .tree
            .read()
            .version
            .inode(self.ino)
            .map(|inode| inode.map(|inode| inode.stat(self.ino)));
        match (found, self.meta) {
            (Ok(Some(stat)), _) => Ok(stat),
            (Ok(None), None) => Err(Errno::NoEntry),
            (Ok(None), Some(meta)) => Ok(Stat {
                kind: Kind::Directory,
                mode: meta.mode,
                size: 0,
                links: 0,
                ino: self.ino,
                accessed: meta.accessed,
                modified: meta.modified,
                changed: meta.changed,
            }),
            (Err(fault), _) => Err(self.tree.told_of(self.ino, None, fault)),
        }
    }

    /// Creates a directory with these permission bits.
    pub fn create_directory(&self, name: &str, mode: u32) -> Result<(), Errno> {
        self.run(name, || {
            self.tree
                .add(&mut self.tree.write(), self.ino, name, New::Directory, mode)
                .map(drop)
        })
    }

    /// Creates a symlink. The target is not looked at.
    pub fn symlink(&self, name: &str, target: &str) -> Result<(), Errno> {
        self.run(name, || {
            self.tree
                .add(
                    &mut self.tree.write(),
                    self.ino,
                    name,
                    New::Symlink(target),
                    0o777,
                )
                .map(drop)
        })
    }

    /// Removes an empty directory.
    pub fn remove_directory(&self, name: &str) -> Result<(), Errno> {
        self.run(name, || {
            let mut state = self.tree.write();
            let entry = self.existing(&state, name)?;
            if entry.kind != Kind::Directory {
                return Err(Errno::NotDirectory.into());
            }
            if !state.version.entries(entry.ino)?.is_empty()? {
                return Err(Errno::NotEmpty.into());
            }
            self.tree.remove(&mut state, self.ino, name, entry)
        })
    }

    /// Removes anything but a directory.
    pub fn remove_file(&self, name: &str) -> Result<(), Errno> {
        self.run(name, || {
            let mut state = self.tree.write();
            let entry = self.existing(&state, name)?;
            if entry.kind == Kind::Directory {
                return Err(Errno::IsDirectory.into());
            }
            self.tree.remove(&mut state, self.ino, name, entry)
        })
    }

    /// Moves an entry, replacing what is at `to_name` as POSIX has it. `CrossDevice` when `to` is another tree's.
    pub fn rename(&self, name: &str, to: &Directory, to_name: &str) -> Result<(), Errno> {
        self.same_tree(to)?;
        valid_name(to_name)?;
        self.run(name, || {
            self.tree
                .rename(&mut self.tree.write(), (self.ino, name), (to.ino, to_name))
        })
    }

    /// Gives a file another name. `CrossDevice` when `to` is another tree's.
    pub fn link(&self, name: &str, to: &Directory, to_name: &str) -> Result<(), Errno> {
        self.same_tree(to)?;
        valid_name(to_name)?;
        self.run(name, || {
            let mut state = self.tree.write();
            let entry = self.existing(&state, name)?;
            self.tree.link(&mut state, entry, to.ino, to_name)
        })
    }

    fn same_tree(&self, to: &Directory) -> Result<(), Errno> {
        if Arc::ptr_eq(&self.tree, &to.tree) {
            Ok(())
        } else {
            Err(Errno::CrossDevice)
        }
    }

    /// Sets an entry's permission bits. A symlink is refused with `NotSupported`.
    pub fn set_entry_mode(&self, name: &str, mode: u32) -> Result<(), Errno> {
        self.run(name, || {
            let mut state = self.tree.write();
            let entry = self.existing(&state, name)?;
            if entry.kind == Kind::Symlink {
                return Err(Errno::NotSupported.into());
            }
            self.tree.set_mode(&mut state, entry.ino, mode)
        })
    }

    /// Sets an entry's times; a symlink's own.
    pub fn set_entry_times(&self, name: &str, times: NewTimes) -> Result<(), Errno> {
        self.run(name, || {
            let mut state = self.tree.write();
            let entry = self.existing(&state, name)?;
            self.tree.set_times(&mut state, entry.ino, times)
        })
    }

    /// Sets its own permission bits.
    pub fn set_mode(&self, mode: u32) -> Result<(), Errno> {
        self.tree
            .changed(self.ino, |state| self.tree.set_mode(state, self.ino, mode))
    }

    /// Sets its own times.
    pub fn set_times(&self, times: NewTimes) -> Result<(), Errno> {
        self.tree.changed(self.ino, |state| {
            self.tree.set_times(state, self.ino, times)
        })
    }

    /// Its path from the root, or none if it was removed.
    pub fn path(&self) -> Option<String> {
        let state = self.tree.read();
        match (self.ino, state.version.inode(self.ino)) {
            (ROOT, _) => Some("/".to_owned()),
            (_, Ok(Some(inode))) => inode
                .names
                .first()
                .and_then(|place| state.version.path(place).ok()),
            _ => None,
        }
    }
}

/// A directory's entries.
pub struct Entries {
    tree: Arc<Tree>,
    directory: Ino,
    cursor: Option<Cursor<Arc<str>, Entry>>,
}

impl Iterator for Entries {
    type Item = Result<(Arc<str>, Kind), Errno>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.cursor.as_mut()?.next() {
            Ok(Some((name, entry))) => Some(Ok((name, entry.kind))),
            Ok(None) => None,
            Err(damage) => {
                self.cursor = None;
                Some(Err(self.tree.told_of(self.directory, None, damage.into())))
            }
        }
    }
}
