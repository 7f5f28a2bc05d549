//! An open directory of the host.

use std::any::Any;
use std::sync::Arc;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno as HostErrno;

use super::file::{HostFile, timestamps};
use super::inodes::Names;
use super::names::{to_guest, to_host};
use super::{Tree, host_mode, kind_of, stat_of};
use crate::fs::node::{
    Create, Directory, Entered, Entry, File, Listing, NewTimes, OpenEntry, Opened, Stat,
};
use crate::fs::{Errno, Name};

/// Opening a directory only to name what is in it.
#[cfg(target_os = "linux")]
const STEP: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const STEP: OFlags = OFlags::RDONLY;

/// How often opening starts again when an entry comes and goes meanwhile.
const RACES_MAX: usize = 16;

/// An open directory.
pub(crate) struct HostDirectory {
    fd: Arc<OwnedFd>,
    tree: Arc<Tree>,
}

impl HostDirectory {
    pub(super) fn new(fd: Arc<OwnedFd>, tree: Arc<Tree>) -> HostDirectory {
        HostDirectory { fd, tree }
    }

    fn nofollow(&self, name: Name<'_>) -> Result<rustix::fs::Stat, HostErrno> {
        rustix::fs::statat(
            &*self.fd,
            &*to_host(name.as_str()),
            AtFlags::SYMLINK_NOFOLLOW,
        )
    }

    fn writable(&self) -> Result<(), Errno> {
        if self.tree.writable {
            Ok(())
        } else {
            Err(Errno::ReadOnly)
        }
    }

    /// What opening `name` gave, which is anything but a symlink.
    fn opened(&self, fd: OwnedFd, how: &OpenEntry, mode: Option<u32>) -> Result<Opened, Errno> {
        let stat = rustix::fs::fstat(&fd)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => Ok(Opened::Directory(Arc::new(HostDirectory::new(
                Arc::new(fd),
                self.tree.clone(),
            )))),
            FileType::RegularFile => {
                // The host's own umask may have taken bits away.
                if let Some(mode) = mode
                    .filter(|mode| host_mode(*mode) != Mode::from_raw_mode(stat.st_mode & 0o7777))
                {
                    rustix::fs::fchmod(&fd, host_mode(mode))?;
                }
                let file = HostFile::new(fd, &stat, self.tree.clone());
                if how.truncate && stat.st_size != 0 {
                    file.truncate(0)?;
                }
                Ok(Opened::File(Arc::new(file)))
            }
            _ => Err(Errno::Access),
        }
    }

    /// Creates a file that must not be there.
    fn create(
        &self,
        name: Name<'_>,
        flags: OFlags,
        how: &OpenEntry,
        mode: u32,
    ) -> Result<Opened, Errno> {
        self.writable()?;
        self.tree.ledger().charge_file()?;
        let flags = flags | OFlags::CREATE | OFlags::EXCL;
        match rustix::fs::openat(&*self.fd, &*to_host(name.as_str()), flags, host_mode(mode)) {
            Ok(fd) => self.opened(fd, how, Some(mode)),
            Err(error) => {
                self.tree.ledger().release_file();
                Err(error.into())
            }
        }
    }

    /// Runs what adds an entry.
    fn adding(&self, add: impl FnOnce() -> Result<(), HostErrno>) -> Result<(), Errno> {
        self.writable()?;
        self.tree.ledger().charge_file()?;
        add().map_err(|error| {
            self.tree.ledger().release_file();
            error.into()
        })
    }

    /// Gives back what an entry took, after it was removed or replaced.
    fn removed(&self, names: &Names<'_>, stat: &rustix::fs::Stat) {
        let ledger = self.tree.ledger();
        ledger.release_file();
        if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile && stat.st_nlink <= 1 {
            match names.find((stat.st_dev, stat.st_ino)) {
                Some(inode) => inode.mark_removed(),
                None => ledger.release_bytes(u64::try_from(stat.st_size).unwrap_or(0)),
            }
        }
    }

    /// The directory of this mount that `to` is.
    fn same_tree<'a>(&self, to: &'a dyn Directory) -> Result<&'a HostDirectory, Errno> {
        (to as &dyn Any)
            .downcast_ref::<HostDirectory>()
            .filter(|to| Arc::ptr_eq(&to.tree, &self.tree))
            .ok_or(Errno::CrossDevice)
    }
}

