//! The runtime through its public API, with real guests.

mod kernel;
mod calls;
