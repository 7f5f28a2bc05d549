//! The task of a running session: decide, perform, append, until there is nothing to do.

mod calls;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::AgentError;
use super::ask::{self, Arriving};
use super::hands::Hands;
use super::inner::{Held, Inner};
use super::live::{Desk, Live, Setup, Task};
use super::metrics;
use crate::model::{Request, Retry};
use crate::session::{self, Call, Draft, Step};

/// Drives one session until it rests, the server stops, or the store fails. `first` is what has been decided already.
pub(super) async fn drive(inner: Arc<Inner>, live: Held, first: Option<Ready>) {
    let mut driver = Driver {
        inner: &inner,
        live: &live,
        hands: None,
        root: Mutex::default(),
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
                // So may be what is in the files.
                driver.drop_hands().await;
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
    driver.drop_hands().await;
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
    /// What the sandbox's files were last saved as.
    root: Mutex<Option<String>>,
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
                let live = self.live;
                let mut desk = live.desk.lock().await;
                let work = self.inner.decide(live, &mut desk).await?;
                if work.is_none() {
                    self.put_down(&mut desk).await?;
                }
                self.inner.conclude(live, &mut desk, work).await?
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
        self.conclude(live, desk, work).await
    }

    async fn conclude(
        &self,
        live: &Live,
        desk: &mut Desk,
        work: Option<Work>,
    ) -> Result<Option<Ready>, AgentError> {
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
