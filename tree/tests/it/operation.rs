//! Operations to compare file systems by.

use glovebox_tree::Errno;
use proptest::prelude::*;

pub(crate) type Path = Vec<&'static str>;

#[derive(Debug, Clone)]
pub(crate) enum Operation {
    /// Create with 0644 unless it is there, write so many of one byte.
    Write {
        path: Path,
        offset: u64,
        byte: u8,
        length: usize,
    },
    Append {
        path: Path,
        byte: u8,
        length: usize,
    },
    /// Open to write and set the length.
    Truncate {
        path: Path,
        size: u64,
    },
    Create {
        path: Path,
    },
    Empty {
        path: Path,
    },
    Read {
        path: Path,
    },
    MakeDirectory {
        path: Path,
    },
    RemoveFile {
        path: Path,
    },
    RemoveDirectory {
        path: Path,
    },
    Rename {
        path: Path,
        to: Path,
    },
    Link {
        path: Path,
        to: Path,
    },
    Symlink {
        path: Path,
        target: &'static str,
    },
    ReadLink {
        path: Path,
    },
    Stat {
        path: Path,
    },
    SetMode {
        path: Path,
        mode: u32,
    },
    List {
        path: Path,
    },
    /// Open and keep open.
    Open {
        path: Path,
        slot: usize,
    },
    Close {
        slot: usize,
    },
    SlotWrite {
        slot: usize,
        offset: u64,
        byte: u8,
        length: usize,
    },
    SlotAppend {
        slot: usize,
        byte: u8,
        length: usize,
    },
    SlotTruncate {
        slot: usize,
        size: u64,
    },
    SlotRead {
        slot: usize,
    },
}

pub(crate) const SLOTS: usize = 3;

/// What an operation shows of itself.
pub(crate) type Shown = Result<String, Errno>;

/// A file system.
pub(crate) trait Files {
    fn apply(&mut self, operation: &Operation) -> Shown;
}

/// What a file's bytes look like in a result.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let mut runs: Vec<(u8, usize)> = Vec::new();
    for byte in bytes {
        match runs.last_mut() {
            Some((last, count)) if last == byte => *count += 1,
            _ => runs.push((*byte, 1)),
        }
    }
    format!("{runs:?}")
}

fn path() -> impl Strategy<Value = Path> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..4)
}

/// Near the edges of what is kept inline and of chunks.
fn offset() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => 0..20_u64,
        2 => 2040..2056_u64,
        2 => 65_530..65_542_u64,
        2 => 131_060..131_080_u64,
        1 => 0..400_000_u64,
    ]
}

fn length() -> impl Strategy<Value = usize> {
    prop_oneof![3 => 0..40_usize, 1 => 2040..2056_usize, 1 => 65_530..65_542_usize, 1 => 0..140_000_usize]
}

pub(crate) fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let slot = || 0..SLOTS;
    prop_oneof![
        5 => (path(), offset(), any::<u8>(), length())
            .prop_map(|(path, offset, byte, length)| Write { path, offset, byte, length }),
        2 => (path(), any::<u8>(), length()).prop_map(|(path, byte, length)| Append { path, byte, length }),
        2 => (path(), offset()).prop_map(|(path, size)| Truncate { path, size }),
        1 => path().prop_map(|path| Create { path }),
        1 => path().prop_map(|path| Empty { path }),
        3 => path().prop_map(|path| Read { path }),
        4 => path().prop_map(|path| MakeDirectory { path }),
        2 => path().prop_map(|path| RemoveFile { path }),
        1 => path().prop_map(|path| RemoveDirectory { path }),
        4 => (path(), path()).prop_map(|(path, to)| Rename { path, to }),
        2 => (path(), path()).prop_map(|(path, to)| Link { path, to }),
        1 => (path(), prop::sample::select(vec!["a", "../b", "nowhere"]))
            .prop_map(|(path, target)| Symlink { path, target }),
        1 => path().prop_map(|path| ReadLink { path }),
        2 => path().prop_map(|path| Stat { path }),
        1 => (path(), prop::sample::select(vec![0o600_u32, 0o644, 0o755, 0o777]))
            .prop_map(|(path, mode)| SetMode { path, mode }),
        1 => path().prop_map(|path| List { path }),
        2 => (path(), slot()).prop_map(|(path, slot)| Open { path, slot }),
        1 => slot().prop_map(|slot| Close { slot }),
        2 => (slot(), offset(), any::<u8>(), length())
            .prop_map(|(slot, offset, byte, length)| SlotWrite { slot, offset, byte, length }),
        1 => (slot(), any::<u8>(), length()).prop_map(|(slot, byte, length)| SlotAppend { slot, byte, length }),
        1 => (slot(), offset()).prop_map(|(slot, size)| SlotTruncate { slot, size }),
        2 => slot().prop_map(|slot| SlotRead { slot }),
    ]
}
