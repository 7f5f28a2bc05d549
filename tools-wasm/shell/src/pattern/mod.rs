//! Patterns: the shell's own (`*.txt`, `@(a|b)`), pathname expansion, and POSIX extended regular expressions.

pub mod class;
pub mod glob;
pub mod regex;
pub mod wildcard;

pub use wildcard::Pattern;
