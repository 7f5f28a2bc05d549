//! The loop: fold the log, decide one step, perform it, append what happened.
//!
//! [`Agents`] is the front door for the API. Behind it, each running session has one task ([`drive`]) and whatever is
//! appended to a session's log is appended by whoever holds that session's desk ([`live::Desk`]). Names no database, no
//! provider and, outside [`hands`], no sandbox.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::mpsc;

mod ask;
mod change;
mod document;
mod drive;
mod front;
pub mod hands;
mod hub;
mod inner;
mod journal;
mod live;
mod metrics;
mod options;
#[cfg(test)]
mod tests;
mod timeline;

pub use front::{AgentError, Frame, NewSession, Previews};
pub use options::{Backoff, Options};
pub use timeline::Timeline;

use crate::clock::Clock;
use crate::ids::Ids;
use crate::model::Model;
use crate::resources::event::SentEvent;
use crate::resources::session::SessionPatch;
pub use crate::session::Moment;
use crate::session::{self, Wire};
use crate::store::{DocumentQuery, Documents, EventQuery, ListError, Log, Page};
use crate::tools::Catalogue;
use inner::{Held, Inner, SESSION};
use live::Task;

/// What the service is made of.
#[derive(Clone)]
pub struct Parts {
    pub log: Arc<dyn Log>,
    pub documents: Arc<dyn Documents>,
    pub model: Arc<dyn Model>,
    /// Gives sessions their sandboxes.
    pub workshop: Arc<dyn hands::Workshop>,
    /// The tools that sessions may be offered.
    pub catalogue: Arc<Catalogue>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub options: Options,
}

/// The service that runs sessions. Cheap to clone.
#[derive(Clone)]
pub struct Agents(Arc<Inner>);

/// A session's stream: every event appended after it was made, in order, and previews. It ends when the session is
/// deleted, the server stops, or the reader falls too far behind.
pub struct Subscription {
    receiver: mpsc::Receiver<Frame>,
    _live: Held,
}

impl Subscription {
    /// The next frame, or `None` at the end. Cancel-safe.
    pub async fn next(&mut self) -> Option<Frame> {
        self.receiver.recv().await
    }
}

/// Appends that lost against another writer are tried again this often.
const TRIES: u32 = 5;

impl Agents {
    /// The service. Call [`Agents::recover`] once before anything else.
    pub fn new(parts: Parts) -> Agents {
        Agents(Arc::new(Inner::new(parts)))
    }

    /// Creates a session, durable when it returns. Gives the wire Session.
    pub async fn create_session(&self, new: NewSession) -> Result<Value, AgentError> {
        self.detached(Arc::clone(&self.0).create(new)).await
    }

    /// The wire Session, with its present status and usage.
    pub async fn session(&self, workspace: &str, id: &str) -> Result<Option<Value>, AgentError> {
        let document = self.0.parts.documents.get(SESSION, workspace, id).await?;
        Ok(document.as_ref().map(document::wire).transpose()?)
    }

    /// Wire Sessions. Document fields to filter by: `status`, `agent_id`, `agent_version`, `environment_id`.
    pub async fn sessions(
        &self,
        workspace: &str,
        query: DocumentQuery,
    ) -> Result<Page<Value>, ListError> {
        let page = self
            .0
            .parts
            .documents
            .list(SESSION, workspace, query)
            .await?;
        let data = page
            .data
            .iter()
            .map(document::wire)
            .collect::<Result<_, _>>()?;
        Ok(Page {
            data,
            next: page.next,
            previous: page.previous,
        })
    }

    /// Changes a session and emits `session.updated` if something really changed. Gives the wire Session.
    pub async fn update_session(
        &self,
        workspace: &str,
        id: &str,
        change: SessionPatch,
    ) -> Result<Value, AgentError> {
        let live = self.found(workspace, id).await?;
        self.detached(Arc::clone(&self.0).update(live, change))
            .await
    }

    /// Ends a session for good but keeps its history. Refused while it runs. Gives the wire Session.
    pub async fn archive_session(&self, workspace: &str, id: &str) -> Result<Value, AgentError> {
        let live = self.found(workspace, id).await?;
        self.detached(Arc::clone(&self.0).archive(live)).await
    }

    /// Removes a session, its history and its files. Refused while it runs.
    pub async fn delete_session(&self, workspace: &str, id: &str) -> Result<(), AgentError> {
        let live = self.found(workspace, id).await?;
        self.detached(Arc::clone(&self.0).delete(live)).await
    }

    /// Begins a new session with what happened in this one up to a moment; see [`Timeline::fork`]. This one is not
    /// disturbed, whatever it does. Gives the wire Session.
    pub async fn fork_session(
        &self,
        workspace: &str,
        id: &str,
        event_id: Option<String>,
    ) -> Result<Value, AgentError> {
        let (timeline, workspace) = (self.timeline(), workspace.to_owned());
        let id = id.to_owned();
        self.detached(async move {
            let moment = event_id.as_deref().map_or(Moment::Last, Moment::After);
            timeline.fork(&workspace, &id, moment).await
        })
        .await
    }

