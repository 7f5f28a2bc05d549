//! A handle to an open file.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use bytes::Bytes;

use super::inode::{Data, Ino, NewTimes, Stat};
use super::quota::Usage;
use super::{FILE_BYTES_MAX, State, Tree};
use crate::Errno;
use crate::errno::Fault;

/// No single read gives more.
const READ_BYTES_MAX: usize = 1 << 20;

/// An open file. It goes on working when it is renamed or removed; the bytes of a removed one are given back when the
/// last handle is dropped.
pub struct File {
    tree: Arc<Tree>,
    ino: Ino,
}

impl File {
    /// The tree is locked, so that the file is there.
    pub(super) fn open(tree: Arc<Tree>, ino: Ino) -> File {
        *tree.opened().entry(ino).or_default() += 1;
        File { tree, ino }
    }

    fn told<T>(&self, result: Result<T, Fault>) -> Result<T, Errno> {
        result.map_err(|fault| self.tree.told_of(self.ino, None, fault))
    }

    /// At most `length` bytes from `offset`, at least one unless it is the end. Gives what is at hand without copying
    /// where that is much.
    pub fn read_at(&self, offset: u64, length: usize) -> Result<Bytes, Errno> {
        if i64::try_from(offset).is_err() {
            return Err(Errno::Invalid);
        }
        let piece = {
            let state = self.tree.read();
            match state
                .inode(self.ino)
                .map(|inode| inode.map(|inode| &inode.data))
            {
                Ok(Some(Data::File(content))) => content.piece(offset, length.min(READ_BYTES_MAX)),
                Ok(_) => return Err(Errno::NoEntry),
                Err(Fault::Damage(damage)) => Err(damage),
                Err(Fault::Errno(errno)) => return Err(errno),
            }
        };
        // What has to be fetched is fetched while nobody waits for the tree.
        let bytes = self.told(piece.and_then(|piece| piece.bytes()).map_err(Fault::from))?;
        self.tree.store.relieve();
        Ok(bytes)
    }

    /// What is known about it.
    pub fn stat(&self) -> Result<Stat, Errno> {
        let stat = self
            .tree
            .read()
            .inode(self.ino)
            .map(|inode| inode.map(|inode| inode.stat(self.ino)));
        self.told(stat)?.ok_or(Errno::NoEntry)
    }

    /// Writes and says how much: less than all of it only when a limit was met on the way.
    pub fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<usize, Errno> {
        self.write(Some(offset), bytes)
    }

    /// Writes at the end, wherever that is by then, and says how much.
    pub fn append(&self, bytes: &[u8]) -> Result<usize, Errno> {
        self.write(None, bytes)
    }

    fn write(&self, offset: Option<u64>, bytes: &[u8]) -> Result<usize, Errno> {
        let written = {
            let mut state = self.tree.write();
            self.write_counted(&mut state, offset, bytes)
        };
        self.tree.store.relieve();
        self.told(written)
    }

    fn write_counted(
        &self,
        state: &mut State,
        offset: Option<u64>,
        bytes: &[u8],
    ) -> Result<usize, Fault> {
        let size = state.inode(self.ino)?.ok_or(Errno::NoEntry)?.size();
        let offset = offset.unwrap_or(size);
        let length = u64::try_from(bytes.len()).map_err(|_| Errno::Invalid)?;
        if length == 0 {
            return Ok(0);
        }
        let wanted = offset.checked_add(length).ok_or(Errno::FileTooLarge)?;
        let allowed = state
            .quota
            .file_end(size, wanted)
            .min(FILE_BYTES_MAX.max(size));
        if allowed <= offset {
            return Err(Errno::FileTooLarge.into());
        }
        let growth = allowed.saturating_sub(size);
        let granted = if growth == 0 {
            0
        } else {
            state.quota.charge_bytes_up_to(growth).min(growth)
        };
        let end = allowed - (growth - granted);
        let written = if end <= offset {
            Err(Errno::NoSpace.into())
        } else {
            let fits = usize::try_from(end - offset)
                .unwrap_or(bytes.len())
                .min(bytes.len());
            self.change(state, |content, store| {
                content.write(offset, &bytes[..fits], store)
            })
            .map(|()| fits)
        };
        match &written {
            Ok(_) => self.grew(state, granted),
            Err(_) => state.quota.release(Usage {
                bytes: granted,
                files: 0,
            }),
        }
        written
    }

