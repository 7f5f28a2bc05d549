//! The live tree: files as programs see them, over a version that can be taken as a snapshot at any moment.
//!
//! All of a tree stands behind one lock. What is known about a file is in a table by number, so that a change touches
//! the file and at most two directories, however deep they are, and a handle goes on working when its file is renamed.
//! A file that was removed while open leaves the table, and with it every later snapshot, and lives on beside it until
//! it is closed.
//!
//! * `inode` is what is known about a file; `content` its bytes.
//! * `directory` and `file` are handles. They take checked names, one at a time; symlinks are handed back, never
//!   followed. `change` and `rename` do what directories are asked to.
//! * [`Snapshot`] is a version that nobody changes.

mod change;
mod content;
mod directory;
mod file;
mod inode;
mod lookup;
mod names;
mod quota;
mod rename;
mod snapshot;

pub use directory::{Create, Directory, Entries, Found, OpenHow};
pub use file::File;
pub use inode::{Ino, Kind, NewTime, NewTimes, Stat, Timestamp};
pub use names::{NAME_BYTES_MAX, valid_name};
pub use quota::{Quota, Unlimited, Usage};
pub use snapshot::{Snapshot, SnapshotError};

pub(crate) use content::Content;
pub(crate) use inode::{Data, Entry, Inode, Meta, ROOT};
#[cfg(test)]
pub(crate) use names::Names;
pub(crate) use names::Place;
pub(crate) use snapshot::Version;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::errno::Fault;
use crate::store::Store;
use crate::{Damaged, Errno};

/// How many directories deep a tree may be: an absolute path cannot name anything deeper (4095 bytes).
pub const DEPTH_MAX: usize = 2048;
/// How many names a file may have.
pub const LINKS_MAX: usize = 1000;
/// How long a file may be: what ext4 allows.
pub const FILE_BYTES_MAX: u64 = (1 << 44) - 4096;
/// How many damaged places are remembered until somebody asks.
const DAMAGE_KEPT_MAX: usize = 64;

/// A tree of files that programs change.
pub struct Tree {
    state: RwLock<State>,
    /// How often each file is open. Locked after `state`.
    open: Mutex<HashMap<Ino, u64>>,
    damage: Mutex<Vec<Damaged>>,
    store: Arc<Store>,
}

/// What is behind the lock.
pub(crate) struct State {
    pub(crate) version: Version,
    /// Files without a name that are still open.
    pub(crate) removed: HashMap<Ino, Arc<Inode>>,
    pub(crate) quota: Arc<dyn Quota>,
}

impl Tree {
    /// A tree with an empty root.
    pub fn new(store: &Arc<Store>, quota: Arc<dyn Quota>) -> Arc<Tree> {
        Tree::with(Version::empty(store.now()), store, quota)
    }

    /// A tree that begins as a snapshot. `quota` is told what is in it.
    pub fn from_snapshot(snapshot: &Snapshot, quota: Arc<dyn Quota>) -> Arc<Tree> {
        quota.note_existing(snapshot.usage());
        Tree::with(snapshot.version().clone(), snapshot.store(), quota)
    }

    fn with(version: Version, store: &Arc<Store>, quota: Arc<dyn Quota>) -> Arc<Tree> {
        Arc::new(Tree {
            state: RwLock::new(State {
                version,
                removed: HashMap::new(),
                quota,
            }),
            open: Mutex::default(),
            damage: Mutex::default(),
            store: store.clone(),
        })
    }

    /// The tree as it is now, as a value. Files that are open but have no name are not in it.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.read().version.clone(), self.store.clone())
    }

    /// Goes back to a snapshot, of this tree or another of the same store. Whoever has a file open keeps what its
    /// number stands for in the snapshot, or the file without a name if it is not in there.
    pub fn reset(&self, snapshot: &Snapshot) -> Result<(), Errno> {
        if !Arc::ptr_eq(snapshot.store(), &self.store) {
            return Err(Errno::CrossDevice);
        }
        let mut state = self.write();
        let before = state.version.usage;
        let mut version = snapshot.version().clone();
        // A number is never given twice to different files of one tree.
        version.next = version.next.max(state.version.next);
        let opened: Vec<Ino> = self.opened().keys().copied().collect();
        let mut kept = Vec::new();
        for ino in opened {
            let told = |fault| self.told("/", fault);
            let then = version.inode(ino).map_err(told)?.is_some();
            let now = state.version.inode(ino).map_err(told)?.cloned();
            kept.extend(now.filter(|_| !then).map(|inode| (ino, inode)));
        }
        // Nothing can fail any more.
        let kept_bytes: u64 = kept.iter().map(|(_, inode)| inode.size()).sum();
        for (ino, inode) in kept {
            state.removed.insert(ino, Arc::new(inode.without_names()));
        }
        state.version = version;
        state.quota.release(Usage {
            bytes: before.bytes.saturating_sub(kept_bytes),
            files: before.files,
        });
        state.quota.note_existing(snapshot.usage());
        Ok(())
    }

    /// From now on asks another quota, which is told of all that is in use; the one before gets it back.
    pub fn set_quota(&self, quota: Arc<dyn Quota>) {
        let mut state = self.write();
        let removed: u64 = state.removed.values().map(|inode| inode.size()).sum();
        let Usage { bytes, files } = state.version.usage;
        let usage = Usage {
            bytes: bytes.saturating_add(removed),
            files,
        };
        quota.note_existing(usage);
        std::mem::replace(&mut state.quota, quota).release(usage);
    }

    /// The root directory.
    pub fn root(self: &Arc<Self>) -> Directory {
        Directory::new(self.clone(), ROOT, None)
    }

    /// The directory at a path from the root. It is taken by the letter: symlinks are `NotDirectory`, and `..` is no
    /// name.
    pub fn directory(self: &Arc<Self>, path: &str) -> Result<Directory, Errno> {
        let mut at = self.root();
        for name in path.split('/').filter(|name| !name.is_empty()) {
            at = match at.enter(name)? {
                Found::Directory(directory) => directory,
                Found::File(_) | Found::Link(_) => return Err(Errno::NotDirectory),
            };
        }
        Ok(at)
    }

    /// What is in use, files without a name not included.
    pub fn usage(&self) -> Usage {
        self.read().version.usage
    }

    /// Where its content lives.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// What was found damaged since this was last asked, at most some dozens of places.
    pub fn take_damage(&self) -> Vec<Damaged> {
        std::mem::take(&mut *self.damage.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn opened(&self) -> MutexGuard<'_, HashMap<Ino, u64>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a program is told of a fault; the rest is remembered.
    pub(crate) fn told(&self, path: &str, fault: Fault) -> Errno {
        match fault {
            Fault::Errno(errno) => errno,
            Fault::Damage(damage) => {
                let mut kept = self.damage.lock().unwrap_or_else(PoisonError::into_inner);
                let damaged = Damaged {
                    path: path.to_owned(),
                    damage,
                };
                if kept.len() < DAMAGE_KEPT_MAX && !kept.contains(&damaged) {
                    kept.push(damaged);
                }
                Errno::Io
            }
        }
    }
}

impl std::fmt::Debug for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tree")
            .field("usage", &self.usage())
            .finish_non_exhaustive()
    }
}
