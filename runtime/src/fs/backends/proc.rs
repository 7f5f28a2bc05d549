//! `/proc`: what a process can learn about itself, and a little about the machine, all of it as the sandbox has it.
//!
//! Every process sees its own: there is no way to another's. `self` is a directory here, not a symlink to a number.

use std::fmt::Write;
use std::sync::Arc;

use bytes::Bytes;

use super::image::Content;
use crate::fs::node::{
    Create, Directory, Entered, Entry, File, Kind, Listing, OpenEntry, Opened, Stat, Timestamp,
};
use crate::fs::{Errno, Name};

/// What the kernel knows about a process and shows in its `/proc`.
pub trait OwnProcess: Send + Sync + 'static {
    /// Its id.
    fn id(&self) -> u32;
    /// Its parent's id.
    fn parent(&self) -> u32;
    /// argv.
    fn arguments(&self) -> Vec<String>;
    /// The environment it was started with.
    fn environment(&self) -> Vec<(String, String)>;
    /// The directory it was started in.
    fn cwd(&self) -> String;
    /// How much memory there is for it.
    fn memory_bytes_max(&self) -> u64;
    /// The numbers of the descriptors it was started with.
    fn descriptors(&self) -> Vec<u32>;
    /// One of them, opened again.
    fn descriptor(&self, fd: u32) -> Option<Arc<dyn File>>;
}

/// The root of a process's `/proc`.
pub fn directory(process: Arc<dyn OwnProcess>) -> Arc<dyn Directory> {
    Arc::new(Proc {
        process,
        place: Place::Root,
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Own,
    Descriptors,
}

#[derive(Clone, Copy)]
enum Node {
    Directory(Place),
    Text(fn(&dyn OwnProcess) -> String),
    Link(fn(&dyn OwnProcess) -> String),
}

const ROOT: [(&str, Node); 3] = [
    ("cpuinfo", Node::Text(cpuinfo)),
    ("meminfo", Node::Text(meminfo)),
    ("self", Node::Directory(Place::Own)),
];

const OWN: [(&str, Node); 7] = [
    (
        "cmdline",
        Node::Text(|process| terminated(process.arguments())),
    ),
    ("comm", Node::Text(|process| program(process) + "\n")),
    ("cwd", Node::Link(|process| process.cwd())),
    (
        "environ",
        Node::Text(|process| {
            terminated(
                process
                    .environment()
                    .into_iter()
                    .map(|(name, value)| format!("{name}={value}")),
            )
        }),
    ),
    (
        "exe",
        Node::Link(|process| format!("/usr/bin/{}", program(process))),
    ),
    ("fd", Node::Directory(Place::Descriptors)),
    ("status", Node::Text(status)),
];

struct Proc {
    process: Arc<dyn OwnProcess>,
    place: Place,
}

impl Proc {
    fn entries(&self) -> &'static [(&'static str, Node)] {
        match self.place {
            Place::Root => &ROOT,
            Place::Own => &OWN,
            Place::Descriptors => &[],
        }
    }

    /// The entry of that name, and a number for it.
    fn find(&self, name: Name<'_>) -> Result<(u64, Node), Errno> {
        let at = self
            .entries()
            .iter()
            .position(|(entry, _)| *entry == name.as_str())
            .ok_or(Errno::NoEntry)?;
        Ok((number(self.place, at), self.entries()[at].1))
    }

    fn descriptor(&self, name: Name<'_>) -> Result<Arc<dyn File>, Errno> {
        let digits = name.as_str();
        if self.place != Place::Descriptors || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Errno::NoEntry);
        }
        let fd = digits.parse().map_err(|_| Errno::NoEntry)?;
        self.process.descriptor(fd).ok_or(Errno::NoEntry)
    }

    fn content(&self, inode: u64, text: String) -> Content {
        Content {
            inode,
            bytes: Bytes::from(text),
            mode: 0o444,
        }
    }
}

fn number(place: Place, at: usize) -> u64 {
    let base = match place {
        Place::Root => 1,
        Place::Own => 100,
        Place::Descriptors => 200,
    };
    base + u64::try_from(at).unwrap_or(0) + 1
}

fn stat(kind: Kind, mode: u32, size: usize, inode: u64) -> Stat {
    Stat {
        kind,
        mode,
        size: u64::try_from(size).unwrap_or(0),
        links: 1,
        inode,
        device: 0,
        accessed: Timestamp::default(),
        modified: Timestamp::default(),
        changed: Timestamp::default(),
    }
}

