//! A versioned tree of files as a value.
//!
//! * [`Tree`] is a tree that programs change; [`Snapshot`] is what it was at one moment, taken in constant time and
//!   shared with the tree as far as they do not differ. A fork is a tree that begins as a snapshot.
//! * [`Store`] is where content lives: in memory up to a budget, then in a local pack, and what was saved in
//!   [`Blobs`].
//! * [`Snapshot::save`] writes what is new and [`Snapshot::open`] reads a single blob; [`sweep`] removes what nobody
//!   needs. [`Snapshot::differences`] compares, [`archive`] writes and reads tar.
//!
//! The crate knows nothing of paths that are followed, of mounts, processes or sessions. It takes one checked name at a
//! time and never touches the host's file system but through the directories it is given.

pub mod archive;
mod blobs;
mod differences;
mod errno;
mod map;
mod saved;
mod store;
mod tree;

pub use blobs::{BLOB_BYTES_MAX, Blobs, Digest, FolderBlobs, Key, KeyError, MemoryBlobs, Part};
pub use differences::{Change, Facts};
pub use errno::{Damage, Damaged, Errno};
pub use saved::{RecordError, SaveError, Saved, Verified, sweep};
pub use store::{Clock, Store, StoreOptions, StoreUsage};
pub use tree::{
    Create, DEPTH_MAX, Directory, Entries, FILE_BYTES_MAX, File, Found, Ino, Kind, LINKS_MAX,
    NAME_BYTES_MAX, NewTime, NewTimes, OpenHow, Quota, Snapshot, SnapshotError, Stat, Timestamp,
    Tree, Unlimited, Usage, valid_name,
};
