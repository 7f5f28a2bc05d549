//! More content than memory: chunks go to the pack and come back as they were.

use std::sync::Arc;

use cap_std::fs::Dir;
use glovebox_tree::{Errno, MemoryBlobs, Store, StoreOptions, Tree, Unlimited};
use tempfile::TempDir;

use crate::{Hands, READ, WRITE, file, noise, read_all, write};

const MEMORY: u64 = 1 << 20;

fn small() -> (Arc<Store>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("7"), "from another time").unwrap();
    let pack = Dir::open_ambient_dir(folder.path(), cap_std::ambient_authority()).unwrap();
    let options = StoreOptions::new(Arc::new(MemoryBlobs::default()), Hands::default().clock());
    (
        Store::open(StoreOptions {
            memory_bytes_max: MEMORY,
            pack: Some(pack),
            ..options
        })
        .unwrap(),
        folder,
    )
}

fn on_disk(folder: &TempDir) -> u64 {
    std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum()
}

#[test]
fn content_comes_back_as_it_was() {
    let (store, folder) = small();
    assert_eq!(on_disk(&folder), 0, "a pack begins empty");
    let tree = Tree::new(&store, Arc::new(Unlimited));
    for number in 0..20 {
        write(&tree, &format!("f{number}"), &noise(number, 500_000));
    }
    assert!(store.usage().memory_bytes <= MEMORY + 600_000);
    let snapshot = tree.snapshot();
    for number in 0..20 {
        let file = file(&tree.root(), &format!("f{number}"), &WRITE).unwrap();
        file.write_at(number * 20_000, b"changed").unwrap();
    }
    for number in 0..20 {
        let path = format!("f{number}");
        assert!(snapshot.read_file(&path, 1 << 20).unwrap() == noise(number, 500_000));
        let mut expected = noise(number, 500_000);
        let at = usize::try_from(number).unwrap() * 20_000;
        expected[at..at + 7].copy_from_slice(b"changed");
        assert!(read_all(&file(&tree.root(), &path, &READ).unwrap()).unwrap() == expected);
        assert!(store.usage().memory_bytes <= MEMORY + 600_000);
    }
    assert!(snapshot.verify().is_sound());
    drop((snapshot, tree));
    let usage = store.usage();
    assert_eq!((usage.memory_bytes, usage.pack_bytes), (0, 0), "{usage:?}");
}

#[test]
fn a_pack_does_not_grow_without_end() {
    let (store, folder) = small();
    let tree = Tree::new(&store, Arc::new(Unlimited));
    for round in 0..40 {
        write(&tree, "kept", &noise(round, 100_000));
        write(&tree, "passing", &noise(100 + round, 8_000_000));
    }
    let usage = store.usage();
    assert!(
        usage.pack_file_bytes <= 2 * usage.pack_bytes + (129 << 20),
        "{usage:?}"
    );
    assert_eq!(on_disk(&folder), usage.pack_file_bytes);
    assert!(tree.snapshot().read_file("passing", 8_000_000).unwrap() == noise(139, 8_000_000));
}

#[test]
fn a_pack_that_was_tampered_with_is_noticed() {
    let (store, folder) = small();
    let tree = Tree::new(&store, Arc::new(Unlimited));
    write(&tree, "a", &noise(1, 4_000_000));
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let length = std::fs::metadata(&path).unwrap().len();
        std::fs::write(&path, noise(2, usize::try_from(length).unwrap())).unwrap();
    }
    let a = file(&tree.root(), "a", &READ).unwrap();
    assert_eq!(read_all(&a), Err(Errno::Io));
    let damage = tree.take_damage();
    assert_eq!(damage[0].path, "/a");
    assert!(damage[0].to_string().contains("was changed"), "{damage:?}");
}

#[test]
fn saving_and_comparing_stay_within_memory() {
    let (store, _folder) = small();
    let tree = Tree::new(&store, Arc::new(Unlimited));
    write(&tree, "a", &noise(1, 8_000_000));
    let before = tree.snapshot();
    write(&tree, "a", &noise(2, 8_000_000));
    assert_eq!(before.differences(&tree.snapshot()).unwrap().len(), 1);
    assert!(store.usage().memory_bytes <= MEMORY + 200_000);
    before.save().unwrap();
    assert!(store.usage().memory_bytes <= MEMORY + 200_000);
    glovebox_tree::archive::export(&tree.snapshot(), std::io::sink()).unwrap();
    assert!(store.usage().memory_bytes <= MEMORY + 200_000);
}

#[test]
fn without_a_pack_what_is_not_saved_stays_in_memory() {
    let options = StoreOptions::new(Arc::new(MemoryBlobs::default()), Hands::default().clock());
    let store = Store::open(StoreOptions {
        memory_bytes_max: MEMORY,
        ..options
    })
    .unwrap();
    let tree = Tree::new(&store, Arc::new(Unlimited));
    write(&tree, "a", &noise(1, 4_000_000));
    assert!(store.usage().memory_bytes >= 4_000_000);
    tree.snapshot().save().unwrap();
    write(&tree, "b", &noise(2, 1_000_000));
    assert!(
        store.usage().memory_bytes < 3_000_000,
        "what is saved need not stay"
    );
    assert!(tree.snapshot().read_file("a", 4_000_000).unwrap() == noise(1, 4_000_000));
}
