//! No path of a guest reaches the host's own resolution, nor a mount that it does not lead to.

use std::path::Path;
use std::sync::Mutex;

use proptest::prelude::*;

use super::*;
use crate::fs::Name;
use crate::fs::node::{Directory, Entered, Listing, NewTime, NewTimes, OpenEntry, Opened, Stat};
use crate::fs::walk::Follow;
use crate::grant::Backend;

/// Where the host's own files may be named at all. Whoever adds a place here says why no guest's string gets there.
const HOST_FILES: [(&str, &str); 8] = [
    (
        "runtime/src/fs/backends/host_directory/",
        "given single checked names, through cap-std",
    ),
    ("runtime/src/fs/errno.rs", "the numbers of errors"),
    ("runtime/src/component/cache.rs", "named by digests"),
    ("runtime/src/component/code.rs", "what the embedder loads"),
    ("runtime/src/component/found.rs", "named by digests"),
    ("runtime/src/engine.rs", "priorities of threads"),
    ("runtime/src/process/run.rs", "clocks"),
    (
        "tree/src/",
        "named by numbers and digests, below directories that the embedder opened",
    ),
];

const WORDS: [&str; 7] = [
    "std::fs",
    "std::os::unix",
    "tokio::fs",
    "cap_std",
    "cap_primitives",
    "rustix",
    "libc::",
];

fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "tests" {
            sources(&path, found);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            found.push(path);
        }
    }
}

#[test]
fn only_the_places_that_say_so_name_files_of_the_host() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = Vec::new();
    for folder in ["runtime/src", "tree/src"] {
        sources(&repository.join(folder), &mut found);
    }
    assert!(found.len() > 100, "{}", found.len());
    let mut used = std::collections::BTreeSet::new();
    for path in found {
        let text = std::fs::read_to_string(&path).unwrap();
        // What tests do is their affair.
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let path = path.strip_prefix(repository).unwrap().to_str().unwrap();
        let place = HOST_FILES.iter().find(|(place, _)| path.starts_with(place));
        for (number, line) in text.lines().enumerate() {
            let named = WORDS.iter().find(|word| line.contains(**word));
            match (named, place) {
                (Some(word), None) => panic!("{path}:{}: {word}", number + 1),
                (Some(_), Some((place, _))) => drop(used.insert(*place)),
                (None, _) => {}
            }
        }
    }
    for (place, _) in HOST_FILES {
        assert!(used.contains(place), "{place} needs no exception any more");
    }
}

/// A directory of directories, which notes every name it is ever given.
struct Spy(Arc<Mutex<Vec<String>>>);

impl Spy {
    fn note(&self, name: Name<'_>) -> Errno {
        self.0.lock().unwrap().push(name.as_str().to_owned());
        Errno::NoEntry
    }
}

impl Directory for Spy {
    fn enter(&self, name: Name<'_>) -> Result<Entered, Errno> {
        self.note(name);
        Ok(Entered::Directory(Arc::new(Spy(self.0.clone()))))
    }
    fn stat_entry(&self, name: Name<'_>) -> Result<Stat, Errno> {
        Err(self.note(name))
    }
    fn open(&self, name: Name<'_>, _: &OpenEntry) -> Result<Opened, Errno> {
        Err(self.note(name))
    }
    fn read_link(&self, name: Name<'_>) -> Result<String, Errno> {
        Err(self.note(name))
    }
    fn list(&self) -> Result<Listing, Errno> {
        Ok(Box::new(std::iter::empty()))
    }
    fn stat(&self) -> Result<Stat, Errno> {
        Err(Errno::NoEntry)
    }
    fn create_directory(&self, name: Name<'_>, _: u32) -> Result<(), Errno> {
        Err(self.note(name))
    }
    fn remove_directory(&self, name: Name<'_>) -> Result<(), Errno> {
        Err(self.note(name))
    }
    fn remove_file(&self, name: Name<'_>) -> Result<(), Errno> {
        Err(self.note(name))
    }
    fn rename(&self, name: Name<'_>, _: &dyn Directory, to: Name<'_>) -> Result<(), Errno> {
        self.note(name);
        Err(self.note(to))
    }
    fn link(&self, name: Name<'_>, _: &dyn Directory, to: Name<'_>) -> Result<(), Errno> {
        self.note(name);
        Err(self.note(to))
    }
    fn symlink(&self, name: Name<'_>, _: &str) -> Result<(), Errno> {
        Err(self.note(name))
    }
    fn set_entry_mode(&self, name: Name<'_>, _: u32) -> Result<(), Errno> {
        Err(self.note(name))
    }
    fn set_entry_times(&self, name: Name<'_>, _: NewTimes) -> Result<(), Errno> {
        Err(self.note(name))
    }
}

