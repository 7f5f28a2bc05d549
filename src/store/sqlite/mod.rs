//! The store in one SQLite file: the default, for one server on one machine.
//!
//! One thread owns the only connection that writes; it commits whatever waits in one transaction, so that many sessions
//! share one `fsync` (group commit). Reads go through a small pool of other connections and never wait for a write.
//! Other processes may open the same file (the `key` command does); two servers may not, which the server's lock on the
//! data directory prevents.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use super::{
    AppendError, Document, DocumentQuery, Documents, Entry, EventQuery, Keep, KeyRow, Keys, Kind,
    ListError, Log, NewEntry, Page, Seq, StoreError, WriteError,
};

mod connection;
mod cursor;
mod documents;
mod keys;
mod log;
mod schema;
mod select;
mod writer;

use connection::Readers;
use writer::Writer;

/// How the file is used.
#[derive(Debug, Clone)]
pub struct Options {
    /// Connections for reading. Default 4: reads are short, and more would only compete for the same cores.
    pub readers: usize,
    /// Writes that may share a transaction. Default 256.
    pub batch_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            readers: 4,
            batch_max: 256,
        }
    }
}

/// A store in one SQLite file. Clones share it.
#[derive(Clone)]
pub struct Sqlite {
    writer: Arc<Writer>,
    readers: Arc<Readers>,
}

impl Sqlite {
    /// Opens the file, creates it if need be, and brings its schema up to date. Blocking.
    pub fn open(path: &Path, options: &Options) -> Result<Sqlite, StoreError> {
        let mut writable = connection::open_writable(path)?;
        schema::migrate(&mut writable)?;
        let readers = Readers::open(path, options.readers)?;
        Ok(Sqlite {
            writer: Arc::new(Writer::start(writable, options.batch_max)?),
            readers: Arc::new(readers),
        })
    }

    /// Opens a file that is there, for reading: every write fails. Another process may be writing to it. A file that
    /// another version of this program has made is refused. Blocking.
    pub fn open_read_only(path: &Path, options: &Options) -> Result<Sqlite, StoreError> {
        let readers = Readers::open(path, options.readers)?;
        let sql = readers.connect()?;
        schema::check_newest(&sql)?;
        Ok(Sqlite {
            writer: Arc::new(Writer::start(sql, options.batch_max)?),
            readers: Arc::new(readers),
        })
    }
}

#[async_trait]
impl Log for Sqlite {
    async fn append(
        &self,
        session: &str,
        expected: Seq,
        entries: Vec<NewEntry>,
        fields: Vec<(String, String)>,
    ) -> Result<Seq, AppendError> {
        let session = session.to_owned();
        self.writer
            .write("append to the log", move |sql| {
                log::append(sql, &session, expected, &entries, &fields)
            })
            .await
    }

    async fn load(&self, session: &str, after: Seq) -> Result<Vec<Entry>, StoreError> {
        let session = session.to_owned();
        self.readers
            .read(move |sql| log::load(sql, &session, after))
            .await
    }

    async fn references(&self) -> Result<Vec<String>, StoreError> {
        self.readers.read(log::references).await
    }

    async fn events(&self, session: &str, query: EventQuery) -> Result<Page<Value>, ListError> {
        let session = session.to_owned();
        self.readers
            .read(move |sql| log::events(sql, &session, &query))
            .await
    }
}

#[async_trait]
impl Documents for Sqlite {
    async fn create(
        &self,
        kind: Kind,
        document: Document,
        log: Vec<NewEntry>,
    ) -> Result<(), StoreError> {
        self.writer
            .write("create a document", move |sql| {
                documents::create(sql, kind, &document, &log)
            })
            .await
    }

    async fn get(
        &self,
        kind: Kind,
        workspace: &str,
        id: &str,
    ) -> Result<Option<Document>, StoreError> {
        let (workspace, id) = (workspace.to_owned(), id.to_owned());
        self.readers
            .read(move |sql| documents::get(sql, kind, &workspace, &id))
            .await
    }

    async fn update(&self, kind: Kind, document: Document, keep: Keep) -> Result<(), WriteError> {
        self.writer
            .write("update a document", move |sql| {
                documents::update(sql, kind, &document, keep)
            })
            .await
    }

    async fn get_revision(
        &self,
        kind: Kind,
        workspace: &str,
        id: &str,
        revision: u64,
    ) -> Result<Option<Document>, StoreError> {
        let (workspace, id) = (workspace.to_owned(), id.to_owned());
        self.readers
            .read(move |sql| documents::get_revision(sql, kind, &workspace, &id, revision))
            .await
    }

    async fn revisions(
        &self,
        kind: Kind,
        workspace: &str,
        id: &str,
        limit: usize,
        page: Option<String>,
    ) -> Result<Page<Document>, ListError> {
        let (workspace, id) = (workspace.to_owned(), id.to_owned());
        self.readers
            .read(move |sql| {
                documents::revisions(sql, kind, &workspace, &id, limit, page.as_deref())
            })
            .await
    }

    async fn list(
        &self,
        kind: Kind,
        workspace: &str,
        query: DocumentQuery,
    ) -> Result<Page<Document>, ListError> {
        let workspace = workspace.to_owned();
        self.readers
            .read(move |sql| documents::list(sql, kind, &workspace, &query))
            .await
    }

