//! What is in a directory already, for the ledger.

use std::collections::HashSet;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) bytes: u64,
    pub(super) files: u64,
}

/// Counts everything below `root`, a file with several names once. What cannot be read is passed over.
pub(super) fn scan(root: impl AsFd) -> Found {
    let mut found = Found::default();
    let mut seen = HashSet::new();
    let mut waiting: Vec<OwnedFd> = Vec::new();
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    if let Ok(root) = rustix::fs::openat(root, ".", flags, Mode::empty()) {
        waiting.push(root);
    }
    while let Some(directory) = waiting.pop() {
        let Ok(entries) = Dir::read_from(&directory) else {
            continue;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            found.files += 1;
            let Ok(stat) = rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile
                    if stat.st_nlink == 1 || seen.insert((stat.st_dev, stat.st_ino)) =>
                {
                    found.bytes = found
                        .bytes
                        .saturating_add(u64::try_from(stat.st_size).unwrap_or(0));
                }
                FileType::Directory => {
                    waiting.extend(rustix::fs::openat(&directory, name, flags, Mode::empty()))
                }
                _ => {}
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_counted_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        std::fs::create_dir_all(path.join("a/b")).unwrap();
        std::fs::write(path.join("a/one"), [0; 10]).unwrap();
        std::fs::write(path.join("a/b/two"), [0; 20]).unwrap();
        std::fs::hard_link(path.join("a/b/two"), path.join("again")).unwrap();
        std::os::unix::fs::symlink("/", path.join("outside")).unwrap();
        let root = std::fs::File::open(path).unwrap();
        assert_eq!(
            scan(&root),
            Found {
                bytes: 30,
                files: 6
            }
        );
    }
}
