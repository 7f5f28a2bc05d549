//! Renaming, with Linux's errors in Linux's order.

use std::sync::Arc;

use super::inode::{Ino, Kind, ROOT};
use super::quota::Usage;
use super::{DEPTH_MAX, State, Tree};
use crate::Errno;
use crate::errno::Fault;

impl Tree {
    /// Moves an entry, replacing what is at the new place.
    pub(super) fn rename(
        &self,
        state: &mut State,
        from: (Ino, &str),
        to: (Ino, &str),
    ) -> Result<(), Fault> {
        let version = &state.version;
        let source = version.entry(from.0, from.1)?.ok_or(Errno::NoEntry)?;
        let target = version.entry(to.0, to.1)?;
        version.target(&source)?;
        if source.kind == Kind::Directory && self.is_within(state, to.0, source.ino)? {
            return Err(Errno::Invalid.into());
        }
        if let Some(target) = target {
            if from.0 != to.0
                && target.kind == Kind::Directory
                && self.is_within(state, from.0, target.ino)?
            {
                return Err(Errno::NotEmpty.into());
            }
            if target.ino == source.ino {
                return Ok(());
            }
            version.target(&target)?;
            let full =
                target.kind == Kind::Directory && !version.entries(target.ino)?.is_empty()?;
            match (source.kind, target.kind) {
                (Kind::Directory, Kind::Directory) if full => return Err(Errno::NotEmpty.into()),
                (Kind::Directory, Kind::Directory) => {}
                (Kind::Directory, _) => return Err(Errno::NotDirectory.into()),
                (_, Kind::Directory) => return Err(Errno::IsDirectory.into()),
                _ => {}
            }
        }
        if source.kind == Kind::Directory && from.0 != to.0 && version.depth(to.0)? >= DEPTH_MAX {
            return Err(Errno::NameTooLong.into());
        }
        let now = self.store.now();
        let name: Arc<str> = to.1.into();
        let (meta, entries) = state.directory_mut(from.0)?;
        meta.touch(now);
        entries.remove(from.1)?;
        let (meta, entries) = state.directory_mut(to.0)?;
        meta.touch(now);
        entries.insert(name.clone(), source)?;
        if let Some(inode) = state.inode_mut(source.ino)? {
            inode.names.remove(from.0, from.1);
            inode.names.add(to.0, name);
            inode.meta.changed = now;
        }
        if let Some(target) = target {
            state.version.usage.files = state.version.usage.files.saturating_sub(1);
            state.quota.release(Usage { bytes: 0, files: 1 });
            self.unname(state, target.ino, to, now)?;
        }
        Ok(())
    }

    /// Whether `directory` is `around` or somewhere in it.
    fn is_within(&self, state: &State, directory: Ino, around: Ino) -> Result<bool, Fault> {
        let mut ino = directory;
        // Ends even where a manifest that lies leads round in circles.
        for _ in 0..=state.version.usage.files.saturating_add(1) {
            if ino == around {
                return Ok(true);
            }
            if ino == ROOT {
                return Ok(false);
            }
            match state.version.parent(ino)? {
                Some(parent) => ino = parent,
                None => return Ok(false),
            }
        }
        Ok(false)
    }
}
