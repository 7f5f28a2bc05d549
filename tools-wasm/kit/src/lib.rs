//! What a guest of Glovebox links.
//!
//! - [`start`] is the first line of a program's `main`. It ends as it likes: `std::process::exit(n)` and `ExitCode`
//!   arrive at the kernel exactly (see `exit`).
//! - [`process`] starts other programs.
//! - [`tool!`] makes a component out of one function and a schema; [`tool`] holds its types.
//! - [`paths`] is the path policy of the built-in file tools, for any tool that takes paths from a model.
//! - `http` and `domains` (feature `web`) fetch from the web, as far as the session's network policy lets a guest.
//! - [`bindings`] are the raw imports.

#[cfg(feature = "web")]
pub mod domains;
#[cfg(feature = "web")]
pub mod http;
pub mod paths;
pub mod process;
pub mod tool;

/// The imports: `kit::bindings::glovebox::process::*` and `kit::bindings::glovebox::tool::{types, context}`.
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/process", "../../wit/tool/0.1.0"],
        world: "glovebox:kit/guest",
        inline: "package glovebox:kit; world guest { include glovebox:process/program@0.1.0; import glovebox:tool/context@0.1.0; }",
        generate_all,
    });
}

mod exit;
mod start;

pub use exit::{exit, exit_now};
pub use start::start;
