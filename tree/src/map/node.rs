//! The nodes of a map and the links between them.

use std::borrow::Borrow;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::codec::decode_page;
use super::{Item, Value};
use crate::Damage;
use crate::blobs::Key;
use crate::saved::Memo;
use crate::store::Store;

/// Entries or children in order. The key beside a child is the least that may be in it, except beside the first, where
/// it means nothing.
pub(crate) enum Node<K, V> {
    Leaf(Vec<(K, V)>),
    Inner(Vec<(K, Link<K, V>)>),
}

impl<K, V> Node<K, V> {
    pub(super) fn len(&self) -> usize {
        match self {
            Node::Leaf(entries) => entries.len(),
            Node::Inner(children) => children.len(),
        }
    }
}

/// Which child `key` is in.
pub(super) fn child<K: Borrow<Q>, V, Q: Ord + ?Sized>(
    children: &[(K, Link<K, V>)],
    key: &Q,
) -> usize {
    children.get(1..).map_or(0, |rest| {
        rest.partition_point(|(lowest, _)| lowest.borrow() <= key)
    })
}

/// A reference to a node, which may not be loaded yet.
pub(crate) struct Link<K, V>(Arc<Slot<K, V>>);

impl<K, V> Clone for Link<K, V> {
    fn clone(&self) -> Link<K, V> {
        Link(self.0.clone())
    }
}

struct Slot<K, V> {
    node: OnceLock<Node<K, V>>,
    /// What it is saved as, if it is.
    memo: Mutex<Option<Memo>>,
    /// Where it is loaded from, and how high it must be.
    source: Option<(Arc<Store>, u8)>,
}

impl<K: Clone, V: Clone> Clone for Slot<K, V> {
    /// For a change: a copy, not saved yet. Only what is loaded is ever changed.
    fn clone(&self) -> Slot<K, V> {
        let node = match self.node.get() {
            Some(Node::Leaf(entries)) => Node::Leaf(with_room(entries)),
            Some(Node::Inner(children)) => Node::Inner(with_room(children)),
            None => Node::Leaf(Vec::new()),
        };
        Slot {
            node: OnceLock::from(node),
            memo: Mutex::new(None),
            source: None,
        }
    }
}

fn with_room<T: Clone>(items: &[T]) -> Vec<T> {
    let mut copy = Vec::with_capacity(items.len() + 1);
    copy.extend_from_slice(items);
    copy
}

impl<K: Item + Ord, V: Value> Link<K, V> {
    pub(crate) fn new(node: Node<K, V>) -> Link<K, V> {
        Link(Arc::new(Slot {
            node: OnceLock::from(node),
            memo: Mutex::new(None),
            source: None,
        }))
    }

    /// A node to be loaded when it is needed.
    pub(crate) fn saved(memo: Memo, height: u8, store: Arc<Store>) -> Link<K, V> {
        Link(Arc::new(Slot {
            node: OnceLock::new(),
            memo: Mutex::new(Some(memo)),
            source: Some((store, height)),
        }))
    }

    /// The node, loaded if need be.
    pub(crate) fn node(&self) -> Result<&Node<K, V>, Damage> {
        if let Some(node) = self.0.node.get() {
            return Ok(node);
        }
        let (Some((store, height)), Some(memo)) = (&self.0.source, self.memo()) else {
            return Err(Damage::Pack("a page was lost".into()));
        };
        let bytes = store.fetch(&memo.key)?;
        let node =
            decode_page(&bytes, *height, store, memo.origin).map_err(|why| Damage::Malformed {
                key: memo.key,
                why: why.0,
            })?;
        // Whoever was faster loaded the same.
        let _ = self.0.node.set(node);
        self.0
            .node
            .get()
            .ok_or_else(|| Damage::Pack("a page was lost".into()))
    }

    pub(super) fn loaded(&self) -> Option<&Node<K, V>> {
        self.0.node.get()
    }

    /// The node to be changed: nobody else's, and no longer what was saved.
    pub(super) fn edit(&mut self) -> Result<&mut Node<K, V>, Damage> {
        self.node()?;
        let slot = Arc::make_mut(&mut self.0);
        slot.source = None;
        *slot.memo.get_mut().unwrap_or_else(PoisonError::into_inner) = None;
        slot.node
            .get_mut()
            .ok_or_else(|| Damage::Pack("a page was lost".into()))
    }

    /// How many levels are below it.
    pub(super) fn height(&self) -> Result<u8, Damage> {
        let mut link = self;
        let mut height = 0;
        loop {
            if let (None, Some((_, rest))) = (link.0.node.get(), &link.0.source) {
                return Ok(height + rest);
            }
            match link.node()? {
                Node::Leaf(_) => return Ok(height),
                Node::Inner(children) => match children.first() {
                    Some((_, first)) => link = first,
                    None => return Ok(height + 1),
                },
            }
            height += 1;
        }
    }

    pub(crate) fn memo(&self) -> Option<Memo> {
        self.0
            .memo
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn remember(&self, memo: Memo) {
        *self.0.memo.lock().unwrap_or_else(PoisonError::into_inner) = Some(memo);
    }

    /// Whether it is certain without looking that they hold the same.
    pub(super) fn same(&self, other: &Link<K, V>) -> bool {
        fn key(memo: Option<Memo>) -> Option<Key> {
            memo.map(|memo| memo.key)
        }
        Arc::ptr_eq(&self.0, &other.0)
            || matches!((key(self.memo()), key(other.memo())), (Some(a), Some(b)) if a.digest == b.digest)
    }
}
