//! How maps are written down, and read again without believing a word.
//!
//! A page is one node. Its keys must be in order, its height what its parent said, its entries no more than a node
//! holds, and nothing may follow. Counts only ever end loops; what is read takes no more room than its bytes did.

use std::sync::Arc;

use super::node::{Link, Node};
use super::{ENTRIES_MAX, HEIGHT_MAX, Item, Map, Value};
use crate::SaveError;
use crate::blobs::{Digest, Key, Part};
use crate::saved::{Memo, Origin, Saver};
use crate::store::Store;

const MAGIC: &[u8; 3] = b"GT\x01";
/// A map of no more entries is written where it belongs, not as a page of its own.
const INLINE_MAX: usize = 16;

/// What is wrong with some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// Takes bytes apart.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    pub(crate) store: &'a Arc<Store>,
    /// The saved snapshot it is all a part of, if that is known.
    pub(crate) origin: Option<Arc<Origin>>,
    keys: Vec<Key>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], store: &'a Arc<Store>) -> Reader<'a> {
        Reader {
            bytes,
            store,
            origin: None,
            keys: Vec::new(),
        }
    }

    /// All of it is a part of this saved snapshot.
    pub(crate) fn of(self, origin: Option<Arc<Origin>>) -> Reader<'a> {
        Reader { origin, ..self }
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self
            .bytes
            .split_at_checked(length)
            .ok_or(Malformed("cut short"))?;
        self.bytes = rest;
        Ok(taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        Ok(self.take(1)?[0])
    }

    /// Seven bits a byte, the lowest first.
    pub(crate) fn number(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(Malformed("a number too large"));
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed("a number too large"))
    }

    pub(crate) fn small(&mut self) -> Result<u32, Malformed> {
        u32::try_from(self.number()?).map_err(|_| Malformed("a number too large"))
    }

    pub(crate) fn bytes(&mut self, max: usize) -> Result<&'a [u8], Malformed> {
        match usize::try_from(self.number()?) {
            Ok(length) if length <= max => self.take(length),
            _ => Err(Malformed("too long")),
        }
    }

    pub(crate) fn text(&mut self, max: usize) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes(max)?).map_err(|_| Malformed("not UTF-8"))
    }

    pub(crate) fn key(&mut self, part: Part) -> Result<Key, Malformed> {
        let digest = self
            .take(32)?
            .try_into()
            .map(Digest)
            .map_err(|_| Malformed("cut short"))?;
        let key = Key {
            part,
            generation: self.small()?,
            digest,
        };
        self.keys.push(key);
        Ok(key)
    }

    pub(crate) fn magic(&mut self, magic: &[u8]) -> Result<(), Malformed> {
        if self.take(magic.len())? == magic {
            Ok(())
        } else {
            Err(Malformed("of an unknown format"))
        }
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn end(self) -> Result<Vec<Key>, Malformed> {
        if self.bytes.is_empty() {
            Ok(self.keys)
        } else {
            Err(Malformed("with something behind it"))
        }
    }
}

/// Puts bytes together.
pub(crate) struct Writer<'a, 's> {
    out: Vec<u8>,
    pub(crate) saver: &'a mut Saver<'s>,
}

