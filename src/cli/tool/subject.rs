//! What a command is about: a built-in tool by its name, a file, or a tool's folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use glovebox_runtime::{Component, Description, Engine, Grant, Sandbox};

use super::project::{self, Folder, MANIFEST_FILE};
use crate::package::{self, Kind, PackError};
use crate::tools::BuiltIn;

/// Where a tool comes from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    BuiltIn(String),
    File(PathBuf),
    Folder(PathBuf),
}

impl Source {
    /// The name of a built-in tool comes first: `./bash` is the folder.
    pub(super) fn find(text: &str) -> anyhow::Result<Source> {
        if BuiltIn::tool_names().contains(&text) {
            return Ok(Source::BuiltIn(text.to_owned()));
        }
        let path = PathBuf::from(text);
        if path.is_dir() {
            Ok(Source::Folder(path))
        } else if path.exists() {
            Ok(Source::File(path))
        } else {
            bail!(
                "there is no tool {text} and no such file or folder; there are: {}",
                BuiltIn::tool_names().join(", ")
            )
        }
    }

    /// The tool as one file. A folder is built first.
    pub(super) async fn packed(&self) -> anyhow::Result<Vec<u8>> {
        match self {
            Source::BuiltIn(name) => glovebox_guests::all()
                .iter()
                .find(|guest| guest.kind == glovebox_guests::Kind::Tool && guest.name == name)
                .map(|guest| guest.wasm())
                .with_context(|| format!("there is no tool {name}")),
            Source::File(path) => read_packed(path),
            Source::Folder(path) => Folder::open(path)?.build().await,
        }
    }

    /// What messages call it before it said its name.
    pub(super) fn label(&self) -> String {
        match self {
            Source::BuiltIn(name) => name.clone(),
            Source::File(path) => stem(path),
            Source::Folder(path) => {
                let whole = path.canonicalize().unwrap_or_else(|_| path.clone());
                stem(&whole)
            }
        }
    }
}

fn stem(path: &Path) -> String {
    let name = path.file_stem().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// A file as it is pushed. A command or a core module that says nothing of itself is described by the `tool.toml` beside it.
fn read_packed(path: &Path) -> anyhow::Result<Vec<u8>> {
    let wasm = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let not_a_tool = || format!("{} is no tool", path.display());
    match package::pack(&wasm, None) {
        Ok(packed) => Ok(packed),
        Err(PackError::NoManifest) => {
            let beside = path.with_file_name(MANIFEST_FILE);
            if !beside.exists() {
                return Err(PackError::NoManifest).with_context(not_a_tool);
            }
            let manifest = project::read(&beside)?.manifest;
            package::pack(&wasm, manifest.as_ref()).with_context(not_a_tool)
        }
        Err(error) => Err(error).with_context(not_a_tool),
    }
}

/// A tool that is ready to be called.
pub(super) struct Subject {
    pub(super) component: Component,
    pub(super) description: Description,
    pub(super) bytes: Vec<u8>,
}

impl Subject {
    /// Loads a packed tool and asks it what it is.
    pub(super) async fn load(
        engine: &Engine,
        source: &Source,
        bytes: Vec<u8>,
    ) -> anyhow::Result<Subject> {
        let label = source.label();
        let package = package::unpack(&bytes).with_context(|| format!("{label} is no tool"))?;
        let kind = package.kind;
        let (component, bytes) = {
            let (engine, label) = (engine.clone(), label.clone());
            tokio::task::spawn_blocking(move || {
                let loaded = engine.load(&label, &bytes)?;
                let component = match kind {
                    Kind::Tool { .. } => loaded,
                    Kind::Plain(manifest) => loaded.plain(manifest.description())?,
                };
                anyhow::Ok((component, bytes))
            })
            .await??
        };
        let description = describe(engine, &component).await?;
        Ok(Subject {
            component,
            description,
            bytes,
        })
    }

    /// Finds, builds where it has to, and loads.
    pub(super) async fn open(engine: &Engine, source: &Source) -> anyhow::Result<Subject> {
        Subject::load(engine, source, source.packed().await?).await
    }
}

/// Asks a tool what it is, as a server does: without any grant.
pub(super) async fn describe(
    engine: &Engine,
    component: &Component,
) -> anyhow::Result<Description> {
    let nothing = Sandbox::new(engine, Grant::default(), Arc::default())?;
    let description = nothing.describe(component).await;
    nothing.shutdown().await;
    let description = description?;
    package::check_schema(&description.input_schema)
        .with_context(|| format!("the input schema of {} is none", description.name))?;
    Ok(description)
}
