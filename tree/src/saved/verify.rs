//! Looking at all of a snapshot.

use std::collections::HashMap;

use crate::tree::{Content, DEPTH_MAX, Data, Ino, Kind, ROOT, Snapshot, Usage, Version};
use crate::{Damage, Damaged};

/// No more places are told.
const TOLD_MAX: usize = 1000;

/// What was found in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// What it really has in use, as far as it can be read.
    pub usage: Usage,
    /// What is damaged or missing; where there is very much, the first of it.
    pub damaged: Vec<Damaged>,
    /// What can be read and contradicts itself.
    pub contradictions: Vec<String>,
}

impl Verified {
    /// Whether everything is there and makes sense.
    pub fn is_sound(&self) -> bool {
        self.damaged.is_empty() && self.contradictions.is_empty()
    }

    fn damage(&mut self, path: String, damage: Damage) {
        if self.damaged.len() < TOLD_MAX {
            self.damaged.push(Damaged { path, damage });
        }
    }

    fn contradiction(&mut self, text: String) {
        if self.contradictions.len() < TOLD_MAX {
            self.contradictions.push(text);
        }
    }
}

impl Snapshot {
    /// Reads everything, checks every digest, and whether names, files and counts agree.
    pub fn verify(&self) -> Verified {
        let mut found = Verified::default();
        let version = self.version();
        // How many names directories have for each file, less those that the file knows of.
        let mut names: HashMap<Ino, i64> = HashMap::new();
        match version.inode(ROOT) {
            Ok(Some(inode)) if inode.kind() == Kind::Directory => {}
            Ok(_) => found.contradiction("it has no root".to_owned()),
            // Told of below, with the rest of the page.
            Err(_) => {}
        }
        let mut inodes = version.inodes.cursor();
        loop {
            let (ino, inode) = match inodes.next() {
                Ok(Some(entry)) => entry,
                Ok(None) => break,
                Err(damage) => {
                    found.damage("/".into(), damage);
                    return found;
                }
            };
            let path = || version.path_of(ino);
            *names.entry(ino).or_default() -=
                i64::try_from(inode.names.iter().count()).unwrap_or(i64::MAX);
            if ino >= version.next {
                found.contradiction(format!("{}: its number is yet to be given", path()));
            }
            for (parent, name) in inode.names.iter() {
                match version.entry(*parent, name) {
                    Ok(Some(entry)) if entry.ino == ino && entry.kind == inode.kind() => {}
                    _ => found.contradiction(format!("{}: its directory does not know it", path())),
                }
            }
            if inode.kind() == Kind::Directory
                && inode.names.iter().count() != usize::from(ino != ROOT)
            {
                found.contradiction(format!(
                    "{}: a directory with another number of names than one",
                    path()
                ));
            }
            if inode.kind() == Kind::Directory && !leads_to_the_root(version, ino) {
                found.contradiction(format!("{}: not below the root", path()));
            }
            match &inode.data {
                Data::Symlink(_) => {}
                Data::File(content) => {
                    found.usage.bytes = found.usage.bytes.saturating_add(content.size());
                    check_chunks(content, &mut found, &path);
                }
                Data::Directory(entries) => {
                    let mut cursor = entries.cursor();
                    let mut count = 0;
                    loop {
                        match cursor.next() {
                            Ok(Some((_, entry))) => {
                                count += 1;
                                *names.entry(entry.ino).or_default() += 1;
                            }
                            Ok(None) => break,
                            Err(damage) => {
                                found.damage(path(), damage);
                                break;
                            }
                        }
                    }
                    found.usage.files = found.usage.files.saturating_add(count);
                    if count != entries.len() {
                        found.contradiction(format!(
                            "{}: another number of entries than it says",
                            path()
                        ));
                    }
                }
            }
        }
        for (ino, difference) in names {
            if difference != 0 {
                found.contradiction(format!(
                    "file {ino}: {difference} names more in directories than it knows of"
                ));
            }
        }
        if found.damaged.is_empty() && found.usage != version.usage {
            found.contradiction(format!(
                "{:?} in use, and it says {:?}",
                found.usage, version.usage
            ));
        }
        found
    }
}

