//! Many trees of one store, forked, saved, swept, reopened and rewound at random: each behaves as if it were alone.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cap_std::fs::Dir;
use glovebox_tree::{Key, MemoryBlobs, Snapshot, Store, StoreOptions, Tree, Unlimited, sweep};
use proptest::prelude::*;

use crate::Hands;
use crate::model::Model;
use crate::operation::{Files, Operation, operation};
use crate::ours::{Ours, dump};

const TREES_MAX: usize = 4;

#[derive(Debug, Clone)]
enum Step {
    /// In one of the trees.
    Do(usize, Operation),
    /// Another tree that begins as this one is.
    Fork(usize),
    /// Keep this tree as it is now.
    Keep(usize),
    /// Go back to what was kept of any tree.
    Rewind(usize, usize),
    /// Save it.
    Save(usize),
    /// Open what was last saved of it instead, with another store as after a restart.
    Reopen(usize),
    /// Sweep, the roots that were saved last being wanted.
    Sweep,
}

fn step() -> impl Strategy<Value = Step> {
    let tree = || 0..TREES_MAX;
    prop_oneof![
        30 => (tree(), operation()).prop_map(|(tree, operation)| Step::Do(tree, operation)),
        2 => tree().prop_map(Step::Fork),
        2 => tree().prop_map(Step::Keep),
        2 => (tree(), 0..20_usize).prop_map(|(tree, kept)| Step::Rewind(tree, kept)),
        2 => tree().prop_map(Step::Save),
        1 => tree().prop_map(Step::Reopen),
        1 => Just(Step::Sweep),
    ]
}

struct Pair {
    ours: Ours,
    model: Model,
    saved: Option<(Key, Model)>,
}

fn open_store(blobs: &Arc<MemoryBlobs>, hands: &Hands) -> (Arc<Store>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let pack = Dir::open_ambient_dir(folder.path(), cap_std::ambient_authority()).unwrap();
    // So little memory that chunks come and go all the time.
    let store = Store::open(StoreOptions {
        memory_bytes_max: 100_000,
        pack: Some(pack),
        ..StoreOptions::new(blobs.clone(), hands.clock())
    });
    (store.unwrap(), folder)
}

