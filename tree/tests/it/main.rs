//! Tests of the crate through what it offers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod crashes;
mod forks;
mod hostile;
mod killed;
mod limits;
mod model;
mod operation;
mod oracle;
mod ours;
mod posix;
mod real;
mod saving;
mod tars;
mod under_pressure;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use glovebox_tree::{
    Blobs, Clock, Create, Directory, Errno, File, Found, MemoryBlobs, OpenHow, Store, StoreOptions,
    Timestamp, Tree, Unlimited,
};

/// A clock that is set by hand; every look at it is a nanosecond later.
#[derive(Clone, Default)]
struct Hands(Arc<AtomicU64>);

impl Hands {
    fn clock(&self) -> Clock {
        let hands = self.0.clone();
        Arc::new(move || {
            let nanoseconds = hands.fetch_add(1, Ordering::Relaxed) + 1_000_000_000;
            Timestamp {
                seconds: nanoseconds / 1_000_000_000,
                nanoseconds: u32::try_from(nanoseconds % 1_000_000_000).unwrap(),
            }
        })
    }

    fn forward(&self, seconds: u64) {
        self.0.fetch_add(seconds * 1_000_000_000, Ordering::Relaxed);
    }
}

fn store_on(blobs: impl Blobs + 'static, hands: &Hands) -> Arc<Store> {
    Store::open(StoreOptions::new(Arc::new(blobs), hands.clock())).unwrap()
}

fn store() -> Arc<Store> {
    store_on(MemoryBlobs::default(), &Hands::default())
}

fn tree() -> Arc<Tree> {
    Tree::new(&store(), Arc::new(Unlimited))
}

const READ: OpenHow = OpenHow {
    write: false,
    create: Create::Never,
    truncate: false,
    directory: false,
};
const WRITE: OpenHow = OpenHow {
    write: true,
    create: Create::IfMissing(0o644),
    truncate: false,
    directory: false,
};

fn file(directory: &Directory, name: &str, how: &OpenHow) -> Result<File, Errno> {
    match directory.open(name, how)? {
        Found::File(file) => Ok(file),
        Found::Directory(_) => Err(Errno::IsDirectory),
        Found::Link(_) => Err(Errno::Invalid),
    }
}

/// Writes a file by path, creating the directories on the way.
fn write(tree: &Arc<Tree>, path: &str, bytes: &[u8]) {
    let (directory, name) = at(tree, path);
    let how = OpenHow {
        truncate: true,
        ..WRITE
    };
    assert_eq!(
        file(&directory, name, &how).unwrap().write_at(0, bytes),
        Ok(bytes.len())
    );
}

/// The directory of a path, created if need be, and the last name.
fn at<'p>(tree: &Arc<Tree>, path: &'p str) -> (Directory, &'p str) {
    let mut directory = tree.root();
    let (parents, name) = path.rsplit_once('/').unwrap_or(("", path));
    for parent in parents.split('/').filter(|name| !name.is_empty()) {
        match directory.create_directory(parent, 0o755) {
            Ok(()) | Err(Errno::Exist) => {}
            Err(errno) => panic!("{path}: {errno}"),
        }
        directory = enter(&directory, parent);
    }
    (directory, name)
}

fn enter(directory: &Directory, name: &str) -> Directory {
    match directory.enter(name).unwrap() {
        Found::Directory(directory) => directory,
        _ => panic!("{name} is no directory"),
    }
}

fn read_all(file: &File) -> Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    loop {
        let piece = file.read_at(u64::try_from(bytes.len()).unwrap(), 1 << 20)?;
        if piece.is_empty() {
            return Ok(bytes);
        }
        bytes.extend_from_slice(&piece);
    }
}

/// Not all zeros, and different for different seeds.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        })
        .collect()
}
