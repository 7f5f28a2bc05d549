//! Snapshots as blobs: saving, opening, sweeping.
//!
//! A saved snapshot is a Merkle tree. Its root blob holds what is needed to begin; the table of files, the entries of
//! large directories and the chunk lists of large files are pages; chunks are as they are. Saving writes what does not
//! know a key yet, children before parents and the root last, so a crash leaves nothing that refers to what is not
//! there. Opening reads the root blob, and pages when something in them is asked for.

mod load;
mod record;
mod save;
pub mod sweep;
mod verify;

pub use record::RecordError;
pub(crate) use save::{Memo, Origin, Saver};
pub use save::{SaveError, Saved};
pub use verify::Verified;
