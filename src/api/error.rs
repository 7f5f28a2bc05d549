//! What clients are told when something cannot be done.
//!
//! A handler returns an [`ApiError`]; [`super::envelope`] turns it into the API's error body, which carries the request's
//! id. The text is for the client; the cause, if any, goes to the log only.

use std::error::Error;
use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header::HeaderName};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::agent::AgentError;
use crate::resources::Invalid;
use crate::resources::agent::UpdateError;
use crate::store::{ListError, StoreError};
use crate::tools::{PushError, RegistryError};

/// A refusal or a failure.
#[derive(Debug, Clone)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    message: String,
    code: Option<&'static str>,
    retry: Option<Retry>,
    /// For the log.
    pub(super) cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// Overrides what the SDKs would do by themselves, which is to retry 408, 409, 429 and everything from 500 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Retry {
    Pointless,
}

impl ApiError {
    /// A refusal with a text for the client.
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            code: None,
            retry: None,
            cause: None,
        }
    }

    /// 404 for something that is not there, or belongs to another workspace.
    pub(super) fn not_found(kind: &str, id: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("{kind} '{id}' not found"))
    }

    /// 400 that names the field.
    pub(super) fn invalid(field: &str, problem: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, format!("{field}: {problem}"))
    }

    /// 500, with the cause for the log.
    pub(super) fn internal(cause: impl Error + Send + Sync + 'static) -> Self {
        Self {
            cause: Some(Arc::new(cause)),
            ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal server error")
        }
    }

    /// With a stable code.
    pub(super) fn with_code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// With the advice that asking again will change nothing.
    fn pointless_to_retry(mut self) -> Self {
        self.retry = Some(Retry::Pointless);
        self
    }

    /// The body clients read.
    pub(super) fn body(&self, request_id: &str) -> Value {
        let mut error = json!({"type": kind(self.status), "message": self.message});
        if let Some(code) = self.code {
            error["details"] = json!({ "error_code": code });
        }
        json!({"type": "error", "error": error, "request_id": request_id})
    }

    /// Headers beside the body.
    pub(super) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        let Retry::Pointless = self.retry?;
        Some((
            HeaderName::from_static("x-should-retry"),
            HeaderValue::from_static("false"),
        ))
    }
}

/// The error type that goes with a status.
fn kind(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        409 => "conflict_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        503 | 529 => "overloaded_error",
        500..=599 => "api_error",
        _ => "invalid_request_error",
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Invalid> for ApiError {
    fn from(refusal: Invalid) -> Self {
        let code = refusal.code;
        Self {
            code,
            ..Self::new(StatusCode::BAD_REQUEST, refusal.to_string())
        }
    }
}

impl From<UpdateError> for ApiError {
    fn from(error: UpdateError) -> Self {
        match error {
            UpdateError::Invalid(refusal) => refusal.into(),
            mismatch @ UpdateError::VersionMismatch { .. } => {
                Self::new(StatusCode::CONFLICT, mismatch.to_string()).pointless_to_retry()
            }
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::internal(error)
    }
}

impl From<serde_json::Error> for ApiError {
    /// Of a stored document: requests are read by [`super::body`], which refuses in its own words.
    fn from(error: serde_json::Error) -> Self {
        Self::internal(error)
    }
}

impl From<ListError> for ApiError {
    fn from(error: ListError) -> Self {
        match error {
            ListError::BadPage => Self::invalid("page", "not a page token of this listing"),
            ListError::Failed(error) => error.into(),
        }
    }
}

impl From<AgentError> for ApiError {
    fn from(error: AgentError) -> Self {
        match error {
            AgentError::NotFound => Self::new(StatusCode::NOT_FOUND, "session not found"),
            AgentError::Invalid { message } => Self::new(StatusCode::BAD_REQUEST, message),
            conflict @ AgentError::Conflict => {
                Self::new(StatusCode::CONFLICT, conflict.to_string())
            }
            stopping @ AgentError::Stopping => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, stopping.to_string())
            }
            AgentError::Store(error) => error.into(),
        }
    }
}

impl From<RegistryError> for ApiError {
    fn from(error: RegistryError) -> Self {
        Self::internal(error)
    }
}

impl From<PushError> for ApiError {
    fn from(error: PushError) -> Self {
        match error {
            PushError::Refused(refusal) => refusal.into(),
            mismatch @ PushError::Version { .. } => {
                Self::new(StatusCode::CONFLICT, mismatch.to_string()).pointless_to_retry()
            }
            PushError::Failed(error) => error.into(),
        }
    }
}