    /// Goes back to an event; see [`Timeline::rewind`]. Open streams hear nothing of it. Gives the wire Session.
    pub async fn rewind_session(
        &self,
        workspace: &str,
        id: &str,
        event_id: String,
    ) -> Result<Value, AgentError> {
        let live = self.found(workspace, id).await?;
        let timeline = self.timeline();
        self.detached(async move {
            let mut desk = live.desk.lock().await;
            if desk.task == Task::Driving {
                let message = "a running session cannot be rewound: interrupt it first";
                return Err(AgentError::invalid(message));
            }
            desk.clear();
            timeline.rewind(&live.workspace, &live.id, &event_id).await
        })
        .await
    }

    /// Sessions as they were.
    pub fn timeline(&self) -> Timeline {
        let parts = &self.0.parts;
        Timeline {
            log: Arc::clone(&parts.log),
            documents: Arc::clone(&parts.documents),
            clock: Arc::clone(&parts.clock),
            ids: Arc::clone(&parts.ids),
        }
    }

    /// Accepts events, all or none; durable when it returns. Gives the echoes.
    pub async fn send(
        &self,
        workspace: &str,
        id: &str,
        events: Vec<SentEvent>,
    ) -> Result<Vec<Value>, AgentError> {
        let live = self.found(workspace, id).await?;
        let inner = Arc::clone(&self.0);
        self.detached(async move {
            let mut result = Err(AgentError::Conflict);
            for _ in 0..TRIES {
                result = accept(&inner, &live, &events).await;
                match &result {
                    Err(AgentError::Conflict) => {}
                    _ => break,
                }
            }
            result
        })
        .await
    }

    /// A page of the session's history. `Ok(None)`: no such session.
    pub async fn events(
        &self,
        workspace: &str,
        id: &str,
        query: EventQuery,
    ) -> Result<Option<Page<Value>>, ListError> {
        if self
            .0
            .parts
            .documents
            .get(SESSION, workspace, id)
            .await?
            .is_none()
        {
            return Ok(None);
        }
        self.0.parts.log.events(id, query).await.map(Some)
    }

    /// Everything appended from now on. `Ok(None)`: no such session. The subscriber is registered when this returns.
    pub async fn subscribe(
        &self,
        workspace: &str,
        id: &str,
        previews: Previews,
    ) -> Result<Option<Subscription>, AgentError> {
        if self.0.stopping.is_cancelled() {
            return Err(AgentError::Stopping);
        }
        let live = self.0.live(workspace, id).await?;
        Ok(live.map(|live| Subscription {
            receiver: live.hub.subscribe(previews),
            _live: live,
        }))
    }

    /// At start: lets every session that was running go on. Gives how many.
    pub async fn recover(&self) -> Result<usize, AgentError> {
        let mut count = 0;
        for status in ["running", "rescheduling"] {
            for document in self
                .0
                .parts
                .documents
                .find(SESSION, "status", status)
                .await?
            {
                let live = self.0.enter(&document.id, &document.workspace);
                let mut desk = live.desk.lock().await;
                if desk.task == Task::None {
                    desk.task = Task::Driving;
                    self.0.start(&live, None);
                    count += 1;
                }
            }
        }
        Ok(count)
    }

    /// Stops all work where it is (the next start goes on from the log) and ends all streams.
    pub async fn shutdown(&self) {
        self.0.stopping.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
        for live in self.0.all() {
            live.hub.close();
        }
    }

    /// How many sessions are in memory: those that run, are watched, or are being asked something.
    pub fn in_memory(&self) -> usize {
        self.0.count()
    }

    async fn found(&self, workspace: &str, id: &str) -> Result<Held, AgentError> {
        self.0
            .live(workspace, id)
            .await?
            .ok_or(AgentError::NotFound)
    }

    /// Runs to its end even when the caller goes away in the middle: a client that hangs up must not leave an event
    /// appended and its session asleep.
    async fn detached<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, AgentError>> + Send + 'static,
    ) -> Result<T, AgentError> {
        if self.0.stopping.is_cancelled() {
            return Err(AgentError::Stopping);
        }
        self.0
            .tasks
            .spawn(work)
            .await
            .unwrap_or(Err(AgentError::Stopping))
    }
}

/// Appends a client's events and sees to it that the session takes notice.
async fn accept(
    inner: &Arc<Inner>,
    live: &Held,
    events: &[SentEvent],
) -> Result<Vec<Value>, AgentError> {
    let mut desk = live.desk.lock().await;
    let journal = inner.journal(live, &mut desk).await?;
    let accepted = session::accept(&journal.state, events.to_vec());
    let accepted = match accepted {
        Ok(accepted) => accepted,
        Err(refused) => {
            if desk.task == Task::None {
                desk.clear();
            }
            return Err(refused.into());
        }
    };
    let echoes = journal.record(inner.source(), accepted);
    let done = async {
        if desk.task == Task::None {
            if let Some(ready) = inner.advance(live, &mut desk).await? {
                inner.start(live, Some(ready));
            }
            return Ok(());
        }
        let journal = inner.journal(live, &mut desk).await?;
        journal.save(&*inner.parts.log, &live.id, &live.hub).await?;
        if journal.state.is_interrupted() {
            desk.interrupt.cancel();
        }
        Ok(())
    };
    if let Err(error) = done.await {
        // What is in memory may be ahead of the log.
        desk.clear();
        return Err(error);
    }
    Ok(echoes
        .into_iter()
        .flatten()
        .map(|Wire { event, .. }| event)
        .collect())
}
