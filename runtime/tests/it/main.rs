//! The runtime through its public API, with real guests.

mod files;
mod kernel;
mod server;

mod calls;
mod python;
mod tools;
mod web;
