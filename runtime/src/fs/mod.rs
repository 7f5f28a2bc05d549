//! The files that guests see: one tree of mounts per sandbox, and `wasi:filesystem` over it.
//!
//! * [`Mounts`] is the tree: made once per sandbox from its grant, shared by its processes, used by the host too.
//! * [`node`] is what a backend offers; [`backends`] are the backends. They know nothing of each other. A new kind of
//!   mount is a file there that implements [`node::Directory`] and [`node::File`], and a line in
//!   [`Mounts::from_grant`]; an embedder's own needs neither (`MountSource::Backend`).
//! * `walk` goes from a path to a place in the tree, `operations` does what can be done there.
//! * [`Ledger`] counts what the sandbox uses.
//! * `wasi` is the guest's side of it. A process has an [`FsState`]; [`add_to_linker`] connects it.
//!
//! Everything here is synchronous and is called on the guest's own thread. Nothing outside the mounts can be reached:
//! a guest's path is walked here, name by name, and a backend is only ever given single names.

pub mod backends;
pub mod node;

mod errno;
mod host_side;
mod ledger;
mod mounts;
mod open_file;
mod operations;
mod path;
mod walk;
mod wasi;

pub use backends::image::Image;
pub use backends::proc::OwnProcess;
pub use errno::Errno;
pub use ledger::{Ledger, LedgerLimits, Refusal, Usage};
pub(crate) use mounts::own_tree;
pub use mounts::{MountError, MountInfo, MountTable, Mounts};
pub use node::{Entry, Kind, Stat, Timestamp};
pub use open_file::{OpenFile, OpenHow, Reopened};
pub use path::Name;
pub use wasi::{FsState, FsView, FsViewMut, Preopens, add_to_linker};

#[cfg(test)]
mod tests;
