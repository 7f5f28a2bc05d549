//! Connections: how they are opened, and the pool that reads go through.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use super::StoreError;

/// How long a write waits for another process that is writing. The `key` command writes one row.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Prepared statements kept per connection; there are about forty different ones.
const STATEMENTS_MAX: usize = 64;

/// Turns a SQLite error into the store's, saying what was being done.
pub(super) fn failed(context: &str) -> impl FnOnce(rusqlite::Error) -> StoreError + use<> {
    let context = context.to_owned();
    move |source| StoreError {
        context,
        source: Some(Box::new(source)),
    }
}

/// Opens the connection that writes.
pub(super) fn open_writable(path: &Path) -> Result<Connection, StoreError> {
    let open = || -> rusqlite::Result<Connection> {
        let sql = Connection::open(path)?;
        sql.busy_timeout(BUSY_TIMEOUT)?;
        // The mode of the journal is kept in the file; `synchronous` is not and has to be set each time.
        sql.pragma_update(None, "journal_mode", "WAL")?;
        sql.pragma_update(None, "synchronous", "FULL")?;
        sql.pragma_update(None, "foreign_keys", true)?;
        sql.pragma_update(None, "journal_size_limit", 64 << 20)?;
        sql.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        Ok(sql)
    };
    open().map_err(failed(&format!("open {}", path.display())))
}

/// A few connections that only read.
pub(super) struct Readers {
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
    path: PathBuf,
}

impl Readers {
    pub(super) fn open(path: &Path, count: usize) -> Result<Readers, StoreError> {
        let count = count.max(1);
        let readers = Readers {
            idle: Mutex::new(Vec::with_capacity(count)),
            permits: Arc::new(Semaphore::new(count)),
            path: path.into(),
        };
        let first = readers.connect()?;
        readers.put_back(first);
        Ok(readers)
    }

    /// Runs `query` on a thread for blocking work. Sees every write that was accepted before.
    pub(super) async fn read<T, E>(
        self: &Arc<Self>,
        query: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let gone = |_| StoreError {
            context: "the store is closed".into(),
            source: None,
        };
        // Goes along with the work, which goes on when this future is dropped.
        let permit = self.permits.clone().acquire_owned().await.map_err(gone)?;
        let readers = self.clone();
        let work = tokio::task::spawn_blocking(move || {
            let sql = match readers.take() {
                Some(sql) => sql,
                None => readers.connect()?,
            };
            let result = query(&sql);
            readers.put_back(sql);
            drop(permit);
            result
        });
        work.await.map_err(|panic| StoreError {
            context: "read".into(),
            source: Some(Box::new(panic)),
        })?
    }

    /// One more connection that only reads.
    pub(super) fn connect(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || -> rusqlite::Result<Connection> {
            let sql = Connection::open_with_flags(&self.path, flags)?;
            sql.busy_timeout(BUSY_TIMEOUT)?;
            sql.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
            Ok(sql)
        };
        open().map_err(failed(&format!("open {} for reading", self.path.display())))
    }

    fn take(&self) -> Option<Connection> {
        self.idle.lock().ok()?.pop()
    }

    fn put_back(&self, sql: Connection) {
        if let Ok(mut idle) = self.idle.lock() {
            idle.push(sql);
        }
    }
}

/// A count as SQLite stores it. Ours come from counting up by one and never get near the bound.
pub(super) fn integer(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A count as it was stored.
pub(super) fn count(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
}
