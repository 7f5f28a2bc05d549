//! One call of a tool: instantiate, call, and say how it ended.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use crate::component::{Component, Entry};
use crate::context::ToolContext;
use crate::grant::Limits;
use crate::limits::{Account, KillOnDrop, Verdict};
use crate::process::bindings::KernelPre;
use crate::process::bindings::exports::glovebox::tool::tool as wit;
use crate::process::bindings::glovebox::tool::types::Effects as WitEffects;
use crate::process::run::{self, Deadline, End};
use crate::process::spawn::enter;
use crate::process::table::{Birth, SIGKILL};
use crate::process::{Description as EndpointDescription, Endpoint, TailBuffer};
use crate::report::{CallReport, Content, Description, Effects, ExitStatus, Outcome, Usage};
use crate::sandbox::{Sandbox, Shared};
use crate::state::{Start, State};

/// What is kept of what a tool writes to its standard error: it explains a crash.
const STANDARD_ERROR_BYTES: u64 = 4096;

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
    /// Told what the tool reports. Runs on a guest's thread: must be quick.
    pub on_progress: Option<Arc<dyn Fn(Progress) + Send + Sync>>,
}

/// A tool that cannot say what it is.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DescribeError(pub(crate) String);

/// What a call is to do.
enum Ask {
    Call(String),
    Describe,
}

/// What the tool returned.
enum Returned {
    Called(Result<Vec<wit::Content>, wit::Failure>),
    Described(wit::Description),
}

