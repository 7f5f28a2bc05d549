//! Versioned trees as mounts: what the host can do with them while a sandbox has them.

use super::*;
use crate::Files;
use crate::fs::Kind;
use crate::fs::walk::Follow;
use crate::fs::{MountError, MountInfo};
use crate::grant::Backend;

const LIMITS: LedgerLimits = LedgerLimits {
    disk_bytes_max: 1000,
    ..LedgerLimits::UNLIMITED
};

fn mounted(tree: &Arc<Tree>, access: Access, limits: LedgerLimits) -> Arc<Mounts> {
    let source = directory_of(tree, "/");
    let mount = Mount {
        at: "/workspace".into(),
        source,
        access,
    };
    Mounts::from_grant(&[mount], Ledger::new(limits)).unwrap()
}

#[test]
fn a_snapshot_is_taken_and_a_fork_goes_its_own_way() {
    let tree = tree();
    let mounts = mounted(&tree, Access::ReadWrite, LedgerLimits::UNLIMITED);
    mounts.write_file("/workspace/a", b"one", 0o644).unwrap();
    let snapshot = tree.snapshot();
    let fork = Tree::from_snapshot(&snapshot, Arc::new(Unlimited));
    let forked = mounted(&fork, Access::ReadWrite, LedgerLimits::UNLIMITED);
    mounts.write_file("/workspace/a", b"two", 0o644).unwrap();
    forked.write_file("/workspace/b", b"new", 0o600).unwrap();
    assert_eq!(mounts.read_file("/workspace/a", 10).unwrap(), b"two");
    assert_eq!(mounts.read_file("/workspace/b", 10), Err(Errno::NoEntry));
    assert_eq!(forked.read_file("/workspace/a", 10).unwrap(), b"one");
    let open = mounts.open("/workspace/a", OpenHow::reading()).unwrap();
    tree.reset(&snapshot).unwrap();
    assert_eq!(mounts.read_file("/workspace/a", 10).unwrap(), b"one");
    assert_eq!(open.read_at(0, 10).unwrap(), "one");
}

#[test]
fn what_is_in_a_tree_counts_where_it_can_be_changed() {
    let tree = tree();
    let first = mounted(&tree, Access::ReadWrite, LIMITS);
    first.write_file("/workspace/a", &[0; 600], 0o644).unwrap();
    assert_eq!((first.usage().bytes, first.usage().files), (600, 1));
    let second = mounted(&tree, Access::ReadWrite, LIMITS);
    assert_eq!((second.usage().bytes, second.usage().files), (600, 1));
    assert_eq!((first.usage().bytes, first.usage().files), (0, 0));
    assert_eq!(
        second.write_file("/workspace/b", &[0; 600], 0o644),
        Err(Errno::NoSpace)
    );
    assert_eq!(second.usage().bytes, 1000);
    let frozen = mounted(&tree, Access::ReadOnly, LIMITS);
    assert_eq!(frozen.usage().bytes, 0);
    assert_eq!(
        frozen.write_file("/workspace/c", b"", 0o644),
        Err(Errno::ReadOnly)
    );
    assert_eq!(frozen.stat("/workspace/a").unwrap().kind, Kind::File);
    assert_eq!(
        (frozen.mounts()[0].kind, second.usage().bytes),
        ("tree", 1000)
    );
}

#[test]
fn directories_of_a_tree_are_mounts_of_their_own() {
    let sandbox = Sandbox::on(Backing::Tree);
    sandbox.write("/workspace/a", "1").unwrap();
    let (view, root) = (sandbox.view(), sandbox.root());
    assert_eq!(
        view.rename(&root, "/workspace/a", &root, "/tmp/a"),
        Err(Errno::CrossDevice)
    );
    assert_eq!(
        view.rename(&root, "/workspace/a", &root, "/workspace/made/up/a"),
        Err(Errno::CrossDevice),
        "of the same tree, and yet: a call that sees only one of them changes only that"
    );
    assert_eq!(
        view.link(&root, "/workspace/a", Follow::No, &root, "/tmp/a"),
        Err(Errno::CrossDevice)
    );
    let mut shown = sandbox.names("/workspace");
    shown.sort();
    assert_eq!(shown, ["a", "inner", "made"]);
}

