//! The files of one mount that are open at the moment.
//!
//! Two reasons to know: writers of one file take turns, so that its growth is charged exactly; and the bytes of a file
//! that was removed while open are given back when the last one closes it, not before.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Device and inode number.
pub(super) type Key = (u64, u64);

/// What the open descriptions of one file share.
pub(super) struct Inode {
    key: Key,
    removed: AtomicBool,
    writing: Mutex<()>,
}

impl Inode {
    /// The turn to write or truncate.
    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its last name is gone; whoever closes it last gives its bytes back.
    pub(super) fn mark_removed(&self) {
        self.removed.store(true, Ordering::Relaxed);
    }
}

/// What closing one description of a file meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closed {
    /// Nothing: it is open elsewhere, or still has a name.
    Kept,
    /// It was the last of a removed file: its bytes are to be given back.
    Gone,
}

/// All open files of one mount.
#[derive(Default)]
pub(super) struct Inodes(Mutex<HashMap<Key, Weak<Inode>>>);

impl Inodes {
    /// The entry of a file just opened.
    pub(super) fn open(&self, key: Key) -> Arc<Inode> {
        let mut open = self.lock();
        if let Some(inode) = open.get(&key).and_then(Weak::upgrade) {
            return inode;
        }
        let inode = Arc::new(Inode {
            key,
            removed: AtomicBool::new(false),
            writing: Mutex::new(()),
        });
        open.insert(key, Arc::downgrade(&inode));
        inode
    }

    /// Closes one description.
    pub(super) fn close(&self, inode: Arc<Inode>) -> Closed {
        let mut open = self.lock();
        // Nobody can come by another reference while the table is locked.
        if Arc::strong_count(&inode) > 1 {
            return Closed::Kept;
        }
        open.remove(&inode.key);
        if inode.removed.load(Ordering::Relaxed) {
            Closed::Gone
        } else {
            Closed::Kept
        }
    }

    /// The turn to change names in this mount, and who has the file open.
    pub(super) fn names(&self) -> Names<'_> {
        Names(self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Weak<Inode>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The turn to change names: no file is opened, closed or removed meanwhile.
pub(super) struct Names<'a>(MutexGuard<'a, HashMap<Key, Weak<Inode>>>);

impl Names<'_> {
    /// The file, if it is open.
    pub(super) fn find(&self, key: Key) -> Option<Arc<Inode>> {
        self.0.get(&key).and_then(Weak::upgrade)
    }
}
