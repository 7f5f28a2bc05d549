//! What a guest of Glovebox links.
//!
//! A tool is one function:
//!
//! ```ignore
//! #[derive(serde::Deserialize, schemars::JsonSchema)]
//! struct Input {
//!     /// Path of the file.
//!     path: String,
//! }
//!
//! /// Counts the words of a file.
//! #[glovebox_kit::tool(mounts = [("/workspace", read)])]
//! fn word_count(input: Input) -> glovebox_kit::Result {
//!     let text = std::fs::read_to_string(&input.path)?;
//!     Ok(format!("{} words", text.split_whitespace().count()))
//! }
//! ```
//!
//! - [`macro@tool`] makes the component; [`mod@tool`] holds its types: what a function may return, [`Error`], [`Result`].
//! - [`progress`], [`log()`], [`cancelled`], [`secret`] and [`setting`] are what a running call can ask of its host.
//! - `http` and `domains` (feature `web`) reach the web, as far as the call's grant lets them.
//! - [`paths`] is the path policy of the built-in file tools, for any tool that takes paths from a model.
//! - [`start`] is the first line of a program's `main`. With the feature `exit` it ends as it likes:
//!   `std::process::exit(n)` and `ExitCode` arrive at the kernel exactly (see `exit`).
//! - [`process`] starts other programs.
//! - [`bindings`] are the raw imports.

mod call;
#[cfg(feature = "web")]
pub mod domains;
mod exit;
#[cfg(feature = "web")]
pub mod http;
pub mod paths;
pub mod process;
mod start;
pub mod tool;

/// The imports: `kit::bindings::glovebox::process::*` and `kit::bindings::glovebox::tool::{types, context}`.
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/process", "../../wit/tool/0.2.0"],
        world: "glovebox:kit/guest",
        inline: "package glovebox:kit; world guest { include glovebox:process/program@0.1.0; import glovebox:tool/context@0.2.0; }",
        generate_all,
    });
}

pub use call::{Level, cancelled, log, progress, secret, setting};
pub use exit::{exit, exit_now};
pub use glovebox_kit_macros::tool;
pub use start::start;
pub use tool::{Blob, Content, Error, Failure, Result};
