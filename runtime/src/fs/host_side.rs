//! The host's own way to a sandbox's files, by absolute path: redirections, programs in the workspace, uploads,
//! outputs.
//!
//! It goes the same way as a guest's, so it sees the same mounts, is stopped by the same limits and cannot be led out
//! of them by a guest's symlinks. Blocking, as all of the file system: on a guest's thread, or one that may block.

use std::sync::Arc;

use super::Errno;
use super::mounts::Mounts;
use super::node::{Entry, Kind, Stat};
use super::open_file::{OpenFile, OpenHow};
use super::path::{check_path, split_first};
use super::walk::{Caller, Follow, View};

impl Mounts {
    fn view(&self) -> View<'_> {
        View {
            mounts: self,
            caller: Caller::default(),
        }
    }

    /// Opens a file or directory.
    pub fn open(&self, path: &str, how: OpenHow) -> Result<Arc<OpenFile>, Errno> {
        if !how.read && !how.writes() && !how.directory {
            return Err(Errno::Invalid);
        }
        let path = absolute(path)?;
        self.view()
            .open(&self.view().root(), path, how)
            .map(Arc::new)
    }

    /// What is known about a path, symlinks followed.
    pub fn stat(&self, path: &str) -> Result<Stat, Errno> {
        Ok(self
            .view()
            .stat(&self.view().root(), absolute(path)?, Follow::Yes)?
            .0)
    }

    /// What is known about a path, a symlink at its end not followed.
    pub fn stat_link(&self, path: &str) -> Result<Stat, Errno> {
        Ok(self
            .view()
            .stat(&self.view().root(), absolute(path)?, Follow::No)?
            .0)
    }

    /// Permission bits, symlinks followed.
    pub fn mode(&self, path: &str) -> Result<u32, Errno> {
        Ok(self.stat(path)?.mode)
    }

    /// Sets permission bits, symlinks followed.
    pub fn set_mode(&self, path: &str, mode: u32) -> Result<(), Errno> {
        self.view()
            .set_mode(&self.view().root(), absolute(path)?, mode)
    }

    /// All of a file, if it has at most `bytes_max` bytes; `FileTooLarge` otherwise.
    pub fn read_file(&self, path: &str, bytes_max: usize) -> Result<Vec<u8>, Errno> {
        let file = self.open(path, OpenHow::reading())?;
        let size = usize::try_from(file.size()?).map_err(|_| Errno::FileTooLarge)?;
        if size > bytes_max {
            return Err(Errno::FileTooLarge);
        }
        let mut content = Vec::with_capacity(size);
        loop {
            let offset = u64::try_from(content.len()).map_err(|_| Errno::FileTooLarge)?;
            // One more than is allowed, to notice a file that grows or that does not know its length.
            let chunk = file.read_at(offset, (bytes_max - content.len()).saturating_add(1))?;
            if chunk.is_empty() {
                return Ok(content);
            }
            content.extend_from_slice(&chunk);
            if content.len() > bytes_max {
                return Err(Errno::FileTooLarge);
            }
        }
    }

    /// Replaces or creates a file. `NoSpace` when a limit was met on the way; a part is then written.
    pub fn write_file(&self, path: &str, content: &[u8], mode: u32) -> Result<(), Errno> {
        let file = self.open(
            path,
            OpenHow {
                mode,
                ..OpenHow::replacing()
            },
        )?;
        let mut written = 0;
        while written < content.len() {
            let offset = u64::try_from(written).map_err(|_| Errno::FileTooLarge)?;
            match file.write_at(offset, &content[written..])? {
                0 => return Err(Errno::Io),
                more => written += more,
            }
        }
        Ok(())
    }

    /// Creates a directory and those on the way to it, with 0755. Fine if it is there.
    pub fn create_dir_all(&self, path: &str) -> Result<(), Errno> {
        let path = absolute(path)?;
        let root = self.view().root();
        let mut rest = path;
        while let Some((_, after)) = split_first(rest) {
            rest = after;
            let prefix = &path[..path.len() - rest.len()];
            match self.view().create_directory(&root, prefix, 0o755) {
                Ok(()) | Err(Errno::Exist) => {}
                Err(error) => return Err(error),
            }
        }
        match self.stat(path)?.kind {
            Kind::Directory => Ok(()),
            _ => Err(Errno::NotDirectory),
        }
    }

    /// A directory's entries, by name.
    pub fn list(&self, path: &str) -> Result<Vec<Entry>, Errno> {
        let directory = self.open(
            path,
            OpenHow {
                directory: true,
                ..OpenHow::reading()
            },
        )?;
        let mut entries = directory.list()?.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// Removes anything but a directory.
    pub fn remove_file(&self, path: &str) -> Result<(), Errno> {
        self.view()
            .remove_file(&self.view().root(), absolute(path)?)
    }
}

fn absolute(path: &str) -> Result<&str, Errno> {
    check_path(path)?;
    if path.starts_with('/') {
        Ok(path)
    } else {
        Err(Errno::Invalid)
    }
}
