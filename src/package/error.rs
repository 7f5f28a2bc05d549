//! Why a file is no tool, or cannot become one.

use super::manifest::ManifestError;
use super::sections::Damaged;
use super::{CONTRACTS, NotWasm};

/// Why a file is no packed tool, or cannot become one. Every text is meant for its author.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// It is no WebAssembly.
    #[error(transparent)]
    NotWasm(#[from] NotWasm),
    /// It is a core module, which has to be packed first.
    #[error("it is a core WebAssembly module, not a component: it has to be packed first")]
    Module,
    /// It cannot be read.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// It cannot be read.
    #[error("it is not valid: {0}")]
    Invalid(String),
    /// It exports nothing that can be called.
    #[error("it exports neither glovebox:tool/tool nor wasi:cli/run@0.2, but {}", names(.0))]
    NoEntry(Vec<String>),
    /// It exports a version of the contract that there is not.
    #[error("it exports glovebox:tool/tool@{}, and this host serves {}", .0, CONTRACTS.join(" and "))]
    Contract(String),
    /// It is a command, and nothing says what the tool is.
    #[error(
        "it is a command (wasi:cli/run) without a description: it needs a tool.toml with name, description and input_schema"
    )]
    NoManifest,
    /// It says twice what it is.
    #[error(
        "it exports glovebox:tool/tool, which says what the tool is, and has a manifest that says it again: leave name, \
         description, input_schema, effects and wishes out of tool.toml"
    )]
    SaidTwice,
    /// The manifest in it is none.
    #[error("its manifest is not valid")]
    Manifest(#[from] ManifestError),
    /// The module is neither a command nor made for the component model.
    #[error(
        "it is a core WebAssembly module that is neither a wasip1 command (it has no `_start`) nor made for the component \
         model (it has no component-type section)"
    )]
    NeitherCommandNorComponent,
    /// The module imports what nobody serves.
    #[error("it imports what no host of tools offers: {}; only wasi_snapshot_preview1 is served to core modules", names(.0))]
    Imports(Vec<String>),
    /// It is Go's, and of a layout that is not known.
    #[error(
        "it was made by a Go compiler whose memory is laid out in a way that is not known here: Go and the adapter from WASI \
         0.1 would write into each other's memory"
    )]
    Go,
    /// It cannot be made a component.
    #[error("it cannot be made a component: {0}")]
    Encode(String),
}

/// The first few, for a message.
fn names(all: &[String]) -> String {
    const SHOWN: usize = 10;
    let shown = all.iter().take(SHOWN).map(String::as_str);
    match all.len() {
        0 => "nothing".to_owned(),
        count if count <= SHOWN => shown.collect::<Vec<_>>().join(", "),
        count => format!(
            "{} and {} more",
            shown.collect::<Vec<_>>().join(", "),
            count - SHOWN
        ),
    }
}
