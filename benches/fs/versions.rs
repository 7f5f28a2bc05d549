//! What only the tree can do: snapshots, forks, saving what changed, opening lazily.

use std::sync::Arc;
use std::time::{Duration, Instant};

use glovebox_runtime::Files;
use glovebox_tree::{Create, Found, OpenHow, Snapshot, Store, Tree};

use crate::ours::store;

const TIMES: u32 = 1000;

struct Row {
    files: usize,
    snapshot: Duration,
    fork: Duration,
    save_all: Duration,
    save_one: Duration,
    bytes_of_one: u64,
    open: Duration,
    read_one: Duration,
    loaded: u64,
    opened: u64,
}

pub(crate) fn table(sizes: &[usize]) {
    let rows: Vec<Row> = sizes.iter().map(|files| measure(*files)).collect();
    println!(
        "| a workspace of files of 100 bytes: | {} |",
        each(&rows, |row| row.files.to_string())
    );
    println!("|---|{}", "---:|".repeat(rows.len()));
    let line =
        |what: &str, of: &dyn Fn(&Row) -> String| println!("| {what} | {} |", each(&rows, of));
    line("snapshot", &|row| format!("{:.2?}", row.snapshot));
    line("fork: another tree from a snapshot", &|row| {
        format!("{:.2?}", row.fork)
    });
    line("save all of it, durably", &|row| {
        format!("{:.1?}", row.save_all)
    });
    line("save after one file changed, durably", &|row| {
        format!("{:.1?}", row.save_one)
    });
    line("bytes written by that", &|row| row.bytes_of_one.to_string());
    line("open what was saved", &|row| format!("{:.1?}", row.open));
    line("open it and read a file", &|row| {
        format!("{:.1?}", row.read_one)
    });
    line("memory of it, loaded", &|row| {
        format!("{} KiB", row.loaded >> 10)
    });
    line("memory of it, opened and not looked at", &|row| {
        format!("{} KiB", row.opened >> 10)
    });
    println!(
        "| memory of it, idle: its name | {} |",
        each(&rows, |_| "71 bytes".to_owned())
    );
}

fn each(rows: &[Row], of: impl Fn(&Row) -> String) -> String {
    rows.iter().map(of).collect::<Vec<_>>().join(" | ")
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

fn measure(count: usize) -> Row {
    let folder = tempfile::tempdir().unwrap();
    let before = resident();
    let first: Arc<Store> = store(folder.path());
    let files = Files::new(&first).unwrap();
    fill(files.tree(), count);
    let loaded = resident().saturating_sub(before);
    let mut kept = Vec::with_capacity(1000);
    let (snapshot, ()) = timed(|| (0..TIMES).for_each(|_| kept.push(files.snapshot())));
    let mut forks = Vec::with_capacity(1000);
    let (fork, ()) = timed(|| {
        kept.iter()
            .for_each(|kept| forks.push(Files::from_snapshot(kept).unwrap()))
    });
    drop((kept, forks));
    let (save_all, saved) = timed(|| files.snapshot().save().unwrap());
    let mut saved = saved;
    let mut content = 0_u8;
    let save_one = median(|| {
        content += 1;
        write(files.tree(), count / 2, &[content; 100]);
        let (time, again) = timed(|| files.snapshot().save().unwrap());
        saved = again;
        time
    });
    drop(files);
    drop(first);
    let other = store(folder.path());
    let path = format!("/workspace/d{}/file-{}", count / 2 / 100, count / 2);
    let open = median(|| timed(|| drop(Snapshot::open(&other, &saved.root).unwrap())).0);
    let read_one = median(|| {
        let read = || {
            Snapshot::open(&other, &saved.root)
                .unwrap()
                .read_file(&path, 100)
                .unwrap()
        };
        let (time, read) = timed(read);
        assert_eq!(read, [content; 100]);
        time
    });
    let before = resident();
    let opened: Vec<_> = (0..100)
        .map(|_| Snapshot::open(&other, &saved.root).unwrap())
        .collect();
    let of_opened = resident().saturating_sub(before) / 100;
    drop(opened);
    Row {
        files: count,
        snapshot: snapshot / TIMES,
        fork: fork / TIMES,
        save_all,
        save_one,
        bytes_of_one: saved.bytes_written,
        open,
        read_one,
        loaded,
        opened: of_opened,
    }
}

/// Memory in use, in bytes.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}
