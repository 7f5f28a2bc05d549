//! Builds the guests and embeds them, compressed.
//!
//! `tools-wasm/build.sh` compiles; the result is kept outside the target folder, in the user's cache, under the digest
//! of everything it was made from, so that a fresh clone of the same sources does not pay again.

#![expect(
    clippy::print_stdout,
    reason = "cargo reads what a build script prints"
)]

mod cache;
mod inputs;
mod manifest;
mod python;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, ensure};

fn main() -> Result<()> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?)
        .join("..")
        .canonicalize()?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for name in ["GLOVEBOX_CACHE", "GLOVEBOX_TOOLCHAIN", "XDG_CACHE_HOME"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    let inputs = inputs::scan(&root)?;
    let digest = inputs.digest(&compiler(&root)?);

    let built = cache::entry(&digest, |folder| {
        println!(
            "cargo:warning=compiling the guests to WebAssembly (once per change; a first time takes minutes)"
        );
        let wasm = folder.join("wasm");
        let status = Command::new(root.join("tools-wasm/build.sh"))
            .arg(&wasm)
            .status()
            .context("cannot run tools-wasm/build.sh")?;
        ensure!(status.success(), "tools-wasm/build.sh failed");
        let python = python::build(&root)?;
        fs::create_dir_all(wasm.join("programs"))?;
        fs::write(wasm.join("programs/python.wasm"), &python.component)?;
        fs::write(folder.join(python::LIBRARY_FILE), &python.library)?;
        manifest::compress(&root, &wasm, folder)?;
        fs::remove_dir_all(&wasm)?;
        Ok(())
    })?;
    manifest::embed(&built, &out)
}

/// The version of the compiler for the guests, getting that compiler where there is none.
fn compiler(root: &Path) -> Result<Vec<u8>> {
    let script = root.join("tools-wasm/toolchain.sh");
    let path = Command::new(&script)
        .output()
        .with_context(|| format!("cannot run {}", script.display()))?;
    ensure!(
        path.status.success(),
        "toolchain.sh: {}",
        String::from_utf8_lossy(&path.stderr)
    );
    let rustc = String::from_utf8(path.stdout)?;
    Ok(Command::new(rustc.trim())
        .arg("-vV")
        .output()
        .with_context(|| format!("cannot run {rustc}"))?
        .stdout)
}
