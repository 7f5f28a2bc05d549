//! The loop: fold the log, decide one step, perform it, append what happened.

mod front;

use serde_json::Value;

pub use front::{AgentError, Frame, NewSession, Previews};

use crate::resources::event::SentEvent;
use crate::resources::session::SessionPatch;
use crate::store::{DocumentQuery, EventQuery, ListError, Page};

/// The service that runs sessions. Cheap to clone.
#[derive(Clone)]
pub struct Agents {}

/// A session's stream: every event appended after it was made, in order, and previews. It ends when the session is
/// deleted, the server stops, or the reader falls too far behind.
pub struct Subscription {}

impl Subscription {
    /// The next frame, or `None` at the end. Cancel-safe.
    pub async fn next(&mut self) -> Option<Frame> {
        unimplemented!()
    }
}

impl Agents {
    /// Creates a session, durable when it returns. Gives the wire Session.
    pub async fn create_session(&self, _new: NewSession) -> Result<Value, AgentError> {
        unimplemented!()
    }
    /// The wire Session, with its present status and usage.
    pub async fn session(&self, _workspace: &str, _id: &str) -> Result<Option<Value>, AgentError> {
        unimplemented!()
    }
    /// Wire Sessions. Document fields to filter by: `status`, `agent_id`, `agent_version`, `environment_id`.
    pub async fn sessions(&self, _workspace: &str, _query: DocumentQuery) -> Result<Page<Value>, ListError> {
        unimplemented!()
    }
    /// Changes a session and emits `session.updated` if something really changed. Gives the wire Session.
    pub async fn update_session(&self, _workspace: &str, _id: &str, _change: SessionPatch) -> Result<Value, AgentError> {
        unimplemented!()
    }
    /// Ends a session for good but keeps its history. Refused while it runs. Gives the wire Session.
    pub async fn archive_session(&self, _workspace: &str, _id: &str) -> Result<Value, AgentError> {
        unimplemented!()
    }
    /// Removes a session, its history and its files. Refused while it runs.
    pub async fn delete_session(&self, _workspace: &str, _id: &str) -> Result<(), AgentError> {
        unimplemented!()
    }
    /// Accepts events, all or none; durable when it returns. Gives the echoes.
    pub async fn send(&self, _workspace: &str, _id: &str, _events: Vec<SentEvent>) -> Result<Vec<Value>, AgentError> {
        unimplemented!()
    }
    /// A page of the session's history. `Ok(None)`: no such session.
    pub async fn events(&self, _workspace: &str, _id: &str, _query: EventQuery) -> Result<Option<Page<Value>>, ListError> {
        unimplemented!()
    }
    /// Everything appended from now on. `Ok(None)`: no such session. The subscriber is registered when this returns.
    pub async fn subscribe(&self, _workspace: &str, _id: &str, _previews: Previews) -> Result<Option<Subscription>, AgentError> {
        unimplemented!()
    }
    /// At start: lets every session that was running go on. Gives how many.
    pub async fn recover(&self) -> Result<usize, AgentError> {
        unimplemented!()
    }
    /// Stops all work where it is (the next start goes on from the log) and ends all streams.
    pub async fn shutdown(&self) {
        unimplemented!()
    }
}
