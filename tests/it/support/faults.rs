//! A store that fails when it is told to, through the id it is asked for.

use std::sync::Arc;

use async_trait::async_trait;
use glovebox::store::{
    Document, DocumentQuery, Documents, Keep, Kind, ListError, NewEntry, Page, StoreError,
    WriteError,
};

/// Asked for this, the store panics.
pub(crate) const PANICS: &str = "agent_panics";
/// Asked for this, the store reports a failure.
pub(crate) const FAILS: &str = "agent_fails";

/// Everything else goes to the store inside.
pub(crate) struct Faulty(pub(crate) Arc<dyn Documents>);

#[async_trait]
impl Documents for Faulty {
    async fn create(
        &self,
        kind: Kind,
        document: Document,
        log: Vec<NewEntry>,
    ) -> Result<(), StoreError> {
        self.0.create(kind, document, log).await
    }

    async fn get(
        &self,
        kind: Kind,
        workspace: &str,
        id: &str,
    ) -> Result<Option<Document>, StoreError> {
        assert!(id != PANICS, "told to panic");
        if id == FAILS {
            let source = std::io::Error::other("disk on fire at /secret/path");
            return Err(StoreError {
                context: "read a document".to_owned(),
                source: Some(Box::new(source)),
            });
        }
        self.0.get(kind, workspace, id).await
    }

    async fn update(&self, kind: Kind, document: Document, keep: Keep) -> Result<(), WriteError> {
        self.0.update(kind, document, keep).await
    }

    async fn get_revision(
        &self,
        kind: Kind,
        workspace: &str,
        id: &str,
        revision: u64,
    ) -> Result<Option<Document>, StoreError> {
        self.0.get_revision(kind, workspace, id, revision).await
    }

    async fn revisions(
        &self,
        kind: Kind,
        workspace: &str,
        id: &str,
        limit: usize,
        page: Option<String>,
    ) -> Result<Page<Document>, ListError> {
        self.0.revisions(kind, workspace, id, limit, page).await
    }

    async fn list(
        &self,
        kind: Kind,
        workspace: &str,
        query: DocumentQuery,
    ) -> Result<Page<Document>, ListError> {
        self.0.list(kind, workspace, query).await
    }

    async fn delete(&self, kind: Kind, workspace: &str, id: &str) -> Result<bool, StoreError> {
        self.0.delete(kind, workspace, id).await
    }

    async fn find(
        &self,
        kind: Kind,
        field: &str,
        value: &str,
    ) -> Result<Vec<Document>, StoreError> {
        self.0.find(kind, field, value).await
    }
}
