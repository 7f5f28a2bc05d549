//! A workspace before and after a call.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use anyhow::{Context, ensure};

/// Puts a case's file into its workspace.
pub(super) fn write(workspace: &Path, path: &str, text: &str) -> anyhow::Result<()> {
    let inside = Path::new(path.trim_start_matches("/workspace/"));
    let plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    ensure!(
        inside.file_name().is_some() && inside.components().all(plain),
        "{path:?} is no path inside the workspace"
    );
    let path = workspace.join(inside);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// All files by their path in the workspace. Links are read as links: a tool may have made them point anywhere.
pub(super) fn read(workspace: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![workspace.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let (kind, path) = (entry.file_type()?, entry.path());
            if kind.is_dir() {
                folders.push(path);
                continue;
            }
            let content = if kind.is_file() {
                std::fs::read(&path)?
            } else {
                std::fs::read_link(&path)?
                    .into_os_string()
                    .into_encoded_bytes()
            };
            let inside = path.strip_prefix(workspace)?;
            files.insert(inside.to_string_lossy().into_owned(), content);
        }
    }
    Ok(files)
}

/// How many files were made, changed or removed.
pub(super) fn changes(
    before: &BTreeMap<String, Vec<u8>>,
    after: &BTreeMap<String, Vec<u8>>,
) -> usize {
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differs = |path: &&&String| before.get(**path) != after.get(**path);
    paths.iter().filter(differs).count()
}
