//! Manifests that were tampered with: an error or an answer, never a panic, never more memory than there are bytes.

use std::io;
use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;
use glovebox_tree::{
    Blobs, Digest, Directory, Found, Key, MemoryBlobs, Part, Quota, Snapshot, Tree, Unlimited,
    Usage, sweep,
};
use proptest::prelude::*;

use crate::operation::{Files, operation};
use crate::ours::Ours;
use crate::{Hands, noise, store_on, tree, write};

/// Blobs that answer with what a key should hold after it was tampered with, and let it have that digest: the reader
/// has nothing but its own care.
struct Tampered {
    blobs: Arc<MemoryBlobs>,
    /// The digests of what was tampered with, and its keys.
    replaced: Mutex<Vec<(Key, Bytes)>>,
}

impl Blobs for Tampered {
    fn put(&self, key: &Key, bytes: &[u8]) -> io::Result<()> {
        self.blobs.put(key, bytes)
    }
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
    fn get(&self, key: &Key) -> io::Result<Option<Bytes>> {
        let replaced = self.replaced.lock().unwrap();
        Ok(match replaced.iter().find(|(other, _)| other == key) {
            Some((_, bytes)) => Some(bytes.clone()),
            None => self.blobs.get(key)?,
        })
    }
    fn has(&self, key: &Key) -> io::Result<bool> {
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

/// A saved tree with a page of every kind.
fn saved() -> (Arc<MemoryBlobs>, Key) {
    static SAVED: OnceLock<(Arc<MemoryBlobs>, Key)> = OnceLock::new();
    let (blobs, root) = SAVED.get_or_init(make);
    let copy = MemoryBlobs::default();
    for key in blobs.list().unwrap() {
        copy.put(&key, &blobs.get(&key).unwrap().unwrap()).unwrap();
    }
    (Arc::new(copy), *root)
}

fn make() -> (Arc<MemoryBlobs>, Key) {
    let blobs = Arc::new(MemoryBlobs::default());
    let tree = Tree::new(
        &store_on(blobs.clone(), &Hands::default()),
        Arc::new(Unlimited),
    );
    for number in 0..60 {
        write(&tree, &format!("a/b{number}"), &noise(number, 100));
    }
    write(&tree, "b/large", &noise(7, 1_200_000));
    tree.root().symlink("c", "a/b1").unwrap();
    tree.root().link("c", &tree.root(), "d").unwrap();
    let root = tree.snapshot().save().unwrap().root;
    (blobs, root)
}

/// Changes some bytes of a blob and all that refers to it, up to the root, so that every digest is right.
fn tamper(blobs: &Arc<MemoryBlobs>, root: Key, which: usize, changes: &[(usize, u8)]) -> Key {
    let keys: Vec<Key> = blobs
        .list()
        .unwrap()
        .into_iter()
        .filter(|key| key.part != Part::Chunk)
        .collect();
    let victim = keys[which % keys.len()];
    let mut bytes = blobs.get(&victim).unwrap().unwrap().to_vec();
    for (at, byte) in changes {
        let at = at % bytes.len();
        bytes[at] = *byte;
    }
    let mut waiting = vec![(victim, bytes)];
    let mut new_root = root;
    while let Some((old, bytes)) = waiting.pop() {
        let new = Key {
            digest: Digest::of(&bytes),
            ..old
        };
        blobs.put(&new, &bytes).unwrap();
        if old == root {
            new_root = new;
        }
        for key in &keys {
            let mut other = blobs.get(key).unwrap().unwrap().to_vec();
            let mut found = false;
            for at in 0..other.len().saturating_sub(31) {
                if other[at..at + 32] == old.digest.0 {
                    other[at..at + 32].copy_from_slice(&new.digest.0);
                    found = true;
                }
            }
            if found {
                waiting.push((*key, other));
            }
        }
    }
    new_root
}

/// Everything that can be asked of a snapshot.
fn exercise(snapshot: &Snapshot, other: &Snapshot) {
    let _ = snapshot.verify();
    let _ = snapshot.differences(other);
    let _ = other.differences(snapshot);
    let tree = Tree::from_snapshot(snapshot, Arc::new(Bounded));
    let mut directories = vec![tree.root()];
    for _ in 0..200 {
        let Some(directory) = directories.pop() else {
            break;
        };
        let _ = directory.path();
        let Ok(entries) = directory.list() else {
            continue;
        };
        for (name, _) in entries.flatten().take(200) {
            directories.extend(touch(&directory, &name));
        }
    }
    let _ = tree.snapshot().verify();
    let _ = tree.snapshot().save();
    let _ = tree.take_damage();
}

fn touch(directory: &Directory, name: &str) -> Option<Directory> {
    let _ = directory.stat_entry(name);
    match directory.open(name, &crate::READ) {
        Ok(Found::File(file)) => {
            let size = file.stat().map_or(0, |stat| stat.size);
            for at in [0, 2000, 70_000, size.saturating_sub(1), size] {
                let _ = file.read_at(at, 100);
                let _ = file.write_at(at.min(1 << 30), b"x");
            }
            let _ = file.truncate(100_000);
            let _ = directory.rename(name, directory, "renamed");
            let _ = directory.remove_file("renamed");
            None
        }
        Ok(Found::Directory(inner)) => {
            let _ = directory.rename(name, &inner, "x");
            let _ = inner.create_directory("y", 0o755);
            let _ = directory.remove_directory(name);
            Some(inner)
        }
        _ => None,
    }
}

/// So that a file that says it is long is not written out.
struct Bounded;

impl Quota for Bounded {
    fn note_existing(&self, _: Usage) {}
    fn charge_bytes_up_to(&self, wanted: u64) -> u64 {
        wanted.min(1 << 20)
    }
    fn charge_bytes(&self, _: u64) -> Result<(), glovebox_tree::Errno> {
        Ok(())
    }
    fn release(&self, _: Usage) {}
    fn charge_file(&self) -> Result<(), glovebox_tree::Errno> {
        Ok(())
    }
    fn file_end(&self, _: u64, end: u64) -> u64 {
        end
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_manifest_that_lies_is_survived(
        which in any::<usize>(),
        changes in prop::collection::vec((any::<usize>(), prop_oneof![any::<u8>(), Just(0xff), Just(0)]), 1..6),
        operations in prop::collection::vec(operation(), 0..10),
    ) {
        let (blobs, root) = saved();
        let forged = tamper(&blobs, root, which, &changes);
        let hands = Hands::default();
        let store = store_on(blobs.clone(), &hands);
        let honest = Snapshot::open(&store, &root).unwrap();
        if let Ok(snapshot) = Snapshot::open(&store, &forged) {
            exercise(&snapshot, &honest);
            let mut ours = Ours::new(Tree::from_snapshot(&snapshot, Arc::new(Bounded)));
            for operation in &operations {
                let _ = ours.apply(operation);
            }
        }
        let _ = sweep::sweep(&store, std::time::Duration::from_secs(1), || vec![root, forged]);
        prop_assert!(honest.verify().is_sound());
    }

    #[test]
    fn nonsense_is_no_snapshot(bytes in prop::collection::vec(any::<u8>(), 0..300), magic in any::<bool>()) {
        let mut bytes = bytes;
        if magic {
            bytes.splice(0..0, *b"GR\x01");
        }
        let blobs = Arc::new(MemoryBlobs::default());
        let key = Key { part: Part::Root, generation: 0, digest: Digest::of(&bytes) };
        blobs.put(&key, &bytes).unwrap();
        let store = store_on(blobs.clone(), &Hands::default());
        if let Ok(snapshot) = Snapshot::open(&store, &key) {
            let _ = snapshot.verify();
        }
        blobs.set_record(&bytes).unwrap();
        let _ = tree().snapshot().save();
        let _ = Tree::new(&store, Arc::new(Unlimited)).snapshot().save();
    }
}

#[test]
fn damage_is_told_with_its_path() {
    let (blobs, root) = saved();
    for (key, lost) in blobs
        .list()
        .unwrap()
        .into_iter()
        .filter(|key| *key != root)
        .zip([false, true].into_iter().cycle())
    {
        let replaced = if lost {
            Vec::new()
        } else {
            vec![(key, Bytes::from_static(b"something else"))]
        };
        let copy = Arc::new(MemoryBlobs::default());
        for other in blobs
            .list()
            .unwrap()
            .into_iter()
            .filter(|other| !lost || *other != key)
        {
            copy.put(&other, &blobs.get(&other).unwrap().unwrap())
                .unwrap();
        }
        let store = store_on(
            Tampered {
                blobs: copy,
                replaced: Mutex::new(replaced),
            },
            &Hands::default(),
        );
        let snapshot = Snapshot::open(&store, &root).unwrap();
        let verified = snapshot.verify();
        assert_eq!(verified.damaged.len(), 1, "{key:?} {verified:?}");
        let damaged = &verified.damaged[0];
        assert!(
            damaged.to_string().contains(&key.digest.to_string()),
            "{damaged}"
        );
        if key.part == Part::Chunk {
            assert_eq!(damaged.path, "/b/large");
            let tree = Tree::from_snapshot(&snapshot, Arc::new(Unlimited));
            let (directory, name) = crate::at(&tree, "b/large");
            let file = crate::file(&directory, name, &crate::READ).unwrap();
            assert_eq!(crate::read_all(&file), Err(glovebox_tree::Errno::Io));
            assert_eq!(tree.take_damage(), verified.damaged);
            assert!(tree.take_damage().is_empty());
            // What can be read still can.
            assert_eq!(snapshot.read_file("a/b7", 1000).unwrap(), noise(7, 100));
        }
    }
}
