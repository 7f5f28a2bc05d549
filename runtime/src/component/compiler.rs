//! Compiling without running: for a process of its own, which may be killed when a component is built to exhaust the compiler.
//!
//! Makes the same code as [`crate::Engine`] and leaves it in the same cache, where the engine finds it. It reserves no room
//! for instances, links nothing and starts no threads of its own.

use super::cache::{Cache, CacheError, Compiled};
use crate::engine::{EngineError, EngineOptions, compiling};

/// Compiles into the cache of an [`crate::Engine`] with the same options.
pub struct Compiler {
    wasmtime: wasmtime::Engine,
    cache: Cache,
}

/// Why a component was not compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// It is no component, or not a valid one. The text is for whoever made it.
    #[error("not a valid component: {message}")]
    Invalid {
        /// What the compiler says, with its causes.
        message: String,
    },
    /// It was compiled and could not be kept.
    #[error("compiled code cannot be kept")]
    Cache(#[from] CacheError),
}

impl Compiler {
    /// Makes a compiler. What counts of the options is what the engine's have to say as well: `cache_dir` and
    /// `memory_bytes_max`.
    pub fn new(options: &EngineOptions) -> Result<Compiler, EngineError> {
        let wasmtime = wasmtime::Engine::new(&compiling(options))
            .map_err(|error| EngineError::Engine(error.into()))?;
        let cache = Cache::open(options.cache_dir.as_deref(), &wasmtime)?;
        Ok(Compiler { wasmtime, cache })
    }

    /// Compiles a component into the cache, unless it is there already. It is durable when this returns.
    ///
    /// Blocks, for as long as a hostile component likes, and takes as much memory: limit the process.
    pub fn compile(&self, wasm: &[u8]) -> Result<(), CompileError> {
        let digest = blake3::hash(wasm);
        if matches!(self.cache.load(&self.wasmtime, &digest), Ok(Some(_))) {
            return Ok(());
        }
        Ok(self.cache.keep(&digest, &self.code(wasm)?)?)
    }

    /// Compiles a component and gives the code, for [`crate::Engine::load_precompiled`] of the same version on a machine of
    /// the same kind.
    ///
    /// Blocks as [`Compiler::compile`] does.
    pub fn compile_to_bytes(&self, wasm: &[u8]) -> Result<Vec<u8>, CompileError> {
        self.code(wasm).map(Compiled::into_bytes)
    }

    fn code(&self, wasm: &[u8]) -> Result<Compiled, CompileError> {
        Compiled::of(&self.wasmtime, wasm).map_err(|error| CompileError::Invalid {
            message: format!("{error:#}"),
        })
    }
}

impl std::fmt::Debug for Compiler {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Compiler").finish_non_exhaustive()
    }
}
