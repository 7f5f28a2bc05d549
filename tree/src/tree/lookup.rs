//! Finding files in a version, and paths.

use std::sync::Arc;

use super::inode::{Data, Entry, Ino, Inode, ROOT};
use super::names::Place;
use super::{DEPTH_MAX, State, Version};
use crate::errno::Fault;
use crate::map::Map;
use crate::{Damage, Errno};

pub(crate) type EntryMap = Map<Arc<str>, Entry>;

impl Version {
    pub(crate) fn inode(&self, ino: Ino) -> Result<Option<&Arc<Inode>>, Fault> {
        Ok(self.inodes.get(&ino)?)
    }

    /// What an entry stands for. That it stands for nothing is what only a manifest that lies can bring about.
    pub(crate) fn target(&self, entry: &Entry) -> Result<&Arc<Inode>, Fault> {
        match self.inode(entry.ino)? {
            Some(inode) if inode.kind() == entry.kind => Ok(inode),
            _ => Err(Damage::Pack(format!("file {} is not in the table", entry.ino)).into()),
        }
    }

    /// A directory's entries. `NoEntry` for one that was removed.
    pub(crate) fn entries(&self, directory: Ino) -> Result<&EntryMap, Fault> {
        match self.inode(directory)?.map(|inode| &inode.data) {
            Some(Data::Directory(entries)) => Ok(entries),
            Some(_) => Err(Errno::NotDirectory.into()),
            None => Err(Errno::NoEntry.into()),
        }
    }

    pub(crate) fn entry(&self, directory: Ino, name: &str) -> Result<Option<Entry>, Fault> {
        Ok(self.entries(directory)?.get(name)?.copied())
    }

    /// The directory that a directory is in.
    pub(crate) fn parent(&self, ino: Ino) -> Result<Option<Ino>, Fault> {
        Ok(self
            .inode(ino)?
            .and_then(|inode| inode.names.first())
            .map(|(parent, _)| *parent))
    }

    /// How deep a directory is; the root is 0.
    pub(crate) fn depth(&self, directory: Ino) -> Result<usize, Fault> {
        let mut depth = 0;
        let mut ino = directory;
        while ino != ROOT {
            let Some(parent) = self.parent(ino)? else {
                break;
            };
            ino = parent;
            depth += 1;
            // Directories moved into one another may be deeper; nobody asks how much.
            if depth > 2 * DEPTH_MAX {
                break;
            }
        }
        Ok(depth)
    }

    /// The path of a place, from the root.
    pub(crate) fn path(&self, place: &Place) -> Result<String, Fault> {
        let mut names = vec![place.1.clone()];
        let mut ino = place.0;
        let mut length = 0_usize;
        while ino != ROOT {
            let Some((parent, name)) = self.inode(ino)?.and_then(|inode| inode.names.first())
            else {
                break;
            };
            length = length.saturating_add(name.len()).saturating_add(1);
            // A manifest that lies may lead round in circles.
            if length > PATH_BYTES_MAX {
                return Err(Errno::NameTooLong.into());
            }
            names.push(name.clone());
            ino = *parent;
        }
        let mut path = String::with_capacity(length);
        for name in names.iter().rev() {
            path.push('/');
            path.push_str(name);
        }
        Ok(path)
    }

    /// The path of a place, as far as it can be told.
    pub(crate) fn path_for_people(&self, place: Option<&Place>) -> String {
        match place {
            None => "/".to_owned(),
            Some(place) => self
                .path(place)
                .unwrap_or_else(|_| format!("…/{}", place.1)),
        }
    }

    /// The path of a file, as far as it can be told.
    pub(crate) fn path_of(&self, ino: Ino) -> String {
        match self.inode(ino) {
            Ok(Some(inode)) => self.path_for_people(inode.names.first()),
            _ => format!("file {ino}"),
        }
    }
}

/// No path that is told is longer.
const PATH_BYTES_MAX: usize = 1 << 20;

impl State {
    /// A file that has a name or is open.
    pub(crate) fn inode(&self, ino: Ino) -> Result<Option<&Arc<Inode>>, Fault> {
        Ok(self.version.inode(ino)?.or_else(|| self.removed.get(&ino)))
    }

    /// The same to be changed: nobody else's.
    pub(crate) fn inode_mut(&mut self, ino: Ino) -> Result<Option<&mut Inode>, Fault> {
        if self.version.inode(ino)?.is_some() {
            return Ok(self.version.inodes.get_mut(&ino)?.map(Arc::make_mut));
        }
        Ok(self.removed.get_mut(&ino).map(Arc::make_mut))
    }

    /// A directory to be changed, which must be there.
    pub(crate) fn directory_mut(
        &mut self,
        ino: Ino,
    ) -> Result<(&mut super::Meta, &mut EntryMap), Fault> {
        // Looked at first: nothing is copied for what fails.
        self.version.entries(ino)?;
        match self.version.inodes.get_mut(&ino)?.map(Arc::make_mut) {
            Some(Inode {
                meta,
                data: Data::Directory(entries),
                ..
            }) => Ok((meta, entries)),
            _ => Err(Errno::NoEntry.into()),
        }
    }
}
