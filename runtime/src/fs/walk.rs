//! From a path to a place in the sandbox's tree.
//!
//! One name at a time, symlinks included: they are resolved from the sandbox's root or from the directory they are
//! in, never by the host. `..` goes to where the walk came from, so it cannot leave the tree, and at a mount point it
//! goes to the mount's parent.

use std::borrow::Cow;
use std::sync::Arc;

use super::Errno;
use super::mounts::{Location, Mounted, Mounts, Point, Root};
use super::node::{Directory, Entered};
use super::path::{LINKS_MAX, Name, check_path, split_first};

/// Who asks. The host's own opens ask as nobody.
#[derive(Clone, Copy, Default)]
pub(super) struct Caller<'a> {
    /// The process's own directory, mounted at `/proc`.
    pub(super) own: Option<&'a Arc<dyn Directory>>,
}

/// Where a path leads, its last name not yet looked at.
pub(super) enum Place<'a> {
    /// The path ended in no name (`/`, `.`, `..`): the directory itself.
    Directory(Arc<Location>),
    /// An entry of a directory, whether it is there or not.
    Entry(Arc<Location>, Name<'a>, Slash),
}

/// Whether a slash followed the last name, so that only a directory will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slash {
    /// None.
    Absent,
    /// One or more.
    Present,
}

/// Whether a symlink at the end of the path is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follow {
    /// It is.
    Yes,
    /// The link itself is meant.
    No,
}

/// What an operation made of the entry a path led to.
pub(super) enum Step<T> {
    /// It is done.
    Done(T),
    /// The entry is a symlink to be followed to this target.
    Link(String),
}

/// One tree and who looks at it.
#[derive(Clone, Copy)]
pub(super) struct View<'m> {
    pub(super) mounts: &'m Mounts,
    pub(super) caller: Caller<'m>,
}

impl<'m> View<'m> {
    /// Walks `path` from `base` (from the root if it is absolute) and hands the entry it leads to to `act`; again for
    /// every symlink that `act` gives back.
    pub(super) fn run<T>(
        self,
        base: &Arc<Location>,
        path: &str,
        act: impl FnMut(Place<'_>) -> Result<Step<T>, Errno>,
    ) -> Result<T, Errno> {
        check_path(path)?;
        Walk {
            view: self,
            links_left: LINKS_MAX,
        }
        .run(base.clone(), path, act)
    }

    /// The sandbox's root.
    pub(super) fn root(self) -> Arc<Location> {
        let point = self.mounts.points.clone();
        let (directory, mount) = match &point.mounted {
            Some(Mounted {
                info,
                root: Root::Shared(directory),
            }) => (directory.clone(), info.clone()),
            _ => (point.synthetic.clone(), self.mounts.nowhere.clone()),
        };
        Arc::new(Location {
            parent: None,
            directory,
            mount,
            point: Some(point),
        })
    }

    /// Steps from a directory into one of its entries.
    pub(super) fn enter(self, at: &Arc<Location>, name: Name<'_>) -> Result<Stepped, Errno> {
        let Some(point) = at.point(name).cloned() else {
            return Ok(match at.directory.enter(name)? {
                Entered::Directory(directory) => Stepped::Into(Arc::new(Location {
                    parent: Some(at.clone()),
                    directory,
                    mount: at.mount.clone(),
                    point: None,
                })),
                Entered::Link(target) => Stepped::Link(target),
            });
        };
        self.enter_point(at, name, point).map(Stepped::Into)
    }

    /// Steps into an entry that is a mount point or leads to one.
    pub(super) fn enter_point(
        self,
        at: &Arc<Location>,
        name: Name<'_>,
        point: Arc<Point>,
    ) -> Result<Arc<Location>, Errno> {
        let (directory, mount) = match &point.mounted {
            Some(mounted) => match &mounted.root {
                Root::Shared(directory) => (directory.clone(), mounted.info.clone()),
                Root::PerProcess => (
                    self.caller.own.ok_or(Errno::NoEntry)?.clone(),
                    mounted.info.clone(),
                ),
            },
            // Between mounts: the directory of the mount around it, where there is one.
            None => match at.directory.enter(name) {
                Ok(Entered::Directory(directory)) => (directory, at.mount.clone()),
                _ => (point.synthetic.clone(), self.mounts.nowhere.clone()),
            },
        };
        Ok(Arc::new(Location {
            parent: Some(at.clone()),
            directory,
            mount,
            point: Some(point),
        }))
    }
}

/// One walk, with what is left of its symlinks.
struct Walk<'m> {
    view: View<'m>,
    links_left: u32,
}

impl Walk<'_> {
    fn run<T>(
        &mut self,
        base: Arc<Location>,
        path: &str,
        mut act: impl FnMut(Place<'_>) -> Result<Step<T>, Errno>,
    ) -> Result<T, Errno> {
        let mut at = base;
        let mut path = Cow::Borrowed(path);
        loop {
            let (link_at, target) = match self.walk(at, &path)? {
                Place::Directory(location) => match act(Place::Directory(location))? {
                    Step::Done(value) => return Ok(value),
                    // Only an entry can be a symlink.
                    Step::Link(_) => return Err(Errno::Loop),
                },
                Place::Entry(at, name, slash) => {
                    match act(Place::Entry(at.clone(), name, slash))? {
                        Step::Done(value) => return Ok(value),
                        Step::Link(target) => (at, self.link(target, slash)?),
                    }
                }
            };
            at = link_at;
            path = Cow::Owned(target);
        }
    }

    /// Everything but the last name.
    fn walk<'p>(&mut self, base: Arc<Location>, path: &'p str) -> Result<Place<'p>, Errno> {
        let mut at = if path.starts_with('/') {
            self.view.root()
        } else {
            base
        };
        let mut rest = path;
        while let Some((part, after)) = split_first(rest) {
            rest = after;
            match part {
                "." => continue,
                ".." => {
                    at = at.parent.clone().unwrap_or(at);
                    continue;
                }
                _ => {}
            }
            let name = Name::new(part)?;
            if after.bytes().all(|byte| byte == b'/') {
                let slash = if after.is_empty() {
                    Slash::Absent
                } else {
                    Slash::Present
                };
                return Ok(Place::Entry(at, name, slash));
            }
            at = match self.view.enter(&at, name)? {
                Stepped::Into(location) => location,
                Stepped::Link(target) => {
                    let target = self.link(target, Slash::Absent)?;
                    self.directory(at, &target)?
                }
            };
        }
        Ok(Place::Directory(at))
    }

    /// The directory that a symlink in the middle of a path leads to.
    fn directory(&mut self, base: Arc<Location>, target: &str) -> Result<Arc<Location>, Errno> {
        let view = self.view;
        self.run(base, target, |place| match place {
            Place::Directory(location) => Ok(Step::Done(location)),
            Place::Entry(at, name, _) => match view.enter(&at, name)? {
                Stepped::Into(location) => Ok(Step::Done(location)),
                Stepped::Link(target) => Ok(Step::Link(target)),
            },
        })
    }

    /// Counts a symlink about to be followed.
    fn link(&mut self, mut target: String, slash: Slash) -> Result<String, Errno> {
        self.links_left = self.links_left.checked_sub(1).ok_or(Errno::Loop)?;
        if target.is_empty() {
            return Err(Errno::NoEntry);
        }
        if slash == Slash::Present {
            target.push('/');
        }
        Ok(target)
    }
}

/// Where a step led.
pub(super) enum Stepped {
    /// Into a directory.
    Into(Arc<Location>),
    /// To a symlink, and its target.
    Link(String),
}
