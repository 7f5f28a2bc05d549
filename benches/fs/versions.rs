//! What only the tree can do: snapshots, forks, saving what changed, opening lazily.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use glovebox_runtime::Files;
use glovebox_tree::{Create, Found, OpenHow, Snapshot, Store, Tree};

use crate::ours::store;

const TIMES: u32 = 1000;

/// What a process was asked for with this measures one size.
pub(crate) const OF_ONE_SIZE: &str = "GLOVEBOX_BENCH_FS_SIZE";

/// Each size is measured in a process of its own, so that none finds memory that another has left.
pub(crate) fn table(sizes: &[usize]) {
    let columns: Vec<Vec<(String, String)>> =
        sizes.iter().map(|size| in_a_process(*size)).collect();
    for (at, (what, _)) in columns[0].iter().enumerate() {
        let values: Vec<&str> = columns.iter().map(|rows| rows[at].1.as_str()).collect();
        println!("| {what} | {} |", values.join(" | "));
        if at == 0 {
            println!("|---|{}", "---:|".repeat(columns.len()));
        }
    }
}

fn in_a_process(size: usize) -> Vec<(String, String)> {
    let output = Command::new(std::env::current_exe().unwrap())
        .env(OF_ONE_SIZE, size.to_string())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).unwrap();
    let row = |line: &str| {
        let (what, value) = line.split_once('\t').unwrap();
        (what.to_owned(), value.to_owned())
    };
    printed.lines().map(row).collect()
}

fn fill(tree: &Arc<Tree>, count: usize) {
    let workspace = tree.directory("/workspace").unwrap();
    for number in 0..count.div_ceil(100) {
        workspace
            .create_directory(&format!("d{number}"), 0o755)
            .unwrap();
    }
    for number in 0..count {
        write(tree, number, &[7; 100]);
    }
}

fn write(tree: &Arc<Tree>, number: usize, bytes: &[u8]) {
    let directory = tree
        .directory(&format!("/workspace/d{}", number / 100))
        .unwrap();
    let how = OpenHow {
        write: true,
        create: Create::IfMissing(0o644),
        truncate: true,
        directory: false,
    };
    let Ok(Found::File(file)) = directory.open(&format!("file-{number}"), &how) else {
        panic!("no file");
    };
    assert_eq!(file.write_at(0, bytes), Ok(bytes.len()));
}

fn timed<T>(act: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let made = act();
    (start.elapsed(), made)
}

fn median(mut round: impl FnMut() -> Duration) -> Duration {
    let mut times: Vec<_> = (0..9).map(|_| round()).collect();
    times.sort();
    times[4]
}

/// Measures one size and prints what the table shows of it.
pub(crate) fn measure(count: usize) {
    let folder = tempfile::tempdir().unwrap();
    let row = |what: &str, value: String| println!("{what}\t{value}");
    let time = |what: &str, time: Duration| row(what, format!("{time:.2?}"));
    row("a workspace of files of 100 bytes", count.to_string());
    let first: Arc<Store> = store(folder.path());
    let before = resident();
    let files = Files::new(&first).unwrap();
    fill(files.tree(), count);
    row(
        "memory of it, loaded",
        kib(resident().saturating_sub(before)),
    );
    let mut kept = Vec::with_capacity(1000);
    let (taking, ()) = timed(|| (0..TIMES).for_each(|_| kept.push(files.snapshot())));
    time("snapshot", taking / TIMES);
    let mut forks = Vec::with_capacity(1000);
    let (forking, ()) = timed(|| {
        for kept in &kept {
            forks.push(Files::from_snapshot(kept).unwrap());
        }
    });
    drop((kept, forks));
    time("fork: another tree from a snapshot", forking / TIMES);
    time("beside it: `cp -a` of as many files", copied(count));
    let (all, mut saved) = timed(|| files.snapshot().save().unwrap());
    time("save all of it, durably", all);
    let mut content = 0_u8;
    let one = median(|| {
        content += 1;
        write(files.tree(), count / 2, &[content; 100]);
        let (time, again) = timed(|| files.snapshot().save().unwrap());
        saved = again;
        time
    });
    time("save after one file changed, durably", one);
    time("beside it: one file written and synced", synced());
    row(
        "bytes written by that save",
        saved.bytes_written.to_string(),
    );
    drop(files);
    drop(first);
    let other = store(folder.path());
    let path = format!("/workspace/d{}/file-{}", count / 2 / 100, count / 2);
    let opened = || Snapshot::open(&other, &saved.root).unwrap();
    time("open what was saved", median(|| timed(opened).0));
    let read_one = median(|| {
        let (time, read) = timed(|| opened().read_file(&path, 100).unwrap());
        assert_eq!(read, [content; 100]);
        time
    });
    time("open it and read a file", read_one);
    let before = resident();
    let many: Vec<_> = (0..1000).map(|_| opened()).collect();
    let of_opened = resident().saturating_sub(before) / 1000;
    drop(many);
    row("memory of it, opened and not looked at", kib(of_opened));
    row("memory of it, idle: its name", "71 bytes".to_owned());
}

/// What the host takes to copy a folder of as many files; nothing is synced.
fn copied(count: usize) -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("from");
    for number in 0..count.div_ceil(100) {
        std::fs::create_dir_all(from.join(format!("d{number}"))).unwrap();
    }
    for number in 0..count {
        let name = format!("d{}/file-{number}", number / 100);
        std::fs::write(from.join(name), [7; 100]).unwrap();
    }
    let mut cp = Command::new("cp");
    cp.arg("-a").arg(&from).arg(folder.path().join("to"));
    let (time, status) = timed(|| cp.status().unwrap());
    assert!(status.success());
    time
}

/// What the host takes to write one file durably.
fn synced() -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let mut number = 0;
    median(|| {
        number += 1;
        let path = folder.path().join(number.to_string());
        timed(|| {
            let mut file = std::fs::File::create(path).unwrap();
            file.write_all(&[7; 100]).unwrap();
            file.sync_all().unwrap();
        })
        .0
    })
}

fn kib(bytes: u64) -> String {
    format!("{} KiB", bytes >> 10)
}

/// Memory in use, in bytes.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}
