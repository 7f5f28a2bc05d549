//! `glovebox compile`: compiles one component into the cache, within limits that this process sets itself at its start.
//!
//! Not for people: `tools::compile_in_child` runs it, so that a component that is built to exhaust the compiler exhausts this
//! process and no other. Its exit status and its standard error are that function's.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use glovebox_runtime::{CompileError, Compiler, EngineOptions};
use rustix::process::{Pid, Resource, Rlimit, getppid, setrlimit};

use crate::tools::compile::INVALID;

/// Compiles a component into the cache.
#[derive(Debug, clap::Args)]
#[command(hide = true)]
pub(super) struct Command {
    /// Where compiled components are kept
    #[arg(long, value_name = "DIR")]
    cache: PathBuf,
    /// The component, or - for standard input
    file: PathBuf,
    /// Data of this process, at most
    #[arg(long, value_name = "BYTES")]
    memory_bytes_max: Option<u64>,
    /// Time on a processor, at most
    #[arg(long, value_name = "SECONDS")]
    cpu_seconds_max: Option<u64>,
    /// Size of the compiled code, at most
    #[arg(long, value_name = "BYTES")]
    file_bytes_max: Option<u64>,
    /// End with the process that started this one
    #[arg(long)]
    with_parent: bool,
}

impl Command {
    /// Blocking, and before anything else: limits count from their setting on.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        limit(Resource::Data, self.memory_bytes_max)?;
        limit(Resource::Cpu, self.cpu_seconds_max)?;
        limit(Resource::Fsize, self.file_bytes_max)?;
        // A process that is killed here is no accident to look into.
        limit(Resource::Core, Some(0))?;
        if self.with_parent {
            end_with(getppid())?;
        }
        let mut wasm = Vec::new();
        if self.file.as_os_str() == "-" {
            std::io::stdin().lock().read_to_end(&mut wasm)?;
        } else {
            wasm = std::fs::read(&self.file)?;
        }
        let compiler = Compiler::new(&EngineOptions {
            cache_dir: Some(self.cache),
            ..EngineOptions::default()
        })?;
        match compiler.compile(&wasm) {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(CompileError::Invalid { message }) => {
                eprintln!("{message}");
                Ok(ExitCode::from(INVALID))
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn limit(resource: Resource, max: Option<u64>) -> rustix::io::Result<()> {
    let Some(max) = max else {
        return Ok(());
    };
    // At the first limit of time comes a signal that says so, at the second a plain kill: it needs room between them.
    let room = u64::from(resource == Resource::Cpu);
    setrlimit(
        resource,
        Rlimit {
            current: Some(max),
            maximum: Some(max.saturating_add(room)),
        },
    )
}

/// Whoever wants the code is gone when this process is given to another parent.
fn end_with(parent: Option<Pid>) -> std::io::Result<()> {
    std::thread::Builder::new()
        .name("parent".to_owned())
        .spawn(move || {
            while getppid() == parent {
                std::thread::sleep(Duration::from_millis(100));
            }
            std::process::exit(1)
        })
        .map(drop)
}
