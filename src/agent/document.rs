//! A session's document, and the wire Session it makes together with what its log adds up to.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::resources::environment::Environment;
use crate::resources::metadata::Metadata;
use crate::resources::session::SessionAgent;
use crate::session::{Thread, Usage};
use crate::store::{Document, StoreError};

/// What is stored of a session besides its log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Body {
    pub(super) agent: SessionAgent,
    /// As it was when the session was created.
    pub(super) environment: Environment,
    pub(super) thread: Thread,
    pub(super) title: Option<String>,
    pub(super) metadata: Metadata,
    pub(super) updated_at: String,
}

impl Body {
    pub(super) fn read(document: &Document) -> Result<Body, StoreError> {
        Body::deserialize(&document.body).map_err(|source| StoreError {
            context: format!("reading {}", document.id),
            source: Some(Box::new(source)),
        })
    }

    pub(super) fn write(&self) -> Value {
        serde_json::to_value(self).expect("a session's document has string keys")
    }

    /// What lists filter by, without what the log's appends write.
    pub(super) fn fields(&self) -> Vec<(String, String)> {
        vec![
            ("agent_id".into(), self.agent.id.clone()),
            ("agent_version".into(), self.agent.version.to_string()),
            ("environment_id".into(), self.environment.id.clone()),
        ]
    }
}

/// The Session as clients see it.
pub(super) fn wire(document: &Document) -> Result<Value, StoreError> {
    let body = Body::read(document)?;
    let field = |name: &str| {
        document
            .fields
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let status = field("status").unwrap_or("idle");
    let usage: Usage = field("usage")
        .and_then(|usage| serde_json::from_str(usage).ok())
        .unwrap_or_default();
    let changed_at = field("changed_at").unwrap_or_default().to_owned();
    let updated_at = body.updated_at.max(changed_at);
    let moment = |text: &str| text.parse::<jiff::Timestamp>().ok();
    let duration = moment(&updated_at).zip(moment(&document.created_at));
    let duration_seconds =
        duration.map_or(0.0, |(end, start)| end.duration_since(start).as_secs_f64());
    Ok(json!({
        "id": document.id,
        "type": "session",
        "status": status,
        "title": body.title,
        "agent": body.agent,
        "environment_id": body.environment.id,
        "deployment_id": null,
        "vault_ids": [],
        "resources": [],
        "metadata": body.metadata,
        "budget": null,
        "outcome_evaluations": [],
        "stats": { "active_seconds": usage.active_seconds, "duration_seconds": duration_seconds },
        "usage": usage,
        "created_at": document.created_at,
        "updated_at": updated_at,
        "archived_at": document.archived_at,
    }))
}
