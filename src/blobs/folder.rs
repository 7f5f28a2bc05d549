//! Blobs as files of one folder, named by their digits.
//!
//! A file gets its name only when all of it is on disk, so that a crash leaves either the whole blob or a temporary file,
//! which the next start removes.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;

use super::{BlobError, Blobs};
use crate::package::{Digest, digest};

const TEMPORARY: &str = ".new";

/// A folder of blobs. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Folder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    count: AtomicU64,
}

impl Folder {
    /// Makes the folder if need be, for this user only, and removes what a crash left half written. One process at a
    /// time may use it. Blocking.
    pub fn open(path: &Path) -> Result<Folder, BlobError> {
        let failed = |source| failed("opening", path, source);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(failed)?;
        for entry in fs::read_dir(path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().to_string_lossy().ends_with(TEMPORARY) {
                fs::remove_file(entry.path()).map_err(failed)?;
            }
        }
        Ok(Folder(Arc::new(Inner {
            path: path.to_owned(),
            count: AtomicU64::new(0),
        })))
    }

    /// A folder that another process may be using: it is read, and nothing in it is touched.
    pub fn open_read_only(path: &Path) -> Folder {
        Folder(Arc::new(Inner {
            path: path.to_owned(),
            count: AtomicU64::new(0),
        }))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, BlobError> + Send + 'static,
    ) -> Result<T, BlobError> {
        let inner = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || work(&inner))
            .await
            .unwrap_or_else(|error| Err(failed("using", &self.0.path, error.into())))
    }
}

impl Inner {
    fn file(&self, digest: &Digest) -> PathBuf {
        self.path.join(digest.hex())
    }

    fn put(&self, bytes: &[u8]) -> Result<Digest, BlobError> {
        let digest = digest(bytes);
        let path = self.file(&digest);
        // A file of this name that is whole is this blob; one that is not is replaced.
        if self.read(&digest).is_ok_and(|found| found.is_some()) {
            return Ok(digest);
        }
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let temporary = self
            .path
            .join(format!("{}.{number}{TEMPORARY}", digest.hex()));
        let written = write(&temporary, bytes)
            .and_then(|()| fs::rename(&temporary, &path))
            .and_then(|()| File::open(&self.path)?.sync_all());
        if let Err(error) = written {
            // It may not even be there; the next start looks for it too.
            let _ = fs::remove_file(&temporary);
            return Err(failed("writing", &path, error));
        }
        Ok(digest)
    }

    fn read(&self, name: &Digest) -> Result<Option<Vec<u8>>, BlobError> {
        let path = self.file(name);
        match fs::read(&path) {
            Ok(bytes) if digest(&bytes) == *name => Ok(Some(bytes)),
            Ok(_) => Err(BlobError::Corrupt { digest: *name }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("reading", &path, error)),
        }
    }

    fn delete(&self, digest: &Digest) -> Result<(), BlobError> {
        let path = self.file(digest);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(failed("removing", &path, error))
            }
            _ => Ok(()),
        }
    }

    fn all(&self) -> Result<Vec<Digest>, BlobError> {
        let failed = |source| failed("listing", &self.path, source);
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            // Whatever else lies there is not ours.
            found.extend(format!("sha256:{}", name.to_string_lossy()).parse::<Digest>());
        }
        Ok(found)
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn failed(doing: &str, path: &Path, source: io::Error) -> BlobError {
    BlobError::Io {
        context: format!("{doing} {}", path.display()),
        source,
    }
}

#[async_trait]
impl Blobs for Folder {
    async fn put(&self, bytes: Bytes) -> Result<Digest, BlobError> {
        self.blocking(move |inner| inner.put(&bytes)).await
    }

    async fn get(&self, digest: &Digest) -> Result<Option<Bytes>, BlobError> {
        let digest = *digest;
        self.blocking(move |inner| Ok(inner.read(&digest)?.map(Bytes::from)))
            .await
    }

    async fn delete(&self, digest: &Digest) -> Result<(), BlobError> {
        let digest = *digest;
        self.blocking(move |inner| inner.delete(&digest)).await
    }

    async fn all(&self) -> Result<Vec<Digest>, BlobError> {
        self.blocking(Inner::all).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &Path) -> Vec<String> {
        let entries = fs::read_dir(path).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[tokio::test]
    async fn what_is_put_is_there_until_it_is_deleted() {
        let directory = tempfile::tempdir().unwrap();
        let blobs = Folder::open(directory.path()).unwrap();
        let bytes = Bytes::from_static(b"component");
        let digest = blobs.put(bytes.clone()).await.unwrap();
        assert_eq!(digest, crate::package::digest(&bytes));
        assert_eq!(blobs.put(bytes.clone()).await.unwrap(), digest);
        let again = Folder::open(directory.path()).unwrap();
        assert_eq!(again.get(&digest).await.unwrap(), Some(bytes));
        assert_eq!(again.all().await.unwrap(), [digest]);
        assert_eq!(names(directory.path()), [digest.hex()]);
        blobs.delete(&digest).await.unwrap();
        blobs.delete(&digest).await.unwrap();
        assert_eq!(blobs.get(&digest).await.unwrap(), None);
        assert!(names(directory.path()).is_empty());
    }

    #[tokio::test]
    async fn a_changed_file_is_noticed_and_healed_by_the_next_put() {
        let directory = tempfile::tempdir().unwrap();
        let blobs = Folder::open(directory.path()).unwrap();
        let bytes = Bytes::from_static(b"component");
        let digest = blobs.put(bytes.clone()).await.unwrap();
        fs::write(directory.path().join(digest.hex()), b"something else").unwrap();
        assert!(matches!(
            blobs.get(&digest).await,
            Err(BlobError::Corrupt { .. })
        ));
        blobs.put(bytes.clone()).await.unwrap();
        assert_eq!(blobs.get(&digest).await.unwrap(), Some(bytes));
    }

    #[tokio::test]
    async fn half_written_files_are_removed_and_others_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(format!("abc.0{TEMPORARY}")), b"half").unwrap();
        fs::write(directory.path().join("README"), b"not ours").unwrap();
        let blobs = Folder::open(directory.path()).unwrap();
        assert_eq!(names(directory.path()), ["README"]);
        assert!(blobs.all().await.unwrap().is_empty());
    }
}
