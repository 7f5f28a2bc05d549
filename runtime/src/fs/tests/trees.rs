//! Versioned trees as mounts: what the host can do with them while a sandbox has them.

use super::*;
use crate::fs::Kind;

const LIMITS: LedgerLimits = LedgerLimits {
    disk_bytes_max: 1000,
    ..LedgerLimits::UNLIMITED
};

fn mounted(tree: &Arc<Tree>, access: Access, limits: LedgerLimits) -> Arc<Mounts> {
    let source = MountSource::Tree(tree.clone());
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
fn trees_are_mounts_of_their_own() {
    let sandbox = Sandbox::on(Backing::Tree);
    sandbox.write("/workspace/a", "1").unwrap();
    let (view, root) = (sandbox.view(), sandbox.root());
    assert_eq!(
        view.rename(&root, "/workspace/a", &root, "/tmp/a"),
        Err(Errno::CrossDevice)
    );
    assert_eq!(
        view.rename(&root, "/workspace/a", &root, "/workspace/made/up/a"),
        Err(Errno::CrossDevice)
    );
    let mut shown = sandbox.names("/workspace");
    shown.sort();
    assert_eq!(shown, ["a", "inner", "made"]);
}
