//! Tar files out and in.

use std::sync::Arc;

use glovebox_tree::archive::{ImportError, export, export_directory, import};
use glovebox_tree::{Errno, Kind, NewTime, NewTimes, Timestamp, Tree};
use tar::{Builder, EntryType, Header};

use crate::ours::dump;
use crate::{at, noise, tree, write};

fn sample() -> Arc<Tree> {
    let tree = tree();
    write(&tree, "empty", b"");
    write(&tree, "dir/small", b"small");
    write(&tree, "dir/large", &noise(1, 300_000));
    write(
        &tree,
        &format!("{}/{}", "long".repeat(50), "name".repeat(60)),
        b"long",
    );
    let (dir, _) = at(&tree, "dir/x");
    dir.set_entry_mode("small", 0o755).unwrap();
    dir.symlink("link", "../../outside").unwrap();
    dir.symlink("far", &"t/".repeat(200)).unwrap();
    dir.link("large", &tree.root(), "again").unwrap();
    tree.root().create_directory("bare", 0o700).unwrap();
    let when = NewTime::At(Timestamp {
        seconds: 1_700_000_000,
        nanoseconds: 123_456_789,
    });
    for name in ["small", "link"] {
        dir.set_entry_times(
            name,
            NewTimes {
                accessed: NewTime::Keep,
                modified: when,
            },
        )
        .unwrap();
    }
    dir.set_times(NewTimes {
        accessed: NewTime::Keep,
        modified: when,
    })
    .unwrap();
    tree
}

#[test]
fn what_is_exported_is_imported() {
    let tree = sample();
    let archive = export(&tree.snapshot(), Vec::new()).unwrap();
    let other = crate::tree();
    let imported = import(&other.root(), &*archive).unwrap();
    assert_eq!((imported.entries, imported.passed_over.len()), (10, 0));
    assert_eq!(dump(&other.snapshot()), dump(&tree.snapshot()));
    for path in ["dir", "dir/small", "dir/link", "bare"] {
        let (before, after) = (
            tree.snapshot().stat(path).unwrap(),
            other.snapshot().stat(path).unwrap(),
        );
        assert_eq!(before.modified, after.modified, "{path}");
    }
    assert_eq!(
        other.snapshot().stat("again").unwrap().ino,
        other.snapshot().stat("dir/large").unwrap().ino
    );
    assert!(other.snapshot().verify().is_sound());
    assert_eq!(
        export(&other.snapshot(), Vec::new()).unwrap(),
        archive,
        "the same files give the same bytes"
    );
    // Over what is there: the same again.
    import(&other.root(), &*archive).unwrap();
    assert_eq!(dump(&other.snapshot()), dump(&tree.snapshot()));
}

#[test]
fn a_directory_is_exported_and_put_elsewhere() {
    let tree = sample();
    let archive = export_directory(&tree.snapshot(), "/dir", Vec::new()).unwrap();
    let other = crate::tree();
    other.root().create_directory("new", 0o755).unwrap();
    import(&other.directory("/new").unwrap(), &*archive).unwrap();
    let found = dump(&other.snapshot());
    let names: Vec<&str> = found.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["/new", "/new/far", "/new/large", "/new/link", "/new/small"]
    );
    assert!(export_directory(&tree.snapshot(), "/none", Vec::new()).is_err());
    assert!(export_directory(&tree.snapshot(), "/empty", Vec::new()).is_err());
    assert_eq!(other.directory("new/link").err(), Some(Errno::NotDirectory));
    assert_eq!(other.directory("new/..").err(), Some(Errno::Invalid));
}

#[test]
fn other_programs_read_it() {
    let Ok(version) = std::process::Command::new("tar").arg("--version").output() else {
        return;
    };
    assert!(version.status.success());
    let (tree, folder) = (sample(), tempfile::tempdir().unwrap());
    let archive = folder.path().join("it.tar");
    std::fs::write(&archive, export(&tree.snapshot(), Vec::new()).unwrap()).unwrap();
    let to = folder.path().join("out");
    std::fs::create_dir(&to).unwrap();
    let done = std::process::Command::new("tar")
        .arg("-xpf")
        .arg(&archive)
        .arg("-C")
        .arg(&to)
        .status()
        .unwrap();
    assert!(done.success());
    assert_eq!(std::fs::read(to.join("again")).unwrap(), noise(1, 300_000));
    let metadata = std::fs::metadata(to.join("dir/small")).unwrap();
    let since = metadata
        .modified()
        .unwrap()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    assert_eq!(since.as_nanos(), 1_700_000_000_123_456_789);
    // And back, as another program writes it.
    let back = std::process::Command::new("tar")
        .args(["-c", "--format=pax", "-C"])
        .arg(&to)
        .arg(".")
        .output()
        .unwrap();
    let other = crate::tree();
    import(&other.root(), &*back.stdout).unwrap();
    let mut expected = dump(&tree.snapshot());
    assert_eq!(dump(&other.snapshot()), std::mem::take(&mut expected));
}

