//! Running tools, and keeping what they leave: the files, their results and their states become part of the log together.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{Driver, Flow, chain};
use crate::agent::AgentError;
use crate::agent::hands::{Hands, HandsError, OnProgress, Opening, Progress, ToolCall};
use crate::agent::live::{Desk, Setup};
use crate::agent::metrics;
use crate::session::{Call, Draft, Event, SavedState};
use crate::tools::{CallResult, Ending};

/// Tool states up to this size are kept in the log itself, which saves a file and its fsync.
const INLINE_BYTES_MAX: usize = 64 * 1024;

/// The text of the result of a call whose files could not be saved.
const NOT_SAVED: &str = "The files could not be saved: all of them are as they were before this call. The server's log says \
                         why.";

/// How long an interrupt waits for tools that were told of it: the second that `wit/tool` promises them, and some room. Those
/// that do not listen are ended at once.
const LAST_WORDS: Duration = Duration::from_millis(1500);

/// Whether a call's files are part of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    Yes,
    No,
}

impl Driver<'_> {
    /// Runs calls at the same time, and appends their results.
    pub(super) async fn run(
        &mut self,
        calls: Vec<Call>,
        setup: &Setup,
        interrupt: CancellationToken,
    ) -> Result<Flow, AgentError> {
        let stopping = &self.inner.stopping;
        let (states, root) = {
            let mut desk = self.live.desk.lock().await;
            let state = &self.inner.journal(self.live, &mut desk).await?.state;
            (state.tool_states.clone(), state.files.clone())
        };
        // The log decides: what it lost against another writer's is in no file either.
        if *self.root() != root {
            self.drop_hands().await;
        }
        if self.hands.is_none() {
            match self.open(setup, states, root.as_deref()).await {
                Ok(hands) => {
                    self.hands = Some(hands);
                    *self.root() = root;
                }
                Err(error) => {
                    tracing::error!(session = self.live.id, error = %chain(&error), "no sandbox");
                    let text =
                        "The sandbox of this session cannot be made; the server's log says why.";
                    let result = CallResult::error(Ending::Refused, text);
                    for call in &calls {
                        self.answer(call, result.clone(), Vec::new()).await?;
                    }
                    return Ok(Flow::GoOn);
                }
            }
        }
        let Some(hands) = self.hands.as_deref() else {
            return Ok(Flow::GoOn);
        };
        let cancelled = CancellationToken::new();
        let driver = &*self;
        let mut running: FuturesUnordered<_> = calls
            .iter()
            .map(|call| {
                let cancelled = &cancelled;
                let called = &call.called;
                let on_progress = driver.on_progress(&called.id, &called.name);
                async move {
                    let started = Instant::now();
                    let result = hands
                        .call(ToolCall {
                            id: &called.id,
                            tool: &called.name,
                            input: &call.input,
                            on_progress: Some(&on_progress),
                            cancelled: Some(cancelled),
                            allowance: None,
                            pushed: None,
                        })
                        .await;
                    metrics::tool_call(&called.name, &result, started.elapsed());
                    (call, result)
                }
            })
            .collect();
        // An interrupt tells the tools, and waits for those that use their last second to answer.
        let mut patience = pin!(async {
            interrupt.cancelled().await;
            cancelled.cancel();
            driver.inner.parts.clock.sleep(LAST_WORDS).await;
        });
        let kept = loop {
            let done = tokio::select! {
                biased;
                () = stopping.cancelled() => return Ok(Flow::GoOn),
                () = &mut patience => break Kept::Yes,
                done = running.next() => done,
            };
            match done {
                // What an interrupt ended without an answer is closed with the words that are meant for that.
                Some((_, result)) if result.ending == Ending::Cancelled => {}
                Some((call, result)) => match driver.finished(call, result).await? {
                    Kept::Yes => {}
                    Kept::No => break Kept::No,
                },
                None => break Kept::Yes,
            }
        };
        drop(running);
        match kept {
            Kept::No => self.drop_hands().await,
            // What the calls that it ended have done stays done, and the log is to say so together with their ends.
            Kept::Yes if interrupt.is_cancelled() => {
                let mut desk = self.live.desk.lock().await;
                self.keep_rest(&mut desk).await?;
            }
            Kept::Yes => {}
        }
        Ok(Flow::GoOn)
    }

    /// Ends what the session has running. What was not kept is forgotten.
    pub(super) async fn drop_hands(&mut self) {
        if let Some(hands) = self.hands.take() {
            hands.close().await;
        }
    }

    async fn commit(&self, hands: &dyn Hands) -> Result<Option<String>, HandsError> {
        let root = hands.commit().await?;
        if root.is_some() {
            self.root().clone_from(&root);
        }
        Ok(root)
    }

    fn root(&self) -> MutexGuard<'_, Option<String>> {
        self.root.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends what the session has running, before it rests, and keeps the files as they are then.
    pub(super) async fn put_down(&mut self, desk: &mut Desk) -> Result<(), AgentError> {
        if let Some(hands) = &self.hands {
            hands.close().await;
        }
        self.keep_rest(desk).await?;
        self.hands = None;
        Ok(())
    }

    /// Keeps what the files have become without a call that could be answered.
    pub(super) async fn keep_rest(&self, desk: &mut Desk) -> Result<(), AgentError> {
        let Some(hands) = self.hands.as_deref() else {
            return Ok(());
        };
        match self.commit(hands).await {
            Ok(Some(root)) => {
                let journal = self.inner.journal(self.live, desk).await?;
                let files = Event::Files {
                    root,
                    moved_in: false,
                };
                journal.record(self.inner.source(), [files.into()]);
            }
            Ok(None) => {}
            Err(error) => {
                tracing::error!(session = self.live.id, error = %chain(&error), "what was written since the last call is lost");
            }
        }
        Ok(())
    }

    /// Shows what a tool says of its progress to whoever watches the session. Nothing of it is stored.
    fn on_progress(&self, id: &str, tool: &str) -> OnProgress {
        let (hub, session) = (Arc::clone(&self.live.hub), self.live.id.clone());
        let (id, tool) = (id.to_owned(), tool.to_owned());
        Arc::new(move |progress| {
            let Progress { message, fraction } = progress;
            metrics::tool_progress(&tool);
            tracing::debug!(session, tool, id, fraction, message, "progress");
            hub.show(&json!({
                "type": "tool_progress",
                "tool_use_id": id,
                "name": tool,
                "message": message,
                "fraction": fraction,
            }));
        })
    }

    /// Opens the sandbox and gives the tools back what they had left.
    async fn open(
        &self,
        setup: &Setup,
        saved: BTreeMap<String, SavedState>,
        files: Option<&str>,
    ) -> Result<Box<dyn Hands>, HandsError> {
        let hands = self
            .inner
            .parts
            .workshop
            .open(Opening {
                workspace: &self.live.workspace,
                session: &self.live.id,
                agent: &setup.agent,
                environment: &setup.environment,
                files,
            })
            .await?;
        let mut states = BTreeMap::new();
        for (tool, state) in saved {
            let bytes = match state {
                SavedState::Inline(text) => BASE64
                    .decode(text)
                    .map_err(|error| HandsError::new("reading a tool's state", error))?
                    .into(),
                SavedState::File(name) => hands.kept(&name).await?,
            };
            states.insert(tool, bytes);
        }
        hands.set_tool_state(states);
        Ok(hands)
    }

    /// Keeps the files, then appends the result of a call together with what they are saved as and what its tool left
    /// for the next one: that append is the commit. Files that cannot be saved are as before the call.
    async fn finished(&self, call: &Call, result: CallResult) -> Result<Kept, AgentError> {
        let left = self.left_by(&call.called.name).await;
        let committed = match self.hands.as_deref() {
            Some(hands) => self.commit(hands).await,
            None => Ok(None),
        };
        let root = match committed {
            Ok(root) => root,
            Err(error) => {
                tracing::error!(session = self.live.id, id = call.called.id, error = %chain(&error), "the files are not saved");
                let result = CallResult::error(Ending::Refused, NOT_SAVED);
                self.answer(call, result, Vec::new()).await?;
                return Ok(Kept::No);
            }
        };
        let state = left.map(|(tool, state)| Event::ToolState { tool, state });
        let files = root.map(|root| Event::Files {
            root,
            moved_in: false,
        });
        let events = state.into_iter().chain(files).collect();
        self.answer(call, result, events).await?;
        Ok(Kept::Yes)
    }

    /// Appends the result of a call, and before it what else the call has brought about.
    async fn answer(
        &self,
        call: &Call,
        result: CallResult,
        before: Vec<Event>,
    ) -> Result<(), AgentError> {
        let mut desk = self.live.desk.lock().await;
        let journal = self.inner.journal(self.live, &mut desk).await?;
        let states = &journal.state.tool_states;
        let news = before.into_iter().filter(
            |event| !matches!(event, Event::ToolState { tool, state } if states.get(tool) == Some(state)),
        );
        let mut drafts: Vec<Draft> = news.map(Draft::from).collect();
        let CallResult {
            content, is_error, ..
        } = result;
        drafts.push(
            Event::AgentToolResult {
                tool_use_id: call.called.id.clone(),
                content,
                is_error,
            }
            .into(),
        );
        journal.record(self.inner.source(), drafts);
        // The last result is saved together with what follows from it.
        if journal.state.calls.iter().any(Call::may_run) {
            let Desk {
                journal: Some(journal),
                ..
            } = &mut *desk
            else {
                return Ok(());
            };
            journal
                .save(&*self.inner.parts.log, &self.live.id, &self.live.hub)
                .await?;
        }
        Ok(())
    }

    async fn left_by(&self, tool: &str) -> Option<(String, SavedState)> {
        let hands = self.hands.as_deref()?;
        let (name, state) = hands.state_left(tool)?;
        if state.len() <= INLINE_BYTES_MAX {
            return Some((name, SavedState::Inline(BASE64.encode(state))));
        }
        match hands.keep(&name, &state).await {
            Ok(file) => Some((name, SavedState::File(file))),
            Err(error) => {
                tracing::error!(session = self.live.id, tool, error = %chain(&error), "the tool's state is not kept");
                None
            }
        }
    }
}
