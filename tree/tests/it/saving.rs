//! Saving writes what is new; opening reads what is asked for.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use cap_std::fs::Dir;
use glovebox_tree::{
    Blobs, FolderBlobs, Key, MemoryBlobs, Part, Snapshot, Store, StoreOptions, Tree, Unlimited,
};

use crate::ours::dump;
use crate::{Hands, WRITE, at, file, noise, store_on, tree, write};

/// Counts what is read.
#[derive(Default)]
struct Counted {
    blobs: MemoryBlobs,
    reads: AtomicU64,
    looks: AtomicU64,
}

impl Blobs for Counted {
    fn put(&self, key: &Key, bytes: &[u8]) -> io::Result<()> {
        self.blobs.put(key, bytes)
    }
    fn flush(&self) -> io::Result<()> {
        self.blobs.flush()
    }
    fn get(&self, key: &Key) -> io::Result<Option<Bytes>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.blobs.get(key)
    }
    fn has(&self, key: &Key) -> io::Result<bool> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        self.blobs.has(key)
    }
    fn list(&self) -> io::Result<Vec<Key>> {
        self.blobs.list()
    }
    fn delete(&self, key: &Key) -> io::Result<()> {
        self.blobs.delete(key)
    }
    fn record(&self) -> io::Result<Option<Bytes>> {
        self.blobs.record()
    }
    fn set_record(&self, bytes: &[u8]) -> io::Result<()> {
        self.blobs.set_record(bytes)
    }
}

const FILES: u64 = 20_000;

fn many(tree: &Arc<Tree>) {
    for directory in 0..FILES / 100 {
        let (directory, _) = at(tree, &format!("d{directory}/x"));
        for number in 0..100 {
            file(&directory, &format!("f{number}"), &WRITE)
                .unwrap()
                .append(&noise(number, 30))
                .unwrap();
        }
    }
}

#[test]
fn work_is_in_proportion_to_what_is_touched() {
    let (blobs, hands) = (Arc::new(Counted::default()), Hands::default());
    let tree = Tree::new(&store_on(blobs.clone(), &hands), Arc::new(Unlimited));
    many(&tree);
    let first = tree.snapshot().save().unwrap();
    assert!(first.blobs_written < FILES / 5, "{first:?}");
    write(&tree, "d7/f7", b"changed");
    let second = tree.snapshot().save().unwrap();
    assert!(second.blobs_written <= 6, "{second:?}");
    blobs.reads.store(0, Ordering::Relaxed);
    let snapshot = Snapshot::open(&store_on(blobs.clone(), &hands), &second.root).unwrap();
    assert_eq!(
        blobs.reads.load(Ordering::Relaxed),
        1,
        "the root and nothing else"
    );
    assert_eq!(snapshot.usage().files, FILES + FILES / 100);
    assert_eq!(snapshot.read_file("d7/f7", 100).unwrap(), b"changed");
    let reads = blobs.reads.load(Ordering::Relaxed);
    assert!(reads < 20, "{reads}");
    // A change to what was opened lazily, saved again.
    let opened = Tree::from_snapshot(&snapshot, Arc::new(Unlimited));
    write(&opened, "d9/f9", b"changed too");
    let third = opened.snapshot().save().unwrap();
    assert!(third.blobs_written <= 6, "{third:?}");
    assert!(
        blobs.looks.load(Ordering::Relaxed) <= 1,
        "whether the root is there, and no more"
    );
    let reads = blobs.reads.load(Ordering::Relaxed);
    assert!(reads < 40, "{reads}");
    // Comparing what was opened with what it was made from looks at what differs.
    let before = blobs.reads.load(Ordering::Relaxed);
    let older = Snapshot::open(&store_on(blobs.clone(), &hands), &first.root).unwrap();
    let newer = Snapshot::open(&store_on(blobs.clone(), &hands), &third.root).unwrap();
    let changes = older.differences(&newer).unwrap();
    let paths: Vec<_> = changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(paths, ["/d7/f7", "/d9/f9"]);
    assert_eq!(changes[0].after.unwrap().size, 7);
    let reads = blobs.reads.load(Ordering::Relaxed) - before;
    assert!(reads < 40, "{reads}");
    assert_eq!(dump(&newer), dump(&opened.snapshot()));
}

