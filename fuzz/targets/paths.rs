//! Paths that were made up, walked over a versioned tree and over a directory of the host alike: both say the same, and
//! nothing beside the directory is read or changed.
//!
//! An input is text: a line for the target of each of four symlinks in `/workspace`, then a line for each thing to be done
//! (see `seeds/paths`).
#![no_main]

use std::path::Path;
use std::sync::Arc;

use glovebox_fuzz::store;
use glovebox_runtime::fs::{Errno, Kind, Ledger, LedgerLimits, Mounts};
use glovebox_runtime::{Access, Files, Mount, MountSource};
use glovebox_tree::MemoryBlobs;
use libfuzzer_sys::fuzz_target;

const LINKS: usize = 4;
const ACTS_MAX: usize = 16;
const SECRET: &[u8] = b"what no guest may see";

/// A path, a character for each of its pieces; what stands for none is part of a name.
fn path(text: &str) -> String {
    let mut path = String::new();
    for character in text.chars().take(40) {
        let piece = match character {
            'a'..='d' => character.to_string(),
            // The symlinks.
            '0'..='3' => format!("l{character}"),
            '^' => "..".to_owned(),
            '.' => ".".to_owned(),
            'o' => "outside".to_owned(),
            's' => "secret".to_owned(),
            _ => {
                path.push(character);
                continue;
            }
        };
        if !path.is_empty() && !path.ends_with('/') {
            path.push('/');
        }
        path.push_str(&piece);
    }
    path
}

#[derive(Debug, PartialEq, Eq)]
enum Said {
    Done,
    Read(Vec<u8>),
    Is(Kind, u64),
    Names(Vec<(String, Kind)>),
}

/// Its length, where that means the same everywhere.
fn known(stat: glovebox_runtime::fs::Stat) -> Said {
    Said::Is(
        stat.kind,
        if stat.kind == Kind::File {
            stat.size
        } else {
            0
        },
    )
}

/// What a line asks for: its first character says what is to be done, the rest is the path.
fn act(mounts: &Mounts, line: &str) -> Result<Said, Errno> {
    let mut rest = line.chars();
    let what = rest.next().unwrap_or('r');
    let at = format!("/workspace/{}", path(rest.as_str()));
    match what {
        'm' => mounts.create_dir_all(&at).map(|()| Said::Done),
        'w' => mounts
            .write_file(&at, line.as_bytes(), 0o644)
            .map(|()| Said::Done),
        't' => mounts.stat(&at).map(known),
        'k' => mounts.stat_link(&at).map(known),
        'l' => mounts.list(&at).map(|entries| {
            let names = entries.into_iter().map(|entry| (entry.name, entry.kind));
            Said::Names(names.collect())
        }),
        'x' => mounts.remove_file(&at).map(|()| Said::Done),
        _ => mounts.read_file(&at, 1 << 20).map(Said::Read),
    }
}

fn mounts(mounts: &[Mount]) -> Arc<Mounts> {
    Mounts::from_grant(mounts, Ledger::new(LedgerLimits::UNLIMITED)).expect("mounts")
}

fn over_a_directory(folder: &Path) -> Arc<Mounts> {
    let mut all = Files::new(&store(Arc::new(MemoryBlobs::default())))
        .expect("files")
        .mounts();
    for mount in &mut all {
        if mount.at == "/workspace" {
            mount.source = MountSource::HostDirectory(folder.to_owned());
            mount.access = Access::ReadWrite;
        }
    }
    mounts(&all)
}

fuzz_target!(|input: &str| {
    let folder = tempfile::tempdir().expect("a folder");
    let (inside, outside) = (folder.path().join("inside"), folder.path().join("outside"));
    std::fs::create_dir(&inside).expect("made");
    std::fs::create_dir(&outside).expect("made");
    std::fs::write(outside.join("secret"), SECRET).expect("written");
    let files = Files::new(&store(Arc::new(MemoryBlobs::default()))).expect("files");
    let workspace = files.tree().directory("/workspace").expect("there");
    let mut lines = input.split('\n');
    for (number, line) in lines.by_ref().take(LINKS).enumerate() {
        let (target, name) = (path(line), format!("l{number}"));
        // What the host has no symlink for, the tree need not have one for.
        if !target.is_empty() && std::os::unix::fs::symlink(&target, inside.join(&name)).is_ok() {
            workspace.symlink(&name, &target).expect("a symlink");
        }
    }
    let (tree, directory) = (mounts(&files.mounts()), over_a_directory(&inside));
    for line in lines.take(ACTS_MAX) {
        let said = act(&directory, line);
        if let Ok(Said::Read(content)) = &said {
            assert_ne!(content, SECRET);
        }
        assert_eq!(act(&tree, line), said, "{line:?}");
    }
    let beside = std::fs::read_dir(&outside).expect("there").count();
    assert_eq!(beside, 1);
    assert_eq!(
        std::fs::read(outside.join("secret")).expect("there"),
        SECRET
    );
    assert_eq!(std::fs::read_dir(folder.path()).expect("there").count(), 2);
});
