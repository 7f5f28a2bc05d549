//! A bash for a machine whose only way to start anything is to ask the kernel to spawn it.
//!
//! - [`syntax`]: text to trees and back.
//! - [`expand`], [`arithmetic`], [`pattern`], [`variables`]: words to arguments.
//! - [`exec`], [`builtins`]: running commands.
//! - [`kernel`]: the machine, as a trait.
//! - [`saved`]: the shell's state as bytes.
//! - [`program`]: the shell as a program, with its arguments.

pub mod arithmetic;
pub mod builtins;
pub mod exec;
pub mod expand;
pub mod flow;
pub mod kernel;
pub mod options;
pub mod pattern;
pub mod program;
pub mod saved;
pub mod shell;
pub mod syntax;
pub mod text;
mod time;
pub mod variables;

pub use flow::{Flow, Interrupt};
pub use saved::Saved;
pub use shell::Shell;
