//! The components that come with this server: its tools, and the programs on every sandbox's PATH.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use glovebox_guests::{Guest, Kind};
use glovebox_runtime::{
    Component, DescribeError, Effects as ComponentEffects, Engine, Grant, Image, LoadError,
    Programs, Sandbox, SandboxError,
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
        for guest in guests(Kind::Tool) {
            tools.insert(guest.name.to_owned(), load(engine, guest)?);
        }
        let mut programs = Programs::default();
        for guest in guests(Kind::Program) {
            let component = load(engine, guest)?;
            for name in guest.names {
                programs.insert(*name, component.clone());
            }
        }
        Ok(BuiltIn {
            tools,
            usr: Arc::new(usr(&programs)),
            programs: Arc::new(programs),
        })
    }

    /// Loads the tools that are named and lets each program be loaded when it is first started: for a short run. Blocks.
    pub fn on_demand(engine: &Engine, tools: &[&str]) -> Result<BuiltIn, LoadError> {
        let wanted = guests(Kind::Tool).filter(|guest| tools.contains(&guest.name));
        let tools = wanted
            .map(|guest| Ok((guest.name.to_owned(), load(engine, guest)?)))
            .collect::<Result<_, LoadError>>()?;
        let mut programs = Programs::default();
        for guest in guests(Kind::Program) {
            let engine = engine.clone();
            programs.insert_later(guest.names.iter().copied(), move || load(&engine, guest));
        }
        Ok(BuiltIn {
            tools,
            usr: Arc::new(usr(&programs)),
            programs: Arc::new(programs),
        })
    }

    /// The names of all tools, in order.
    pub fn tool_names() -> Vec<&'static str> {
        let mut names: Vec<_> = guests(Kind::Tool).map(|guest| guest.name).collect();
        names.sort_unstable();
        names
    }

    /// Asks each tool what it is.
    pub async fn catalogue(&self, engine: &Engine) -> Result<Catalogue, CatalogueError> {
        let nothing = Sandbox::new(engine, Grant::default(), Arc::default())?;
        let mut catalogue = Catalogue::default();
        for (name, component) in &self.tools {
            let description =
                nothing
                    .describe(component)
                    .await
                    .map_err(|source| CatalogueError::Describe {
                        name: name.clone(),
                        source,
                    })?;
            let effects = match description.effects {
                ComponentEffects::None => Effects::None,
                ComponentEffects::Files | ComponentEffects::External => Effects::Some,
            };
            let description = Description {
                text: description.text,
                input_schema: description.input_schema,
                effects,
                wishes: match component.contract() {
                    Some("0.1.0") | None => None,
                    Some(_) => Some(description.wishes),
                },
            };
            catalogue.insert(name.clone(), description);
        }
        Ok(catalogue)
    }
}

fn guests(kind: Kind) -> impl Iterator<Item = &'static Guest> {
    glovebox_guests::all()
        .iter()
        .filter(move |guest| guest.kind == kind)
}

fn load(engine: &Engine, guest: &'static Guest) -> Result<Component, LoadError> {
    engine.load_by_digest(guest.name, guest.digest, || guest.wasm())
}

/// What programs expect under `/usr`, and a file for each of them: starting one goes by its name, but `ls /usr/bin` and
/// `[ -x /usr/bin/sed ]` look for a file.
fn usr(programs: &Programs) -> Image {
    let note = Bytes::from_static(b"a WebAssembly component, started by the sandbox's kernel\n");
    let names = programs
        .names()
        .map(|name| (format!("bin/{name}"), note.clone(), 0o755));
    let files = glovebox_guests::usr_files()
        .into_iter()
        .map(|(path, bytes)| {
            let bytes = match bytes {
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => Bytes::from(bytes),
            };
            (path.trim_start_matches("/usr/").to_owned(), bytes, 0o644)
        });
    Image::new(names.chain(files))
}
