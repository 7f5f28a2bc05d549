//! The table of guests: what was built, under which names it answers, and the Rust source that embeds it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::python;

/// High enough to halve the binary, low enough that embedding takes a second.
const COMPRESSION_LEVEL: i32 = 12;
const TABLE: &str = "guests.json";
const KINDS: [(&str, &str); 3] = [
    ("tools", "Tool"),
    ("programs", "Program"),
    ("probes", "Probe"),
];

/// Compresses what lies in `wasm/{tools,programs,probes}` into `folder` and writes the table.
pub(crate) fn compress(root: &Path, wasm: &Path, folder: &Path) -> Result<()> {
    let names = names(root)?;
    let mut table = Vec::new();
    for (kind, variant) in KINDS {
        let Ok(entries) = fs::read_dir(wasm.join(kind)) else {
            continue;
        };
        let mut paths = entries
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<Vec<_>>>()?;
        paths.sort();
        for path in paths {
            let name = path
                .file_stem()
                .and_then(|name| name.to_str())
                .context("a guest's name is not Unicode")?;
            let bytes = fs::read(&path)?;
            let file = format!("{kind}-{name}.wasm.zst");
            fs::write(
                folder.join(&file),
                zstd::encode_all(&bytes[..], COMPRESSION_LEVEL)?,
            )?;
            table.push(json!({
                "kind": variant,
                "name": name,
                "names": names.get(&format!("{kind}/{name}")).cloned().unwrap_or_else(|| vec![name.to_owned()]),
                "digest": blake3::hash(&bytes).to_hex().as_str(),
                "bytes": bytes.len(),
                "file": file,
            }));
        }
    }
    fs::write(folder.join(TABLE), serde_json::to_vec_pretty(&table)?)?;
    Ok(())
}

/// `[package.metadata.glovebox] names = [...]` of every guest that has it, by `kind/name`.
fn names(root: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--manifest-path",
        ])
        .arg(root.join("tools-wasm/Cargo.toml"))
        .output()
        .context("cannot run cargo metadata")?;
    ensure!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let mut found = BTreeMap::from([(
        "programs/python".to_owned(),
        python::NAMES.map(str::to_owned).to_vec(),
    )]);
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let Some(names) = package["metadata"]["glovebox"]["names"].as_array() else {
            continue;
        };
        let manifest = Path::new(package["manifest_path"].as_str().unwrap_or_default());
        let parts: Vec<_> = manifest
            .iter()
            .rev()
            .skip(1)
            .take(2)
            .filter_map(|part| part.to_str())
            .collect();
        if let [name, kind] = parts[..] {
            let names = names
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
            found.insert(format!("{kind}/{name}"), names);
        }
    }
    Ok(found)
}

/// Copies the built guests to `out` and writes `guests.rs`, an expression of type `&[Guest]`.
pub(crate) fn embed(built: &Path, out: &Path) -> Result<()> {
    let table: Vec<Value> = serde_json::from_slice(&fs::read(built.join(TABLE))?)?;
    let mut source = String::from("&[\n");
    for guest in &table {
        let file = guest["file"].as_str().context("a guest without a file")?;
        fs::copy(built.join(file), out.join(file))?;
        writeln!(
            source,
            "Guest {{ kind: Kind::{}, name: {}, names: &{}, digest: {}, bytes: {}, compressed: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{file}\")) }},",
            guest["kind"].as_str().context("a guest without a kind")?,
            guest["name"],
            guest["names"],
            guest["digest"],
            guest["bytes"],
        )?;
    }
    source.push_str("]\n");
    fs::write(out.join("guests.rs"), source)?;
    fs::copy(
        built.join(python::LIBRARY_FILE),
        out.join(python::LIBRARY_FILE),
    )?;
    Ok(())
}
