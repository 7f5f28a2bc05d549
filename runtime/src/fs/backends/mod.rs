//! What a mount can be made of. A new kind of mount is a new file here that implements [`Directory`] and [`File`].
//!
//! [`Directory`]: super::Directory
//! [`File`]: super::File

pub mod dev;
pub mod host_directory;
pub mod image;
pub mod proc;
pub(super) mod synthetic;
pub(super) mod tree;
