//! What the fuzz targets share.

mod blobs;
pub mod seeds;

use std::sync::Arc;

use glovebox_tree::{Blobs, Store, StoreOptions, Timestamp};

pub use blobs::{from_blobs, to_blobs};

/// A store in memory whose time stands still.
pub fn store(blobs: Arc<dyn Blobs>) -> Arc<Store> {
    let now = || Timestamp {
        seconds: 1_000_000,
        nanoseconds: 0,
    };
    Store::open(StoreOptions::new(blobs, Arc::new(now))).expect("a store in memory")
}
