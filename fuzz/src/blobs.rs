//! Saved trees as the fuzzer's input: blobs that name each other, although it cannot guess a digest.
//!
//! An input is a list of blobs, each behind its length (two bytes, little-endian); the last is the root. In a blob, the
//! byte `NAMED` and a number stand for the digest of an earlier blob, `NAMED NAMED` for that byte itself.

use std::sync::Arc;

use glovebox_tree::{Blobs, Digest, Key, MemoryBlobs, Part};

const NAMED: u8 = 0xf5;
const BLOBS_MAX: usize = 64;

fn key(part: Part, bytes: &[u8]) -> Key {
    Key {
        part,
        generation: 0,
        digest: Digest::of(bytes),
    }
}

/// The blobs of an input, and the key of its root.
pub fn from_blobs(mut input: &[u8]) -> Option<(Arc<MemoryBlobs>, Key)> {
    let blobs = MemoryBlobs::default();
    let mut digests: Vec<Digest> = Vec::new();
    let mut last = None;
    while let [low, high, rest @ ..] = input {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (blob, after) = rest.split_at(length);
        input = after;
        let bytes = named(blob, &digests);
        for part in [Part::Root, Part::Page, Part::Chunk] {
            blobs.put(&key(part, &bytes), &bytes).ok()?;
        }
        digests.push(Digest::of(&bytes));
        last = Some(key(Part::Root, &bytes));
        if digests.len() == BLOBS_MAX {
            break;
        }
    }
    Some((Arc::new(blobs), last?))
}

fn named(blob: &[u8], digests: &[Digest]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(blob.len());
    let mut rest = blob.iter();
    while let Some(byte) = rest.next() {
        match (byte, rest.as_slice().first()) {
            (&NAMED, Some(&NAMED)) => bytes.push(NAMED),
            (&NAMED, Some(number)) if !digests.is_empty() => {
                bytes.extend(digests[usize::from(*number) % digests.len()].0);
            }
            _ => {
                bytes.push(*byte);
                continue;
            }
        }
        rest.next();
    }
    bytes
}

/// The input that gives these blobs. A blob that names another comes after it.
pub fn to_blobs(blobs: &MemoryBlobs, root: Key) -> Vec<u8> {
    let mut left: Vec<(Key, Vec<u8>)> = blobs
        .list()
        .expect("blobs in memory")
        .into_iter()
        .map(|key| {
            (
                key,
                blobs.get(&key).ok().flatten().expect("a blob").to_vec(),
            )
        })
        .collect();
    let mut done: Vec<Digest> = Vec::new();
    let mut input = Vec::new();
    while !left.is_empty() {
        let waiting: Vec<Digest> = left.iter().map(|(key, _)| key.digest).collect();
        let ready = |(key, bytes): &(Key, Vec<u8>)| {
            let names = |digest: &&Digest| bytes.windows(32).any(|window| window == digest.0);
            (*key != root || waiting.len() == 1) && !waiting.iter().any(|digest| names(&digest))
        };
        let at = left.iter().position(ready).expect("no blob names itself");
        let (key, bytes) = left.remove(at);
        let blob = unnamed(&bytes, &done);
        input.extend(
            u16::try_from(blob.len())
                .expect("a small blob")
                .to_le_bytes(),
        );
        input.extend(blob);
        done.push(key.digest);
    }
    input
}

fn unnamed(mut bytes: &[u8], done: &[Digest]) -> Vec<u8> {
    let mut blob = Vec::new();
    while let [first, rest @ ..] = bytes {
        match done.iter().position(|digest| bytes.starts_with(&digest.0)) {
            Some(number) => {
                blob.extend([NAMED, u8::try_from(number).expect("few blobs")]);
                bytes = &bytes[32..];
            }
            None => {
                blob.extend(std::iter::repeat_n(
                    *first,
                    if *first == NAMED { 2 } else { 1 },
                ));
                bytes = rest;
            }
        }
    }
    blob
}
