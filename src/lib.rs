//! Glovebox: a self-hosted server for Claude Managed Agents. See `ARCHITECTURE.md` for the map.

pub mod agent;
pub mod api;
pub mod blobs;
pub mod cli;
pub mod clock;
pub mod ids;
pub mod mcp;
pub mod model;
pub mod package;
pub mod resources;
pub mod server;
pub mod session;
pub mod store;
pub mod tools;
