//! The runtime through its public API, with real guests.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod kernel;
mod programs;
mod server;

mod calls;
mod compiling;
mod files;
mod limits;
mod processes;
mod python;
mod tools;
mod web;
