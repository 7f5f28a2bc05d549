//! Opening a saved snapshot: its root blob and nothing else.

use std::sync::Arc;

use super::save::{Origin, ROOT_MAGIC};
use crate::Damage;
use crate::blobs::Key;
use crate::map::{Malformed, Map, Reader};
use crate::store::Store;
use crate::tree::{Snapshot, Usage, Version};

impl Snapshot {
    /// Opens what was saved as `root`. As long as the snapshot or a tree made from it is in use, `root` must be among
    /// the roots that sweeps are given.
    pub fn open(store: &Arc<Store>, root: &Key) -> Result<Snapshot, Damage> {
        let bytes = store.fetch(root)?;
        let mut reader = Reader::new(&bytes, store).of(Some(Origin::new(*root)));
        let version = version(&mut reader).map_err(|why| Damage::Malformed {
            key: *root,
            why: why.0,
        })?;
        Ok(Snapshot::new(version, store.clone()))
    }
}

fn version(reader: &mut Reader<'_>) -> Result<Version, Malformed> {
    reader.magic(ROOT_MAGIC)?;
    let next = reader.number()?;
    if next > u64::MAX / 2 {
        return Err(Malformed("with numbers that run out"));
    }
    let usage = Usage {
        bytes: reader.number()?,
        files: reader.number()?,
    };
    Ok(Version {
        next,
        usage,
        inodes: Map::decode(reader)?,
    })
}

/// What a root blob refers to.
pub(super) fn references(bytes: &[u8], store: &Arc<Store>) -> Result<Vec<Key>, Malformed> {
    let mut reader = Reader::new(bytes, store);
    version(&mut reader)?;
    reader.end()
}
