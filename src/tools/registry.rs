//! The tools that people have pushed: a document for each, a revision for each version, and a blob for each component.
//!
//! A version exists when its document says so and not before; its blob is durable by then. Blobs that no version names are
//! what a crash or a lost race left, and are removed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use glovebox_runtime::{Allowance, Component, Engine};
use serde_json::Value;
use tokio::sync::Mutex;

use super::Ready;
use super::inspect::{Compiling, InspectError, Inspected, Inspector};
use super::loaded::{Loaded, LoadedMax};
use super::version::{Contract, ToolVersion, Unreadable, effects_word};
use crate::blobs::{BlobError, Blobs};
use crate::clock::Clock;
use crate::ids::Ids;
use crate::package::{Digest, digest};
use crate::resources::component::{Components, Found};
use crate::resources::input::Invalid;
use crate::session::format;
use crate::store::{
    Document, DocumentQuery, Documents, Keep, ListError, Page, StoreError, WriteError,
};

/// The kind of a tool's document.
const KIND: &str = "tool";
const NAME: &str = "name";
/// A document has this field once for each version's component.
const DIGEST: &str = "digest";

/// What a registry is made of.
#[derive(Clone)]
pub struct RegistryParts {
    pub documents: Arc<dyn Documents>,
    pub blobs: Arc<dyn Blobs>,
    pub engine: Engine,
    pub compiling: Compiling,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub loaded_max: LoadedMax,
}

/// The tools of all workspaces. Cheap to clone.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    parts: RegistryParts,
    inspector: Inspector,
    loaded: Loaded,
    /// Whoever writes blobs and documents holds it, so that no two pushes make the same version and no blob is removed
    /// that somebody is about to name.
    writing: Mutex<()>,
}

/// What a push came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// A tool of that name did not exist.
    Created,
    /// It has one version more.
    NewVersion,
    /// The latest version is this very component.
    Unchanged,
}

