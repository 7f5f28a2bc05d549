//! An empty read-only directory: the parents of mount points, where no mount has a directory of that name.
//!
//! The mounts in it are not its entries: the walker and the listing put them there.

use crate::fs::node::{Directory, Entered, Kind, Listing, OpenEntry, Opened, Stat, Timestamp};
use crate::fs::{Errno, Name};

/// An empty read-only directory.
pub(crate) struct Synthetic {
    inode: u64,
}

impl Synthetic {
    /// `inode` must be unique within the sandbox's synthetic directories.
    pub(crate) fn new(inode: u64) -> Synthetic {
        Synthetic { inode }
    }
}

impl Directory for Synthetic {
    fn enter(&self, _name: Name<'_>) -> Result<Entered, Errno> {
        Err(Errno::NoEntry)
    }

    fn stat_entry(&self, _name: Name<'_>) -> Result<Stat, Errno> {
        Err(Errno::NoEntry)
    }

    fn open(&self, _name: Name<'_>, _how: &OpenEntry) -> Result<Opened, Errno> {
        Err(Errno::NoEntry)
    }

    fn read_link(&self, _name: Name<'_>) -> Result<String, Errno> {
        Err(Errno::NoEntry)
    }

    fn list(&self) -> Result<Listing, Errno> {
        Ok(Box::new(std::iter::empty()))
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(Stat {
            kind: Kind::Directory,
            mode: 0o755,
            size: 0,
            links: 2,
            inode: self.inode,
            device: 0,
            accessed: Timestamp::default(),
            modified: Timestamp::default(),
            changed: Timestamp::default(),
        })
    }
}
