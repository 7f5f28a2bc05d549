//! What these programs ask about files.

use std::fs::{self, Metadata};
use std::path::Path;

use glovebox_kit::bindings::glovebox::process::files;
use jiff::Timestamp;

/// The one user of a sandbox.
pub const USER: &str = "agent";
pub const USER_ID: u32 = 1000;

/// What `stat`, `find` and `du` show of a file.
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
    let kind = data.file_type();
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

/// Bytes as `ls -h` writes them.
pub fn human(bytes: u64, base: u64) -> String {
    let units = ["", "K", "M", "G", "T", "P"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= base as f64 && unit + 1 < units.len() {
        value /= base as f64;
        unit += 1;
    }
    if unit == 0 {
        bytes.to_string()
    } else if value < 10.0 {
        format!("{:.1}{}", (value * 10.0).ceil() / 10.0, units[unit])
    } else {
        format!("{:.0}{}", value.ceil(), units[unit])
    }
}
