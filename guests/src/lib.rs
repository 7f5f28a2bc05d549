//! The built-in guests, compiled from `tools-wasm/` by this crate's build script and embedded.
//!
//! Only bytes and names: loading and running them is the runtime's, and a guest from here gets no more than one that a
//! user brings.

use std::borrow::Cow;

/// What a guest is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Exports `glovebox:tool/tool`: a model may call it.
    Tool,
    /// Exports `wasi:cli/run`: found on PATH.
    Program,
    /// A test guest, hostile or honest.
    Probe,
}

/// One component.
pub struct Guest {
    /// What it is for.
    pub kind: Kind,
    /// The name of its folder under `tools-wasm/`.
    pub name: &'static str,
    /// The names it answers to on PATH. A multicall program has many and looks at `argv[0]`.
    pub names: &'static [&'static str],
    /// BLAKE3 of the component's bytes in hexadecimal: known without decompressing them.
    pub digest: &'static str,
    bytes: usize,
    compressed: &'static [u8],
}

impl Guest {
    /// The component's bytes, decompressed at each call.
    pub fn wasm(&self) -> Vec<u8> {
        zstd::bulk::decompress(self.compressed, self.bytes)
            .expect("the build script compressed it and noted its size")
    }

    /// How many bytes [`Guest::wasm`] returns.
    pub fn wasm_bytes(&self) -> usize {
        self.bytes
    }
}

/// Every guest.
pub fn all() -> &'static [Guest] {
    static ALL: &[Guest] = include!(concat!(env!("OUT_DIR"), "/guests.rs"));
    ALL
}

/// The guest of that kind whose `name` or one of whose `names` it is.
pub fn find(kind: Kind, name: &str) -> Option<&'static Guest> {
    all()
        .iter()
        .find(|guest| guest.kind == kind && (guest.name == name || guest.names.contains(&name)))
}

/// Read-only files that programs expect under `/usr`, by absolute path.
pub fn usr_files() -> Vec<(&'static str, Cow<'static, [u8]>)> {
    // Python's snapshot was made with its standard library there, and looks for it nowhere else.
    let library: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/python314.zip"));
    vec![("/usr/local/lib/python314.zip", Cow::Borrowed(library))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_guest_is_a_component_with_the_digest_it_says() {
        assert!(!all().is_empty());
        for guest in all() {
            let wasm = guest.wasm();
            assert_eq!(
                &wasm[..8],
                b"\0asm\x0d\0\x01\0",
                "{} is no component",
                guest.name
            );
            assert!(!guest.names.is_empty(), "{} answers to no name", guest.name);
        }
    }

    #[test]
    fn no_name_on_path_is_taken_twice() {
        let mut names: Vec<_> = all()
            .iter()
            .filter(|guest| guest.kind == Kind::Program)
            .flat_map(|guest| guest.names)
            .collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
