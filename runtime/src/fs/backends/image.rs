//! A read-only tree of files in memory, shared by every sandbox of the process that mounts it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::fs::node::{
    Directory, Entered, Entry, File, Kind, Listing, OpenEntry, Opened, Stat, Timestamp,
};
use crate::fs::{Errno, Name};

/// A read-only tree of files in memory.
#[derive(Clone, Default)]
pub struct Image {
    root: Arc<ImageDirectory>,
    files: usize,
}

impl Image {
    /// An image of files: path relative to the mount, content, permission bits. Directories on the way come into being
    /// with 0755. A later file replaces an earlier one of the same path; a path that no guest could name, or that runs
    /// through a file, is left out.
    pub fn new(files: impl IntoIterator<Item = (String, Bytes, u32)>) -> Image {
        let mut root = Building::default();
        let mut count = 0;
        for (path, bytes, mode) in files {
            match root.insert(&path, bytes, mode) {
                Ok(Inserted::New) => count += 1,
                Ok(Inserted::Replaced) => {}
                Err(error) => tracing::warn!(path, %error, "file left out of an image"),
            }
        }
        let mut inode = 0;
        Image {
            root: Arc::new(root.finish(&mut inode)),
            files: count,
        }
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.files == 0
    }

    /// Its root, to be mounted.
    pub(crate) fn root(&self) -> Arc<dyn Directory> {
        self.root.clone()
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Image")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

enum Inserted {
    New,
    Replaced,
}

#[derive(Default)]
struct Building {
    files: BTreeMap<String, (Bytes, u32)>,
    directories: BTreeMap<String, Building>,
}

impl Building {
    fn insert(&mut self, path: &str, bytes: Bytes, mode: u32) -> Result<Inserted, Errno> {
        let path = path.trim_start_matches('/');
        match path.split_once('/') {
            Some((first, rest)) => {
                let first = Name::new(first)?.as_str();
                if self.files.contains_key(first) {
                    return Err(Errno::NotDirectory);
                }
                self.directories
                    .entry(first.to_owned())
                    .or_default()
                    .insert(rest, bytes, mode)
            }
            None => {
                let name = Name::new(path)?.as_str();
                if self.directories.contains_key(name) {
                    return Err(Errno::IsDirectory);
                }
                match self.files.insert(name.to_owned(), (bytes, mode & 0o7777)) {
                    None => Ok(Inserted::New),
                    Some(_) => Ok(Inserted::Replaced),
                }
            }
        }
    }

    fn finish(self, inode: &mut u64) -> ImageDirectory {
        let mut next = || {
            *inode += 1;
            *inode
        };
        let own = next();
        let mut entries: BTreeMap<Box<str>, Node> = self
            .files
            .into_iter()
            .map(|(name, (bytes, mode))| {
                (
                    name.into(),
                    Node::File(Arc::new(Content {
                        inode: next(),
                        bytes,
                        mode,
                    })),
                )
            })
            .collect();
        for (name, directory) in self.directories {
            entries.insert(
                name.into(),
                Node::Directory(Arc::new(directory.finish(inode))),
            );
        }
        ImageDirectory {
            inode: own,
            entries: Arc::new(entries),
        }
    }
}

#[derive(Clone)]
enum Node {
    File(Arc<Content>),
    Directory(Arc<ImageDirectory>),
}

#[derive(Default)]
struct ImageDirectory {
    inode: u64,
    entries: Arc<BTreeMap<Box<str>, Node>>,
}

/// A file that is only its bytes.
pub(super) struct Content {
    pub(super) inode: u64,
    pub(super) bytes: Bytes,
    pub(super) mode: u32,
}

impl ImageDirectory {
    fn find(&self, name: Name<'_>) -> Result<&Node, Errno> {
        self.entries.get(name.as_str()).ok_or(Errno::NoEntry)
    }
}

fn stat(kind: Kind, mode: u32, size: usize, inode: u64) -> Stat {
    Stat {
        kind,
        mode,
        size: u64::try_from(size).unwrap_or(u64::MAX),
        links: if kind == Kind::Directory { 2 } else { 1 },
        inode,
        device: 0,
        accessed: Timestamp::default(),
        modified: Timestamp::default(),
        changed: Timestamp::default(),
    }
}

impl Directory for ImageDirectory {
    fn enter(&self, name: Name<'_>) -> Result<Entered, Errno> {
        match self.find(name)? {
            Node::Directory(directory) => Ok(Entered::Directory(directory.clone())),
            Node::File(_) => Err(Errno::NotDirectory),
        }
    }

    fn stat_entry(&self, name: Name<'_>) -> Result<Stat, Errno> {
        match self.find(name)? {
            Node::Directory(directory) => directory.stat(),
            Node::File(file) => file.stat(),
        }
    }

    fn open(&self, name: Name<'_>, how: &OpenEntry) -> Result<Opened, Errno> {
        match self.find(name)? {
            Node::File(_) if how.directory => Err(Errno::NotDirectory),
            Node::File(file) => Ok(Opened::File(file.clone())),
            Node::Directory(directory) => Ok(Opened::Directory(directory.clone())),
        }
    }

    fn read_link(&self, name: Name<'_>) -> Result<String, Errno> {
        self.find(name).and(Err(Errno::Invalid))
    }

    fn list(&self) -> Result<Listing, Errno> {
        let entries = self.entries.clone();
        let mut last: Option<Box<str>> = None;
        Ok(Box::new(std::iter::from_fn(move || {
            use std::ops::Bound::{Excluded, Unbounded};
            let from = last.as_deref().map_or(Unbounded, Excluded);
            let (name, node) = entries.range::<str, _>((from, Unbounded)).next()?;
            last = Some(name.clone());
            let kind = match node {
                Node::File(_) => Kind::File,
                Node::Directory(_) => Kind::Directory,
            };
            Some(Ok(Entry {
                name: name.to_string(),
                kind,
            }))
        })))
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(stat(Kind::Directory, 0o755, 0, self.inode))
    }
}

impl File for Content {
    fn read_at(&self, offset: u64, length: usize) -> Result<Bytes, Errno> {
        let start = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(self.bytes.len());
        let end = start.saturating_add(length).min(self.bytes.len());
        Ok(self.bytes.slice(start..end))
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(stat(Kind::File, self.mode, self.bytes.len(), self.inode))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> Name<'_> {
        Name::new(name).unwrap()
    }

    #[test]
    fn files_bring_their_directories_along() {
        let image = Image::new([
            (
                "lib/python/os.py".to_owned(),
                Bytes::from_static(b"import sys"),
                0o644,
            ),
            ("/bin/tool".to_owned(), Bytes::from_static(b"\0asm"), 0o755),
            ("bin/tool".to_owned(), Bytes::from_static(b"\0asm2"), 0o755),
            ("bin/tool/below".to_owned(), Bytes::new(), 0o644),
            ("bin".to_owned(), Bytes::new(), 0o644),
            ("../up".to_owned(), Bytes::new(), 0o644),
            ("a//b".to_owned(), Bytes::new(), 0o644),
        ]);
        assert_eq!(image.len(), 3);
        let root = image.root();
        let listed: Vec<_> = root
            .list()
            .unwrap()
            .map(|entry| entry.unwrap().name)
            .collect();
        assert_eq!(listed, ["a", "bin", "lib"]);
        let Ok(Entered::Directory(bin)) = root.enter(name("bin")) else {
            panic!("bin is a directory")
        };
        let tool = bin.stat_entry(name("tool")).unwrap();
        assert_eq!((tool.kind, tool.mode, tool.size), (Kind::File, 0o755, 5));
        assert_eq!(bin.enter(name("tool")).err(), Some(Errno::NotDirectory));
        assert_eq!(root.enter(name("up")).err(), Some(Errno::NoEntry));
    }

    #[test]
    fn reading_stays_within_the_file() {
        let file = Content {
            inode: 1,
            bytes: Bytes::from_static(b"0123456789"),
            mode: 0o644,
        };
        assert_eq!(file.read_at(3, 4).unwrap(), "3456");
        assert_eq!(file.read_at(8, usize::MAX).unwrap(), "89");
        assert!(file.read_at(u64::MAX, 1).unwrap().is_empty());
        assert_eq!(file.write_at(0, b"x"), Err(Errno::ReadOnly));
    }
}
