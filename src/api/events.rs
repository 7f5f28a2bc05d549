//! `/v1/sessions/{session_id}/events`.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::Api;
use super::auth::Caller;
use super::body::JsonBody;
use super::error::ApiError;
use super::page;
use super::path::Id;
use super::query::Query;
use crate::resources::event;
use crate::store::EventQuery;

/// A page's default and largest size. More than that may be asked for and is then given in several pages.
const LIMIT_MAX: usize = 1000;

/// `POST /v1/sessions/{session_id}/events`: all events are accepted, durably, or none is.
pub(super) async fn send(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
    JsonBody(body): JsonBody,
) -> Result<Json<Value>, ApiError> {
    let events = event::parse_sent(&body)?;
    let echoes = api.agents.send(&caller.workspace, &id, events).await?;
    Ok(Json(json!({ "data": echoes })))
}

/// `GET /v1/sessions/{session_id}/events`
pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    let events = EventQuery {
        types: query.texts("types"),
        after: query.after("created_at")?,
        before: query.before("created_at")?,
        descending: query.descending(false)?,
        limit: query.limit(LIMIT_MAX, usize::MAX)?.min(LIMIT_MAX),
        page: query.text("page").map(str::to_owned),
    };
    let found = api.agents.events(&caller.workspace, &id, events).await?;
    found
        .map(|found| Json(page::forward(found)))
        .ok_or_else(|| ApiError::not_found("session", &id))
}
