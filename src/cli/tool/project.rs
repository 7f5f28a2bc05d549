//! A tool's folder: its `tool.toml`, and building it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, bail, ensure};

use crate::package::{self, Build, Project};

/// The file that makes a folder a tool's.
pub(super) const MANIFEST_FILE: &str = "tool.toml";

/// A tool's folder.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) project: Project,
}

impl Folder {
    /// Reads `tool.toml`.
    pub(super) fn open(path: &Path) -> anyhow::Result<Folder> {
        ensure!(path.is_dir(), "{} is no folder", path.display());
        let file = path.join(MANIFEST_FILE);
        ensure!(
            file.exists(),
            "there is no {MANIFEST_FILE} in {}; `glovebox tool new` makes a folder that has one",
            path.display()
        );
        Ok(Folder {
            path: path.to_owned(),
            project: read(&file)?,
        })
    }

    /// Runs the build's command and packs what it made.
    pub(super) async fn build(&self) -> anyhow::Result<Vec<u8>> {
        let Some(build) = &self.project.build else {
            bail!(
                "{} has no [build] section: it cannot be built here",
                self.path.join(MANIFEST_FILE).display()
            );
        };
        self.run(build).await?;
        let output = self.path.join(&build.output);
        let wasm = match std::fs::read(&output) {
            Ok(wasm) => wasm,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
                "the build ended well and left no {} (build.output of {MANIFEST_FILE})",
                output.display()
            ),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", output.display()));
            }
        };
        package::pack(&wasm, self.project.manifest.as_ref())
            .with_context(|| format!("{} is no tool", output.display()))
    }

    /// Where the packed tool of this name goes.
    pub(super) fn artifact(&self, name: &str) -> PathBuf {
        let build = self.project.build.as_ref();
        let artifact = build.and_then(|build| build.artifact.clone());
        self.path
            .join(artifact.unwrap_or_else(|| format!("build/{name}.wasm")))
    }

    async fn run(&self, build: &Build) -> anyhow::Result<()> {
        let [program, arguments @ ..] = &build.command[..] else {
            bail!("build.command of {MANIFEST_FILE} is empty");
        };
        let shown = build.command.join(" ");
        super::remark(&format!("building with `{shown}` ..."));
        // Its output is for people: our own standard output is for the artefact's path.
        let mut command = std::process::Command::new(program);
        command
            .args(arguments)
            .current_dir(&self.path)
            .stdin(Stdio::null())
            .stdout(Stdio::from(std::io::stderr()));
        let status = tokio::task::spawn_blocking(move || command.status())
            .await?
            .with_context(|| {
                format!("cannot start `{program}`, the build's command: is it installed?")
            })?;
        ensure!(
            status.success(),
            "the build failed: `{shown}` ended with {status}"
        );
        Ok(())
    }
}

/// Reads a `tool.toml` and the files it names.
pub(super) fn read(file: &Path) -> anyhow::Result<Project> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let read_file =
        |name: &str| std::fs::read_to_string(folder.join(name)).map_err(|error| error.to_string());
    Project::from_toml(&text, &read_file)
        .with_context(|| format!("{} is not valid", file.display()))
}