/// An archive with one entry, its name written as it is.
fn forged(name: &str, kind: EntryType, link: &str) -> Vec<u8> {
    let mut header = Header::new_ustar();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_size(0);
    header.set_cksum();
    let mut archive = header.as_bytes().to_vec();
    archive.resize(archive.len() + 1024, 0);
    archive
}

#[test]
fn nothing_leads_out() {
    for name in ["../x", "/x", "a/../../x", "a/..", "..", "/"] {
        for kind in [EntryType::Regular, EntryType::Directory, EntryType::Symlink] {
            let tree = tree();
            let error = import(&tree.root(), &*forged(name, kind, "a")).unwrap_err();
            assert!(matches!(error, ImportError::Path { .. }), "{name} {error}");
            assert_eq!(tree.usage().files, 0);
        }
    }
    let tree = tree();
    write(&tree, "inside", b"1");
    for link in ["../x", "/x", "a/../../inside"] {
        let error = import(&tree.root(), &*forged("a", EntryType::Link, link)).unwrap_err();
        assert!(matches!(error, ImportError::Path { .. }), "{link} {error}");
    }
    // Through a symlink that came before.
    let (outside, _) = at(&tree, "outside/x");
    tree.root().symlink("way", "outside").unwrap();
    for kind in [EntryType::Regular, EntryType::Directory] {
        let error = import(&tree.root(), &*forged("way/x", kind, "")).unwrap_err();
        assert!(
            matches!(
                error,
                ImportError::Refused {
                    errno: Errno::NotDirectory,
                    ..
                }
            ),
            "{error}"
        );
    }
    let error = import(&tree.root(), &*forged("b", EntryType::Link, "way/x")).unwrap_err();
    assert!(
        matches!(
            error,
            ImportError::Refused {
                errno: Errno::NotDirectory,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(outside.list().unwrap().count(), 0);
    // A file that replaces the symlink does not write through it.
    tree.root().symlink("file", "inside").unwrap();
    import(&tree.root(), &*forged("file", EntryType::Regular, "")).unwrap();
    assert_eq!(tree.snapshot().stat("file").unwrap().kind, Kind::File);
    assert_eq!(tree.snapshot().read_file("inside", 10).unwrap(), b"1");
}

#[test]
fn what_is_no_archive_is_refused() {
    for bytes in [noise(1, 5000), noise(2, 100), vec![b'x'; 512]] {
        assert!(matches!(
            import(&tree().root(), &*bytes),
            Err(ImportError::Read(_))
        ));
    }
    let mut cut = export(&sample().snapshot(), Vec::new()).unwrap();
    cut.truncate(100_000);
    assert!(matches!(
        import(&tree().root(), &*cut),
        Err(ImportError::Read(_))
    ));
    assert_eq!(import(&tree().root(), &[][..]).unwrap().entries, 0);
}

#[test]
fn devices_are_passed_over() {
    let tree = tree();
    let imported = import(&tree.root(), &*forged("null", EntryType::Char, "")).unwrap();
    assert_eq!(imported.passed_over, ["null"]);
    assert_eq!(tree.usage().files, 0);
}

#[test]
fn zeros_become_holes() {
    let mut builder = Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_size(50 << 20);
    header.set_mode(0o644);
    header.set_mtime(0);
    let zeros = std::io::Read::take(std::io::repeat(0), 50 << 20);
    builder.append_data(&mut header, "zeros", zeros).unwrap();
    let tree = tree();
    import(&tree.root(), &*builder.into_inner().unwrap()).unwrap();
    assert_eq!(tree.usage().bytes, 50 << 20);
    assert_eq!(tree.store().usage().memory_bytes, 0);
}
