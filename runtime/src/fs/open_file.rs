//! An open file description: what opening a path gives, to a guest's descriptor and to the host alike.

use std::sync::Arc;

use bytes::Bytes;

use super::Errno;
use super::ledger::DescriptorPermit;
use super::mounts::{Location, MountInfo};
use super::node::{Durable, Entry, File, Kind, Listing, NewTimes, Stat};
use crate::grant::Access;

/// How to open a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenHow {
    /// For reading.
    pub read: bool,
    /// For writing.
    pub write: bool,
    /// Writes go to the end. Implies `write`.
    pub append: bool,
    /// Creates the file when it is missing.
    pub create: bool,
    /// With `create`: fails when it is there.
    pub exclusive: bool,
    /// Empties it. Implies `write`.
    pub truncate: bool,
    /// Fails unless it is a directory.
    pub directory: bool,
    /// Whether a symlink at the end of the path is followed; otherwise it is `Loop`.
    pub follow: bool,
    /// Permission bits of a file that is created.
    pub mode: u32,
}

impl Default for OpenHow {
    /// Nothing but following symlinks, and 0644.
    fn default() -> OpenHow {
        OpenHow {
            read: false,
            write: false,
            append: false,
            create: false,
            exclusive: false,
            truncate: false,
            directory: false,
            follow: true,
            mode: 0o644,
        }
    }
}

impl OpenHow {
    /// To read what is there.
    pub fn reading() -> OpenHow {
        OpenHow {
            read: true,
            ..OpenHow::default()
        }
    }

    /// To write from the beginning, as `>` does.
    pub fn replacing() -> OpenHow {
        OpenHow {
            write: true,
            create: true,
            truncate: true,
            ..OpenHow::default()
        }
    }

    /// To write at the end, as `>>` does.
    pub fn appending() -> OpenHow {
        OpenHow {
            append: true,
            create: true,
            ..OpenHow::default()
        }
    }

    /// Whether the file's bytes may change.
    pub(super) fn writes(&self) -> bool {
        self.write || self.append || self.truncate
    }
}

/// An open file or directory.
pub struct OpenFile {
    pub(super) node: OpenNode,
    pub(super) mount: Arc<MountInfo>,
    pub(super) how: OpenHow,
    pub(super) _permit: DescriptorPermit,
}

/// What is open.
pub(super) enum OpenNode {
    /// A file, device or pipe.
    File(Arc<dyn File>),
    /// A directory.
    Directory(Arc<Location>),
}

impl OpenFile {
    /// At most `length` bytes from `offset`; empty at the end.
    pub fn read_at(&self, offset: u64, length: usize) -> Result<Bytes, Errno> {
        self.readable()?.read_at(offset, length)
    }

    /// Writes and says how much: less than all only when a limit was met on the way. Where the file was opened to
    /// append, `offset` does not matter.
    pub fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<usize, Errno> {
        let file = self.writable()?;
        if self.how.append {
            file.append(bytes)
        } else {
            file.write_at(offset, bytes)
        }
    }

    /// Writes at the end, wherever that is by then.
    pub fn append(&self, bytes: &[u8]) -> Result<usize, Errno> {
        self.writable()?.append(bytes)
    }

    /// Its length now.
    pub fn size(&self) -> Result<u64, Errno> {
        Ok(self.stat()?.size)
    }

    /// What is known about it.
    pub fn stat(&self) -> Result<Stat, Errno> {
        match &self.node {
            OpenNode::File(file) => file.stat(),
            OpenNode::Directory(location) => location.directory.stat(),
        }
    }

    /// What it is.
    pub fn kind(&self) -> Result<Kind, Errno> {
        match &self.node {
            OpenNode::File(file) => Ok(file.stat()?.kind),
            OpenNode::Directory(_) => Ok(Kind::Directory),
        }
    }

    /// How it was opened.
    pub fn how(&self) -> &OpenHow {
        &self.how
    }

    /// Cuts off, or fills up with zeros.
    pub fn truncate(&self, size: u64) -> Result<(), Errno> {
        match self.writable() {
            Err(Errno::BadDescriptor) => Err(Errno::Invalid),
            file => file?.truncate(size),
        }
    }