/// Why nothing was pushed.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// What was pushed is not acceptable.
    #[error(transparent)]
    Refused(#[from] Invalid),
    /// The push was to become another version than it would.
    #[error("version: this push would become version {next} of '{name}', not {expected}")]
    Version {
        name: String,
        next: u64,
        expected: u64,
    },
    /// Not the pusher's fault.
    #[error(transparent)]
    Failed(#[from] RegistryError),
}

/// Tools cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Blob(#[from] BlobError),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// A version's component is not there.
    #[error("the component {0} is lost")]
    Lost(Digest),
    /// A component that was accepted cannot be run any more.
    #[error("{context}")]
    Component {
        /// Whose.
        context: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Registry {
    /// The registry. Nothing is loaded yet.
    pub fn new(parts: RegistryParts) -> Registry {
        Registry(Arc::new(Inner {
            inspector: Inspector::new(parts.engine.clone(), parts.compiling.clone()),
            loaded: Loaded::new(parts.loaded_max),
            writing: Mutex::default(),
            parts,
        }))
    }

    /// Removes the blobs that no version of any tool names. Gives how many.
    pub async fn sweep(&self) -> Result<usize, RegistryError> {
        let _writing = self.0.writing.lock().await;
        let mut removed = 0;
        for digest in self.0.parts.blobs.all().await? {
            removed += usize::from(self.0.remove_unnamed(&digest).await?);
        }
        Ok(removed)
    }

    /// Makes a component a tool of a workspace, or the next version of the tool that has its name. Durable when it
    /// returns; nothing of a push that is refused stays. With `expected`, it becomes that version or none.
    pub async fn push(
        &self,
        workspace: &str,
        component: Bytes,
        manifest: Option<&str>,
        expected: Option<u64>,
    ) -> Result<(ToolVersion, Pushed), PushError> {
        let inspected = self.0.inspector.inspect(component, manifest).await;
        let inspected = inspected.map_err(|error| match error {
            InspectError::Refused(refusal) => PushError::Refused(refusal),
            InspectError::Failed(source) => RegistryError::Component {
                context: "looking at a pushed component".to_owned(),
                source,
            }
            .into(),
        })?;
        // To its end, even when whoever pushes goes away: half a push must not hold up the next.
        let (inner, workspace) = (Arc::clone(&self.0), workspace.to_owned());
        let write = tokio::spawn(async move { inner.write(&workspace, inspected, expected).await });
        write.await.unwrap_or_else(|source| {
            Err(PushError::Failed(RegistryError::Component {
                context: "storing a pushed component".to_owned(),
                source: source.into(),
            }))
        })
    }

    /// What an id (the latest version), `id@version` or a digest means in a workspace, archived or not.
    pub async fn resolve(
        &self,
        workspace: &str,
        reference: &str,
    ) -> Result<Option<ToolVersion>, RegistryError> {
        if let Ok(digest) = reference.parse() {
            return self.0.by_digest(workspace, &digest).await;
        }
        match reference.split_once('@') {
            None => self.version(workspace, reference, None).await,
            Some((id, version)) => match version.parse() {
                Ok(version) => self.version(workspace, id, Some(version)).await,
                Err(_) => Ok(None),
            },
        }
    }

    /// The latest version of the tool that has this name now.
    pub async fn named(
        &self,
        workspace: &str,
        name: &str,
    ) -> Result<Option<ToolVersion>, RegistryError> {
        let document = self.0.by_name(workspace, name).await?;
        let tool = document.map(|document| ToolVersion::from_value(&document.body));
        Ok(tool.transpose()?)
    }

    /// A tool at a version, or at the latest.
    pub async fn version(
        &self,
        workspace: &str,
        id: &str,
        version: Option<u64>,
    ) -> Result<Option<ToolVersion>, RegistryError> {
        let documents = &self.0.parts.documents;
        let Some(document) = documents.get(KIND, workspace, id).await? else {
            return Ok(None);
        };
        let latest = ToolVersion::from_value(&document.body)?;
        let Some(version) = version.filter(|version| *version != latest.version) else {
            return Ok(Some(latest));
        };
        // Versions and revisions count alike until the tool is archived, and then there are no more versions.
        if version > latest.version {
            return Ok(None);
        }
        let earlier = documents.get_revision(KIND, workspace, id, version).await?;
        let earlier = earlier.map(|document| ToolVersion::from_value(&document.body));
        Ok(earlier.transpose()?.map(|earlier| ToolVersion {
            archived_at: latest.archived_at,
            ..earlier
        }))
    }

    /// The latest versions of a workspace's tools.
    pub async fn list(
        &self,
        workspace: &str,
        query: DocumentQuery,
    ) -> Result<Page<Value>, ListError> {
        let page = self.0.parts.documents.list(KIND, workspace, query).await?;
        Ok(bodies(page))
    }

    /// All versions of a tool, newest first. A tool that there is not has none.
    pub async fn versions(
        &self,
        workspace: &str,
        id: &str,
        limit: usize,
        page: Option<String>,
    ) -> Result<Page<Value>, ListError> {
        let documents = &self.0.parts.documents;
        let page = documents
            .revisions(KIND, workspace, id, limit, page)
            .await?;
        Ok(bodies(page))
    }

    /// Lets nothing new use a tool; sessions that do go on. Gives none when there is no such tool.
    pub async fn archive(
        &self,
        workspace: &str,
        id: &str,
    ) -> Result<Option<ToolVersion>, RegistryError> {
        let _writing = self.0.writing.lock().await;
        let parts = &self.0.parts;
        let Some(mut document) = parts.documents.get(KIND, workspace, id).await? else {
            return Ok(None);
        };
        let mut tool = ToolVersion::from_value(&document.body)?;
        if tool.archived_at.is_none() {
            tool.archived_at = Some(format(parts.clock.now()));
            document.revision += 1;
            document.archived_at = tool.archived_at.clone();
            document.body = tool.to_value();
            parts
                .documents
                .update(KIND, document, Keep::LatestOnly)
                .await
                .map_err(write_error)?;
        }
        Ok(Some(tool))
    }

    /// The bytes of a version, as they were pushed.
    pub async fn content(&self, tool: &ToolVersion) -> Result<Bytes, RegistryError> {
        let found = self.0.parts.blobs.get(&tool.digest).await?;
        found.ok_or_else(|| RegistryError::Lost(tool.digest))
    }

    /// A version, ready to be called. Those called last stay loaded.
    pub async fn component(&self, tool: &ToolVersion) -> Result<Component, RegistryError> {
        let key = (tool.id.clone(), tool.digest);
        let load = async {
            let bytes = self.content(tool).await?;
            let size = bytes.len() as u64;
            let manifest = (tool.contract == Contract::Plain).then_some(&tool.description);
            let component = self.0.inspector.load(&tool.id, &bytes, manifest).await;
            let component = component.map_err(|error| RegistryError::Component {
                context: format!("loading {}", tool.pinned()),
                source: error.into(),
            })?;
            Ok((component, size))
        };
        self.0.loaded.get(key, load).await
    }

    /// What an entry with this reference and these grants calls, and what it may reach then. None when there is no such
    /// tool.
    pub async fn ready(
        &self,
        workspace: &str,
        reference: &str,
        grants: Option<&Value>,
    ) -> Result<Option<Ready>, RegistryError> {
        let Some(tool) = self.resolve(workspace, reference).await? else {
            return Ok(None);
        };
        let granted = match grants {
            None => Allowance::granted_by_default(),
            Some(grants) => {
                Allowance::parse_grants(grants).map_err(|source| RegistryError::Component {
                    context: format!("reading the grants of {}", tool.pinned()),
                    source: source.into(),
                })?
            }
        };
        Ok(Some(Ready {
            component: self.component(&tool).await?,
            allowance: Some(tool.description.wishes.narrow(&granted)),
        }))
    }

    /// How many components are loaded, and how large they are together.
    pub fn loaded(&self) -> (usize, u64) {
        self.0.loaded.size()
    }

    /// What the references of a request's tool entries mean.
    pub async fn components(
        &self,
        workspace: &str,
        references: BTreeSet<String>,
    ) -> Result<Components, RegistryError> {
        let mut found = BTreeMap::new();
        for reference in references {
            if let Some(tool) = self.resolve(workspace, &reference).await? {
                found.insert(reference, known(tool));
            }
        }
        Ok(Components::new(found, check_grants))
    }
}

impl Inner {
    async fn write(
        &self,
        workspace: &str,
        inspected: Inspected,
        expected: Option<u64>,
    ) -> Result<(ToolVersion, Pushed), PushError> {
        let _writing = self.writing.lock().await;
        let digest = digest(&inspected.bytes);
        let name = inspected.description.name.clone();
        let present = self.by_name(workspace, &name).await?;
        let latest = present
            .as_ref()
            .map(|document| ToolVersion::from_value(&document.body))
            .transpose()
            .map_err(RegistryError::from)?;
        let next = latest.as_ref().map_or(1, |latest| latest.version + 1);
        if let Some(latest) = &latest
            && latest.digest == digest
            && expected.is_none_or(|expected| expected == latest.version)
        {
            inspected.compiled.keep();
            return Ok((latest.clone(), Pushed::Unchanged));
        }
        if let Some(expected) = expected.filter(|expected| *expected != next) {
            return Err(PushError::Version {
                name,
                next,
                expected,
            });
        }
        let now = format(self.parts.clock.now());
        let tool = ToolVersion {
            id: latest
                .as_ref()
                .map_or_else(|| self.parts.ids.next("tool"), |latest| latest.id.clone()),
            version: next,
            digest,
            size_bytes: inspected.bytes.len() as u64,
            description: inspected.description,
            contract: inspected.contract,
            created_at: latest.map_or_else(|| now.clone(), |latest| latest.created_at),
            updated_at: now,
            archived_at: None,
        };
        self.parts
            .blobs
            .put(inspected.bytes)
            .await
            .map_err(RegistryError::from)?;
        let pushed = match present {
            None => Pushed::Created,
            Some(_) => Pushed::NewVersion,
        };
        if let Err(error) = self.write_document(workspace, &tool, present).await {
            if let Err(error) = self.remove_unnamed(&digest).await {
                tracing::error!(%digest, %error, "a component that nobody names is left until the next start");
            }
            return Err(error.into());
        }
        inspected.compiled.keep();
        Ok((tool, pushed))
    }

    async fn write_document(
        &self,
        workspace: &str,
        tool: &ToolVersion,
        present: Option<Document>,
    ) -> Result<(), RegistryError> {
        let digest = (DIGEST.to_owned(), tool.digest.to_string());
        let Some(mut document) = present else {
            let document = Document {
                id: tool.id.clone(),
                workspace: workspace.to_owned(),
                revision: 1,
                created_at: tool.created_at.clone(),
                archived_at: None,
                fields: vec![(NAME.to_owned(), tool.description.name.clone()), digest],
                body: tool.to_value(),
            };
            let created = self.parts.documents.create(KIND, document, Vec::new());
            return Ok(created.await?);
        };
        document.revision += 1;
        document.fields.push(digest);
        document.body = tool.to_value();
        self.parts
            .documents
            .update(KIND, document, Keep::History)
            .await
            .map_err(write_error)
    }

    /// The tool of this name. One that is archived has given its name away.
    async fn by_name(
        &self,
        workspace: &str,
        name: &str,
    ) -> Result<Option<Document>, RegistryError> {
        let found = self.parts.documents.find(KIND, NAME, name).await?;
        Ok(found
            .into_iter()
            .find(|document| document.workspace == workspace && document.archived_at.is_none()))
    }

    /// The newest version that is this component. One of a tool that is not archived comes first.
    async fn by_digest(
        &self,
        workspace: &str,
        digest: &Digest,
    ) -> Result<Option<ToolVersion>, RegistryError> {
        let documents = &self.parts.documents;
        let found = documents.find(KIND, DIGEST, &digest.to_string()).await?;
        let mut found: Vec<_> = found
            .into_iter()
            .filter(|document| document.workspace == workspace)
            .collect();
        found.sort_by_key(|document| document.archived_at.is_some());
        for document in found {
            let latest = ToolVersion::from_value(&document.body)?;
            if latest.digest == *digest {
                return Ok(Some(latest));
            }
            for version in (1..latest.version).rev() {
                let earlier = documents
                    .get_revision(KIND, workspace, &latest.id, version)
                    .await?;
                let Some(earlier) = earlier else { continue };
                let earlier = ToolVersion::from_value(&earlier.body)?;
                if earlier.digest == *digest {
                    return Ok(Some(ToolVersion {
                        archived_at: latest.archived_at,
                        ..earlier
                    }));
                }
            }
        }
        Ok(None)
    }

    /// Removes a blob unless a version names it. Only while holding `writing`.
    async fn remove_unnamed(&self, digest: &Digest) -> Result<bool, RegistryError> {
        let named = self
            .parts
            .documents
            .find(KIND, DIGEST, &digest.to_string())
            .await?;
        if !named.is_empty() {
            return Ok(false);
        }
        self.parts.blobs.delete(digest).await?;
        Ok(true)
    }
}

fn known(tool: ToolVersion) -> Found {
    Found {
        pinned: tool.pinned(),
        name: tool.description.name,
        description: tool.description.text,
        input_schema: tool.description.input_schema,
        effects: effects_word(tool.description.effects).to_owned(),
        archived: tool.archived_at.is_some(),
    }
}

/// Whether this is an entry's `grants`; if not, the field in it, as the API writes paths, and what is wrong with it.
fn check_grants(grants: &Value) -> Result<(), (String, String)> {
    if !grants.is_object() {
        return Err((String::new(), "must be an object".to_owned()));
    }
    match Allowance::parse_grants(grants) {
        Ok(_) => Ok(()),
        Err(error) => Err((error.field.replace('[', ".").replace(']', ""), error.reason)),
    }
}

/// Nobody else writes tools while `writing` is held, so that a conflict is a failure like any other.
fn write_error(error: WriteError) -> RegistryError {
    RegistryError::Store(match error {
        WriteError::Failed(error) => error,
        other => StoreError {
            context: "writing a tool".to_owned(),
            source: Some(Box::new(other)),
        },
    })
}

fn bodies(page: Page<Document>) -> Page<Value> {
    Page {
        data: page
            .data
            .into_iter()
            .map(|document| document.body)
            .collect(),
        next: page.next,
        previous: page.previous,
    }
}
