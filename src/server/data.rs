//! The data directory: what lies where, and whose it is.
//!
//! ```text
//! DIR/lock              held by the one server that uses the directory
//! DIR/glovebox.db       documents, logs, keys
//! DIR/sessions/ID/      the files of one session
//! DIR/blobs/            pushed components, by digest
//! ```

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A data directory.
#[derive(Debug, Clone)]
pub struct DataDirectory(PathBuf);

/// Why it cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// It cannot be made or opened.
    #[error("cannot use the data directory {}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Two servers would both go on with the same sessions.
    #[error("the data directory {} is in use by another server", path.display())]
    InUse {
        /// Which.
        path: PathBuf,
    },
}

/// Keeps other servers away while it lives. The operating system lets go of it when the process dies, however it dies.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held, never read")] File);

impl DataDirectory {
    /// Makes the directory if need be, readable by this user only. Blocking.
    pub fn open(path: &Path) -> Result<DataDirectory, DataError> {
        let sessions = path.join("sessions");
        let made = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&sessions);
        made.map_err(|source| DataError::Io {
            path: path.into(),
            source,
        })?;
        let path = path.canonicalize().map_err(|source| DataError::Io {
            path: path.into(),
            source,
        })?;
        Ok(DataDirectory(path))
    }

    /// One that is there already, or not: nothing is made.
    pub fn at(path: &Path) -> DataDirectory {
        DataDirectory(path.to_owned())
    }

    /// Claims it for one server. Blocking.
    pub fn lock(&self) -> Result<Lock, DataError> {
        let failed = |source| DataError::Io {
            path: self.0.clone(),
            source,
        };
        let file = File::options()
            .create(true)
            .append(true)
            .open(self.0.join("lock"))
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock(file)),
            Err(TryLockError::WouldBlock) => Err(DataError::InUse {
                path: self.0.clone(),
            }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Removes the files of all sessions whose ids begin with `prefix` and an underscore. Blocking.
    pub fn remove_sessions(&self, prefix: &str) -> Result<(), DataError> {
        let sessions = self.sessions();
        let failed = |source| DataError::Io {
            path: sessions.clone(),
            source,
        };
        let prefix = format!("{prefix}_");
        for entry in std::fs::read_dir(&sessions).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                std::fs::remove_dir_all(entry.path()).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.0.join("glovebox.db")
    }

    /// Where pushed components are kept.
    pub fn blobs(&self) -> PathBuf {
        self.0.join("blobs")
    }

    /// Where sessions keep their files.
    pub fn sessions(&self) -> PathBuf {
        self.0.join("sessions")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sessions_with_the_prefix_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let data = DataDirectory::open(directory.path()).unwrap();
        for name in ["mcp_1", "sesn_1", "mcpx"] {
            std::fs::create_dir_all(data.sessions().join(name).join("tmp")).unwrap();
        }
        data.remove_sessions("mcp").unwrap();
        let left = |name: &str| data.sessions().join(name).exists();
        assert_eq!(["mcp_1", "sesn_1", "mcpx"].map(left), [false, true, true]);
    }

    #[test]
    fn one_server_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let data = DataDirectory::open(&directory.path().join("new")).unwrap();
        let lock = data.lock().unwrap();
        assert!(matches!(data.lock(), Err(DataError::InUse { .. })));
        drop(lock);
        data.lock().unwrap();
    }
}