    /// Sets the times.
    pub fn set_times(&self, times: NewTimes) -> Result<(), Errno> {
        self.changeable()?;
        match &self.node {
            OpenNode::File(file) => file.set_times(times),
            OpenNode::Directory(location) => location.directory.set_times(times),
        }
    }

    /// Sets the permission bits.
    pub fn set_mode(&self, mode: u32) -> Result<(), Errno> {
        self.changeable()?;
        match &self.node {
            OpenNode::File(file) => file.set_mode(mode),
            OpenNode::Directory(location) => location.directory.set_mode(mode),
        }
    }

    /// Makes it durable. Without effect where nothing can be written.
    pub fn sync(&self, what: Durable) -> Result<(), Errno> {
        match &self.node {
            OpenNode::File(file) if self.how.writes() => file.sync(what),
            OpenNode::Directory(location) if location.mount.access == Access::ReadWrite => {
                location.directory.sync()
            }
            _ => Ok(()),
        }
    }

    /// A directory's entries, mount points included, without `.` and `..`.
    pub fn list(&self) -> Result<Listing, Errno> {
        let location = self.directory()?;
        let listing = location.directory.list()?;
        let Some(point) = location
            .point
            .clone()
            .filter(|point| !point.children.is_empty())
        else {
            return Ok(listing);
        };
        let mounted: Vec<_> = point
            .children
            .keys()
            .map(|name| {
                Ok(Entry {
                    name: name.clone(),
                    kind: Kind::Directory,
                })
            })
            .collect();
        let others = listing.filter(move |entry| {
            !entry
                .as_ref()
                .is_ok_and(|entry| point.children.contains_key(&entry.name))
        });
        Ok(Box::new(mounted.into_iter().chain(others)))
    }

    /// A number that tells it from everything else in the sandbox for as long as it is there.
    pub fn identity(&self) -> Result<u128, Errno> {
        Ok(identity(&self.mount, &self.stat()?))
    }

    /// Where it is, if it is a directory.
    pub(super) fn directory(&self) -> Result<&Arc<Location>, Errno> {
        match &self.node {
            OpenNode::Directory(location) => Ok(location),
            OpenNode::File(_) => Err(Errno::NotDirectory),
        }
    }

    /// The file, to be read from.
    pub(super) fn readable(&self) -> Result<&Arc<dyn File>, Errno> {
        match &self.node {
            OpenNode::Directory(_) => Err(Errno::IsDirectory),
            OpenNode::File(file) if self.how.read => Ok(file),
            OpenNode::File(_) => Err(Errno::BadDescriptor),
        }
    }

    /// The file, to be written to.
    pub(super) fn writable(&self) -> Result<&Arc<dyn File>, Errno> {
        match &self.node {
            OpenNode::File(file) if self.how.writes() => Ok(file),
            _ => Err(Errno::BadDescriptor),
        }
    }

    fn changeable(&self) -> Result<(), Errno> {
        match self.mount.access {
            Access::ReadWrite => Ok(()),
            Access::ReadOnly => Err(Errno::ReadOnly),
        }
    }
}

/// A description opened again through `/proc/self/fd`: the same file, with the rights it was opened with.
pub struct Reopened(pub Arc<OpenFile>);

impl File for Reopened {
    fn read_at(&self, offset: u64, length: usize) -> Result<Bytes, Errno> {
        self.0.read_at(offset, length)
    }

    fn stat(&self) -> Result<Stat, Errno> {
        self.0.stat()
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<usize, Errno> {
        self.0.write_at(offset, bytes)
    }

    fn append(&self, bytes: &[u8]) -> Result<usize, Errno> {
        self.0.append(bytes)
    }

    fn truncate(&self, size: u64) -> Result<(), Errno> {
        self.0.truncate(size)
    }
}

/// A number that tells a file from everything else in the sandbox: its mount, device and inode, mixed so that the
/// lower half alone does it too (guests take that for the inode number).
pub(super) fn identity(mount: &MountInfo, stat: &Stat) -> u128 {
    let lower = mix(stat.inode ^ mix(stat.device ^ mix(mount.id)));
    (u128::from(mix(lower)) << 64) | u128::from(lower)
}

/// The finisher of SplitMix64, a bijection.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
