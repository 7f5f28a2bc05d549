//! A tool as one file: how it is made, and what it says without being run.
//!
//! Pure functions on bytes. They never compile, run, read or write anything, and give an answer to any bytes: what comes in
//! may have been made to do harm. Whether a host serves a component's imports is for the runtime to say when it loads it.

mod digest;
mod error;
mod go;
mod manifest;
mod pack;
mod schema;
mod sections;
mod unpack;

#[cfg(test)]
mod tests;

pub use digest::{Digest, DigestError, digest};
pub use error::PackError;
pub use manifest::{Build, MANIFEST_BYTES_MAX, Manifest, ManifestError, Project};
pub use pack::pack;
pub use schema::{SchemaError, check as check_schema};
pub use sections::Damaged;
pub use unpack::{Contents, Entry, Kind, Package, unpack};

/// The custom section that holds a plain tool's manifest as JSON.
pub const MANIFEST_SECTION: &str = "glovebox:tool";

/// The versions of `glovebox:tool` that are served, oldest first.
pub const CONTRACTS: [&str; 2] = ["0.1.0", "0.2.0"];

/// Bytes that are no WebAssembly, and what they look like instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is not WebAssembly: {0}")]
pub struct NotWasm(&'static str);

impl NotWasm {
    fn of(bytes: &[u8]) -> NotWasm {
        let text = || bytes.trim_ascii_start();
        NotWasm(if bytes.is_empty() {
            "it is empty"
        } else if bytes.starts_with(b"\0asm") {
            "its version is unknown"
        } else if text().starts_with(b"(module") || text().starts_with(b"(component") {
            "it looks like WebAssembly's text format, which has to be assembled first"
        } else if bytes.starts_with(b"\x7fELF") {
            "it is a native program or library (ELF)"
        } else if bytes.starts_with(b"#!") {
            "it is a script"
        } else if bytes.starts_with(b"\x1f\x8b") || bytes.starts_with(b"\x28\xb5\x2f\xfd") {
            "it is compressed"
        } else {
            "it does not begin with \\0asm"
        })
    }
}
