//! `/v1/agents`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::Value;

use super::Api;
use super::auth::Caller;
use super::body::JsonBody;
use super::error::ApiError;
use super::page;
use super::path::Id;
use super::query::Query;
use crate::resources::agent::Agent;
use crate::resources::component::{self, Components};
use crate::store::{Document, DocumentQuery, Keep, Page, WriteError};

const KIND: &str = "agent";
const LIMIT: usize = 20;
const LIMIT_MAX: usize = 100;
/// How often a write is tried again when others write the same agent at the same time.
const ATTEMPTS_MAX: usize = 16;

/// `POST /v1/agents`
pub(super) async fn create(
    State(api): State<Api>,
    caller: Caller,
    JsonBody(body): JsonBody,
) -> Result<Json<Value>, ApiError> {
    let components = components(&api, &caller, &body["tools"]).await?;
    let agent = Agent::create(&body, api.ids.next("agent"), &api.now(), &components)?;
    let body = serde_json::to_value(&agent)?;
    let document = document(&caller, &agent, agent.version, body.clone());
    api.documents.create(KIND, document, Vec::new()).await?;
    Ok(Json(body))
}

/// `GET /v1/agents/{agent_id}?version=N`
pub(super) async fn retrieve(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    let (_, body) = find(&api, &caller, &id, query.positive("version")?).await?;
    Ok(Json(body))
}

/// `POST /v1/agents/{agent_id}`
pub(super) async fn update(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
    JsonBody(body): JsonBody,
) -> Result<Json<Value>, ApiError> {
    let components = components(&api, &caller, &body["tools"]).await?;
    change(&api, &caller, &id, Keep::History, |agent| {
        Ok(agent.update(&body, &api.now(), &components)?)
    })
    .await
    .map(Json)
}

/// `POST /v1/agents/{agent_id}/archive`
pub(super) async fn archive(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Value>, ApiError> {
    change(&api, &caller, &id, Keep::LatestOnly, |agent| {
        let archived = Agent {
            archived_at: Some(api.now()),
            ..agent.clone()
        };
        Ok(agent.archived_at.is_none().then_some(archived))
    })
    .await
    .map(Json)
}

/// `GET /v1/agents`
pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    let query = DocumentQuery {
        include_archived: query.boolean("include_archived")?,
        created_after: query.after("created_at")?,
        created_before: query.before("created_at")?,
        limit: query.limit(LIMIT, LIMIT_MAX)?,
        page: query.text("page").map(str::to_owned),
        ..DocumentQuery::default()
    };
    let found = api.documents.list(KIND, &caller.workspace, query).await?;
    Ok(Json(page::forward(bodies(found))))
}

/// `GET /v1/agents/{agent_id}/versions`, newest first.
pub(super) async fn versions(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    find(&api, &caller, &id, None).await?;
    let page = query.text("page").map(str::to_owned);
    let found = api
        .documents
        .revisions(
            KIND,
            &caller.workspace,
            &id,
            query.limit(LIMIT, LIMIT_MAX)?,
            page,
        )
        .await?;
    Ok(Json(page::forward(bodies(found))))
}

/// What a request's `tools` mean by the tools of this server that they refer to.
pub(super) async fn components(
    api: &Api,
    caller: &Caller,
    tools: &Value,
) -> Result<Components, ApiError> {
    let references = component::references(tools);
    Ok(api.tools.components(&caller.workspace, references).await?)
}

/// An agent at a version, or the latest.
pub(super) async fn find(
    api: &Api,
    caller: &Caller,
    id: &str,
    version: Option<u64>,
) -> Result<(Agent, Value), ApiError> {
    let not_found = || ApiError::not_found("agent", id);
    let latest = api
        .documents
        .get(KIND, &caller.workspace, id)
        .await?
        .ok_or_else(not_found)?;
    let agent: Agent = serde_json::from_value(latest.body.clone())?;
    let Some(version) = version.filter(|version| *version != agent.version) else {
        return Ok((agent, latest.body));
    };
    // Versions and revisions count alike until the agent is archived, and then there are no more versions.
    let earlier = if version < agent.version {
        api.documents
            .get_revision(KIND, &caller.workspace, id, version)
            .await?
    } else {
        None
    };
    let body = earlier
        .ok_or_else(|| ApiError::not_found("agent", &format!("{id}' at version '{version}")))?
        .body;
    Ok((serde_json::from_value(body.clone())?, body))
}

/// Applies `step` to the agent and writes what it gives, again if somebody else wrote meanwhile.
async fn change(
    api: &Api,
    caller: &Caller,
    id: &str,
    keep: Keep,
    step: impl Fn(&Agent) -> Result<Option<Agent>, ApiError>,
) -> Result<Value, ApiError> {
    for _ in 0..ATTEMPTS_MAX {
        let present = api
            .documents
            .get(KIND, &caller.workspace, id)
            .await?
            .ok_or_else(|| ApiError::not_found("agent", id))?;
        let agent: Agent = serde_json::from_value(present.body.clone())?;
        let Some(changed) = step(&agent)? else {
            return Ok(present.body);
        };
        let body = serde_json::to_value(&changed)?;
        let next = document(caller, &changed, present.revision + 1, body.clone());
        match api.documents.update(KIND, next, keep).await {
            Ok(()) => return Ok(body),
            Err(WriteError::Conflict { .. }) => {}
            Err(WriteError::NotFound) => return Err(ApiError::not_found("agent", id)),
            Err(WriteError::Failed(error)) => return Err(error.into()),
        }
    }
    Err(ApiError::new(
        StatusCode::CONFLICT,
        "the agent is being changed by others at the same time",
    ))
}

fn document(caller: &Caller, agent: &Agent, revision: u64, body: Value) -> Document {
    Document {
        id: agent.id.clone(),
        workspace: caller.workspace.clone(),
        revision,
        created_at: agent.created_at.clone(),
        archived_at: agent.archived_at.clone(),
        fields: Vec::new(),
        body,
    }
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
