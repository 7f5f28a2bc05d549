//! What outlives a process in these tests: the store, the sandbox's files, what the model's provider has seen; and the
//! fuse that ends the process at a chosen step.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::FutureExt;
use serde_json::Value;
use tokio::sync::Notify;

use crate::store::{
    AppendError, Document, DocumentQuery, Documents, Entry, EventQuery, EventRow, Keep, Kind,
    ListError, Log, NewEntry, Page, Seq, StoreError, WriteError,
};

/// Counts steps and stops the process at one of them.
#[derive(Debug, Default)]
pub(super) struct Fuse {
    steps: AtomicUsize,
    /// 0 is never.
    blows_at: AtomicUsize,
    pub(super) blown: Notify,
}

impl Fuse {
    pub(super) fn set(&self, blows_at: usize) {
        // Several tasks may have died of it at once, and one notice of that is left.
        let _ = self.blown.notified().now_or_never();
        self.steps.store(0, Ordering::SeqCst);
        self.blows_at.store(blows_at, Ordering::SeqCst);
    }

    pub(super) fn steps(&self) -> usize {
        self.steps.load(Ordering::SeqCst)
    }

    /// One step of the process. Never returns from the one at which it dies.
    pub(super) async fn step(&self) {
        let step = self.steps.fetch_add(1, Ordering::SeqCst) + 1;
        let blows_at = self.blows_at.load(Ordering::SeqCst);
        if blows_at != 0 && step >= blows_at {
            self.blown.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

/// The store, in memory. Each write is two steps: before it and after it.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) fuse: Fuse,
    tables: Mutex<Tables>,
    /// What does not end by itself.
    pub(super) stuck: Mutex<Vec<&'static str>>,
    /// Whether saving files fails.
    pub(super) full: Mutex<bool>,
    /// Told whenever something stuck begins.
    pub(super) sticking: Notify,
    /// How often each call has begun, by its event id.
    pub(super) runs: Mutex<BTreeMap<String, u32>>,
}

#[derive(Debug, Default)]
struct Tables {
    documents: BTreeMap<String, Document>,
    entries: Vec<Value>,
    rows: Vec<EventRow>,
}

impl Tables {
    fn append(&mut self, entries: Vec<NewEntry>) {
        for new in entries {
            let NewEntry { entry, event, .. } = new;
            self.entries.push(entry);
            self.rows.retain(|row| !new.withdraws.contains(&row.id));
            if let Some(row) = event {
                match self.rows.iter_mut().find(|old| old.id == row.id) {
                    Some(old) => *old = row,
                    None => self.rows.push(row),
                }
            }
        }
    }
}

impl World {
    pub(super) fn entries(&self) -> Vec<Value> {
        self.tables.lock().unwrap().entries.clone()
    }

    /// The client's view: processed events by time, then those that wait.
    pub(super) fn history(&self) -> Vec<Value> {
        let mut rows = self.tables.lock().unwrap().rows.clone();
        rows.sort_by_key(|row| (row.processed_at.is_none(), row.processed_at.clone()));
        rows.into_iter().map(|row| row.event).collect()
    }

    /// Never returns when this is stuck.
    pub(super) async fn stick(&self, what: &str) {
        let stuck = self.stuck.lock().unwrap().contains(&what);
        if stuck {
            self.sticking.notify_one();
            std::future::pending::<()>().await;
        }
    }

    /// Somebody else, who knows nothing of us, appends.
    pub(super) fn intrude(&self, entry: Value) {
        self.tables.lock().unwrap().entries.push(entry);
    }

    /// The id of the only session, if it exists.
    pub(super) fn session(&self) -> Option<String> {
        self.tables.lock().unwrap().documents.keys().next().cloned()
    }
}

#[async_trait]
impl Log for World {
    async fn append(
        &self,
        session: &str,
        expected: Seq,
        entries: Vec<NewEntry>,
        fields: Vec<(String, String)>,
    ) -> Result<Seq, AppendError> {
        self.fuse.step().await;
        let seq = {
            let mut tables = self.tables.lock().unwrap();
            let actual = Seq(tables.entries.len() as u64);
            if actual != expected {
                return Err(AppendError::Conflict { expected, actual });
            }
            let Some(document) = tables.documents.get_mut(session) else {
                return Err(AppendError::Gone);
            };
            document
                .fields
                .retain(|(name, _)| !fields.iter().any(|(new, _)| new == name));
            document.fields.extend(fields);
            tables.append(entries);
            Seq(tables.entries.len() as u64)
        };
        self.fuse.step().await;
        Ok(seq)
    }

    async fn load(&self, _session: &str, after: Seq) -> Result<Vec<Entry>, StoreError> {
        let entries = self.entries().into_iter().zip(1..);
        let entries = entries.map(|(entry, seq)| Entry {
            seq: Seq(seq),
            entry,
        });
        Ok(entries.filter(|entry| entry.seq > after).collect())
    }

    async fn references(&self) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    async fn events(&self, _session: &str, _query: EventQuery) -> Result<Page<Value>, ListError> {
        Ok(Page {
            data: self.history(),
            next: None,
            previous: None,
        })
    }
}

#[async_trait]
impl Documents for World {
    async fn create(
        &self,
        _kind: Kind,
        document: Document,
        log: Vec<NewEntry>,
    ) -> Result<(), StoreError> {
        self.fuse.step().await;
        {
            let mut tables = self.tables.lock().unwrap();
            tables.documents.insert(document.id.clone(), document);
            tables.append(log);
        }
        self.fuse.step().await;
        Ok(())
    }

    async fn get(
        &self,
        _kind: Kind,
        workspace: &str,
        id: &str,
    ) -> Result<Option<Document>, StoreError> {
        let tables = self.tables.lock().unwrap();
        Ok(tables
            .documents
            .get(id)
            .filter(|document| document.workspace == workspace)
            .cloned())
    }

    async fn update(
        &self,
        _kind: Kind,
        mut document: Document,
        _keep: Keep,
    ) -> Result<(), WriteError> {
        let mut tables = self.tables.lock().unwrap();
        let old = tables
            .documents
            .get(&document.id)
            .ok_or(WriteError::NotFound)?;
        let kept = old
            .fields
            .iter()
            .filter(|(name, _)| !document.fields.iter().any(|(new, _)| new == name));
        let kept: Vec<_> = kept.cloned().collect();
        document.fields.extend(kept);
        tables.documents.insert(document.id.clone(), document);
        Ok(())
    }

    async fn get_revision(
        &self,
        _: Kind,
        _: &str,
        _: &str,
        _: u64,
    ) -> Result<Option<Document>, StoreError> {
        Ok(None)
    }

    async fn revisions(
        &self,
        _: Kind,
        _: &str,
        _: &str,
        _: usize,
        _: Option<String>,
    ) -> Result<Page<Document>, ListError> {
        Ok(Page {
            data: Vec::new(),
            next: None,
            previous: None,
        })
    }

    async fn list(&self, _: Kind, _: &str, _: DocumentQuery) -> Result<Page<Document>, ListError> {
        let data = self
            .tables
            .lock()
            .unwrap()
            .documents
            .values()
            .cloned()
            .collect();
        Ok(Page {
            data,
            next: None,
            previous: None,
        })
    }

    async fn delete(&self, _kind: Kind, _workspace: &str, id: &str) -> Result<bool, StoreError> {
        Ok(self.tables.lock().unwrap().documents.remove(id).is_some())
    }

    async fn find(
        &self,
        _kind: Kind,
        field: &str,
        value: &str,
    ) -> Result<Vec<Document>, StoreError> {
        let tables = self.tables.lock().unwrap();
        let matches = |document: &&Document| {
            document
                .fields
                .iter()
                .any(|(name, text)| name == field && text == value)
        };
        Ok(tables.documents.values().filter(matches).cloned().collect())
    }
}

/// A world, ready to be shared with processes.
pub(super) fn world() -> Arc<World> {
    Arc::new(World::default())
}
