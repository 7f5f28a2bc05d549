//! Components: loaded by digest, compiled once.

mod cache;
mod compiler;

use std::fmt;
use std::sync::Arc;

pub(crate) use cache::Cache;
pub use cache::CacheError;
pub use compiler::{CompileError, Compiler};

use wasmtime_wasi::p2::bindings::CommandPre;

use crate::Engine;
use crate::describe::DescribeError;
use crate::fs::Preopens;
use crate::plain::Plain;
use crate::report::Description;
use crate::state::State;
use crate::tool::Tool;

/// What a component can be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Exports `glovebox:tool/tool`, or was made a tool by [`Component::plain`].
    Tool,
    /// Exports `wasi:cli/run`.
    Program,
}

/// A component that is ready to be instantiated. Cloning shares it.
#[derive(Clone)]
pub struct Component(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) name: String,
    pub(crate) digest: blake3::Hash,
    pub(crate) entry: Entry,
    pub(crate) preopens: Preopens,
}

/// A component with its imports resolved and its exports found: instantiating it again and again costs little.
pub(crate) enum Entry {
    Tool(Tool),
    Program(CommandPre<State>),
    Plain(Plain),
}

/// Why a component cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It is no component, or not a valid one.
    #[error("{name} is not a valid component")]
    Invalid {
        /// The component's name.
        name: String,
        /// What the compiler says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Its digest is not the one it was announced with.
    #[error("{name} does not have the digest it should have")]
    Digest {
        /// The component's name.
        name: String,
    },
    /// It exports neither `glovebox:tool/tool` nor `wasi:cli/run`.
    #[error("{name} exports neither glovebox:tool/tool nor wasi:cli/run")]
    NoEntry {
        /// The component's name.
        name: String,
    },
    /// It is to be a plain tool and is no program.
    #[error("{name} does not export wasi:cli/run")]
    NotPlain {
        /// The component's name.
        name: String,
    },
    /// What is said of a plain tool is no description.
    #[error("{name} is not described well")]
    Description {
        /// The component's name.
        name: String,
        /// What is wrong.
        #[source]
        source: DescribeError,
    },
    /// It imports something that there is not.
    #[error("{name} imports what this host does not offer")]
    Imports {
        /// The component's name.
        name: String,
        /// Which import.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Component {
    /// The name it was loaded under: messages use it, and a tool's state is kept under it.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Blake3 digest of its WebAssembly.
    pub fn digest(&self) -> [u8; 32] {
        *self.0.digest.as_bytes()
    }

    /// Makes a program a tool: its input is JSON on standard input, its answer what it writes to standard output.
    pub fn plain(self, description: Description) -> Result<Component, LoadError> {
        let name = self.0.name.clone();
        let Entry::Program(program) = &self.0.entry else {
            return Err(LoadError::NotPlain { name });
        };
        if let Err(source) = description.check() {
            return Err(LoadError::Description { name, source });
        }
        Ok(Component(Arc::new(Inner {
            name,
            digest: self.0.digest,
            entry: Entry::Plain(Plain {
                program: program.clone(),
                description,
            }),
            preopens: self.0.preopens,
        })))
    }

    /// Which version of `glovebox:tool` it speaks: `0.2.0`; none for programs and plain tools.
    pub fn contract(&self) -> Option<&'static str> {
        match &self.0.entry {
            Entry::Tool(tool) => Some(tool.contract()),
            Entry::Program(_) | Entry::Plain(_) => None,
        }
    }

    /// What it can be used for.
    pub fn kind(&self) -> Kind {
        match self.0.entry {
            Entry::Tool(_) | Entry::Plain(_) => Kind::Tool,
            Entry::Program(_) => Kind::Program,
        }
    }
}

impl fmt::Debug for Component {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Component")
            .field("name", &self.0.name)
            .field("kind", &self.kind())
            .finish_non_exhaustive()
    }
}

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

    /// Loads a component that was compiled before ([`Compiler`]), by its blake3 digest in hexadecimal; none when it is not in
    /// the cache. Never compiles: safe with components of strangers, whose compiling belongs into a process of its own.
    ///
    /// Blocks, for less than a millisecond.
    pub fn load_compiled(&self, name: &str, digest: &str) -> Result<Option<Component>, LoadError> {
        let digest = parse(name, digest)?;
        match self.0.cache.load(&self.0.wasmtime, &digest) {
            Some(component) => self.link(name, digest, component).map(Some),
            None => Ok(None),
        }
    }

    fn load_as<W: AsRef<[u8]>>(
        &self,
        name: &str,
        digest: blake3::Hash,
        wasm: impl FnOnce() -> W,
    ) -> Result<Component, LoadError> {
        let component = match self.0.cache.load(&self.0.wasmtime, &digest) {
            Some(component) => component,
            None => {
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

    /// Finds what it exports and resolves what it imports.
    fn link(
        &self,
        name: &str,
        digest: blake3::Hash,
        component: wasmtime::component::Component,
    ) -> Result<Component, LoadError> {
        let invalid = |source| invalid(name, source);
        let exports = |interface: &str| component.get_export_index(None, interface).is_some();
        let is_tool = crate::tool::is_tool(&component);
        if !is_tool && !exports("wasi:cli/run@0.2.0") {
            return Err(LoadError::NoEntry {
                name: name.to_owned(),
            });
        }
        let imports = |source: wasmtime::Error| LoadError::Imports {
            name: name.to_owned(),
            source: source.into(),
        };
        let instance = self.0.linker.instantiate_pre(&component).map_err(imports)?;
        let entry = match Tool::find(&component, &instance) {
            Some(tool) => Entry::Tool(tool),
            None => Entry::Program(CommandPre::new(instance).map_err(invalid)?),
        };
        // Our own programs learn their working directory from `PWD`; others only know what they find open.
        let ours = component
            .component_type()
            .imports(&self.0.wasmtime)
            .any(|(name, _)| name.starts_with("glovebox:"));
        let preopens = if ours || is_tool {
            Preopens::Root
        } else {
            Preopens::WorkingDirectory
        };
        Ok(Component(Arc::new(Inner {
            name: name.to_owned(),
            digest,
            entry,
            preopens,
        })))
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
        tell(crate::CompileProgress::Started {
            name: name.to_owned(),
            wasm_bytes: wasm.len(),
        });
        let started = std::time::Instant::now();
        let compiled = self.0.wasmtime.precompile_component(wasm);
        tell(crate::CompileProgress::Finished {
            name: name.to_owned(),
            took: started.elapsed(),
        });
        self.0.cache.store(&self.0.wasmtime, digest, compiled?)
    }
}

fn parse(name: &str, digest: &str) -> Result<blake3::Hash, LoadError> {
    blake3::Hash::from_hex(digest).map_err(|_| LoadError::Digest {
        name: name.to_owned(),
    })
}

fn invalid(name: &str, source: wasmtime::Error) -> LoadError {
    LoadError::Invalid {
        name: name.to_owned(),
        source: source.into(),
    }
}
