//! A directory of the host, read-only or read-write.
//!
//! The host is only ever asked about single checked names relative to a directory that is already open, and never to
//! follow a symlink; so nothing a guest says can reach anything outside, whatever else changes the directory
//! meanwhile. (That is why this goes to `openat` and its kin directly and not through cap-std's resolver: with one
//! name at a time there is nothing left to resolve, and a path costs one call of the system for each name.)
//! Devices, pipes and sockets of the host can be seen and removed, never opened.

mod directory;
mod file;
mod inodes;
mod names;
mod scan;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustix::fs::{FileType, Mode, OFlags};

use self::inodes::Inodes;
use super::super::ledger::Ledger;
use super::super::node::{Directory, Kind, Stat, Timestamp};
use crate::grant::Access;

pub(super) use self::directory::HostDirectory;

/// What all open files and directories of one mount share.
struct Tree {
    ledger: Arc<Ledger>,
    writable: bool,
    inodes: Inodes,
    scanned: OnceLock<()>,
    root: Arc<rustix::fd::OwnedFd>,
}

impl Tree {
    /// The account, after what was in the directory before has been put into it.
    fn ledger(&self) -> &Arc<Ledger> {
        if self.writable && self.ledger.counts_disk() {
            self.scanned.get_or_init(|| {
                let found = scan::scan(&self.root);
                self.ledger.note_existing(found.bytes, found.files);
            });
        }
        &self.ledger
    }
}

/// Opens a directory of the host, symlinks in `path` included: the host names it, not a guest.
pub fn open(
    path: &Path,
    access: Access,
    ledger: &Arc<Ledger>,
) -> std::io::Result<Arc<dyn Directory>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = Arc::new(rustix::fs::open(path, flags, Mode::empty())?);
    let tree = Arc::new(Tree {
        ledger: ledger.clone(),
        writable: access == Access::ReadWrite,
        inodes: Inodes::default(),
        scanned: OnceLock::new(),
        root: root.clone(),
    });
    Ok(Arc::new(HostDirectory::new(root, tree)))
}

fn kind_of(file_type: FileType) -> Kind {
    match file_type {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink,
        _ => Kind::Other,
    }
}

fn stat_of(stat: &rustix::fs::Stat) -> Stat {
    let moment = |seconds: i64, nanoseconds| match u64::try_from(seconds) {
        Ok(seconds) => Timestamp {
            seconds,
            nanoseconds: u32::try_from(nanoseconds).unwrap_or(0),
        },
        Err(_) => Timestamp::default(),
    };
    Stat {
        kind: kind_of(FileType::from_raw_mode(stat.st_mode)),
        mode: stat.st_mode & 0o7777,
        size: u64::try_from(stat.st_size).unwrap_or(0),
        links: stat.st_nlink,
        inode: stat.st_ino,
        device: stat.st_dev,
        accessed: moment(stat.st_atime, stat.st_atime_nsec),
        modified: moment(stat.st_mtime, stat.st_mtime_nsec),
        changed: moment(stat.st_ctime, stat.st_ctime_nsec),
    }
}

/// The permission bits that may reach the host. Never set-user-id or set-group-id: the host's other users could run
/// what a guest wrote with the server's rights.
fn host_mode(mode: u32) -> Mode {
    Mode::from_raw_mode(mode & 0o777)
}
