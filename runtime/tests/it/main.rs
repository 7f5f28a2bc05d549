//! The runtime through its public API, with real guests.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod kernel;
mod programs;
mod server;
mod wat_tool;

mod calls;
mod compiling;
mod contract;
mod embedding;
mod files;
mod foreign;
mod found;
mod hostile_tools;
mod interface;
mod limits;
mod ls;
mod plain;
mod processes;
mod python;
mod scope;
mod secrets;
mod tools;
mod web;
