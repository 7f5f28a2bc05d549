//! `glovebox tool compile`: compiled code for programs that embed the runtime without a compiler.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use glovebox_runtime::{Compiler, EngineOptions};

/// Compiles a component for this machine's processor, to be loaded by a service without a compiler (docs/embedding.md)
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The component
    #[arg(value_name = "FILE.wasm")]
    file: PathBuf,
    /// Where the compiled code is written [default: beside the component, as FILE.cwasm]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Arguments {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let wasm = std::fs::read(&self.file)
            .with_context(|| format!("cannot read {}", self.file.display()))?;
        let output = (self.output).unwrap_or_else(|| self.file.with_extension("cwasm"));
        let code = Compiler::new(&EngineOptions::default())?
            .compile_to_bytes(&wasm)
            .with_context(|| format!("cannot compile {}", self.file.display()))?;
        let folder = match output.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => std::path::Path::new("."),
        };
        let written = (|| {
            // Whoever loads it trusts it: it appears whole, and only its owner can write to it.
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(&code)?;
            file.as_file().sync_all()?;
            file.persist(&output)?;
            anyhow::Ok(())
        })();
        written.with_context(|| format!("cannot write {}", output.display()))?;
        crate::cli::say(&format!(
            "{} ({} KiB from {} KiB of WebAssembly)",
            output.display(),
            code.len() / 1024,
            wasm.len() / 1024
        ))?;
        Ok(ExitCode::SUCCESS)
    }
}