impl Sandbox {
    /// Calls a tool with a JSON object.
    ///
    /// The tool runs on the engine's threads. Dropping the future kills the call and everything it started, except what it
    /// started in the background.
    pub async fn call(&self, tool: &Component, input: &str, options: CallOptions) -> CallReport {
        let started = Instant::now();
        let limits = options.limits.map_or(self.shared.grant.limits, |limits| {
            self.shared.grant.limits.narrow(&limits)
        });
        let account = Account::new(limits, Some(Arc::clone(&self.shared.account)));
        let outcome = match self
            .ask(tool, Ask::Call(input.to_owned()), options, &account)
            .await
        {
            Ok(Returned::Called(Ok(content))) => answer(&account, content),
            Ok(Returned::Called(Err(wit::Failure::InvalidInput(message)))) => {
                Outcome::InvalidInput(message)
            }
            Ok(Returned::Called(Err(wit::Failure::Failed(content)))) => {
                match answer(&account, content) {
                    Outcome::Answer(content) => Outcome::Failed(content),
                    other => other,
                }
            }
            Ok(Returned::Described(_)) => Outcome::Cancelled,
            Err(outcome) => outcome,
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

    /// What a tool says about itself.
    pub async fn describe(&self, tool: &Component) -> Result<Description, DescribeError> {
        let account = Account::new(
            self.shared.grant.limits,
            Some(Arc::clone(&self.shared.account)),
        );
        match self
            .ask(tool, Ask::Describe, CallOptions::default(), &account)
            .await
        {
            Ok(Returned::Described(said)) => describe(said),
            Ok(Returned::Called(_)) => Err(DescribeError(format!(
                "{} did not describe itself",
                tool.name()
            ))),
            Err(outcome) => Err(DescribeError(format!(
                "{} did not describe itself: {outcome:?}",
                tool.name()
            ))),
        }
    }

    async fn ask(
        &self,
        tool: &Component,
        ask: Ask,
        options: CallOptions,
        account: &Arc<Account>,
    ) -> Result<Returned, Outcome> {
        let killer = KillOnDrop::new(account);
        let call = perform(
            Arc::clone(&self.shared),
            tool.clone(),
            ask,
            options,
            Arc::clone(account),
        );
        let result = self.shared.engine.runtime().spawn(call).await;
        killer.over();
        // Only the engine's end cancels the task.
        result.unwrap_or(Err(Outcome::Cancelled))
    }
}

/// Runs on a guest's thread from beginning to end.
async fn perform(
    sandbox: Arc<Shared>,
    component: Component,
    ask: Ask,
    options: CallOptions,
    account: Arc<Account>,
) -> Result<Returned, Outcome> {
    let Entry::Tool(tool) = &component.0.entry else {
        return Err(Outcome::Trapped(format!(
            "{} is a program, not a tool",
            component.name()
        )));
    };
    let birth = Birth {
        parent: 1,
        arguments: vec![component.name().to_owned()],
        background: false,
        sigpipe_kills: false,
        account: Arc::clone(&account),
    };
    let mut grave = enter(&sandbox, birth).map_err(|_| Outcome::Limit {
        which: crate::LimitKind::Processes,
        message: format!(
            "limit of {} processes exceeded",
            account.limits().processes_max
        ),
    })?;
    let process = Arc::clone(&grave.process);
    let standard_error = Arc::new(TailBuffer::new(STANDARD_ERROR_BYTES, &account));
    let sink: Endpoint = EndpointDescription::Tail(Arc::clone(&standard_error)).into();
    let start = Start {
        environment: environment(&sandbox),
        cwd: CWD.to_owned(),
        umask: UMASK,
        preopens: component.0.preopens,
        descriptors: BTreeMap::from([(0, Endpoint::null()), (1, sink.clone()), (2, sink)]),
        tool: Some(ToolContext {
            name: component.name().to_owned(),
            on_progress: options.on_progress,
        }),
    };
    let mut store = run::store(&sandbox, &process, start);
    let end = run::run(
        &process,
        Deadline::Watched,
        enter_tool(tool, &mut store, ask),
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
        return Err(match verdict.clone() {
            Verdict::Limit { which, message } => Outcome::Limit { which, message },
            Verdict::Cancelled => Outcome::Cancelled,
        });
    }
    match end {
        End::Returned(returned) => Ok(returned),
        End::Status(ExitStatus::Signalled(SIGKILL)) => Err(Outcome::Cancelled),
        End::Status(status) => Err(Outcome::Exited(status)),
        End::Trapped(_) if memory_refused => Err(Outcome::Limit {
            which: crate::LimitKind::Memory,
            message: account.memory_message(),
        }),
        End::Trapped(crash) => {
            let said = standard_error.take().0;
            let said = String::from_utf8_lossy(&said);
            let said = said.trim();
            Err(Outcome::Trapped(if said.is_empty() {
                crash.message
            } else {
                format!("{}: {said}", crash.message)
            }))
        }
    }
}

/// Where processes start that nobody gave a place.
pub(crate) const CWD: &str = "/workspace";

/// As everywhere.
pub(crate) const UMASK: u32 = 0o022;

async fn enter_tool(
    tool: &KernelPre<State>,
    store: &mut wasmtime::Store<State>,
    ask: Ask,
) -> wasmtime::Result<Returned> {
    let instance = tool.instantiate_async(&mut *store).await?;
    let tool = instance.glovebox_tool_tool();
    Ok(match ask {
        Ask::Call(input) => Returned::Called(tool.call_call(store, &input).await?),
        Ask::Describe => Returned::Described(tool.call_describe(store).await?),
    })
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
    let mut answer = Vec::with_capacity(content.len());
    for piece in content {
        let (piece, bytes) = match piece {
            wit::Content::Text(text) => {
                let bytes = text.len();
                (Content::Text(text), bytes)
            }
            wit::Content::Image(blob) => {
                let bytes = blob.data.len();
                (
                    Content::Image {
                        media_type: blob.media_type,
                        data: blob.data.into(),
                    },
                    bytes,
                )
            }
            wit::Content::Document(blob) => {
                let bytes = blob.data.len();
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
    match account.verdict() {
        Some(Verdict::Limit { which, message }) => Outcome::Limit {
            which: *which,
            message: message.clone(),
        },
        _ => Outcome::Answer(answer),
    }
}

fn describe(said: wit::Description) -> Result<Description, DescribeError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !(1..=128).contains(&said.name.len()) || !said.name.bytes().all(fits) {
        return Err(DescribeError(format!(
            "tool name {:?} is not 1 to 128 of A-Z a-z 0-9 _ -",
            said.name
        )));
    }
    let input_schema: serde_json::Value =
        serde_json::from_str(&said.input_schema).map_err(|error| {
            DescribeError(format!("input schema of {} is no JSON: {error}", said.name))
        })?;
    if input_schema.get("type").and_then(serde_json::Value::as_str) != Some("object") {
        return Err(DescribeError(format!(
            "input schema of {} is not of type object",
            said.name
        )));
    }
    let effects = match said.effects {
        WitEffects::None => Effects::None,
        WitEffects::Files => Effects::Files,
        WitEffects::External => Effects::External,
    };
    Ok(Description {
        name: said.name,
        text: said.text,
        input_schema,
        effects,
    })
}

/// The grant's environment, and where the tool stands: WASI has no other way to tell a guest.
fn environment(sandbox: &Shared) -> Vec<(String, String)> {
    let mut environment = sandbox.grant.environment.clone();
    environment.insert("PWD".to_owned(), CWD.to_owned());
    environment.into_iter().collect()
}
