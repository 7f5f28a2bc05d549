//! The runtime through its public API, with real guests.

mod kernel;
mod server;

mod calls;
mod files;
mod limits;
mod processes;
mod python;
mod tools;
mod web;
