//! One call of a tool: instantiate, call, and say how it ended.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::component::{Component, Entry};
use crate::context::ToolContext;
use crate::describe::{self, DescribeError};
use crate::grant::{Allowance, Limits};
use crate::limits::{Account, KillOnDrop, Verdict};
use crate::plain::Streams;
use crate::process::bindings::glovebox::tool::types as wit;
use crate::process::run::{self, Crash, Deadline, End};
use crate::process::spawn::enter;
use crate::process::table::{Birth, SIGKILL};
use crate::process::{Description as EndpointDescription, Endpoint, TailBuffer};
use crate::report::{CallReport, Content, Description, ExitStatus, Outcome, Usage};
use crate::sandbox::{Sandbox, Shared};
use crate::state::{Start, State};
use crate::tool::Called;

/// Pieces of one answer: each becomes an object for the model.
pub(crate) const PIECES_MAX: usize = 1000;

/// What is kept of what a tool writes to its standard error: it explains a crash.
const STANDARD_ERROR_BYTES: u64 = 4096;

/// What a tool that asks has left when its call is cancelled. `wit/tool` promises it.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What a running tool tells whoever watches.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// What it is doing.
    pub message: String,
    /// 0.0 to 1.0, when known.
    pub fraction: Option<f64>,
}

/// How one call differs from the sandbox's grant.
#[derive(Clone, Default)]
pub struct CallOptions {
    /// Narrower limits for this call.
    pub limits: Option<Limits>,
    /// What the tool, and all it starts, may reach of the sandbox. None is all of it.
    pub allowance: Option<Allowance>,
    /// Told what the tool reports. Runs on a guest's thread: must be quick.
    pub on_progress: Option<Arc<dyn Fn(Progress) + Send + Sync>>,
    /// Ends the call when it is cancelled. A tool that asks (`context.cancelled`) has a second to answer with what it has.
    pub cancelled: Option<CancellationToken>,
}

/// What a call is to do.
enum Ask {
    Call(String),
    Describe,
}

/// What the tool returned.
enum Returned {
    Called(Called),
    Described(Box<wit::Description>),
    /// A plain tool's end.
    Ended(ExitStatus),
}

/// What a call came to, before it is the caller's.
enum Came {
    To(Outcome),
    Called(Called),
    Described(Box<wit::Description>),
}

impl Sandbox {
    /// Calls a tool with a JSON object.
    ///
    /// The tool runs on the engine's threads. Dropping the future kills the call and everything it started, except what it
    /// started in the background.
    pub async fn call(&self, tool: &Component, input: &str, options: CallOptions) -> CallReport {
        let started = Instant::now();
        let mut limits = self.shared.grant.limits;
        if let Some(narrower) = &options.limits {
            limits = limits.narrow(narrower);
        }
        if let Some(allowance) = &options.allowance {
            limits = allowance.limits.apply(&limits);
        }
        let account = Account::new(limits, Some(Arc::clone(&self.shared.account)));
        let outcome = match self
            .ask(tool, Ask::Call(input.to_owned()), options, &account)
            .await
        {
            Came::To(outcome) => outcome,
            Came::Called(Ok(content)) => answer(&account, content),
            Came::Called(Err(wit::Failure::InvalidInput(message))) => {
                account.add_output(message.len() as u64);
                over(&account).unwrap_or(Outcome::InvalidInput(message))
            }
            Came::Called(Err(wit::Failure::Failed(content))) => match answer(&account, content) {
                Outcome::Answer(content) => Outcome::Failed(content),
                other => other,
            },
            Came::Described(_) => Outcome::Cancelled,
        };
        let usage = Usage {
            wall: started.elapsed(),
            cpu: account.cpu(),
            memory_bytes_peak: account.memory_peak(),
            output_bytes: account.output(),
            processes: account.spawned(),
        };
        CallReport { outcome, usage }
    }

    /// What a tool says about itself, checked. It is asked without any grant, and with narrow limits.
    pub async fn describe(&self, tool: &Component) -> Result<Description, DescribeError> {
        if let Entry::Plain(plain) = &tool.0.entry {
            return Ok(plain.description.clone());
        }
        let limits = describe::limits(&self.shared.grant.limits);
        let account = Account::new(limits, Some(Arc::clone(&self.shared.account)));
        let options = CallOptions {
            allowance: Some(Allowance::nothing()),
            ..CallOptions::default()
        };
        let silent =
            |why: &str| DescribeError(format!("{} did not describe itself{why}", tool.name()));
        match self.ask(tool, Ask::Describe, options, &account).await {
            Came::Described(said) => describe::checked(*said),
            Came::To(outcome) => Err(silent(&format!(": {}", in_words(&outcome)))),
            Came::Called(_) => Err(silent("")),
        }
    }

