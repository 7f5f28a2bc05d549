//! A tree as a file system to compare.

use std::collections::BTreeMap;
use std::sync::Arc;

use glovebox_tree::{Create, Directory, Errno, File, Found, Kind, OpenHow, Snapshot, Stat, Tree};

use crate::operation::{Files, Operation, SLOTS, Shown, shown};
use crate::{READ, WRITE, file, read_all};

pub(crate) struct Ours {
    pub(crate) tree: Arc<Tree>,
    slots: [Option<File>; SLOTS],
}

impl Ours {
    pub(crate) fn new(tree: Arc<Tree>) -> Ours {
        Ours {
            tree,
            slots: Default::default(),
        }
    }

    fn directory(&self, names: &[&'static str]) -> Result<Directory, Errno> {
        names.iter().try_fold(self.tree.root(), |directory, name| {
            match directory.enter(name)? {
                Found::Directory(directory) => Ok(directory),
                _ => Err(Errno::NotDirectory),
            }
        })
    }

    fn place(&self, path: &[&'static str]) -> Result<(Directory, &'static str), Errno> {
        let (name, parents) = path.split_last().unwrap();
        Ok((self.directory(parents)?, name))
    }

    fn open(&self, path: &[&'static str], how: &OpenHow) -> Result<File, Errno> {
        let (directory, name) = self.place(path)?;
        file(&directory, name, how)
    }

    fn slot(&self, slot: usize) -> Result<&File, Errno> {
        self.slots[slot].as_ref().ok_or(Errno::NotSupported)
    }
}

pub(crate) fn describe(stat: &Stat) -> String {
    match stat.kind {
        Kind::Directory => format!("directory {:o}", stat.mode),
        Kind::Symlink => format!("symlink {} {}", stat.size, stat.links),
        Kind::File => format!("file {:o} {} {}", stat.mode, stat.size, stat.links),
    }
}

impl Files for Ours {
    fn apply(&mut self, operation: &Operation) -> Shown {
        let done = |()| String::new();
        let existing = OpenHow {
            create: Create::Never,
            ..WRITE
        };
        match operation {
            Operation::Write {
                path,
                offset,
                byte,
                length,
            } => self
                .open(path, &WRITE)?
                .write_at(*offset, &vec![*byte; *length])
                .map(|n| n.to_string()),
            Operation::Append { path, byte, length } => self
                .open(path, &WRITE)?
                .append(&vec![*byte; *length])
                .map(|n| n.to_string()),
            Operation::Truncate { path, size } => {
                self.open(path, &existing)?.truncate(*size).map(done)
            }
            Operation::Create { path } => self
                .open(
                    path,
                    &OpenHow {
                        create: Create::Exclusively(0o600),
                        ..WRITE
                    },
                )
                .map(|_| String::new()),
            Operation::Empty { path } => self
                .open(
                    path,
                    &OpenHow {
                        truncate: true,
                        ..WRITE
                    },
                )
                .map(|_| String::new()),
            Operation::Read { path } => {
                read_all(&self.open(path, &READ)?).map(|bytes| shown(&bytes))
            }
            Operation::MakeDirectory { path } => {
                let (directory, name) = self.place(path)?;
                directory.create_directory(name, 0o755).map(done)
            }
            Operation::RemoveFile { path } => {
                let (directory, name) = self.place(path)?;
                directory.remove_file(name).map(done)
            }
            Operation::RemoveDirectory { path } => {
                let (directory, name) = self.place(path)?;
                directory.remove_directory(name).map(done)
            }
            Operation::Rename { path, to } => {
                let (directory, name) = self.place(path)?;
                let (to, to_name) = self.place(to)?;
                directory.rename(name, &to, to_name).map(done)
            }
            Operation::Link { path, to } => {
                let (directory, name) = self.place(path)?;
                let (to, to_name) = self.place(to)?;
                directory.link(name, &to, to_name).map(done)
            }
            Operation::Symlink { path, target } => {
                let (directory, name) = self.place(path)?;
                directory.symlink(name, target).map(done)
            }
            Operation::ReadLink { path } => {
                let (directory, name) = self.place(path)?;
                directory.read_link(name).map(|target| target.to_string())
            }
            Operation::Stat { path } => {
                let (directory, name) = self.place(path)?;
                directory.stat_entry(name).map(|stat| describe(&stat))
            }
            Operation::SetMode { path, mode } => {
                let (directory, name) = self.place(path)?;
                directory.set_entry_mode(name, *mode).map(done)
            }
            Operation::List { path } => {
                let entries: Result<Vec<_>, _> = self.directory(path)?.list()?.collect();
                let mut names: Vec<_> = entries?
                    .into_iter()
                    .map(|(name, _)| name.to_string())
                    .collect();
                names.sort();
                Ok(names.join(" "))
            }
            Operation::Open { path, slot } => {
                self.slots[*slot] = None;
                self.slots[*slot] = Some(self.open(path, &WRITE)?);
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
            } => self
                .slot(*slot)?
                .write_at(*offset, &vec![*byte; *length])
                .map(|n| n.to_string()),
            Operation::SlotAppend { slot, byte, length } => self
                .slot(*slot)?
                .append(&vec![*byte; *length])
                .map(|n| n.to_string()),
            Operation::SlotTruncate { slot, size } => self.slot(*slot)?.truncate(*size).map(done),
            Operation::SlotRead { slot } => {
                let file = self.slot(*slot)?;
                Ok(format!(
                    "{} {}",
                    describe(&file.stat()?),
                    shown(&read_all(file)?)
                ))
            }
        }
    }
}

/// All of a snapshot, by path.
pub(crate) fn dump(snapshot: &Snapshot) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![String::new()];
    while let Some(directory) = waiting.pop() {
        for (name, kind) in snapshot.list(&directory).unwrap() {
            let path = format!("{directory}/{name}");
            let stat = snapshot.stat(&path).unwrap();
            let content = match kind {
                Kind::File => shown(&snapshot.read_file(&path, 10 << 20).unwrap()),
                _ => String::new(),
            };
            if kind == Kind::Directory {
                waiting.push(path.clone());
            }
            found.insert(path, format!("{} {content}", describe(&stat)));
        }
    }
    found
}