    fn change(
        &self,
        state: &mut State,
        change: impl FnOnce(&mut super::Content, &Arc<crate::Store>) -> Result<(), crate::Damage>,
    ) -> Result<(), Fault> {
        let now = self.tree.store.now();
        let inode = state.inode_mut(self.ino)?.ok_or(Errno::NoEntry)?;
        let Data::File(content) = &mut inode.data else {
            return Err(Errno::Invalid.into());
        };
        change(content, &self.tree.store)?;
        inode.meta.touch(now);
        Ok(())
    }

    /// Keeps the tree's own account: what has no name is not in it.
    fn grew(&self, state: &mut State, bytes: u64) {
        if !state.removed.contains_key(&self.ino) {
            state.version.usage.bytes = state.version.usage.bytes.saturating_add(bytes);
        }
    }

    /// Cuts off, or fills up with zeros that take no room.
    pub fn truncate(&self, size: u64) -> Result<(), Errno> {
        let done = {
            let mut state = self.tree.write();
            self.truncate_counted(&mut state, size)
        };
        self.told(done)
    }

    fn truncate_counted(&self, state: &mut State, size: u64) -> Result<(), Fault> {
        let before = state.inode(self.ino)?.ok_or(Errno::NoEntry)?.size();
        if state.quota.file_end(before, size) < size || size > FILE_BYTES_MAX {
            return Err(Errno::FileTooLarge.into());
        }
        let growth = size.saturating_sub(before);
        if growth > 0 {
            state.quota.charge_bytes(growth)?;
        }
        if let Err(fault) = self.change(state, |content, store| content.truncate(size, store)) {
            state.quota.release(Usage {
                bytes: growth,
                files: 0,
            });
            return Err(fault);
        }
        self.grew(state, growth);
        let freed = before.saturating_sub(size);
        if freed > 0 {
            state.quota.release(Usage {
                bytes: freed,
                files: 0,
            });
            if !state.removed.contains_key(&self.ino) {
                state.version.usage.bytes = state.version.usage.bytes.saturating_sub(freed);
            }
        }
        Ok(())
    }

    /// Sets the permission bits.
    pub fn set_mode(&self, mode: u32) -> Result<(), Errno> {
        self.tree
            .changed(self.ino, |state| self.tree.set_mode(state, self.ino, mode))
    }

    /// Sets the times.
    pub fn set_times(&self, times: NewTimes) -> Result<(), Errno> {
        self.tree.changed(self.ino, |state| {
            self.tree.set_times(state, self.ino, times)
        })
    }

    /// One of its paths from the root, or none if it was removed.
    pub fn path(&self) -> Option<String> {
        let state = self.tree.read();
        let inode = state.version.inode(self.ino).ok()??;
        inode
            .names
            .first()
            .and_then(|place| state.version.path(place).ok())
    }
}

impl Drop for File {
    fn drop(&mut self) {
        if let Entry::Occupied(mut open) = self.tree.opened().entry(self.ino) {
            *open.get_mut() -= 1;
            if *open.get() > 0 {
                return;
            }
            open.remove();
        }
        if self.tree.read().removed.is_empty() {
            return;
        }
        let mut state = self.tree.write();
        if !self.tree.opened().contains_key(&self.ino)
            && let Some(inode) = state.removed.remove(&self.ino)
        {
            state.quota.release(Usage {
                bytes: inode.size(),
                files: 0,
            });
        }
    }
}