fn run(steps: &[Step]) -> Result<(), TestCaseError> {
    let (blobs, hands) = (Arc::new(MemoryBlobs::default()), Hands::default());
    let mut stores = vec![open_store(&blobs, &hands)];
    let fresh = Tree::new(&stores[0].0, Arc::new(Unlimited));
    let mut pairs = vec![Pair {
        ours: Ours::new(fresh),
        model: Model::new(),
        saved: None,
    }];
    let mut kept: Vec<(Snapshot, Model)> = Vec::new();
    for step in steps {
        match step {
            Step::Do(tree, operation) => {
                let count = pairs.len();
                let pair = &mut pairs[tree % count];
                prop_assert_eq!(
                    pair.ours.apply(operation),
                    pair.model.apply(operation),
                    "{:?}",
                    step
                );
            }
            Step::Fork(tree) => {
                let pair = &pairs[tree % pairs.len()];
                let fork = Tree::from_snapshot(&pair.ours.tree.snapshot(), Arc::new(Unlimited));
                let fork = Pair {
                    ours: Ours::new(fork),
                    model: pair.model.fork(),
                    saved: pair.saved.clone(),
                };
                if pairs.len() < TREES_MAX {
                    pairs.push(fork);
                } else {
                    pairs[(tree + 1) % TREES_MAX] = fork;
                }
            }
            Step::Keep(tree) => {
                let pair = &pairs[tree % pairs.len()];
                kept.push((pair.ours.tree.snapshot(), pair.model.fork()));
            }
            Step::Rewind(tree, number) if !kept.is_empty() => {
                let count = pairs.len();
                let (snapshot, model) = &kept[number % kept.len()];
                pairs[tree % count].ours =
                    Ours::new(Tree::from_snapshot(snapshot, Arc::new(Unlimited)));
                pairs[tree % count].model = model.fork();
            }
            Step::Save(tree) => {
                let count = pairs.len();
                let pair = &mut pairs[tree % count];
                let saved = pair.ours.tree.snapshot().save().unwrap();
                pair.saved = Some((saved.root, pair.model.fork()));
                let again = pair.ours.tree.snapshot().save().unwrap();
                prop_assert_eq!(
                    (again.root, again.blobs_written),
                    (saved.root, 1),
                    "only the root is written again"
                );
            }
            Step::Reopen(tree) => {
                let count = pairs.len();
                let pair = &mut pairs[tree % count];
                if let Some((root, model)) = &pair.saved {
                    stores.push(open_store(&blobs, &hands));
                    let snapshot = Snapshot::open(&stores.last().unwrap().0, root).unwrap();
                    pair.ours = Ours::new(Tree::from_snapshot(&snapshot, Arc::new(Unlimited)));
                    pair.model = model.fork();
                }
            }
            Step::Sweep => {
                hands.forward(100);
                let roots = pairs
                    .iter()
                    .filter_map(|pair| pair.saved.as_ref())
                    .map(|(root, _)| *root)
                    .collect();
                let grace = Duration::from_secs(100);
                sweep::sweep(&stores[0].0, grace, || roots).unwrap();
                // What was kept may have been opened from a root that is not wanted any more.
                kept.clear();
                for pair in &mut pairs {
                    if let Some((root, model)) = &pair.saved {
                        let snapshot = Snapshot::open(&stores[0].0, root).unwrap();
                        pair.ours = Ours::new(Tree::from_snapshot(&snapshot, Arc::new(Unlimited)));
                        pair.model = model.fork();
                    }
                }
            }
            Step::Rewind(..) => {}
        }
    }
    let mut seen = BTreeSet::new();
    for pair in &pairs {
        let snapshot = pair.ours.tree.snapshot();
        prop_assert_eq!(dump(&snapshot), pair.model.dump());
        let verified = snapshot.verify();
        prop_assert!(verified.is_sound(), "{:?}", verified);
        if let Some((root, model)) = pair.saved.as_ref().filter(|(root, _)| seen.insert(*root)) {
            prop_assert_eq!(
                dump(&Snapshot::open(&stores[0].0, root).unwrap()),
                model.dump()
            );
        }
    }
    for (snapshot, model) in &kept {
        prop_assert_eq!(dump(snapshot), model.dump());
    }
    for pair in &pairs {
        for other in &pairs {
            differences_agree(pair, other)?;
        }
    }
    Ok(())
}

/// What differs is what differs by looking at everything.
fn differences_agree(a: &Pair, b: &Pair) -> Result<(), TestCaseError> {
    let strip = |model: &Model| {
        let mut dump = model.dump();
        // How many names a file has is no difference of the file at a path.
        for text in dump
            .values_mut()
            .filter(|text| !text.starts_with("directory"))
        {
            let mut words: Vec<&str> = text.split(' ').collect();
            words.remove(if words[0] == "file" { 3 } else { 2 });
            *text = words.join(" ");
        }
        dump
    };
    let (before, after) = (strip(&a.model), strip(&b.model));
    let mut expected: Vec<_> = before
        .keys()
        .chain(after.keys())
        .filter(|path| before.get(*path) != after.get(*path))
        .collect();
    expected.sort();
    expected.dedup();
    let changes = a
        .ours
        .tree
        .snapshot()
        .differences(&b.ours.tree.snapshot())
        .unwrap();
    // Symlinks to different places may be of one length; the model tells them apart by nothing else.
    let found: Vec<_> = changes
        .iter()
        .filter(|change| before.get(&change.path) != after.get(&change.path))
        .map(|change| &change.path)
        .collect();
    prop_assert_eq!(&found, &expected);
    for change in &changes {
        let symlink = before
            .get(&change.path)
            .is_some_and(|text| text.starts_with("symlink"));
        prop_assert!(
            symlink || before.get(&change.path) != after.get(&change.path),
            "{:?}",
            change
        );
        prop_assert_eq!(change.before.is_some(), before.contains_key(&change.path));
        prop_assert_eq!(change.after.is_some(), after.contains_key(&change.path));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_shrink_iters: 4000, ..ProptestConfig::default() })]

    #[test]
    fn no_tree_sees_another(steps in prop::collection::vec(step(), 1..80)) {
        run(&steps)?;
    }
}
