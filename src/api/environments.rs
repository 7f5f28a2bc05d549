//! `/v1/environments`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Api;
use super::auth::Caller;
use super::body::JsonBody;
use super::error::ApiError;
use super::page;
use super::path::Id;
use super::query::Query;
use crate::resources::environment::Environment;
use crate::store::{Document, DocumentQuery, Keep, Page, WriteError};

const KIND: &str = "environment";
const LIMIT: usize = 20;
const LIMIT_MAX: usize = 1000;
/// How often a write is tried again when others write the same environment at the same time.
const ATTEMPTS_MAX: usize = 16;

/// `POST /v1/environments`
pub(super) async fn create(
    State(api): State<Api>,
    caller: Caller,
    JsonBody(body): JsonBody,
) -> Result<Json<Value>, ApiError> {
    let environment = Environment::create(&body, api.ids.next("env"), &api.now())?;
    let body = serde_json::to_value(&environment)?;
    api.documents
        .create(
            KIND,
            document(&caller, &environment, 1, body.clone()),
            Vec::new(),
        )
        .await?;
    Ok(Json(body))
}

/// `GET /v1/environments/{environment_id}`
pub(super) async fn retrieve(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(find(&api, &caller, &id).await?.1))
}

/// `POST /v1/environments/{environment_id}`
pub(super) async fn update(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
    JsonBody(body): JsonBody,
) -> Result<Json<Value>, ApiError> {
    change(&api, &caller, &id, |environment| {
        Ok(environment.update(&body, &api.now())?)
    })
    .await
    .map(Json)
}

/// `POST /v1/environments/{environment_id}/archive`
pub(super) async fn archive(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Value>, ApiError> {
    change(&api, &caller, &id, |environment| {
        let archived = Environment {
            archived_at: Some(api.now()),
            ..environment.clone()
        };
        Ok(environment.archived_at.is_none().then_some(archived))
    })
    .await
    .map(Json)
}

/// `DELETE /v1/environments/{environment_id}`. Sessions have their own copy and are not touched.
pub(super) async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Value>, ApiError> {
    if !api.documents.delete(KIND, &caller.workspace, &id).await? {
        return Err(not_found(&id));
    }
    Ok(Json(json!({"id": id, "type": "environment_deleted"})))
}

/// `GET /v1/environments`
pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    let query = DocumentQuery {
        include_archived: query.boolean("include_archived")?,
        limit: query.limit(LIMIT, LIMIT_MAX)?,
        page: query.text("page").map(str::to_owned),
        ..DocumentQuery::default()
    };
    let found = api.documents.list(KIND, &caller.workspace, query).await?;
    let data = found
        .data
        .into_iter()
        .map(|document| document.body)
        .collect();
    Ok(Json(page::forward(Page {
        data,
        next: found.next,
        previous: found.previous,
    })))
}

/// An environment of the caller's workspace.
pub(super) async fn find(
    api: &Api,
    caller: &Caller,
    id: &str,
) -> Result<(Environment, Value), ApiError> {
    let found = api
        .documents
        .get(KIND, &caller.workspace, id)
        .await?
        .ok_or_else(|| not_found(id))?;
    Ok((serde_json::from_value(found.body.clone())?, found.body))
}

/// Applies `step` to the environment and writes what it gives, again if somebody else wrote meanwhile.
async fn change(
    api: &Api,
    caller: &Caller,
    id: &str,
    step: impl Fn(&Environment) -> Result<Option<Environment>, ApiError>,
) -> Result<Value, ApiError> {
    for _ in 0..ATTEMPTS_MAX {
        let present = api
            .documents
            .get(KIND, &caller.workspace, id)
            .await?
            .ok_or_else(|| not_found(id))?;
        let environment: Environment = serde_json::from_value(present.body.clone())?;
        let Some(changed) = step(&environment)? else {
            return Ok(present.body);
        };
        let body = serde_json::to_value(&changed)?;
        let next = document(caller, &changed, present.revision + 1, body.clone());
        match api.documents.update(KIND, next, Keep::LatestOnly).await {
            Ok(()) => return Ok(body),
            Err(WriteError::Conflict { .. }) => {}
            Err(WriteError::NotFound) => return Err(not_found(id)),
            Err(WriteError::Failed(error)) => return Err(error.into()),
        }
    }
    Err(ApiError::new(
        StatusCode::CONFLICT,
        "the environment is being changed by others at the same time",
    ))
}

fn not_found(id: &str) -> ApiError {
    ApiError::not_found("environment", id).with_code("environment_not_found")
}

fn document(caller: &Caller, environment: &Environment, revision: u64, body: Value) -> Document {
    Document {
        id: environment.id.clone(),
        workspace: caller.workspace.clone(),
        revision,
        created_at: environment.created_at.clone(),
        archived_at: environment.archived_at.clone(),
        fields: Vec::new(),
        body,
    }
}
