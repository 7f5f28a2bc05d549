//! A real directory as a file system to compare with.

use std::collections::BTreeMap;

use glovebox_tree::Errno;
use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno as HostErrno;
use tempfile::TempDir;

use crate::operation::{Files, Operation, SLOTS, Shown, shown};

pub(crate) struct Real {
    root: TempDir,
    slots: [Option<OwnedFd>; SLOTS],
}

const FLAGS: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC);

impl Real {
    pub(crate) fn new() -> Real {
        Real {
            root: tempfile::tempdir().unwrap(),
            slots: Default::default(),
        }
    }

    fn directory(&self, names: &[&'static str]) -> Result<OwnedFd, HostErrno> {
        let open = |at: &OwnedFd, name: &str| {
            rustix::fs::openat(at, name, FLAGS | OFlags::DIRECTORY, Mode::empty())
        };
        let root = rustix::fs::open(self.root.path(), FLAGS | OFlags::DIRECTORY, Mode::empty())?;
        names
            .iter()
            .try_fold(root, |directory, name| open(&directory, name))
    }

    fn place(&self, path: &[&'static str]) -> Result<(OwnedFd, &'static str), HostErrno> {
        let (name, parents) = path.split_last().unwrap();
        Ok((self.directory(parents)?, name))
    }

    fn open(&self, path: &[&'static str], flags: OFlags, mode: u32) -> Result<OwnedFd, HostErrno> {
        let (directory, name) = self.place(path)?;
        rustix::fs::openat(directory, name, FLAGS | flags, Mode::from_raw_mode(mode))
    }

    fn slot(&self, slot: usize) -> Result<&OwnedFd, HostErrno> {
        self.slots[slot].as_ref().ok_or(HostErrno::NOTSUP)
    }

    fn run(&mut self, operation: &Operation) -> Result<String, HostErrno> {
        let done = |()| String::new();
        let write = OFlags::RDWR | OFlags::CREATE;
        match operation {
            Operation::Write {
                path,
                offset,
                byte,
                length,
            } => write_all(&self.open(path, write, 0o644)?, *offset, *byte, *length),
            Operation::Append { path, byte, length } => {
                let file = self.open(path, write, 0o644)?;
                write_all(&file, size(&file)?, *byte, *length)
            }
            Operation::Truncate { path, size } => {
                rustix::fs::ftruncate(self.open(path, OFlags::RDWR, 0)?, *size).map(done)
            }
            Operation::Create { path } => self
                .open(path, write | OFlags::EXCL, 0o600)
                .map(|_| String::new()),
            Operation::Empty { path } => {
                // Not O_TRUNC with O_CREAT, which tells of a directory first.
                self.open(path, write | OFlags::TRUNC, 0o644)
                    .map(|_| String::new())
            }
            Operation::Read { path } => {
                read_all(&self.open(path, OFlags::RDONLY, 0)?).map(|bytes| shown(&bytes))
            }
            Operation::MakeDirectory { path } => {
                let (directory, name) = self.place(path)?;
                rustix::fs::mkdirat(directory, name, Mode::from_raw_mode(0o755)).map(done)
            }
            Operation::RemoveFile { path } => {
                let (directory, name) = self.place(path)?;
                rustix::fs::unlinkat(directory, name, AtFlags::empty()).map(done)
            }
            Operation::RemoveDirectory { path } => {
                let (directory, name) = self.place(path)?;
                rustix::fs::unlinkat(directory, name, AtFlags::REMOVEDIR).map(done)
            }
            Operation::Rename { path, to } => {
                let (directory, name) = self.place(path)?;
                let (to, to_name) = self.place(to)?;
                rustix::fs::renameat(directory, name, to, to_name).map(done)
            }
            Operation::Link { path, to } => {
                let (directory, name) = self.place(path)?;
                let (to, to_name) = self.place(to)?;
                rustix::fs::linkat(directory, name, to, to_name, AtFlags::empty()).map(done)
            }
            Operation::Symlink { path, target } => {
                let (directory, name) = self.place(path)?;
                rustix::fs::symlinkat(*target, directory, name).map(done)
            }
            Operation::ReadLink { path } => {
                let (directory, name) = self.place(path)?;
                let target = rustix::fs::readlinkat(directory, name, Vec::new())?;
                Ok(target.into_string().unwrap())
            }
            Operation::Stat { path } => {
                let (directory, name) = self.place(path)?;
                rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
                    .map(|stat| describe(&stat))
            }
            Operation::SetMode { path, mode } => {
                let (directory, name) = self.place(path)?;
                let stat = rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
                if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
                    return Err(HostErrno::NOTSUP);
                }
                rustix::fs::chmodat(
                    directory,
                    name,
                    Mode::from_raw_mode(*mode),
                    AtFlags::empty(),
                )
                .map(done)
            }
            Operation::List { path } => {
                let names = names(&self.directory(path)?)?;
                Ok(names.join(" "))
            }
            Operation::Open { path, slot } => {
                self.slots[*slot] = None;
                self.slots[*slot] = Some(self.open(path, write, 0o644)?);
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
            } => write_all(self.slot(*slot)?, *offset, *byte, *length),
            Operation::SlotAppend { slot, byte, length } => {
                let file = self.slot(*slot)?;
                write_all(file, size(file)?, *byte, *length)
            }
            Operation::SlotTruncate { slot, size } => {
                rustix::fs::ftruncate(self.slot(*slot)?, *size).map(done)
            }
            Operation::SlotRead { slot } => {
                let file = self.slot(*slot)?;
                Ok(format!(
                    "{} {}",
                    describe(&rustix::fs::fstat(file)?),
                    shown(&read_all(file)?)
                ))
            }
        }
    }

    /// Everything in it, by path.
    pub(crate) fn dump(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let mut waiting = vec![(String::new(), self.directory(&[]).unwrap())];
        while let Some((path, directory)) = waiting.pop() {
            for name in names(&directory).unwrap() {
                let path = format!("{path}/{name}");
                let stat =
                    rustix::fs::statat(&directory, &*name, AtFlags::SYMLINK_NOFOLLOW).unwrap();
                let open = |flags| {
                    rustix::fs::openat(&directory, &*name, FLAGS | flags, Mode::empty()).unwrap()
                };
                let mut content = String::new();
                match FileType::from_raw_mode(stat.st_mode) {
                    FileType::Directory => waiting.push((path.clone(), open(OFlags::DIRECTORY))),
                    FileType::RegularFile => {
                        content = shown(&read_all(&open(OFlags::RDONLY)).unwrap())
                    }
                    _ => {}
                }
                found.insert(path, format!("{} {content}", describe(&stat)));
            }
        }
        found
    }
}

impl Files for Real {
    fn apply(&mut self, operation: &Operation) -> Shown {
        self.run(operation).map_err(|errno| match errno {
            HostErrno::EXIST => Errno::Exist,
            HostErrno::FBIG => Errno::FileTooLarge,
            HostErrno::INVAL => Errno::Invalid,
            HostErrno::ISDIR => Errno::IsDirectory,
            // Opening a symlink itself.
            HostErrno::LOOP => Errno::Invalid,
            HostErrno::NOENT => Errno::NoEntry,
            HostErrno::NOTDIR => Errno::NotDirectory,
            HostErrno::NOTEMPTY => Errno::NotEmpty,
            HostErrno::NOTSUP => Errno::NotSupported,
            HostErrno::PERM => Errno::NotPermitted,
            other => panic!("{operation:?}: {other:?}"),
        })
    }
}

fn names(directory: &OwnedFd) -> Result<Vec<String>, HostErrno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let name = entry?.file_name().to_str().unwrap().to_owned();
        if name != "." && name != ".." {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn describe(stat: &rustix::fs::Stat) -> String {
    let mode = stat.st_mode & 0o7777;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => format!("directory {mode:o}"),
        FileType::Symlink => format!("symlink {} {}", stat.st_size, stat.st_nlink),
        _ => format!("file {mode:o} {} {}", stat.st_size, stat.st_nlink),
    }
}

fn size(file: &OwnedFd) -> Result<u64, HostErrno> {
    Ok(u64::try_from(rustix::fs::fstat(file)?.st_size).unwrap())
}

fn write_all(file: &OwnedFd, offset: u64, byte: u8, length: usize) -> Result<String, HostErrno> {
    assert_eq!(
        rustix::io::pwrite(file, &vec![byte; length], offset)?,
        length
    );
    Ok(length.to_string())
}

fn read_all(file: &OwnedFd) -> Result<Vec<u8>, HostErrno> {
    let mut bytes = vec![0; usize::try_from(size(file)?).unwrap()];
    let read = rustix::io::pread(file, &mut *bytes, 0)?;
    assert_eq!(read, bytes.len());
    Ok(bytes)
}
