//! Why an operation failed: what a program is told, and what the host is.

use crate::blobs::Key;

/// What a program is told, by the POSIX name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Errno {
    /// EXDEV
    #[error("invalid cross-device link")]
    CrossDevice,
    /// EEXIST
    #[error("file exists")]
    Exist,
    /// EFBIG
    #[error("file too large")]
    FileTooLarge,
    /// EINVAL
    #[error("invalid argument")]
    Invalid,
    /// EIO: something that was saved is damaged or missing. [`crate::Tree::take_damage`] says what and where.
    #[error("input/output error")]
    Io,
    /// EISDIR
    #[error("is a directory")]
    IsDirectory,
    /// ENAMETOOLONG
    #[error("file name too long")]
    NameTooLong,
    /// ENOENT
    #[error("no such file or directory")]
    NoEntry,
    /// ENOSPC
    #[error("no space left on device")]
    NoSpace,
    /// ENOTDIR
    #[error("not a directory")]
    NotDirectory,
    /// ENOTEMPTY
    #[error("directory not empty")]
    NotEmpty,
    /// EPERM
    #[error("operation not permitted")]
    NotPermitted,
    /// ENOTSUP
    #[error("operation not supported")]
    NotSupported,
    /// EMLINK
    #[error("too many links")]
    TooManyLinks,
}

/// What is wrong with something that was saved or moved out of memory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It is not there.
    #[error("{0} is missing")]
    Missing(Key),
    /// It is there, and is not what its name says.
    #[error("{0} does not have the digest it is named by")]
    Digest(Key),
    /// Its bytes are what was named, and make no sense.
    #[error("{key} is malformed: {why}")]
    Malformed {
        /// Which.
        key: Key,
        /// What is wrong.
        why: &'static str,
    },
    /// It could not be read.
    #[error("{key} could not be read: {message}")]
    Unreadable {
        /// Which.
        key: Key,
        /// What was said.
        message: String,
    },
    /// A chunk that was moved to the pack could not be read back.
    #[error("the pack could not be read: {0}")]
    Pack(String),
}

/// Some damage, and which file or directory suffers from it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {damage}")]
pub struct Damaged {
    /// Path from the tree's root.
    pub path: String,
    /// What is wrong.
    pub damage: Damage,
}

/// What operations return inside this crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    Errno(Errno),
    Damage(Damage),
}

impl From<Errno> for Fault {
    fn from(errno: Errno) -> Fault {
        Fault::Errno(errno)
    }
}

impl From<Damage> for Fault {
    fn from(damage: Damage) -> Fault {
        Fault::Damage(damage)
    }
}
