//! Quotas hold exactly and before anything is allocated; what is given back is what was taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use glovebox_tree::{Errno, LINKS_MAX, Quota, Tree, Usage};
use proptest::prelude::*;

use crate::operation::{Files, operation};
use crate::ours::{Ours, dump};
use crate::{READ, WRITE, at, enter, file, store, tree, write};

/// So much and no more.
struct Limited {
    bytes_max: u64,
    files_max: u64,
    bytes: AtomicU64,
    files: AtomicU64,
}

impl Limited {
    fn new(bytes_max: u64, files_max: u64) -> Arc<Limited> {
        Arc::new(Limited {
            bytes_max,
            files_max,
            bytes: AtomicU64::new(0),
            files: AtomicU64::new(0),
        })
    }

    fn usage(&self) -> Usage {
        Usage {
            bytes: self.bytes.load(Ordering::Relaxed),
            files: self.files.load(Ordering::Relaxed),
        }
    }
}

impl Quota for Limited {
    fn note_existing(&self, usage: Usage) {
        self.bytes.fetch_add(usage.bytes, Ordering::Relaxed);
        self.files.fetch_add(usage.files, Ordering::Relaxed);
    }
    fn charge_bytes_up_to(&self, wanted: u64) -> u64 {
        let granted = wanted.min(self.bytes_max.saturating_sub(self.usage().bytes));
        self.bytes.fetch_add(granted, Ordering::Relaxed);
        granted
    }
    fn charge_bytes(&self, wanted: u64) -> Result<(), Errno> {
        if self.bytes_max.saturating_sub(self.usage().bytes) < wanted {
            return Err(Errno::NoSpace);
        }
        self.bytes.fetch_add(wanted, Ordering::Relaxed);
        Ok(())
    }
    fn release(&self, usage: Usage) {
        // Never more than was taken.
        assert!(self.bytes.fetch_sub(usage.bytes, Ordering::Relaxed) >= usage.bytes);
        assert!(self.files.fetch_sub(usage.files, Ordering::Relaxed) >= usage.files);
    }
    fn charge_file(&self) -> Result<(), Errno> {
        if self.usage().files >= self.files_max {
            return Err(Errno::NoSpace);
        }
        self.files.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
    fn file_end(&self, _: u64, end: u64) -> u64 {
        end
    }
}

#[test]
fn a_write_stops_at_the_quota() {
    let quota = Limited::new(100_000, 10);
    let tree = Tree::new(&store(), quota.clone());
    write(&tree, "a", &[1; 70_000]);
    let b = file(&tree.root(), "b", &WRITE).unwrap();
    assert_eq!(b.write_at(0, &[2; 70_000]), Ok(30_000));
    assert_eq!(b.append(b"x"), Err(Errno::NoSpace));
    assert_eq!(b.truncate(30_001), Err(Errno::NoSpace));
    assert_eq!(
        b.write_at(0, &[3; 30_000]),
        Ok(30_000),
        "what is there can be changed"
    );
    assert_eq!(
        tree.usage(),
        Usage {
            bytes: 100_000,
            files: 2
        }
    );
    tree.root().remove_file("a").unwrap();
    assert_eq!(b.append(b"x"), Ok(1));
    assert_eq!(
        quota.usage(),
        Usage {
            bytes: 30_001,
            files: 1
        }
    );
}

#[test]
fn a_removed_file_costs_until_it_is_closed() {
    let quota = Limited::new(1000, 10);
    let tree = Tree::new(&store(), quota.clone());
    let one = file(&tree.root(), "a", &WRITE).unwrap();
    let two = file(&tree.root(), "a", &READ).unwrap();
    one.append(&[1; 600]).unwrap();
    tree.root().remove_file("a").unwrap();
    assert_eq!(
        (quota.usage().bytes, tree.usage().bytes),
        (600, 0),
        "a snapshot does not have it any more"
    );
    one.append(&[2; 300]).unwrap();
    one.truncate(800).unwrap();
    assert_eq!(two.stat().unwrap().links, 0);
    drop(one);
    assert_eq!(
        (quota.usage().bytes, two.read_at(599, 2).unwrap()),
        (800, bytes::Bytes::from_static(&[1, 2]))
    );
    drop(two);
    assert_eq!(quota.usage(), Usage::default());
}

#[test]
fn entries_are_limited() {
    let tree = Tree::new(&store(), Limited::new(1000, 2));
    write(&tree, "a", b"1");
    write(&tree, "b", b"1");
    let root = tree.root();
    assert_eq!(file(&root, "c", &WRITE).err(), Some(Errno::NoSpace));
    assert_eq!(root.create_directory("c", 0o755), Err(Errno::NoSpace));
    assert_eq!(root.symlink("c", "x"), Err(Errno::NoSpace));
    assert_eq!(root.link("a", &root, "c"), Err(Errno::NoSpace));
    assert_eq!(root.rename("a", &root, "b"), Ok(()));
    assert_eq!(root.symlink("c", "x"), Ok(()));
}

#[test]
fn a_hundred_gigabytes_of_nothing_take_no_room() {
    let tree = tree();
    let file = file(&tree.root(), "sparse", &WRITE).unwrap();
    file.truncate(100 << 30).unwrap();
    file.write_at(50 << 30, b"middle").unwrap();
    assert_eq!(
        file.read_at((50 << 30) - 2, 10).unwrap(),
        &b"\0\0"[..],
        "a hole ends where a chunk begins"
    );
    assert_eq!(file.read_at(50 << 30, 8).unwrap(), &b"middle\0\0"[..]);
    assert_eq!(file.read_at((100 << 30) - 1, 10).unwrap(), &b"\0"[..]);
    assert!(tree.store().usage().memory_bytes < 1000);
    let saved = tree.snapshot().save().unwrap();
    assert!(saved.bytes_written < 1000);
    file.truncate(1).unwrap();
    file.truncate(100).unwrap();
    assert_eq!(file.read_at(0, 200).unwrap(), &[0; 100][..]);
    assert_eq!(file.write_at(u64::MAX, b"x"), Err(Errno::FileTooLarge));
    assert_eq!(file.truncate(u64::MAX), Err(Errno::FileTooLarge));
    assert_eq!(file.write_at(1 << 44, b"x"), Err(Errno::FileTooLarge));
}

#[test]
fn deep_and_wide() {
    let tree = tree();
    let mut directory = tree.root();
    let mut depth = 0;
    let refused = loop {
        match directory.create_directory("d", 0o755) {
            Ok(()) => directory = enter(&directory, "d"),
            Err(errno) => break errno,
        }
        depth += 1;
    };
    assert_eq!(
        (depth, refused),
        (glovebox_tree::DEPTH_MAX, Errno::NameTooLong)
    );
    assert_eq!(directory.path().unwrap().len(), 2 * depth);
    assert!(tree.snapshot().verify().is_sound());
    let (root, other) = (tree.root(), crate::tree());
    root.create_directory("e", 0o755).unwrap();
    assert_eq!(root.rename("e", &directory, "e"), Err(Errno::NameTooLong));
    let archive = glovebox_tree::archive::export(&tree.snapshot(), Vec::new()).unwrap();
    glovebox_tree::archive::import(&other.root(), &*archive).unwrap();
    assert_eq!(dump(&other.snapshot()).len(), depth + 1);
    for (name, errno) in [
        ("x".repeat(256), Errno::NameTooLong),
        ("a/b".into(), Errno::Invalid),
        (String::new(), Errno::NoEntry),
    ] {
        assert_eq!(root.create_directory(&name, 0o755), Err(errno));
        assert_eq!(root.rename("e", &root, &name), Err(errno));
        assert_eq!(root.stat_entry(&name), Err(errno));
    }
    write(&tree, "many", b"");
    for number in 1..LINKS_MAX {
        root.link("many", &root, &format!("many{number}")).unwrap();
    }
    assert_eq!(root.link("many", &root, "more"), Err(Errno::TooManyLinks));
    assert_eq!(tree.snapshot().save().map(|_| ()).ok(), Some(()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn what_is_counted_is_what_is_there(
        bytes_max in 0..300_000_u64,
        files_max in 0..12_u64,
        operations in prop::collection::vec(operation(), 1..60),
    ) {
        let quota = Limited::new(bytes_max, files_max);
        let tree = Tree::new(&store(), quota.clone());
        let mut ours = Ours::new(tree.clone());
        for operation in &operations {
            let _ = ours.apply(operation);
            prop_assert!(quota.usage().bytes <= bytes_max && quota.usage().files <= files_max);
        }
        let kept = tree.snapshot();
        drop(ours);
        let verified = kept.verify();
        prop_assert!(verified.is_sound(), "{:?}", verified);
        prop_assert_eq!(verified.usage, quota.usage());
        // Going back gives and takes what differs.
        let (directory, name) = at(&tree, "a");
        let _ = file(&directory, name, &WRITE).map(|file| file.append(&[1; 100]));
        tree.reset(&kept).unwrap();
        prop_assert_eq!(quota.usage(), kept.usage());
    }
}
