//! Tar files that were made up: what comes of one stays within the directory it is unpacked in, and can be packed again.
#![no_main]

use std::sync::Arc;

use glovebox_fuzz::store;
use glovebox_tree::{MemoryBlobs, Tree, Unlimited, archive};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let store = store(Arc::new(MemoryBlobs::default()));
    let tree = Tree::new(&store, Arc::new(Unlimited));
    let root = tree.root();
    root.create_directory("inside", 0o755).expect("made");
    root.create_directory("outside", 0o755).expect("made");
    let before = tree.snapshot();
    let inside = tree.directory("inside").expect("there");
    let imported = archive::import(&inside, input);
    let after = tree.snapshot();
    assert!(after.verify().is_sound());
    for change in before.differences(&after).expect("compared") {
        let within = change.path == "/inside" || change.path.starts_with("/inside/");
        assert!(within, "{}", change.path);
    }
    if imported.is_ok() && after.usage().bytes < 1 << 20 {
        archive::export(&after, std::io::sink()).expect("packed");
    }
});
