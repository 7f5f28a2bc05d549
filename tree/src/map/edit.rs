//! Inserting and removing.

use std::borrow::Borrow;

use super::node::{Link, Node, child};
use super::{ENTRIES_FEW, ENTRIES_MAX, Item, Value};
use crate::Damage;

/// The right half of a node that was split, and the least key in it.
type Split<K, V> = Option<(K, Link<K, V>)>;

pub(super) fn insert<K: Item + Ord, V: Value>(
    link: &mut Link<K, V>,
    key: K,
    value: V,
) -> Result<(Option<V>, Split<K, V>), Damage> {
    match link.edit()? {
        Node::Leaf(entries) => match entries.binary_search_by(|(other, _)| other.cmp(&key)) {
            Ok(at) => Ok((Some(std::mem::replace(&mut entries[at].1, value)), None)),
            Err(at) => {
                entries.insert(at, (key, value));
                let split = split(entries, at)
                    .map(|right| (right[0].0.clone(), Link::new(Node::Leaf(right))));
                Ok((None, split))
            }
        },
        Node::Inner(children) => {
            let at = child(children, &key);
            let (before, right) = insert(&mut children[at].1, key, value)?;
            let mut own = None;
            if let Some(right) = right {
                children.insert(at + 1, right);
                own = split(children, at + 1)
                    .map(|right| (right[0].0.clone(), Link::new(Node::Inner(right))));
            }
            Ok((before, own))
        }
    }
}

/// Takes off the right half of what has grown too long by what is now at `at`. What only ever grows at its end is
/// left full.
fn split<T>(items: &mut Vec<T>, at: usize) -> Option<Vec<T>> {
    if items.len() <= ENTRIES_MAX {
        return None;
    }
    let middle = if at + 1 == items.len() {
        at
    } else {
        items.len() / 2
    };
    Some(items.split_off(middle))
}

/// Removes a key that is there.
pub(super) fn remove<K: Item + Ord + Borrow<Q>, V: Value, Q: Ord + ?Sized>(
    link: &mut Link<K, V>,
    key: &Q,
) -> Result<Option<V>, Damage> {
    match link.edit()? {
        Node::Leaf(entries) => Ok(entries
            .binary_search_by(|(other, _)| other.borrow().cmp(key))
            .ok()
            .map(|at| entries.remove(at).1)),
        Node::Inner(children) => {
            let at = child(children, key);
            let removed = remove(&mut children[at].1, key)?;
            let left = children[at].1.node()?.len();
            if left == 0 {
                children.remove(at);
            } else if left < ENTRIES_FEW {
                join(children, at)?;
            }
            Ok(removed)
        }
    }
}

/// Joins a child with a neighbour that is loaded, if both fit in three quarters of a node.
fn join<K: Item + Ord, V: Value>(
    children: &mut Vec<(K, Link<K, V>)>,
    at: usize,
) -> Result<(), Damage> {
    let len = |at: usize| {
        children
            .get(at)
            .and_then(|(_, link)| link.loaded())
            .map(Node::len)
    };
    let fits = |a: usize, b: usize| matches!((len(a), len(b)), (Some(a), Some(b)) if a + b <= ENTRIES_MAX / 4 * 3);
    let left = if fits(at, at + 1) {
        at
    } else if at > 0 && fits(at - 1, at) {
        at - 1
    } else {
        return Ok(());
    };
    let (lowest, right) = children.remove(left + 1);
    match (children[left].1.edit()?, right.node()?) {
        (Node::Leaf(into), Node::Leaf(from)) => into.extend_from_slice(from),
        (Node::Inner(into), Node::Inner(from)) => {
            let first = into.len();
            into.extend_from_slice(from);
            // The key beside a first child means nothing; it is no longer the first.
            into[first].0 = lowest;
        }
        // Of different heights: only what was loaded and lies. Both stay as they are.
        _ => children.insert(left + 1, (lowest, right)),
    }
    Ok(())
}

/// What a root with a single child is replaced with.
pub(super) fn only_child<K: Item + Ord, V: Value>(
    root: &Link<K, V>,
) -> Result<Option<Link<K, V>>, Damage> {
    Ok(match root.node()? {
        Node::Inner(children) if children.is_empty() => Some(Link::new(Node::Leaf(Vec::new()))),
        Node::Inner(children) if children.len() == 1 => Some(children[0].1.clone()),
        _ => None,
    })
}
