//! Manifests that were made up: an error or an answer, never a panic, never more memory than there are bytes.
#![no_main]

use std::sync::Arc;

use glovebox_fuzz::{from_blobs, store};
use glovebox_tree::{Snapshot, Tree, Unlimited, archive};
use libfuzzer_sys::fuzz_target;

/// A file may say that it is longer than any disk; its zeros are not written out here.
const EXPORTED_BYTES_MAX: u64 = 1 << 20;

fuzz_target!(init: glovebox_fuzz::seeds::write_if_asked(), |input: &[u8]| {
    let Some((blobs, root)) = from_blobs(input) else {
        return;
    };
    let store = store(blobs);
    let Ok(snapshot) = Snapshot::open(&store, &root) else {
        return;
    };
    let verified = snapshot.verify();
    let empty = Tree::new(&store, Arc::new(Unlimited)).snapshot();
    let changes = empty.differences(&snapshot);
    let whole = verified.is_sound();
    assert!(!whole || changes.is_ok(), "sound, and {:?}", changes.err());
    for change in changes.into_iter().flatten().take(50) {
        let _ = snapshot.stat(&change.path);
        let _ = snapshot.list(&change.path);
        let _ = snapshot.read_file(&change.path, 1000);
    }
    if verified.usage.bytes <= EXPORTED_BYTES_MAX {
        let packed = archive::export(&snapshot, std::io::sink()).map(drop);
        assert!(!whole || packed.is_ok(), "sound, and {packed:?}");
    }
    let tree = Tree::from_snapshot(&snapshot, Arc::new(Unlimited));
    let root = tree.root();
    let _ = root.create_directory("new", 0o755);
    for (name, _) in root.list().into_iter().flatten().flatten().take(20) {
        let _ = root.rename(&name, &root, "renamed");
        let _ = root.remove_file("renamed");
        let _ = root.remove_directory("renamed");
    }
    let saved = tree.snapshot().save();
    assert!(!whole || saved.is_ok(), "sound, and {saved:?}");
});
