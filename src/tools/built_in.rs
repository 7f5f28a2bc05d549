//! The components that come with this server: its tools, and the programs on every sandbox's PATH.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use glovebox_guests::Kind;
use glovebox_runtime::{
    Component, DescribeError, Effects as ComponentEffects, Engine, Grant, Image, LoadError, Programs, Sandbox, SandboxError,
};

use super::{Catalogue, Description, Effects};

/// Everything built in, loaded.
#[derive(Clone)]
pub struct BuiltIn {
    /// By the name the model calls.
    pub tools: BTreeMap<String, Component>,
    pub programs: Arc<Programs>,
    /// What is mounted at `/usr`, read-only, in every sandbox.
    pub usr: Arc<Image>,
}

/// A built-in tool does not say what it is. A defect of this build.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    #[error("no sandbox to ask the tools in")]
    Sandbox(#[from] SandboxError),
    #[error("tool {name} does not describe itself")]
    Describe {
        name: String,
        #[source]
        source: DescribeError,
    },
}

impl BuiltIn {
    /// Loads all of it. Blocks: for some seconds a component when it is compiled for the first time on this machine, for
    /// milliseconds after that.
    pub fn load(engine: &Engine) -> Result<BuiltIn, LoadError> {
        let mut tools = BTreeMap::new();
        let mut programs = Programs::default();
        let mut usr: Vec<(String, Bytes, u32)> = Vec::new();
        for guest in glovebox_guests::all() {
            match guest.kind {
                Kind::Tool => {
                    tools.insert(guest.name.to_owned(), engine.load(guest.name, &guest.wasm())?);
                }
                Kind::Program => {
                    let component = engine.load(guest.name, &guest.wasm())?;
                    for name in guest.names {
                        programs.insert(*name, component.clone());
                        let note = format!("{name}: a WebAssembly component, started by the sandbox's kernel\n");
                        usr.push((format!("bin/{name}"), Bytes::from(note), 0o755));
                    }
                }
                Kind::Probe => {}
            }
        }
        for (path, bytes) in glovebox_guests::usr_files() {
            let relative = path.trim_start_matches("/usr/").to_owned();
            usr.push((relative, Bytes::from(bytes.into_owned()), 0o644));
        }
        Ok(BuiltIn { tools, programs: Arc::new(programs), usr: Arc::new(Image::new(usr)) })
    }

    /// Asks each tool what it is.
    pub async fn catalogue(&self, engine: &Engine) -> Result<Catalogue, CatalogueError> {
        let nothing = Sandbox::new(engine, Grant::default(), Arc::default())?;
        let mut catalogue = Catalogue::default();
        for (name, component) in &self.tools {
            let description = nothing
                .describe(component)
                .await
                .map_err(|source| CatalogueError::Describe { name: name.clone(), source })?;
            let effects = match description.effects {
                ComponentEffects::None => Effects::None,
                ComponentEffects::Files | ComponentEffects::External => Effects::Some,
            };
            let description = Description { text: description.text, input_schema: description.input_schema, effects };
            catalogue.insert(name.clone(), description);
        }
        Ok(catalogue)
    }
}
