//! Compiles a stranger's component in a process of its own: a component that is built to exhaust the compiler costs a bounded
//! amount of memory and time, and ends nobody else.
//!
//! The process is this program with the command `compile`. It gets the component on its standard input and an empty
//! environment, and leaves either the compiled code in the cache or nothing.

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

/// The exit status that says: the component is at fault, and standard error says how. As `EX_DATAERR` of `sysexits.h`.
pub const INVALID: u8 = 65;

/// How much of what the process says is read.
const MESSAGE_BYTES_MAX: u64 = 16 * 1024;

/// What compiling one component may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From start to end. Default 120 s.
    pub wall: Duration,
    /// On processors, all together; whole seconds. Default 240 s: two processors for as long as `wall`.
    pub cpu: Duration,
    /// Data of the process (`RLIMIT_DATA`). Default 2 GiB; CPython as one component takes about a third of it.
    pub memory_bytes: u64,
    /// The compiled code. Default 512 MiB.
    pub file_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            wall: Duration::from_secs(120),
            cpu: Duration::from_secs(240),
            memory_bytes: 2 << 30,
            file_bytes: 512 << 20,
        }
    }
}

/// Which limit ended the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    Wall,
    Cpu,
    Memory,
    File,
    /// Of the compiler's stack: it is nested too deeply.
    Stack,
}

/// Why there is no compiled code.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// It takes too much. The text names the limit.
    #[error("compiling the component takes more than {}", shown(*which, limits))]
    Killed { which: Which, limits: Limits },
    /// It is no component, or not a valid one. The text is for whoever made it.
    #[error("not a valid component: {message}")]
    Invalid { message: String },
    /// The compiler gave up in no way that we know, or somebody else killed it. Nothing is wrong with the server.
    #[error("the compiler ended with {status}: {message}")]
    Crashed { status: ExitStatus, message: String },
    /// The process cannot be started or talked to: this machine's fault.
    #[error("cannot run the compiler")]
    Start(#[from] std::io::Error),
}

fn shown(which: Which, limits: &Limits) -> String {
    match which {
        Which::Wall => format!("{} s", limits.wall.as_secs_f32()),
        Which::Cpu => format!("{} s on a processor", limits.cpu.as_secs()),
        Which::Memory => format!("{} MiB of memory", limits.memory_bytes >> 20),
        Which::File => format!("{} MiB of compiled code", limits.file_bytes >> 20),
        Which::Stack => "the compiler's stack has room for".to_owned(),
    }
}

/// Compiles `wasm` into `cache`, where an engine with the same cache finds it.
///
/// `exe` is this program. Cancel-safe: dropped, it kills the process.
pub async fn compile_in_child(
    exe: &Path,
    cache: &Path,
    wasm: Bytes,
    limits: Limits,
) -> Result<(), CompileError> {
    let mut command = Command::new(exe);
    command
        .arg("compile")
        .arg("--with-parent")
        .arg("--cache")
        .arg(cache)
        .args(["--memory-bytes-max", &limits.memory_bytes.to_string()])
        .args([
            "--cpu-seconds-max",
            &limits.cpu.as_secs().max(1).to_string(),
        ])
        .args(["--file-bytes-max", &limits.file_bytes.to_string()])
        .arg("-")
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let running = Running(Arc::new(Mutex::new(command.spawn()?)));
    let child = Arc::clone(&running.0);
    let mut ended = tokio::task::spawn_blocking(move || converse(&child, &wasm));
    let Ok(done) = tokio::time::timeout(limits.wall, &mut ended).await else {
        drop(running);
        // So that nothing of it is left when this returns.
        let _ = ended.await;
        let which = Which::Wall;
        return Err(CompileError::Killed { which, limits });
    };
    let (status, message) = done.map_err(std::io::Error::other)??;
    judge(status, message, limits)
}

/// The process, killed when this is dropped. Its handle knows when it is gone already, so that no other process is hit.
struct Running(Arc<Mutex<Child>>);

impl Drop for Running {
    fn drop(&mut self) {
        // Fails when it has ended, which is as well.
        let _ = lock(&self.0).kill();
    }
}

fn lock(child: &Mutex<Child>) -> MutexGuard<'_, Child> {
    child.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives it the component and waits for its last word.
fn converse(child: &Mutex<Child>, wasm: &[u8]) -> std::io::Result<(ExitStatus, String)> {
    let (stdin, stderr) = {
        let mut child = lock(child);
        (child.stdin.take(), child.stderr.take())
    };
    if let Some(mut stdin) = stdin {
        // It may end before it has read everything; its status says why.
        let _ = stdin.write_all(wasm);
    }
    let mut message = Vec::new();
    if let Some(mut stderr) = stderr {
        let _ = (&mut stderr)
            .take(MESSAGE_BYTES_MAX)
            .read_to_end(&mut message);
        // Its end is the process's end; only then is the handle taken, which is needed to kill it.
        let _ = std::io::copy(&mut stderr, &mut std::io::sink());
    }
    let status = lock(child).wait()?;
    let message = String::from_utf8_lossy(&message).trim().to_owned();
    Ok((status, message))
}

fn judge(status: ExitStatus, message: String, limits: Limits) -> Result<(), CompileError> {
    const SIGXCPU: i32 = 24;
    const SIGXFSZ: i32 = 25;
    const SIGKILL: i32 = 9;
    let killed = |which| Err(CompileError::Killed { which, limits });
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(code), _) if code == i32::from(INVALID) => Err(CompileError::Invalid { message }),
        (_, Some(SIGXCPU)) => killed(Which::Cpu),
        (_, Some(SIGXFSZ)) => killed(Which::File),
        // Said by Rust's handler before it aborts.
        _ if message.contains("has overflowed its stack") => killed(Which::Stack),
        // Rust aborts when there is no memory, and says so. The kernel's killer, which comes when the machine has none, is mute.
        _ if message.contains("memory allocation of") || message.contains("out of memory") => {
            killed(Which::Memory)
        }
        (_, Some(SIGKILL)) => killed(Which::Memory),
        _ => Err(CompileError::Crashed { status, message }),
    }
}
