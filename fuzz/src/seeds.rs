//! Inputs to begin with: saved trees and tar files.

use std::path::Path;
use std::sync::Arc;

use crate::{from_blobs, store, to_blobs};
use glovebox_tree::{Create, Found, MemoryBlobs, OpenHow, Snapshot, Tree, Unlimited, archive};

fn write(tree: &Arc<Tree>, path: &str, content: &[u8]) {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    let how = OpenHow {
        write: true,
        create: Create::IfMissing(0o640),
        truncate: false,
        directory: false,
    };
    let directory = tree.directory(directory).expect("a directory");
    let Ok(Found::File(file)) = directory.open(name, &how) else {
        panic!("no file");
    };
    file.write_at(0, content).expect("written");
}

fn tree(files: usize, large: usize) -> (Arc<MemoryBlobs>, Snapshot) {
    let blobs = Arc::new(MemoryBlobs::default());
    let tree = Tree::new(&store(blobs.clone()), Arc::new(Unlimited));
    tree.root().create_directory("a", 0o755).expect("made");
    for number in 0..files {
        write(
            &tree,
            &format!("a/file-{number}"),
            format!("{number}").repeat(9).as_bytes(),
        );
    }
    write(&tree, "large", &vec![7; large]);
    tree.root().symlink("link", "a/file-1").expect("made");
    tree.root()
        .link("large", &tree.root(), "again")
        .expect("made");
    (blobs, tree.snapshot())
}

/// Writes them below the folder that `GLOVEBOX_FUZZ_SEEDS` names, and ends the process; does nothing without it. Only a
/// binary with a fuzzer in it can be linked with the instrumentation, so there is none of its own for this.
pub fn write_if_asked() {
    let Ok(folder) = std::env::var("GLOVEBOX_FUZZ_SEEDS") else {
        return;
    };
    write_below(Path::new(&folder)).expect("the seeds are written");
    std::process::exit(0);
}

fn write_below(folder: &Path) -> std::io::Result<()> {
    for (number, (files, large)) in [(0, 0), (3, 5000), (40, 20_000)].into_iter().enumerate() {
        let (blobs, snapshot) = tree(files, large);
        let root = snapshot.save().expect("saved").root;
        let input = to_blobs(&blobs, root);
        let (blobs, again) = from_blobs(&input).expect("blobs");
        assert_eq!(again, root, "an input gives what it was made from");
        let opened = Snapshot::open(&store(blobs), &root).expect("opened");
        assert!(opened.verify().is_sound());
        let tar = archive::export(&snapshot, Vec::new()).expect("packed");
        for (target, input) in [("manifest", input), ("archive", tar)] {
            let folder = folder.join(target);
            std::fs::create_dir_all(&folder)?;
            std::fs::write(folder.join(format!("seed-{number}")), input)?;
        }
    }
    Ok(())
}
