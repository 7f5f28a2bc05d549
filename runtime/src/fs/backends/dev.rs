//! `/dev`: the few devices that programs expect.
//!
//! The standard streams are symlinks to `/proc/self/fd/N`, as on Linux, and go wherever the process's own
//! descriptors go.

use std::sync::Arc;

use bytes::Bytes;
use rand::Rng;

use crate::fs::node::{
    Create, Directory, Durable, Entered, Entry, File, Kind, Listing, NewTimes, OpenEntry, Opened,
    Stat, Timestamp,
};
use crate::fs::{Errno, Name};

/// No single read gives more.
const READ_BYTES_MAX: usize = 64 << 10;

const DEVICES: [(&str, Device); 5] = [
    ("full", Device::Full),
    ("null", Device::Null),
    ("random", Device::Random),
    ("urandom", Device::Random),
    ("zero", Device::Zero),
];

const LINKS: [(&str, &str); 4] = [
    ("fd", "/proc/self/fd"),
    ("stderr", "/proc/self/fd/2"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
];

/// The directory `/dev`.
pub struct Dev;

/// Its root, to be mounted.
pub fn directory() -> Arc<dyn Directory> {
    Arc::new(Dev)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Device {
    Full,
    Null,
    Random,
    Zero,
}

fn device(name: Name<'_>) -> Option<(u64, Device)> {
    let at = DEVICES
        .iter()
        .position(|(device, _)| *device == name.as_str())?;
    Some((u64::try_from(at).ok()? + 2, DEVICES[at].1))
}

fn link(name: Name<'_>) -> Option<(u64, &'static str)> {
    let at = LINKS.iter().position(|(link, _)| *link == name.as_str())?;
    Some((
        u64::try_from(at).ok()? + 2 + u64::try_from(DEVICES.len()).ok()?,
        LINKS[at].1,
    ))
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

impl Directory for Dev {
    fn enter(&self, name: Name<'_>) -> Result<Entered, Errno> {
        match link(name) {
            Some((_, target)) => Ok(Entered::Link(target.to_owned())),
            None if device(name).is_some() => Err(Errno::NotDirectory),
            None => Err(Errno::NoEntry),
        }
    }

    fn stat_entry(&self, name: Name<'_>) -> Result<Stat, Errno> {
        if let Some((inode, device)) = device(name) {
            return OpenDevice { device, inode }.stat();
        }
        let (inode, target) = link(name).ok_or(Errno::NoEntry)?;
        Ok(stat(Kind::Symlink, 0o777, target.len(), inode))
    }

    fn open(&self, name: Name<'_>, how: &OpenEntry) -> Result<Opened, Errno> {
        let exists = if let Some((inode, device)) = device(name) {
            if how.directory {
                return Err(Errno::NotDirectory);
            }
            Opened::File(Arc::new(OpenDevice { device, inode }))
        } else if let Some((_, target)) = link(name) {
            Opened::Link(target.to_owned())
        } else {
            return Err(if how.create == Create::Never {
                Errno::NoEntry
            } else {
                Errno::Access
            });
        };
        if matches!(how.create, Create::Exclusively(_)) {
            Err(Errno::Exist)
        } else {
            Ok(exists)
        }
    }

    fn read_link(&self, name: Name<'_>) -> Result<String, Errno> {
        match link(name) {
            Some((_, target)) => Ok(target.to_owned()),
            None if device(name).is_some() => Err(Errno::Invalid),
            None => Err(Errno::NoEntry),
        }
    }

    fn list(&self) -> Result<Listing, Errno> {
        let devices = DEVICES
            .iter()
            .map(|(name, _)| (*name, Kind::CharacterDevice));
        let links = LINKS.iter().map(|(name, _)| (*name, Kind::Symlink));
        Ok(Box::new(devices.chain(links).map(|(name, kind)| {
            Ok(Entry {
                name: name.to_owned(),
                kind,
            })
        })))
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(stat(Kind::Directory, 0o755, 0, 1))
    }
}

struct OpenDevice {
    device: Device,
    inode: u64,
}

impl File for OpenDevice {
    fn read_at(&self, _offset: u64, length: usize) -> Result<Bytes, Errno> {
        let length = length.min(READ_BYTES_MAX);
        match self.device {
            Device::Null => Ok(Bytes::new()),
            Device::Zero | Device::Full => {
                static ZEROS: [u8; READ_BYTES_MAX] = [0; READ_BYTES_MAX];
                Ok(Bytes::from_static(&ZEROS[..length]))
            }
            Device::Random => {
                let mut bytes = vec![0; length];
                rand::rng().fill_bytes(&mut bytes);
                Ok(bytes.into())
            }
        }
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(stat(Kind::CharacterDevice, 0o666, 0, self.inode))
    }

    fn write_at(&self, _offset: u64, bytes: &[u8]) -> Result<usize, Errno> {
        match self.device {
            Device::Full if !bytes.is_empty() => Err(Errno::NoSpace),
            _ => Ok(bytes.len()),
        }
    }

    fn append(&self, bytes: &[u8]) -> Result<usize, Errno> {
        self.write_at(0, bytes)
    }

    fn truncate(&self, _size: u64) -> Result<(), Errno> {
        Err(Errno::Invalid)
    }

    fn set_times(&self, _times: NewTimes) -> Result<(), Errno> {
        Ok(())
    }

    fn sync(&self, _what: Durable) -> Result<(), Errno> {
        Err(Errno::Invalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: OpenEntry = OpenEntry {
        read: true,
        write: false,
        create: Create::Never,
        truncate: false,
        directory: false,
    };

    fn open(name: &str) -> Arc<dyn File> {
        match Dev.open(Name::new(name).unwrap(), &READ) {
            Ok(Opened::File(file)) => file,
            _ => panic!("{name} is a device"),
        }
    }

    #[test]
    fn each_device_does_what_it_is_for() {
        assert!(open("null").read_at(0, 10).unwrap().is_empty());
        assert_eq!(open("null").write_at(0, b"gone"), Ok(4));
        assert_eq!(open("zero").read_at(7, 3).unwrap(), [0, 0, 0][..]);
        assert_eq!(open("full").write_at(0, b"x"), Err(Errno::NoSpace));
        assert_ne!(
            open("urandom").read_at(0, 32).unwrap(),
            open("random").read_at(0, 32).unwrap()
        );
        assert_eq!(
            open("zero").read_at(0, usize::MAX).unwrap().len(),
            READ_BYTES_MAX
        );
    }

    #[test]
    fn nothing_can_be_added() {
        let how = OpenEntry {
            write: true,
            create: Create::IfMissing(0o644),
            ..READ
        };
        assert_eq!(
            Dev.open(Name::new("new").unwrap(), &how).err(),
            Some(Errno::Access)
        );
        assert_eq!(
            Dev.create_directory(Name::new("new").unwrap(), 0o755),
            Err(Errno::ReadOnly)
        );
        assert_eq!(
            Dev.remove_file(Name::new("null").unwrap()),
            Err(Errno::ReadOnly)
        );
    }

    #[test]
    fn standard_streams_are_the_process_s() {
        let Ok(Opened::Link(target)) = Dev.open(Name::new("stdin").unwrap(), &READ) else {
            panic!("a link")
        };
        assert_eq!(target, "/proc/self/fd/0");
    }
}
