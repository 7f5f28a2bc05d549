//! The grammar: text in, syntax tree out, one complete command at a time; and a syntax tree back to text.
//!
//! Written for this shell rather than taken from a crate, because bash's grammar is not separable from running it:
//! an alias or `shopt -s extglob` changes how the next line reads, the script on standard input is shared with the
//! commands it runs, and words are taken apart once here instead of at every evaluation.

pub mod ast;
mod braces;
mod command;
mod compound;
mod error;
mod heredoc;
mod input;
mod parameter;
mod print;
mod quote;
mod redirect;
mod simple;
mod test;
mod word;

pub use error::SyntaxError;
pub use input::{Aliases, Lines, ParseOptions, Parser};
pub use print::{command_text, function_text, item_text, program_text};
pub(crate) use quote::{Escapes, ansi, unescape};
pub use word::Mode;
pub(crate) use word::is_name;

/// Whether `word` is reserved in the grammar.
pub fn is_keyword(word: &str) -> bool {
    command::RESERVED.contains(&word)
}
