//! Who is asking: an API key, in either of the two headers the SDKs send, and the workspace it belongs to.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Api;
use super::error::ApiError;

/// A request with a valid key. All it may see is its workspace.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) workspace: String,
    /// The key's id.
    pub(super) key: String,
    /// What the key may do over MCP, as it is stored.
    pub(super) grants: Option<Value>,
}

impl FromRequestParts<Api> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let secret = secret(&parts.headers)?;
        let digest: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        let key = api.keys.find_by_secret(digest).await?;
        let Some(key) = key.filter(|key| key.revoked_at.is_none()) else {
            return Err(unauthenticated("invalid API key"));
        };
        if let Some(named) = parts.headers.get("anthropic-workspace-id")
            && named.as_bytes() != key.workspace.as_bytes()
        {
            return Err(ApiError::new(
                StatusCode::FORBIDDEN,
                "anthropic-workspace-id: the API key belongs to another workspace",
            ));
        }
        Ok(Self {
            workspace: key.workspace,
            key: key.id,
            grants: key.grants,
        })
    }
}

/// `Authorization: Bearer KEY` from SDKs since 2.0, `x-api-key: KEY` from older ones and from curl.
fn secret(headers: &HeaderMap) -> Result<&str, ApiError> {
    let text = |name: &str| {
        headers.get(name).map(|value| {
            value
                .to_str()
                .map_err(|_| unauthenticated("the API key is not readable text"))
        })
    };
    if let Some(authorization) = text(header::AUTHORIZATION.as_str()) {
        let authorization = authorization?;
        let bearer = authorization
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        return match bearer.map(|(_, secret)| secret.trim()) {
            Some(secret) if !secret.is_empty() => Ok(secret),
            _ => Err(unauthenticated(
                "authorization: must be 'Bearer' and an API key",
            )),
        };
    }
    match text("x-api-key").transpose()?.map(str::trim) {
        Some(secret) if !secret.is_empty() => Ok(secret),
        _ => Err(unauthenticated(
            "an API key is required: 'Authorization: Bearer KEY' or 'x-api-key: KEY'",
        )),
    }
}

fn unauthenticated(message: &str) -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, message)
}
