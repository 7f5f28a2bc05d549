//! Writing a snapshot as a tar file.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::sync::Arc;

use tar::{Builder, EntryType, Header};

use crate::errno::Fault;
use crate::map::Cursor;
use crate::tree::{Content, Data, Entry, Ino, Inode, Snapshot, SnapshotError};

/// A snapshot could not be written as a tar file.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The tar file could not be written.
    #[error("the archive could not be written")]
    Write(#[source] io::Error),
    /// The snapshot could not be read.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

/// Writes all of a snapshot, directories before what is in them, by name. A sparse file is written in full.
pub fn export<W: Write>(snapshot: &Snapshot, out: W) -> Result<W, ExportError> {
    export_directory(snapshot, "/", out)
}

/// Writes what is in a directory, as [`export`] does; names are relative to it.
pub fn export_directory<W: Write>(
    snapshot: &Snapshot,
    directory: &str,
    out: W,
) -> Result<W, ExportError> {
    let root = snapshot.find(directory)?;
    let mut export = Export {
        snapshot,
        tar: Builder::new(out),
        linked: HashMap::new(),
    };
    let mut ways: Vec<(String, Cursor<Arc<str>, Entry>)> =
        vec![(String::new(), export.entries(directory, root)?)];
    while let Some((directory, cursor)) = ways.last_mut() {
        let Some((name, entry)) = snapshot.at(directory, cursor.next().map_err(Fault::from))?
        else {
            ways.pop();
            continue;
        };
        let path = format!("{directory}{name}");
        let inode = snapshot.at(&path, snapshot.version().target(&entry))?;
        export.entry(&path, entry.ino, inode)?;
        if matches!(inode.data, Data::Directory(_)) {
            let cursor = export.entries(&path, entry.ino)?;
            ways.push((format!("{path}/"), cursor));
        }
    }
    export.tar.into_inner().map_err(ExportError::Write)
}

struct Export<'s, W: Write> {
    snapshot: &'s Snapshot,
    tar: Builder<W>,
    /// Files with several names, and the path they were written by.
    linked: HashMap<Ino, String>,
}

impl<W: Write> Export<'_, W> {
    fn entries(
        &self,
        path: &str,
        directory: Ino,
    ) -> Result<Cursor<Arc<str>, Entry>, SnapshotError> {
        Ok(self
            .snapshot
            .at(path, self.snapshot.version().entries(directory))?
            .cursor())
    }

    fn entry(&mut self, path: &str, ino: Ino, inode: &Inode) -> Result<(), ExportError> {
        let mut header = Header::new_gnu();
        header.set_mode(inode.meta.mode);
        header.set_mtime(inode.meta.modified.seconds);
        header.set_size(0);
        let nanoseconds = inode.meta.modified.nanoseconds;
        if nanoseconds > 0 {
            let time = format!("{}.{nanoseconds:09}", inode.meta.modified.seconds);
            self.tar
                .append_pax_extensions([("mtime", time.as_bytes())])
                .map_err(ExportError::Write)?;
        }
        if inode.names.iter().nth(1).is_some() {
            if let Some(first) = self.linked.get(&ino) {
                header.set_entry_type(EntryType::Link);
                return self
                    .tar
                    .append_link(&mut header, path, first)
                    .map_err(ExportError::Write);
            }
            self.linked.insert(ino, path.to_owned());
        }
        match &inode.data {
            Data::Directory(_) => {
                header.set_entry_type(EntryType::Directory);
                self.tar
                    .append_data(&mut header, format!("{path}/"), io::empty())
                    .map_err(ExportError::Write)
            }
            Data::Symlink(target) => {
                header.set_entry_type(EntryType::Symlink);
                self.tar
                    .append_link(&mut header, path, &**target)
                    .map_err(ExportError::Write)
            }
            Data::File(content) => {
                header.set_entry_type(EntryType::Regular);
                header.set_size(content.size());
                let mut reading = Reading {
                    content,
                    offset: 0,
                    damage: None,
                };
                let written = self.tar.append_data(&mut header, path, &mut reading);
                match reading.damage {
                    Some(fault) => Ok(self.snapshot.at(path, Err(fault))?),
                    None => written.map_err(ExportError::Write),
                }
            }
        }
    }
}

/// A file's bytes, one after the other.
struct Reading<'c> {
    content: &'c Content,
    offset: u64,
    damage: Option<Fault>,
}

impl Read for Reading<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let piece = self
            .content
            .read(self.offset, buffer.len())
            .map_err(|damage| {
                self.damage = Some(damage.into());
                io::Error::other("the snapshot is damaged")
            })?;
        buffer[..piece.len()].copy_from_slice(&piece);
        self.offset = self
            .offset
            .saturating_add(u64::try_from(piece.len()).unwrap_or(0));
        Ok(piece.len())
    }
}
