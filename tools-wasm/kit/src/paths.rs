//! The path policy of the file tools.
//!
//! A path is taken relative to the session's working directory; `.` and `..` are collapsed lexically; every symlink is
//! then followed, a dangling last one too; and what comes out must lie inside the working directory or another
//! permitted root. The tool goes on with that canonical path, so nothing is followed afterwards.
//!
//! This tells the model early and clearly what it may not do. It is not the boundary: a guest that ignores it still
//! sees nothing but its sandbox's mounts.

use std::io;
use std::path::{Component, Path, PathBuf};

/// Where a session's file tools may go besides the working directory.
const ROOTS: [&str; 4] = ["/workspace", "/tmp", "/home/agent", "/mnt"];
const SYMLINK_HOPS_MAX: usize = 40;
const LOOP: &str = "too many levels of symbolic links";

/// Which paths a tool may touch.
pub struct Policy {
    working_directory: PathBuf,
    roots: Vec<PathBuf>,
}

impl Policy {
    /// The session's: its working directory (`PWD`), `/workspace`, `/tmp`, `/home/agent` and `/mnt`.
    pub fn of_session() -> Self {
        let working_directory = std::env::var_os("PWD")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute());
        Self::new(
            working_directory.unwrap_or_else(|| PathBuf::from(ROOTS[0])),
            ROOTS.map(PathBuf::from).to_vec(),
        )
    }

    /// A policy of its own. All paths are absolute.
    pub fn new(working_directory: PathBuf, roots: Vec<PathBuf>) -> Self {
        Self {
            working_directory,
            roots,
        }
    }

    /// Where relative paths start.
    pub fn working_directory(&self) -> &Path {
        &self.working_directory
    }

    /// The canonical form of `path`, or why it may not be used. It need not exist.
    pub fn resolve(&self, path: &str) -> Result<PathBuf, String> {
        if path.contains('\0') {
            return Err(format!("path {path:?}: invalid argument"));
        }
        let full = canonicalize(&self.working_directory.join(path))
            .map_err(|error| format!("path '{path}': {}", reason(&error)))?;
        if full.starts_with(&self.working_directory)
            || self.roots.iter().any(|root| full.starts_with(root))
        {
            return Ok(full);
        }
        let others = if self.roots.is_empty() {
            ""
        } else {
            " and its other permitted directories"
        };
        let roots = std::iter::once(&self.working_directory)
            .chain(
                self.roots
                    .iter()
                    .filter(|root| **root != self.working_directory),
            )
            .map(|root| root.display().to_string())
            .collect::<Vec<_>>()
            .join(", ");
        Err(format!(
            "path '{path}' is outside the session's working directory{others} ({roots})"
        ))
    }
}

/// Collapses `.` and `..` by the text alone. `path` is absolute.
pub fn collapse(path: &Path) -> PathBuf {
    let mut collapsed = PathBuf::from("/");
    for component in path.components() {
        match component {
            Component::Normal(name) => collapsed.push(name),
            Component::ParentDir => {
                collapsed.pop();
            }
            _ => {}
        }
    }
    collapsed
}

/// Collapses `path` and follows every symlink in it. Components that do not exist are kept as spelled.
pub fn canonicalize(path: &Path) -> io::Result<PathBuf> {
    let mut pending: Vec<_> = components_reversed(&collapse(path));
    let mut resolved = PathBuf::from("/");
    let mut hops = 0;
    while let Some(name) = pending.pop() {
        resolved.push(&name);
        let metadata = match std::fs::symlink_metadata(&resolved) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                resolved.extend(pending.iter().rev());
                return Ok(resolved);
            }
            Err(error) => return Err(error),
        };
        if metadata.file_type().is_symlink() {
            hops += 1;
            if hops > SYMLINK_HOPS_MAX {
                return Err(io::Error::other(LOOP));
            }
            let target = std::fs::read_link(&resolved)?;
            resolved.pop();
            // `..` in a target is meant after the symlinks before it are followed; `resolved` has none left.
            let target = collapse(&resolved.join(target));
            resolved = PathBuf::from("/");
            pending.extend(components_reversed(&target));
        } else if !metadata.is_dir() && !pending.is_empty() {
            return Err(io::Error::from(io::ErrorKind::NotADirectory));
        }
    }
    Ok(resolved)
}

fn components_reversed(path: &Path) -> Vec<std::ffi::OsString> {
    let mut names: Vec<_> = path
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            _ => None,
        })
        .collect();
    names.reverse();
    names
}