    async fn ask(
        &self,
        tool: &Component,
        ask: Ask,
        options: CallOptions,
        account: &Arc<Account>,
    ) -> Came {
        let killer = KillOnDrop::new(account);
        let cancelled = options.cancelled.clone();
        let patience = match &tool.0.entry {
            Entry::Tool(tool) if tool.asks_cancelled() => LAST_WORDS,
            _ => Duration::ZERO,
        };
        let call = perform(
            Arc::clone(&self.shared),
            tool.clone(),
            ask,
            options,
            Arc::clone(account),
        );
        let mut call = self.shared.engine.runtime().spawn(call);
        let result = match cancelled {
            None => call.await,
            Some(cancelled) => {
                let ended = async {
                    cancelled.cancelled().await;
                    tokio::time::sleep(patience).await;
                };
                tokio::select! {
                    biased;
                    result = &mut call => result,
                    () = ended => {
                        account.end(Verdict::Cancelled);
                        call.await
                    }
                }
            }
        };
        killer.over();
        // Only the engine's end cancels the task.
        result.unwrap_or(Came::To(Outcome::Cancelled))
    }
}

/// Runs on a guest's thread from beginning to end.
async fn perform(
    sandbox: Arc<Shared>,
    component: Component,
    ask: Ask,
    options: CallOptions,
    account: Arc<Account>,
) -> Came {
    if matches!(component.0.entry, Entry::Program(_)) {
        return Came::To(Outcome::Trapped(format!(
            "{} is a program, not a tool",
            component.name()
        )));
    }
    let scope = sandbox
        .scopes
        .make(&sandbox.grant, options.allowance.as_ref());
    let cwd = scope.cwd();
    let birth = Birth {
        parent: 1,
        arguments: vec![match &component.0.entry {
            // It may be loaded under another name, which says nothing to the tool.
            Entry::Plain(plain) => plain.description.name.clone(),
            _ => component.name().to_owned(),
        }],
        background: false,
        sigpipe_kills: false,
        account: Arc::clone(&account),
        scope,
    };
    let Ok(mut grave) = enter(&sandbox, birth) else {
        return Came::To(Outcome::Limit {
            which: crate::LimitKind::Processes,
            message: format!(
                "limit of {} processes exceeded",
                account.limits().processes_max
            ),
        });
    };
    let process = Arc::clone(&grave.process);
    let standard_error = Arc::new(TailBuffer::new(STANDARD_ERROR_BYTES, &account));
    let plain = match (&component.0.entry, &ask) {
        (Entry::Plain(_), Ask::Call(input)) => {
            Some(Streams::new(input, Arc::clone(&standard_error), &account))
        }
        _ => None,
    };
    let descriptors = match &plain {
        Some(plain) => plain.descriptors(),
        None => {
            let sink: Endpoint = EndpointDescription::Tail(Arc::clone(&standard_error)).into();
            BTreeMap::from([(0, Endpoint::null()), (1, sink.clone()), (2, sink)])
        }
    };
    // Describing depends on nothing and leaves nothing.
    let describing = matches!(ask, Ask::Describe);
    let mut environment = match describing {
        true => BTreeMap::new(),
        false => sandbox.grant.environment.clone(),
    };
    // WASI has no other way to tell a guest where it stands.
    environment.insert("PWD".to_owned(), cwd.to_owned());
    if plain.is_some() {
        let stand_ins = process.scope.stand_ins().iter();
        environment.extend(stand_ins.map(|(name, text)| (name.to_owned(), text.to_owned())));
    }
    let start = Start {
        environment: environment.into_iter().collect(),
        cwd: cwd.to_owned(),
        umask: UMASK,
        preopens: component.0.preopens,
        descriptors,
        tool: (!describing).then(|| ToolContext {
            name: component.name().to_owned(),
            on_progress: options.on_progress,
            pace: Default::default(),
            cancelled: options.cancelled,
        }),
    };
    let mut store = run::store(&sandbox, &process, start);
    if describing {
        store.set_hostcall_fuel(describe::BYTES_MAX);
    }
    let end = run::run(
        &process,
        Deadline::Watched,
        enter_tool(&component.0.entry, &mut store, ask),
    )
    .await;
    let memory_refused = store.data().limiter.refused;
    drop(store);
    grave.status = match &end {
        End::Returned(_) => Some(ExitStatus::Exited(0)),
        End::Status(status) => Some(*status),
        End::Trapped(crash) => Some(ExitStatus::Signalled(crash.signal)),
    };
    drop(grave);
    bury(&sandbox, &account).await;
    if let Some(verdict) = account.verdict() {
        return Came::To(match verdict.clone() {
            Verdict::Limit { which, message } => Outcome::Limit { which, message },
            Verdict::Cancelled => Outcome::Cancelled,
        });
    }
    let ended = |status| match (&plain, status) {
        (_, ExitStatus::Signalled(SIGKILL)) => Outcome::Cancelled,
        (Some(plain), ExitStatus::Exited(_)) => plain.outcome(status),
        _ => Outcome::Exited(status),
    };
    match end {
        End::Returned(Returned::Called(called)) => Came::Called(called),
        End::Returned(Returned::Described(said)) => Came::Described(said),
        End::Returned(Returned::Ended(status)) | End::Status(status) => Came::To(ended(status)),
        End::Trapped(_) if memory_refused => Came::To(Outcome::Limit {
            which: crate::LimitKind::Memory,
            message: account.memory_message(),
        }),
        End::Trapped(Crash { flood: true, .. }) => Came::To(Outcome::Limit {
            which: crate::LimitKind::Output,
            message: "handed over more bytes at once than the host takes".to_owned(),
        }),
        End::Trapped(crash) => {
            let said = standard_error.take().0;
            let said = String::from_utf8_lossy(&said);
            let said = said.trim();
            Came::To(Outcome::Trapped(if said.is_empty() {
                crash.message
            } else {
                format!("{}: {said}", crash.message)
            }))
        }
    }
}

