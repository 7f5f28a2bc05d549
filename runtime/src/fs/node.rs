//! What a backend offers: directories and files, one trait each.
//!
//! A backend knows nothing of mounts, descriptors or processes. It is handed one checked [`Name`] at a time and never
//! follows a symlink: the walker does. Everything that changes something refuses by default, so that a read-only
//! backend implements what it has and no more.

use std::any::Any;
use std::sync::Arc;

use bytes::Bytes;
use wasmtime_wasi_io::streams::{DynInputStream, DynOutputStream};

use super::{Errno, Name};

/// What sort of thing an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A device of characters, such as `/dev/null`.
    CharacterDevice,
    /// A pipe.
    Pipe,
    /// Anything else a host's directory may hold. It can be seen and removed, never opened.
    Other,
}

/// A moment since 1970 (UTC). Earlier ones are given as zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Timestamp {
    /// Whole seconds.
    pub seconds: u64,
    /// Less than a thousand million.
    pub nanoseconds: u32,
}

/// What is known about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: Kind,
    /// Permission bits (octal 7777).
    pub mode: u32,
    /// Length in bytes; of a symlink, the length of its target.
    pub size: u64,
    /// How many names it has.
    pub links: u64,
    /// Identifies it among everything on the same `device`.
    pub inode: u64,
    /// Identifies the file system within its backend.
    pub device: u64,
    /// Last read.
    pub accessed: Timestamp,
    /// Last written.
    pub modified: Timestamp,
    /// Last changed, metadata included.
    pub changed: Timestamp,
}

/// One of the times given to `set_times`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewTime {
    /// Leaves it.
    Keep,
    /// The host's clock.
    Now,
    /// This moment.
    At(Timestamp),
}

/// New times of last access and modification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewTimes {
    /// Last read.
    pub accessed: NewTime,
    /// Last written.
    pub modified: NewTime,
}

/// Whether opening may create, and with which permission bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Create {
    /// It must be there.
    Never,
    /// It is created when missing.
    IfMissing(u32),
    /// It must not be there.
    Exclusively(u32),
}

/// How a backend is to open an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenEntry {
    /// For reading.
    pub read: bool,
    /// For writing. A directory is then refused with `IsDirectory`.
    pub write: bool,
    /// Whether it may be created.
    pub create: Create,
    /// Whether a file is to be emptied.
    pub truncate: bool,
    /// Anything but a directory is refused with `NotDirectory`.
    pub directory: bool,
}

/// What opening found.
pub enum Opened {
    /// A file, device or pipe.
    File(Arc<dyn File>),
    /// A directory.
    Directory(Arc<dyn Directory>),
    /// A symlink and its target, for the walker to follow.
    Link(String),
}

/// What the walker found on stepping into an entry.
pub enum Entered {
    /// A directory.
    Directory(Arc<dyn Directory>),
    /// A symlink and its target.
    Link(String),
}

/// One line of a directory's listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
}

/// A directory's entries, without `.` and `..`, in no particular order. Entries that come or go while it is read may
/// or may not be seen; the others are seen exactly once.
pub type Listing = Box<dyn Iterator<Item = Result<Entry, Errno>> + Send>;

