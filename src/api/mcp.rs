//! `/mcp`: the workspace's tools over the Model Context Protocol. What is said there is [`crate::mcp`]'s affair; here is who
//! may say it.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::Response;

use super::Api;
use super::auth::Caller;
use super::envelope::Finished;
use super::error::ApiError;
use crate::mcp::{Client, KeyGrants};

/// `POST`, `GET` and `DELETE /mcp`.
pub(super) async fn handle(
    State(api): State<Api>,
    caller: Caller,
    request: Request,
) -> Result<Response, ApiError> {
    let grants = match &caller.grants {
        Some(stored) => KeyGrants::parse(stored).map_err(ApiError::internal)?,
        None => KeyGrants::default(),
    };
    let client = Client {
        key: &caller.key,
        workspace: &caller.workspace,
        grants: &grants,
    };
    let is_end = request.method() == Method::DELETE;
    let answer = api.mcp.handle(client, request).await;
    let mut response = answer
        .map_err(|full| ApiError::new(StatusCode::TOO_MANY_REQUESTS, full.to_string()))?
        .map(Body::new);
    if is_end && response.status() == StatusCode::ACCEPTED {
        // Clients take 202 for a session that lives on.
        *response.status_mut() = StatusCode::NO_CONTENT;
    }
    // The protocol has errors of its own.
    response.extensions_mut().insert(Finished);
    Ok(response)
}
