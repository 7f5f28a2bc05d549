//! Paths that were made up, walked over a versioned tree and over a directory of the host alike: both say the same, and
//! nothing beside the directory is read or changed.
#![no_main]

use std::path::Path;
use std::sync::Arc;

use glovebox_fuzz::store;
use glovebox_runtime::fs::{Errno, Kind, Ledger, LedgerLimits, Mounts};
use glovebox_runtime::{Access, Files, Mount, MountSource};
use glovebox_tree::MemoryBlobs;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

const SECRET: &[u8] = b"what no guest may see";

#[derive(Arbitrary, Debug)]
enum Piece<'a> {
    Name(u8),
    Link(u8),
    Up,
    Here,
    Nothing,
    Outside,
    Text(&'a str),
}

#[derive(Arbitrary, Debug)]
struct Made<'a>(Vec<Piece<'a>>);

impl Made<'_> {
    fn path(&self) -> String {
        let pieces = self.0.iter().take(12).map(|piece| match piece {
            Piece::Name(number) => format!("n{}", number % 4),
            Piece::Link(number) => format!("l{}", number % 4),
            Piece::Up => "..".to_owned(),
            Piece::Here => ".".to_owned(),
            Piece::Nothing => String::new(),
            Piece::Outside => "outside/secret".to_owned(),
            Piece::Text(text) => (*text).to_owned(),
        });
        pieces.collect::<Vec<_>>().join("/")
    }
}

#[derive(Arbitrary, Debug)]
enum Act<'a> {
    Make(Made<'a>),
    Write(Made<'a>, &'a [u8]),
    Read(Made<'a>),
    Look(Made<'a>),
    LookAtLink(Made<'a>),
    List(Made<'a>),
    Remove(Made<'a>),
}

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    /// Symlinks that are there, in `/workspace`, and whether their targets begin with a slash.
    links: [(bool, Made<'a>); 4],
    acts: Vec<Act<'a>>,
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

fn act(mounts: &Mounts, act: &Act<'_>) -> Result<Said, Errno> {
    let at = |made: &Made<'_>| format!("/workspace/{}", made.path());
    match act {
        Act::Make(path) => mounts.create_dir_all(&at(path)).map(|()| Said::Done),
        Act::Write(path, content) => {
            (mounts.write_file(&at(path), content, 0o644)).map(|()| Said::Done)
        }
        Act::Read(path) => mounts.read_file(&at(path), 1 << 20).map(Said::Read),
        Act::Look(path) => mounts.stat(&at(path)).map(known),
        Act::LookAtLink(path) => mounts.stat_link(&at(path)).map(known),
        Act::List(path) => mounts.list(&at(path)).map(|entries| {
            Said::Names(
                entries
                    .into_iter()
                    .map(|entry| (entry.name, entry.kind))
                    .collect(),
            )
        }),
        Act::Remove(path) => mounts.remove_file(&at(path)).map(|()| Said::Done),
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

fuzz_target!(|input: Input<'_>| {
    let folder = tempfile::tempdir().expect("a folder");
    let (inside, outside) = (folder.path().join("inside"), folder.path().join("outside"));
    std::fs::create_dir(&inside).expect("made");
    std::fs::create_dir(&outside).expect("made");
    std::fs::write(outside.join("secret"), SECRET).expect("written");
    let files = Files::new(&store(Arc::new(MemoryBlobs::default()))).expect("files");
    let workspace = files.tree().directory("/workspace").expect("there");
    for (number, (absolute, made)) in input.links.iter().enumerate() {
        let target = format!("{}{}", if *absolute { "/" } else { "" }, made.path());
        let name = format!("l{number}");
        // What the host has no symlink for, the tree need not have one for.
        if !target.is_empty() && std::os::unix::fs::symlink(&target, inside.join(&name)).is_ok() {
            workspace.symlink(&name, &target).expect("a symlink");
        }
    }
    let (tree, directory) = (mounts(&files.mounts()), over_a_directory(&inside));
    for made in input.acts.iter().take(16) {
        let said = act(&directory, made);
        if let Ok(Said::Read(content)) = &said {
            assert_ne!(content, SECRET);
        }
        assert_eq!(act(&tree, made), said, "{made:?}");
    }
    let beside: Vec<_> = std::fs::read_dir(&outside).expect("there").collect();
    assert_eq!(beside.len(), 1);
    assert_eq!(
        std::fs::read(outside.join("secret")).expect("there"),
        SECRET
    );
    assert_eq!(std::fs::read_dir(folder.path()).expect("there").count(), 2);
});
