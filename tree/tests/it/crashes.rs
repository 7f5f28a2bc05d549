//! Saving and sweeping while the blobs fail at every step in turn, and while the other goes on at every step.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use glovebox_tree::sweep::{self, SweepError};
use glovebox_tree::{Blobs, Key, MemoryBlobs, SaveError, Snapshot, Store, Tree, Unlimited};

use crate::ours::dump;
use crate::{Hands, noise, store_on, write};

const GRACE: Duration = Duration::from_secs(100);

type Hook = Box<dyn FnMut(u64) + Send>;

/// Blobs that stop working before a certain step, as in a crash, or let something else happen there.
struct Steps {
    blobs: Arc<MemoryBlobs>,
    step: AtomicU64,
    /// The step at which everything fails, and all later ones.
    fail_at: AtomicU64,
    failed: AtomicBool,
    hook: Mutex<Option<Hook>>,
}

impl Steps {
    fn new(blobs: &Arc<MemoryBlobs>, fail_at: Option<u64>, hook: Option<Hook>) -> Arc<Steps> {
        Arc::new(Steps {
            blobs: blobs.clone(),
            step: AtomicU64::new(0),
            fail_at: AtomicU64::new(fail_at.unwrap_or(u64::MAX)),
            failed: AtomicBool::new(false),
            hook: Mutex::new(hook),
        })
    }

    fn step(&self) -> io::Result<()> {
        let step = self.step.fetch_add(1, Ordering::Relaxed);
        if let Some(hook) = &mut *self.hook.lock().unwrap() {
            hook(step);
        }
        if step >= self.fail_at.load(Ordering::Relaxed) {
            self.failed.store(true, Ordering::Relaxed);
            return Err(io::Error::other("crashed"));
        }
        Ok(())
    }
}

impl Blobs for Steps {
    fn put(&self, key: &Key, bytes: &[u8]) -> io::Result<()> {
        self.step()?;
        self.blobs.put(key, bytes)
    }
    fn flush(&self) -> io::Result<()> {
        self.step()?;
        self.blobs.flush()
    }
    fn get(&self, key: &Key) -> io::Result<Option<Bytes>> {
        self.step()?;
        self.blobs.get(key)
    }
    fn has(&self, key: &Key) -> io::Result<bool> {
        self.step()?;
        self.blobs.has(key)
    }
    fn list(&self) -> io::Result<Vec<Key>> {
        self.step()?;
        self.blobs.list()
    }
    fn delete(&self, key: &Key) -> io::Result<()> {
        self.step()?;
        self.blobs.delete(key)
    }
    fn record(&self) -> io::Result<Option<Bytes>> {
        self.step()?;
        self.blobs.record()
    }
    fn set_record(&self, bytes: &[u8]) -> io::Result<()> {
        self.step()?;
        self.blobs.set_record(bytes)
    }
}

/// A tree of some dozens of pages and chunks.
fn fill(tree: &Arc<Tree>, seed: u64) {
    for number in 0..100 {
        write(
            tree,
            &format!("d{}/f{number}", number % 3),
            &noise(seed + number, 50),
        );
    }
    write(tree, "large", &noise(seed, 200_000));
}

fn change(tree: &Arc<Tree>, seed: u64) {
    write(tree, "d1/f1", &noise(seed, 70));
    write(tree, "new/large", &noise(seed + 1, 80_000));
    let _ = tree.root().remove_file("large");
}

fn opened(store: &Arc<Store>, root: &Key) -> Arc<Tree> {
    Tree::from_snapshot(&Snapshot::open(store, root).unwrap(), Arc::new(Unlimited))
}

fn sound(blobs: &Arc<MemoryBlobs>, hands: &Hands, roots: &[Key]) {
    let store = store_on(blobs.clone(), hands);
    for root in roots {
        let verified = Snapshot::open(&store, root).unwrap().verify();
        assert!(verified.is_sound(), "{verified:?}");
    }
}

/// Two saved versions, the first of which is not wanted any more.
struct Scene {
    blobs: Arc<MemoryBlobs>,
    hands: Hands,
    old: Key,
    wanted: Key,
}

fn scene() -> Scene {
    let (blobs, hands) = (Arc::new(MemoryBlobs::default()), Hands::default());
    let tree = Tree::new(&store_on(blobs.clone(), &hands), Arc::new(Unlimited));
    fill(&tree, 1);
    let old = tree.snapshot().save().unwrap().root;
    change(&tree, 1000);
    let wanted = tree.snapshot().save().unwrap().root;
    Scene {
        blobs,
        hands,
        old,
        wanted,
    }
}

