//! Saving a snapshot: only what no earlier save has written.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::record::{Record, RecordError};
use crate::blobs::{Blobs, Digest, Key, Part};
use crate::map::Writer;
use crate::store::Store;
use crate::tree::{Place, Snapshot};
use crate::{Damage, Damaged};

pub(super) const ROOT_MAGIC: &[u8; 3] = b"GR\x01";

/// What something is saved as.
#[derive(Debug, Clone)]
pub(crate) struct Memo {
    pub(crate) key: Key,
    /// The generation in which it was last known to be there, if it ever was.
    checked: Option<u32>,
    /// The saved snapshot it was opened as a part of.
    pub(crate) origin: Option<Arc<Origin>>,
}

impl Memo {
    pub(crate) fn opened(key: Key, origin: Option<Arc<Origin>>) -> Memo {
        Memo {
            key,
            checked: None,
            origin,
        }
    }
}

/// A saved snapshot that was opened. While its root is there, so is all of it: one look is enough for all its parts.
#[derive(Debug)]
pub(crate) struct Origin {
    root: Key,
    /// Whether it was there, and the generation in which that was looked up.
    found: Mutex<Option<(u32, bool)>>,
}

impl Origin {
    pub(super) fn new(root: Key) -> Arc<Origin> {
        Arc::new(Origin {
            root,
            found: Mutex::new(None),
        })
    }
}

/// A snapshot could not be saved. Nothing is lost: the next attempt goes on where this one ended.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The blobs could not be written.
    #[error("the blobs could not be written")]
    Blobs(#[from] std::io::Error),
    /// The sweeper's record could not be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Something to be saved again is damaged.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// A sweep went by and more than half its grace, so what this save relied upon may be gone soon.
    #[error("saving went on for longer after a sweep than half its grace of {0:?}")]
    TooSlow(Duration),
}

impl From<Damage> for SaveError {
    fn from(damage: Damage) -> SaveError {
        SaveError::Damaged(Damaged {
            path: "/".into(),
            damage,
        })
    }
}

/// A snapshot that was saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saved {
    /// What it is opened by.
    pub root: Key,
    /// How many blobs had to be written.
    pub blobs_written: u64,
    /// How long they are together.
    pub bytes_written: u64,
}

/// One save under way.
pub(crate) struct Saver<'s> {
    blobs: &'s dyn Blobs,
    record: Record,
    blobs_written: u64,
    bytes_written: u64,
    /// The file being written down, to name it if it is damaged.
    pub(crate) file: Option<Place>,
}

impl Saver<'_> {
    /// What is saved as `memo`, if that can be relied upon to stay.
    pub(crate) fn still_good(&self, memo: &Memo) -> Result<Option<Memo>, SaveError> {
        let generation = self.record.generation;
        if memo.checked == Some(generation) {
            return Ok(Some(memo.clone()));
        }
        if self.record.condemned.contains(&memo.key) {
            return Ok(None);
        }
        // Known in the generation before and not condemned at its end: then it cannot have been deleted since.
        let known = memo
            .checked
            .is_some_and(|checked| checked.checked_add(1) == Some(generation));
        let there =
            known || self.has_origin(memo.origin.as_deref())? || self.blobs.has(&memo.key)?;
        Ok(there.then(|| Memo {
            checked: Some(generation),
            ..memo.clone()
        }))
    }

    fn has_origin(&self, origin: Option<&Origin>) -> Result<bool, SaveError> {
        let Some(origin) = origin else {
            return Ok(false);
        };
        let generation = self.record.generation;
        let mut found = origin.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, there)) = *found
            && at == generation
        {
            return Ok(there);
        }
        let there =
            !self.record.condemned.contains(&origin.root) && self.blobs.has(&origin.root)?;
        *found = Some((generation, there));
        Ok(there)
    }

    pub(crate) fn put(
        &mut self,
        part: Part,
        digest: Digest,
        bytes: &[u8],
    ) -> Result<Memo, SaveError> {
        let key = Key {
            part,
            generation: self.record.generation,
            digest,
        };
        self.blobs.put(&key, bytes)?;
        self.blobs_written += 1;
        self.bytes_written += u64::try_from(bytes.len()).unwrap_or(0);
        Ok(Memo {
            key,
            checked: Some(key.generation),
            origin: None,
        })
    }
}

impl Snapshot {
    /// Saves the snapshot; it is durable when this returns. Takes time and writes bytes in proportion to what no
    /// earlier save of this tree has written.
    ///
    /// Until `root` is among the roots that sweeps are given, half the sweeper's grace may pass. In a store without a
    /// pack, chunks may from now on be read from the blobs, so that `root` must stay among them for as long as the
    /// snapshot is in use.
    pub fn save(&self) -> Result<Saved, SaveError> {
        let store = self.store();
        let record = Record::load(store)?.unwrap_or_default();
        let mut saver = Saver {
            blobs: store.blobs(),
            record,
            blobs_written: 0,
            bytes_written: 0,
            file: None,
        };
        let mut writer = Writer::new(&mut saver);
        writer.raw(ROOT_MAGIC);
        let version = self.version();
        writer.number(version.next);
        writer.number(version.usage.bytes);
        writer.number(version.usage.files);
        let encoded = version.inodes.encode(&mut writer);
        let root = writer.finish();
        encoded.map_err(|error| match error {
            SaveError::Damaged(Damaged { damage, .. }) => SaveError::Damaged(Damaged {
                path: version.path_for_people(saver.file.as_ref()),
                damage,
            }),
            error => error,
        })?;
        let memo = saver.put(Part::Root, Digest::of(&root), &root)?;
        store.blobs().flush()?;
        let generation = saver.record.generation;
        let saved = Saved {
            root: memo.key,
            blobs_written: saver.blobs_written,
            bytes_written: saver.bytes_written,
        };
        in_time(store, generation).map(|()| saved)
    }
}

/// Whether a save that began in this generation may still be relied upon.
fn in_time(store: &Arc<Store>, began: u32) -> Result<(), SaveError> {
    let Some(record) = Record::load(store)?.filter(|record| record.generation != began) else {
        return Ok(());
    };
    let since = store.now().seconds.saturating_sub(record.at);
    if began.checked_add(1) == Some(record.generation) && since <= record.grace.as_secs() / 2 {
        Ok(())
    } else {
        Err(SaveError::TooSlow(record.grace))
    }
}
