//! Running one process: its store, its instance, and the one place that decides how it ended.
//!
//! Three things can end a process from outside, and each alone misses a case: a flag that the epoch callback looks at (a guest
//! that spins), dropping its future (a guest parked in a call of the host), and the yield that the epoch forces (so that
//! the dropping gets its turn).

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use wasmtime::{Store, Trap, UpdateDeadline};

use super::table::{Process, SIGKILL};
use crate::report::ExitStatus;
use crate::sandbox::Shared;
use crate::state::{Start, State};

/// Bytes a guest may hand to the host in one call: more than the largest state of a tool.
const HOSTCALL_BYTES_MAX: usize = 24 << 20;

/// `exit` was called.
#[derive(Debug, thiserror::Error)]
#[error("exit with {0}")]
pub(crate) struct Exit(pub(crate) u8);

/// Wrote where nobody reads any more, without wanting to know.
#[derive(Debug, thiserror::Error)]
#[error("broken pipe")]
pub(crate) struct BrokenPipe;

/// The epoch callback saw the flag.
#[derive(Debug, thiserror::Error)]
#[error("killed")]
struct Killed;

/// How a guest's entry function ended.
#[derive(Debug)]
pub(crate) enum End<T> {
    /// It returned.
    Returned(T),
    /// It ended itself or was killed.
    Status(ExitStatus),
    /// It crashed.
    Trapped(Crash),
}

/// What a guest did to crash.
#[derive(Debug)]
pub(crate) struct Crash {
    /// As a program's signal.
    pub(crate) signal: u8,
    /// For a person or a model.
    pub(crate) message: String,
    /// Whether it handed the host more bytes at once than the host takes.
    pub(crate) flood: bool,
}

/// Takes the process out of the table when dropped, after everything it held: whatever happened to the task that ran it.
pub(crate) struct Grave {
    pub(crate) process: Arc<Process>,
    pub(crate) sandbox: Arc<Shared>,
    pub(crate) status: Option<ExitStatus>,
}

impl Drop for Grave {
    fn drop(&mut self) {
        let killed = ExitStatus::Signalled(self.process.signal().unwrap_or(SIGKILL));
        self.sandbox
            .engine
            .0
            .processes
            .fetch_sub(1, Ordering::Relaxed);
        self.sandbox
            .table
            .end(&self.process, self.status.unwrap_or(killed));
    }
}

pub(crate) fn store(sandbox: &Arc<Shared>, process: &Arc<Process>, start: Start) -> Store<State> {
    let mut store = Store::new(
        &sandbox.engine.0.wasmtime,
        State::new(Arc::clone(sandbox), Arc::clone(process), start),
    );
    store.limiter(|state| &mut state.limiter);
    store.set_hostcall_fuel(HOSTCALL_BYTES_MAX);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|context| {
        let process = &context.data().process;
        if process.signal().is_some() || process.account.verdict().is_some() {
            return Err(wasmtime::Error::new(Killed));
        }
        Ok(UpdateDeadline::Yield(1))
    });
    store
}

/// Runs a guest's entry function until it ends or is killed; its time on the processor is charged to its account.
pub(crate) async fn run<T>(
    process: &Process,
    deadline: Deadline,
    guest: impl Future<Output = wasmtime::Result<T>>,
) -> End<T> {
    let mut guest = pin!(guest);
    // Each poll is charged: what the guest, and the host on its behalf, spent on this thread.
    let guest = poll_fn(|context| {
        let before = thread_time();
        let result = guest.as_mut().poll(context);
        process
            .account
            .add_cpu(thread_time().saturating_sub(before));
        result
    });
    let over = async {
        match deadline {
            Deadline::Watched => process.account.wait_ended().await,
            Deadline::LeftToOthers => process.account.wait_verdict().await,
        }
    };
    let result = tokio::select! {
        biased;
        () = process.wait_signal() => return killed(process),
        () = over => return killed(process),
        result = guest => result,
    };
    classify(process, result)
}

/// Who watches the account's deadline: the process that the account was made for. Its end ends the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deadline {
    Watched,
    LeftToOthers,
}

fn killed<T>(process: &Process) -> End<T> {
    End::Status(ExitStatus::Signalled(process.signal().unwrap_or(SIGKILL)))
}

fn classify<T>(process: &Process, result: wasmtime::Result<T>) -> End<T> {
    let error = match result {
        Ok(value) => return End::Returned(value),
        Err(error) => error,
    };
    if let Some(Exit(code)) = error.downcast_ref() {
        return End::Status(ExitStatus::Exited(*code));
    }
    if let Some(wasmtime_wasi::I32Exit(code)) = error.downcast_ref() {
        return End::Status(ExitStatus::Exited(u8::try_from(code & 0xff).unwrap_or(1)));
    }
    if error.is::<BrokenPipe>() {
        return End::Status(ExitStatus::Signalled(13));
    }
    if error.is::<Killed>() {
        return killed(process);
    }
    let (signal, message) = match error.downcast_ref::<Trap>() {
        Some(Trap::UnreachableCodeReached) => (6, "aborted".to_owned()),
        Some(Trap::StackOverflow) => (11, "stack overflow".to_owned()),
        Some(Trap::MemoryOutOfBounds) => (11, "memory access out of bounds".to_owned()),
        Some(Trap::IntegerDivisionByZero) => (8, "division by zero".to_owned()),
        Some(trap) => (4, trap.to_string()),
        // What the host refused, for example more handles than there may be.
        None => (4, error.root_cause().to_string()),
    };
    tracing::debug!(
        pid = process.pid,
        program = process.arguments.first(),
        ?error,
        "guest crashed"
    );
    // The error has a type, and the type has no public name.
    let flood = message.starts_with("too much data is being copied");
    End::Trapped(Crash {
        signal,
        message,
        flood,
    })
}

fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}
