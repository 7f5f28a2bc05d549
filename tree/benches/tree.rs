//! The tree beside the host's own file system, on one thread, and what only the tree can do.
//!
//! `cargo bench -p glovebox-tree --bench tree`. Every figure is the median of several rounds; the host's directory is
//! a temporary one (`TMPDIR` says where), its caches warm, nothing synced. `FILES=100000` takes larger trees along,
//! `LARGE=1024` larger files (MiB).

#![expect(clippy::print_stdout, reason = "a bench that prints a table")]
#![expect(clippy::unwrap_used, reason = "a bench may fail")]
#![expect(
    clippy::disallowed_methods,
    reason = "the clock of the bench is the host's"
)]

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use cap_std::fs::Dir;
use glovebox_tree::{
    Blobs, Create, Directory, File, FolderBlobs, Found, MemoryBlobs, OpenHow, Snapshot, Store,
    StoreOptions, Tree, Unlimited,
};

const SMALL: usize = 10_000;
const DIRECTORIES: usize = 100;
const READ: OpenHow = OpenHow {
    write: false,
    create: Create::Never,
    truncate: false,
    directory: false,
};
const WRITE: OpenHow = OpenHow {
    write: true,
    create: Create::IfMissing(0o644),
    truncate: true,
    directory: false,
};

fn store(blobs: Arc<dyn Blobs>, pack: Option<Dir>) -> Arc<Store> {
    let clock = || {
        SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            .into()
    };
    Store::open(StoreOptions {
        pack,
        ..StoreOptions::new(blobs, Arc::new(clock))
    })
    .unwrap()
}

fn dir(path: &Path) -> Dir {
    Dir::open_ambient_dir(path, cap_std::ambient_authority()).unwrap()
}

fn directory(root: &Directory, number: usize) -> Directory {
    match root.enter(&format!("d{number}")).unwrap() {
        Found::Directory(directory) => directory,
        _ => panic!(),
    }
}

fn open(directory: &Directory, name: &str, how: &OpenHow) -> File {
    match directory.open(name, how).unwrap() {
        Found::File(file) => file,
        _ => panic!(),
    }
}

fn median(rounds: usize, mut round: impl FnMut() -> Duration) -> Duration {
    let mut times: Vec<_> = (0..rounds).map(|_| round()).collect();
    times.sort();
    times[rounds / 2]
}

fn timed(act: impl FnOnce()) -> Duration {
    let start = Instant::now();
    act();
    start.elapsed()
}

fn row(what: &str, ours: Duration, host: Duration) {
    println!(
        "{what:<44} {ours:>12.2?} {host:>12.2?} {:>7.2}x",
        ours.as_secs_f64() / host.as_secs_f64()
    );
}

fn alone(what: &str, ours: Duration, note: &str) {
    println!("{what:<44} {ours:>12.2?}  {note}");
}

fn names(count: usize) -> Vec<(usize, String)> {
    (0..count)
        .map(|number| (number % DIRECTORIES, format!("file-{number}")))
        .collect()
}

fn filled(store: &Arc<Store>, count: usize, bytes: &[u8]) -> Arc<Tree> {
    let tree = Tree::new(store, Arc::new(Unlimited));
    fill(&tree, &names(count), bytes);
    tree
}

fn fill(tree: &Arc<Tree>, names: &[(usize, String)], bytes: &[u8]) {
    let root = tree.root();
    for number in 0..DIRECTORIES {
        root.create_directory(&format!("d{number}"), 0o755).unwrap();
    }
    for (number, name) in names {
        open(&directory(&root, *number), name, &WRITE)
            .write_at(0, bytes)
            .unwrap();
    }
}

fn fill_host(root: &Path, names: &[(usize, String)], bytes: &[u8]) {
    for number in 0..DIRECTORIES {
        fs::create_dir(root.join(format!("d{number}"))).unwrap();
    }
    for (number, name) in names {
        fs::write(root.join(format!("d{number}/{name}")), bytes).unwrap();
    }
}

