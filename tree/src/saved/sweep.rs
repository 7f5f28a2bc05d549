//! Removing blobs that no saved snapshot needs, safely against crashes and against saves at the same time.
//!
//! # The protocol
//!
//! The store has a *generation*, and a list of blobs *condemned* at its beginning; both are in the sweeper's record.
//! A blob's key says in which generation it was written. A sweep in generation G
//!
//! 1. does nothing before the grace since the record was written is over, and then asks for the roots;
//! 2. lists all blobs and marks what the roots need, and what blobs that are *not* condemned need;
//! 3. deletes the condemned that are not marked;
//! 4. writes the record of generation G + 1, which condemns what is left and no root needs.
//!
//! A save reads the record when it begins. It takes what is condemned for deleted already and writes it again, under
//! the key of its own generation, which is another key: nothing that is condemned is ever written. What it remembers
//! from an earlier save it relies upon if it knew it in the generation before, or looks it up; one look is enough for
//! all that hangs below, and one look at the root for all of an opened snapshot, because of the rule that sweeps keep: *whatever is stored and not condemned has everything it
//! needs stored.* When it ends it reads the record again: at most one sweep may have gone by, and at most half its
//! grace. The caller has the other half to put the new root where the sweeper will be told of it.
//!
//! So a save that began before a sweep condemned something is over, and its root known, when the next sweep may delete
//! it; and one that began later does not rely on it. A crash of a sweep in 3 leaves the record as it was, and the
//! next sweep goes on. A crash in 4 leaves the old record or the new one. A crash of a save leaves blobs that no root
//! needs, which are condemned by the next sweep and deleted by the one after it.
//!
//! One sweeper works at a time; the caller sees to that. Clocks of several machines may differ by less than half the
//! grace.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::load;
use super::record::{Record, RecordError};
use crate::Damage;
use crate::blobs::{Key, Part};
use crate::map::{Malformed, page_references};
use crate::store::{Chunk, Store};
use crate::tree::{Entry, Inode};

/// What a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Blobs deleted.
    pub deleted: u64,
    /// Blobs condemned, to be deleted by the next sweep if still nobody needs them.
    pub condemned: u64,
    /// All other blobs.
    pub kept: u64,
}

/// A sweep could not be done. Nothing that anybody needs was deleted.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The last one is too recent. Try again after this long.
    #[error("the last sweep is too recent: {} seconds are left", .0.as_secs())]
    TooEarly(Duration),
    /// The blobs could not be read or written.
    #[error("the blobs could not be read or written")]
    Blobs(#[from] std::io::Error),
    /// The record of the last sweep could not be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A saved snapshot is damaged, so what it needs is not known.
    #[error("a saved snapshot is damaged")]
    Damaged(#[from] Damage),
}

/// Sweeps. `roots` is asked, once the grace is over, for the root of every snapshot that is still wanted, those from
/// which trees in use were opened included. `grace` holds until the next sweep; an hour is plenty.
pub fn sweep(
    store: &Arc<Store>,
    grace: Duration,
    roots: impl FnOnce() -> Vec<Key>,
) -> Result<Swept, SweepError> {
    let record = Record::load(store)?;
    if let Some(record) = &record {
        let since = Duration::from_secs(store.now().seconds.saturating_sub(record.at));
        if since < record.grace {
            return Err(SweepError::TooEarly(record.grace - since));
        }
    }
    let record = record.unwrap_or_default();
    let roots = roots();
    let blobs = store.blobs();
    let listed: HashSet<Key> = blobs.list()?.into_iter().collect();
    let mut needed = HashSet::new();
    mark(store, roots, &mut needed, Missing::Refused)?;
    let mut sheltered = needed.clone();
    let others = listed.difference(&record.condemned).copied().collect();
    mark(store, others, &mut sheltered, Missing::PassedOver)?;
    let mut swept = Swept::default();
    let mut condemned = HashSet::new();
    for key in &listed {
        if record.condemned.contains(key) && !sheltered.contains(key) {
            blobs.delete(key)?;
            swept.deleted += 1;
        } else if needed.contains(key) {
            swept.kept += 1;
        } else {
            condemned.insert(*key);
            swept.condemned += 1;
        }
    }
    let generation = record
        .generation
        .checked_add(1)
        .ok_or(RecordError::Malformed("the last generation"))?;
    let next = Record {
        generation,
        at: store.now().seconds,
        condemned,
        grace,
    };
    blobs.set_record(&next.encode())?;
    Ok(swept)
}

/// What is made of a blob that is missing or damaged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Refused,
    /// Nobody needs what refers to it.
    PassedOver,
}

/// Adds `keys` and all they need to `marked`. What is marked already is not looked at again.
fn mark(
    store: &Arc<Store>,
    keys: Vec<Key>,
    marked: &mut HashSet<Key>,
    missing: Missing,
) -> Result<(), SweepError> {
    let mut waiting = keys;
    while let Some(key) = waiting.pop() {
        if !marked.insert(key) || key.part == Part::Chunk {
            continue;
        }
        match references(store, &key) {
            Ok(keys) => waiting.extend(keys.into_iter().filter(|key| !marked.contains(key))),
            // Unreadable is not missing: it may be back the next time.
            Err(damage @ Damage::Unreadable { .. }) => return Err(damage.into()),
            Err(_) if missing == Missing::PassedOver => {}
            Err(damage) => return Err(damage.into()),
        }
    }
    Ok(())
}

/// What a root or page refers to.
pub(super) fn references(store: &Arc<Store>, key: &Key) -> Result<Vec<Key>, Damage> {
    let bytes = store.fetch(key)?;
    let found = match key.part {
        Part::Chunk => return Ok(Vec::new()),
        Part::Root => load::references(&bytes, store),
        Part::Page => of_any_page(&bytes, store),
    };
    found.map_err(|why| Damage::Malformed {
        key: *key,
        why: why.0,
    })
}

fn of_any_page(page: &[u8], store: &Arc<Store>) -> Result<Vec<Key>, Malformed> {
    if let Some(keys) = page_references::<u64, Arc<Inode>>(page, store)? {
        return Ok(keys);
    }
    if let Some(keys) = page_references::<Arc<str>, Entry>(page, store)? {
        return Ok(keys);
    }
    page_references::<u64, Arc<Chunk>>(page, store)?.ok_or(Malformed("of an unknown kind"))
}
