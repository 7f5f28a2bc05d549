//! The shapes of the front door: what `api` hands in and gets back.

use std::sync::Arc;

use crate::resources::Invalid;
use crate::resources::environment::Environment;
use crate::resources::event::SentEvent;
use crate::resources::metadata::Metadata;
use crate::resources::session::SessionAgent;
use crate::store::{AppendError, StoreError};

/// A session to create. Everything in it is already validated and resolved.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Whose it is.
    pub workspace: String,
    /// The agent it is to run, with the session's own changes.
    pub agent: SessionAgent,
    /// The environment at this moment. Later changes to it do not reach the session.
    pub environment: Environment,
    /// `title`, if given.
    pub title: Option<String>,
    /// `metadata`, or an empty map.
    pub metadata: Metadata,
    /// With any, the session starts at once.
    pub initial_events: Vec<SentEvent>,
}

/// Which previews a subscriber wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Previews {
    /// `event_start` and `event_delta` of `agent.message`.
    pub messages: bool,
    /// `event_start` of `agent.thinking`.
    pub thinking: bool,
}

/// One frame of a session's stream: an event, a preview of one, or a tool's progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The event's `type`, for the `event:` line. None for what is no event: the SDKs skip frames without that line.
    pub event_type: Option<Arc<str>>,
    /// One line of JSON, for the `data:` line.
    pub data: Arc<str>,
}

/// Why the agent service could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// No such session in this workspace.
    #[error("session not found")]
    NotFound,
    /// The request is not acceptable, now or at all. Safe to show: the text names the field.
    #[error("{message}")]
    Invalid {
        /// What is wrong, for the client.
        message: String,
    },
    /// Somebody else changed the session meanwhile, again and again.
    #[error("the session was changed by somebody else at the same time")]
    Conflict,
    /// The server is stopping and takes nothing new.
    #[error("the server is shutting down")]
    Stopping,
    /// The store failed; nothing of the request happened.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl AgentError {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        AgentError::Invalid {
            message: message.into(),
        }
    }
}

impl From<Invalid> for AgentError {
    fn from(invalid: Invalid) -> Self {
        AgentError::Invalid {
            message: invalid.to_string(),
        }
    }
}

impl From<AppendError> for AgentError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Conflict { .. } => AgentError::Conflict,
            AppendError::Gone => AgentError::NotFound,
            AppendError::Failed(error) => AgentError::Store(error),
        }
    }
}
