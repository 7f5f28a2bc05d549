//! What is done to a session as a whole: create, update, archive, delete.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::document::{self, Body};
use super::inner::{Held, Inner, SESSION};
use super::journal::{self, Journal};
use super::live::{Desk, Live, Task};
use super::metrics;
use super::{AgentError, NewSession};
use crate::resources::session::SessionPatch;
use crate::session::{self, Draft, Event, Status, Thread};
use crate::store::{Document, Keep, WriteError};

impl From<WriteError> for AgentError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::NotFound => AgentError::NotFound,
            WriteError::Conflict { .. } => AgentError::Conflict,
            WriteError::Failed(error) => AgentError::Store(error),
        }
    }
}

impl Inner {
    pub(super) async fn create(self: Arc<Self>, new: NewSession) -> Result<Value, AgentError> {
        let messages = session::accept_initial(new.initial_events)?;
        let id = self.parts.ids.next("sesn");
        let thread = Thread {
            id: self.parts.ids.next("sthr"),
            agent_name: new.agent.definition.name.clone(),
        };
        let mut journal = Journal::begin(
            self.source(),
            Event::Created {
                thread: thread.clone(),
            },
        );
        let created_at = journal
            .state
            .last_at
            .map(session::format)
            .unwrap_or_default();
        let body = Body {
            agent: new.agent,
            environment: new.environment,
            thread,
            title: new.title,
            metadata: new.metadata,
            updated_at: created_at.clone(),
        };
        journal.record(self.source(), messages);
        let live = self.enter(&id, &new.workspace);
        let mut desk = Desk {
            journal: Some(journal),
            setup: Some(self.set_up(body.clone())),
            ..Desk::default()
        };
        let ready = self.begin(&live, &mut desk).await?;
        let journal = self.journal(&live, &mut desk).await?;
        let mut document = Document {
            id: id.clone(),
            workspace: new.workspace,
            revision: 1,
            created_at,
            archived_at: None,
            fields: body.fields(),
            body: body.write(),
        };
        document.fields.extend(journal::fields(&journal.state));
        self.parts
            .documents
            .create(SESSION, document.clone(), journal.entries())
            .await?;
        metrics::session_created();
        journal.created(&live.hub);
        if ready.is_some() {
            *live.desk.lock().await = desk;
            self.start(&live, ready);
        }
        Ok(document::wire(&document)?)
    }

    pub(super) async fn update(
        self: Arc<Self>,
        live: Held,
        patch: SessionPatch,
    ) -> Result<Value, AgentError> {
        let mut desk = live.desk.lock().await;
        let mut document = self.document(&live).await?;
        let mut body = Body::read(&document)?;
        let mut changed = Map::new();
        if let Some(agent) = patch.agent.filter(|agent| *agent != body.agent) {
            self.refuse_running(
                &live,
                &mut desk,
                "agent: cannot be changed while the session is running",
            )
            .await?;
            changed.insert("agent".into(), json!(agent));
            body.agent = agent;
        }
        if let Some(metadata) = patch.metadata.filter(|metadata| *metadata != body.metadata) {
            if !metadata.is_empty() {
                changed.insert("metadata".into(), json!(metadata));
            }
            body.metadata = metadata;
        }
        if let Some(title) = patch.title.filter(|title| *title != body.title) {
            changed.insert("title".into(), json!(title));
            body.title = title;
        }
        let text = body.write();
        if text != document.body {
            body.updated_at = session::format(self.parts.clock.now());
            document.body = body.write();
            document.revision += 1;
            document.fields = body.fields();
            self.parts
                .documents
                .update(SESSION, document, Keep::LatestOnly)
                .await?;
            desk.setup = None;
            self.note(
                &live,
                &mut desk,
                vec![Event::SessionUpdated { changed }.into()],
            )
            .await?;
        }
        Ok(document::wire(&self.document(&live).await?)?)
    }

    pub(super) async fn archive(self: Arc<Self>, live: Held) -> Result<Value, AgentError> {
        let mut desk = live.desk.lock().await;
        let mut document = self.document(&live).await?;
        if document.archived_at.is_none() {
            self.refuse_running(
                &live,
                &mut desk,
                "a running session cannot be archived: interrupt it first",
            )
            .await?;
            document.archived_at = Some(session::format(self.parts.clock.now()));
            document.revision += 1;
            document.fields = Body::read(&document)?.fields();
            self.parts
                .documents
                .update(SESSION, document, Keep::LatestOnly)
                .await?;
            let state = &self.journal(&live, &mut desk).await?.state;
            if state.status != Status::Terminated {
                let drafts = session::terminated(state);
                self.note(&live, &mut desk, drafts).await?;
            }
        }
        Ok(document::wire(&self.document(&live).await?)?)
    }

    pub(super) async fn delete(self: Arc<Self>, live: Held) -> Result<(), AgentError> {
        let mut desk = live.desk.lock().await;
        self.refuse_running(
            &live,
            &mut desk,
            "a running session cannot be deleted: interrupt it first",
        )
        .await?;
        if !self
            .parts
            .documents
            .delete(SESSION, &live.workspace, &live.id)
            .await?
        {
            return Err(AgentError::NotFound);
        }
        self.forget(&live.id);
        desk.clear();
        let last = Draft::from(Event::SessionDeleted {}).happen(
            || self.parts.ids.next("sevt"),
            self.parts.clock.now(),
            None,
        );
        if let Some(event) = last.wire() {
            live.hub.publish(&event);
        }
        live.hub.close();
        if let Err(error) = self.parts.workshop.discard(&live.id).await {
            tracing::error!(session = live.id, %error, "the files of a deleted session remain");
        }
        Ok(())
    }

    /// An event that changes nothing about what the session does next.
    async fn note(
        &self,
        live: &Live,
        desk: &mut Desk,
        drafts: Vec<Draft>,
    ) -> Result<(), AgentError> {
        let source = self.source();
        let journal = self.journal(live, desk).await?;
        journal.record(source, drafts);
        journal.save(&*self.parts.log, &live.id, &live.hub).await?;
        if desk.task == Task::None {
            desk.clear();
        }
        Ok(())
    }

    async fn refuse_running(
        &self,
        live: &Live,
        desk: &mut Desk,
        message: &str,
    ) -> Result<(), AgentError> {
        let driven = desk.task == Task::Driving;
        let status = &self.journal(live, desk).await?.state.status;
        if driven || matches!(status, Status::Running | Status::Rescheduling) {
            return Err(AgentError::invalid(message));
        }
        Ok(())
    }
}
