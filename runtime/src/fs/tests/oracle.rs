//! Random operations, here and in a real directory beside it: the same results, the same errors, the same tree.

use std::collections::BTreeMap;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::fs::Kind;
use crate::fs::walk::Follow;

#[derive(Debug, Clone)]
enum Operation {
    Write(String, u8, Vec<u8>),
    Append(String, Vec<u8>),
    Truncate(String, u8),
    Create(String),
    Read(String),
    MakeDirectory(String),
    RemoveFile(String),
    RemoveDirectory(String),
    Rename(String, String),
    Link(String, String),
    Symlink(String, String),
    ReadLink(String),
    Stat(String),
    StatLink(String),
    SetMode(String, u32),
    List(String),
}

/// Few names, so that operations meet.
fn path() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec!["a", "b", "c", "d", "..", "."]);
    (prop::collection::vec(part, 1..4), prop::bool::weighted(0.1)).prop_map(|(parts, slash)| {
        // Up from the top is another directory here and there.
        let mut depth = 0;
        let mut kept = Vec::new();
        for part in parts {
            match part {
                ".." if depth == 0 => continue,
                ".." => depth -= 1,
                "." => {}
                _ => depth += 1,
            }
            kept.push(part);
        }
        if kept.is_empty() {
            kept.push("a");
        }
        kept.join("/") + if slash { "/" } else { "" }
    })
}

/// Targets whose meaning does not depend on where the tree is.
fn target() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c", "d", "./a", "a/b", "b/", "c/../d"])
        .prop_map(str::to_owned)
}

fn operation() -> impl Strategy<Value = Operation> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..20);
    prop_oneof![
        3 => (path(), any::<u8>(), bytes()).prop_map(|(path, at, bytes)| Operation::Write(path, at, bytes)),
        1 => (path(), bytes()).prop_map(|(path, bytes)| Operation::Append(path, bytes)),
        1 => (path(), any::<u8>()).prop_map(|(path, size)| Operation::Truncate(path, size)),
        1 => path().prop_map(Operation::Create),
        2 => path().prop_map(Operation::Read),
        3 => path().prop_map(Operation::MakeDirectory),
        1 => path().prop_map(Operation::RemoveFile),
        1 => path().prop_map(Operation::RemoveDirectory),
        3 => (path(), path()).prop_map(|(from, to)| Operation::Rename(from, to)),
        1 => (path(), path()).prop_map(|(from, to)| Operation::Link(from, to)),
        2 => (path(), target()).prop_map(|(path, target)| Operation::Symlink(path, target)),
        1 => path().prop_map(Operation::ReadLink),
        1 => path().prop_map(Operation::Stat),
        1 => path().prop_map(Operation::StatLink),
        1 => (path(), prop::sample::select(vec![0o600u32, 0o644, 0o755, 0o777]))
            .prop_map(|(path, mode)| Operation::SetMode(path, mode)),
        1 => path().prop_map(Operation::List),
    ]
}

/// What an operation shows of itself.
type Shown = Result<String, Errno>;

fn describe(kind: Kind, mode: u32, size: u64, links: u64) -> String {
    // A directory's size and links are the host file system's own affair, a symlink's mode too.
    match kind {
        Kind::Directory => format!("directory {mode:o}"),
        Kind::Symlink => format!("symlink {size} {links}"),
        other => format!("{other:?} {mode:o} {size} {links}"),
    }
}

