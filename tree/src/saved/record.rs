//! The sweeper's record: the store's generation and what is condemned in it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::Damage;
use crate::blobs::{Digest, Key, Part};
use crate::map::{Malformed, Reader};
use crate::store::Store;

const MAGIC: &[u8; 3] = b"GS\x01";

/// How a store stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) generation: u32,
    /// When it was written, in seconds since 1970. Zero if it never was.
    pub(super) at: u64,
    /// What the next sweep may delete. Savers take it for deleted already.
    pub(super) condemned: HashSet<Key>,
    /// How long nothing condemned is deleted.
    pub(super) grace: Duration,
}

impl Record {
    pub(super) fn load(store: &Arc<Store>) -> Result<Option<Record>, RecordError> {
        match store.blobs().record()? {
            Some(bytes) => Ok(Some(
                decode(&bytes, store).map_err(|why| RecordError::Malformed(why.0))?,
            )),
            None => Ok(None),
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&self.generation.to_le_bytes());
        out.extend_from_slice(&self.at.to_le_bytes());
        out.extend_from_slice(&self.grace.as_secs().to_le_bytes());
        for key in &self.condemned {
            out.push(match key.part {
                Part::Root => 0,
                Part::Page => 1,
                Part::Chunk => 2,
            });
            out.extend_from_slice(&key.generation.to_le_bytes());
            out.extend_from_slice(&key.digest.0);
        }
        out
    }
}

/// The sweeper's record could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It could not be read.
    #[error("the sweeper's record could not be read")]
    Io(#[from] std::io::Error),
    /// It makes no sense.
    #[error("the sweeper's record is malformed: {0}")]
    Malformed(&'static str),
}

fn decode(bytes: &[u8], store: &Arc<Store>) -> Result<Record, Malformed> {
    fn array<const N: usize>(reader: &mut Reader<'_>) -> Result<[u8; N], Malformed> {
        reader
            .take(N)?
            .try_into()
            .map_err(|_| Malformed("cut short"))
    }
    let mut reader = Reader::new(bytes, store);
    reader.magic(MAGIC)?;
    let mut record = Record {
        generation: u32::from_le_bytes(array(&mut reader)?),
        at: u64::from_le_bytes(array(&mut reader)?),
        grace: Duration::from_secs(u64::from_le_bytes(array(&mut reader)?)),
        condemned: HashSet::new(),
    };
    while !reader.is_at_end() {
        let part = match reader.byte()? {
            0 => Part::Root,
            1 => Part::Page,
            2 => Part::Chunk,
            _ => return Err(Malformed("of an unknown part")),
        };
        let generation = u32::from_le_bytes(array(&mut reader)?);
        record.condemned.insert(Key {
            part,
            generation,
            digest: Digest(array(&mut reader)?),
        });
    }
    Ok(record)
}

impl From<RecordError> for Damage {
    fn from(error: RecordError) -> Damage {
        Damage::Pack(error.to_string())
    }
}
