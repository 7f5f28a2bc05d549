//! The mount table: which backend is seen where.
//!
//! Mount points form a tree of names. The walker carries its place in that tree along with the directory it is in, so
//! that the longest prefix wins without a table being searched, and a symlink or `..` that leads across a mount point
//! does what it does on Linux.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use glovebox_tree::Tree;

use super::Errno;
use super::backends::synthetic::Synthetic;
use super::backends::{dev, host_directory, tree};
use super::ledger::{Ledger, Usage};
use super::node::Directory;
use super::path::{Name, normal_names};
use crate::grant::{Access, Mount, MountSource};

/// Why a mount table could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MountError {
    /// The place is not an absolute path that a guest could name.
    #[error("{at}: not a usable mount point: {errno}")]
    At {
        /// Where it was to be mounted.
        at: String,
        /// What is wrong with it.
        errno: Errno,
    },
    /// Two mounts want the same place.
    #[error("{at}: mounted twice")]
    Twice {
        /// The place.
        at: String,
    },
    /// The host's directory could not be opened.
    #[error("{at}: could not open {}", path.display())]
    HostDirectory {
        /// Where it was to be mounted.
        at: String,
        /// The host's path.
        path: PathBuf,
        /// What the host said.
        #[source]
        source: std::io::Error,
    },
    /// The tree has no such directory.
    #[error("{at}: could not open {directory} of a tree: {errno}")]
    Tree {
        /// Where it was to be mounted.
        at: String,
        /// The path in the tree.
        directory: String,
        /// Why.
        errno: Errno,
    },
    /// A second tree is to be changed. There is one for each sandbox.
    #[error("{at}: another tree is mounted to be changed already")]
    SecondTree {
        /// Where it was to be mounted.
        at: String,
    },
}

/// The tree that these mounts can change, if there is one.
pub(crate) fn own_tree(mounts: &[Mount]) -> Result<Option<&Arc<Tree>>, MountError> {
    let mut own = None;
    for mount in mounts {
        if let (MountSource::Tree { tree, .. }, Access::ReadWrite) = (&mount.source, mount.access)
            && !Arc::ptr_eq(*own.get_or_insert(tree), tree)
        {
            return Err(MountError::SecondTree {
                at: mount.at.clone(),
            });
        }
    }
    Ok(own)
}

/// What is known about one mount.
#[derive(Debug, PartialEq, Eq)]
pub struct MountInfo {
    /// Where it is.
    pub at: String,
    /// What it is made of: `directory`, `image`, `tree`, `dev`, `proc` or `none`.
    pub kind: &'static str,
    /// Whether it can be changed.
    pub access: Access,
    /// Tells its files from those of other mounts.
    pub(super) id: u64,
}

/// A mounted tree.
pub(super) struct Mounted {
    pub(super) info: Arc<MountInfo>,
    pub(super) root: Root,
}

/// Where a mounted tree begins.
pub(super) enum Root {
    /// A backend's directory, the same for every process.
    Shared(Arc<dyn Directory>),
    /// The asking process's own.
    PerProcess,
}

/// A name in the tree of mount points.
pub(super) struct Point {
    pub(super) children: BTreeMap<String, Arc<Point>>,
    pub(super) mounted: Option<Mounted>,
    /// What is here where no mount has a directory of this name.
    pub(super) synthetic: Arc<dyn Directory>,
}

/// The tree of files of one sandbox, shared by its processes.
pub struct Mounts {
    pub(super) points: Arc<Point>,
    pub(super) nowhere: Arc<MountInfo>,
    infos: Vec<Arc<MountInfo>>,
    ledger: Arc<Ledger>,
    narrowed: bool,
}

