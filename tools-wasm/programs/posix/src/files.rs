//! What these programs ask about files.

use std::fs::{self, FileType, Metadata};
use std::path::Path;

use glovebox_kit::bindings::glovebox::process::files;
use jiff::Timestamp;

/// The one user of a sandbox.
pub const USER: &str = "agent";
pub const USER_ID: u32 = 1000;

/// What a file takes on an ordinary disk: whole blocks.
const BLOCK_BYTES: u64 = 4096;

/// What `ls`, `stat`, `find` and `du` show of a file.
pub struct Facts {
    pub kind: char,
    pub mode: u32,
    pub bytes: u64,
    pub inode: u64,
    pub links: u64,
    pub device: u64,
    pub accessed: Timestamp,
    pub modified: Timestamp,
    pub changed: Timestamp,
}

impl Facts {
    /// Bytes that it takes on an ordinary disk.
    pub fn allocated(&self) -> u64 {
        allocated(self.kind, self.bytes)
    }
}

/// Bytes that a file of that kind and length takes on an ordinary disk, where short symlinks take none.
pub fn allocated(kind: char, bytes: u64) -> u64 {
    match kind {
        'd' => BLOCK_BYTES,
        'f' => bytes.div_ceil(BLOCK_BYTES) * BLOCK_BYTES,
        _ => 0,
    }
}

/// Reads a file's facts, following a symlink or not.
pub fn facts(path: &Path, follow: bool) -> std::io::Result<Facts> {
    let data = if follow {
        fs::metadata(path)?
    } else {
        fs::symlink_metadata(path)?
    };
    let raw = if follow {
        rustix::fs::stat(path)
    } else {
        rustix::fs::lstat(path)
    }
    .map_err(std::io::Error::from)?;
    let time = |seconds: i64, nanoseconds: i64| {
        Timestamp::new(seconds, i32::try_from(nanoseconds).unwrap_or(0))
            .unwrap_or(Timestamp::UNIX_EPOCH)
    };
    Ok(Facts {
        kind: kind(&data),
        mode: mode(path, &data, follow),
        bytes: data.len(),
        inode: raw.st_ino,
        links: raw.st_nlink,
        device: raw.st_dev,
        accessed: time(raw.st_atim.tv_sec, raw.st_atim.tv_nsec.into()),
        modified: time(raw.st_mtim.tv_sec, raw.st_mtim.tv_nsec.into()),
        changed: time(raw.st_ctim.tv_sec, raw.st_ctim.tv_nsec.into()),
    })
}

/// The letter that `find -type` and `ls -l` use, with `f` for a regular file.
pub fn kind(data: &Metadata) -> char {
    kind_of(data.file_type())
}

/// `kind`, where no more than the type is known.
pub fn kind_of(kind: FileType) -> char {
    if kind.is_dir() {
        'd'
    } else if kind.is_symlink() {
        'l'
    } else if kind.is_file() {
        'f'
    } else {
        'c'
    }
}

/// The permission bits; what the kernel will not tell gets the usual ones.
pub fn mode(path: &Path, data: &Metadata, follow: bool) -> u32 {
    let absolute = glovebox_kit::process::absolute(&path.to_string_lossy());
    files::mode(&absolute, follow).unwrap_or(if data.is_dir() { 0o755 } else { 0o644 })
}

/// `drwxr-xr-x`.
pub fn mode_text(kind: char, mode: u32) -> String {
    let mut text = String::with_capacity(10);
    text.push(if kind == 'f' { '-' } else { kind });
    for shift in [6, 3, 0] {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        let special = match shift {
            6 => (mode & 0o4000 != 0).then_some(('s', 'S')),
            3 => (mode & 0o2000 != 0).then_some(('s', 'S')),
            _ => (mode & 0o1000 != 0).then_some(('t', 'T')),
        };
        text.push(match (special, bits & 1 != 0) {
            (Some((lower, _)), true) => lower,
            (Some((_, upper)), false) => upper,
            (None, true) => 'x',
            (None, false) => '-',
        });
    }
    text
}

/// Bytes as `ls -h` writes them, rounded up: `1.0K`, `24M`. With a base of 1000, the thousands are `k`.
pub fn human(bytes: u64, base: u64) -> String {
    let units = match base {
        1000 => ["", "k", "M", "G", "T", "P", "E"],
        _ => ["", "K", "M", "G", "T", "P", "E"],
    };
    if bytes < base {
        return bytes.to_string();
    }
    let (mut unit, mut scale) = (1, u128::from(base));
    let bytes = u128::from(bytes);
    loop {
        let (tenths, whole) = ((bytes * 10).div_ceil(scale), bytes.div_ceil(scale));
        if tenths < 100 {
            return format!("{}.{}{}", tenths / 10, tenths % 10, units[unit]);
        }
        if whole < u128::from(base) || unit + 1 == units.len() {
            return format!("{whole}{}", units[unit]);
        }
        unit += 1;
        scale *= u128::from(base);
    }
}
