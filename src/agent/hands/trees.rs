//! Sessions' files: versioned trees, saved by what is in them.
//!
//! One [`Trees`] serves all sessions of a process. What a tree is saved as goes by a name, the text of its root's key,
//! which sessions' logs carry; here nobody knows of logs. Everything blocks.

use std::fmt::Display;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use glovebox_runtime::fs::{Ledger, LedgerLimits, MountError, Mounts};
use glovebox_runtime::{Access, Files, Limits};
use glovebox_tree::sweep::{SweepError, Swept, sweep};
use glovebox_tree::{
    Blobs, Change, Create, Damage, Directory, Errno, FolderBlobs, Found, Key, MemoryBlobs, OpenHow,
    SaveError, Snapshot, SnapshotError, Store, StoreOptions, StoreUsage, Timestamp, archive,
};

use crate::clock::Clock;

/// Where a sandbox shows outputs that were too long for the model.
pub(super) const LONG_OUTPUTS: &str = "/mnt/session/tool_outputs";
/// Where large states of tools are kept. No sandbox mounts it.
pub(super) const STATES: &str = "/state";
/// Where agents work.
const WORKSPACE: &str = "/workspace";

/// How often a save is tried that a sweep got ahead of.
const TRIES: u32 = 3;

/// The trees of all sessions of a process. Cheap to clone.
#[derive(Clone)]
pub struct Trees(Arc<Store>);

