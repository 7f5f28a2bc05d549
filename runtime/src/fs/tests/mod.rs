//! Tests of the tree as a whole: tables for what POSIX says, and a real directory to compare with.

mod counting;
mod escape;
mod oracle;
mod posix;
mod walking;

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use tempfile::TempDir;

use super::mounts::{Location, Mounts};
use super::walk::{Caller, View};
use super::{Errno, Image, Ledger, LedgerLimits, OpenHow};
use crate::grant::{Access, Mount, MountSource};

/// A sandbox's tree with one mount of each kind, and a secret beside it on the host.
struct Sandbox {
    mounts: Arc<Mounts>,
    host: TempDir,
}

impl Sandbox {
    fn new() -> Sandbox {
        Sandbox::limited(LedgerLimits::UNLIMITED)
    }

    fn limited(limits: LedgerLimits) -> Sandbox {
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
        let mounts = Sandbox::mount(host.path(), limits);
        Sandbox { mounts, host }
    }

    fn mount(host: &Path, limits: LedgerLimits) -> Arc<Mounts> {
        let directory = |at: &str, name: &str, access| Mount {
            at: at.to_owned(),
            source: MountSource::HostDirectory(host.join(name)),
            access,
        };
        let image = Image::new([
            ("bin/cat".to_owned(), Bytes::from_static(b"\0asm"), 0o755),
            ("lib/text".to_owned(), Bytes::from_static(b"text"), 0o644),
        ]);
        let mounts = [
            directory("/workspace", "workspace", Access::ReadWrite),
            directory("/workspace/inner/frozen", "frozen", Access::ReadOnly),
            directory("/workspace/made/up", "tmp", Access::ReadWrite),
            directory("/tmp", "tmp", Access::ReadWrite),
            directory("/mnt/session/uploads", "frozen", Access::ReadOnly),
            Mount {
                at: "/usr".into(),
                source: MountSource::Image(Arc::new(image)),
                access: Access::ReadWrite,
            },
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
        symlink(target, self.workspace().join(name)).unwrap();
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
