//! Everything that can be done by path, for guests and host alike: walk, check the mount, ask the backend.

use std::sync::Arc;

use super::Errno;
use super::mounts::{Location, MountInfo};
use super::node::{Create, Kind, NewTimes, OpenEntry, Opened, Stat};
use super::open_file::{OpenFile, OpenHow, OpenNode, identity};
use super::path::{Name, check_path};
use super::walk::{Follow, Place, Slash, Step, View};

impl View<'_> {
    /// Opens a file or directory.
    pub(super) fn open(
        self,
        base: &Arc<Location>,
        path: &str,
        how: OpenHow,
    ) -> Result<OpenFile, Errno> {
        if how.directory && (how.create || how.truncate) {
            return Err(Errno::Invalid);
        }
        let permit = self.mounts.ledger().open_descriptor()?;
        let (node, mount) = self.run(base, path, |place| match place {
            Place::Directory(location) => open_directory(location, &how).map(Step::Done),
            Place::Entry(at, name, slash) => match at.point(name).cloned() {
                Some(point) => {
                    open_directory(self.enter_point(&at, name, point)?, &how).map(Step::Done)
                }
                None => open_entry(&at, name, slash, &how),
            },
        })?;
        Ok(OpenFile {
            node,
            mount,
            how,
            _permit: permit,
        })
    }

    /// What is known about a path, and what tells it from everything else.
    pub(super) fn stat(
        self,
        base: &Arc<Location>,
        path: &str,
        follow: Follow,
    ) -> Result<(Stat, u128), Errno> {
        self.run(base, path, |place| {
            let (stat, mount) = match place {
                Place::Directory(location) => (location.directory.stat()?, location.mount.clone()),
                Place::Entry(at, name, slash) => match at.point(name).cloned() {
                    Some(point) => {
                        let location = self.enter_point(&at, name, point)?;
                        (location.directory.stat()?, location.mount.clone())
                    }
                    None => {
                        let stat = at.directory.stat_entry(name)?;
                        match (stat.kind, slash, follow) {
                            (Kind::Symlink, Slash::Present, _)
                            | (Kind::Symlink, _, Follow::Yes) => {
                                return Ok(Step::Link(at.directory.read_link(name)?));
                            }
                            (Kind::Directory, ..) | (_, Slash::Absent, _) => {
                                (stat, at.mount.clone())
                            }
                            (_, Slash::Present, _) => return Err(Errno::NotDirectory),
                        }
                    }
                },
            };
            Ok(Step::Done((stat, identity(&mount, &stat))))
        })
    }

    /// Creates a directory.
    pub(super) fn create_directory(
        self,
        base: &Arc<Location>,
        path: &str,
        mode: u32,
    ) -> Result<(), Errno> {
        self.run(base, path, |place| match place {
            Place::Directory(_) => Err(Errno::Exist),
            Place::Entry(at, name, _) => {
                vacant(&at, name, Slash::Absent)?;
                at.directory.create_directory(name, mode).map(Step::Done)
            }
        })
    }

    /// Creates a symlink.
    pub(super) fn symlink(
        self,
        base: &Arc<Location>,
        path: &str,
        target: &str,
    ) -> Result<(), Errno> {
        check_path(target)?;
        self.run(base, path, |place| match place {
            Place::Directory(_) => Err(Errno::Exist),
            Place::Entry(at, name, slash) => {
                vacant(&at, name, slash)?;
                at.directory.symlink(name, target).map(Step::Done)
            }
        })
    }

    /// A symlink's target.
    pub(super) fn read_link(self, base: &Arc<Location>, path: &str) -> Result<String, Errno> {
        let target = self.run(base, path, |place| match place {
            Place::Entry(at, name, Slash::Absent) if at.point(name).is_none() => {
                at.directory.read_link(name).map(Some).map(Step::Done)
            }
            _ => Ok(Step::Done(None)),
        })?;
        match target {
            Some(target) => Ok(target),
            // A directory, or what is wrong with taking it for one.
            None => self.stat(base, path, Follow::Yes).and(Err(Errno::Invalid)),
        }
    }

    /// Removes an empty directory.
    pub(super) fn remove_directory(self, base: &Arc<Location>, path: &str) -> Result<(), Errno> {
        self.run(base, path, |place| match place {
            Place::Directory(_) => Err(match path.trim_end_matches('/').rsplit('/').next() {
                Some(".") => Errno::Invalid,
                Some("..") => Errno::NotEmpty,
                _ => Errno::Busy,
            }),
            Place::Entry(at, name, _) => {
                not_a_mount(&at, name)?;
                at.writable()?;
                at.directory.remove_directory(name).map(Step::Done)
            }
        })
    }

    /// Removes anything but a directory.
    pub(super) fn remove_file(self, base: &Arc<Location>, path: &str) -> Result<(), Errno> {
        self.run(base, path, |place| match place {
            Place::Directory(_) => Err(Errno::IsDirectory),
            Place::Entry(at, name, slash) => {
                if at.point(name).is_some() {
                    return Err(Errno::IsDirectory);
                }
                at.writable()?;
                if slash == Slash::Present && at.directory.stat_entry(name)?.kind != Kind::Directory
                {
                    return Err(Errno::NotDirectory);
                }
                at.directory.remove_file(name).map(Step::Done)
            }
        })
    }

    /// Moves an entry, replacing what is at the new path as POSIX has it.
    pub(super) fn rename(
        self,
        base: &Arc<Location>,
        path: &str,
        to_base: &Arc<Location>,
        to_path: &str,
    ) -> Result<(), Errno> {
        let (from, to) = (self.entry(base, path)?, self.entry(to_base, to_path)?);
        let (Some(from), Some(to)) = (from, to) else {
            return Err(Errno::Busy);
        };
        let (name, to_name) = (Name::new(&from.name)?, Name::new(&to.name)?);
        not_a_mount(&from.at, name)?;
        not_a_mount(&to.at, to_name)?;
        same_mount(&from.at, &to.at)?;
        from.at.writable()?;
        if from.slash == Slash::Present || to.slash == Slash::Present {
            let stat = from.at.directory.stat_entry(name)?;
            if stat.kind != Kind::Directory {
                return Err(Errno::NotDirectory);
            }
        }
        from.at.directory.rename(name, &*to.at.directory, to_name)
    }

    /// Gives a file another name.
    pub(super) fn link(
        self,
        base: &Arc<Location>,
        path: &str,
        follow: Follow,
        to_base: &Arc<Location>,
        to_path: &str,
    ) -> Result<(), Errno> {
        let from = self.run(base, path, |place| match place {
            Place::Entry(at, name, slash) if at.point(name).is_none() => {
                match (at.directory.stat_entry(name)?.kind, slash) {
                    (Kind::Symlink, _) if follow == Follow::Yes || slash == Slash::Present => {
                        Ok(Step::Link(at.directory.read_link(name)?))
                    }
                    (Kind::Directory, _) => Ok(Step::Done(None)),
                    (_, Slash::Present) => Err(Errno::NotDirectory),
                    _ => Ok(Step::Done(Some((at, name.as_str().to_owned())))),
                }
            }
            _ => Ok(Step::Done(None)),
        })?;
        let to = self.entry(to_base, to_path)?.ok_or(Errno::Exist)?;
        let to_name = Name::new(&to.name)?;
        vacant(&to.at, to_name, to.slash)?;
        let Some((at, name)) = from else {
            // A directory; but that the new name is taken comes first.
            return Err(to
                .at
                .directory
                .stat_entry(to_name)
                .map_or(Errno::NotPermitted, |_| Errno::Exist));
        };
        same_mount(&at, &to.at)?;
        at.directory
            .link(Name::new(&name)?, &*to.at.directory, to_name)
    }

    /// Sets the times of a path.
    pub(super) fn set_times(
        self,
        base: &Arc<Location>,
        path: &str,
        follow: Follow,
        times: NewTimes,
    ) -> Result<(), Errno> {
        self.change(base, path, follow, |change| match change {
            Change::Directory(location) => location.directory.set_times(times),
            Change::Entry(at, name) => at.directory.set_entry_times(name, times),
        })
    }

    /// Sets the permission bits of a path, following symlinks.
    pub(super) fn set_mode(self, base: &Arc<Location>, path: &str, mode: u32) -> Result<(), Errno> {
        self.change(base, path, Follow::Yes, |change| match change {
            Change::Directory(location) => location.directory.set_mode(mode),
            Change::Entry(at, name) => at.directory.set_entry_mode(name, mode),
        })
    }

    fn change(
        self,
        base: &Arc<Location>,
        path: &str,
        follow: Follow,
        mut apply: impl FnMut(Change<'_>) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        self.run(base, path, |place| match place {
            Place::Directory(location) => {
                location.writable()?;
                apply(Change::Directory(&location)).map(Step::Done)
            }
            Place::Entry(at, name, slash) => {
                if let Some(point) = at.point(name).cloned() {
                    let location = self.enter_point(&at, name, point)?;
                    location.writable()?;
                    return apply(Change::Directory(&location)).map(Step::Done);
                }
                let stat = at.directory.stat_entry(name)?;
                if stat.kind == Kind::Symlink && (follow == Follow::Yes || slash == Slash::Present)
                {
                    return Ok(Step::Link(at.directory.read_link(name)?));
                }
                if slash == Slash::Present && stat.kind != Kind::Directory {
                    return Err(Errno::NotDirectory);
                }
                at.writable()?;
                apply(Change::Entry(&at, name)).map(Step::Done)
            }
        })
    }

    /// The directory and last name of a path that need not be there; none if it ends in no name.
    fn entry(self, base: &Arc<Location>, path: &str) -> Result<Option<EntryPlace>, Errno> {
        self.run(base, path, |place| {
            Ok(Step::Done(match place {
                Place::Directory(_) => None,
                Place::Entry(at, name, slash) => Some(EntryPlace {
                    at,
                    name: name.as_str().to_owned(),
                    slash,
                }),
            }))
        })
    }
}

