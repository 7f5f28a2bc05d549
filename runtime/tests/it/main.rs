//! The runtime through its public API, with real guests.

mod files;
mod kernel;
mod calls;
