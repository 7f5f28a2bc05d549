//! Agents, environments, sessions and the events clients send: their shapes, what is valid, how it is normalised.
//!
//! Pure: everything here takes JSON (and, where a time is needed, the time) and gives typed values or an [`Invalid`]
//! that names the offending field. Nothing here reads a clock, stores, or knows a status code. The types serialise to
//! exactly what clients read, and deserialise from what the store kept.

pub mod agent;
pub mod component;
pub mod custom_tool;
pub mod domain;
pub mod environment;
pub mod event;
pub mod input;
pub mod mcp;
pub mod metadata;
pub mod model_config;
pub mod permission;
pub mod session;
pub mod tool;
pub mod toolset;
pub mod web;

pub use input::Invalid;
