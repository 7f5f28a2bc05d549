//! The data directory: what lies where, and whose it is.
//!
//! ```text
//! DIR/lock              held by the one server that uses the directory
//! DIR/glovebox.db       documents, logs, keys
//! DIR/blobs/            pushed components, by digest
//! DIR/trees/            sessions' files: `blobs` is what is saved, `pack` what did not fit in memory
//! DIR/sessions/ID/      the files of one session as earlier versions kept them, until they are moved
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
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
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

    /// The sessions that have a folder of files, as earlier versions made one for each. Blocking.
    pub fn session_folders(&self) -> Result<Vec<(String, PathBuf)>, DataError> {
        let sessions = self.0.join("sessions");
        let failed = |source| DataError::Io {
            path: sessions.clone(),
            source,
        };
        let mut folders = Vec::new();
        let entries = match std::fs::read_dir(&sessions) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(folders),
            entries => entries.map_err(failed)?,
        };
        for entry in entries {
            let entry = entry.map_err(failed)?;
            if let Ok(name) = entry.file_name().into_string() {
                folders.push((name, entry.path()));
            }
        }
        Ok(folders)
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.0.join("glovebox.db")
    }

    /// Where pushed components are kept.
    pub fn blobs(&self) -> PathBuf {
        self.0.join("blobs")
    }

    /// Where sessions' files are.
    pub fn trees(&self) -> PathBuf {
        self.0.join("trees")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_earlier_versions_are_found() {
        let directory = tempfile::tempdir().unwrap();
        let data = DataDirectory::open(directory.path()).unwrap();
        assert_eq!(data.session_folders().unwrap(), []);
        let folder = data.0.join("sessions/sesn_1");
        std::fs::create_dir_all(folder.join("tmp")).unwrap();
        assert_eq!(
            data.session_folders().unwrap(),
            [("sesn_1".to_owned(), folder)]
        );
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
