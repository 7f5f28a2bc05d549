//! `/v1/tools`: tools that this server runs, pushed as components.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::Api;
use super::auth::Caller;
use super::error::ApiError;
use super::page;
use super::path::Id;
use super::query::Query;
use super::upload::Upload;
use crate::store::DocumentQuery;
use crate::tools::ToolVersion;

const LIMIT: usize = 20;
const LIMIT_MAX: usize = 100;

/// `POST /v1/tools`
pub(super) async fn push(
    State(api): State<Api>,
    caller: Caller,
    upload: Upload,
) -> Result<Json<Value>, ApiError> {
    let Upload {
        component,
        manifest,
        version,
    } = upload;
    let (tool, pushed) = api
        .tools
        .push(&caller.workspace, component, manifest.as_deref(), version)
        .await?;
    tracing::info!(
        tool = tool.id,
        version = tool.version,
        digest = %tool.digest,
        ?pushed,
        "tool pushed"
    );
    Ok(Json(tool.to_value()))
}

/// `GET /v1/tools/{tool_id}?version=N`
pub(super) async fn retrieve(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    let tool = find(&api, &caller, &id, query.positive("version")?).await?;
    Ok(Json(tool.to_value()))
}

/// `GET /v1/tools`
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
    let found = api.tools.list(&caller.workspace, query).await?;
    Ok(Json(page::forward(found)))
}

/// `GET /v1/tools/{tool_id}/versions`, newest first.
pub(super) async fn versions(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    find(&api, &caller, &id, None).await?;
    let limit = query.limit(LIMIT, LIMIT_MAX)?;
    let page = query.text("page").map(str::to_owned);
    let found = api
        .tools
        .versions(&caller.workspace, &id, limit, page)
        .await?;
    Ok(Json(page::forward(found)))
}

/// `GET /v1/tools/{tool_id}/content?version=N`: the component.
pub(super) async fn content(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
    query: Query,
) -> Result<Response, ApiError> {
    let tool = find(&api, &caller, &id, query.positive("version")?).await?;
    let bytes = api.tools.content(&tool).await?;
    let tag = HeaderValue::from_str(&format!("\"{}\"", tool.digest)).map_err(ApiError::internal)?;
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/wasm"),
        ),
        (header::ETAG, tag),
    ];
    Ok((headers, bytes).into_response())
}

/// `POST /v1/tools/{tool_id}/archive`
pub(super) async fn archive(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<Value>, ApiError> {
    let tool = api.tools.archive(&caller.workspace, &id).await?;
    let tool = tool.ok_or_else(|| ApiError::not_found("tool", &id))?;
    Ok(Json(tool.to_value()))
}

async fn find(
    api: &Api,
    caller: &Caller,
    id: &str,
    version: Option<u64>,
) -> Result<ToolVersion, ApiError> {
    let found = api.tools.version(&caller.workspace, id, version).await?;
    found.ok_or_else(|| match version {
        Some(version) => ApiError::not_found("tool", &format!("{id}' at version '{version}")),
        None => ApiError::not_found("tool", id),
    })
}
