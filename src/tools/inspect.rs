//! What a pushed component is, found out without trusting it: it is compiled, its imports are looked at, and it is asked
//! to describe itself in a sandbox that has nothing.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use glovebox_runtime::{Component, Description, Engine, Grant, LoadError, Sandbox};
use tokio::sync::Semaphore;

use super::compile::{CompileError, Limits, compile_in_child};
use super::version::Contract;
use crate::package::{self, Kind, Manifest, PackError};
use crate::resources::custom_tool;
use crate::resources::input::Invalid;

/// Components that are looked at at the same time. Compiling takes a processor and memory.
const AT_ONCE: usize = 2;

/// A component that can be a tool.
#[derive(Debug)]
pub(super) struct Inspected {
    pub(super) bytes: Bytes,
    pub(super) description: Description,
    pub(super) contract: Contract,
    /// To be told when it became one.
    pub(super) compiled: Compiled,
}

/// Compiled code that was not there before somebody pushed this component. It is removed again unless it is kept.
#[derive(Debug)]
pub(super) struct Compiled(Option<(Engine, String)>);

impl Compiled {
    /// A tool has it now.
    pub(super) fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Compiled {
    fn drop(&mut self) {
        if let Some((engine, digest)) = &self.0 {
            engine.forget_compiled(digest);
        }
    }
}

/// Why a component is no tool.
#[derive(Debug, thiserror::Error)]
pub(super) enum InspectError {
    /// Whoever pushed it can read why.
    #[error(transparent)]
    Refused(#[from] Invalid),
    /// It is our fault.
    #[error("the component could not be looked at")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// How components are compiled.
#[derive(Debug, Clone)]
pub struct Compiling {
    /// This program.
    pub exe: PathBuf,
    /// The engine's folder for compiled components.
    pub cache: PathBuf,
    /// What one component may cost.
    pub limits: Limits,
}

/// Looks at components.
pub(super) struct Inspector {
    engine: Engine,
    compiling: Compiling,
    places: Arc<Semaphore>,
}

impl Inspector {
    pub(super) fn new(engine: Engine, compiling: Compiling) -> Inspector {
        Inspector {
            engine,
            compiling,
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Says what a component is, or why it is none that can be called. Cancel-safe: nothing of it stays.
    pub(super) async fn inspect(
        &self,
        bytes: Bytes,
        manifest: Option<&str>,
    ) -> Result<Inspected, InspectError> {
        let manifest = manifest.map(read_manifest).transpose()?;
        let _place = self.places.acquire().await;
        let (bytes, kind) = packed(bytes, manifest).await?;
        let manifest = match &kind {
            Kind::Plain(manifest) => Some(manifest.description()),
            Kind::Tool { .. } => None,
        };
        let digest = blake3::hash(&bytes).to_hex().to_string();
        let known = self.load_compiled("component", &digest).await?.is_some();
        let compiled = Compiled((!known).then(|| (self.engine.clone(), digest)));
        let component = self.load("component", &bytes, manifest.as_ref()).await?;
        let nothing = Sandbox::new(&self.engine, Grant::default(), Arc::default())
            .map_err(|error| InspectError::Failed(error.into()))?;
        let description = nothing
            .describe(&component)
            .await
            .map_err(|error| refused(&error))?;
        drop(nothing);
        check(&description)?;
        let contract = match kind {
            Kind::Tool { contract } => Contract::Tool(contract),
            Kind::Plain(_) => Contract::Plain,
        };
        Ok(Inspected {
            bytes,
            description,
            contract,
            compiled,
        })
    }

    /// Loads a tool; one that does not describe itself was described by a manifest. What was not compiled yet is compiled
    /// by another process.
    pub(super) async fn load(
        &self,
        name: &str,
        bytes: &Bytes,
        manifest: Option<&Description>,
    ) -> Result<Component, InspectError> {
        let component = self.load_component(name, bytes).await?;
        match manifest {
            None => Ok(component),
            Some(manifest) => component
                .plain(manifest.clone())
                .map_err(|error| refused(&error).into()),
        }
    }

    async fn load_component(&self, name: &str, bytes: &Bytes) -> Result<Component, InspectError> {
        let digest = blake3::hash(bytes).to_hex();
        if let Some(component) = self.load_compiled(name, &digest).await? {
            return Ok(component);
        }
        let Compiling { exe, cache, limits } = &self.compiling;
        compile_in_child(exe, cache, bytes.clone(), *limits)
            .await
            .map_err(|error| match error {
                CompileError::Invalid { message } => {
                    Invalid::new("component", format!("is not valid: {message}")).into()
                }
                error @ CompileError::Killed { .. } => {
                    Invalid::new("component", error.to_string()).into()
                }
                error => InspectError::Failed(error.into()),
            })?;
        let compiled = self.load_compiled(name, &digest).await?;
        compiled.ok_or_else(|| InspectError::Failed("compiled code is not in the cache".into()))
    }

    async fn load_compiled(
        &self,
        name: &str,
        digest: &str,
    ) -> Result<Option<Component>, InspectError> {
        let (engine, name, digest) = (self.engine.clone(), name.to_owned(), digest.to_owned());
        tokio::task::spawn_blocking(move || engine.load_compiled(&name, &digest))
            .await
            .map_err(|error| InspectError::Failed(error.into()))?
            .map_err(|error: LoadError| refused(&error).into())
    }
}

/// Reads a `tool.toml` that came without files beside it.
fn read_manifest(text: &str) -> Result<Manifest, Invalid> {
    let no_files = |_: &str| Err("only the manifest was pushed".to_owned());
    Manifest::from_toml(text, &no_files).map_err(|error| Invalid::new("manifest", error))
}

/// The tool as one file, and how it is called. A stranger's bytes are looked into on a thread of their own, where a panic ends
/// nothing else.
async fn packed(bytes: Bytes, manifest: Option<Manifest>) -> Result<(Bytes, Kind), InspectError> {
    let pack = move || {
        let packed = package::pack(&bytes, manifest.as_ref())?;
        let kind = package::unpack(&packed)?.kind;
        Ok::<_, PackError>((Bytes::from(packed), kind))
    };
    let packed = tokio::task::spawn_blocking(pack).await;
    let packed = packed.map_err(|_| Invalid::new("component", "cannot be read"))?;
    Ok(packed.map_err(|error| refused(&error))?)
}

/// What goes for every tool that an agent can have.
fn check(description: &Description) -> Result<(), Invalid> {
    custom_tool::check_name("name", &description.name)?;
    custom_tool::check_schema("input_schema", &description.input_schema)
        .map_err(|refusal| Invalid::new("component", format!("its {refusal}")))
}

/// An error about the component, with its causes: they name the import or the place in the file.
fn refused(error: &dyn std::error::Error) -> Invalid {
    let causes = std::iter::successors(error.source(), |error| error.source());
    let text = causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"));
    Invalid::new("component", text)
}
