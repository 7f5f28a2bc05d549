//! The cache of compiled components, and the one place that loads compiled code.
//!
//! A file is named by the digest of the WebAssembly and the fingerprint of the engine (wasmtime's version, the processor's features and
//! every setting that shapes code). It gets its name when it is whole and on disk, so that a half-written one is never found,
//! and it is memory-mapped: pages are shared between processes and loaded when touched.
#![expect(
    unsafe_code,
    reason = "compiled code can only be loaded by trusting it; see SAFETY below"
)]

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File};
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat};
use wasmtime::component::Component;

/// Why the cache directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// It cannot be made or looked at.
    #[error("cannot use the component cache {}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Somebody else could put code there.
    #[error("component cache {} must belong to this user and be writable by nobody else", path.display())]
    Shared {
        /// The directory.
        path: PathBuf,
    },
}

/// Where compiled components are kept.
pub(crate) struct Cache {
    directory: Option<PathBuf>,
    fingerprint: String,
}

/// Feeds a digest with what wasmtime hashes.
struct Fingerprint(blake3::Hasher);

impl Hasher for Fingerprint {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

impl Cache {
    pub(crate) fn open(
        directory: Option<&Path>,
        engine: &wasmtime::Engine,
    ) -> Result<Cache, CacheError> {
        if let Some(path) = directory {
            let failed = |source| CacheError::Io {
                path: path.to_owned(),
                source,
            };
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .map_err(failed)?;
            let metadata = fs::metadata(path).map_err(failed)?;
            if metadata.mode() & 0o022 != 0 || metadata.uid() != rustix::process::geteuid().as_raw()
            {
                return Err(CacheError::Shared {
                    path: path.to_owned(),
                });
            }
        }
        let mut fingerprint = Fingerprint(blake3::Hasher::new());
        engine
            .precompile_compatibility_hash()
            .hash(&mut fingerprint);
        let fingerprint = fingerprint.0.finalize().to_hex()[..16].to_owned();
        Ok(Cache {
            directory: directory.map(Path::to_owned),
            fingerprint,
        })
    }

    fn path(&self, digest: &blake3::Hash) -> Option<PathBuf> {
        self.directory.as_ref().map(|directory| {
            directory.join(format!("{}-{}.cwasm", digest.to_hex(), self.fingerprint))
        })
    }

    /// The compiled form, if it is there and whole.
    pub(crate) fn load(
        &self,
        engine: &wasmtime::Engine,
        digest: &blake3::Hash,
    ) -> Option<Component> {
        let path = self.path(digest)?;
        if !path.exists() {
            return None;
        }
        // SAFETY: these bytes were written by `store` of this program, which got them from wasmtime's compiler. `open` made
        // sure that the directory is this user's and that nobody else can write to it; no guest can, since no mount is ever
        // made of it. The name carries the engine's fingerprint, and wasmtime checks version and settings once more.
        let loaded = unsafe { Component::deserialize_file(engine, &path) };
        loaded.inspect_err(|error| tracing::warn!(path = %path.display(), %error, "compiled component ignored")).ok()
    }

    /// Keeps compiled code for the next start and loads it.
    pub(crate) fn store(
        &self,
        engine: &wasmtime::Engine,
        digest: &blake3::Hash,
        compiled: Vec<u8>,
    ) -> wasmtime::Result<Component> {
        match self.keep(digest, &compiled) {
            Ok(()) => {
                if let Some(component) = self.load(engine, digest) {
                    return Ok(component);
                }
            }
            // A full disk costs the next start some seconds and nothing else.
            Err(error) => tracing::warn!(%error, "compiled component not kept"),
        }
        // SAFETY: `compiled` comes straight from this engine's compiler.
        unsafe { Component::deserialize(engine, &compiled) }
    }

    /// Keeps compiled code. It is durable when this returns. Does nothing without a directory.
    pub(crate) fn keep(&self, digest: &blake3::Hash, compiled: &[u8]) -> Result<(), CacheError> {
        let Some(path) = self.path(digest) else {
            return Ok(());
        };
        write_atomically(&path, compiled).map_err(|source| CacheError::Io { path, source })
    }
}

/// Writes a file that has no name until it is whole: whoever is killed meanwhile leaves nothing behind.
fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let directory = File::open(directory)?;
    let temporary = temporary_name();
    let (mut file, named) = match nameless(&directory) {
        Ok(file) => (file, false),
        // Not every file system has files without a name.
        Err(_) => (exclusive(&directory, &temporary)?, true),
    };
    let written = (|| {
        file.write_all(bytes)?;
        // Without this a power cut can leave a file with its final name and no content; wasmtime would notice, at a cost.
        file.sync_all()?;
        if !named {
            let nameless = format!("/proc/self/fd/{}", file.as_raw_fd());
            let link =
                |name: &OsStr| linkat(CWD, &nameless, &directory, name, AtFlags::SYMLINK_FOLLOW);
            match link(name) {
                Err(rustix::io::Errno::EXIST) => link(temporary.as_ref())?,
                linked => return Ok(linked?),
            }
        }
        rustix::fs::renameat(&directory, &temporary, &directory, name)?;
        Ok(())
    })();
    if written.is_err() {
        let _ = rustix::fs::unlinkat(&directory, &temporary, AtFlags::empty());
    }
    written
}

const WRITE: OFlags = OFlags::WRONLY.union(OFlags::CLOEXEC);
const OURS: Mode = Mode::RUSR.union(Mode::WUSR);

#[cfg(target_os = "linux")]
fn nameless(directory: &File) -> io::Result<File> {
    Ok(rustix::fs::openat(directory, ".", WRITE | OFlags::TMPFILE, OURS)?.into())
}

#[cfg(not(target_os = "linux"))]
fn nameless(_: &File) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

fn exclusive(directory: &File, name: &str) -> io::Result<File> {
    let flags = WRITE | OFlags::CREATE | OFlags::EXCL;
    Ok(rustix::fs::openat(directory, name, flags, OURS)?.into())
}

/// A name that nobody else writes to.
fn temporary_name() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{}.{number}.tmp", std::process::id())
}