fn small_files() {
    let names = names(SMALL);
    for size in [100, 4096, 20_000] {
        let bytes = vec![7; size];
        let temporary = || tempfile::tempdir().unwrap();
        let memory = || store(Arc::new(MemoryBlobs::default()), None);
        let ours = median(5, || {
            let tree = Tree::new(&memory(), Arc::new(Unlimited));
            timed(|| fill(&tree, &names, &bytes))
        });
        let host = median(3, || {
            let folder = temporary();
            timed(|| fill_host(folder.path(), &names, &bytes))
        });
        row(&format!("create 10,000 files of {size} bytes"), ours, host);
        let (tree, folder) = (filled(&memory(), SMALL, &bytes), temporary());
        fill_host(folder.path(), &names, &bytes);
        let root = tree.root();
        let paths: Vec<PathBuf> = names
            .iter()
            .map(|(number, name)| folder.path().join(format!("d{number}/{name}")))
            .collect();
        let ours = median(5, || {
            timed(|| {
                for (number, name) in &names {
                    let file = open(&directory(&root, *number), name, &READ);
                    assert_eq!(file.read_at(0, 65536).unwrap().len(), size);
                }
            })
        });
        let host = median(5, || {
            timed(|| {
                let mut buffer = vec![0; 65536];
                for path in &paths {
                    assert_eq!(
                        fs::File::open(path).unwrap().read(&mut buffer).unwrap(),
                        size
                    );
                }
            })
        });
        row(
            &format!("open and read 10,000 files of {size} bytes"),
            ours,
            host,
        );
        let ours = median(5, || {
            timed(|| {
                for (number, name) in names.iter().take(500) {
                    open(&directory(&root, *number), name, &WRITE)
                        .write_at(0, &bytes)
                        .unwrap();
                }
            })
        });
        let host = median(5, || {
            timed(|| {
                paths
                    .iter()
                    .take(500)
                    .for_each(|path| fs::write(path, &bytes).unwrap())
            })
        });
        row(&format!("rewrite 500 files of {size} bytes"), ours, host);
        if size > 100 {
            continue;
        }
        let ours = median(5, || {
            timed(|| {
                for (number, name) in &names {
                    directory(&root, *number).stat_entry(name).unwrap();
                }
            })
        });
        let host = median(5, || {
            timed(|| {
                paths
                    .iter()
                    .for_each(|path| assert!(fs::symlink_metadata(path).unwrap().is_file()))
            })
        });
        row("stat 10,000 files", ours, host);
        let ours = median(5, || {
            timed(|| {
                for number in 0..DIRECTORIES {
                    assert_eq!(
                        directory(&root, number).list().unwrap().count(),
                        SMALL / DIRECTORIES
                    );
                }
            })
        });
        let host = median(5, || {
            timed(|| {
                for number in 0..DIRECTORIES {
                    let entries = fs::read_dir(folder.path().join(format!("d{number}"))).unwrap();
                    assert_eq!(entries.count(), SMALL / DIRECTORIES);
                }
            })
        });
        row("list 100 directories of 100 files", ours, host);
        let ours = timed(|| {
            for (number, name) in &names {
                let directory = directory(&root, *number);
                directory
                    .rename(name, &directory, &format!("{name}-"))
                    .unwrap();
            }
        });
        let host = timed(|| {
            paths
                .iter()
                .for_each(|path| fs::rename(path, path.with_extension("-")).unwrap())
        });
        row("rename 10,000 files", ours, host);
        let ours = timed(|| {
            for (number, name) in &names {
                directory(&root, *number)
                    .remove_file(&format!("{name}-"))
                    .unwrap();
            }
        });
        let host = timed(|| {
            paths
                .iter()
                .for_each(|path| fs::remove_file(path.with_extension("-")).unwrap())
        });
        row("remove 10,000 files", ours, host);
    }
}

fn large_file(megabytes: usize, block: usize) {
    let bytes: Vec<u8> = (0..block)
        .map(|at| u8::try_from(at * 31 % 251).unwrap())
        .collect();
    let blocks = (megabytes << 20) / block;
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("pack")).unwrap();
    let store = store(
        Arc::new(MemoryBlobs::default()),
        Some(dir(&folder.path().join("pack"))),
    );
    let tree = Tree::new(&store, Arc::new(Unlimited));
    let rounds = if megabytes > 100 { 1 } else { 5 };
    let path = folder.path().join("large");
    let at = |number: usize| u64::try_from(number * block).unwrap();
    let ours = median(rounds, || {
        let file = open(&tree.root(), "large", &WRITE);
        timed(|| {
            (0..blocks).for_each(|number| assert_eq!(file.write_at(at(number), &bytes), Ok(block)))
        })
    });
    let host = median(rounds, || {
        let mut file = fs::File::create(&path).unwrap();
        timed(|| (0..blocks).for_each(|_| file.write_all(&bytes).unwrap()))
    });
    row(
        &format!("write {megabytes} MiB, {} KiB at a time", block >> 10),
        ours,
        host,
    );
    let ours = median(rounds, || {
        let file = open(&tree.root(), "large", &READ);
        timed(|| {
            let (mut offset, mut sum) = (0, 0_u64);
            loop {
                let piece = file.read_at(offset, block).unwrap();
                if piece.is_empty() {
                    break;
                }
                offset += u64::try_from(piece.len()).unwrap();
                sum += u64::from(piece[piece.len() / 2]);
            }
            std::hint::black_box(sum);
        })
    });
    let host = median(rounds, || {
        let file = fs::File::open(&path).unwrap();
        timed(|| {
            let mut buffer = vec![0; block];
            for number in 0..blocks {
                file.read_exact_at(&mut buffer, at(number)).unwrap();
                std::hint::black_box(&buffer);
            }
        })
    });
    row(
        &format!("read {megabytes} MiB, {} KiB at a time", block >> 10),
        ours,
        host,
    );
}

