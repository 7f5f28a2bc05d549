//! The work: the same source for a guest and for the host.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

const FILES: usize = 10_000;
const DIRECTORIES: usize = 100;
const SMALL: usize = 500;
const BLOCK: usize = 256 << 10;
/// Every step is done this often, those with large files excepted; the shortest counts.
const ROUNDS: usize = 3;

/// Does all of it in an empty directory, leaves it empty, and says how many nanoseconds each step took.
pub fn all(directory: &Path, large_mib: usize) -> io::Result<Vec<(String, u128)>> {
    let mut steps = Steps::default();
    let archive = archive();
    let tree = directory.join("tree");
    for _ in 0..ROUNDS {
        steps.time("unpack 10,000 files of 1 KiB", || unpack(&archive, &tree))?;
        steps.time("stat 10,000 files", || {
            each(&tree, FILES, |path| fs::metadata(path).map(drop))
        })?;
        steps.time("open 10,000 files", || {
            each(&tree, FILES, |path| File::open(path).map(drop))
        })?;
        steps.time("read 500 small files", || {
            each(&tree, SMALL, |path| fs::read(path).map(drop))
        })?;
        steps.time("write 500 small files", || {
            each(&tree, SMALL, |path| fs::write(path, [b'y'; 1000]))
        })?;
        steps.time("find through 10,000 files", || {
            expect(walk(&tree, &mut |_| Ok(0))?, FILES)
        })?;
        steps.time("grep -r through 10,000 files", || {
            let found = walk(&tree, &mut |path| {
                let text = fs::read(path)?;
                Ok(usize::from(contains(&text, b"needle 7777 ")))
            })?;
            expect(found, FILES + 1)
        })?;
        steps.time("remove 10,000 files", || fs::remove_dir_all(&tree))?;
    }
    let file = directory.join("large");
    for mib in [10, large_mib] {
        let rounds = if mib > 100 { 1 } else { ROUNDS };
        for _ in 0..rounds {
            steps.time(&format!("write {mib} MiB"), || write(&file, mib))?;
            steps.time(&format!("read {mib} MiB"), || read(&file, mib))?;
        }
        fs::remove_file(&file)?;
    }
    Ok(steps.0)
}

#[derive(Default)]
struct Steps(Vec<(String, u128)>);

impl Steps {
    fn time(&mut self, what: &str, step: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let start = Instant::now();
        step()?;
        let time = start.elapsed().as_nanos();
        match self.0.iter_mut().find(|(name, _)| name == what) {
            Some((_, shortest)) => *shortest = time.min(*shortest),
            None => self.0.push((what.to_owned(), time)),
        }
        Ok(())
    }
}

fn expect(found: usize, expected: usize) -> io::Result<()> {
    if found == expected {
        Ok(())
    } else {
        Err(io::Error::other(format!("{found}, not {expected}")))
    }
}

fn path_of(number: usize) -> String {
    format!("d{:02}/file-{number}.txt", number % DIRECTORIES)
}

/// Paths and contents, one after the other, as a tar file has them.
fn archive() -> Vec<(String, Vec<u8>)> {
    (0..FILES)
        .map(|number| {
            let mut text = format!("needle {number} in a haystack\n").repeat(40);
            text.truncate(1024);
            (path_of(number), text.into_bytes())
        })
        .collect()
}

fn unpack(archive: &[(String, Vec<u8>)], tree: &Path) -> io::Result<()> {
    fs::create_dir(tree)?;
    for number in 0..DIRECTORIES {
        fs::create_dir(tree.join(format!("d{number:02}")))?;
    }
    for (path, content) in archive {
        fs::write(tree.join(path), content)?;
    }
    Ok(())
}

fn each(tree: &Path, count: usize, act: impl Fn(PathBuf) -> io::Result<()>) -> io::Result<()> {
    (0..count).try_for_each(|number| act(tree.join(path_of(number))))
}

/// How many files there are, and what `of_file` adds for each.
fn walk(at: &Path, of_file: &mut dyn FnMut(&Path) -> io::Result<usize>) -> io::Result<usize> {
    let mut found = 0;
    for entry in fs::read_dir(at)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found += walk(&entry.path(), of_file)?;
        } else {
            found += 1 + of_file(&entry.path())?;
        }
    }
    Ok(found)
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n')
        .any(|line| line.starts_with(word))
}

fn block() -> Vec<u8> {
    (0..BLOCK).map(|at| (at * 31 % 251) as u8).collect()
}

fn write(path: &Path, mib: usize) -> io::Result<()> {
    let block = block();
    let mut file = File::create(path)?;
    for _ in 0..(mib << 20) / BLOCK {
        file.write_all(&block)?;
    }
    Ok(())
}

fn read(path: &Path, mib: usize) -> io::Result<()> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; BLOCK];
    let mut length = 0;
    loop {
        let more = file.read(&mut buffer)?;
        if more == 0 {
            return expect(length, mib << 20);
        }
        length += more;
    }
}
