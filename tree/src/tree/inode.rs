//! What is known about a file, directory or symlink.

use std::sync::Arc;
use std::time::Duration;

use super::Content;
use crate::map::{Item, Malformed, Map, Reader, Value, Writer};
use crate::tree::names::{NAME_BYTES_MAX, Names, valid_name};
use crate::{Errno, SaveError};

/// A file's number. The root's is 1.
pub type Ino = u64;

pub(crate) const ROOT: Ino = 1;
/// The longest target of a symlink (Linux: `PATH_MAX` less its terminator).
const TARGET_BYTES_MAX: usize = 4095;

/// Checks a symlink's target: not empty, no NUL, at most 4095 bytes.
pub(crate) fn valid_target(target: &str) -> Result<(), Errno> {
    match target {
        "" => Err(Errno::NoEntry),
        _ if target.len() > TARGET_BYTES_MAX => Err(Errno::NameTooLong),
        _ if target.as_bytes().contains(&0) => Err(Errno::Invalid),
        _ => Ok(()),
    }
}

/// What sort of thing an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
}

/// A moment since 1970 (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Timestamp {
    /// Whole seconds.
    pub seconds: u64,
    /// Less than a thousand million.
    pub nanoseconds: u32,
}

impl From<Duration> for Timestamp {
    fn from(since: Duration) -> Timestamp {
        Timestamp {
            seconds: since.as_secs(),
            nanoseconds: since.subsec_nanos(),
        }
    }
}

/// What is known about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: Kind,
    /// Permission bits (octal 7777).
    pub mode: u32,
    /// Length in bytes; of a symlink, of its target; of a directory, always 4096.
    pub size: u64,
    /// How many names it has; 1 for a directory.
    pub links: u64,
    /// Identifies it within its tree.
    pub ino: Ino,
    /// Last read, as far as somebody said so: reading does not change it.
    pub accessed: Timestamp,
    /// Last written.
    pub modified: Timestamp,
    /// Last changed, what is known about it included.
    pub changed: Timestamp,
}

/// One of the times to set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewTime {
    /// Leaves it.
    Keep,
    /// The store's clock.
    Now,
    /// This moment.
    At(Timestamp),
}

/// New times of last access and modification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewTimes {
    /// Last read.
    pub accessed: NewTime,
    /// Last written.
    pub modified: NewTime,
}

/// Mode and times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) mode: u32,
    pub(crate) accessed: Timestamp,
    pub(crate) modified: Timestamp,
    pub(crate) changed: Timestamp,
}

impl Meta {
    pub(crate) fn new(mode: u32, now: Timestamp) -> Meta {
        Meta {
            mode: mode & 0o7777,
            accessed: now,
            modified: now,
            changed: now,
        }
    }

    /// Its content was changed.
    pub(crate) fn touch(&mut self, now: Timestamp) {
        self.modified = now;
        self.changed = now;
    }
}

/// A file, directory or symlink.
#[derive(Clone)]
pub(crate) struct Inode {
    pub(crate) meta: Meta,
    pub(crate) names: Names,
    pub(crate) data: Data,
}

/// What is in it.
#[derive(Clone)]
pub(crate) enum Data {
    File(Content),
    Directory(Map<Arc<str>, Entry>),
    Symlink(Arc<str>),
}

/// What a directory says of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) ino: Ino,
    pub(crate) kind: Kind,
}

impl Inode {
    pub(crate) fn kind(&self) -> Kind {
        match self.data {
            Data::File(_) => Kind::File,
            Data::Directory(_) => Kind::Directory,
            Data::Symlink(_) => Kind::Symlink,
        }
    }

    /// What it costs in bytes: the length of a file.
    pub(crate) fn size(&self) -> u64 {
        match &self.data {
            Data::File(content) => content.size(),
            _ => 0,
        }
    }

