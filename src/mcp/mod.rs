//! The tools of a workspace, served over the Model Context Protocol: to an editor, or to another agent.
//!
//! A client that connects gets hands of its own, with files that are gone when it leaves. What its tools reach follows
//! from its key ([`KeyGrants`]), never from what it asks for. The protocol itself is the crate `rmcp`; here is what the
//! tools are and what a call does. There is no model here, and no session of the Managed Agents API.
//!
//! [`Mcp`] serves the clients of a server over streamable HTTP, [`serve_stdio`] the one client that started us.

mod content;
mod grants;
mod handler;
mod hands;
mod http;
mod progress;
mod sessions;
mod stdio;
mod tools;

pub use grants::{GrantsError, KeyGrants};
pub use http::{Client, Mcp, Options, TooManySessions};
pub use stdio::serve_stdio;
pub use tools::{Catalogued, Reach, Tool, ToolPage, Tools, ToolsError};

/// The prefix of the ids of MCP sessions' hands, by which their folders are told from those of agents' sessions.
pub const SESSION_PREFIX: &str = "mcp";
