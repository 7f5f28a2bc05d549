//! Loading components from WebAssembly: compiled once, found in the cache after that.

use super::{Component, LoadError, cache, invalid};
use crate::{CompileProgress, Engine};

impl Engine {
    /// Loads a component: from the cache when it was compiled before, which takes less than a millisecond, or by compiling it.
    ///
    /// Blocks; call it where blocking is fine.
    pub fn load(&self, name: &str, wasm: &[u8]) -> Result<Component, LoadError> {
        self.load_as(name, blake3::hash(wasm), || wasm)
    }

    /// As [`Engine::load`], for WebAssembly whose blake3 digest is known (in hexadecimal): its bytes are only asked for when
    /// it has to be compiled. Bytes of another digest are refused then, so that nothing is cached under a wrong name.
    ///
    /// Blocks; call it where blocking is fine.
    pub fn load_by_digest<W: AsRef<[u8]>>(
        &self,
        name: &str,
        digest: &str,
        wasm: impl FnOnce() -> W,
    ) -> Result<Component, LoadError> {
        self.load_as(name, parse(name, digest)?, wasm)
    }

    /// Loads a component that was compiled before ([`crate::Compiler`]), by its blake3 digest in hexadecimal; none when it is not in
    /// the cache. Never compiles: safe with components of strangers, whose compiling belongs into a process of its own.
    ///
    /// Blocks, for less than a millisecond.
    pub fn load_compiled(&self, name: &str, digest: &str) -> Result<Option<Component>, LoadError> {
        let digest = parse(name, digest)?;
        let kept = self.0.cache.load(&self.0.wasmtime, &digest);
        match kept.map_err(|source| invalid(name, source))? {
            Some(component) => self.link(name, digest, component).map(Some),
            None => Ok(None),
        }
    }

    /// Removes what [`Engine::load_compiled`] would load: of a component that nobody wants after all. Loaded ones stay.
    pub fn forget_compiled(&self, digest: &str) {
        if let Ok(digest) = blake3::Hash::from_hex(digest) {
            self.0.cache.remove(&digest);
        }
    }

    fn load_as<W: AsRef<[u8]>>(
        &self,
        name: &str,
        digest: blake3::Hash,
        wasm: impl FnOnce() -> W,
    ) -> Result<Component, LoadError> {
        let kept = self.0.cache.load(&self.0.wasmtime, &digest);
        let component = match kept {
            Ok(Some(component)) => component,
            kept => {
                if let Err(error) = kept {
                    tracing::warn!(name, %error, "compiled component ignored");
                }
                let wasm = wasm();
                let wasm = wasm.as_ref();
                if blake3::hash(wasm) != digest {
                    return Err(LoadError::Digest {
                        name: name.to_owned(),
                    });
                }
                self.compile(name, wasm, &digest)
                    .map_err(|source| invalid(name, source))?
            }
        };
        self.link(name, digest, component)
    }

    fn compile(
        &self,
        name: &str,
        wasm: &[u8],
        digest: &blake3::Hash,
    ) -> wasmtime::Result<wasmtime::component::Component> {
        let tell = |progress| {
            if let Some(listener) = &self.0.options.on_compile {
                listener(progress);
            }
        };
        tell(CompileProgress::Started {
            name: name.to_owned(),
            wasm_bytes: wasm.len(),
        });
        let started = std::time::Instant::now();
        let compiled = cache::Compiled::of(&self.0.wasmtime, wasm);
        tell(CompileProgress::Finished {
            name: name.to_owned(),
            took: started.elapsed(),
        });
        self.0.cache.store(&self.0.wasmtime, digest, &compiled?)
    }
}

fn parse(name: &str, digest: &str) -> Result<blake3::Hash, LoadError> {
    blake3::Hash::from_hex(digest).map_err(|_| LoadError::Digest {
        name: name.to_owned(),
    })
}
