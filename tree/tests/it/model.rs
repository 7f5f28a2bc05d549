//! The simplest file system there is, to compare with: a fork is a copy.

use std::collections::{BTreeMap, HashMap};

use glovebox_tree::Errno;

use crate::operation::{Files, Operation, SLOTS, Shown, shown};

#[derive(Clone)]
enum Node {
    File {
        mode: u32,
        bytes: Vec<u8>,
        links: usize,
    },
    Directory {
        mode: u32,
        entries: BTreeMap<&'static str, usize>,
    },
    Symlink {
        target: &'static str,
        links: usize,
    },
}

#[derive(Clone)]
pub(crate) struct Model {
    nodes: HashMap<usize, Node>,
    next: usize,
    slots: [Option<usize>; SLOTS],
}

type Path = [&'static str];

impl Model {
    pub(crate) fn new() -> Model {
        let root = Node::Directory {
            mode: 0o755,
            entries: BTreeMap::new(),
        };
        Model {
            nodes: HashMap::from([(0, root)]),
            next: 1,
            slots: [None; SLOTS],
        }
    }

    /// The same files, with nothing open.
    pub(crate) fn fork(&self) -> Model {
        Model {
            slots: [None; SLOTS],
            ..self.clone()
        }
    }

    fn entries(&mut self, directory: usize) -> &mut BTreeMap<&'static str, usize> {
        match self.nodes.get_mut(&directory).unwrap() {
            Node::Directory { entries, .. } => entries,
            _ => panic!("no directory"),
        }
    }

    fn is_directory(&self, node: usize) -> bool {
        matches!(self.nodes[&node], Node::Directory { .. })
    }

    fn directory(&self, path: &Path) -> Result<usize, Errno> {
        path.iter().try_fold(0, |at, name| match &self.nodes[&at] {
            Node::Directory { entries, .. } => {
                let found = *entries.get(name).ok_or(Errno::NoEntry)?;
                if self.is_directory(found) {
                    Ok(found)
                } else {
                    Err(Errno::NotDirectory)
                }
            }
            _ => Err(Errno::NotDirectory),
        })
    }

    fn place(&mut self, path: &Path) -> Result<(usize, &'static str, Option<usize>), Errno> {
        let (name, parents) = path.split_last().unwrap();
        let directory = self.directory(parents)?;
        let found = self.entries(directory).get(name).copied();
        Ok((directory, name, found))
    }

    fn existing(&mut self, path: &Path) -> Result<(usize, &'static str, usize), Errno> {
        let (directory, name, found) = self.place(path)?;
        Ok((directory, name, found.ok_or(Errno::NoEntry)?))
    }

    fn add(&mut self, path: &Path, node: Node) -> Result<usize, Errno> {
        let (directory, name, found) = self.place(path)?;
        if found.is_some() {
            return Err(Errno::Exist);
        }
        let number = self.next;
        self.next += 1;
        self.nodes.insert(number, node);
        self.entries(directory).insert(name, number);
        Ok(number)
    }

    fn open(&mut self, path: &Path, mode: Option<u32>) -> Result<usize, Errno> {
        match (self.place(path)?.2, mode) {
            (None, None) => Err(Errno::NoEntry),
            (None, Some(mode)) => self.add(
                path,
                Node::File {
                    mode,
                    bytes: Vec::new(),
                    links: 1,
                },
            ),
            (Some(found), _) => match self.nodes[&found] {
                Node::File { .. } => Ok(found),
                Node::Directory { .. } => Err(Errno::IsDirectory),
                Node::Symlink { .. } => Err(Errno::Invalid),
            },
        }
    }

    fn bytes(&mut self, file: usize) -> &mut Vec<u8> {
        match self.nodes.get_mut(&file).unwrap() {
            Node::File { bytes, .. } => bytes,
            _ => panic!("no file"),
        }
    }

    fn write(&mut self, file: usize, offset: Option<u64>, byte: u8, length: usize) -> Shown {
        let bytes = self.bytes(file);
        let from = offset.map_or(bytes.len(), |offset| usize::try_from(offset).unwrap());
        if length > 0 {
            bytes.resize(bytes.len().max(from + length), 0);
            bytes[from..from + length].fill(byte);
        }
        Ok(length.to_string())
    }

    fn truncate(&mut self, file: usize, size: u64) -> Shown {
        self.bytes(file).resize(usize::try_from(size).unwrap(), 0);
        Ok(String::new())
    }

    fn links(&mut self, node: usize) -> Option<&mut usize> {
        match self.nodes.get_mut(&node).unwrap() {
            Node::File { links, .. } | Node::Symlink { links, .. } => Some(links),
            Node::Directory { .. } => None,
        }
    }

    fn unlink(&mut self, directory: usize, name: &str) {
        let node = self.entries(directory).remove(name).unwrap();
        if let Some(links) = self.links(node) {
            *links -= 1;
        }
    }

    fn is_within(&self, directory: usize, around: usize) -> bool {
        directory == around
            || matches!(&self.nodes[&around], Node::Directory { entries, .. }
                if entries.values().any(|inner| self.is_within(directory, *inner)))
    }

    fn rename(&mut self, path: &Path, to: &Path) -> Result<(), Errno> {
        let (from, name) = (
            self.directory(&path[..path.len() - 1])?,
            path[path.len() - 1],
        );
        let (into, to_name, target) = self.place(to)?;
        let source = *self.entries(from).get(name).ok_or(Errno::NoEntry)?;
        if self.is_within(into, source) {
            return Err(Errno::Invalid);
        }
        if let Some(target) = target {
            if from != into && self.is_within(from, target) {
                return Err(Errno::NotEmpty);
            }
            if source == target {
                return Ok(());
            }
            match (self.is_directory(source), self.is_directory(target)) {
                (true, true) if !self.entries(target).is_empty() => return Err(Errno::NotEmpty),
                (true, false) => return Err(Errno::NotDirectory),
                (false, true) => return Err(Errno::IsDirectory),
                _ => self.unlink(into, to_name),
            }
        }
        self.entries(from).remove(name);
        self.entries(into).insert(to_name, source);
        Ok(())
    }

    fn describe(&self, node: usize) -> String {
        match &self.nodes[&node] {
            Node::File { mode, bytes, links } => format!("file {mode:o} {} {links}", bytes.len()),
            Node::Directory { mode, .. } => format!("directory {mode:o}"),
            Node::Symlink { target, links } => format!("symlink {} {links}", target.len()),
        }
    }

    pub(crate) fn dump(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let mut waiting = vec![(String::new(), 0)];
        while let Some((path, node)) = waiting.pop() {
            if let Node::Directory { entries, .. } = &self.nodes[&node] {
                waiting.extend(
                    entries
                        .iter()
                        .map(|(name, node)| (format!("{path}/{name}"), *node)),
                );
            }
            let content = match &self.nodes[&node] {
                Node::File { bytes, .. } => shown(bytes),
                _ => String::new(),
            };
            if node != 0 {
                found.insert(path, format!("{} {content}", self.describe(node)));
            }
        }
        found
    }
}