struct EntryPlace {
    at: Arc<Location>,
    name: String,
    slash: Slash,
}

enum Change<'a> {
    Directory(&'a Arc<Location>),
    Entry(&'a Arc<Location>, Name<'a>),
}

type Found = (OpenNode, Arc<MountInfo>);

fn open_directory(location: Arc<Location>, how: &OpenHow) -> Result<Found, Errno> {
    if how.create && how.exclusive {
        return Err(Errno::Exist);
    }
    if how.create || how.writes() {
        return Err(Errno::IsDirectory);
    }
    let mount = location.mount.clone();
    Ok((OpenNode::Directory(location), mount))
}

fn open_entry(
    at: &Arc<Location>,
    name: Name<'_>,
    slash: Slash,
    how: &OpenHow,
) -> Result<Step<Found>, Errno> {
    if slash == Slash::Present && how.create {
        return Err(Errno::IsDirectory);
    }
    let frozen = at.writable().is_err();
    let entry = OpenEntry {
        read: how.read,
        write: how.writes() && !frozen,
        create: match (how.create && !frozen, how.exclusive) {
            (false, _) => Create::Never,
            (true, false) => Create::IfMissing(how.mode),
            (true, true) => Create::Exclusively(how.mode),
        },
        truncate: how.truncate && !frozen,
        directory: how.directory || slash == Slash::Present,
    };
    let opened = match at.directory.open(name, &entry) {
        Err(Errno::NoEntry) if frozen && how.create => return Err(Errno::ReadOnly),
        opened => opened?,
    };
    if how.create && how.exclusive && frozen {
        return Err(Errno::Exist);
    }
    match opened {
        Opened::Link(target) if how.follow || slash == Slash::Present => Ok(Step::Link(target)),
        Opened::Link(_) => Err(Errno::Loop),
        Opened::File(_) if frozen && how.writes() => Err(Errno::ReadOnly),
        Opened::File(file) => Ok(Step::Done((OpenNode::File(file), at.mount.clone()))),
        Opened::Directory(directory) => {
            let location = Location {
                parent: Some(at.clone()),
                directory,
                mount: at.mount.clone(),
                point: None,
            };
            open_directory(Arc::new(location), how).map(Step::Done)
        }
    }
}

/// Refuses a name that is taken, any name on a read-only mount, and a slash after what will be no directory.
fn vacant(at: &Arc<Location>, name: Name<'_>, slash: Slash) -> Result<(), Errno> {
    if at.point(name).is_some() {
        return Err(Errno::Exist);
    }
    // The backend notices by itself when a name is taken; only here another error comes first.
    if slash == Slash::Present || at.writable().is_err() {
        match at.directory.stat_entry(name) {
            Ok(_) => return Err(Errno::Exist),
            Err(Errno::NoEntry) if slash == Slash::Present => return Err(Errno::NoEntry),
            Err(_) => {}
        }
    }
    at.writable()
}

fn not_a_mount(at: &Arc<Location>, name: Name<'_>) -> Result<(), Errno> {
    if at.point(name).is_some() {
        Err(Errno::Busy)
    } else {
        Ok(())
    }
}

fn same_mount(at: &Arc<Location>, to: &Arc<Location>) -> Result<(), Errno> {
    if at.mount.id == to.mount.id {
        Ok(())
    } else {
        Err(Errno::CrossDevice)
    }
}
