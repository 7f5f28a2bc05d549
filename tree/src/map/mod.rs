//! An ordered map as a value: a B+ tree whose nodes are shared between versions and loaded when they are needed.
//!
//! Cloning is one reference count. Changing copies the nodes from the root to the place, unless nobody else has them.
//! Three things are such maps: the table of a tree's files, a directory's entries and a large file's chunks.
//!
//! A node that was saved knows the key it was saved by; one that was changed since does not. That is what makes saving
//! and comparing proportional to what changed.

mod codec;
mod cursor;
mod difference;
mod edit;
mod node;

use std::borrow::Borrow;

pub(crate) use codec::{Malformed, Reader, Writer, page_references};
pub(crate) use cursor::Cursor;
pub(crate) use node::{Link, Node};

use crate::Damage;

/// A node with more entries is split.
const ENTRIES_MAX: usize = 32;
/// A node with fewer is joined with a neighbour if there is room.
const ENTRIES_FEW: usize = 8;
/// No map is higher; with two entries a node it would hold 2^40.
pub(crate) const HEIGHT_MAX: u8 = 40;

/// What can be in a map.
pub(crate) trait Item: Clone + Send + Sync + 'static {
    /// Writes it down; what it refers to is saved first.
    fn encode(&self, writer: &mut Writer<'_, '_>) -> Result<(), crate::SaveError>;
    /// Reads what `encode` wrote. Whatever the bytes say, it takes no more room than they do.
    fn decode(reader: &mut Reader<'_>) -> Result<Self, Malformed>;
}

/// What can be a value.
pub(crate) trait Value: Item {
    /// Tells pages of these from others.
    const TAG: u8;
    /// Whether there is no difference, as far as that is cheap to say.
    fn same(&self, other: &Self) -> bool;
}

/// An ordered map.
pub(crate) struct Map<K, V> {
    root: Link<K, V>,
    len: u64,
}

impl<K, V> Clone for Map<K, V> {
    fn clone(&self) -> Map<K, V> {
        Map {
            root: self.root.clone(),
            len: self.len,
        }
    }
}

impl<K: Item + Ord, V: Value> Map<K, V> {
    pub(crate) fn new() -> Map<K, V> {
        Map {
            root: Link::new(Node::Leaf(Vec::new())),
            len: 0,
        }
    }

    /// How many entries it has. What was loaded may lie.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has none, truly.
    pub(crate) fn is_empty(&self) -> Result<bool, Damage> {
        Ok(matches!(self.root.node()?, Node::Leaf(entries) if entries.is_empty()))
    }

    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Result<Option<&V>, Damage>
    where
        K: Borrow<Q>,
    {
        let mut link = &self.root;
        loop {
            match link.node()? {
                Node::Leaf(entries) => {
                    return Ok(entries
                        .binary_search_by(|(other, _)| other.borrow().cmp(key))
                        .ok()
                        .map(|at| &entries[at].1));
                }
                Node::Inner(children) => link = &children[node::child(children, key)].1,
            }
        }
    }

    pub(crate) fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Result<Option<&mut V>, Damage>
    where
        K: Borrow<Q>,
    {
        let mut link = &mut self.root;
        loop {
            match link.edit()? {
                Node::Leaf(entries) => {
                    let at = entries.binary_search_by(|(other, _)| other.borrow().cmp(key));
                    return Ok(match at {
                        Ok(at) => Some(&mut entries[at].1),
                        Err(_) => None,
                    });
                }
                Node::Inner(children) => {
                    let at = node::child(children, key);
                    link = &mut children[at].1;
                }
            }
        }
    }

    /// Gives back what was there.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Result<Option<V>, Damage> {
        let (before, split) = edit::insert(&mut self.root, key, value)?;
        if let Some(right) = split {
            let lowest = right.0.clone();
            let left = self.root.clone();
            self.root = Link::new(Node::Inner(vec![(lowest, left), right]));
        }
        if before.is_none() {
            self.len = self.len.saturating_add(1);
        }
        Ok(before)
    }

    /// Gives back what was there.
    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Result<Option<V>, Damage>
    where
        K: Borrow<Q>,
    {
        if self.get(key)?.is_none() {
            return Ok(None);
        }
        let removed = edit::remove(&mut self.root, key)?;
        self.len = self.len.saturating_sub(1);
        while let Some(root) = edit::only_child(&self.root)? {
            self.root = root;
        }
        Ok(removed)
    }

    /// All entries in order, as they are now, whatever becomes of the map.
    pub(crate) fn cursor(&self) -> Cursor<K, V> {
        Cursor::new(&self.root)
    }

    /// The entries from `key` on.
    pub(crate) fn cursor_from<Q: Ord + ?Sized>(&self, key: &Q) -> Result<Cursor<K, V>, Damage>
    where
        K: Borrow<Q>,
    {
        Cursor::from(&self.root, key)
    }

    /// Calls `found` with every key at which the two differ and what is there, in time proportional to how many there
    /// are.
    pub(crate) fn differences<E: From<Damage>>(
        &self,
        other: &Map<K, V>,
        found: impl FnMut(&K, Option<&V>, Option<&V>) -> Result<(), E>,
    ) -> Result<(), E> {
        difference::walk(&self.root, &other.root, found)
    }

    /// Whether it is certain without looking that they do not differ.
    pub(crate) fn shares_all(&self, other: &Map<K, V>) -> bool {
        self.root.same(&other.root)
    }
}

#[cfg(test)]
mod tests;
