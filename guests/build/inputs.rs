//! What the guests are made from.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Every source file, in a fixed order.
pub(crate) struct Inputs {
    root: PathBuf,
    files: Vec<PathBuf>,
}

/// Finds the sources and tells cargo to watch them.
pub(crate) fn scan(root: &Path) -> Result<Inputs> {
    let mut files = Vec::new();
    for top in ["guests/build", "guests/python", "tools-wasm", "wit"] {
        walk(&root.join(top), &mut files)?;
    }
    files.sort();
    Ok(Inputs {
        root: root.to_owned(),
        files,
    })
}

/// Folders are watched too, or a new file would go unnoticed.
fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    // Cargo watches a folder with all that is in it: name each file instead where a target folder may lie beside it.
    for entry in
        std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?
    {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if name == "target" || name == "tests" {
            continue;
        }
        if path.is_dir() {
            if name == "src" {
                println!("cargo:rerun-if-changed={}", path.display());
            }
            walk(&path, files)?;
        } else {
            println!("cargo:rerun-if-changed={}", path.display());
            files.push(path);
        }
    }
    Ok(())
}

impl Inputs {
    /// One name for all the sources and the compiler.
    pub(crate) fn digest(&self, compiler: &[u8]) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(compiler);
        for path in &self.files {
            let name = path
                .strip_prefix(&self.root)
                .unwrap_or(path)
                .as_os_str()
                .as_encoded_bytes();
            // A file that vanished in between makes another digest, which is right.
            let bytes = std::fs::read(path).unwrap_or_default();
            for part in [name, &bytes] {
                hasher.update(&(part.len() as u64).to_le_bytes());
                hasher.update(part);
            }
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }
}
