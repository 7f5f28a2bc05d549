//! The directories a process finds open when it starts.

use wasmtime::component::Resource;

use super::FsViewMut;
use super::bindings::wasi::filesystem::preopens;
use crate::fs::node::Kind;
use crate::fs::{Errno, OpenFile, OpenHow};

/// Which directories a process finds open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preopens {
    /// `/` alone. For programs that know their working directory (ours learn it from `PWD`).
    Root,
    /// `.`, which is the working directory, and each directory of the root by its name. For programs that were written
    /// for somewhere else: wasi-libc takes relative paths from `.` only where nothing is opened as `/`, since it
    /// cannot tell the two apart.
    WorkingDirectory,
}

impl preopens::Host for FsViewMut<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Resource<OpenFile>, String)>> {
        let mut wanted = Vec::new();
        match self.state.preopens {
            Preopens::Root => wanted.push(("/".to_owned(), "/".to_owned())),
            Preopens::WorkingDirectory => {
                wanted.push((self.state.cwd.clone(), ".".to_owned()));
                let root = self.open_directory("/")?;
                for entry in root
                    .list()?
                    .flatten()
                    .filter(|entry| entry.kind == Kind::Directory)
                {
                    let path = format!("/{}", entry.name);
                    wanted.push((path.clone(), path));
                }
            }
        }
        let mut opened = Vec::with_capacity(wanted.len());
        for (path, name) in wanted {
            match self.open_directory(&path) {
                Ok(directory) => opened.push((self.table.push(directory)?, name)),
                // The working directory may be gone by now; the process then starts without.
                Err(Errno::NoEntry | Errno::NotDirectory) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(opened)
    }
}

impl FsViewMut<'_> {
    fn open_directory(&mut self, path: &str) -> Result<OpenFile, Errno> {
        let view = self.state.view();
        let opened = view.open(
            &view.root(),
            path,
            OpenHow {
                directory: true,
                ..OpenHow::reading()
            },
        )?;
        self.state.open = self.state.open.saturating_add(1);
        Ok(opened)
    }
}
