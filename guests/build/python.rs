//! The Python interpreter: CPython 3.14 from a published crate, made into a program of ours.
//!
//! The crate carries a core module, snapshot after start-up with the common modules imported, and the standard library
//! as a zip file that must stay byte for byte the one the snapshot was made with. Both are checked by their digests.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sha2::{Digest, Sha256};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// SHA-256 of the crate's `artifacts/python.wasm.xz` and `artifacts/python314.zip`, version 0.20.2.
const MODULE_DIGEST: &str = "93b66c1e1357a3b77481fee8e14448b55ca83a0dec4b05ec0284b33b58099b75";
const LIBRARY_DIGEST: &str = "a2fbfc15b11fe851fffe3a84369f4d8c73992904ea23bbc045d89373737e15ea";
pub(crate) const LIBRARY_FILE: &str = "python314.zip";
/// What it answers to on PATH.
pub(crate) const NAMES: [&str; 3] = ["python", "python3", "python3.14"];

/// What the interpreter's own imports and the kernel's interfaces meet in. See `python/bridge.wat`.
const BRIDGE: &str = include_str!("../python/bridge.wat");
const BRIDGE_WORLD: &str = "
package glovebox:python;
world bridge {
    import glovebox:process/process@0.1.0;
    import glovebox:fetch/fetch@0.1.0;
    export wasi:cli/run@0.2.12;
}
package wasi:cli@0.2.12 {
    interface run { run: func() -> result; }
}
";

/// The component and the standard library.
pub(crate) struct Python {
    pub(crate) component: Vec<u8>,
    pub(crate) library: Vec<u8>,
}

/// Reads the artifacts, getting the crate where cargo has not got it yet, and makes the component.
pub(crate) fn build(root: &Path) -> Result<Python> {
    let artifacts = artifacts(&root.join("guests/python/Cargo.toml"))?;
    let module = read(&artifacts.join("python.wasm.xz"), MODULE_DIGEST)?;
    let library = read(&artifacts.join("python314.zip"), LIBRARY_DIGEST)?;
    let mut core = Vec::new();
    xz2::read::XzDecoder::new(&module[..])
        .read_to_end(&mut core)
        .context("cannot decompress python.wasm.xz")?;
    let component = componentize(root, &core).context("cannot make a component of python.wasm")?;
    Ok(Python { component, library })
}

fn artifacts(manifest: &Path) -> Result<PathBuf> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--manifest-path",
        ])
        .arg(manifest)
        .output()
        .context("cannot run cargo metadata")?;
    ensure!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata without packages")?;
    let package = packages
        .iter()
        .find(|package| package["name"] == "bashkit-cpython-wasm");
    let manifest = package
        .and_then(|package| package["manifest_path"].as_str())
        .context("the crate is not there")?;
    Ok(Path::new(manifest).with_file_name("artifacts"))
}

fn read(path: &Path, digest: &str) -> Result<Vec<u8>> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let found: String = Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    ensure!(
        found == digest,
        "{} is not the file it should be: its digest is {found}",
        path.display()
    );
    Ok(bytes)
}

fn componentize(root: &Path, core: &[u8]) -> Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    resolve.push_path(root.join("wit/process"))?;
    resolve.push_path(root.join("wit/fetch"))?;
    let package = resolve.push_str("bridge.wit", BRIDGE_WORLD)?;
    let world = resolve.select_world(&[package], Some("bridge"))?;
    let mut bridge = wat::parse_str(BRIDGE)?;
    embed_component_metadata(&mut bridge, &resolve, world, StringEncoding::UTF8, false)?;
    ComponentEncoder::default()
        .module(core)?
        .adapter("bashkit", &bridge)?
        .adapter(
            "wasi_snapshot_preview1",
            wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
        )?
        .validate(true)
        .encode()
}
