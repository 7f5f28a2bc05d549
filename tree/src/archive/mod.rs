//! Snapshots as tar files, and tar files into trees.
//!
//! Kept are names, bytes, permission bits, modification times in nanoseconds (as a pax extension), symlinks and hard
//! links. A tar file is not trusted: no name in it leads out of the directory it is unpacked in, by whatever way.

mod export;
mod import;

pub use export::{ExportError, export, export_directory};
pub use import::{ImportError, Imported, import};
