//! `du` and `df`.

use std::fs;
use std::path::Path;

use glovebox_kit::bindings::glovebox::process::files;
use lexopt::prelude::*;

use crate::failure::{Failure, plain};
use crate::files::{allocated, human, kind};

#[derive(Default)]
struct Du {
    all: bool,
    summary: bool,
    total: bool,
    apparent: bool,
    human: bool,
    unit: Option<u64>,
    depth_max: Option<usize>,
    exclude: Vec<String>,
    failed: bool,
}

pub fn du(mut options: lexopt::Parser) -> Result<u8, Failure> {
    let mut du = Du::default();
    let mut roots = Vec::new();
    while let Some(option) = options.next()? {
        match option {
            Short('a') | Long("all") => du.all = true,
            Short('s') | Long("summarize") => du.summary = true,
            Short('c') | Long("total") => du.total = true,
            Short('h') | Long("human-readable") => du.human = true,
            Long("apparent-size") => du.apparent = true,
            Short('b') | Long("bytes") => (du.apparent, du.unit) = (true, Some(1)),
            Short('k') => du.unit = Some(1024),
            Short('m') => du.unit = Some(1024 * 1024),
            Short('d') | Long("max-depth") => du.depth_max = Some(options.value()?.parse()?),
            Long("exclude") => du
                .exclude
                .push(options.value()?.to_string_lossy().into_owned()),
            Short('x' | 'L' | 'P' | 'D' | 'l') | Long("one-file-system") => {}
            Value(root) => roots.push(root),
            other => return Err(other.unexpected().into()),
        }
    }
    if roots.is_empty() {
        roots.push(".".into());
    }
    let mut total = 0;
    for root in &roots {
        total += du.measure(Path::new(root), 0);
    }
    if du.total {
        du.print(total, "total");
    }
    Ok(du.failed.into())
}

impl Du {
    fn measure(&mut self, path: &Path, depth: usize) -> u64 {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        if self
            .exclude
            .iter()
            .any(|pattern| crate::pattern::matches(pattern, &name, false))
        {
            return 0;
        }
        let data = match fs::symlink_metadata(path) {
            Ok(data) => data,
            Err(error) => {
                eprintln!("du: cannot access '{}': {}", path.display(), plain(&error));
                self.failed = true;
                return 0;
            }
        };
        let mut bytes = match self.apparent {
            true if data.is_dir() => 0,
            true => data.len(),
            false => allocated(kind(&data), data.len()),
        };
        if data.is_dir() {
            let mut entries: Vec<_> = match fs::read_dir(path) {
                Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
                Err(error) => {
                    eprintln!(
                        "du: cannot read directory '{}': {}",
                        path.display(),
                        plain(&error)
                    );
                    self.failed = true;
                    Vec::new()
                }
            };
            entries.sort();
            bytes += entries
                .iter()
                .map(|entry| self.measure(entry, depth + 1))
                .sum::<u64>();
        }
        let deep = self.depth_max.is_some_and(|max| depth > max) || (self.summary && depth > 0);
        if !deep && (data.is_dir() || self.all || depth == 0) {
            self.print(bytes, &path.display().to_string());
        }
        bytes
    }

    fn print(&self, bytes: u64, name: &str) {
        if self.human {
            println!("{}\t{name}", human(bytes, 1024));
        } else {
            println!("{}\t{name}", bytes.div_ceil(self.unit.unwrap_or(1024)));
        }
    }
}

pub fn df(mut options: lexopt::Parser) -> Result<u8, Failure> {
    let (mut readable, mut inodes, mut kind, mut unit, mut paths) =
        (false, false, false, 1024, Vec::new());
    while let Some(option) = options.next()? {
        match option {
            Short('h') | Long("human-readable") => readable = true,
            Short('i') | Long("inodes") => inodes = true,
            Short('T') | Long("print-type") => kind = true,
            Short('k') => unit = 1024,
            Short('m') => unit = 1024 * 1024,
            Short('B') | Long("block-size") => {
                let value = options.value()?.to_string_lossy().into_owned();
                unit = match value.trim_end_matches('B') {
                    "K" | "1K" => 1024,
                    "M" | "1M" => 1024 * 1024,
                    "G" | "1G" => 1024 * 1024 * 1024,
                    number => number
                        .parse()
                        .map_err(|_| Failure::new(1, format!("invalid block size {value}")))?,
                };
            }
            Short('a' | 'l' | 'P') | Long("all" | "local" | "portability") => {}
            Value(path) => paths.push(path.to_string_lossy().into_owned()),
            other => return Err(other.unexpected().into()),
        }
    }
    let mut mounts = files::mounts();
    mounts.sort_by(|one, other| one.mount.cmp(&other.mount));
    if !paths.is_empty() {
        let of = |path: &String| {
            let file = glovebox_kit::process::absolute(path);
            let holds = |mount: &str| {
                mount == "/" || file == mount || file.starts_with(&format!("{mount}/"))
            };
            mounts
                .iter()
                .filter(|one| holds(&one.mount))
                .max_by_key(|one| one.mount.len())
                .map(|one| one.mount.clone())
        };
        let wanted: Vec<_> = paths.iter().filter_map(of).collect();
        mounts.retain(|one| wanted.contains(&one.mount));
    }
    let blocks = if inodes {
        "Inodes"
    } else if readable {
        "Size"
    } else {
        "1K-blocks"
    };
    let type_head = if kind { "Type       " } else { "" };
    println!(
        "Filesystem      {type_head}{blocks:>10} {:>10} {:>10} Use% Mounted on",
        "Used",
        if inodes { "IFree" } else { "Available" }
    );
    for one in mounts {
        let (total, used) = if inodes {
            (one.files_total, one.files_used)
        } else {
            (one.bytes_total, one.bytes_used)
        };
        let show = |value: u64| match (inodes, readable) {
            (true, _) => value.to_string(),
            (_, true) => human(value, 1024),
            _ => value.div_ceil(unit).to_string(),
        };
        let percent = (used.saturating_mul(100)).checked_div(total).unwrap_or(0);
        let type_column = if kind {
            format!("{:<11}", one.kind)
        } else {
            String::new()
        };
        println!(
            "{:<15} {type_column}{:>10} {:>10} {:>10} {percent:>3}% {}",
            "glovebox",
            show(total),
            show(used),
            show(total.saturating_sub(used)),
            one.mount
        );
    }
    Ok(0)
}