impl Files for Model {
    fn apply(&mut self, operation: &Operation) -> Shown {
        match operation {
            Operation::Write {
                path,
                offset,
                byte,
                length,
            } => {
                let file = self.open(path, Some(0o644))?;
                self.write(file, Some(*offset), *byte, *length)
            }
            Operation::Append { path, byte, length } => {
                let file = self.open(path, Some(0o644))?;
                self.write(file, None, *byte, *length)
            }
            Operation::Truncate { path, size } => {
                let file = self.open(path, None)?;
                self.truncate(file, *size)
            }
            Operation::Create { path } => self
                .add(
                    path,
                    Node::File {
                        mode: 0o600,
                        bytes: Vec::new(),
                        links: 1,
                    },
                )
                .map(|_| String::new()),
            Operation::Empty { path } => {
                let file = self.open(path, Some(0o644))?;
                self.truncate(file, 0)
            }
            Operation::Read { path } => match self.existing(path)?.2 {
                node if self.is_directory(node) => Err(Errno::IsDirectory),
                _ => {
                    let file = self.open(path, None)?;
                    Ok(shown(self.bytes(file)))
                }
            },
            Operation::MakeDirectory { path } => {
                let node = Node::Directory {
                    mode: 0o755,
                    entries: BTreeMap::new(),
                };
                self.add(path, node).map(|_| String::new())
            }
            Operation::RemoveFile { path } => {
                let (directory, name, node) = self.existing(path)?;
                if self.is_directory(node) {
                    return Err(Errno::IsDirectory);
                }
                self.unlink(directory, name);
                Ok(String::new())
            }
            Operation::RemoveDirectory { path } => {
                let (directory, name, node) = self.existing(path)?;
                if !self.is_directory(node) {
                    return Err(Errno::NotDirectory);
                }
                if !self.entries(node).is_empty() {
                    return Err(Errno::NotEmpty);
                }
                self.unlink(directory, name);
                Ok(String::new())
            }
            Operation::Rename { path, to } => self.rename(path, to).map(|()| String::new()),
            Operation::Link { path, to } => {
                let (from, name) = (
                    self.directory(&path[..path.len() - 1])?,
                    path[path.len() - 1],
                );
                let (into, to_name, target) = self.place(to)?;
                let node = *self.entries(from).get(name).ok_or(Errno::NoEntry)?;
                if target.is_some() {
                    return Err(Errno::Exist);
                }
                *self.links(node).ok_or(Errno::NotPermitted)? += 1;
                self.entries(into).insert(to_name, node);
                Ok(String::new())
            }
            Operation::Symlink { path, target } => self
                .add(path, Node::Symlink { target, links: 1 })
                .map(|_| String::new()),
            Operation::ReadLink { path } => {
                match self.existing(path).map(|(_, _, node)| &self.nodes[&node])? {
                    Node::Symlink { target, .. } => Ok((*target).to_owned()),
                    _ => Err(Errno::Invalid),
                }
            }
            Operation::Stat { path } => self.existing(path).map(|(_, _, node)| self.describe(node)),
            Operation::SetMode { path, mode: new } => {
                let node = self.existing(path)?.2;
                match self.nodes.get_mut(&node).unwrap() {
                    Node::File { mode, .. } | Node::Directory { mode, .. } => *mode = *new,
                    Node::Symlink { .. } => return Err(Errno::NotSupported),
                }
                Ok(String::new())
            }
            Operation::List { path } => {
                let directory = self.directory(path)?;
                Ok(self
                    .entries(directory)
                    .keys()
                    .copied()
                    .collect::<Vec<_>>()
                    .join(" "))
            }
            Operation::Open { path, slot } => {
                self.slots[*slot] = None;
                self.slots[*slot] = Some(self.open(path, Some(0o644))?);
                Ok(String::new())
            }
            Operation::Close { slot } => {
                self.slots[*slot] = None;
                Ok(String::new())
            }
            Operation::SlotWrite {
                slot,
                offset,
                byte,
                length,
            } => {
                let file = self.slots[*slot].ok_or(Errno::NotSupported)?;
                self.write(file, Some(*offset), *byte, *length)
            }
            Operation::SlotAppend { slot, byte, length } => {
                let file = self.slots[*slot].ok_or(Errno::NotSupported)?;
                self.write(file, None, *byte, *length)
            }
            Operation::SlotTruncate { slot, size } => {
                let file = self.slots[*slot].ok_or(Errno::NotSupported)?;
                self.truncate(file, *size)
            }
            Operation::SlotRead { slot } => {
                let file = self.slots[*slot].ok_or(Errno::NotSupported)?;
                let described = self.describe(file);
                Ok(format!("{described} {}", shown(self.bytes(file))))
            }
        }
    }
}