impl Directory for HostDirectory {
    fn enter(&self, name: Name<'_>) -> Result<Entered, Errno> {
        let flags = STEP | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(&*self.fd, &*to_host(name.as_str()), flags, Mode::empty()) {
            Ok(fd) => Ok(Entered::Directory(Arc::new(HostDirectory::new(
                Arc::new(fd),
                self.tree.clone(),
            )))),
            Err(HostErrno::NOTDIR | HostErrno::LOOP) => match self.read_link(name) {
                Ok(target) => Ok(Entered::Link(target)),
                Err(Errno::Invalid) => Err(Errno::NotDirectory),
                Err(error) => Err(error),
            },
            Err(error) => Err(error.into()),
        }
    }

    fn stat_entry(&self, name: Name<'_>) -> Result<Stat, Errno> {
        Ok(stat_of(&self.nofollow(name)?))
    }

    fn open(&self, name: Name<'_>, how: &OpenEntry) -> Result<Opened, Errno> {
        let write = how.write || how.truncate;
        let access = match (how.read, write) {
            (_, false) => OFlags::RDONLY,
            (false, true) => OFlags::WRONLY,
            (true, true) => OFlags::RDWR,
        };
        let base = access | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
        let flags = if how.directory {
            base | OFlags::DIRECTORY
        } else {
            base
        };
        if let Create::Exclusively(mode) = how.create {
            return self.create(name, base, how, mode);
        }
        for _ in 0..RACES_MAX {
            match rustix::fs::openat(&*self.fd, &*to_host(name.as_str()), flags, Mode::empty()) {
                Ok(fd) => return self.opened(fd, how, None),
                Err(HostErrno::NOENT) => {
                    let Create::IfMissing(mode) = how.create else {
                        return Err(Errno::NoEntry);
                    };
                    match self.create(name, base, how, mode) {
                        Err(Errno::Exist) => {}
                        other => return other,
                    }
                }
                Err(error @ (HostErrno::LOOP | HostErrno::NOTDIR)) => match self.read_link(name) {
                    Ok(target) => return Ok(Opened::Link(target)),
                    Err(Errno::Invalid) => return Err(error.into()),
                    Err(error) => return Err(error),
                },
                // A pipe without a reader, or a socket.
                Err(HostErrno::NXIO) => return Err(Errno::Access),
                Err(error) => return Err(error.into()),
            }
        }
        Err(Errno::Busy)
    }

    fn read_link(&self, name: Name<'_>) -> Result<String, Errno> {
        let target = rustix::fs::readlinkat(&*self.fd, &*to_host(name.as_str()), Vec::new())?;
        target.into_string().map_err(|_| Errno::IllegalByteSequence)
    }

