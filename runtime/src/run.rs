//! Running one program with streams of the host, as a terminal would.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Read, Write};
use std::sync::Arc;

use bytes::Bytes;

use crate::call::{UMASK, bury};
use crate::component::Entry;
use crate::grant::Limits;
use crate::limits::{Account, KillOnDrop, Verdict};
use crate::process::host_stream::{HostReader, HostWriter};
use crate::process::run::Deadline;
use crate::process::spawn::launch;
use crate::process::table::Birth;
use crate::process::{Description, Endpoint, Errno};
use crate::report::ExitStatus;
use crate::sandbox::Sandbox;
use crate::state::Start;

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

impl Sandbox {
    /// Runs a program until it ends. Dropping the future kills it and everything it started, except what it started in the
    /// background.
    pub async fn run(&self, run: ProgramRun) -> Result<ExitStatus, SpawnError> {
        let shared = &self.shared;
        let component = shared
            .programs
            .get(&run.program)
            .ok_or_else(|| SpawnError::NotFound(run.program.clone()))?;
        if !matches!(component.0.entry, Entry::Program(_)) {
            return Err(SpawnError::NotExecutable(run.program));
        }
        let limits = run.limits.map_or(shared.grant.limits, |limits| {
            shared.grant.limits.narrow(&limits)
        });
        let account = Account::new(limits, Some(Arc::clone(&shared.account)));
        let mut environment = shared.grant.environment.clone();
        environment.insert("PWD".to_owned(), run.cwd.clone());
        environment.extend(run.environment);
        let start = Start {
            environment: environment.into_iter().collect(),
            cwd: run.cwd,
            umask: UMASK,
            preopens: component.0.preopens,
            descriptors: BTreeMap::from([
                (0, run.stdin.open()),
                (1, run.stdout.open()),
                (2, run.stderr.open()),
            ]),
            tool: None,
        };
        let birth = Birth {
            parent: 1,
            arguments: run.arguments,
            background: false,
            sigpipe_kills: false,
            account: Arc::clone(&account),
            scope: shared.scopes.make(&shared.grant, None),
        };
        let killer = KillOnDrop::new(&account);
        let process = launch(shared, component.clone(), birth, start, Deadline::Watched).map_err(
            |error| match error {
                Errno::TooManyProcesses => SpawnError::TooManyProcesses,
                _ => SpawnError::NotExecutable(run.program),
            },
        )?;
        let status = process.wait().await;
        bury(shared, &account).await;
        let outcome = match account.verdict() {
            Some(Verdict::Limit { message, .. }) => Err(SpawnError::Limit(message.clone())),
            _ => Ok(status),
        };
        killer.over();
        outcome
    }
}

impl Input {
    fn open(self) -> Endpoint {
        let (source, terminal): (Box<dyn Read + Send>, bool) = match self {
            Input::Empty => return Endpoint::null(),
            Input::Bytes(bytes) => (Box::new(std::io::Cursor::new(bytes)), false),
            Input::Inherit => (Box::new(std::io::stdin()), std::io::stdin().is_terminal()),
            Input::Reader(reader) => (reader, false),
        };
        Description::HostReader(HostReader::new(source, terminal)).into()
    }
}

impl Output {
    fn open(self) -> Endpoint {
        let (sink, terminal): (Box<dyn Write + Send>, bool) = match self {
            Output::Discard => return Endpoint::null(),
            Output::InheritStdout => (Box::new(std::io::stdout()), std::io::stdout().is_terminal()),
            Output::InheritStderr => (Box::new(std::io::stderr()), std::io::stderr().is_terminal()),
            Output::Writer(writer) => (writer, false),
        };
        Description::HostWriter(HostWriter::new(sink, terminal)).into()
    }
}
