//! The one thread that writes.
//!
//! Whatever waits when it comes round goes into one transaction, each write inside a savepoint of its own, so that one
//! refused write does not undo its neighbours. Nobody is told "done" before the commit, and with it the `fsync`, has
//! returned. After a failed commit or a disk that errs, nobody knows what the disk holds (a failed `fsync` may have
//! dropped the pages it could not write), so the writer refuses everything from then on: the process has to start anew
//! from what is really there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::{mpsc, oneshot};

use super::StoreError;

/// An error a write may end with: the store's own, or one of its caller's kinds.
pub(super) trait Refusal: From<StoreError> + Send + 'static {
    /// The store's own error, if that is what it is.
    fn store_error(&self) -> Option<&StoreError>;
}

/// The way to the thread.
pub(super) struct Writer {
    jobs: mpsc::Sender<Box<dyn Job>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    poisoned: AtomicBool,
    transactions: AtomicU64,
}

impl Writer {
    pub(super) fn start(sql: Connection, batch_max: usize) -> Result<Writer, StoreError> {
        let (jobs, waiting) = mpsc::channel(1024);
        let shared = Arc::new(Shared::default());
        let thread_shared = shared.clone();
        std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || run(&sql, waiting, batch_max.max(1), &thread_shared))
            .map_err(|error| StoreError {
                context: "start the writer".into(),
                source: Some(Box::new(error)),
            })?;
        Ok(Writer { jobs, shared })
    }

    /// Runs `work` in a transaction. Durable when it returns `Ok`; nothing of it happened when it returns an error.
    ///
    /// Dropping the future does not take the write back: it may or may not happen.
    pub(super) async fn write<T, E>(
        &self,
        context: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: Refusal,
    {
        if self.shared.poisoned.load(Ordering::Acquire) {
            return Err(refusing().into());
        }
        let (answer, answered) = oneshot::channel();
        let job = Write {
            context,
            work: Some(work),
            result: None,
            answer,
        };
        if self.jobs.send(Box::new(job)).await.is_err() {
            return Err(refusing().into());
        }
        // The thread drops what still waits when it stops.
        answered.await.unwrap_or_else(|_| Err(refusing().into()))
    }

    #[cfg(test)]
    pub(super) fn transactions(&self) -> u64 {
        self.shared.transactions.load(Ordering::Relaxed)
    }
}

fn refusing() -> StoreError {
    StoreError {
        context: "the store refuses writes since an earlier one failed: restart the server".into(),
        source: None,
    }
}

/// A write, whatever its types are.
trait Job: Send {
    /// Does it, inside the transaction.
    fn run(&mut self, sql: &Connection) -> Ran;
    /// Tells the caller, once the transaction's outcome is known.
    fn answer(self: Box<Self>, committed: Result<(), Arc<rusqlite::Error>>);
}

enum Ran {
    Kept,
    /// Its changes have to be undone.
    Refused,
    /// The disk or the file is not to be trusted any more.
    Broken(rusqlite::Error),
}

struct Write<T, E, F> {
    context: &'static str,
    work: Option<F>,
    result: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Job for Write<T, E, F>
where
    T: Send,
    E: Refusal,
    F: FnOnce(&Connection) -> Result<T, E> + Send,
{
    fn run(&mut self, sql: &Connection) -> Ran {
        let Some(work) = self.work.take() else {
            return Ran::Refused;
        };
        let result = work(sql);
        let ran = match &result {
            Ok(_) => Ran::Kept,
            Err(error) => match error.store_error().and_then(broken) {
                Some(error) => Ran::Broken(error),
                None => Ran::Refused,
            },
        };
        self.result = Some(result);
        ran
    }

    fn answer(self: Box<Self>, committed: Result<(), Arc<rusqlite::Error>>) {
        let result = match (committed, self.result) {
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(refusing().into()),
            (Err(error), _) => Err(StoreError {
                context: self.context.into(),
                source: Some(Box::new(error)),
            }
            .into()),
        };
        // Nobody may be waiting any more; the write stands.
        drop(self.answer.send(result));
    }
}

/// Ends when every sender is gone or the disk has failed.
fn run(
    sql: &Connection,
    mut waiting: mpsc::Receiver<Box<dyn Job>>,
    batch_max: usize,
    shared: &Shared,
) {
    while let Some(first) = waiting.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < batch_max {
            match waiting.try_recv() {
                Ok(job) => batch.push(job),
                Err(_) => break,
            }
        }
        shared.transactions.fetch_add(1, Ordering::Relaxed);
        let outcome = transact(sql, &mut batch);
        let broken = matches!(outcome, Err(Failure::Broken(_)));
        if broken {
            // Before anybody is told, so that whoever hears of the failure finds the door closed.
            shared.poisoned.store(true, Ordering::Release);
            tracing::error!("the database could not be written; no further writes are accepted");
        }
        let committed =
            outcome.map_err(|(Failure::Untouched(error) | Failure::Broken(error))| Arc::new(error));
        for job in batch {
            job.answer(committed.clone());
        }
        if broken {
            return;
        }
    }
}

enum Failure {
    /// The transaction did not begin: another process held the file too long.
    Untouched(rusqlite::Error),
    /// Nobody knows what the disk holds.
    Broken(rusqlite::Error),
}

fn transact(sql: &Connection, batch: &mut [Box<dyn Job>]) -> Result<(), Failure> {
    sql.execute_batch("BEGIN IMMEDIATE")
        .map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Failure::Untouched(error),
            _ => Failure::Broken(error),
        })?;
    let outcome = batch
        .iter_mut()
        .try_for_each(|job| savepoint(sql, job.as_mut()))
        .and_then(|()| sql.execute_batch("COMMIT"));
    outcome.map_err(|error| {
        // SQLite may have ended the transaction by itself.
        if !sql.is_autocommit() {
            drop(sql.execute_batch("ROLLBACK"));
        }
        Failure::Broken(error)
    })
}

/// An error ends the whole transaction; a refused write only itself.
fn savepoint(sql: &Connection, job: &mut dyn Job) -> rusqlite::Result<()> {
    sql.execute_batch("SAVEPOINT job")?;
    match job.run(sql) {
        Ran::Kept => sql.execute_batch("RELEASE job"),
        Ran::Refused => sql.execute_batch("ROLLBACK TO job; RELEASE job"),
        Ran::Broken(error) => Err(error),
    }
}

/// The error again, if it says that the disk or the file is not to be trusted any more.
fn broken(error: &StoreError) -> Option<rusqlite::Error> {
    let source = error.source.as_deref()?.downcast_ref::<rusqlite::Error>()?;
    let rusqlite::Error::SqliteFailure(code, message) = source else {
        return None;
    };
    matches!(
        code.code,
        ErrorCode::SystemIoFailure
            | ErrorCode::DiskFull
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::ReadOnly
            | ErrorCode::OutOfMemory
    )
    .then(|| rusqlite::Error::SqliteFailure(*code, message.clone()))
}

impl Refusal for StoreError {
    fn store_error(&self) -> Option<&StoreError> {
        Some(self)
    }
}

impl Refusal for super::AppendError {
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            super::AppendError::Failed(error) => Some(error),
            _ => None,
        }
    }
}

impl Refusal for super::WriteError {
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            super::WriteError::Failed(error) => Some(error),
            _ => None,
        }
    }
}