    fn list(&self) -> Result<Listing, Errno> {
        // Opened again: this one may be for stepping through only, and has its own place in the listing.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let entries =
            rustix::fs::Dir::new(rustix::fs::openat(&*self.fd, ".", flags, Mode::empty())?)?;
        let fd = self.fd.clone();
        Ok(Box::new(entries.filter_map(move |entry| {
            let entry = match entry {
                Ok(entry) => entry,
                // The directory itself was removed.
                Err(HostErrno::NOENT) => return None,
                Err(error) => return Some(Err(error.into())),
            };
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                return None;
            }
            let kind = match entry.file_type() {
                FileType::Unknown => {
                    match rustix::fs::statat(&*fd, name, AtFlags::SYMLINK_NOFOLLOW) {
                        Ok(stat) => kind_of(FileType::from_raw_mode(stat.st_mode)),
                        Err(_) => return None,
                    }
                }
                known => kind_of(known),
            };
            Some(Ok(Entry {
                name: to_guest(name.to_bytes()),
                kind,
            }))
        })))
    }

    fn stat(&self) -> Result<Stat, Errno> {
        Ok(stat_of(&rustix::fs::fstat(&*self.fd)?))
    }

    fn create_directory(&self, name: Name<'_>, mode: u32) -> Result<(), Errno> {
        let host_name = to_host(name.as_str());
        self.adding(|| rustix::fs::mkdirat(&*self.fd, &*host_name, host_mode(mode)))?;
        if self
            .nofollow(name)
            .is_ok_and(|stat| stat.st_mode & 0o777 != mode & 0o777)
        {
            // The host's own umask took bits away. Whoever replaced the directory meanwhile keeps theirs.
            let _ = self.set_entry_mode(name, mode);
        }
        Ok(())
    }

    fn remove_directory(&self, name: Name<'_>) -> Result<(), Errno> {
        self.writable()?;
        let _names = self.tree.inodes.names();
        rustix::fs::unlinkat(&*self.fd, &*to_host(name.as_str()), AtFlags::REMOVEDIR)?;
        self.tree.ledger().release_file();
        Ok(())
    }

    fn remove_file(&self, name: Name<'_>) -> Result<(), Errno> {
        self.writable()?;
        self.tree.ledger();
        let names = self.tree.inodes.names();
        let stat = self.nofollow(name)?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            return Err(Errno::IsDirectory);
        }
        rustix::fs::unlinkat(&*self.fd, &*to_host(name.as_str()), AtFlags::empty())?;
        self.removed(&names, &stat);
        Ok(())
    }

    fn rename(&self, name: Name<'_>, to: &dyn Directory, to_name: Name<'_>) -> Result<(), Errno> {
        self.writable()?;
        let to = self.same_tree(to)?;
        self.tree.ledger();
        let names = self.tree.inodes.names();
        let source = self.nofollow(name)?;
        let target = to.nofollow(to_name).ok();
        let (from_name, host_name) = (to_host(name.as_str()), to_host(to_name.as_str()));
        rustix::fs::renameat(&*self.fd, &*from_name, &*to.fd, &*host_name)?;
        // Renaming one name of a file to another of the same file does nothing.
        if let Some(target) =
            target.filter(|target| (target.st_dev, target.st_ino) != (source.st_dev, source.st_ino))
        {
            self.removed(&names, &target);
        }
        Ok(())
    }

    fn link(&self, name: Name<'_>, to: &dyn Directory, to_name: Name<'_>) -> Result<(), Errno> {
        let to = self.same_tree(to)?;
        let (from_name, host_name) = (to_host(name.as_str()), to_host(to_name.as_str()));
        self.adding(|| {
            let _names = self.tree.inodes.names();
            rustix::fs::linkat(
                &*self.fd,
                &*from_name,
                &*to.fd,
                &*host_name,
                AtFlags::empty(),
            )
        })
    }

    fn symlink(&self, name: Name<'_>, target: &str) -> Result<(), Errno> {
        self.adding(|| rustix::fs::symlinkat(target, &*self.fd, &*to_host(name.as_str())))
    }

    fn set_entry_mode(&self, name: Name<'_>, mode: u32) -> Result<(), Errno> {
        self.writable()?;
        let host_name = to_host(name.as_str());
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
        match rustix::fs::openat(&*self.fd, &*host_name, flags, Mode::empty()) {
            Ok(fd) => Ok(rustix::fs::fchmod(fd, host_mode(mode))?),
            Err(HostErrno::LOOP) => Err(Errno::NotSupported),
            // It cannot be opened for reading. `chmodat` would follow a symlink that came in its place; cap-std's
            // way round that needs no reading.
            Err(HostErrno::ACCESS) => set_mode_unread(self.fd.as_fd(), &host_name, mode),
            Err(error) => Err(error.into()),
        }
    }

    fn set_entry_times(&self, name: Name<'_>, times: NewTimes) -> Result<(), Errno> {
        self.writable()?;
        let times = timestamps(times)?;
        Ok(rustix::fs::utimensat(
            &*self.fd,
            &*to_host(name.as_str()),
            &times,
            AtFlags::SYMLINK_NOFOLLOW,
        )?)
    }

    fn set_mode(&self, mode: u32) -> Result<(), Errno> {
        self.writable()?;
        // `fchmod` refuses directories opened only to step through them.
        Ok(rustix::fs::chmodat(
            &*self.fd,
            ".",
            host_mode(mode),
            AtFlags::empty(),
        )?)
    }

    fn set_times(&self, times: NewTimes) -> Result<(), Errno> {
        self.writable()?;
        Ok(rustix::fs::utimensat(
            &*self.fd,
            ".",
            &timestamps(times)?,
            AtFlags::empty(),
        )?)
    }

    fn sync(&self) -> Result<(), Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(rustix::fs::fsync(rustix::fs::openat(
            &*self.fd,
            ".",
            flags,
            Mode::empty(),
        )?)?)
    }
}

fn set_mode_unread(
    directory: rustix::fd::BorrowedFd<'_>,
    name: &[u8],
    mode: u32,
) -> Result<(), Errno> {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::PermissionsExt;

    let directory = cap_std::fs::Dir::from_std_file(directory.try_clone_to_owned()?.into());
    let name = std::path::Path::new(std::ffi::OsStr::from_bytes(name));
    if directory.symlink_metadata(name)?.is_symlink() {
        return Err(Errno::NotSupported);
    }
    let permissions = std::fs::Permissions::from_mode(mode & 0o777);
    Ok(directory.set_permissions(name, cap_std::fs::Permissions::from_std(permissions))?)
}
