//! An open regular file of the host.

use std::sync::Arc;

use bytes::Bytes;
use rustix::fd::OwnedFd;
use rustix::fs::Timestamps;

use super::inodes::{Closed, Inode};
use super::{Tree, host_mode, stat_of};
use crate::fs::Errno;
use crate::fs::node::{Durable, File, NewTime, NewTimes, Stat};

/// No single read gives more, so that a guest cannot make the host allocate what it asks for.
const READ_BYTES_MAX: usize = 1 << 20;
/// Reads beyond this are first held against the file's length.
const READ_BYTES_UNCHECKED: usize = 64 << 10;

/// An open regular file.
pub(super) struct HostFile {
    fd: OwnedFd,
    tree: Arc<Tree>,
    /// Only where the mount is writable.
    inode: Option<Arc<Inode>>,
}

impl HostFile {
    /// Takes over `fd`, whose `stat` says that it is a regular file.
    pub(super) fn new(fd: OwnedFd, stat: &rustix::fs::Stat, tree: Arc<Tree>) -> HostFile {
        let inode = tree
            .writable
            .then(|| tree.inodes.open((stat.st_dev, stat.st_ino)));
        HostFile { fd, tree, inode }
    }

    fn size(&self) -> Result<u64, Errno> {
        Ok(u64::try_from(rustix::fs::fstat(&self.fd)?.st_size).unwrap_or(0))
    }

    /// Writes within the limits; the caller has the turn.
    fn write_counted(&self, size: u64, offset: u64, bytes: &[u8]) -> Result<usize, Errno> {
        let length = u64::try_from(bytes.len()).map_err(|_| Errno::Invalid)?;
        if length == 0 {
            return Ok(0);
        }
        let wanted = offset.checked_add(length).ok_or(Errno::FileTooLarge)?;
        let allowed = self.tree.ledger().file_end(size, wanted);
        if allowed <= offset {
            return Err(Errno::FileTooLarge);
        }
        let growth = allowed.saturating_sub(size);
        let granted = if growth == 0 {
            0
        } else {
            self.tree.ledger().charge_bytes_up_to(growth)
        };
        let end = allowed - (growth - granted);
        if end <= offset {
            self.tree.ledger().release_bytes(granted);
            return Err(Errno::NoSpace);
        }
        let fits = usize::try_from(end - offset).map_err(|_| Errno::Invalid)?;
        let written = write_all(&self.fd, &bytes[..fits], offset);
        let reached = match &written {
            Ok(written) => offset + u64::try_from(*written).unwrap_or(0),
            Err(_) => offset,
        };
        if reached < end {
            self.tree
                .ledger()
                .release_bytes((end - reached.max(size).min(end)).min(granted));
        }
        written
    }
}

/// Writes all of it, unless an error comes after a part: then that part.
fn write_all(fd: &OwnedFd, bytes: &[u8], offset: u64) -> Result<usize, Errno> {
    let mut written = 0;
    while written < bytes.len() {
        let at = offset + u64::try_from(written).map_err(|_| Errno::Invalid)?;
        match rustix::io::pwrite(fd, &bytes[written..], at) {
            Ok(0) => break,
            Ok(more) => written += more,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) if written > 0 => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(written)
}

impl File for HostFile {
    fn read_at(&self, offset: u64, length: usize) -> Result<Bytes, Errno> {
        let mut length = length.min(READ_BYTES_MAX);
        if length > READ_BYTES_UNCHECKED {
            let left = self.size()?.saturating_sub(offset);
            // One byte at least: files of some file systems (proc) have no length and yet something to read.
            length = length.min(
                usize::try_from(left)
                    .unwrap_or(length)
                    .max(READ_BYTES_UNCHECKED),
            );
        }
        if i64::try_from(offset).is_err() {
            return Err(Errno::Invalid);
        }
        let mut buffer = Vec::with_capacity(length);
        loop {
            match rustix::io::pread(
                &self.fd,
                rustix::buffer::spare_capacity(&mut buffer),
                offset,
            ) {
                Ok(_) => return Ok(buffer.into()),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(stat_of(&rustix::fs::fstat(&self.fd)?))
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<usize, Errno> {
        let inode = self.inode.as_ref().ok_or(Errno::ReadOnly)?;
        let _turn = inode.turn();
        self.write_counted(self.size()?, offset, bytes)
    }

    fn append(&self, bytes: &[u8]) -> Result<usize, Errno> {
        let inode = self.inode.as_ref().ok_or(Errno::ReadOnly)?;
        let _turn = inode.turn();
        let size = self.size()?;
        self.write_counted(size, size, bytes)
    }

    fn truncate(&self, size: u64) -> Result<(), Errno> {
        let inode = self.inode.as_ref().ok_or(Errno::ReadOnly)?;
        let _turn = inode.turn();
        let before = self.size()?;
        if self.tree.ledger().file_end(before, size) < size {
            return Err(Errno::FileTooLarge);
        }
        let growth = size.saturating_sub(before);
        self.tree.ledger().charge_bytes(growth)?;
        if let Err(error) = rustix::fs::ftruncate(&self.fd, size) {
            self.tree.ledger().release_bytes(growth);
            return Err(error.into());
        }
        self.tree
            .ledger()
            .release_bytes(before.saturating_sub(size));
        Ok(())
    }

    fn set_mode(&self, mode: u32) -> Result<(), Errno> {
        self.inode.as_ref().ok_or(Errno::ReadOnly)?;
        Ok(rustix::fs::fchmod(&self.fd, host_mode(mode))?)
    }

    fn set_times(&self, times: NewTimes) -> Result<(), Errno> {
        self.inode.as_ref().ok_or(Errno::ReadOnly)?;
        Ok(rustix::fs::futimens(&self.fd, &timestamps(times)?)?)
    }

    fn sync(&self, what: Durable) -> Result<(), Errno> {
        match what {
            Durable::Data => rustix::fs::fdatasync(&self.fd)?,
            Durable::All => rustix::fs::fsync(&self.fd)?,
        }
        Ok(())
    }
}

impl Drop for HostFile {
    fn drop(&mut self) {
        let Some(inode) = self.inode.take() else {
            return;
        };
        if self.tree.inodes.close(inode) == Closed::Gone {
            self.tree.ledger().release_bytes(self.size().unwrap_or(0));
        }
    }
}

/// The host's form of new times.
pub(super) fn timestamps(times: NewTimes) -> Result<Timestamps, Errno> {
    Ok(Timestamps {
        last_access: timespec(times.accessed)?,
        last_modification: timespec(times.modified)?,
    })
}

fn timespec(time: NewTime) -> Result<rustix::fs::Timespec, Errno> {
    let (tv_sec, tv_nsec) = match time {
        NewTime::Keep => (0, rustix::fs::UTIME_OMIT),
        NewTime::Now => (0, rustix::fs::UTIME_NOW),
        NewTime::At(moment) if moment.nanoseconds < 1_000_000_000 => (
            i64::try_from(moment.seconds).map_err(|_| Errno::Invalid)?,
            moment.nanoseconds.into(),
        ),
        NewTime::At(_) => return Err(Errno::Invalid),
    };
    Ok(rustix::fs::Timespec { tv_sec, tv_nsec })
}
