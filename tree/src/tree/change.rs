//! Adding, removing, linking, and what is known about a file.
//!
//! Everything that may fail is looked at before anything is changed, and counted before anything is allocated.

use std::sync::Arc;

use super::content::Content;
use super::inode::{
    Data, Entry, Ino, Inode, Kind, Meta, NewTime, NewTimes, Timestamp, valid_target,
};
use super::names::Names;
use super::quota::Usage;
use super::{DEPTH_MAX, LINKS_MAX, State, Tree};
use crate::Errno;
use crate::errno::Fault;
use crate::map::Map;

const ONE_FILE: Usage = Usage { bytes: 0, files: 1 };

/// What is to be added.
pub(super) enum New<'a> {
    File,
    Directory,
    Symlink(&'a str),
}

impl Tree {
    /// Adds a file, directory or symlink.
    pub(super) fn add(
        &self,
        state: &mut State,
        parent: Ino,
        name: &str,
        new: New<'_>,
        mode: u32,
    ) -> Result<Ino, Fault> {
        let version = &mut state.version;
        if version.entry(parent, name)?.is_some() {
            return Err(Errno::Exist.into());
        }
        let data = match new {
            New::File => Data::File(Content::empty()),
            New::Directory if version.depth(parent)? >= DEPTH_MAX => {
                return Err(Errno::NameTooLong.into());
            }
            New::Directory => Data::Directory(Map::new()),
            New::Symlink(target) => {
                valid_target(target)?;
                Data::Symlink(target.into())
            }
        };
        let ino = version.next;
        version.inode(ino)?;
        state.quota.charge_file()?;
        let name: Arc<str> = name.into();
        let now = self.store.now();
        let kind = match &data {
            Data::File(_) => Kind::File,
            Data::Directory(_) => Kind::Directory,
            Data::Symlink(_) => Kind::Symlink,
        };
        let inode = Inode {
            meta: Meta::new(mode, now),
            names: Names::one(parent, name.clone()),
            data,
        };
        version.next += 1;
        version.usage.files = version.usage.files.saturating_add(1);
        version.inodes.insert(ino, Arc::new(inode))?;
        let (meta, entries) = state.directory_mut(parent)?;
        meta.touch(now);
        entries.insert(name, Entry { ino, kind })?;
        Ok(ino)
    }

    /// Removes an entry that is there, and with its last name the file.
    pub(super) fn remove(
        &self,
        state: &mut State,
        parent: Ino,
        name: &str,
        entry: Entry,
    ) -> Result<(), Fault> {
        state.version.target(&entry)?;
        let now = self.store.now();
        let (meta, entries) = state.directory_mut(parent)?;
        entries.remove(name)?;
        meta.touch(now);
        state.version.usage.files = state.version.usage.files.saturating_sub(1);
        state.quota.release(ONE_FILE);
        self.unname(state, entry.ino, (parent, name), now)
    }

    /// Takes a name from a file. One without any leaves the table; its bytes are given back when nobody has it open.
    pub(super) fn unname(
        &self,
        state: &mut State,
        ino: Ino,
        place: (Ino, &str),
        now: Timestamp,
    ) -> Result<(), Fault> {
        let Some(inode) = state.inode_mut(ino)? else {
            return Ok(());
        };
        inode.names.remove(place.0, place.1);
        inode.meta.changed = now;
        if inode.names.first().is_some() {
            return Ok(());
        }
        let Some(inode) = state.version.inodes.remove(&ino)? else {
            return Ok(());
        };
        let bytes = inode.size();
        state.version.usage.bytes = state.version.usage.bytes.saturating_sub(bytes);
        if self.opened().contains_key(&ino) {
            state.removed.insert(ino, inode);
        } else {
            state.quota.release(Usage { bytes, files: 0 });
        }
        Ok(())
    }

    /// Gives a file another name.
    pub(super) fn link(
        &self,
        state: &mut State,
        entry: Entry,
        to: Ino,
        to_name: &str,
    ) -> Result<(), Fault> {
        if state.version.entry(to, to_name)?.is_some() {
            return Err(Errno::Exist.into());
        }
        if entry.kind == Kind::Directory {
            return Err(Errno::NotPermitted.into());
        }
        if state.version.target(&entry)?.names.iter().count() >= LINKS_MAX {
            return Err(Errno::TooManyLinks.into());
        }
        state.quota.charge_file()?;
        let name: Arc<str> = to_name.into();
        let now = self.store.now();
        state.version.usage.files = state.version.usage.files.saturating_add(1);
        if let Some(inode) = state.inode_mut(entry.ino)? {
            inode.names.add(to, name.clone());
            inode.meta.changed = now;
        }
        let (meta, entries) = state.directory_mut(to)?;
        meta.touch(now);
        entries.insert(name, entry)?;
        Ok(())
    }

    pub(super) fn set_mode(&self, state: &mut State, ino: Ino, mode: u32) -> Result<(), Fault> {
        let inode = state.inode_mut(ino)?.ok_or(Errno::NoEntry)?;
        inode.meta.mode = mode & 0o7777;
        inode.meta.changed = self.store.now();
        Ok(())
    }

    pub(super) fn set_times(
        &self,
        state: &mut State,
        ino: Ino,
        times: NewTimes,
    ) -> Result<(), Fault> {
        let now = self.store.now();
        let new = |time: NewTime, before: Timestamp| match time {
            NewTime::Keep => Ok(before),
            NewTime::Now => Ok(now),
            // What a manifest can hold, and ext4 too.
            NewTime::At(moment)
                if moment.nanoseconds < 1_000_000_000 && moment.seconds < 1 << 34 =>
            {
                Ok(moment)
            }
            NewTime::At(moment) if moment.nanoseconds < 1_000_000_000 => Ok(Timestamp {
                seconds: (1 << 34) - 1,
                nanoseconds: 0,
            }),
            NewTime::At(_) => Err(Errno::Invalid),
        };
        let inode = state.inode_mut(ino)?.ok_or(Errno::NoEntry)?;
        let accessed = new(times.accessed, inode.meta.accessed)?;
        inode.meta.modified = new(times.modified, inode.meta.modified)?;
        inode.meta.accessed = accessed;
        inode.meta.changed = now;
        Ok(())
    }

    /// Runs a change of what is known about `ino`.
    pub(super) fn changed<T>(
        &self,
        ino: Ino,
        act: impl FnOnce(&mut State) -> Result<T, Fault>,
    ) -> Result<T, Errno> {
        let result = act(&mut self.write());
        result.map_err(|fault| self.told_of(ino, None, fault))
    }

    /// What a program is told of a fault with a file, or with an entry of a directory. The tree must not be locked.
    pub(super) fn told_of(&self, ino: Ino, name: Option<&str>, fault: Fault) -> Errno {
        match fault {
            Fault::Errno(errno) => errno,
            Fault::Damage(_) => {
                let place = name.map(|name| (ino, Arc::from(name)));
                let state = self.read();
                let path = match &place {
                    Some(place) => state.version.path_for_people(Some(place)),
                    None => state.version.path_of(ino),
                };
                drop(state);
                self.told(&path, fault)
            }
        }
    }
}