/// An open directory of a backend. It stays usable when it is renamed; when it is removed it is empty.
pub trait Directory: Any + Send + Sync {
    /// Steps into an entry. Anything but a directory or a symlink is `NotDirectory`.
    fn enter(&self, name: Name<'_>) -> Result<Entered, Errno>;
    /// What is known about an entry; symlinks are not followed.
    fn stat_entry(&self, name: Name<'_>) -> Result<Stat, Errno>;
    /// Opens an entry, or gives back the symlink it is.
    fn open(&self, name: Name<'_>, how: &OpenEntry) -> Result<Opened, Errno>;
    /// A symlink's target. `Invalid` when it is none.
    fn read_link(&self, name: Name<'_>) -> Result<String, Errno>;
    /// The entries.
    fn list(&self) -> Result<Listing, Errno>;
    /// What is known about the directory itself.
    fn stat(&self) -> Result<Stat, Errno>;

    /// Creates a directory with these permission bits.
    fn create_directory(&self, _name: Name<'_>, _mode: u32) -> Result<(), Errno> {
        Err(Errno::ReadOnly)
    }
    /// Removes an empty directory.
    fn remove_directory(&self, _name: Name<'_>) -> Result<(), Errno> {
        Err(Errno::ReadOnly)
    }
    /// Removes anything but a directory.
    fn remove_file(&self, _name: Name<'_>) -> Result<(), Errno> {
        Err(Errno::ReadOnly)
    }
    /// Moves an entry, replacing what is at `to_name` as POSIX has it. `CrossDevice` when `to` is another backend's.
    fn rename(
        &self,
        _name: Name<'_>,
        _to: &dyn Directory,
        _to_name: Name<'_>,
    ) -> Result<(), Errno> {
        Err(Errno::ReadOnly)
    }
    /// Gives a file another name. `CrossDevice` when `to` is another backend's.
    fn link(&self, _name: Name<'_>, _to: &dyn Directory, _to_name: Name<'_>) -> Result<(), Errno> {
        Err(Errno::ReadOnly)
    }
    /// Creates a symlink. The target is not looked at.
    fn symlink(&self, _name: Name<'_>, _target: &str) -> Result<(), Errno> {
        Err(Errno::ReadOnly)
    }
    /// Sets an entry's permission bits. A symlink is refused with `NotSupported`.
    fn set_entry_mode(&self, _name: Name<'_>, _mode: u32) -> Result<(), Errno> {
        Err(Errno::ReadOnly)
    }
    /// Sets an entry's times; a symlink's own.
    fn set_entry_times(&self, _name: Name<'_>, _times: NewTimes) -> Result<(), Errno> {
        Err(Errno::ReadOnly)
    }
    /// Sets the directory's own permission bits.
    fn set_mode(&self, _mode: u32) -> Result<(), Errno> {
        Err(Errno::ReadOnly)
    }
    /// Sets the directory's own times.
    fn set_times(&self, _times: NewTimes) -> Result<(), Errno> {
        Err(Errno::ReadOnly)
    }
    /// Makes its entries durable.
    fn sync(&self) -> Result<(), Errno> {
        Ok(())
    }
}

/// An open file of a backend. Whether the opener may read or write was settled when it was opened.
pub trait File: Send + Sync {
    /// At most `length` bytes from `offset`; empty at the end. May give fewer, at least one.
    fn read_at(&self, offset: u64, length: usize) -> Result<Bytes, Errno>;
    /// What is known about it.
    fn stat(&self) -> Result<Stat, Errno>;

    /// Writes and says how much: less than all of it only when a limit was met on the way.
    fn write_at(&self, _offset: u64, _bytes: &[u8]) -> Result<usize, Errno> {
        Err(Errno::ReadOnly)
    }
    /// Writes at the end, wherever that is by then, and says how much.
    fn append(&self, _bytes: &[u8]) -> Result<usize, Errno> {
        Err(Errno::ReadOnly)
    }
    /// Cuts off, or fills up with zeros.
    fn truncate(&self, _size: u64) -> Result<(), Errno> {
        Err(Errno::ReadOnly)
    }
    /// Sets the permission bits.
    fn set_mode(&self, _mode: u32) -> Result<(), Errno> {
        Err(Errno::ReadOnly)
    }
    /// Sets the times.
    fn set_times(&self, _times: NewTimes) -> Result<(), Errno> {
        Err(Errno::ReadOnly)
    }
    /// Makes it durable.
    fn sync(&self, _what: Durable) -> Result<(), Errno> {
        Ok(())
    }
    /// A stream of its own, for what waits (pipes, terminals). Files that never wait have none.
    fn input_stream(&self) -> Option<DynInputStream> {
        None
    }
    /// A stream of its own, for what waits.
    fn output_stream(&self) -> Option<DynOutputStream> {
        None
    }
}

/// How much of a file `sync` makes durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durable {
    /// Its bytes.
    Data,
    /// Its bytes and what is known about it.
    All,
}