#[test]
fn the_same_chunks_are_written_once() {
    let blobs = Arc::new(MemoryBlobs::default());
    let tree = Tree::new(
        &store_on(blobs.clone(), &Hands::default()),
        Arc::new(Unlimited),
    );
    write(&tree, "large", &noise(1, 1_000_000));
    tree.snapshot().save().unwrap();
    let chunks = |blobs: &MemoryBlobs| {
        blobs
            .list()
            .unwrap()
            .iter()
            .filter(|key| key.part == Part::Chunk)
            .count()
    };
    assert_eq!(chunks(&blobs), 16);
    write(&tree, "copy", &noise(1, 1_000_000));
    file(&tree.root(), "large", &WRITE)
        .unwrap()
        .write_at(500_000, b"changed")
        .unwrap();
    let saved = tree.snapshot().save().unwrap();
    assert_eq!(chunks(&blobs), 17);
    let opened = Snapshot::open(&store_on(blobs, &Hands::default()), &saved.root).unwrap();
    assert_eq!(
        opened.read_file("copy", 1 << 20).unwrap(),
        noise(1, 1_000_000)
    );
    let mut expected = noise(1, 1_000_000);
    expected[500_000..500_007].copy_from_slice(b"changed");
    assert_eq!(opened.read_file("large", 1 << 20).unwrap(), expected);
}

#[test]
fn a_folder_keeps_what_was_flushed() {
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let folder = Dir::open_ambient_dir(folder.path(), cap_std::ambient_authority()).unwrap();
        Arc::new(FolderBlobs::open(folder).unwrap())
    };
    let blobs = open();
    let store = |blobs| Store::open(StoreOptions::new(blobs, Hands::default().clock())).unwrap();
    let tree = Tree::new(&store(blobs.clone()), Arc::new(Unlimited));
    write(&tree, "a/b", &noise(3, 300_000));
    write(&tree, "a/c", b"c");
    let saved = tree.snapshot().save().unwrap();
    let all: BTreeSet<Key> = blobs.list().unwrap().into_iter().collect();
    assert!(
        all.contains(&saved.root) && all.len() == usize::try_from(saved.blobs_written).unwrap(),
        "{all:?}"
    );
    // Something put and never flushed, as a crash would leave it.
    let lost = Key {
        generation: 9,
        ..saved.root
    };
    blobs.put(&lost, b"lost").unwrap();
    assert!(blobs.has(&lost).unwrap() && blobs.get(&lost).unwrap().is_some());
    drop((tree, blobs));
    let blobs = open();
    assert!(!blobs.has(&lost).unwrap());
    assert_eq!(
        blobs.list().unwrap().into_iter().collect::<BTreeSet<_>>(),
        all
    );
    let snapshot = Snapshot::open(&store(blobs.clone()), &saved.root).unwrap();
    assert!(snapshot.verify().is_sound());
    assert_eq!(
        snapshot.read_file("a/b", 1 << 20).unwrap(),
        noise(3, 300_000)
    );
    assert_eq!(blobs.record().unwrap(), None);
    blobs.set_record(b"one").unwrap();
    blobs.set_record(b"two").unwrap();
    assert_eq!(blobs.record().unwrap().as_deref(), Some(&b"two"[..]));
    blobs.delete(&saved.root).unwrap();
    blobs.delete(&saved.root).unwrap();
    assert!(!blobs.has(&saved.root).unwrap());
    assert_eq!(blobs.get(&saved.root).unwrap(), None);
}

#[test]
fn snapshots_and_forks_share() {
    let tree = tree();
    many(&tree);
    let memory = tree.store().usage().memory_bytes;
    let forks: Vec<_> = (0..1000)
        .map(|_| Tree::from_snapshot(&tree.snapshot(), Arc::new(Unlimited)))
        .collect();
    for (number, fork) in forks.iter().enumerate() {
        write(fork, "d1/f1", format!("fork {number}").as_bytes());
    }
    assert_eq!(tree.store().usage().memory_bytes, memory);
    for (number, fork) in forks.iter().enumerate() {
        assert_eq!(
            fork.snapshot().read_file("d1/f1", 100).unwrap(),
            format!("fork {number}").as_bytes()
        );
        let changes = tree.snapshot().differences(&fork.snapshot()).unwrap();
        assert_eq!(changes.len(), 1);
    }
    assert_eq!(
        tree.snapshot().read_file("d1/f1", 100).unwrap(),
        noise(1, 30)
    );
    assert!(tree.snapshot().shares_all(&tree.snapshot()));
}
