//! The `glob` tool: lists files by pattern, newest first.

mod pattern;
mod walk;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use glovebox_kit::paths::{Policy, canonicalize, reason};
use glovebox_kit::tool::{Answer, Failure, failed, text};
use pattern::Pattern;

/// More names than this help no model.
const RESULTS_MAX: usize = 200;

/// What the model passes.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Glob pattern, relative, without '..'.
    pattern: String,
    /// Directory to search. Default: the working directory.
    path: Option<String>,
}

/// Lists files and directories whose path matches a glob pattern, newest first: one absolute path per line, at most
/// 200.
///
/// * matches within one name, ** any number of directories, ? one character, [a-z] one of a set, {a,b} either.
/// Examples: *.py, src/**/*.rs, **/test_*.{js,ts}. Names that begin with a dot are matched too.
///
/// The pattern is relative to path, which is the working directory by default.
#[glovebox_kit::tool(name = "glob", mounts = [("*", read)])]
pub fn call(input: Input) -> Answer {
    glob(&Policy::of_session(), &input)
}

/// Lists what matches.
pub fn glob(policy: &Policy, input: &Input) -> Answer {
    let patterns = Pattern::parse(&input.pattern)
        .map_err(|error| Failure::InvalidInput(format!("glob: {error}")))?;
    let named = input
        .path
        .as_deref()
        .filter(|path| !path.is_empty())
        .unwrap_or(".");
    let root = policy
        .resolve(named)
        .map_err(|error| failed(format!("glob: {error}")))?;
    if let Err(error) = std::fs::metadata(&root) {
        return Err(failed(format!("glob: {named}: {}", reason(&error))));
    }
    let matches = walk::matches(&root, &patterns);
    let mut found: Vec<(SystemTime, PathBuf)> = matches
        .into_iter()
        .filter(|found| !found.through_symlink || is_within(&found.path, &root))
        .map(|found| (modified(&found.path), found.path))
        .collect();
    if found.is_empty() {
        return text("no matches");
    }
    found.sort_by(|left, right| right.0.cmp(&left.0).then_with(|| left.1.cmp(&right.1)));
    let lines: Vec<_> = found
        .iter()
        .take(RESULTS_MAX)
        .map(|(_, path)| path.to_string_lossy())
        .collect();
    text(lines.join("\n"))
}

fn is_within(path: &Path, root: &Path) -> bool {
    canonicalize(path).is_ok_and(|path| path.starts_with(root))
}

fn modified(path: &Path) -> SystemTime {
    std::fs::metadata(path)
        .and_then(|metadata| metadata.modified())
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(all(test, unix))]
mod tests;