#[test]
fn a_crash_while_saving_loses_nothing() {
    let mut step = 0;
    loop {
        let Scene {
            blobs,
            hands,
            wanted,
            ..
        } = scene();
        let failing = Steps::new(&blobs, None, None);
        let tree = opened(&store_on(failing.clone(), &hands), &wanted);
        let before = tree.snapshot();
        change(&tree, 2000);
        failing.fail_at.store(
            failing.step.load(Ordering::Relaxed) + step,
            Ordering::Relaxed,
        );
        let saved = tree.snapshot().save();
        if !failing.failed.load(Ordering::Relaxed) {
            assert!(step > 4, "{step} steps");
            sound(&blobs, &hands, &[wanted, saved.unwrap().root]);
            return;
        }
        assert!(saved.is_err());
        failing.fail_at.store(u64::MAX, Ordering::Relaxed);
        assert_eq!(
            dump(&before),
            dump(&Snapshot::open(&store_on(blobs.clone(), &hands), &wanted).unwrap())
        );
        sound(&blobs, &hands, &[wanted]);
        // What it left is removed in two sweeps, and no more.
        let store = store_on(blobs.clone(), &hands);
        for _ in 0..2 {
            hands.forward(200);
            sweep::sweep(&store, GRACE, || vec![wanted]).unwrap();
        }
        sound(&blobs, &hands, &[wanted]);
        let left = blobs.list().unwrap().len();
        let again = opened(&store, &wanted).snapshot().verify();
        assert!(again.is_sound());
        hands.forward(200);
        assert_eq!(
            sweep::sweep(&store, GRACE, || vec![wanted])
                .unwrap()
                .deleted,
            0
        );
        assert_eq!(blobs.list().unwrap().len(), left);
        step += 1;
    }
}

#[test]
fn a_save_that_failed_goes_on() {
    for step in 0.. {
        let (blobs, hands) = (Arc::new(MemoryBlobs::default()), Hands::default());
        let flaky = Steps::new(&blobs, None, None);
        let tree = Tree::new(&store_on(flaky.clone(), &hands), Arc::new(Unlimited));
        fill(&tree, 1);
        let begin = flaky.step.load(Ordering::Relaxed);
        flaky.fail_at.store(begin + step, Ordering::Relaxed);
        let first = tree.snapshot().save();
        flaky.fail_at.store(u64::MAX, Ordering::Relaxed);
        let steps = flaky.step.load(Ordering::Relaxed) - begin;
        let saved = tree.snapshot().save().unwrap();
        sound(&blobs, &hands, &[saved.root]);
        assert_eq!(
            dump(&Snapshot::open(&store_on(blobs, &hands), &saved.root).unwrap()),
            dump(&tree.snapshot())
        );
        if first.is_ok() {
            return;
        }
        assert!(steps == step + 1, "it stops at the first failure");
    }
}

#[test]
fn a_crash_while_sweeping_loses_nothing() {
    let mut step = 0;
    loop {
        let Scene {
            blobs,
            hands,
            old,
            wanted,
        } = scene();
        let store = store_on(blobs.clone(), &hands);
        sweep::sweep(&store, GRACE, || vec![wanted]).unwrap();
        assert!(blobs.has(&old).unwrap(), "condemned, not deleted");
        hands.forward(200);
        let failing = Steps::new(&blobs, Some(step), None);
        let crashed = sweep::sweep(&store_on(failing, &hands), GRACE, || vec![wanted]);
        sound(&blobs, &hands, &[wanted]);
        if crashed.is_ok() {
            assert!(step > 4, "{step} steps");
            assert!(!blobs.has(&old).unwrap());
            return;
        }
        // The next one goes on, and a save at this moment is as safe as ever.
        let tree = opened(&store, &wanted);
        change(&tree, 3000);
        write(&tree, "large", &noise(1, 200_000));
        let saved = tree.snapshot().save().unwrap();
        sweep::sweep(&store, GRACE, || vec![wanted, saved.root]).unwrap();
        sound(&blobs, &hands, &[wanted, saved.root]);
        assert!(!blobs.has(&old).unwrap());
        step += 1;
    }
}