/// Files could not be opened, saved, compared, packed or unpacked.
#[derive(Debug, thiserror::Error)]
pub enum TreesError {
    /// Nothing is ever saved as this.
    #[error("{0:?} is not the name of saved files")]
    Name(String),
    /// What was saved is damaged or gone.
    #[error("the files saved as {root} cannot be opened")]
    Open {
        /// What they were saved as.
        root: String,
        /// What is wrong.
        #[source]
        damage: Damage,
    },
    /// They could not be changed.
    #[error("{path}: {message}")]
    Refused {
        /// Path in the sandbox.
        path: String,
        /// Why.
        message: String,
    },
    /// They could not be saved. They can be tried to be saved again.
    #[error("the files could not be saved")]
    Save(#[from] SaveError),
    /// They could not be looked at.
    #[error(transparent)]
    Read(#[from] SnapshotError),
    /// They could not be packed.
    #[error(transparent)]
    Export(#[from] archive::ExportError),
    /// They could not be unpacked.
    #[error(transparent)]
    Import(#[from] archive::ImportError),
    /// They could not be counted.
    #[error(transparent)]
    Mount(#[from] MountError),
    /// The host's folders could not be read.
    #[error("the folder cannot be read")]
    Io(#[from] io::Error),
}

pub(super) fn refused<E: Display>(path: &str) -> impl Fn(E) -> TreesError + '_ {
    move |errno| TreesError::Refused {
        path: path.to_owned(),
        message: errno.to_string(),
    }
}

impl Trees {
    /// Saved in `folder`, which no other process may use.
    pub fn open(folder: &Path, clock: Arc<dyn Clock>) -> io::Result<Trees> {
        let blobs = FolderBlobs::open(directory(&folder.join("blobs"))?)?;
        Trees::with(Arc::new(blobs), Some(folder), clock)
    }

    /// The trees of a folder that another process may be using. Nothing can be saved.
    pub fn open_read_only(folder: &Path, clock: Arc<dyn Clock>) -> io::Result<Trees> {
        let blobs: Arc<dyn Blobs> =
            match Dir::open_ambient_dir(folder.join("blobs"), ambient_authority()) {
                // Nothing was ever saved.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    Arc::new(MemoryBlobs::default())
                }
                opened => Arc::new(FolderBlobs::open_read_only(opened?)),
            };
        Trees::with(blobs, None, clock)
    }

    /// For files that are never saved. What does not fit in memory lies in `folder` meanwhile.
    pub fn scratch(folder: &Path, clock: Arc<dyn Clock>) -> io::Result<Trees> {
        Trees::with(Arc::new(MemoryBlobs::default()), Some(folder), clock)
    }

    fn with(
        blobs: Arc<dyn Blobs>,
        folder: Option<&Path>,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Trees> {
        let now = move || {
            let since = clock.now().as_duration();
            Timestamp::from(Duration::try_from(since).unwrap_or_default())
        };
        let pack = folder.map(|folder| directory(&folder.join("pack")));
        Ok(Trees(Store::open(StoreOptions {
            pack: pack.transpose()?,
            ..StoreOptions::new(blobs, Arc::new(now))
        })?))
    }

    /// Sets the gauges of `/metrics` that say what all of them together have in use.
    pub fn measure(&self) {
        let StoreUsage {
            memory_bytes,
            pack_bytes,
            pack_file_bytes,
        } = self.0.usage();
        let gauge = |name: &'static str, bytes: u64| metrics::gauge!(name).set(bytes as f64);
        gauge("glovebox_trees_memory_bytes", memory_bytes);
        gauge("glovebox_trees_pack_bytes", pack_bytes);
        gauge("glovebox_trees_pack_file_bytes", pack_file_bytes);
    }

    /// A session's files to work with. None is: empty.
    pub fn files(&self, saved: Option<&str>) -> Result<Files, TreesError> {
        let files = match saved {
            Some(_) => Files::from_snapshot(&self.snapshot(saved)?),
            None => Files::new(&self.0),
        };
        let files = files.map_err(refused("/"))?;
        files
            .place(STATES, Access::ReadOnly)
            .map_err(refused(STATES))?;
        Ok(files)
    }

    fn snapshot(&self, saved: Option<&str>) -> Result<Snapshot, TreesError> {
        let Some(root) = saved else {
            return Ok(self.files(None)?.snapshot());
        };
        let key: Key = root
            .parse()
            .map_err(|_| TreesError::Name(root.to_owned()))?;
        Snapshot::open(&self.0, &key).map_err(|damage| TreesError::Open {
            root: root.to_owned(),
            damage,
        })
    }

    /// Saves files, durably, and says as what. They are kept for as long as sweeps are told of it, from some minutes
    /// later on.
    pub fn save(&self, snapshot: &Snapshot) -> Result<String, TreesError> {
        for _ in 1..TRIES {
            match snapshot.save() {
                Err(SaveError::TooSlow(_)) => {}
                saved => return Ok(saved?.root.to_string()),
            }
        }
        Ok(snapshot.save()?.root.to_string())
    }

    /// What differs between two states of a session's files, by path.
    pub fn differences(
        &self,
        before: Option<&str>,
        after: Option<&str>,
    ) -> Result<Vec<Change>, TreesError> {
        let (before, after) = (self.snapshot(before)?, self.snapshot(after)?);
        let mut changes = before.differences(&after)?;
        // Agents do not see it either.
        changes.retain(|change| {
            let below = change.path.strip_prefix(STATES);
            !below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        Ok(changes)
    }

    /// Writes what is in `/workspace` as a tar file.
    pub fn export<W: Write>(&self, saved: Option<&str>, out: W) -> Result<W, TreesError> {
        let snapshot = self.snapshot(saved)?;
        Ok(archive::export_directory(&snapshot, WORKSPACE, out)?)
    }

    /// Unpacks a tar file in `/workspace`, over what is there, and saves all of it. The limits of a session hold.
    pub fn import(
        &self,
        saved: Option<&str>,
        limits: &Limits,
        tar: impl Read,
    ) -> Result<(String, archive::Imported), TreesError> {
        let files = self.files(saved)?;
        let ledger = Ledger::new(LedgerLimits {
            disk_bytes_max: limits.disk_bytes_max,
            files_max: limits.files_max,
            file_bytes_max: limits.file_bytes_max,
            descriptors_max: u64::from(limits.descriptors_max),
        });
        // While it is mounted, the tree keeps to the limits.
        let _mounted = Mounts::from_grant(&files.mounts(), ledger)?;
        let workspace = files
            .tree()
            .directory(WORKSPACE)
            .map_err(refused(WORKSPACE))?;
        let imported = archive::import(&workspace, tar)?;
        Ok((self.save(&files.snapshot())?, imported))
    }

    /// Takes in folders of the host: a path in the sandbox, and what is to be there. Saves it, and says as what.
    pub fn move_in(&self, folders: &[(&str, &Path)]) -> Result<String, TreesError> {
        let files = self.files(None)?;
        for (place, folder) in folders {
            if !folder.is_dir() {
                continue;
            }
            let into = files.tree().directory(place).map_err(refused(place))?;
            take_in(&into, folder)?;
        }
        self.save(&files.snapshot())
    }

    /// Removes what neither `roots` nor anybody who saves at this moment needs; see [`glovebox_tree::sweep`]. `grace`
    /// is what passes between sweeps at least.
    pub fn sweep(&self, grace: Duration, roots: &[String]) -> Result<Swept, SweepError> {
        let keys = roots.iter().filter_map(|root| root.parse().ok()).collect();
        sweep(&self.0, grace, || keys)
    }
}

/// Makes and opens a folder.
fn directory(path: &Path) -> io::Result<Dir> {
    std::fs::create_dir_all(path)?;
    Dir::open_ambient_dir(path, ambient_authority())
}

/// Writes a file, in place of what is there. Counts as what the sandbox writes.
pub(super) fn write(
    files: &Files,
    place: &str,
    name: &str,
    content: &[u8],
) -> Result<(), TreesError> {
    let path = format!("{place}/{name}");
    let refused = refused(&path);
    let directory = files.tree().directory(place).map_err(&refused)?;
    match directory.remove_file(name) {
        Ok(()) | Err(Errno::NoEntry) => {}
        Err(errno) => return Err(refused(errno)),
    }
    let how = OpenHow {
        write: true,
        create: Create::Exclusively(0o644),
        truncate: false,
        directory: false,
    };
    let Found::File(file) = directory.open(name, &how).map_err(&refused)? else {
        return Err(refused(Errno::IsDirectory));
    };
    let mut rest = content;
    while !rest.is_empty() {
        match file.append(rest) {
            Ok(0) | Err(Errno::NoSpace) => {
                // Half of it is of no use to anybody.
                directory.remove_file(name).map_err(&refused)?;
                return Err(refused(Errno::NoSpace));
            }
            Ok(written) => rest = &rest[written..],
            Err(errno) => return Err(refused(errno)),
        }
    }
    Ok(())
}

/// Copies a folder of the host, as a tar file that exists nowhere.
fn take_in(into: &Directory, folder: &Path) -> Result<(), TreesError> {
    let (reader, writer) = io::pipe()?;
    std::thread::scope(|scope| {
        let packing = scope.spawn(move || {
            let mut tar = tar::Builder::new(writer);
            tar.follow_symlinks(false);
            tar.append_dir_all("", folder)?;
            tar.finish()
        });
        let imported = archive::import(into, reader);
        let packed = packing
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("packing the folder failed")));
        match imported {
            // An archive that breaks off was broken off by the packer, who knows why.
            Err(archive::ImportError::Read(_)) | Ok(_) => packed?,
            Err(_) => {}
        }
        imported?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    fn trees(folder: &tempfile::TempDir) -> Trees {
        Trees::open(folder.path(), Arc::new(SystemClock)).unwrap()
    }

    fn put(files: &Files, name: &str, content: &str) {
        write(files, WORKSPACE, name, content.as_bytes()).unwrap();
    }

    fn read(trees: &Trees, root: &str, path: &str) -> String {
        let snapshot = trees.snapshot(Some(root)).unwrap();
        String::from_utf8(snapshot.read_file(path, 1 << 20).unwrap()).unwrap()
    }

    #[test]
    fn what_is_saved_is_there_in_the_next_process() {
        let folder = tempfile::tempdir().unwrap();
        let root = {
            let trees = trees(&folder);
            let files = trees.files(None).unwrap();
            put(&files, "a", "one");
            let first = trees.save(&files.snapshot()).unwrap();
            put(&files, "a", "two");
            let second = trees.save(&files.snapshot()).unwrap();
            assert_eq!(read(&trees, &first, "/workspace/a"), "one");
            second
        };
        let trees = trees(&folder);
        assert_eq!(read(&trees, &root, "/workspace/a"), "two");
        let reader = Trees::open_read_only(folder.path(), Arc::new(SystemClock)).unwrap();
        assert_eq!(read(&reader, &root, "/workspace/a"), "two");
        let files = reader.files(Some(&root)).unwrap();
        put(&files, "a", "three");
        assert!(matches!(
            reader.save(&files.snapshot()),
            Err(TreesError::Save(_))
        ));
        assert_eq!(read(&trees, &root, "/workspace/a"), "two");
    }

    #[test]
    fn names_that_nothing_is_saved_as() {
        let folder = tempfile::tempdir().unwrap();
        let trees = trees(&folder);
        let made_up = format!("root/0/{}", "0".repeat(64));
        assert!(matches!(trees.files(Some("x")), Err(TreesError::Name(_))));
        assert!(matches!(
            trees.files(Some(&made_up)),
            Err(TreesError::Open { .. })
        ));
    }

    #[test]
    fn a_tar_file_comes_out_as_it_went_in_and_keeps_to_the_limits() {
        let folder = tempfile::tempdir().unwrap();
        let trees = trees(&folder);
        let files = trees.files(None).unwrap();
        put(&files, "a", "one");
        put(&files, "b", &"x".repeat(100_000));
        let root = trees.save(&files.snapshot()).unwrap();
        let tar = trees.export(Some(&root), Vec::new()).unwrap();
        let limits = Limits::default();
        let (copy, imported) = trees.import(None, &limits, tar.as_slice()).unwrap();
        assert_eq!((imported.entries, imported.bytes), (2, 100_003));
        let changes = trees.differences(Some(&root), Some(&copy)).unwrap();
        assert_eq!(changes, []);

        let tight = Limits {
            disk_bytes_max: 50_000,
            ..limits
        };
        let refused = trees.import(None, &tight, tar.as_slice()).unwrap_err();
        assert!(matches!(refused, TreesError::Import(_)), "{refused}");
        let garbage = trees.import(None, &limits, [7_u8; 2000].as_slice());
        assert!(matches!(garbage, Err(TreesError::Import(_))));
    }

    #[test]
    fn folders_of_earlier_versions_move_in() {
        let old = tempfile::tempdir().unwrap();
        let workspace = old.path().join("workspace");
        std::fs::create_dir_all(workspace.join("deep/er")).unwrap();
        std::fs::write(workspace.join("deep/er/file"), "hello").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", workspace.join("link")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let trees = trees(&folder);
        let missing = old.path().join("missing");
        let folders = [
            ("/workspace", workspace.as_path()),
            ("/tmp", missing.as_path()),
        ];
        let root = trees.move_in(&folders).unwrap();
        assert_eq!(read(&trees, &root, "/workspace/deep/er/file"), "hello");
        let snapshot = trees.snapshot(Some(&root)).unwrap();
        let link = snapshot.stat("/workspace/link").unwrap();
        assert_eq!(link.kind, glovebox_tree::Kind::Symlink);
    }

    /// A clock that tests turn.
    struct Turned(std::sync::atomic::AtomicI64);

    #[async_trait::async_trait]
    impl Clock for Turned {
        fn now(&self) -> jiff::Timestamp {
            let seconds = self.0.load(std::sync::atomic::Ordering::SeqCst);
            jiff::Timestamp::from_second(seconds).unwrap()
        }

        async fn sleep(&self, _: Duration) {}
    }

    #[test]
    fn a_sweep_takes_what_no_log_names_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Turned(1_000_000.into()));
        let trees = Trees::open(folder.path(), clock.clone()).unwrap();
        let files = trees.files(None).unwrap();
        put(&files, "both", &"b".repeat(300_000));
        put(&files, "kept", "k");
        let kept = trees.save(&files.snapshot()).unwrap();
        put(&files, "gone", &"g".repeat(300_000));
        let gone = trees.save(&files.snapshot()).unwrap();
        drop(files);
        let grace = Duration::from_secs(3600);
        let roots = [kept.clone()];
        let mut deleted = 0;
        for _ in 0..3 {
            deleted += trees.sweep(grace, &roots).unwrap().deleted;
            assert!(matches!(
                trees.sweep(grace, &roots),
                Err(SweepError::TooEarly(_))
            ));
            clock.0.fetch_add(3600, std::sync::atomic::Ordering::SeqCst);
        }
        assert!(deleted > 0);
        assert!(trees.snapshot(Some(&gone)).is_err());
        assert!(trees.snapshot(Some(&kept)).unwrap().verify().is_sound());
    }
}