impl Directory for Proc {
    fn enter(&self, name: Name<'_>) -> Result<Entered, Errno> {
        if self.descriptor(name).is_ok() {
            return Err(Errno::NotDirectory);
        }
        match self.find(name)?.1 {
            Node::Directory(place) => Ok(Entered::Directory(Arc::new(Proc {
                process: self.process.clone(),
                place,
            }))),
            Node::Link(target) => Ok(Entered::Link(target(&*self.process))),
            Node::Text(_) => Err(Errno::NotDirectory),
        }
    }

    fn stat_entry(&self, name: Name<'_>) -> Result<Stat, Errno> {
        if let Ok(file) = self.descriptor(name) {
            return file.stat();
        }
        let (inode, node) = self.find(name)?;
        match node {
            Node::Directory(place) => Proc {
                process: self.process.clone(),
                place,
            }
            .stat(),
            Node::Link(target) => Ok(stat(
                Kind::Symlink,
                0o777,
                target(&*self.process).len(),
                inode,
            )),
            Node::Text(text) => self.content(inode, text(&*self.process)).stat(),
        }
    }

    fn open(&self, name: Name<'_>, how: &OpenEntry) -> Result<Opened, Errno> {
        let opened = if let Ok(file) = self.descriptor(name) {
            if how.truncate && file.stat()?.kind == Kind::File {
                file.truncate(0)?;
            }
            Opened::File(file)
        } else {
            let (inode, node) = self.find(name)?;
            match node {
                Node::Directory(place) => Opened::Directory(Arc::new(Proc {
                    process: self.process.clone(),
                    place,
                })),
                Node::Link(target) => Opened::Link(target(&*self.process)),
                Node::Text(_) if how.write => return Err(Errno::Access),
                Node::Text(text) => {
                    Opened::File(Arc::new(self.content(inode, text(&*self.process))))
                }
            }
        };
        match opened {
            _ if matches!(how.create, Create::Exclusively(_)) => Err(Errno::Exist),
            Opened::File(_) if how.directory => Err(Errno::NotDirectory),
            opened => Ok(opened),
        }
    }

    fn read_link(&self, name: Name<'_>) -> Result<String, Errno> {
        match self.find(name)?.1 {
            Node::Link(target) => Ok(target(&*self.process)),
            _ => Err(Errno::Invalid),
        }
    }

    fn list(&self) -> Result<Listing, Errno> {
        let entries: Vec<Entry> = match self.place {
            Place::Descriptors => {
                let descriptors = self.process.descriptors().into_iter();
                descriptors
                    .map(|fd| Entry {
                        name: fd.to_string(),
                        kind: Kind::Other,
                    })
                    .collect()
            }
            _ => self
                .entries()
                .iter()
                .map(|(name, node)| {
                    let kind = match node {
                        Node::Directory(_) => Kind::Directory,
                        Node::Link(_) => Kind::Symlink,
                        Node::Text(_) => Kind::File,
                    };
                    Entry {
                        name: (*name).to_owned(),
                        kind,
                    }
                })
                .collect(),
        };
        Ok(Box::new(entries.into_iter().map(Ok)))
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(stat(Kind::Directory, 0o555, 0, number(self.place, 99)))
    }
}

fn terminated(strings: impl IntoIterator<Item = String>) -> String {
    strings
        .into_iter()
        .fold(String::new(), |all, string| all + &string + "\0")
}

fn program(process: &dyn OwnProcess) -> String {
    let first = process.arguments().into_iter().next().unwrap_or_default();
    first.rsplit('/').next().unwrap_or_default().to_owned()
}

fn status(process: &dyn OwnProcess) -> String {
    format!(
        "Name:\t{}\nState:\tR (running)\nPid:\t{}\nPPid:\t{}\nFDSize:\t{}\nThreads:\t1\n",
        program(process),
        process.id(),
        process.parent(),
        process.descriptors().len(),
    )
}

/// One processor: a process has one thread.
fn cpuinfo(_process: &dyn OwnProcess) -> String {
    "processor\t: 0\nvendor_id\t: WebAssembly\nmodel name\t: wasm32\n\n".to_owned()
}

fn meminfo(process: &dyn OwnProcess) -> String {
    let kibibytes = process.memory_bytes_max() / 1024;
    let mut text = String::new();
    for (name, value) in [
        ("MemTotal", kibibytes),
        ("MemFree", kibibytes),
        ("MemAvailable", kibibytes),
        ("SwapTotal", 0),
    ] {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name}:{value:>16} kB");
    }
    text
}
