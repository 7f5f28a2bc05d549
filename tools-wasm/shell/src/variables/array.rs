//! Associative arrays, walked in the order bash walks them.
//!
//! Scripts print `${!map[@]}` and people compare the output, so the order is bash's own: the buckets of a table
//! of 1024 by FNV-1 hash, the newest entry of a bucket first.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Associative {
    entries: HashMap<String, (u64, String)>,
    next: u64,
}

const BUCKETS: u32 = 1024;

fn bucket(key: &str, buckets: u32) -> u32 {
    let hash = crate::text::encode(key)
        .iter()
        .fold(2_166_136_261_u32, |hash, &byte| {
            hash.wrapping_mul(16_777_619) ^ (i32::from(byte as i8) as u32)
        });
    hash & (buckets - 1)
}

impl Associative {
    pub fn get(&self, key: &str) -> Option<&String> {
        self.entries.get(key).map(|(_, value)| value)
    }

    pub fn insert(&mut self, key: String, value: String) {
        match self.entries.get_mut(&key) {
            Some((_, old)) => *old = value,
            None => {
                self.entries.insert(key, (self.next, value));
                self.next += 1;
            }
        }
    }

    pub fn remove(&mut self, key: &str) {
        self.entries.remove(key);
    }

    pub fn clear(&mut self) {
        self.entries.clear();
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries in bash's order.
    pub fn walk(&self) -> Vec<(&String, &String)> {
        // The table grows fourfold when it holds twice its buckets.
        let mut buckets = BUCKETS;
        while self.entries.len() as u64 >= u64::from(buckets) * 2 {
            buckets *= 4;
        }
        let mut all: Vec<_> = self
            .entries
            .iter()
            .map(|(key, (age, value))| ((bucket(key, buckets), u64::MAX - age), key, value))
            .collect();
        all.sort_unstable_by_key(|(order, _, _)| *order);
        all.into_iter()
            .map(|(_, key, value)| (key, value))
            .collect()
    }
}