    async fn delete(&self, kind: Kind, workspace: &str, id: &str) -> Result<bool, StoreError> {
        let (workspace, id) = (workspace.to_owned(), id.to_owned());
        self.writer
            .write("delete a document", move |sql| {
                documents::delete(sql, kind, &workspace, &id)
            })
            .await
    }

    async fn find(
        &self,
        kind: Kind,
        field: &str,
        value: &str,
    ) -> Result<Vec<Document>, StoreError> {
        let (field, value) = (field.to_owned(), value.to_owned());
        self.readers
            .read(move |sql| documents::find(sql, kind, &field, &value))
            .await
    }
}

#[async_trait]
impl Keys for Sqlite {
    async fn add(&self, key: KeyRow, secret_sha256: [u8; 32]) -> Result<(), StoreError> {
        self.writer
            .write("add a key", move |sql| keys::add(sql, &key, &secret_sha256))
            .await
    }

    async fn find_by_secret(&self, secret_sha256: [u8; 32]) -> Result<Option<KeyRow>, StoreError> {
        self.readers
            .read(move |sql| keys::find_by_secret(sql, &secret_sha256))
            .await
    }

    async fn all(&self) -> Result<Vec<KeyRow>, StoreError> {
        self.readers.read(keys::all).await
    }

    async fn revoke(&self, id: &str, at: &str) -> Result<bool, StoreError> {
        let (id, at) = (id.to_owned(), at.to_owned());
        self.writer
            .write("revoke a key", move |sql| keys::revoke(sql, &id, &at))
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance;

    fn open(directory: &tempfile::TempDir) -> Sqlite {
        Sqlite::open(&directory.path().join("glovebox.db"), &Options::default()).unwrap()
    }

    #[tokio::test]
    async fn keeps_the_stores_contract() {
        conformance::check(|| async {
            let directory = tempfile::tempdir().unwrap();
            let store = open(&directory);
            (store, directory)
        })
        .await;
    }

    #[test]
    fn behaves_like_the_model() {
        conformance::check_random(|| {
            let directory = tempfile::tempdir().unwrap();
            let store = open(&directory);
            (store, directory)
        });
    }

    #[tokio::test]
    async fn what_was_accepted_is_there_after_reopening() {
        let directory = tempfile::tempdir().unwrap();
        let store = open(&directory);
        store
            .create("session", conformance::document("sesn_1", "w"), Vec::new())
            .await
            .unwrap();
        store
            .append("sesn_1", Seq(0), vec![conformance::entry(1)], Vec::new())
            .await
            .unwrap();
        drop(store);
        let store = open(&directory);
        assert_eq!(store.load("sesn_1", Seq(0)).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_file_opened_for_reading_is_read_while_another_writes_and_not_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("glovebox.db");
        let refused = Sqlite::open_read_only(&path, &Options::default()).err();
        assert!(refused.is_some() && !path.exists(), "nothing is made");
        let store = open(&directory);
        let reader = Sqlite::open_read_only(&path, &Options::default()).unwrap();
        let document = || conformance::document("tool_1", "w");
        reader
            .create("tool", document(), Vec::new())
            .await
            .unwrap_err();
        store.create("tool", document(), Vec::new()).await.unwrap();
        assert!(reader.get("tool", "w", "tool_1").await.unwrap().is_some());
    }

    #[tokio::test]
    async fn writes_of_many_sessions_share_transactions_and_all_arrive() {
        let directory = tempfile::tempdir().unwrap();
        let store = open(&directory);
        let appends = (0..100).map(|n| {
            let store = store.clone();
            async move {
                let id = format!("sesn_{n}");
                store
                    .create("session", conformance::document(&id, "w"), Vec::new())
                    .await
                    .unwrap();
                for k in 0..5 {
                    store
                        .append(&id, Seq(k), vec![conformance::entry(k)], Vec::new())
                        .await
                        .unwrap();
                }
                store.load(&id, Seq(0)).await.unwrap().len()
            }
        });
        let counts = futures::future::join_all(appends).await;
        assert_eq!(counts, vec![5; 100]);
        assert!(
            store.writer.transactions() < 600,
            "{} transactions for 600 writes",
            store.writer.transactions()
        );
    }

    #[tokio::test]
    async fn a_failed_durable_write_poisons_the_store() {
        let directory = tempfile::tempdir().unwrap();
        let store = open(&directory);
        store
            .create("session", conformance::document("sesn_1", "w"), Vec::new())
            .await
            .unwrap();
        // A full disk, as SQLite sees it.
        store
            .writer
            .write("shrink", |sql| -> Result<(), StoreError> {
                sql.query_row("PRAGMA max_page_count = 1", [], |_| Ok(()))
                    .map_err(connection::failed("shrink"))
            })
            .await
            .unwrap();
        let large = NewEntry {
            entry: Value::String("x".repeat(1 << 20)),
            ..NewEntry::default()
        };
        let error = store
            .append("sesn_1", Seq(0), vec![large], Vec::new())
            .await
            .unwrap_err();
        assert!(matches!(error, AppendError::Failed(_)), "{error:?}");

        let small = store
            .append("sesn_1", Seq(0), vec![conformance::entry(1)], Vec::new())
            .await;
        let Err(AppendError::Failed(error)) = small else {
            panic!("{small:?}")
        };
        assert!(error.context.contains("refuses writes"), "{error}");
        // Reading goes on, and nothing of the failed write is there.
        assert!(store.load("sesn_1", Seq(0)).await.unwrap().is_empty());
        assert!(store.get("session", "w", "sesn_1").await.unwrap().is_some());
    }
}
