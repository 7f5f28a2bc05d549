//! The command line.
pub mod scripted_model;
pub(crate) fn say(line: &str) -> std::io::Result<()> { use std::io::Write; let mut out = std::io::stdout().lock(); writeln!(out, "{line}")?; out.flush() }
