//! Embeds what `glovebox tool new` writes: templates, kits and the contract, whatever there is in their folders.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What builds leave behind.
const ARTEFACTS: [&str; 7] = [
    "build",
    "target",
    "node_modules",
    "__pycache__",
    ".venv",
    "dist",
    "Cargo.lock",
];

fn main() -> io::Result<()> {
    let variable = |name| env::var_os(name).map(PathBuf::from).unwrap_or_default();
    let root = variable("CARGO_MANIFEST_DIR");
    let mut list = "&[\n".to_owned();
    for folder in ["kits", "tools-wasm/kit", "wit"] {
        println!("cargo::rerun-if-changed={folder}");
        walk(&root, Path::new(folder), &mut list)?;
    }
    list.push_str("]\n");
    fs::write(variable("OUT_DIR").join("kits.rs"), list)
}

/// Follows links: a template may share another's files.
fn walk(root: &Path, folder: &Path, list: &mut String) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(root.join(folder)) else {
        return Ok(());
    };
    let mut names: Vec<_> = entries
        .map(|entry| Ok(entry?.file_name()))
        .collect::<io::Result<_>>()?;
    names.sort();
    for name in names {
        if ARTEFACTS.iter().any(|artefact| name == *artefact) {
            continue;
        }
        let path = folder.join(&name);
        let whole = root.join(&path);
        if fs::metadata(&whole)?.is_dir() {
            walk(root, &path, list)?;
        } else {
            writeln!(list, "    ({path:?}, include_bytes!({whole:?})),")
                .map_err(io::Error::other)?;
        }
    }
    Ok(())
}
