//! `/v1/sessions`.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::auth::Caller;
use super::body::{JsonBody, OptionalJsonBody};
use super::error::ApiError;
use super::page;
use super::path::Id;
use super::query::Query;
use super::{Api, agents, environments};
use crate::agent::NewSession;
use crate::resources::component;
use crate::resources::environment::{Environment, EnvironmentConfig};
use crate::resources::metadata::Metadata;
use crate::resources::session::{ForkRequest, SessionAgent, SessionPatch, SessionRequest};
use crate::resources::tool;
use crate::store::{DocumentQuery, Page};

const LIMIT: usize = 20;
const LIMIT_MAX: usize = 1000;
const STATUSES: [&str; 4] = ["rescheduling", "running", "idle", "terminated"];

/// `POST /v1/sessions`
pub(super) async fn create(
    State(api): State<Api>,
    caller: Caller,
    JsonBody(body): JsonBody,
) -> Result<Json<Value>, ApiError> {
    let request = SessionRequest::parse(&body)?;
    let (agent, _) = agents::find(&api, &caller, &request.agent.id, None).await?;
    if agent.archived_at.is_some() {
        return Err(ApiError::invalid(
            "agent",
            format!("agent '{}' is archived", agent.id),
        ));
    }
    let agent = match request.agent.version {
        Some(version) => {
            agents::find(&api, &caller, &agent.id, Some(version))
                .await?
                .0
        }
        None => agent,
    };
    let mut references = request
        .agent
        .tools()
        .map(component::references)
        .unwrap_or_default();
    references.extend(tool::references(&agent.definition.tools).map(str::to_owned));
    let components = api.tools.components(&caller.workspace, references).await?;
    let agent = request.agent.resolve(&agent, &components)?;
    let (environment, _) = environments::find(&api, &caller, &request.environment_id).await?;
    check_environment(&environment)?;
    let new = NewSession {
        workspace: caller.workspace,
        agent,
        environment,
        title: request.title,
        metadata: request.metadata,
        initial_events: request.initial_events,
    };
    Ok(Json(api.agents.create_session(new).await?))
}

/// `GET /v1/sessions/{session_id}`
pub(super) async fn retrieve(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(find(&api, &caller, &id).await?))
}

/// `POST /v1/sessions/{session_id}`
pub(super) async fn update(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
    JsonBody(body): JsonBody,
) -> Result<Json<Value>, ApiError> {
    let present = find(&api, &caller, &id).await?;
    let agent: SessionAgent = serde_json::from_value(present["agent"].clone())?;
    let metadata: Metadata = serde_json::from_value(present["metadata"].clone())?;
    let mut components = agents::components(&api, &caller, &body["agent"]["tools"]).await?;
    components.keep(tool::references(&agent.definition.tools));
    let patch = SessionPatch::parse(&body, &agent, &metadata, &components)?;
    Ok(Json(
        api.agents
            .update_session(&caller.workspace, &id, patch)
            .await?,
    ))
}

/// `GET /v1/sessions`
pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    let mut fields = Vec::new();
    let statuses = query.choices("statuses", &STATUSES)?;
    if !statuses.is_empty() {
        fields.push(("status".to_owned(), statuses));
    }
    let version = query.positive("agent_version")?;
    if let Some(agent) = query.text("agent_id") {
        fields.push(("agent_id".to_owned(), vec![agent.to_owned()]));
        fields
            .extend(version.map(|version| ("agent_version".to_owned(), vec![version.to_string()])));
    }
    let documents = DocumentQuery {
        include_archived: query.boolean("include_archived")?,
        fields,
        created_after: query.after("created_at")?,
        created_before: query.before("created_at")?,
        ascending: !query.descending(true)?,
        limit: query.limit(LIMIT, LIMIT_MAX)?,
        page: query.text("page").map(str::to_owned),
    };
    // Deployments and memory stores are not on this server: no session belongs to one.
    if query.text("deployment_id").is_some() || query.text("memory_store_id").is_some() {
        return Ok(Json(page::both_ways(Page {
            data: Vec::new(),
            next: None,
            previous: None,
        })));
    }
    Ok(Json(page::both_ways(
        api.agents.sessions(&caller.workspace, documents).await?,
    )))
}

/// `POST /v1/sessions/{session_id}/archive`
pub(super) async fn archive(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(
        api.agents.archive_session(&caller.workspace, &id).await?,
    ))
}

/// `POST /v1/sessions/{session_id}/fork`: ours. A new session with what happened up to an event, and the files of then.
pub(super) async fn fork(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Json<Value>, ApiError> {
    let ForkRequest { event_id } = ForkRequest::parse(&body)?;
    let forked = api.agents.fork_session(&caller.workspace, &id, event_id);
    Ok(Json(forked.await?))
}

/// `DELETE /v1/sessions/{session_id}`
pub(super) async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Value>, ApiError> {
    api.agents.delete_session(&caller.workspace, &id).await?;
    Ok(Json(json!({"id": id, "type": "session_deleted"})))
}

async fn find(api: &Api, caller: &Caller, id: &str) -> Result<Value, ApiError> {
    api.agents
        .session(&caller.workspace, id)
        .await?
        .ok_or_else(|| ApiError::not_found("session", id))
}

/// Refuses an environment in which the session would not be what its owner thinks it is.
fn check_environment(environment: &Environment) -> Result<(), ApiError> {
    if environment.archived_at.is_some() {
        let error = ApiError::invalid(
            "environment_id",
            format!("environment '{}' is archived", environment.id),
        );
        return Err(error.with_code("environment_archived"));
    }
    if let EnvironmentConfig::Cloud { packages, .. } = &environment.config
        && let Some((manager, package)) = packages.first()
    {
        let problem = format!(
            "this server cannot install packages, and the environment asks for '{package}' from {manager}"
        );
        return Err(ApiError::invalid("environment_id", problem));
    }
    Ok(())
}
