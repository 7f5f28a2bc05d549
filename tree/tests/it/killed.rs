//! A process that saves and sweeps in a folder is killed at random moments: whatever it said was saved is there.
//!
//! The process is this test binary once more, running `the_one_that_is_killed`. It keeps a log of the roots that it
//! saved, each line written after the save returned. A sweep goes on all the time; it and the saves share a lock only
//! while a sweep asks for its roots, so that a root is in the log before any later sweep begins.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cap_std::fs::Dir;
use glovebox_tree::sweep::{self, SweepError};
use glovebox_tree::{
    FolderBlobs, Key, SaveError, Snapshot, Store, StoreOptions, Timestamp, Tree, Unlimited,
};

use crate::{noise, write};

const FOLDER: &str = "GLOVEBOX_TREE_KILLED";
/// So many versions stay wanted.
const KEPT: usize = 4;
const GRACE: Duration = Duration::from_secs(40);

/// A store in a folder. Its clock runs a thousand times as fast as others do.
fn store(folder: &Path) -> Arc<Store> {
    let below = |name: &str| {
        let path = folder.join(name);
        fs::create_dir_all(&path).unwrap();
        Dir::open_ambient_dir(path, cap_std::ambient_authority()).unwrap()
    };
    let clock = || {
        #[expect(
            clippy::disallowed_methods,
            reason = "it goes on when the process is killed"
        )]
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp {
            seconds: u64::try_from(now.as_millis()).unwrap(),
            nanoseconds: 0,
        }
    };
    let blobs = Arc::new(FolderBlobs::open(below("blobs")).unwrap());
    Store::open(StoreOptions {
        memory_bytes_max: 1 << 20,
        pack: Some(below("pack")),
        ..StoreOptions::new(blobs, Arc::new(clock))
    })
    .unwrap()
}

/// The roots in the log, the last line left out if it was cut off.
fn logged(folder: &Path) -> Vec<(u64, Key)> {
    let text = fs::read_to_string(folder.join("log")).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole
        .lines()
        .map(|line| {
            let (number, root) = line.split_once(' ').unwrap();
            (number.parse().unwrap(), root.parse().unwrap())
        })
        .collect()
}

fn wanted(folder: &Path) -> Vec<(u64, Key)> {
    let mut all = logged(folder);
    all.drain(..all.len().saturating_sub(KEPT));
    all
}

/// Version `number`, from the one before it.
fn change(tree: &Arc<Tree>, number: u64) {
    write(tree, "number", number.to_string().as_bytes());
    write(tree, &format!("d{}/small", number % 7), &noise(number, 900));
    write(
        tree,
        &format!("large{}", number % 3),
        &noise(number, 150_000),
    );
    for file in 0..20 {
        write(
            tree,
            &format!("many/{}", number * 20 % 700 + file),
            &noise(number, 40),
        );
    }
}

#[test]
#[ignore = "never ends: it is what the other test kills"]
fn the_one_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    let store = store(folder);
    let begin = logged(folder).pop();
    let tree = match &begin {
        Some((_, root)) => {
            let snapshot = Snapshot::open(&store, root).unwrap();
            Tree::from_snapshot(&snapshot, Arc::new(Unlimited))
        }
        None => Tree::new(&store, Arc::new(Unlimited)),
    };
    let log = fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(folder.join("log"));
    let log = Mutex::new(log.unwrap());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            loop {
                let roots = || {
                    let _log = log.lock().unwrap();
                    let opened = begin.iter().copied();
                    wanted(folder)
                        .into_iter()
                        .chain(opened)
                        .map(|(_, root)| root)
                        .collect()
                };
                match sweep::sweep(&store, GRACE, roots) {
                    Ok(_) => fs::write(folder.join("swept"), "").unwrap(),
                    Err(SweepError::TooEarly(_)) => std::thread::yield_now(),
                    Err(error) => panic!("{error:?}"),
                }
            }
        });
        for number in begin.map_or(0, |(number, _)| number) + 1.. {
            change(&tree, number);
            loop {
                let mut log = log.lock().unwrap();
                match tree.snapshot().save() {
                    Ok(saved) => {
                        log.write_all(format!("{number} {}\n", saved.root).as_bytes())
                            .unwrap();
                        break;
                    }
                    Err(SaveError::TooSlow(_)) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
        }
    });
}

#[test]
fn a_process_that_is_killed_has_saved_what_it_said() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut before = 0;
    let mut rounds = 0;
    // Until there was something in every respect, and for some rounds at least.
    while rounds < 12 || before < 20 || !folder.join("swept").exists() {
        rounds += 1;
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "killed::the_one_that_is_killed",
                "--ignored",
                "--nocapture",
            ])
            .env(FOLDER, folder)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(40 + 37 * rounds % 300));
        let ended = child.try_wait().unwrap();
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(ended, None, "{}", String::from_utf8_lossy(&output.stderr));
        let store = store(folder);
        let wanted = wanted(folder);
        for (number, root) in &wanted {
            let snapshot = Snapshot::open(&store, root).unwrap();
            let verified = snapshot.verify();
            assert!(
                verified.is_sound(),
                "round {rounds}, {number}: {verified:?}"
            );
            let content = snapshot.read_file("number", 20).unwrap();
            assert_eq!(content, number.to_string().as_bytes());
        }
        let last = wanted.last().map_or(0, |(number, _)| *number);
        assert!(last >= before, "{last} after {before}");
        before = last;
    }
    // What nobody wants has gone meanwhile.
    let blobs = fs::read_dir(folder.join("blobs/chunk")).unwrap().count();
    assert!(blobs > 0, "generations of chunks: {blobs}");
}