impl Mounts {
    /// The mounts of a grant, `/dev` and `/proc`. Host directories are opened here; whoever replaces one later
    /// changes nothing.
    pub fn from_grant(mounts: &[Mount], ledger: Arc<Ledger>) -> Result<Arc<Mounts>, MountError> {
        let mut table = MountTable::new(ledger.clone());
        for mount in mounts {
            let (kind, access, root) = match &mount.source {
                MountSource::HostDirectory(path) => {
                    let root =
                        host_directory::open(path, mount.access, &ledger).map_err(|source| {
                            MountError::HostDirectory {
                                at: mount.at.clone(),
                                path: path.clone(),
                                source,
                            }
                        })?;
                    ("directory", mount.access, root)
                }
                MountSource::Image(image) => ("image", Access::ReadOnly, image.root()),
                MountSource::Tree { tree, directory } => {
                    let root = tree::open(tree, directory).map_err(|errno| MountError::Tree {
                        at: mount.at.clone(),
                        directory: directory.clone(),
                        errno,
                    })?;
                    ("tree", mount.access, root)
                }
                MountSource::Backend(backend) => {
                    (backend.kind, mount.access, Arc::clone(&backend.root))
                }
            };
            table.add(&mount.at, kind, access, root)?;
        }
        if let Some(tree) = own_tree(mounts)? {
            tree::charge(tree, &ledger);
        }
        table.add_unless_there(
            "/dev",
            "dev",
            Access::ReadWrite,
            Root::Shared(dev::directory()),
        )?;
        // Writable as `/dev` is: what its files lead to can be written, nothing can be added.
        table.add_unless_there("/proc", "proc", Access::ReadWrite, Root::PerProcess)?;
        Ok(table.finish())
    }

    /// What is mounted.
    pub fn mounts(&self) -> &[Arc<MountInfo>] {
        &self.infos
    }

    /// A view of it: only the mounts that `access` names, with no more than it says. Files, their identities and the account
    /// are the same.
    pub(crate) fn narrow(&self, access: impl Fn(&MountInfo) -> Option<Access>) -> Arc<Mounts> {
        let mut infos = Vec::new();
        let points = self.points.narrow(&access, &mut infos).unwrap_or(Point {
            children: BTreeMap::new(),
            mounted: None,
            synthetic: Arc::clone(&self.points.synthetic),
        });
        Arc::new(Mounts {
            points: Arc::new(points),
            nowhere: Arc::clone(&self.nowhere),
            infos,
            ledger: Arc::clone(&self.ledger),
            narrowed: true,
        })
    }

    /// Whether this is a view.
    pub(crate) fn is_narrowed(&self) -> bool {
        self.narrowed
    }

    /// Whether something is mounted at `at`.
    pub(crate) fn has(&self, at: &str) -> bool {
        self.infos.iter().any(|info| info.at == at)
    }

    /// What all writable mounts together have in use, and the account that says how much they may.
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// What is in use.
    pub fn usage(&self) -> Usage {
        self.ledger.usage()
    }
}

impl Point {
    /// The part of it that `access` names; none if that is nothing.
    fn narrow(
        &self,
        access: &impl Fn(&MountInfo) -> Option<Access>,
        infos: &mut Vec<Arc<MountInfo>>,
    ) -> Option<Point> {
        let mounted = self.mounted.as_ref().and_then(|mounted| {
            let info = &mounted.info;
            let info = Arc::new(MountInfo {
                at: info.at.clone(),
                kind: info.kind,
                access: info.access.min(access(info)?),
                id: info.id,
            });
            infos.push(Arc::clone(&info));
            let root = match &mounted.root {
                Root::Shared(directory) => Root::Shared(Arc::clone(directory)),
                Root::PerProcess => Root::PerProcess,
            };
            Some(Mounted { info, root })
        });
        let children: BTreeMap<_, _> = self
            .children
            .iter()
            .filter_map(|(name, child)| {
                Some((name.clone(), Arc::new(child.narrow(access, infos)?)))
            })
            .collect();
        (mounted.is_some() || !children.is_empty()).then(|| Point {
            children,
            mounted,
            synthetic: Arc::clone(&self.synthetic),
        })
    }
}

