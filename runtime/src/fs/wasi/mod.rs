//! `wasi:filesystem@0.2` over the sandbox's mounts.
//!
//! Differences from the letter of the interface, each because POSIX programs rely on it: a descriptor of a directory
//! is a place in the sandbox's one tree, so `..` may lead above it (never out of the tree, and every process has the
//! tree's root anyway), and symlinks may have absolute targets, which are resolved from that root. A path that is
//! itself absolute is refused, as the interface says.

mod convert;
mod descriptor;
mod directory;
mod preopens;
mod streams;

use std::sync::Arc;

use wasmtime::component::{HasData, Linker, ResourceTable};

use super::mounts::Mounts;
use super::node::Directory;
use super::walk::{Caller, View};

pub use self::preopens::Preopens;

mod bindings {
    wasmtime::component::bindgen!({
        path: ["../wit/deps/io", "../wit/deps/clocks", "../wit/deps/filesystem"],
        world: "wasi:filesystem/imports",
        imports: { default: trappable },
        require_store_data_send: true,
        trappable_error_type: {
            "wasi:filesystem/types.error-code" => super::convert::FsError,
        },
        with: {
            "wasi:io/error": wasmtime_wasi_io::bindings::wasi::io::error,
            "wasi:io/poll": wasmtime_wasi_io::bindings::wasi::io::poll,
            "wasi:io/streams": wasmtime_wasi_io::bindings::wasi::io::streams,
            "wasi:clocks/wall-clock": wasmtime_wasi::p2::bindings::clocks::wall_clock,
            "wasi:filesystem/types.descriptor": crate::fs::OpenFile,
            "wasi:filesystem/types.directory-entry-stream": super::directory::EntryStream,
        },
    });
}

use self::bindings::wasi::filesystem::{preopens as preopens_interface, types};

/// What one process knows of the file system.
pub struct FsState {
    mounts: Arc<Mounts>,
    cwd: String,
    umask: u32,
    preopens: Preopens,
    own: Option<Arc<dyn Directory>>,
    open: u32,
    descriptors_max: u32,
}

impl FsState {
    /// A process that starts in `cwd` (absolute). Its descriptors are bounded only by the sandbox's.
    pub fn new(mounts: Arc<Mounts>, cwd: &str, umask: u32) -> FsState {
        FsState {
            mounts,
            cwd: cwd.to_owned(),
            umask: umask & 0o777,
            preopens: Preopens::Root,
            own: None,
            open: 0,
            descriptors_max: u32::MAX,
        }
    }

    /// Which directories the process finds open.
    #[must_use]
    pub fn with_preopens(mut self, preopens: Preopens) -> FsState {
        self.preopens = preopens;
        self
    }

    /// The process's own directory, `/proc` (see [`backends::proc`](crate::fs::backends::proc)).
    #[must_use]
    pub fn with_own_directory(mut self, own: Arc<dyn Directory>) -> FsState {
        self.own = Some(own);
        self
    }

    /// How many files and directories the process may have open; opening more fails.
    #[must_use]
    pub fn with_descriptors_max(mut self, descriptors_max: u32) -> FsState {
        self.descriptors_max = descriptors_max;
        self
    }

    /// The sandbox's tree.
    pub fn mounts(&self) -> &Arc<Mounts> {
        &self.mounts
    }

    /// The permission bits that new files do not get.
    pub fn umask(&self) -> u32 {
        self.umask
    }

    /// Sets the permission bits that new files do not get.
    pub fn set_umask(&mut self, umask: u32) {
        self.umask = umask & 0o777;
    }

    fn view(&self) -> View<'_> {
        View {
            mounts: &self.mounts,
            caller: Caller {
                own: self.own.as_ref(),
            },
        }
    }
}

/// A process's file system state and its table of resources.
pub struct FsViewMut<'a> {
    /// What it knows of the file system.
    pub state: &'a mut FsState,
    /// Its handles.
    pub table: &'a mut ResourceTable,
}

/// A store's data that has a file system.
pub trait FsView: Send {
    /// The parts of it that matter here.
    fn fs(&mut self) -> FsViewMut<'_>;
}

struct HasFs;

impl HasData for HasFs {
    type Data<'a> = FsViewMut<'a>;
}

/// Connects `wasi:filesystem/types` and `wasi:filesystem/preopens`.
pub fn add_to_linker<T: FsView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    types::add_to_linker::<T, HasFs>(linker, T::fs)?;
    preopens_interface::add_to_linker::<T, HasFs>(linker, T::fs)
}
