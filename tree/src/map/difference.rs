//! Where two maps differ.
//!
//! Both are gone through in order at once. A node that both share is passed over whole. Where they have been split
//! differently, the higher of the two is taken apart until shared nodes meet again.

use super::node::{Link, Node};
use super::{Item, Value};
use crate::Damage;

enum Ahead<K, V> {
    Entry(K, V),
    Below(Link<K, V>, u8),
}

pub(super) fn walk<K: Item + Ord, V: Value, E: From<Damage>>(
    a: &Link<K, V>,
    b: &Link<K, V>,
    mut found: impl FnMut(&K, Option<&V>, Option<&V>) -> Result<(), E>,
) -> Result<(), E> {
    if a.same(b) {
        return Ok(());
    }
    let mut a = vec![Ahead::Below(a.clone(), a.height()?)];
    let mut b = vec![Ahead::Below(b.clone(), b.height()?)];
    loop {
        // What is next on either side; both are entries before anything is compared.
        match (a.last(), b.last()) {
            (None, None) => return Ok(()),
            (Some(Ahead::Below(x, x_height)), Some(Ahead::Below(y, y_height))) => {
                if x.same(y) {
                    a.pop();
                    b.pop();
                } else if x_height >= y_height {
                    take_apart(&mut a)?;
                } else {
                    take_apart(&mut b)?;
                }
            }
            (Some(Ahead::Below(..)), _) => take_apart(&mut a)?,
            (_, Some(Ahead::Below(..))) => take_apart(&mut b)?,
            (Some(Ahead::Entry(key, value)), None) => {
                found(key, Some(value), None)?;
                a.pop();
            }
            (None, Some(Ahead::Entry(key, value))) => {
                found(key, None, Some(value))?;
                b.pop();
            }
            (Some(Ahead::Entry(x, before)), Some(Ahead::Entry(y, after))) => match x.cmp(y) {
                std::cmp::Ordering::Less => {
                    found(x, Some(before), None)?;
                    a.pop();
                }
                std::cmp::Ordering::Greater => {
                    found(y, None, Some(after))?;
                    b.pop();
                }
                std::cmp::Ordering::Equal => {
                    if !before.same(after) {
                        found(x, Some(before), Some(after))?;
                    }
                    a.pop();
                    b.pop();
                }
            },
        }
    }
}

/// Replaces the node that is next with what is in it.
fn take_apart<K: Item + Ord, V: Value>(side: &mut Vec<Ahead<K, V>>) -> Result<(), Damage> {
    if let Some(Ahead::Below(link, height)) = side.pop() {
        match link.node()? {
            Node::Leaf(entries) => side.extend(
                entries
                    .iter()
                    .rev()
                    .map(|(key, value)| Ahead::Entry(key.clone(), value.clone())),
            ),
            Node::Inner(children) => side.extend(
                children
                    .iter()
                    .rev()
                    .map(|(_, child)| Ahead::Below(child.clone(), height.saturating_sub(1))),
            ),
        }
    }
    Ok(())
}