/// A mount table in the making.
pub struct MountTable {
    points: Building,
    infos: Vec<Arc<MountInfo>>,
    ledger: Arc<Ledger>,
}

#[derive(Default)]
struct Building {
    children: BTreeMap<String, Building>,
    mounted: Option<Mounted>,
}

impl MountTable {
    /// An empty table.
    pub fn new(ledger: Arc<Ledger>) -> MountTable {
        MountTable {
            points: Building::default(),
            infos: Vec::new(),
            ledger,
        }
    }

    /// Mounts a backend's directory. `kind` is what `mount` and `df` call it.
    pub fn add(
        &mut self,
        at: &str,
        kind: &'static str,
        access: Access,
        root: Arc<dyn Directory>,
    ) -> Result<(), MountError> {
        if self.insert(at, kind, access, Root::Shared(root))? {
            Ok(())
        } else {
            Err(MountError::Twice { at: at.to_owned() })
        }
    }

    fn add_unless_there(
        &mut self,
        at: &str,
        kind: &'static str,
        access: Access,
        root: Root,
    ) -> Result<(), MountError> {
        self.insert(at, kind, access, root).map(|_| ())
    }

    /// Whether the place was free.
    fn insert(
        &mut self,
        at: &str,
        kind: &'static str,
        access: Access,
        root: Root,
    ) -> Result<bool, MountError> {
        let names = normal_names(at).map_err(|errno| MountError::At {
            at: at.to_owned(),
            errno,
        })?;
        let mut point = &mut self.points;
        for name in &names {
            point = point.children.entry((*name).to_owned()).or_default();
        }
        if point.mounted.is_some() {
            return Ok(false);
        }
        let id = u64::try_from(self.infos.len())
            .unwrap_or(u64::MAX)
            .saturating_add(1);
        let info = Arc::new(MountInfo {
            at: format!("/{}", names.join("/")),
            kind,
            access,
            id,
        });
        self.infos.push(info.clone());
        point.mounted = Some(Mounted { info, root });
        Ok(true)
    }

    /// The table as processes use it.
    pub fn finish(self) -> Arc<Mounts> {
        let mut inode = 0;
        Arc::new(Mounts {
            points: Arc::new(self.points.finish(&mut inode)),
            nowhere: Arc::new(MountInfo {
                at: "/".to_owned(),
                kind: "none",
                access: Access::ReadOnly,
                id: 0,
            }),
            infos: self.infos,
            ledger: self.ledger,
            narrowed: false,
        })
    }
}

impl Building {
    fn finish(self, inode: &mut u64) -> Point {
        *inode += 1;
        let synthetic = Arc::new(Synthetic::new(*inode));
        let children = self
            .children
            .into_iter()
            .map(|(name, child)| (name, Arc::new(child.finish(inode))))
            .collect();
        Point {
            children,
            mounted: self.mounted,
            synthetic,
        }
    }
}

/// A directory as a process sees it: what it is, and where it stands in the sandbox's tree.
pub(super) struct Location {
    /// The directory `..` leads to; none at the root.
    pub(super) parent: Option<Arc<Location>>,
    pub(super) directory: Arc<dyn Directory>,
    pub(super) mount: Arc<MountInfo>,
    /// Where this is in the tree of mount points, if there are any below.
    pub(super) point: Option<Arc<Point>>,
}

impl Location {
    /// The mount point of that name in this directory.
    pub(super) fn point(&self, name: Name<'_>) -> Option<&Arc<Point>> {
        self.point.as_ref()?.children.get(name.as_str())
    }

    /// Refuses to change anything on a read-only mount.
    pub(super) fn writable(&self) -> Result<(), Errno> {
        match self.mount.access {
            Access::ReadWrite => Ok(()),
            Access::ReadOnly => Err(Errno::ReadOnly),
        }
    }
}
