//! Starting programs: what `std::process::Command` cannot do on WASI, over `glovebox:process`.
//!
//! A child gets this process's descriptors unless told otherwise. Scripts run under the interpreter their first line
//! names, as on any POSIX system.

mod find;

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write as _;

use crate::bindings::glovebox::process::process::{self, Endpoint, SpawnOptions};
pub use crate::bindings::glovebox::process::types::{Errno, Status};

/// A program to be started.
pub struct Command {
    program: String,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    cwd: String,
    descriptors: BTreeMap<u32, Endpoint>,
}

/// A running program. Dropping it does not end it; it ends at the latest with its parent.
pub struct Child(process::Child);

/// Why a program did not start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpawnError(pub Errno);

impl SpawnError {
    /// 127 when there is no such program, 126 when it cannot be run: what a shell, `env` and `xargs` exit with.
    pub fn exit_status(self) -> u8 {
        if self.0 == Errno::NoEntry { 127 } else { 126 }
    }
}

impl fmt::Display for SpawnError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(message(self.0))
    }
}

impl std::error::Error for SpawnError {}

impl Command {
    /// `program` by name (looked up on PATH) or by path, with this process's environment, directory and descriptors.
    pub fn new(program: impl Into<String>) -> Self {
        let program = program.into();
        let descriptors = process::descriptors()
            .into_iter()
            .filter_map(|number| Some((number, process::descriptor(number)?)))
            .collect();
        Command {
            arguments: vec![program.clone()],
            program,
            environment: std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
            cwd: current_directory(),
            descriptors,
        }
    }

    /// Adds arguments.
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Replaces `argv[0]`.
    pub fn arg0(mut self, name: impl Into<String>) -> Self {
        self.arguments[0] = name.into();
        self
    }

    /// Replaces the whole environment.
    pub fn environment(mut self, environment: BTreeMap<String, String>) -> Self {
        self.environment = environment;
        self
    }

    /// Starts it in `directory`, relative to where this process stands.
    pub fn current_directory(mut self, directory: &str) -> Self {
        self.cwd = absolute(directory);
        self
    }

    /// Gives it `endpoint` as descriptor `number`.
    pub fn descriptor(mut self, number: u32, endpoint: Endpoint) -> Self {
        self.descriptors.insert(number, endpoint);
        self
    }

    /// Gives it an empty standard input.
    pub fn no_input(self) -> Self {
        match process::buffer(0) {
            Ok(empty) => self.descriptor(0, empty),
            Err(_) => self,
        }
    }

    /// Starts it, after what this process has printed so far.
    pub fn spawn(&self) -> Result<Child, SpawnError> {
        let _ = std::io::stdout().flush();
        let found = find::program(
            &self.program,
            &self.arguments,
            self.environment.get("PATH").map_or("", String::as_str),
        );
        let (program, arguments) = found.map_err(SpawnError)?;
        let mut environment = self.environment.clone();
        environment.insert("PWD".into(), self.cwd.clone());
        process::spawn(&SpawnOptions {
            program,
            arguments,
            environment: environment.into_iter().collect(),
            cwd: self.cwd.clone(),
            descriptors: self
                .descriptors
                .iter()
                .map(|(number, endpoint)| (*number, endpoint))
                .collect(),
            background: false,
            sigpipe_kills: true,
        })
        .map(Child)
        .map_err(SpawnError)
    }

    /// Starts it and waits for its end.
    pub fn status(&self) -> Result<u8, SpawnError> {
        Ok(self.spawn()?.wait())
    }

    /// Starts it with its standard output caught, at most `limit` bytes of it, and waits for its end.
    pub fn output(mut self, limit: u64) -> Result<(u8, Vec<u8>), SpawnError> {
        let sink = process::buffer(limit).map_err(SpawnError)?;
        self.descriptors.insert(1, sink.clone());
        let status = self.status()?;
        let mut bytes = Vec::new();
        while let Ok(part) = sink.read(64 * 1024)
            && !part.is_empty()
        {
            bytes.extend(part);
        }
        Ok((status, bytes))
    }
}

impl Child {
    /// Waits for its end. A signal counts as 128 and its number, as in a shell.
    pub fn wait(&self) -> u8 {
        code(self.0.wait())
    }

    /// How it ended, or none while it runs.
    pub fn try_wait(&self) -> Option<u8> {
        self.0.try_wait().map(code)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.0.pid()
    }

    /// Sends it a signal. That it has ended already is no failure.
    pub fn kill(&self, signal: u8) {
        let _ = process::kill(self.pid(), signal);
    }
}

/// A status as a shell's `$?` shows it.
pub fn code(status: Status) -> u8 {
    match status {
        Status::Exited(code) => code,
        Status::Signalled(signal) => signal.wrapping_add(128),
    }
}

/// Where this process stands.
pub fn current_directory() -> String {
    std::env::current_dir()
        .ok()
        .and_then(|path| path.into_os_string().into_string().ok())
        .unwrap_or_else(|| "/".into())
}

/// `path` as an absolute path. `.` and `..` are left for the file system to resolve.
pub fn absolute(path: &str) -> String {
    if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{}/{path}", current_directory().trim_end_matches('/'))
    }
}

/// What a C library says about an error.
pub fn message(errno: Errno) -> &'static str {
    match errno {
        Errno::Access => "Permission denied",
        Errno::Again => "Resource temporarily unavailable",
        Errno::BadDescriptor => "Bad file descriptor",
        Errno::BrokenPipe => "Broken pipe",
        Errno::Exist => "File exists",
        Errno::Fault => "Bad address",
        Errno::FileTooLarge => "File too large",
        Errno::Interrupted => "Interrupted system call",
        Errno::Invalid => "Invalid argument",
        Errno::Io => "Input/output error",
        Errno::IsDirectory => "Is a directory",
        Errno::Loop => "Too many levels of symbolic links",
        Errno::NameTooLong => "File name too long",
        Errno::NoEntry => "No such file or directory",
        Errno::NotExecutable => "Exec format error",
        Errno::NoChild => "No child processes",
        Errno::NoMemory => "Cannot allocate memory",
        Errno::NoSpace => "No space left on device",
        Errno::NotDirectory => "Not a directory",
        Errno::NotEmpty => "Directory not empty",
        Errno::NotPermitted => "Operation not permitted",
        Errno::NotSupported => "Operation not supported",
        Errno::NoSuchProcess => "No such process",
        Errno::ReadOnly => "Read-only file system",
        Errno::SeekPipe => "Illegal seek",
        Errno::TooManyDescriptors => "Too many open files",
        Errno::TooManyProcesses => "Too many processes",
        Errno::CrossDevice => "Invalid cross-device link",
        Errno::TextBusy => "Text file busy",
        Errno::Quota => "Disk quota exceeded",
    }
}
