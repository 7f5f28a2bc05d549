//! Components: loaded by digest, compiled once.

#[cfg(feature = "compiler")]
mod cache;
mod code;
#[cfg(feature = "compiler")]
mod compiler;
#[cfg(feature = "compiler")]
mod found;
mod imports;
#[cfg(feature = "compiler")]
mod load;

use std::fmt;
use std::sync::Arc;

#[cfg(feature = "compiler")]
pub(crate) use cache::Cache;
#[cfg(feature = "compiler")]
pub use cache::CacheError;
#[cfg(feature = "compiler")]
pub use compiler::{CompileError, Compiler};
#[cfg(feature = "compiler")]
pub(crate) use found::Found;

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
    pub(crate) compiled_bytes: usize,
}

/// A component with its imports resolved and its exports found: instantiating it again and again costs little.
pub(crate) enum Entry {
    Tool(Tool),
    Program(CommandPre<State>),
    Plain(Box<Plain>),
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
    #[error("{name} imports what this host does not serve: {}", missing.join(", "))]
    Imports {
        /// The component's name.
        name: String,
        /// Each interface, or function of a served interface, that it imports in vain; in brackets what would fit.
        missing: Vec<String>,
    },
}

impl Component {
    /// The name it was loaded under: messages use it, and a tool's state is kept under it.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Blake3 digest of its WebAssembly; where only compiled code was there to load, of that.
    pub fn digest(&self) -> [u8; 32] {
        *self.0.digest.as_bytes()
    }

    /// Size of its compiled code and data, as they are mapped into memory: what dropping it gives back, for whoever keeps
    /// some and drops others.
    pub fn compiled_bytes(&self) -> usize {
        self.0.compiled_bytes
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
            entry: Entry::Plain(Box::new(Plain {
                program: program.clone(),
                description,
            })),
            preopens: self.0.preopens,
            compiled_bytes: self.0.compiled_bytes,
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
        let instance =
            self.0
                .linker
                .instantiate_pre(&component)
                .map_err(|error| LoadError::Imports {
                    name: name.to_owned(),
                    missing: imports::missing(&self.0.linker, &component, &error),
                })?;
        let entry = match Tool::find(&component, &instance) {
            Some(tool) => Entry::Tool(tool),
            None => Entry::Program(CommandPre::new(instance).map_err(invalid)?),
        };
        // Our own programs learn their working directory from `PWD`; others only know what they find open.
        let ours = component
            .component_type()
            .imports(&self.0.wasmtime)
            .any(|(name, _)| name.starts_with("glovebox:"));
        let image = component.image_range();
        let compiled_bytes = (image.end as usize).saturating_sub(image.start as usize);
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
            compiled_bytes,
        })))
    }
}

fn invalid(name: &str, source: wasmtime::Error) -> LoadError {
    LoadError::Invalid {
        name: name.to_owned(),
        source: source.into(),
    }
}