#[test]
fn a_sandbox_changes_one_tree() {
    let (first, second) = (tree(), tree());
    make_directory(&first, "a");
    let mount = |at: &str, source, access| Mount {
        at: at.to_owned(),
        source,
        access,
    };
    let make = |mounts: &[Mount]| Mounts::from_grant(mounts, Ledger::new(LIMITS));
    let both = |access| {
        [
            mount("/a", directory_of(&first, "/a"), Access::ReadWrite),
            mount("/b", directory_of(&first, "/"), Access::ReadWrite),
            mount("/c", directory_of(&second, "/"), access),
        ]
    };
    assert!(matches!(
        make(&both(Access::ReadWrite)),
        Err(MountError::SecondTree { at }) if at == "/c"
    ));
    let mounts = make(&both(Access::ReadOnly)).unwrap();
    mounts.write_file("/a/file", &[0; 400], 0o644).unwrap();
    assert_eq!(mounts.usage().bytes, 400, "counted once");
    assert_eq!(mounts.read_file("/b/a/file", 500).unwrap(), [0; 400]);
    for (directory, wrong) in [
        ("/none", Errno::NoEntry),
        ("/a/file", Errno::NotDirectory),
        ("/a/..", Errno::Invalid),
    ] {
        let mounts = [mount(
            "/d",
            directory_of(&first, directory),
            Access::ReadOnly,
        )];
        assert!(matches!(
            make(&mounts),
            Err(MountError::Tree { errno, .. }) if errno == wrong
        ));
    }
}

#[test]
fn own_files_are_forked_and_put_back() {
    let store = tree().store().clone();
    let files = Files::new(&store).unwrap();
    let mount = |files: &Files| Mounts::from_grant(&files.mounts(), Ledger::new(LIMITS)).unwrap();
    let mounts = mount(&files);
    for place in ["/workspace", "/home/agent", "/tmp", "/mnt/session/outputs"] {
        let path = format!("{place}/file");
        mounts.write_file(&path, place.as_bytes(), 0o644).unwrap();
    }
    assert_eq!(mounts.mode("/tmp").unwrap(), 0o1777);
    let snapshot = files.snapshot();
    assert_eq!(snapshot.read_file("/tmp/file", 10).unwrap(), b"/tmp");
    let fork = Files::from_snapshot(&snapshot).unwrap();
    assert!(fork.snapshot().shares_all(&snapshot), "it is the same yet");
    let forked = mount(&fork);
    forked
        .write_file("/workspace/file", b"fork", 0o644)
        .unwrap();
    forked.remove_file("/tmp/file").unwrap();
    assert_eq!(
        mounts.read_file("/workspace/file", 20).unwrap(),
        b"/workspace"
    );
    let changed: Vec<_> = snapshot.differences(&fork.snapshot()).unwrap();
    let paths: Vec<_> = changed.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(paths, ["/tmp/file", "/workspace/file"]);
    let before = (mounts.usage(), forked.usage());
    fork.reset(&snapshot).unwrap();
    assert_eq!(
        forked.read_file("/workspace/file", 20).unwrap(),
        b"/workspace"
    );
    assert_eq!((mounts.usage(), forked.usage()), (before.0, before.0));
}

#[test]
fn the_host_writes_what_a_sandbox_only_reads() {
    let files = Files::new(tree().store()).unwrap();
    let mut all = files.mounts();
    all.push(
        files
            .place("/mnt/session/tool_outputs", Access::ReadOnly)
            .unwrap(),
    );
    let mounts = Mounts::from_grant(&all, Ledger::new(LIMITS)).unwrap();
    let place = files.tree().directory("/mnt/session/tool_outputs").unwrap();
    write_file(&place, "text", b"long");
    let path = "/mnt/session/tool_outputs/text";
    assert_eq!(mounts.read_file(path, 10).unwrap(), b"long");
    assert_eq!(mounts.write_file(path, b"x", 0o644), Err(Errno::ReadOnly));
    assert_eq!(mounts.usage().bytes, 4, "counted all the same");
    let links = ["/workspace/l", "/mnt/session/outputs/l"];
    for link in links {
        let view = View {
            mounts: &mounts,
            caller: Caller::default(),
        };
        let root = view.root();
        assert_eq!(
            view.link(&root, path, Follow::No, &root, link),
            Err(Errno::CrossDevice)
        );
    }
}

#[test]
fn a_backend_of_the_embedders_is_a_mount_like_any_other() {
    let root: Arc<dyn crate::fs::node::Directory> =
        Image::new([("deep/file".to_owned(), Bytes::from_static(b"theirs"), 0o644)]).root();
    let kind = "memory";
    let mount = Mount {
        at: "/mnt/memory/notes".into(),
        source: MountSource::Backend(Backend { kind, root }),
        access: Access::ReadOnly,
    };
    assert_eq!(
        format!("{:?}", mount.source),
        r#"Backend(Backend("memory"))"#
    );
    let mounts = Mounts::from_grant(&[mount], Ledger::new(LIMITS)).unwrap();
    let kinds: Vec<_> = mounts
        .mounts()
        .iter()
        .map(|info: &Arc<MountInfo>| info.kind)
        .collect();
    assert_eq!(kinds, ["memory", "dev", "proc"]);
    assert_eq!(
        mounts.read_file("/mnt/memory/notes/deep/file", 10).unwrap(),
        b"theirs"
    );
}