/// Whether a directory's directories end at the root, within the depth that there may be.
fn leads_to_the_root(version: &Version, directory: Ino) -> bool {
    let mut at = directory;
    for _ in 0..=DEPTH_MAX {
        if at == ROOT {
            return true;
        }
        let Ok(Some(inode)) = version.inode(at) else {
            return false;
        };
        let Some((parent, _)) = inode.names.first() else {
            return false;
        };
        at = *parent;
    }
    false
}

fn check_chunks(content: &Content, found: &mut Verified, path: &impl Fn() -> String) {
    let Content::Chunked { chunks, .. } = content else {
        return;
    };
    let mut cursor = chunks.cursor();
    loop {
        match cursor.next() {
            Ok(Some((_, chunk))) => {
                if let Err(damage) = chunk.check() {
                    found.damage(path(), damage);
                }
            }
            Ok(None) => return,
            Err(damage) => return found.damage(path(), damage),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::map::Map;
    use crate::store::{Store, StoreOptions};
    use crate::tree::{Entry, Inode, Names, Timestamp};
    use crate::{MemoryBlobs, Tree, Unlimited};

    fn store() -> Arc<Store> {
        let blobs = Arc::new(MemoryBlobs::default());
        Store::open(StoreOptions::new(blobs, Arc::new(Timestamp::default))).unwrap()
    }

    #[test]
    fn a_snapshot_without_a_root_is_not_sound() {
        let version = Version {
            inodes: Map::new(),
            next: 2,
            usage: Usage::default(),
        };
        let found = Snapshot::new(version, store()).verify();
        assert_eq!(found.contradictions, ["it has no root"]);
    }

    #[test]
    fn directories_that_hold_each_other_are_not_sound() {
        let tree = Tree::new(&store(), Arc::new(Unlimited));
        tree.root().create_directory("a", 0o755).unwrap();
        let a = tree.directory("a").unwrap();
        a.create_directory("b", 0o755).unwrap();
        let snapshot = tree.snapshot();
        let mut version = snapshot.version().clone();
        assert!(snapshot.verify().is_sound());
        // `a` is taken out of the root and put into its own `b`.
        let (root, of_a, of_b) = (ROOT, 2, 3);
        let mut inode = |ino: Ino, change: &dyn Fn(&mut Inode)| {
            let mut inode = version.inodes.get(&ino).unwrap().unwrap().as_ref().clone();
            change(&mut inode);
            version.inodes.insert(ino, Arc::new(inode)).unwrap();
        };
        let entry = Entry {
            ino: of_a,
            kind: Kind::Directory,
        };
        inode(root, &|inode| {
            if let Data::Directory(entries) = &mut inode.data {
                entries.remove("a").unwrap();
            }
        });
        inode(of_b, &|inode| {
            if let Data::Directory(entries) = &mut inode.data {
                entries.insert("a".into(), entry).unwrap();
            }
        });
        inode(of_a, &|inode| {
            inode.names = Names::one(of_b, "a".into());
        });
        let found = Snapshot::new(version, store()).verify();
        assert_eq!(found.contradictions.len(), 2, "{found:?}");
        assert!(found.contradictions[0].ends_with("not below the root"));
    }

    #[test]
    fn a_symlink_to_nowhere_is_damage() {
        let store = store();
        let tree = Tree::new(&store, Arc::new(Unlimited));
        tree.root().symlink("link", "target").unwrap();
        let mut version = tree.snapshot().version().clone();
        let mut inode = version.inodes.get(&2).unwrap().unwrap().as_ref().clone();
        inode.data = Data::Symlink("".into());
        version.inodes.insert(2, Arc::new(inode)).unwrap();
        let root = Snapshot::new(version, store.clone()).save().unwrap().root;
        // A tree as small as this is all in its root.
        let refused = Snapshot::open(&store, &root).err();
        assert!(
            matches!(refused, Some(Damage::Malformed { .. })),
            "{refused:?}"
        );
    }
}