fn versions(count: usize) {
    let before = resident();
    let tree = filled(
        &store(Arc::new(MemoryBlobs::default()), None),
        count,
        &[7; 100],
    );
    let bytes = resident().saturating_sub(before);
    println!(
        "-- {count} files of 100 bytes; {} bytes of memory for each",
        bytes / count
    );
    let rounds = 1000;
    let root = tree.root();
    let each = |time: Duration| time / u32::try_from(rounds).unwrap();
    let mut kept = Vec::with_capacity(rounds);
    let time = timed(|| (0..rounds).for_each(|_| kept.push(tree.snapshot())));
    alone("snapshot", each(time), "");
    let mut forks = Vec::with_capacity(rounds);
    let time = timed(|| {
        kept.iter()
            .for_each(|kept| forks.push(Tree::from_snapshot(kept, Arc::new(Unlimited))))
    });
    alone("fork", each(time), "");
    let time = timed(|| {
        for fork in &forks {
            open(&directory(&fork.root(), 7), "file-7", &WRITE)
                .write_at(0, b"changed")
                .unwrap();
        }
    });
    alone("first write after a fork", each(time), "");
    let fork = &forks[0];
    let time = median(9, || {
        timed(|| {
            assert_eq!(
                kept[0].differences(&fork.snapshot()).unwrap().len(),
                usize::from(count > 7)
            )
        })
    });
    alone("compare with a fork, one file changed", time, "");
    drop((kept, forks));
    let folder = tempfile::tempdir().unwrap();
    let blobs = || Arc::new(FolderBlobs::open(dir(folder.path())).unwrap());
    let tree = filled(&store(blobs(), None), count, &[7; 100]);
    let mut saved = None;
    let time = timed(|| saved = Some(tree.snapshot().save().unwrap()));
    let written = saved.unwrap();
    alone(
        "save all, durably",
        time,
        &format!(
            "{} blobs, {} bytes",
            written.blobs_written, written.bytes_written
        ),
    );
    let mut number = 0;
    let time = median(5, || {
        number += 1;
        open(&directory(&tree.root(), 7), "file-7", &WRITE)
            .write_at(0, format!("{number}").as_bytes())
            .unwrap();
        timed(|| saved = Some(tree.snapshot().save().unwrap()))
    });
    let written = saved.unwrap();
    let note = format!(
        "{} blobs, {} bytes",
        written.blobs_written, written.bytes_written
    );
    alone("save one change, durably", time, &note);
    let memory = store(Arc::new(MemoryBlobs::default()), None);
    let in_memory = filled(&memory, count, &[7; 100]);
    in_memory.snapshot().save().unwrap();
    let time = median(9, || {
        number += 1;
        open(&directory(&in_memory.root(), 7), "file-7", &WRITE)
            .write_at(0, format!("{number}").as_bytes())
            .unwrap();
        timed(|| saved = Some(in_memory.snapshot().save().unwrap()))
    });
    alone("save one change, to memory", time, "");
    let fresh = store(blobs(), None);
    let time = median(9, || {
        timed(|| drop(Snapshot::open(&fresh, &written.root).unwrap()))
    });
    alone("open what was saved", time, "");
    let time = median(9, || {
        timed(|| {
            assert_eq!(
                Snapshot::open(&fresh, &written.root)
                    .unwrap()
                    .read_file("d7/file-7", 100)
                    .unwrap()
                    .len(),
                1
            )
        })
    });
    alone("open it and read a file", time, "");
    let _ = root;
}

/// Memory in use, in bytes.
fn resident() -> usize {
    let text = fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

fn main() {
    // `cargo test` runs benches too, to see that they do.
    let number = |name, default| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    println!("{:<44} {:>12} {:>12} {:>8}", "", "tree", "host", "");
    small_files();
    for block in [4 << 10, 64 << 10, 1 << 20] {
        large_file(10, block);
    }
    large_file(number("LARGE", 100), 64 << 10);
    for count in [10, SMALL, number("FILES", SMALL)] {
        versions(count);
    }
}
