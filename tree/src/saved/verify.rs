//! Looking at all of a snapshot.

use std::collections::HashMap;

use crate::tree::{Content, Data, Ino, Kind, ROOT, Snapshot, Usage};
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
