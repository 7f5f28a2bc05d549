//! What must be durable, as traits shaped by their callers.
//!
//! The store keeps two things: *documents* (agents, environments, sessions: JSON with a revision) and *logs* (one
//! append-only sequence of entries per session). It never looks inside either. When a write returns `Ok`, it is on
//! disk (`synchronous=FULL`); when it returns an error, nothing of it happened.

use async_trait::async_trait;
use serde_json::Value;

#[cfg(test)]
mod conformance;
pub mod sqlite;

/// Position in one session's log. The first entry has 1; 0 means "before the first".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(pub u64);

/// One thing to append. `entry` is for the owner of the log; the rest are indexes that lists are read from.
#[derive(Debug, Clone, Default)]
pub struct NewEntry {
    /// The log's own record, opaque to the store.
    pub entry: Value,
    /// Set when the entry makes an event visible to clients, or changes one that already is.
    pub event: Option<EventRow>,
    /// Events that clients see no longer. Their entries stay.
    pub withdraws: Vec<String>,
    /// The name of something kept elsewhere that the entry needs; see [`Log::references`].
    pub refers: Option<String>,
}

/// A row of the client's view of a session: one per event id. Writing a row whose id exists replaces it.
#[derive(Debug, Clone)]
pub struct EventRow {
    pub id: String,
    /// The wire's `type`, for `types[]` filters.
    pub kind: String,
    /// RFC 3339 UTC with microseconds, strictly increasing within a session; none while it waits. Rows without it are
    /// listed last, in the order they were written.
    pub processed_at: Option<String>,
    /// The event as clients see it.
    pub event: Value,
}

/// An entry read back.
#[derive(Debug, Clone)]
pub struct Entry {
    pub seq: Seq,
    pub entry: Value,
}

/// Why an append did not happen.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Somebody else appended first: fold again, decide again.
    #[error("log is at {actual:?}, not at {expected:?}")]
    Conflict { expected: Seq, actual: Seq },
    /// The session does not exist (any more).
    #[error("no such session")]
    Gone,
    /// The disk or the database failed. Nothing was written; the process should stop accepting writes.
    #[error("the log could not be written")]
    Failed(#[from] StoreError),
}

/// The database failed.
#[derive(Debug, thiserror::Error)]
#[error("{context}")]
pub struct StoreError {
    /// What was being done.
    pub context: String,
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Which part of a listing.
#[derive(Debug, Clone, Default)]
pub struct EventQuery {
    pub types: Vec<String>,
    pub after: Option<(Bound, String)>,
    pub before: Option<(Bound, String)>,
    pub descending: bool,
    pub limit: usize,
    /// Opaque position from an earlier page.
    pub page: Option<String>,
}

/// Whether the bound itself is included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    Inclusive,
    Exclusive,
}

/// A part of a listing and where the next part begins.
#[derive(Debug, Clone)]
pub struct Page<T> {
    pub data: Vec<T>,
    pub next: Option<String>,
    pub previous: Option<String>,
}

/// Why a listing cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// The page token is not one of ours, or belongs to another listing.
    #[error("invalid page token")]
    BadPage,
    #[error(transparent)]
    Failed(#[from] StoreError),
}

/// Session logs.
#[async_trait]
pub trait Log: Send + Sync {
    /// Appends all of `entries` after `expected`, or none. Durable when it returns. Gives the new last position.
    /// `fields` replaces, in the same transaction, those fields of the session's document (`status`, `usage`), so that
    /// lists and recovery need not read logs; the document's revision stays.
    async fn append(
        &self,
        session: &str,
        expected: Seq,
        entries: Vec<NewEntry>,
        fields: Vec<(String, String)>,
    ) -> Result<Seq, AppendError>;
    /// The entries after `after`, oldest first.
    async fn load(&self, session: &str, after: Seq) -> Result<Vec<Entry>, StoreError>;
    /// What the entries of all logs refer to, each name once. A log that is deleted refers to nothing any more.
    async fn references(&self) -> Result<Vec<String>, StoreError>;
    /// The client's view.
    async fn events(&self, session: &str, query: EventQuery) -> Result<Page<Value>, ListError>;
}

