//! What the front door and the tasks share: the sessions in memory and how they are loaded.

use std::ops::Deref;
use std::sync::Arc;

use dashmap::DashMap;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::document::Body;
use super::drive::{Ready, drive};
use super::journal::{Journal, Source};
use super::live::{Desk, Live, Setup};
use super::{AgentError, Parts};
use crate::store::Document;

/// The kind of a session's document.
pub(super) const SESSION: &str = "session";

pub(super) struct Inner {
    pub(super) parts: Parts,
    /// Sessions that run, are watched, or are being asked something. All others are only in the store.
    sessions: DashMap<String, Arc<Live>>,
    /// Cancelled when the server stops.
    pub(super) stopping: CancellationToken,
    pub(super) tasks: TaskTracker,
}

/// A session in memory, held so that it stays there.
pub(super) struct Held {
    live: Option<Arc<Live>>,
    inner: Arc<Inner>,
}

impl Clone for Held {
    fn clone(&self) -> Self {
        Held {
            live: self.live.clone(),
            inner: Arc::clone(&self.inner),
        }
    }
}

impl Deref for Held {
    type Target = Live;

    fn deref(&self) -> &Live {
        self.live.as_deref().expect("only dropping takes it out")
    }
}

impl Drop for Held {
    /// The last to hold a session lets it go.
    fn drop(&mut self) {
        let Some(live) = self.live.take() else { return };
        let id = live.id.clone();
        drop(live);
        self.inner
            .sessions
            .remove_if(&id, |_, live| Arc::strong_count(live) == 1);
    }
}

impl Inner {
    pub(super) fn new(parts: Parts) -> Inner {
        Inner {
            parts,
            sessions: DashMap::new(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// Moments and ids.
    pub(super) fn source(&self) -> Source<'_> {
        Source {
            clock: &*self.parts.clock,
            ids: &*self.parts.ids,
        }
    }

    /// The session in memory, or none when this workspace has none of this id.
    pub(super) async fn live(
        self: &Arc<Self>,
        workspace: &str,
        id: &str,
    ) -> Result<Option<Held>, AgentError> {
        if let Some(live) = self.sessions.get(id) {
            return Ok((live.workspace == workspace).then(|| self.hold(&live)));
        }
        let document = self.parts.documents.get(SESSION, workspace, id).await?;
        Ok(document.map(|_| self.enter(id, workspace)))
    }

    /// The session in memory, which is known to exist.
    pub(super) fn enter(self: &Arc<Self>, id: &str, workspace: &str) -> Held {
        let live = self
            .sessions
            .entry(id.to_owned())
            .or_insert_with(|| Arc::new(Live::new(id, workspace)));
        self.hold(&live)
    }

    fn hold(self: &Arc<Self>, live: &Arc<Live>) -> Held {
        Held {
            live: Some(Arc::clone(live)),
            inner: Arc::clone(self),
        }
    }

    /// Forgets a session that is deleted.
    pub(super) fn forget(&self, id: &str) {
        self.sessions.remove(id);
    }

    /// How many sessions are in memory.
    pub(super) fn count(&self) -> usize {
        self.sessions.len()
    }

    /// All sessions in memory.
    pub(super) fn all(&self) -> Vec<Arc<Live>> {
        self.sessions.iter().map(|live| Arc::clone(&live)).collect()
    }

    /// Starts the task that drives a session.
    pub(super) fn start(self: &Arc<Self>, live: &Held, ready: Option<Ready>) {
        self.tasks
            .spawn(drive(Arc::clone(self), live.clone(), ready));
    }

    /// The session's journal, loaded if need be.
    pub(super) async fn journal<'d>(
        &self,
        live: &Live,
        desk: &'d mut Desk,
    ) -> Result<&'d mut Journal, AgentError> {
        if desk.journal.is_none() {
            desk.journal = Journal::load(&*self.parts.log, &live.id).await?;
        }
        desk.journal.as_mut().ok_or(AgentError::NotFound)
    }

    /// What the session runs with, loaded if need be.
    pub(super) async fn setup(
        &self,
        live: &Live,
        desk: &mut Desk,
    ) -> Result<Arc<Setup>, AgentError> {
        if let Some(setup) = &desk.setup {
            return Ok(Arc::clone(setup));
        }
        let document = self.document(live).await?;
        let setup = self.set_up(Body::read(&document)?);
        desk.setup = Some(Arc::clone(&setup));
        Ok(setup)
    }

    pub(super) fn set_up(&self, body: Body) -> Arc<Setup> {
        let offer = self.parts.catalogue.offer(&body.agent.definition);
        Arc::new(Setup {
            agent: body.agent,
            environment: body.environment,
            offer,
        })
    }

    /// The session's document as it is now.
    pub(super) async fn document(&self, live: &Live) -> Result<Document, AgentError> {
        self.parts
            .documents
            .get(SESSION, &live.workspace, &live.id)
            .await?
            .ok_or(AgentError::NotFound)
    }
}