/// A tree at `/workspace`, where two symlinks lead to a spy at `/mnt/spy`, and to `/mnt`.
fn watched() -> (Arc<Mounts>, Arc<Mutex<Vec<String>>>) {
    let (tree, notes) = (tree(), Arc::default());
    tree.root().symlink("there", "/mnt/spy").unwrap();
    tree.root().symlink("near", "../mnt").unwrap();
    make_directory(&tree, "d");
    let (kind, root) = ("spy", Arc::new(Spy(Arc::clone(&notes))));
    let mount = |at: &str, source| Mount {
        at: at.to_owned(),
        source,
        access: Access::ReadWrite,
    };
    let mounts = [
        mount("/workspace", directory_of(&tree, "/")),
        mount("/mnt/spy", MountSource::Backend(Backend { kind, root })),
    ];
    let mounts = Mounts::from_grant(&mounts, Ledger::new(LedgerLimits::UNLIMITED)).unwrap();
    (mounts, notes)
}

fn everything(mounts: &Mounts, path: &str, other: &str) {
    let view = View {
        mounts,
        caller: Caller::default(),
    };
    let root = view.root();
    let Ok(open) = mounts.open(
        "/workspace",
        OpenHow {
            directory: true,
            ..OpenHow::reading()
        },
    ) else {
        return;
    };
    let base = open.directory().unwrap();
    for base in [&root, base] {
        let now = NewTimes {
            accessed: NewTime::Now,
            modified: NewTime::Now,
        };
        let _ = view.open(base, path, OpenHow::reading());
        let _ = view.open(base, path, OpenHow::replacing());
        let _ = view.stat(base, path, Follow::Yes);
        let _ = view.stat(base, path, Follow::No);
        let _ = view.read_link(base, path);
        let _ = view.create_directory(base, path, 0o755);
        let _ = view.set_times(base, path, Follow::No, now);
        let _ = view.set_mode(base, path, 0o755);
        let _ = view.link(base, path, Follow::Yes, base, other);
        let _ = view.rename(base, path, base, other);
        let _ = view.remove_file(base, path);
        let _ = view.remove_directory(base, path);
        let _ = view.symlink(base, path, "/workspace/d");
    }
    let _ = mounts.read_file(path, 10);
    let _ = mounts.create_dir_all(path);
    let _ = mounts.list(path);
}

fn path() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "..",
        ".",
        "",
        "d",
        "there",
        "near",
        "mnt",
        "spy",
        "workspace",
        "etc",
        "passwd",
        "x\u{0}y",
        "proc",
        "self",
        "dev",
        "fd",
        "0",
        "\u{F7E9}",
        "\\",
        "a\n",
    ]);
    let any = prop_oneof![9 => part.prop_map(str::to_owned), 1 => any::<String>()];
    (prop::collection::vec(any, 0..8), prop::bool::ANY).prop_map(|(parts, absolute)| {
        (if absolute { "/" } else { "" }).to_owned() + &parts.join("/")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn whatever_the_path_a_backend_is_given_single_names(path in path(), other in path()) {
        let (mounts, notes) = watched();
        everything(&mounts, &path, &other);
        for name in notes.lock().unwrap().iter() {
            prop_assert!(Name::new(name).is_ok(), "{name:?}");
        }
    }

    /// Nothing in these paths leads there: not by name, not by a link.
    #[test]
    fn a_path_that_does_not_lead_to_a_mount_is_not_seen_by_it(path in path(), other in path()) {
        let leads = |path: &str| ["there", "near", "mnt"].iter().any(|word| path.contains(word));
        prop_assume!(!leads(&path) && !leads(&other));
        let (mounts, notes) = watched();
        everything(&mounts, &path, &other);
        prop_assert_eq!(&*notes.lock().unwrap(), &Vec::<String>::new());
    }

    #[test]
    fn paths_that_no_guest_can_use_stop_before_any_mount(bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
        let path = String::from_utf8_lossy(&bytes).into_owned();
        let (mounts, _) = watched();
        everything(&mounts, &path, &path);
    }
}

#[test]
fn the_spy_sees_what_does_lead_to_it() {
    let (mounts, notes) = watched();
    for (path, seen) in [
        ("/mnt/spy/a/b", vec!["a", "b"]),
        ("/workspace/there/c", vec!["c"]),
        ("/workspace/near/spy/../spy/e/../f", vec!["e", "f"]),
        ("/workspace/d/../../mnt/spy", vec![]),
    ] {
        let _ = mounts.stat(path);
        assert_eq!(std::mem::take(&mut *notes.lock().unwrap()), seen, "{path}");
    }
}
