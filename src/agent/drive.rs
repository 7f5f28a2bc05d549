//! The task of a running session: decide, perform, append, until there is nothing to do.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::AgentError;
use super::ask::{self, Arriving};
use super::hands::{Hands, HandsError, OnProgress, Opening, Progress, ToolCall};
use super::inner::{Held, Inner};
use super::live::{Desk, Live, Setup, Task};
use super::metrics;
use crate::model::{Request, Retry};
use crate::session::{self, Call, Draft, Event, SavedState, Step};
use crate::tools::{CallResult, Ending};

/// Tool states up to this size are kept in the log itself, which saves a file and its fsync.
const INLINE_BYTES_MAX: usize = 64 * 1024;

/// How long an interrupt waits for tools that were told of it: the second that `wit/tool` promises them, and some room. Those
/// that do not listen are ended at once.
const LAST_WORDS: Duration = Duration::from_millis(1500);

/// Drives one session until it rests, the server stops, or the store fails. `first` is what has been decided already.
pub(super) async fn drive(inner: Arc<Inner>, live: Held, first: Option<Ready>) {
    let mut driver = Driver {
        inner: &inner,
        live: &live,
        hands: None,
        delay: None,
        first,
    };
    let mut conflicts = 0;
    loop {
        match driver.turn().await {
            Ok(Flow::GoOn) => conflicts = 0,
            Ok(Flow::Stop) => break,
            // Somebody else appended: what is in memory is of no use, the log knows what to do.
            Err(AgentError::Conflict) if conflicts < 10 => {
                conflicts += 1;
                live.desk.lock().await.clear();
            }
            Err(error) => {
                if !matches!(error, AgentError::NotFound) {
                    tracing::error!(session = live.id, error = %chain(&error), "the session stops until the next start or event");
                }
                let mut desk = live.desk.lock().await;
                desk.clear();
                desk.task = Task::None;
                break;
            }
        }
    }
    if let Some(hands) = driver.hands.take() {
        hands.close().await;
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    GoOn,
    Stop,
}

/// A step that is decided, announced and durable, to be performed now.
pub(super) struct Ready {
    work: Work,
    interrupt: CancellationToken,
}

/// What a step needs once the desk is free again.
enum Work {
    Ask(Box<Request>, Arc<Setup>),
    Run(Vec<Call>, Arc<Setup>),
    Wait(u32, Vec<Draft>),
}

struct Driver<'a> {
    inner: &'a Arc<Inner>,
    live: &'a Live,
    /// The session's sandbox, from its first tool call on.
    hands: Option<Box<dyn Hands>>,
    /// How long the model asked us to wait.
    delay: Option<Duration>,
    first: Option<Ready>,
}

