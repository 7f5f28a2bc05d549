//! Sessions as they were: forks, and going back.
//!
//! Works on the store alone, so that commands can use it too, also beside a server that runs: a fork is one
//! transaction, and whatever is appended names the position that it follows. In a server [`super::Agents`] sees to it
//! that nobody drives the session meanwhile.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::Value;

use super::document::{self, Body};
use super::inner::SESSION;
use super::journal::{self, Journal, Source};
use super::{AgentError, metrics};
use crate::clock::Clock;
use crate::ids::Ids;
use crate::resources::Invalid;
use crate::session::{
    self, Audience, Event, Moment, NoSuchMoment, Record, Status, come_to_rest, effective, until,
};
use crate::store::{Document, Documents, Log, Seq};

/// Sessions as they were. Cheap to clone.
#[derive(Clone)]
pub struct Timeline {
    pub log: Arc<dyn Log>,
    pub documents: Arc<dyn Documents>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
}

impl From<NoSuchMoment> for AgentError {
    fn from(error: NoSuchMoment) -> Self {
        Invalid::new("event_id", error).into()
    }
}

impl Timeline {
    fn source(&self) -> Source<'_> {
        Source {
            clock: &*self.clock,
            ids: &*self.ids,
        }
    }

    async fn document(&self, workspace: &str, id: &str) -> Result<Document, AgentError> {
        let found = self.documents.get(SESSION, workspace, id).await?;
        found.ok_or(AgentError::NotFound)
    }

    /// A new session that begins with what happened in this one up to a moment, and with the files of that moment. It
    /// has the agent, environment, title and metadata that this one has now, and is at rest. Durable when it returns;
    /// takes time in proportion to the log, and none for the files. Gives the wire Session.
    pub async fn fork(
        &self,
        workspace: &str,
        id: &str,
        moment: Moment<'_>,
    ) -> Result<Value, AgentError> {
        let origin = self.document(workspace, id).await?;
        let (records, _) = journal::load(&*self.log, id).await?;
        let mut records = until(records, moment)?;
        // What was taken back is not in the copy, so nothing in it has to say so.
        records.retain(|record| !matches!(record.event, Event::Rewound { .. }));
        let mut journal = Journal::copy(records).ok_or(AgentError::NotFound)?;
        let session_id = id.to_owned();
        journal.record(self.source(), [Event::Forked { session_id }.into()]);
        journal.record(self.source(), come_to_rest(&journal.state));
        let created_at = session::format(self.clock.now());
        let body = Body {
            updated_at: created_at.clone(),
            ..Body::read(&origin)?
        };
        let mut document = Document {
            id: self.ids.next("sesn"),
            workspace: origin.workspace,
            revision: 1,
            created_at,
            archived_at: None,
            fields: body.fields(),
            body: body.write(),
        };
        document.fields.extend(journal::fields(&journal.state));
        self.documents
            .create(SESSION, document.clone(), journal.entries())
            .await?;
        metrics::session_created();
        Ok(document::wire(&document)?)
    }

    /// Goes back to a moment of this session: what has happened since counts no more, clients do not see it any more,
    /// and files are as they were. The log keeps it, and forks can begin there. Refused while the session runs, and
    /// when it is archived. Gives the wire Session.
    pub async fn rewind(
        &self,
        workspace: &str,
        id: &str,
        event_id: &str,
    ) -> Result<Value, AgentError> {
        let document = self.document(workspace, id).await?;
        if document.archived_at.is_some() {
            return Err(AgentError::invalid("an archived session cannot be rewound"));
        }
        let (records, seq) = journal::load(&*self.log, id).await?;
        let now = effective(records.clone());
        refuse_running(
            &now,
            "a running session cannot be rewound: interrupt it first",
        )?;
        let last_at = records.last().map(|record| record.at);
        let then = until(records, Moment::After(event_id))?;
        let remaining: HashSet<&str> = visible(&then).collect();
        let withdraws = visible(&now)
            .filter(|id| !remaining.contains(id))
            .map(str::to_owned)
            .collect();
        let mut state = session::fold(then).ok_or(AgentError::NotFound)?;
        state.last_at = last_at;
        let mut journal = Journal::resume(state, seq);
        let rewound = Event::Rewound {
            event_id: event_id.to_owned(),
        };
        journal.record(self.source(), [rewound.into()]);
        journal.record(self.source(), come_to_rest(&journal.state));
        let mut entries = journal.entries();
        if let Some(first) = entries.first_mut() {
            first.withdraws = withdraws;
        }
        self.log
            .append(id, seq, entries, journal::fields(&journal.state))
            .await?;
        Ok(document::wire(&self.document(workspace, id).await?)?)
    }

    /// What the files of a session were saved as at a moment. `Ok(None)`: it had none of its own yet.
    pub async fn files(
        &self,
        workspace: &str,
        id: &str,
        moment: Moment<'_>,
    ) -> Result<Option<String>, AgentError> {
        self.document(workspace, id).await?;
        let (records, _) = journal::load(&*self.log, id).await?;
        Ok(session::fold(until(records, moment)?).and_then(|state| state.files))
    }

    /// Gives a session other files. Refused while it runs.
    pub async fn set_files(
        &self,
        workspace: &str,
        id: &str,
        root: String,
    ) -> Result<(), AgentError> {
        self.document(workspace, id).await?;
        let (records, seq) = journal::load(&*self.log, id).await?;
        let now = effective(records);
        refuse_running(
            &now,
            "the files of a running session cannot be changed: interrupt it first",
        )?;
        let moved_in = false;
        self.append_files(id, now, seq, Event::Files { root, moved_in })
            .await
    }

    /// Takes over files that a session had before its log spoke of files. Those of earlier moments are not known.
    /// False when there is no such session; `files` is asked only if there is and it has none.
    pub async fn move_in<E>(
        &self,
        id: &str,
        files: impl AsyncFnOnce() -> Result<String, E>,
    ) -> Result<bool, E>
    where
        E: From<AgentError>,
    {
        let loaded = journal::load(&*self.log, id).await;
        let (records, seq) = loaded.map_err(AgentError::from)?;
        let records = effective(records);
        let Some(state) = session::fold(records.clone()) else {
            return Ok(false);
        };
        if state.files.is_none() {
            let event = Event::Files {
                root: files().await?,
                moved_in: true,
            };
            self.append_files(id, records, seq, event).await?;
        }
        Ok(true)
    }

    async fn append_files(
        &self,
        id: &str,
        now: Vec<Record>,
        seq: Seq,
        event: Event,
    ) -> Result<(), AgentError> {
        let state = session::fold(now).ok_or(AgentError::NotFound)?;
        let mut journal = Journal::resume(state, seq);
        journal.record(self.source(), [event.into()]);
        let fields = journal::fields(&journal.state);
        self.log.append(id, seq, journal.entries(), fields).await?;
        Ok(())
    }
}

/// The ids of what clients see.
fn visible(records: &[Record]) -> impl Iterator<Item = &str> {
    let seen = |record: &&Record| record.event.audience() == Audience::Clients;
    records.iter().filter(seen).map(|record| record.id.as_str())
}

fn refuse_running(records: &[Record], message: &str) -> Result<(), AgentError> {
    let state = session::fold(records.to_vec()).ok_or(AgentError::NotFound)?;
    match state.status {
        Status::Running | Status::Rescheduling => Err(AgentError::invalid(message)),
        _ => Ok(()),
    }
}