/// What a document belongs to: `agent`, `environment`, `session`.
pub type Kind = &'static str;

/// A stored document. `body` is its owner's JSON; the other fields are what lists filter and sort by.
#[derive(Debug, Clone)]
pub struct Document {
    pub id: String,
    pub workspace: String,
    /// Counts up with each change, from 1.
    pub revision: u64,
    pub created_at: String,
    pub archived_at: Option<String>,
    /// Free filter columns, equal-matched by `DocumentQuery::fields`: for example a session's `agent_id`, `status`.
    pub fields: Vec<(String, String)>,
    pub body: Value,
}

/// Which documents.
#[derive(Debug, Clone, Default)]
pub struct DocumentQuery {
    pub include_archived: bool,
    /// Each must match one of its values.
    pub fields: Vec<(String, Vec<String>)>,
    pub created_after: Option<(Bound, String)>,
    pub created_before: Option<(Bound, String)>,
    pub ascending: bool,
    pub limit: usize,
    pub page: Option<String>,
}

/// Why a document was not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("not found")]
    NotFound,
    /// Its revision is another one: read it again.
    #[error("revision is {actual}")]
    Conflict { actual: u64 },
    #[error(transparent)]
    Failed(#[from] StoreError),
}

/// Agents, environments, sessions and whatever comes: JSON documents of a workspace, each with its history if asked for.
#[async_trait]
pub trait Documents: Send + Sync {
    /// Writes a new document and, with it, the first entries of its log (for a session), in one transaction.
    async fn create(
        &self,
        kind: Kind,
        document: Document,
        log: Vec<NewEntry>,
    ) -> Result<(), StoreError>;
    /// One document of this workspace.
    async fn get(
        &self,
        kind: Kind,
        workspace: &str,
        id: &str,
    ) -> Result<Option<Document>, StoreError>;
    /// Replaces it when its revision is still `document.revision - 1`. With `keep` the old body stays readable by
    /// `get_revision`. Fields that the log's appends write (see [`Log::append`]) are kept when `document.fields` leaves
    /// them out.
    async fn update(&self, kind: Kind, document: Document, keep: Keep) -> Result<(), WriteError>;
    /// An earlier (or the present) revision that was kept.
    async fn get_revision(
        &self,
        kind: Kind,
        workspace: &str,
        id: &str,
        revision: u64,
    ) -> Result<Option<Document>, StoreError>;
    /// Kept revisions and the present one, newest first.
    async fn revisions(
        &self,
        kind: Kind,
        workspace: &str,
        id: &str,
        limit: usize,
        page: Option<String>,
    ) -> Result<Page<Document>, ListError>;
    async fn list(
        &self,
        kind: Kind,
        workspace: &str,
        query: DocumentQuery,
    ) -> Result<Page<Document>, ListError>;
    /// Removes it, its revisions and its log. False when there was none.
    async fn delete(&self, kind: Kind, workspace: &str, id: &str) -> Result<bool, StoreError>;
    /// Across workspaces, whatever has this field value: for recovery at start (`status` = `running`).
    async fn find(&self, kind: Kind, field: &str, value: &str)
    -> Result<Vec<Document>, StoreError>;
}

/// Whether an update leaves the old body readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    History,
    LatestOnly,
}

/// An API key, without the secret.
#[derive(Debug, Clone)]
pub struct KeyRow {
    pub id: String,
    pub workspace: String,
    pub name: String,
    /// First characters, to recognise it by.
    pub hint: String,
    pub created_at: String,
    pub revoked_at: Option<String>,
    /// What tools that are called with it directly may reach, opaque to the store. None: what every key may.
    pub grants: Option<Value>,
}

/// API keys, known only by the SHA-256 of their secret.
#[async_trait]
pub trait Keys: Send + Sync {
    async fn add(&self, key: KeyRow, secret_sha256: [u8; 32]) -> Result<(), StoreError>;
    async fn find_by_secret(&self, secret_sha256: [u8; 32]) -> Result<Option<KeyRow>, StoreError>;
    async fn all(&self) -> Result<Vec<KeyRow>, StoreError>;
    async fn revoke(&self, id: &str, at: &str) -> Result<bool, StoreError>;
}