impl Driver<'_> {
    /// Decides and performs one step.
    async fn turn(&mut self) -> Result<Flow, AgentError> {
        if self.inner.stopping.is_cancelled() {
            self.live.desk.lock().await.task = Task::None;
            return Ok(Flow::Stop);
        }
        let ready = match self.first.take() {
            Some(ready) => Some(ready),
            None => {
                self.inner
                    .advance(self.live, &mut *self.live.desk.lock().await)
                    .await?
            }
        };
        let Some(Ready { work, interrupt }) = ready else {
            return Ok(Flow::Stop);
        };
        match work {
            Work::Ask(request, setup) => self.ask(*request, &setup, interrupt).await,
            Work::Run(calls, setup) => self.run(calls, &setup, interrupt).await,
            Work::Wait(failures, then) => self.wait(failures, then, interrupt).await,
        }
    }

    async fn ask(
        &mut self,
        request: Request,
        setup: &Setup,
        interrupt: CancellationToken,
    ) -> Result<Flow, AgentError> {
        let Inner {
            parts, stopping, ..
        } = &**self.inner;
        let started = Instant::now();
        let mut arriving = Arriving::default();
        let outcome = tokio::select! {
            biased;
            () = stopping.cancelled() => return Ok(Flow::GoOn),
            () = interrupt.cancelled() => None,
            outcome = arriving.stream(&*parts.model, request, &self.live.hub, &*parts.ids) => Some(outcome),
        };
        let counted = match &outcome {
            Some(Ok(_)) => "ok",
            Some(Err(_)) => "error",
            None => "interrupted",
        };
        metrics::model_request(counted, started.elapsed());
        let usage = arriving.usage();
        let mut desk = self.live.desk.lock().await;
        let journal = self.inner.journal(self.live, &mut desk).await?;
        let Some(start) = journal.state.request.clone() else {
            return Ok(Flow::GoOn);
        };
        let source = self.inner.source();
        match outcome {
            Some(Ok(answer)) => {
                let drafts =
                    session::respond(answer, &setup.offer.toolbox, || parts.ids.next("sevt"));
                journal.record(source, drafts);
                journal.record(source, [session::request_ended(&start, false, usage)]);
            }
            Some(Err(error)) => {
                tracing::warn!(session = self.live.id, %error, "model request failed");
                let (kind, retry_status) = ask::failure(&error);
                self.delay = match error.retry() {
                    Retry::After(delay) => Some(delay),
                    Retry::Later | Retry::Never => None,
                };
                journal.record(source, [session::request_ended(&start, true, usage)]);
                let drafts = session::failed(
                    &journal.state,
                    &parts.options.rules,
                    kind,
                    error.to_string(),
                    retry_status,
                );
                journal.record(source, drafts);
            }
            None => {
                journal.record(source, [session::request_ended(&start, true, usage)]);
            }
        }
        Ok(Flow::GoOn)
    }

    async fn run(
        &mut self,
        calls: Vec<Call>,
        setup: &Setup,
        interrupt: CancellationToken,
    ) -> Result<Flow, AgentError> {
        let stopping = &self.inner.stopping;
        if self.hands.is_none() {
            match self.open(setup).await {
                Ok(hands) => self.hands = Some(hands),
                Err(error) => {
                    tracing::error!(session = self.live.id, error = %chain(&error), "no sandbox");
                    let text =
                        "The sandbox of this session cannot be made; the server's log says why.";
                    let result = CallResult::error(Ending::Refused, text);
                    for call in &calls {
                        self.finished(call, result.clone()).await?;
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
        loop {
            let done = tokio::select! {
                biased;
                () = stopping.cancelled() => return Ok(Flow::GoOn),
                () = &mut patience => return Ok(Flow::GoOn),
                done = running.next() => done,
            };
            match done {
                // What an interrupt ended without an answer is closed with the words that are meant for that.
                Some((_, result)) if result.ending == Ending::Cancelled => {}
                Some((call, result)) => driver.finished(call, result).await?,
                None => return Ok(Flow::GoOn),
            }
        }
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

    /// Waits before the next try, unless something makes waiting pointless.
    async fn wait(
        &mut self,
        failures: u32,
        then: Vec<Draft>,
        interrupt: CancellationToken,
    ) -> Result<Flow, AgentError> {
        let parts = &self.inner.parts;
        let delay = parts
            .options
            .backoff
            .delay(failures)
            .max(self.delay.take().unwrap_or_default());
        tokio::select! {
            biased;
            () = self.inner.stopping.cancelled() => return Ok(Flow::GoOn),
            () = interrupt.cancelled() => return Ok(Flow::GoOn),
            () = parts.clock.sleep(delay) => {}
        }
        let mut desk = self.live.desk.lock().await;
        let journal = self.inner.journal(self.live, &mut desk).await?;
        // The interrupt may have come just now; it is decided on first.
        if !journal.state.is_interrupted() {
            journal.record(self.inner.source(), then);
        }
        Ok(Flow::GoOn)
    }

    /// Opens the sandbox and gives the tools back what they had left.
    async fn open(&self, setup: &Setup) -> Result<Box<dyn Hands>, HandsError> {
        let saved = {
            let desk = self.live.desk.lock().await;
            desk.journal
                .as_ref()
                .map(|journal| journal.state.tool_states.clone())
                .unwrap_or_default()
        };
        let hands = self
            .inner
            .parts
            .workshop
            .open(Opening {
                workspace: &self.live.workspace,
                session: &self.live.id,
                agent: &setup.agent,
                environment: &setup.environment,
            })
            .await?;
        let mut states = std::collections::BTreeMap::new();
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

    /// Appends the result of a call, together with what its tool left for the next one.
    async fn finished(&self, call: &Call, result: CallResult) -> Result<(), AgentError> {
        let left = self.left_by(&call.called.name).await;
        let mut desk = self.live.desk.lock().await;
        let journal = self.inner.journal(self.live, &mut desk).await?;
        let mut drafts: Vec<Draft> = Vec::new();
        if let Some((tool, state)) = left
            && journal.state.tool_states.get(&tool) != Some(&state)
        {
            drafts.push(Event::ToolState { tool, state }.into());
        }
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

impl Inner {
    /// Records whatever follows from the state alone, makes it durable, and gives what must be performed next. None when
    /// the session rests; it is no longer in memory then.
    pub(super) async fn advance(
        &self,
        live: &Live,
        desk: &mut Desk,
    ) -> Result<Option<Ready>, AgentError> {
        let work = self.decide(live, desk).await?;
        let journal = self.journal(live, desk).await?;
        journal.save(&*self.parts.log, &live.id, &live.hub).await?;
        match work {
            Some(work) => {
                desk.task = Task::Driving;
                Ok(Some(Ready {
                    work,
                    interrupt: desk.listen(),
                }))
            }
            None => {
                desk.task = Task::None;
                desk.clear();
                Ok(None)
            }
        }
    }

    /// The same before anything is durable: for a session that is being created.
    pub(super) async fn begin(
        &self,
        live: &Live,
        desk: &mut Desk,
    ) -> Result<Option<Ready>, AgentError> {
        let work = self.decide(live, desk).await?;
        Ok(work.map(|work| {
            desk.task = Task::Driving;
            Ready {
                work,
                interrupt: desk.listen(),
            }
        }))
    }

    async fn decide(&self, live: &Live, desk: &mut Desk) -> Result<Option<Work>, AgentError> {
        let setup = self.setup(live, desk).await?;
        let source = self.source();
        let rules = &self.parts.options.rules;
        let journal = self.journal(live, desk).await?;
        loop {
            match session::decide(&journal.state, rules) {
                Step::Rest => return Ok(None),
                Step::Record(drafts) => {
                    journal.record(source, drafts);
                }
                Step::AskModel { announce } => {
                    journal.record(source, announce);
                    let request =
                        ask::request(&journal.state, &setup, self.parts.options.max_tokens);
                    return Ok(Some(Work::Ask(Box::new(request), setup)));
                }
                Step::Run { announce, calls } => {
                    journal.record(source, announce);
                    return Ok(Some(Work::Run(calls, setup)));
                }
                Step::BackOff { failures, then } => return Ok(Some(Work::Wait(failures, then))),
            }
        }
    }
}
