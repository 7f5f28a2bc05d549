//! Components that guests made: files of a sandbox that are executed.
//!
//! One may be built to exhaust the compiler, or to crash it, so who embeds the engine says who compiles them
//! ([`crate::EngineOptions::compile_found`]); otherwise nobody does. Compiled code is kept in memory for the files used last, of all sandboxes, and
//! on disk only until it is loaded: a guest that makes ever new components fills neither.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Semaphore;
use wasmtime::component::Component as Code;

use super::cache::{Cache, CacheError};
use super::{Component, LoadError, invalid};
use crate::engine::{CompileFound, Engine};

/// Files whose compiled code stays in memory.
const KEPT_MAX: usize = 32;
/// Compiled code of all of them together.
const KEPT_BYTES_MAX: usize = 256 << 20;
/// Files that are compiled at once. The others wait, which counts for their calls' limits.
const COMPILING_MAX: usize = 2;
/// Compiled code that nobody has loaded for this long was left behind by a process that died.
const LEFT_BEHIND: Duration = Duration::from_secs(3600);

/// See the module.
pub(crate) struct Found {
    outside: Option<(CompileFound, Cache, PathBuf)>,
    kept: Mutex<VecDeque<(blake3::Hash, Code)>>,
    places: Semaphore,
}

impl Found {
    /// `directory` is the cache of the engine; without one, nothing is compiled.
    pub(crate) fn open(
        compile: Option<&CompileFound>,
        directory: Option<&Path>,
        engine: &wasmtime::Engine,
    ) -> Result<Found, CacheError> {
        let outside = match (compile, directory) {
            (Some(compile), Some(directory)) => {
                let directory = directory.join("found");
                let cache = Cache::open(Some(&directory), engine)?;
                remove_left_behind(&directory);
                Some((Arc::clone(compile), cache, directory))
            }
            _ => None,
        };
        Ok(Found {
            outside,
            kept: Mutex::default(),
            places: Semaphore::new(COMPILING_MAX),
        })
    }

    fn find(&self, digest: &blake3::Hash) -> Option<Code> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(known, _)| known == digest)?;
        let found = kept.remove(at)?;
        let code = found.1.clone();
        kept.push_front(found);
        Some(code)
    }

    fn keep(&self, digest: blake3::Hash, code: &Code) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_front((digest, code.clone()));
        let mut bytes = 0;
        let within = kept.iter().take(KEPT_MAX).take_while(|(_, code)| {
            let image = code.image_range();
            bytes += image.end as usize - image.start as usize;
            bytes <= KEPT_BYTES_MAX
        });
        let within = within.count();
        kept.truncate(within);
    }
}

impl Engine {
    /// Loads a component that a guest made. Cancelled, it leaves nothing that goes on.
    pub(crate) async fn load_found(
        &self,
        name: &str,
        wasm: Vec<u8>,
    ) -> Result<Component, LoadError> {
        let digest = blake3::hash(&wasm);
        // Whoever has a copy of one of our programs need not wait for it.
        if let Ok(Some(component)) = self.load_compiled(name, &digest.to_hex()) {
            return Ok(component);
        }
        let found = &self.0.found;
        if let Some(code) = found.find(&digest) {
            return self.link(name, digest, code);
        }
        let failed = |error: wasmtime::Error| invalid(name, error);
        let _place = (found.places.acquire().await).map_err(|error| failed(error.into()))?;
        // Somebody else may have compiled it while this one waited.
        let code = match found.find(&digest) {
            Some(code) => code,
            None => {
                let code = self.compile_found(digest, wasm).await.map_err(failed)?;
                found.keep(digest, &code);
                code
            }
        };
        self.link(name, digest, code)
    }

    async fn compile_found(&self, digest: blake3::Hash, wasm: Vec<u8>) -> wasmtime::Result<Code> {
        // Never in this process: nesting a few types more than the compiler has stack for would end all of it.
        let Some((compile, cache, directory)) = &self.0.found.outside else {
            return Err(wasmtime::Error::msg("nobody compiles what guests made"));
        };
        compile(Bytes::from(wasm), directory.clone())
            .await
            .map_err(wasmtime::Error::from_boxed)?;
        let code = cache.load(&self.0.wasmtime, &digest);
        // What is loaded is mapped, and needs no name.
        cache.remove(&digest);
        code?.ok_or_else(|| wasmtime::Error::msg("the compiler left no code"))
    }
}

fn remove_left_behind(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let age = entry.metadata().and_then(|metadata| metadata.modified());
        let age = age.ok().and_then(|modified| modified.elapsed().ok());
        if age.is_some_and(|age| age > LEFT_BEHIND) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