/// The same words for an error everywhere, without the host's numbers.
pub fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".into(),
        io::ErrorKind::NotADirectory => "not a directory".into(),
        io::ErrorKind::IsADirectory => "is a directory".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::AlreadyExists => "file already exists".into(),
        io::ErrorKind::ReadOnlyFilesystem => "read-only file system".into(),
        io::ErrorKind::StorageFull => "no space left on device".into(),
        io::ErrorKind::QuotaExceeded => "disk quota exceeded".into(),
        io::ErrorKind::FileTooLarge => "file too large".into(),
        _ => {
            let text = error.to_string().to_lowercase();
            if text.starts_with("symbolic link loop") {
                return LOOP.into();
            }
            text.split(" (os error")
                .next()
                .unwrap_or("i/o error")
                .to_owned()
        }
    }
}

/// Why `path` could not be written, to be put behind its name: names the read-only directory where that is the reason.
pub fn write_reason(path: &Path, error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::ReadOnlyFilesystem
        && let Some(root) = read_only_root(path)
    {
        return format!(" is inside read-only directory {root}");
    }
    format!(": {}", reason(error))
}

#[cfg(target_family = "wasm")]
fn read_only_root(path: &Path) -> Option<String> {
    crate::bindings::glovebox::process::files::mounts()
        .into_iter()
        .filter(|mount| path.starts_with(&mount.mount))
        .max_by_key(|mount| mount.mount.len())
        .filter(|mount| !mount.writable)
        .map(|mount| mount.mount)
}

#[cfg(not(target_family = "wasm"))]
fn read_only_root(_path: &Path) -> Option<String> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new() -> (Self, Policy) {
            let folder = tempfile::tempdir().unwrap();
            let base = std::fs::canonicalize(folder.path()).unwrap();
            std::fs::create_dir_all(base.join("work/sub")).unwrap();
            std::fs::create_dir_all(base.join("other")).unwrap();
            std::fs::create_dir_all(base.join("outside")).unwrap();
            std::fs::write(base.join("outside/secret"), "s").unwrap();
            std::fs::write(base.join("work/file"), "f").unwrap();
            (
                Self(folder),
                Policy::new(base.join("work"), vec![base.join("other")]),
            )
        }
        fn path(&self, path: &str) -> PathBuf {
            std::fs::canonicalize(self.0.path()).unwrap().join(path)
        }
    }

    #[test]
    fn inside_is_resolved() {
        let (tree, policy) = Tree::new();
        symlink("sub", tree.path("work/link")).unwrap();
        symlink(tree.path("work/file"), tree.path("work/absolute")).unwrap();
        symlink("../../other", tree.path("work/sub/up")).unwrap();
        let absolute = tree.path("other/x");
        for (given, expected) in [
            ("file", "work/file"),
            ("./sub/../file", "work/file"),
            ("new/deep/file", "work/new/deep/file"),
            ("link/new", "work/sub/new"),
            ("absolute", "work/file"),
            ("link/up/x", "other/x"),
            (absolute.to_str().unwrap(), "other/x"),
        ] {
            assert_eq!(
                policy.resolve(given).unwrap(),
                tree.path(expected),
                "{given}"
            );
        }
    }

    #[test]
    fn outside_is_refused() {
        let (tree, policy) = Tree::new();
        symlink("../outside", tree.path("work/link")).unwrap();
        symlink(tree.path("outside/secret"), tree.path("work/absolute")).unwrap();
        symlink("../outside/not-yet", tree.path("work/dangling")).unwrap();
        for given in [
            "../outside/secret",
            "/etc/passwd",
            "link/secret",
            "absolute",
            "dangling",
            "..",
            "../work2/x",
            "sub/../../outside",
        ] {
            let error = policy.resolve(given).unwrap_err();
            assert!(
                error.contains("outside the session's working directory"),
                "{given}: {error}"
            );
            assert!(
                error.contains(tree.path("work").to_str().unwrap()),
                "{given}: {error}"
            );
        }
    }

    #[test]
    fn loops_and_files_as_directories_are_errors() {
        let (tree, policy) = Tree::new();
        symlink("b", tree.path("work/a")).unwrap();
        symlink("a", tree.path("work/b")).unwrap();
        assert_eq!(
            policy.resolve("a").unwrap_err(),
            "path 'a': too many levels of symbolic links"
        );
        assert_eq!(
            policy.resolve("file/x").unwrap_err(),
            "path 'file/x': not a directory"
        );
        assert!(policy.resolve("a\0b").is_err());
    }
}
