//! Streams of directory entries.

use wasmtime::component::Resource;

use super::FsViewMut;
use super::convert::{FsResult, no_such_handle};
use super::types::{DirectoryEntry, HostDirectoryEntryStream};
use crate::fs::node::Listing;

/// What is left of a listing.
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct EntryStream(Listing);

impl EntryStream {
    pub(super) fn new(listing: Listing) -> EntryStream {
        EntryStream(listing)
    }
}

impl HostDirectoryEntryStream for FsViewMut<'_> {
    fn read_directory_entry(
        &mut self,
        stream: Resource<EntryStream>,
    ) -> FsResult<Option<DirectoryEntry>> {
        let stream = self.table.get_mut(&stream).map_err(no_such_handle)?;
        match stream.0.next() {
            None => Ok(None),
            Some(entry) => {
                let entry = entry?;
                Ok(Some(DirectoryEntry {
                    type_: entry.kind.into(),
                    name: entry.name,
                }))
            }
        }
    }

    fn drop(&mut self, stream: Resource<EntryStream>) -> wasmtime::Result<()> {
        self.table.delete(stream)?;
        Ok(())
    }
}
