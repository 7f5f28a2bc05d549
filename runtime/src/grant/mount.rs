//! Mounts: which files appear where.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use glovebox_tree::Tree;

use crate::fs::Image;
use crate::fs::node::Directory;

/// One place in the sandbox's tree of files.
#[derive(Debug, Clone)]
pub struct Mount {
    /// Absolute path inside the sandbox, for example `/workspace`.
    pub at: String,
    /// What is seen there.
    pub source: MountSource,
    /// Whether it can be changed.
    pub access: Access,
}

/// Where a mount's files come from.
#[derive(Debug, Clone)]
pub enum MountSource {
    /// A directory of the host. Nothing outside it is reachable, whatever the guest's paths or symlinks say.
    HostDirectory(PathBuf),
    /// A tree of files in memory, shared by all who mount it. Always read-only.
    Image(Arc<Image>),
    /// A directory of a versioned tree. Where it is mounted to be changed, the sandbox's limits become the tree's
    /// own; so a sandbox has one such tree at most, and a tree one such sandbox at a time. [`crate::Files`] makes the
    /// usual mounts.
    Tree {
        /// The tree.
        tree: Arc<Tree>,
        /// Path from the tree's root, beginning with a slash.
        directory: String,
    },
    /// Whatever the embedder makes of [`Directory`].
    Backend(Backend),
}

/// A backend of the embedder's. What it holds is not counted by the sandbox's limits; it has its own, or none.
#[derive(Clone)]
pub struct Backend {
    /// What it is called where mounts are listed, in one word.
    pub kind: &'static str,
    /// Where its files begin.
    pub root: Arc<dyn Directory>,
}

impl fmt::Debug for Backend {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Backend").field(&self.kind).finish()
    }
}

/// What may be done with a mount's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Look.
    ReadOnly,
    /// Look, change, create, remove.
    ReadWrite,
}

impl Mount {
    /// The mount that both allow, if both mount the same source at the same path.
    pub(super) fn narrow(&self, by: &Mount) -> Option<Mount> {
        let same = match (&self.source, &by.source) {
            (MountSource::HostDirectory(a), MountSource::HostDirectory(b)) => a == b,
            (MountSource::Image(a), MountSource::Image(b)) => Arc::ptr_eq(a, b),
            (
                MountSource::Tree { tree, directory },
                MountSource::Tree {
                    tree: other,
                    directory: elsewhere,
                },
            ) => Arc::ptr_eq(tree, other) && directory == elsewhere,
            (MountSource::Backend(a), MountSource::Backend(b)) => Arc::ptr_eq(&a.root, &b.root),
            _ => false,
        };
        (same && self.at == by.at).then(|| Mount {
            access: self.access.min(by.access),
            ..self.clone()
        })
    }
}