/// As everywhere.
pub(crate) const UMASK: u32 = 0o022;

async fn enter_tool(
    entry: &Entry,
    store: &mut wasmtime::Store<State>,
    ask: Ask,
) -> wasmtime::Result<Returned> {
    let program = match (entry, ask) {
        (Entry::Tool(tool), Ask::Call(input)) => {
            return Ok(Returned::Called(tool.call(store, &input).await?));
        }
        (Entry::Tool(tool), Ask::Describe) => {
            let said = tool.describe(store).await?;
            return Ok(Returned::Described(Box::new(said)));
        }
        (Entry::Plain(plain), _) => &plain.program,
        (Entry::Program(program), _) => program,
    };
    let program = program.instantiate_async(&mut *store).await?;
    let ended = program.wasi_cli_run().call_run(store).await?;
    Ok(Returned::Ended(ExitStatus::Exited(ended.is_err().into())))
}

/// Kills what the call left running and waits until it is gone, so that nothing changes after the answer.
pub(crate) async fn bury(sandbox: &Shared, account: &Arc<Account>) {
    loop {
        let left = sandbox
            .table
            .kill_where(|process| Arc::ptr_eq(&process.account, account));
        if left.is_empty() {
            return;
        }
        for process in left {
            process.wait().await;
        }
    }
}

fn answer(account: &Account, content: Vec<wit::Content>) -> Outcome {
    if content.len() > PIECES_MAX {
        return too_many_pieces();
    }
    let mut answer = Vec::with_capacity(content.len());
    for piece in content {
        let (piece, bytes) = match piece {
            wit::Content::Text(text) => {
                let bytes = text.len();
                (Content::Text(text), bytes)
            }
            wit::Content::Image(blob) => {
                let bytes = blob.media_type.len() + blob.data.len();
                (
                    Content::Image {
                        media_type: blob.media_type,
                        data: blob.data.into(),
                    },
                    bytes,
                )
            }
            wit::Content::Document(blob) => {
                let bytes = blob.media_type.len() + blob.data.len();
                (
                    Content::Document {
                        media_type: blob.media_type,
                        data: blob.data.into(),
                    },
                    bytes,
                )
            }
            wit::Content::Json(text) => {
                let bytes = text.len();
                // What is not JSON after all can still be read.
                (
                    serde_json::from_str(&text).map_or(Content::Text(text), Content::Json),
                    bytes,
                )
            }
            wit::Content::SearchResult(hit) => {
                let bytes = hit.source.len() + hit.title.len() + hit.text.len();
                (
                    Content::SearchResult {
                        source: hit.source,
                        title: hit.title,
                        text: hit.text,
                    },
                    bytes,
                )
            }
        };
        account.add_output(bytes as u64);
        answer.push(piece);
    }
    over(account).unwrap_or(Outcome::Answer(answer))
}

/// How a call ends whose answer has more than [`PIECES_MAX`].
pub(crate) fn too_many_pieces() -> Outcome {
    Outcome::Limit {
        which: crate::LimitKind::Output,
        message: format!("limit of {PIECES_MAX} pieces of content exceeded"),
    }
}

/// The limit that ended a call, the answer's size included.
fn over(account: &Account) -> Option<Outcome> {
    match account.verdict()? {
        Verdict::Limit { which, message } => Some(Outcome::Limit {
            which: *which,
            message: message.clone(),
        }),
        Verdict::Cancelled => None,
    }
}

/// Why there is no description.
fn in_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Limit { message, .. } | Outcome::Trapped(message) => message.clone(),
        Outcome::Exited(status) => format!("it ended with status {}", status.code()),
        Outcome::Cancelled => "it was killed".to_owned(),
        _ => "it gave an answer instead".to_owned(),
    }
}
