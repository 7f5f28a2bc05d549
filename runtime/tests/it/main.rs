//! The runtime through its public API, with real guests.

mod kernel;
mod programs;
mod server;

mod calls;
mod files;
mod limits;
mod processes;
mod python;
mod tools;
mod web;
