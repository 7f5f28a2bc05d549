//! `glovebox tool build`: one file of a tool's folder.

use std::path::PathBuf;

use anyhow::Context;

use super::project::Folder;
use super::subject::{Source, Subject};
use super::{Engines, remark};
use crate::package;

/// Builds the tool in a folder and prints the path of the packed component
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The folder with tool.toml
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
}

impl Arguments {
    pub(super) async fn run(self, engines: &Engines) -> anyhow::Result<()> {
        let path = build(engines, &self.folder).await?.1;
        crate::cli::say(&path.display().to_string())?;
        Ok(())
    }
}

/// Builds, asks the tool what it is, and leaves the packed file.
pub(super) async fn build(
    engines: &Engines,
    folder: &std::path::Path,
) -> anyhow::Result<(Subject, PathBuf)> {
    let folder = Folder::open(folder)?;
    let packed = folder.build().await?;
    let engine = engines.open()?;
    let source = Source::Folder(folder.path.clone());
    let subject = Subject::load(&engine, &source, packed).await?;
    let path = folder.artifact(&subject.description.name);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)
            .with_context(|| format!("cannot make {}", parent.display()))?;
    }
    std::fs::write(&path, &subject.bytes)
        .with_context(|| format!("cannot write {}", path.display()))?;
    remark(&format!(
        "{} is packed: {} KiB, {}",
        subject.description.name,
        subject.bytes.len().div_ceil(1024),
        package::digest(&subject.bytes)
    ));
    Ok((subject, path))
}
