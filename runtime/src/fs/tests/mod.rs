//! Tests of the tree as a whole: tables for what POSIX says, and a real directory to compare with.

/// Runs a test over every backend that a guest can change.
macro_rules! both {
    ($name:ident) => {
        mod $name {
            use super::Backing;

            #[test]
            fn on_a_host_directory() {
                super::$name(Backing::HostDirectory);
            }

            #[test]
            fn on_a_tree() {
                super::$name(Backing::Tree);
            }
        }
    };
}

mod counting;
mod escape;
mod host_names;
mod oracle;
mod posix;
mod reach;
mod trees;
mod walking;

use std::sync::Arc;

use bytes::Bytes;
use glovebox_tree::{Store, StoreOptions, Tree, Unlimited};
use tempfile::TempDir;

use super::mounts::{Location, Mounts};
use super::walk::{Caller, View};
use super::{Errno, Image, Ledger, LedgerLimits, OpenHow};
use crate::grant::{Access, Mount, MountSource};

/// What `/workspace` and `/tmp` are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Backing {
    HostDirectory,
    Tree,
}

/// A sandbox's tree with one mount of each kind, and a secret beside it on the host.
struct Sandbox {
    mounts: Arc<Mounts>,
    host: TempDir,
    /// Directories that are mounted and are counted as entries of the tree they are in.
    places: u64,
}

const PLACES: u64 = 2;

impl Sandbox {
    fn new() -> Sandbox {
        Sandbox::on(Backing::HostDirectory)
    }

    fn on(backing: Backing) -> Sandbox {
        Sandbox::limited(backing, LedgerLimits::UNLIMITED)
    }

    fn limited(backing: Backing, limits: LedgerLimits) -> Sandbox {
        let host = tempfile::tempdir().unwrap();
        for directory in [
            "workspace",
            "workspace/inner",
            "frozen",
            "frozen/deep",
            "tmp",
        ] {
            std::fs::create_dir(host.path().join(directory)).unwrap();
        }
        std::fs::write(host.path().join("secret"), "secret").unwrap();
        std::fs::write(host.path().join("frozen/file"), "frozen").unwrap();
        let at = |directory: &str| MountSource::HostDirectory(host.path().join(directory));
        let mounts = match backing {
            Backing::HostDirectory => {
                Sandbox::mount(limits, at("workspace"), at("tmp"), at("frozen"))
            }
            Backing::Tree => {
                let (own, frozen) = (tree(), tree());
                for path in ["workspace", "workspace/inner", "tmp"] {
                    make_directory(&own, path);
                }
                let limits = LedgerLimits {
                    files_max: limits.files_max.saturating_add(PLACES),
                    ..limits
                };
                make_directory(&frozen, "deep");
                write_file(&frozen.root(), "file", b"frozen");
                let at = |directory| directory_of(&own, directory);
                let frozen = directory_of(&frozen, "/");
                Sandbox::mount(limits, at("/workspace"), at("/tmp"), frozen)
            }
        };
        let places = match backing {
            Backing::HostDirectory => 0,
            Backing::Tree => PLACES,
        };
        Sandbox {
            mounts,
            host,
            places,
        }
    }

    fn mount(
        limits: LedgerLimits,
        workspace: MountSource,
        tmp: MountSource,
        frozen: MountSource,
    ) -> Arc<Mounts> {
        let mount = |at: &str, source, access| Mount {
            at: at.to_owned(),
            source,
            access,
        };
        let image = Image::new([
            ("bin/cat".to_owned(), Bytes::from_static(b"\0asm"), 0o755),
            ("lib/text".to_owned(), Bytes::from_static(b"text"), 0o644),
        ]);
        let mounts = [
            mount("/workspace", workspace, Access::ReadWrite),
            mount("/workspace/inner/frozen", frozen.clone(), Access::ReadOnly),
            mount("/workspace/made/up", tmp.clone(), Access::ReadWrite),
            mount("/tmp", tmp, Access::ReadWrite),
            mount("/mnt/session/uploads", frozen, Access::ReadOnly),
            mount(
                "/usr",
                MountSource::Image(Arc::new(image)),
                Access::ReadWrite,
            ),
        ];
        Mounts::from_grant(&mounts, Ledger::new(limits)).unwrap()
    }

    fn view(&self) -> View<'_> {
        View {
            mounts: &self.mounts,
            caller: Caller::default(),
        }
    }

    fn root(&self) -> Arc<Location> {
        self.view().root()
    }

    fn workspace(&self) -> std::path::PathBuf {
        self.host.path().join("workspace")
    }

    fn link(&self, target: &str, name: &str) {
        let path = format!("/workspace/{name}");
        self.view().symlink(&self.root(), &path, target).unwrap();
    }

    fn read(&self, path: &str) -> Result<String, Errno> {
        self.mounts
            .read_file(path, 1 << 20)
            .map(|bytes| String::from_utf8(bytes).unwrap())
    }

    fn write(&self, path: &str, content: &str) -> Result<(), Errno> {
        self.mounts.write_file(path, content.as_bytes(), 0o644)
    }

    fn names(&self, path: &str) -> Vec<String> {
        self.mounts
            .list(path)
            .unwrap()
            .into_iter()
            .map(|entry| entry.name)
            .collect()
    }
}

fn open_error(sandbox: &Sandbox, path: &str, how: OpenHow) -> Option<Errno> {
    sandbox.mounts.open(path, how).err()
}

/// An empty tree whose clock is the host's.
fn tree() -> Arc<Tree> {
    let clock = || {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
        glovebox_tree::Timestamp {
            seconds: u64::try_from(now.tv_sec).unwrap(),
            nanoseconds: u32::try_from(now.tv_nsec).unwrap(),
        }
    };
    let blobs = Arc::new(glovebox_tree::MemoryBlobs::default());
    let store = Store::open(StoreOptions::new(blobs, Arc::new(clock))).unwrap();
    Tree::new(&store, Arc::new(Unlimited))
}

fn make_directory(tree: &Arc<Tree>, path: &str) {
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    let parent = tree.directory(parent).unwrap();
    parent.create_directory(name, 0o755).unwrap();
}

fn write_file(at: &glovebox_tree::Directory, name: &str, content: &[u8]) {
    let how = glovebox_tree::OpenHow {
        write: true,
        create: glovebox_tree::Create::IfMissing(0o644),
        truncate: false,
        directory: false,
    };
    let Ok(glovebox_tree::Found::File(file)) = at.open(name, &how) else {
        panic!("{name}");
    };
    file.write_at(0, content).unwrap();
}

fn directory_of(tree: &Arc<Tree>, directory: &str) -> MountSource {
    MountSource::Tree {
        tree: tree.clone(),
        directory: directory.to_owned(),
    }
}