impl<'a, 's> Writer<'a, 's> {
    pub(crate) fn new(saver: &'a mut Saver<'s>) -> Writer<'a, 's> {
        Writer {
            out: Vec::new(),
            saver,
        }
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    pub(crate) fn number(&mut self, mut number: u64) {
        loop {
            let byte = u8::try_from(number & 0x7f).unwrap_or(0);
            number >>= 7;
            if number == 0 {
                return self.out.push(byte);
            }
            self.out.push(byte | 0x80);
        }
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.number(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.raw(bytes);
    }

    pub(crate) fn key(&mut self, key: &Key) {
        self.raw(&key.digest.0);
        self.number(key.generation.into());
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.out
    }
}

impl<K: Item + Ord, V: Value> Map<K, V> {
    /// Writes the map down; its pages are saved first.
    pub(crate) fn encode(&self, writer: &mut Writer<'_, '_>) -> Result<(), SaveError> {
        writer.number(self.len);
        match self.root.loaded() {
            Some(Node::Leaf(entries)) if entries.len() <= INLINE_MAX => {
                writer.byte(0);
                encode_entries(entries, writer)
            }
            _ => {
                let height = self.root.height()?;
                let key = self.root.save(height, writer.saver)?;
                writer.byte(1);
                writer.byte(height);
                writer.key(&key);
                Ok(())
            }
        }
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Map<K, V>, Malformed> {
        let len = reader.number()?;
        let root = match reader.byte()? {
            0 => Link::new(Node::Leaf(decode_entries(reader)?)),
            1 => {
                let height = reader.byte()?;
                if height > HEIGHT_MAX {
                    return Err(Malformed("too high"));
                }
                decode_link(reader, height)?
            }
            _ => return Err(Malformed("of an unknown format")),
        };
        Ok(Map { root, len })
    }
}

impl<K: Item + Ord, V: Value> Link<K, V> {
    /// Saves the node and all below it, unless it is saved already.
    fn save(&self, height: u8, saver: &mut Saver<'_>) -> Result<Key, SaveError> {
        if let Some(memo) = self.memo()
            && let Some(memo) = saver.still_good(&memo)?
        {
            let key = memo.key;
            self.remember(memo);
            return Ok(key);
        }
        let mut writer = Writer::new(saver);
        writer.raw(MAGIC);
        writer.byte(V::TAG);
        writer.byte(height);
        match self.node()? {
            Node::Leaf(entries) => encode_entries(entries, &mut writer)?,
            Node::Inner(children) => {
                writer.number(u64::try_from(children.len()).unwrap_or(u64::MAX));
                for (lowest, child) in children {
                    lowest.encode(&mut writer)?;
                    let key = child.save(height.saturating_sub(1), writer.saver)?;
                    writer.key(&key);
                }
            }
        }
        let page = writer.finish();
        let memo = saver.put(Part::Page, Digest::of(&page), &page)?;
        let key = memo.key;
        self.remember(memo);
        Ok(key)
    }
}

fn encode_entries<K: Item, V: Value>(
    entries: &[(K, V)],
    writer: &mut Writer<'_, '_>,
) -> Result<(), SaveError> {
    writer.number(u64::try_from(entries.len()).unwrap_or(u64::MAX));
    for (key, value) in entries {
        key.encode(writer)?;
        value.encode(writer)?;
    }
    Ok(())
}

fn decode_entries<K: Item + Ord, V: Value>(
    reader: &mut Reader<'_>,
) -> Result<Vec<(K, V)>, Malformed> {
    let count = reader.count()?;
    let mut entries: Vec<(K, V)> = Vec::with_capacity(count);
    for _ in 0..count {
        let key = K::decode(reader)?;
        if entries.last().is_some_and(|(before, _)| *before >= key) {
            return Err(Malformed("out of order"));
        }
        entries.push((key, V::decode(reader)?));
    }
    Ok(entries)
}

impl Reader<'_> {
    fn count(&mut self) -> Result<usize, Malformed> {
        usize::try_from(self.number()?)
            .ok()
            .filter(|count| *count <= ENTRIES_MAX)
            .ok_or(Malformed("with too many entries"))
    }
}

fn decode_link<K: Item + Ord, V: Value>(
    reader: &mut Reader<'_>,
    height: u8,
) -> Result<Link<K, V>, Malformed> {
    let key = reader.key(Part::Page)?;
    // Whether it is still there is looked up before it is relied upon.
    Ok(Link::saved(
        Memo::opened(key, reader.origin.clone()),
        height,
        reader.store.clone(),
    ))
}

fn decode_node<K: Item + Ord, V: Value>(
    reader: &mut Reader<'_>,
    height: u8,
) -> Result<Node<K, V>, Malformed> {
    let Some(below) = height.checked_sub(1) else {
        return Ok(Node::Leaf(decode_entries(reader)?));
    };
    let count = reader.count()?;
    if count == 0 {
        return Err(Malformed("without entries"));
    }
    let mut children: Vec<(K, Link<K, V>)> = Vec::with_capacity(count);
    for at in 0..count {
        let lowest = K::decode(reader)?;
        if at > 1 && children.last().is_some_and(|(before, _)| *before >= lowest) {
            return Err(Malformed("out of order"));
        }
        children.push((lowest, decode_link(reader, below)?));
    }
    Ok(Node::Inner(children))
}

/// Reads a page that must be of this kind and height.
pub(super) fn decode_page<K: Item + Ord, V: Value>(
    page: &[u8],
    height: u8,
    store: &Arc<Store>,
    origin: Option<Arc<Origin>>,
) -> Result<Node<K, V>, Malformed> {
    let mut reader = Reader::new(page, store).of(origin);
    reader.magic(MAGIC)?;
    if (reader.byte()?, reader.byte()?) != (V::TAG, height) {
        return Err(Malformed("another page than was meant"));
    }
    let node = decode_node(&mut reader, height)?;
    reader.end()?;
    Ok(node)
}

/// Everything that a page of this kind, whatever its height, refers to.
pub(crate) fn page_references<K: Item + Ord, V: Value>(
    page: &[u8],
    store: &Arc<Store>,
) -> Result<Option<Vec<Key>>, Malformed> {
    let mut reader = Reader::new(page, store);
    reader.magic(MAGIC)?;
    if reader.byte()? != V::TAG {
        return Ok(None);
    }
    let height = reader.byte()?;
    if height > HEIGHT_MAX {
        return Err(Malformed("too high"));
    }
    decode_node::<K, V>(&mut reader, height)?;
    reader.end().map(Some)
}

impl Item for u64 {
    fn encode(&self, writer: &mut Writer<'_, '_>) -> Result<(), SaveError> {
        writer.number(*self);
        Ok(())
    }

    fn decode(reader: &mut Reader<'_>) -> Result<u64, Malformed> {
        reader.number()
    }
}
