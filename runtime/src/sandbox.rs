//! A sandbox: one session's hands.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Write};
use std::sync::Arc;

use bytes::Bytes;

use crate::component::{Component, Kind};
use crate::grant::{Grant, Limits};
use crate::report::{CallReport, Description, ExitStatus, Outcome, Usage};
use crate::Engine;

/// The programs that can be started by name.
#[derive(Debug, Clone, Default)]
pub struct Programs {
    table: BTreeMap<String, Component>,
}

impl Programs {
    /// Makes `component` answer to `name`. It stands at `/usr/bin/NAME`.
    pub fn insert(&mut self, name: impl Into<String>, component: Component) {
        self.table.insert(name.into(), component);
    }

    /// The component of a name.
    pub fn get(&self, name: &str) -> Option<&Component> {
        self.table.get(name)
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.table.keys().map(String::as_str)
    }
}

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

/// What a program reads.
pub enum Input {
    /// Nothing.
    Empty,
    /// These bytes.
    Bytes(Bytes),
    /// This process's own standard input.
    Inherit,
    /// A stream, read on a thread of its own, only when somebody asks.
    Reader(Box<dyn Read + Send>),
}

/// Where a program writes.
pub enum Output {
    /// Nowhere.
    Discard,
    /// This process's own standard output.
    InheritStdout,
    /// This process's own standard error.
    InheritStderr,
    /// A stream. Written on a guest's thread.
    Writer(Box<dyn Write + Send>),
}

/// A program to run, as a terminal would.
pub struct ProgramRun {
    /// A name of the sandbox's table of programs.
    pub program: String,
    /// All arguments, beginning with argv\[0\].
    pub arguments: Vec<String>,
    /// Added to the grant's environment.
    pub environment: BTreeMap<String, String>,
    /// Absolute path inside the sandbox.
    pub cwd: String,
    /// Standard input.
    pub stdin: Input,
    /// Standard output.
    pub stdout: Output,
    /// Standard error.
    pub stderr: Output,
    /// Narrower limits.
    pub limits: Option<Limits>,
}

/// Why there is no sandbox.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A mount cannot be made.
    #[error("cannot mount {at}")]
    Mount {
        /// Where.
        at: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Why a program was not started, or did not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// There is no program of that name.
    #[error("{0}: command not found")]
    NotFound(String),
    /// What is there is no program.
    #[error("{0}: not a program")]
    NotExecutable(String),
    /// No process is left in the sandbox or the engine.
    #[error("too many processes")]
    TooManyProcesses,
    /// A limit ended it.
    #[error("{0}")]
    Limit(String),
    /// It crashed.
    #[error("{0}")]
    Trapped(String),
}

/// One session's hands. Dropping it kills whatever still runs in it.
pub struct Sandbox {
    engine: Engine,
    grant: Grant,
    programs: Arc<Programs>,
}

impl Sandbox {
    /// Makes the grant so.
    pub fn new(engine: &Engine, grant: Grant, programs: Arc<Programs>) -> Result<Sandbox, SandboxError> {
        Ok(Sandbox { engine: engine.clone(), grant, programs })
    }

    /// What it may do.
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// Calls a tool with a JSON object. Dropping the future kills the call.
    pub async fn call(&self, tool: &Component, input: &str, options: CallOptions) -> CallReport {
        let _ = (&self.engine, input, options);
        let outcome = match tool.kind() {
            Kind::Tool => Outcome::Cancelled,
            Kind::Program => Outcome::Trapped(format!("{} is a program, not a tool", tool.name())),
        };
        CallReport { outcome, usage: Usage::default() }
    }

    /// What a tool says about itself. Runs it without any input.
    pub async fn describe(&self, tool: &Component) -> Result<Description, DescribeError> {
        Err(DescribeError(format!("{} cannot be called yet", tool.name())))
    }

    /// Runs a program with streams of the host. Dropping the future kills it.
    pub async fn run(&self, run: ProgramRun) -> Result<ExitStatus, SpawnError> {
        let _ = &self.programs;
        Err(SpawnError::NotFound(run.program))
    }

    /// What tools left for their next calls, by the tool's name.
    pub fn tool_state(&self) -> BTreeMap<String, Bytes> {
        BTreeMap::new()
    }

    /// Puts back what [`Sandbox::tool_state`] gave.
    pub fn set_tool_state(&self, state: BTreeMap<String, Bytes>) {
        let _ = state;
    }

    /// Processes that are running now.
    pub fn live_processes(&self) -> usize {
        0
    }

    /// Kills whatever still runs and waits until it is gone.
    pub async fn shutdown(&self) {}
}

/// A tool that cannot say what it is.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct DescribeError(pub(crate) String);

impl fmt::Debug for Sandbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sandbox").field("grant", &self.grant).finish_non_exhaustive()
    }
}