fn ours(sandbox: &Sandbox, operation: &Operation) -> Shown {
    let directory = sandbox.mounts.open(
        "/tmp",
        OpenHow {
            directory: true,
            ..OpenHow::reading()
        },
    )?;
    let (view, base) = (sandbox.view(), directory.directory()?);
    let open = |path: &str, how| view.open(base, path, how);
    let write = OpenHow {
        write: true,
        create: true,
        ..OpenHow::default()
    };
    let done = |()| String::new();
    match operation {
        Operation::Write(path, at, bytes) => open(path, write)?
            .write_at(u64::from(*at), bytes)
            .map(|written| written.to_string()),
        Operation::Append(path, bytes) => open(path, OpenHow::appending())?
            .append(bytes)
            .map(|n| n.to_string()),
        Operation::Truncate(path, size) => open(
            path,
            OpenHow {
                write: true,
                ..OpenHow::default()
            },
        )?
        .truncate(u64::from(*size))
        .map(done),
        Operation::Create(path) => open(
            path,
            OpenHow {
                exclusive: true,
                ..write
            },
        )
        .map(|_| String::new()),
        Operation::Read(path) => open(path, OpenHow::reading())?
            .read_at(0, 1000)
            .map(|bytes| format!("{bytes:?}")),
        Operation::MakeDirectory(path) => view.create_directory(base, path, 0o755).map(done),
        Operation::RemoveFile(path) => view.remove_file(base, path).map(done),
        Operation::RemoveDirectory(path) => view.remove_directory(base, path).map(done),
        Operation::Rename(from, to) => view.rename(base, from, base, to).map(done),
        Operation::Link(from, to) => view.link(base, from, Follow::No, base, to).map(done),
        Operation::Symlink(path, target) => view.symlink(base, path, target).map(done),
        Operation::ReadLink(path) => view.read_link(base, path),
        Operation::Stat(path) => {
            let (stat, _) = view.stat(base, path, Follow::Yes)?;
            Ok(describe(stat.kind, stat.mode, stat.size, stat.links))
        }
        Operation::StatLink(path) => {
            let (stat, _) = view.stat(base, path, Follow::No)?;
            Ok(describe(stat.kind, stat.mode, stat.size, stat.links))
        }
        Operation::SetMode(path, mode) => view.set_mode(base, path, *mode).map(done),
        Operation::List(path) => {
            let entries = open(
                path,
                OpenHow {
                    directory: true,
                    ..OpenHow::reading()
                },
            )?
            .list()?;
            let mut entries = entries
                .map(|entry| entry.map(|entry| (entry.name, entry.kind)))
                .collect::<Result<Vec<_>, _>>()?;
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Ok(format!("{entries:?}"))
        }
    }
}

fn host_kind(kind: std::fs::FileType) -> Kind {
    if kind.is_dir() {
        Kind::Directory
    } else if kind.is_symlink() {
        Kind::Symlink
    } else {
        Kind::File
    }
}

fn theirs(root: &Path, operation: &Operation) -> Result<String, std::io::Error> {
    use std::os::unix::fs::MetadataExt;
    // Not `join`, which would drop trailing slashes and dots.
    let at = |path: &str| PathBuf::from(format!("{}/{path}", root.display()));
    let shown = |stat: std::fs::Metadata| {
        describe(
            host_kind(stat.file_type()),
            stat.permissions().mode() & 0o7777,
            stat.len(),
            stat.nlink(),
        )
    };
    let mut write = std::fs::OpenOptions::new();
    write.write(true);
    let done = |()| String::new();
    match operation {
        Operation::Write(path, offset, bytes) => write
            .create(true)
            .open(at(path))?
            .write_at(bytes, u64::from(*offset))
            .map(|written| written.to_string()),
        Operation::Append(path, bytes) => {
            let mut file = std::fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(at(path))?;
            std::io::Write::write(&mut file, bytes).map(|written| written.to_string())
        }
        Operation::Truncate(path, size) => {
            write.open(at(path))?.set_len(u64::from(*size)).map(done)
        }
        Operation::Create(path) => write.create_new(true).open(at(path)).map(|_| String::new()),
        Operation::Read(path) => {
            let mut buffer = vec![0; 1000];
            let read = std::fs::File::open(at(path))?.read_at(&mut buffer, 0)?;
            Ok(format!("{:?}", Bytes::copy_from_slice(&buffer[..read])))
        }
        Operation::MakeDirectory(path) => std::fs::create_dir(at(path)).map(done),
        Operation::RemoveFile(path) => std::fs::remove_file(at(path)).map(done),
        Operation::RemoveDirectory(path) => std::fs::remove_dir(at(path)).map(done),
        Operation::Rename(from, to) => std::fs::rename(at(from), at(to)).map(done),
        Operation::Link(from, to) => std::fs::hard_link(at(from), at(to)).map(done),
        Operation::Symlink(path, target) => symlink(target, at(path)).map(done),
        Operation::ReadLink(path) => {
            std::fs::read_link(at(path)).map(|target| target.to_str().unwrap().to_owned())
        }
        Operation::Stat(path) => std::fs::metadata(at(path)).map(shown),
        Operation::StatLink(path) => std::fs::symlink_metadata(at(path)).map(shown),
        Operation::SetMode(path, mode) => {
            std::fs::set_permissions(at(path), std::fs::Permissions::from_mode(*mode)).map(done)
        }
        Operation::List(path) => {
            let mut entries = Vec::new();
            for entry in std::fs::read_dir(at(path))? {
                let entry = entry?;
                entries.push((
                    entry.file_name().into_string().unwrap(),
                    host_kind(entry.file_type()?),
                ));
            }
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Ok(format!("{entries:?}"))
        }
    }
}

