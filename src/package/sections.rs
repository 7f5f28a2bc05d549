//! The outermost sections of a WebAssembly file. What lies inside nested modules and components is not looked at.

use std::ops::Range;

/// Length of what stands before the first section.
const HEADER_BYTES: usize = 8;
/// A section of any kind that only carries bytes for tools.
pub(super) const CUSTOM: u8 = 0;

/// Module or component, by its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    Module,
    Component,
}

/// One section.
#[derive(Debug, Clone, Copy)]
pub(super) struct Section<'a> {
    pub(super) id: u8,
    /// What follows its length.
    pub(super) body: &'a [u8],
    /// Where it begins, its id included, in the whole file.
    start: usize,
    end: usize,
}

/// A file that ends too early or says it is longer than it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is cut off or damaged at byte {0}")]
pub struct Damaged(usize);

/// What kind of file it is, if it is WebAssembly at all.
pub(super) fn layer(wasm: &[u8]) -> Option<Layer> {
    match wasm.get(..HEADER_BYTES)? {
        [0, b'a', b's', b'm', 1, 0, 0, 0] => Some(Layer::Module),
        [0, b'a', b's', b'm', 0x0d, 0, 1, 0] => Some(Layer::Component),
        _ => None,
    }
}

/// The sections in order. After damage there is nothing more.
pub(super) fn sections(wasm: &[u8]) -> impl Iterator<Item = Result<Section<'_>, Damaged>> {
    let mut at = HEADER_BYTES.min(wasm.len());
    std::iter::from_fn(move || {
        let start = at;
        let (&id, rest) = wasm.get(start..)?.split_first()?;
        let body = length(rest).and_then(|(length, width)| {
            let from = start + 1 + width;
            let to = from.checked_add(length)?;
            Some((wasm.get(from..to)?, to))
        });
        let Some((body, end)) = body else {
            at = wasm.len();
            return Some(Err(Damaged(start)));
        };
        at = end;
        Some(Ok(Section {
            id,
            body,
            start,
            end,
        }))
    })
}

impl<'a> Section<'a> {
    /// Name and content, if it is a custom section with a readable name.
    pub(super) fn custom(&self) -> Option<(&'a str, &'a [u8])> {
        if self.id != CUSTOM {
            return None;
        }
        let (bytes, width) = length(self.body)?;
        let rest = &self.body[width..];
        let name = std::str::from_utf8(rest.get(..bytes)?).ok()?;
        Some((name, &rest[bytes..]))
    }

    /// Where it lies in the file, its header included.
    pub(super) fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// The bytes of a custom section.
pub(super) fn custom(name: &str, content: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(name.len() + content.len() + 5);
    write_length(&mut body, name.len());
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(content);
    let mut section = Vec::with_capacity(body.len() + 6);
    section.push(CUSTOM);
    write_length(&mut section, body.len());
    section.extend_from_slice(&body);
    section
}

/// An unsigned LEB128 of at most 32 bits, and how many bytes it takes.
pub(super) fn length(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value: u64 = 0;
    for (index, byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let value = u32::try_from(value).ok()?;
            return Some((usize::try_from(value).ok()?, index + 1));
        }
    }
    None
}

/// An unsigned LEB128.
pub(super) fn write_length(out: &mut Vec<u8>, mut value: usize) {
    loop {
        let low = u8::try_from(value & 0x7f).expect("seven bits fit");
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_found() {
        let mut wasm = b"\0asm\x01\0\0\0".to_vec();
        wasm.extend(custom("a", &[7; 300]));
        wasm.extend(custom("b", b""));
        let found: Vec<_> = sections(&wasm).map(|section| section.unwrap()).collect();
        assert_eq!(found[0].custom(), Some(("a", &[7; 300][..])));
        assert_eq!(found[1].custom(), Some(("b", &b""[..])));
        assert_eq!(
            (found[0].range().start, found[1].range().end),
            (8, wasm.len())
        );
        assert_eq!(layer(&wasm), Some(Layer::Module));
    }

    #[test]
    fn damage_ends_it() {
        for tail in [
            &b"\0"[..],
            b"\0\x05ab",
            b"\0\xff\xff\xff\xff\xff",
            b"\0\xff\xff\xff\xff\x0f",
            b"\0\xff\xff\xff\xff\x7f",
        ] {
            let mut wasm = b"\0asm\x01\0\0\0".to_vec();
            wasm.extend_from_slice(tail);
            let all: Vec<_> = sections(&wasm).collect();
            assert!(matches!(all[..], [Err(Damaged(8))]), "{tail:?}");
        }
        assert_eq!(sections(b"\0as").count(), 0, "no header, no sections");
        assert_eq!(layer(b"\0asm"), None);
    }
}
