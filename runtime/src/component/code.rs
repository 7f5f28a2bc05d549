//! The one place that loads compiled code, and so the one that may be unsafe: compiled code is run as it is.
//!
//! What can be trusted is said by types where this program made it itself ([`Entry`], [`Compiled`]), and by whoever calls
//! [`Engine::load_precompiled`] otherwise.
#![expect(
    unsafe_code,
    reason = "compiled code can only be loaded by trusting it; see SAFETY below"
)]

use std::path::Path;

#[cfg(feature = "compiler")]
use super::cache::{Compiled, Entry};
use super::{Component, LoadError, invalid};
use crate::Engine;

/// Loads a file of the cache.
#[cfg(feature = "compiler")]
pub(super) fn load(
    engine: &wasmtime::Engine,
    entry: &Entry,
) -> wasmtime::Result<wasmtime::component::Component> {
    // SAFETY: these bytes were written by `Cache::keep` of this program, which got them from wasmtime's compiler.
    // `Cache::open` made sure that the directory is this user's and that nobody else can write to it; no guest can, since no
    // mount is ever made of it. The name carries the engine's fingerprint, and wasmtime checks version and settings once more.
    unsafe { wasmtime::component::Component::deserialize_file(engine, entry.path()) }
}

/// Loads what was compiled a moment ago.
#[cfg(feature = "compiler")]
pub(super) fn load_compiled(
    engine: &wasmtime::Engine,
    compiled: &Compiled,
) -> wasmtime::Result<wasmtime::component::Component> {
    // SAFETY: `compiled` comes straight from wasmtime's compiler, in this process.
    unsafe { wasmtime::component::Component::deserialize(engine, compiled.bytes()) }
}

impl Engine {
    /// Loads a component that was compiled elsewhere, with [`crate::Compiler::compile_to_bytes`] or `glovebox tool compile`:
    /// for programs without a compiler, and for starting in milliseconds. The file is memory-mapped.
    ///
    /// Its digest is that of the compiled file. Code of another version of wasmtime, for other processors or of other options
    /// is refused with [`LoadError::Invalid`]. Blocks, for about a millisecond.
    ///
    /// # Safety
    ///
    /// Compiled code is run as it is; no sandbox confines what did not come from the compiler. So the file must have been
    /// written by [`crate::Compiler::compile_to_bytes`] and nobody else, and nobody may be able to write to it, now or for as
    /// long as the component lives: keep it where only you can write, and check a signature or a digest of your own when it
    /// travelled. What the component does when it runs needs no trust: that is what the sandbox is for.
    pub unsafe fn load_precompiled(&self, name: &str, path: &Path) -> Result<Component, LoadError> {
        let unreadable = |error: std::io::Error| invalid(name, error.into());
        let bytes = std::fs::read(path).map_err(unreadable)?;
        let digest = blake3::hash(&bytes);
        drop(bytes);
        // SAFETY: the caller's promise, see above.
        let component =
            unsafe { wasmtime::component::Component::deserialize_file(&self.0.wasmtime, path) }
                .map_err(|source| invalid(name, source))?;
        self.link(name, digest, component)
    }
}