    pub(crate) fn stat(&self, ino: Ino) -> Stat {
        let (size, links) = match &self.data {
            Data::File(content) => (content.size(), self.names.count()),
            Data::Directory(_) => (4096, 1),
            Data::Symlink(target) => (u64::try_from(target.len()).unwrap_or(0), self.names.count()),
        };
        Stat {
            kind: self.kind(),
            mode: self.meta.mode,
            size,
            links,
            ino,
            accessed: self.meta.accessed,
            modified: self.meta.modified,
            changed: self.meta.changed,
        }
    }

    pub(crate) fn without_names(&self) -> Inode {
        Inode {
            names: Names::none(),
            ..self.clone()
        }
    }
}

impl Item for Arc<Inode> {
    fn encode(&self, writer: &mut Writer<'_, '_>) -> Result<(), SaveError> {
        writer.saver.file = self.names.first().cloned();
        writer.byte(kind_byte(self.kind()));
        writer.number(self.meta.mode.into());
        for time in [self.meta.accessed, self.meta.modified, self.meta.changed] {
            writer.number(time.seconds);
            writer.number(time.nanoseconds.into());
        }
        self.names.encode(writer);
        match &self.data {
            Data::File(content) => content.encode(writer),
            Data::Directory(entries) => entries.encode(writer),
            Data::Symlink(target) => {
                writer.bytes(target.as_bytes());
                Ok(())
            }
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Arc<Inode>, Malformed> {
        let kind = kind_of(reader.byte()?)?;
        let mode = reader.small()? & 0o7777;
        let mut times = [Timestamp::default(); 3];
        for time in &mut times {
            *time = Timestamp {
                seconds: reader.number()?,
                nanoseconds: reader.small()?,
            };
            if time.nanoseconds >= 1_000_000_000 {
                return Err(Malformed("with a time that is none"));
            }
        }
        let [accessed, modified, changed] = times;
        let names = Names::decode(reader)?;
        let data = match kind {
            Kind::File => Data::File(Content::decode(reader)?),
            Kind::Directory => Data::Directory(Map::decode(reader)?),
            Kind::Symlink => {
                let target = reader.text(TARGET_BYTES_MAX)?;
                valid_target(target).map_err(|_| Malformed("a symlink to nowhere"))?;
                Data::Symlink(target.into())
            }
        };
        Ok(Arc::new(Inode {
            meta: Meta {
                mode,
                accessed,
                modified,
                changed,
            },
            names,
            data,
        }))
    }
}

impl Value for Arc<Inode> {
    const TAG: u8 = b'i';

    fn same(&self, other: &Arc<Inode>) -> bool {
        Arc::ptr_eq(self, other)
    }
}

impl Item for Entry {
    fn encode(&self, writer: &mut Writer<'_, '_>) -> Result<(), SaveError> {
        writer.number(self.ino);
        writer.byte(kind_byte(self.kind));
        Ok(())
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Entry, Malformed> {
        Ok(Entry {
            ino: reader.number()?,
            kind: kind_of(reader.byte()?)?,
        })
    }
}

impl Value for Entry {
    const TAG: u8 = b'd';

    fn same(&self, other: &Entry) -> bool {
        self == other
    }
}

impl Item for Arc<str> {
    fn encode(&self, writer: &mut Writer<'_, '_>) -> Result<(), SaveError> {
        writer.bytes(self.as_bytes());
        Ok(())
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Arc<str>, Malformed> {
        let name = reader.text(NAME_BYTES_MAX)?;
        valid_name(name).map_err(|_| Malformed("with a name that is none"))?;
        Ok(name.into())
    }
}

fn kind_byte(kind: Kind) -> u8 {
    match kind {
        Kind::File => b'f',
        Kind::Directory => b'd',
        Kind::Symlink => b'l',
    }
}

fn kind_of(byte: u8) -> Result<Kind, Malformed> {
    match byte {
        b'f' => Ok(Kind::File),
        b'd' => Ok(Kind::Directory),
        b'l' => Ok(Kind::Symlink),
        _ => Err(Malformed("of an unknown kind")),
    }
}
