//! The cache of compiled components. Loading what is in it is [`super::code`]'s.
//!
//! A file is named by the digest of the WebAssembly and the fingerprint of the engine (wasmtime's version, the processor's features and
//! every setting that shapes code). It gets its name when it is whole and on disk, so that a half-written one is never found,
//! and it is memory-mapped: pages are shared between processes and loaded when touched.

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

use super::code;

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

/// A file of a cache: nobody but this user can write it, which [`Cache::open`] made sure of.
#[derive(Debug)]
pub(super) struct Entry(PathBuf);

impl Entry {
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

/// Code that wasmtime's compiler gave in this process.
pub(super) struct Compiled(Vec<u8>);

impl Compiled {
    pub(super) fn of(engine: &wasmtime::Engine, wasm: &[u8]) -> wasmtime::Result<Compiled> {
        engine.precompile_component(wasm).map(Compiled)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
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

    fn entry(&self, digest: &blake3::Hash) -> Option<Entry> {
        let name = format!("{}-{}.cwasm", digest.to_hex(), self.fingerprint);
        Some(Entry(self.directory.as_ref()?.join(name)))
    }

    /// The compiled form, if there is one. An error is that of a broken file, or of a component that asks for more than the
    /// engine has for one.
    pub(super) fn load(
        &self,
        engine: &wasmtime::Engine,
        digest: &blake3::Hash,
    ) -> wasmtime::Result<Option<Component>> {
        match self.entry(digest) {
            Some(entry) if entry.path().exists() => code::load(engine, &entry).map(Some),
            _ => Ok(None),
        }
    }

    /// Removes compiled code. Whoever has loaded it keeps it.
    pub(super) fn remove(&self, digest: &blake3::Hash) {
        if let Some(entry) = self.entry(digest)
            && let Err(error) = fs::remove_file(entry.path())
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "compiled component not removed");
        }
    }

    /// Keeps compiled code for the next start and loads it.
    pub(super) fn store(
        &self,
        engine: &wasmtime::Engine,
        digest: &blake3::Hash,
        compiled: &Compiled,
    ) -> wasmtime::Result<Component> {
        match self.keep(digest, compiled) {
            Ok(()) => {
                if let Ok(Some(component)) = self.load(engine, digest) {
                    return Ok(component);
                }
            }
            // A full disk costs the next start some seconds and nothing else.
            Err(error) => tracing::warn!(%error, "compiled component not kept"),
        }
        code::load_compiled(engine, compiled)
    }

    /// Keeps compiled code. It is durable when this returns. Does nothing without a directory.
    pub(super) fn keep(
        &self,
        digest: &blake3::Hash,
        compiled: &Compiled,
    ) -> Result<(), CacheError> {
        let Some(Entry(path)) = self.entry(digest) else {
            return Ok(());
        };
        write_atomically(&path, compiled.bytes()).map_err(|source| CacheError::Io { path, source })
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
