//! What differs between two snapshots, by path.
//!
//! First the tables of files are compared, which passes over what both share; then what differs is looked up by its
//! names. A directory that moved brings all that is in it along, since all their paths have changed.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::errno::Fault;
use crate::tree::{Data, Ino, Inode, Kind, ROOT, Snapshot, SnapshotError, Version};

/// What is told of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// What it is.
    pub kind: Kind,
    /// Permission bits.
    pub mode: u32,
    /// Length in bytes; of a directory, 0.
    pub size: u64,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Path from the root.
    pub path: String,
    /// What was there; none if it was added.
    pub before: Option<Facts>,
    /// What is there; none if it was removed.
    pub after: Option<Facts>,
}

/// A file by number, before and after.
type Differing = (Ino, Option<Arc<Inode>>, Option<Arc<Inode>>);
/// What one snapshot has at paths that may differ.
type Side = BTreeMap<String, Arc<Inode>>;

impl Snapshot {
    /// What was added, changed and removed on the way from this snapshot to `later`, by path. Times alone are no
    /// difference. Takes time in proportion to what differs.
    pub fn differences(&self, later: &Snapshot) -> Result<Vec<Change>, SnapshotError> {
        let (a, b) = (self.version(), later.version());
        let mut differing: Vec<Differing> = Vec::new();
        a.inodes.differences(&b.inodes, |ino, before, after| {
            differing.push((*ino, before.cloned(), after.cloned()));
            Ok::<(), SnapshotError>(())
        })?;
        let (mut before, mut after) = (Side::new(), Side::new());
        let (mut walked_a, mut walked_b) = (HashSet::new(), HashSet::new());
        for (ino, old, new) in differing {
            let directory = |inode: &Option<Arc<Inode>>| {
                inode
                    .as_ref()
                    .is_some_and(|inode| inode.kind() == Kind::Directory)
            };
            let moved = match (&old, &new) {
                (Some(old), Some(new)) => old.kind() != new.kind() || old.names != new.names,
                _ => true,
            };
            self.at("/", collect(a, ino, old.as_ref(), &mut before))?;
            self.at("/", collect(b, ino, new.as_ref(), &mut after))?;
            if moved && directory(&old) {
                self.at("/", collect_below(a, ino, &mut before, &mut walked_a))?;
            }
            if moved && directory(&new) {
                self.at("/", collect_below(b, ino, &mut after, &mut walked_b))?;
            }
        }
        let mut paths: Vec<&String> = before.keys().chain(after.keys()).collect();
        paths.sort();
        paths.dedup();
        let mut changes = Vec::new();
        for path in paths {
            let (old, new) = (before.get(path), after.get(path));
            let same = match (old, new) {
                (Some(old), Some(new)) => self.at(path, same(old, new))?,
                _ => false,
            };
            if !same {
                changes.push(Change {
                    path: path.clone(),
                    before: old.map(facts),
                    after: new.map(facts),
                });
            }
        }
        Ok(changes)
    }
}

fn facts(inode: &Arc<Inode>) -> Facts {
    let size = match inode.kind() {
        Kind::Directory => 0,
        _ => inode.stat(0).size,
    };
    Facts {
        kind: inode.kind(),
        mode: inode.meta.mode,
        size,
    }
}

fn same(old: &Inode, new: &Inode) -> Result<bool, Fault> {
    if old.kind() != new.kind() || old.meta.mode != new.meta.mode {
        return Ok(false);
    }
    Ok(match (&old.data, &new.data) {
        (Data::File(old), Data::File(new)) => old.holds_same(new)?,
        (Data::Symlink(old), Data::Symlink(new)) => old == new,
        _ => true,
    })
}

/// Adds all paths of a file.
fn collect(
    version: &Version,
    ino: Ino,
    inode: Option<&Arc<Inode>>,
    side: &mut Side,
) -> Result<(), Fault> {
    let Some(inode) = inode else { return Ok(()) };
    if ino == ROOT {
        side.insert("/".to_owned(), inode.clone());
    }
    for place in inode.names.iter() {
        side.insert(version.path(place)?, inode.clone());
    }
    Ok(())
}

/// Adds everything in a directory, unless that has been done.
fn collect_below(
    version: &Version,
    directory: Ino,
    side: &mut Side,
    walked: &mut HashSet<Ino>,
) -> Result<(), Fault> {
    let mut waiting = vec![directory];
    while let Some(directory) = waiting.pop() {
        if !walked.insert(directory) {
            continue;
        }
        let mut cursor = version.entries(directory)?.cursor();
        while let Some((name, entry)) = cursor.next()? {
            side.insert(
                version.path(&(directory, name))?,
                version.target(&entry)?.clone(),
            );
            if entry.kind == Kind::Directory {
                waiting.push(entry.ino);
            }
        }
    }
    Ok(())
}