/// Everything in a directory of the host, to compare.
fn contents(root: &Path, prefix: &str, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(root).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}/{}", entry.file_name().to_str().unwrap());
        let kind = entry.file_type().unwrap();
        let shown = if kind.is_dir() {
            contents(&entry.path(), &name, found);
            "directory".to_owned()
        } else if kind.is_symlink() {
            format!("-> {}", std::fs::read_link(entry.path()).unwrap().display())
        } else {
            format!("{:?}", std::fs::read(entry.path()).unwrap())
        };
        found.insert(name, shown);
    }
}

/// Everything in a directory of the sandbox.
fn seen(sandbox: &Sandbox, path: &str, prefix: &str, found: &mut BTreeMap<String, String>) {
    for entry in sandbox.mounts.list(path).unwrap() {
        let (path, name) = (
            format!("{path}/{}", entry.name),
            format!("{prefix}/{}", entry.name),
        );
        let shown = match entry.kind {
            Kind::Directory => {
                seen(sandbox, &path, &name, found);
                "directory".to_owned()
            }
            Kind::Symlink => format!(
                "-> {}",
                sandbox.view().read_link(&sandbox.root(), &path).unwrap()
            ),
            _ => {
                // Whatever its mode says, the real directory is looked at with all rights too.
                format!("{:?}", sandbox.mounts.read_file(&path, 1 << 20).unwrap())
            }
        };
        found.insert(name, shown);
    }
}

fn compare(on: Backing, operations: &[Operation]) -> Result<(), TestCaseError> {
    let sandbox = Sandbox::limited(
        on,
        LedgerLimits {
            disk_bytes_max: 1 << 30,
            ..LedgerLimits::UNLIMITED
        },
    );
    let before = sandbox.mounts.usage().files;
    let real = tempfile::tempdir().unwrap();
    let root = real.path().to_path_buf();
    for operation in operations {
        let expected = theirs(&root, operation).map_err(Errno::from);
        let got = ours(&sandbox, operation);
        prop_assert_eq!(got, expected, "{:?}", operation);
    }
    let (mut here, mut there) = (BTreeMap::new(), BTreeMap::new());
    seen(&sandbox, "/tmp", "", &mut here);
    contents(&root, "", &mut there);
    prop_assert_eq!(&here, &there);
    if sandbox.mounts.usage().files > 0 {
        prop_assert_eq!(
            sandbox.mounts.usage().files - before,
            u64::try_from(here.len()).unwrap()
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn a_host_directory_behaves_as_a_real_one(operations in prop::collection::vec(operation(), 1..40)) {
        compare(Backing::HostDirectory, &operations)?;
    }

    #[test]
    fn a_tree_behaves_as_a_real_directory(operations in prop::collection::vec(operation(), 1..40)) {
        compare(Backing::Tree, &operations)?;
    }
}
