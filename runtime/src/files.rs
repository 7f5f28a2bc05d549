//! A sandbox's own files: one versioned tree, seen at every place where a session may write.
//!
//! The tree's paths are the sandbox's, so that differences and archives read as a session sees them. This makes trees
//! and mounts; it neither saves nor loads them, and knows nothing of sandboxes.

use std::fmt;
use std::sync::Arc;

use glovebox_tree::{Found, Snapshot, Store, Tree, Unlimited};

use crate::fs::Errno;
use crate::grant::{Access, Mount, MountSource};

/// Where they are seen, and with which permission bits they are made.
const PLACES: [(&str, u32); 4] = [
    ("/workspace", 0o755),
    ("/home/agent", 0o755),
    ("/tmp", 0o1777),
    ("/mnt/session/outputs", 0o755),
];

/// The files that are a sandbox's own, at `/workspace`, `/home/agent`, `/tmp` and `/mnt/session/outputs`.
///
/// Cloning shares them. No more than one sandbox at a time may have them to change: its limits are theirs. Another one
/// starts from [`Files::snapshot`].
#[derive(Clone)]
pub struct Files(Arc<Tree>);

impl Files {
    /// The places, with nothing in them.
    pub fn new(store: &Arc<Store>) -> Result<Files, Errno> {
        Files::with_places(Tree::new(store, Arc::new(Unlimited)))
    }

    /// A fork: what the snapshot holds, sharing all of it until either is changed. Places it does not have are made.
    /// One that was opened and not looked at yet is read as far as the places.
    pub fn from_snapshot(snapshot: &Snapshot) -> Result<Files, Errno> {
        Files::with_places(Tree::from_snapshot(snapshot, Arc::new(Unlimited)))
    }

    fn with_places(tree: Arc<Tree>) -> Result<Files, Errno> {
        for (place, mode) in PLACES {
            make(&tree, place, mode)?;
        }
        Ok(Files(tree))
    }

    pub(crate) fn of(tree: &Arc<Tree>) -> Files {
        Files(Arc::clone(tree))
    }

    /// The mounts, all of them to be changed.
    pub fn mounts(&self) -> Vec<Mount> {
        let mount = |(place, _): (&str, u32)| Mount {
            at: place.to_owned(),
            source: MountSource::Tree {
                tree: Arc::clone(&self.0),
                directory: place.to_owned(),
            },
            access: Access::ReadWrite,
        };
        PLACES.into_iter().map(mount).collect()
    }

    /// One more place: a directory of the tree, made unless it is there, to be mounted at its own path. What is mounted
    /// read-only, the host changes through [`Files::tree`].
    pub fn place(&self, path: &str, access: Access) -> Result<Mount, Errno> {
        make(&self.0, path, 0o755)?;
        Ok(Mount {
            at: path.to_owned(),
            source: MountSource::Tree {
                tree: Arc::clone(&self.0),
                directory: path.to_owned(),
            },
            access,
        })
    }

    /// The tree.
    pub fn tree(&self) -> &Arc<Tree> {
        &self.0
    }

    /// What is in it at this moment, in constant time.
    pub fn snapshot(&self) -> Snapshot {
        self.0.snapshot()
    }

    /// Goes back, or over, to a snapshot of the same store. Whoever has a file open keeps it, without a name if the
    /// snapshot does not have it.
    pub fn reset(&self, snapshot: &Snapshot) -> Result<(), Errno> {
        self.0.reset(snapshot)?;
        for (place, mode) in PLACES {
            make(&self.0, place, mode)?;
        }
        Ok(())
    }
}

/// Makes a directory and those on the way to it, unless they are there.
fn make(tree: &Arc<Tree>, place: &str, mode: u32) -> Result<(), Errno> {
    let mut at = tree.root();
    let mut names = place.split('/').filter(|name| !name.is_empty()).peekable();
    while let Some(name) = names.next() {
        let mode = if names.peek().is_none() { mode } else { 0o755 };
        let found = match at.enter(name) {
            Err(glovebox_tree::Errno::NoEntry) => {
                at.create_directory(name, mode)?;
                at.enter(name)?
            }
            found => found?,
        };
        at = match found {
            Found::Directory(directory) => directory,
            _ => return Err(Errno::NotDirectory),
        };
    }
    Ok(())
}

impl fmt::Debug for Files {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Files").field(&self.0).finish()
    }
}
