//! Mounts: which files appear where.

use std::path::PathBuf;
use std::sync::Arc;

use glovebox_tree::Tree;

use crate::fs::Image;

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
    /// A versioned tree. Where it is mounted to be changed, the sandbox's limits become its own; so no more than one
    /// sandbox at a time may mount a tree like that.
    Tree(Arc<Tree>),
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
            (MountSource::Tree(a), MountSource::Tree(b)) => Arc::ptr_eq(a, b),
            _ => false,
        };
        (same && self.at == by.at).then(|| Mount {
            access: self.access.min(by.access),
            ..self.clone()
        })
    }
}
