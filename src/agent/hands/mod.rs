//! The hands of a session, as the loop sees them: something that runs tools.

mod sandboxes;
mod secrets;
mod trees;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
pub use glovebox_runtime::{Access, Allowance, MountNames, Names, Network, Progress};
pub use sandboxes::{Sandboxes, SandboxesOptions, SandboxesParts};
pub use secrets::{Secrets, WorkspaceSecret};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
pub use trees::{Trees, TreesError};

use crate::resources::environment::Environment;
use crate::resources::session::SessionAgent;
use crate::tools::CallResult;

/// Gives sessions their hands.
#[async_trait]
pub trait Workshop: Send + Sync {
    /// Hands for a session, at its first tool call after a pause. Cheap: a sandbox is made when a tool is called.
    async fn open(&self, opening: Opening<'_>) -> Result<Box<dyn Hands>, HandsError>;
    /// Removes whatever a deleted session has left.
    async fn discard(&self, session: &str) -> Result<(), HandsError>;
}

/// Runs the tools of one session.
#[async_trait]
pub trait Hands: Send + Sync {
    /// Runs one call to its end. Dropping the future kills it.
    async fn call(&self, call: ToolCall<'_>) -> CallResult;
    /// What a tool has left for its next call, and the name to put it back under.
    fn state_left(&self, tool: &str) -> Option<(String, Bytes)>;
    /// Puts back what [`Hands::state_left`] gave. Called once, before the first call.
    fn set_tool_state(&self, state: BTreeMap<String, Bytes>);
    /// Saves the session's files as they are now, durably, and says as what. None when they are as they were when they
    /// were last saved, or opened. Not part of the session before its log says so.
    async fn commit(&self) -> Result<Option<String>, HandsError>;
    /// Keeps a large tool state among the session's files, and says under which name.
    async fn keep(&self, name: &str, state: &Bytes) -> Result<String, HandsError>;
    /// Reads what [`Hands::keep`] kept.
    async fn kept(&self, name: &str) -> Result<Bytes, HandsError>;
    /// Ends whatever still runs.
    async fn close(&self);
}

/// Whose hands are to be opened, and what they may do.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'a> {
    /// Whose tools and secrets there are.
    pub workspace: &'a str,
    pub session: &'a str,
    pub agent: &'a SessionAgent,
    pub environment: &'a Environment,
    /// What the session's files are saved as, as [`Hands::commit`] said. None is: there are none yet.
    pub files: Option<&'a str>,
}

/// A call to run.
#[derive(Clone, Copy)]
pub struct ToolCall<'a> {
    /// The call's event id.
    pub id: &'a str,
    pub tool: &'a str,
    pub input: &'a Value,
    /// Told what the tool reports meanwhile, if anybody wants to know.
    pub on_progress: Option<&'a OnProgress>,
    /// Asks the call to end; a tool that listens may still answer.
    pub cancelled: Option<&'a CancellationToken>,
    /// Narrows what the call reaches. None leaves it as the session's agent and environment have it.
    pub allowance: Option<&'a Allowance>,
    /// A pushed tool of the workspace that is not among the agent's: its id, or `id@version`. Needs an allowance, which
    /// stands for the entry's grants.
    pub pushed: Option<&'a str>,
}

/// Runs on a guest's thread: must be quick.
pub type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;

/// The sandbox cannot be made, or its files cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub struct HandsError {
    /// What was being done.
    pub context: String,
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl HandsError {
    /// With what was being done and why it failed.
    pub fn new(
        context: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        HandsError {
            context: context.into(),
            source: Some(source.into()),
        }
    }
}