/// A sweep at every step of a save, in every state of the store: before anything was condemned, when what the save
/// would rely upon is condemned, and when it is about to be deleted.
#[test]
fn a_sweep_at_any_step_of_a_save_takes_nothing_from_it() {
    for sweeps_before in 0..3 {
        for step in 0.. {
            let Scene {
                blobs,
                hands,
                old,
                wanted,
            } = scene();
            let sweeping = store_on(blobs.clone(), &hands);
            let sweeps = |roots: Vec<Key>| {
                hands.forward(101);
                sweep::sweep(&sweeping, GRACE, || roots)
            };
            // A tree that begins as the old version, whose blobs nobody else wants.
            let hook_store = sweeping.clone();
            let hook_hands = hands.clone();
            let armed = Arc::new(AtomicU64::new(u64::MAX));
            let (hook_armed, happened) = (armed.clone(), Arc::new(AtomicBool::new(false)));
            let hook_happened = happened.clone();
            let hook: Hook = Box::new(move |at| {
                if at == hook_armed.load(Ordering::Relaxed) {
                    hook_happened.store(true, Ordering::Relaxed);
                    // The time since the last sweep is over at this very moment. The session holds its root no more
                    // than a sweep needs to take it for garbage.
                    hook_hands.forward(101);
                    sweep::sweep(&hook_store, GRACE, || vec![wanted]).unwrap();
                }
            });
            let steps = Steps::new(&blobs, None, Some(hook));
            let store = store_on(steps.clone(), &hands);
            let tree = opened(&store, &old);
            assert!(tree.snapshot().verify().is_sound());
            // All of it in memory, as in a session that has been at work; what it knows is from before the sweeps.
            for path in dump(&tree.snapshot()).keys() {
                let _ = tree.snapshot().stat(path);
            }
            for _ in 0..sweeps_before {
                sweeps(vec![wanted, old]).unwrap();
            }
            change(&tree, 5000);
            armed.store(steps.step.load(Ordering::Relaxed) + step, Ordering::Relaxed);
            let saved = tree.snapshot().save();
            let interrupted = happened.load(Ordering::Relaxed);
            armed.store(u64::MAX, Ordering::Relaxed);
            match saved {
                Ok(saved) => {
                    // In time: the root is known when the next sweep begins.
                    for _ in 0..3 {
                        sweeps(vec![wanted, saved.root]).unwrap();
                    }
                    sound(&blobs, &hands, &[wanted, saved.root]);
                }
                Err(error) => panic!("{error}: a single sweep stops no save"),
            }
            if !interrupted {
                assert!(step > 4, "{step} steps");
                break;
            }
        }
    }
}

#[test]
fn what_is_condemned_is_written_again() {
    let Scene {
        blobs,
        hands,
        old,
        wanted,
    } = scene();
    let store = store_on(blobs.clone(), &hands);
    let tree = opened(&store, &old);
    assert!(tree.snapshot().verify().is_sound());
    let _ = dump(&tree.snapshot());
    sweep::sweep(&store, GRACE, || vec![wanted]).unwrap();
    // The old version is condemned. A session goes on from it all the same.
    let saved = tree.snapshot().save().unwrap();
    assert!(saved.blobs_written > 5, "{saved:?}");
    hands.forward(101);
    let swept = sweep::sweep(&store, GRACE, || vec![wanted, saved.root]).unwrap();
    assert!(swept.deleted > 5, "{swept:?}");
    sound(&blobs, &hands, &[wanted, saved.root]);
    // And once more, nothing having changed but the generation.
    let again = tree.snapshot().save().unwrap();
    assert_eq!(again.blobs_written, 1);
    sound(&blobs, &hands, &[wanted, saved.root, again.root]);
}

#[test]
fn a_save_that_takes_too_long_says_so() {
    let Scene {
        blobs,
        hands,
        wanted,
        ..
    } = scene();
    let plain = store_on(blobs.clone(), &hands);
    let hook_hands = hands.clone();
    let steps = Steps::new(
        &blobs,
        None,
        Some(Box::new(move |at| {
            if at == 20 {
                sweep::sweep(&plain, GRACE, || vec![wanted]).unwrap();
                hook_hands.forward(51);
            }
        })),
    );
    let tree = Tree::new(&store_on(steps, &hands), Arc::new(Unlimited));
    fill(&tree, 9);
    assert!(matches!(tree.snapshot().save(), Err(SaveError::TooSlow(_))));
    let saved = tree.snapshot().save().unwrap();
    sound(&blobs, &hands, &[wanted, saved.root]);
}

#[test]
fn sweeps_keep_their_distance_and_refuse_what_is_damaged() {
    let Scene {
        blobs,
        hands,
        old,
        wanted,
    } = scene();
    let store = store_on(blobs.clone(), &hands);
    sweep::sweep(&store, GRACE, || vec![wanted]).unwrap();
    hands.forward(99);
    let asked = AtomicBool::new(false);
    let early = sweep::sweep(&store, GRACE, || {
        asked.store(true, Ordering::Relaxed);
        vec![wanted]
    });
    assert!(
        matches!(early, Err(SweepError::TooEarly(left)) if left <= Duration::from_secs(1)),
        "{early:?}"
    );
    assert!(
        !asked.load(Ordering::Relaxed),
        "roots are asked for when the grace is over"
    );
    hands.forward(10);
    blobs.damage(&wanted, b"nonsense");
    assert!(matches!(
        sweep::sweep(&store, GRACE, || vec![wanted]),
        Err(SweepError::Damaged(_))
    ));
    assert!(blobs.has(&old).unwrap(), "nothing was deleted");
}
