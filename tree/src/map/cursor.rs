//! Going through a map in order.

use std::borrow::Borrow;

use super::node::{Link, Node, child};
use super::{Item, Value};
use crate::Damage;

/// A place in a map that does not change.
pub(crate) struct Cursor<K, V> {
    /// From the root down: a node and the next of its entries or children.
    path: Vec<(Link<K, V>, usize)>,
}

impl<K: Item + Ord, V: Value> Cursor<K, V> {
    pub(super) fn new(root: &Link<K, V>) -> Cursor<K, V> {
        Cursor {
            path: vec![(root.clone(), 0)],
        }
    }

    pub(super) fn from<Q: Ord + ?Sized>(root: &Link<K, V>, key: &Q) -> Result<Cursor<K, V>, Damage>
    where
        K: Borrow<Q>,
    {
        let mut path = Vec::new();
        let mut link = root.clone();
        loop {
            let next = match link.node()? {
                Node::Leaf(entries) => {
                    let at = entries.partition_point(|(other, _)| other.borrow() < key);
                    path.push((link, at));
                    return Ok(Cursor { path });
                }
                Node::Inner(children) => {
                    let at = child(children, key);
                    path.push((link.clone(), at + 1));
                    children[at].1.clone()
                }
            };
            link = next;
        }
    }

    /// The next entry. After some damage there is nothing more.
    pub(crate) fn next(&mut self) -> Result<Option<(K, V)>, Damage> {
        while let Some((link, at)) = self.path.last_mut() {
            let node = match link.node() {
                Ok(node) => node,
                Err(damage) => {
                    self.path.clear();
                    return Err(damage);
                }
            };
            let index = *at;
            *at += 1;
            let below = match node {
                Node::Leaf(entries) => match entries.get(index) {
                    Some(entry) => return Ok(Some(entry.clone())),
                    None => None,
                },
                Node::Inner(children) => children.get(index).map(|(_, link)| link.clone()),
            };
            match below {
                Some(link) => self.path.push((link, 0)),
                None => {
                    self.path.pop();
                }
            }
        }
        Ok(None)
    }
}
