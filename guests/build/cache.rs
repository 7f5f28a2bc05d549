//! The cache of built guests: one folder per digest, complete or absent.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::{env, process};

use anyhow::{Context, Result};

/// Where the user's caches are: `GLOVEBOX_CACHE`, or the usual place.
fn root() -> Result<PathBuf> {
    let set = |name| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("GLOVEBOX_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("glovebox")))
        .or_else(|| set("HOME").map(|folder| folder.join(".cache/glovebox")))
        .context("neither GLOVEBOX_CACHE nor XDG_CACHE_HOME nor HOME is set")
}

/// The folder of `digest`, filled by `fill` when it is not there yet. Other builds of the same digest wait.
pub(crate) fn entry(digest: &str, fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let guests = root()?.join("guests");
    let folder = guests.join(digest);
    fs::create_dir_all(&guests).with_context(|| format!("cannot make {}", guests.display()))?;
    let lock = File::create(guests.join(format!("{digest}.lock")))?;
    lock.lock()?;
    if !folder.is_dir() {
        let partial = guests.join(format!("{digest}.{}", process::id()));
        fs::create_dir_all(&partial)?;
        let filled = fill(&partial).and_then(|()| Ok(fs::rename(&partial, &folder)?));
        if filled.is_err() {
            let _ = fs::remove_dir_all(&partial);
        }
        filled?;
    }
    Ok(folder)
}
