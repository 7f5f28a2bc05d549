//! Around every request: an id, a log line, metrics, and the error body.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::Json;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use tracing::Instrument;

use super::error::ApiError;
use super::{Api, metrics};

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// Marks a response whose body is what the client is to read, even if it is an error.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finished;

/// Runs the request. Whatever comes of it, a panic too, the client gets an answer with a request id.
pub(super) async fn wrap(State(api): State<Api>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = api.ids.next("req");
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unknown", MatchedPath::as_str)
        .to_owned();
    let span = tracing::info_span!("request", id, %method, route);

    // A panic is a defect of ours. It ends this request and no other.
    let answer = AssertUnwindSafe(next.run(request))
        .catch_unwind()
        .instrument(span.clone())
        .await;
    let response = answer.unwrap_or_else(|_| {
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal server error").into_response()
    });
    let mut response = span.in_scope(|| with_error_body(response, &id));
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }

    let elapsed = started.elapsed();
    metrics::request(method.as_str(), &route, response.status().as_u16(), elapsed);
    span.in_scope(|| {
        tracing::info!(
            status = response.status().as_u16(),
            elapsed_us = elapsed.as_micros(),
            "answered"
        )
    });
    response
}

/// Gives every error the API's body, those of the framework too.
fn with_error_body(mut response: Response, request_id: &str) -> Response {
    if response.extensions_mut().remove::<Finished>().is_some() {
        return response;
    }
    let error = match response.extensions_mut().remove::<ApiError>() {
        Some(error) => error,
        None if response.status().is_client_error() || response.status().is_server_error() => {
            let status = response.status();
            ApiError::new(
                status,
                status.canonical_reason().unwrap_or("error").to_lowercase(),
            )
        }
        None => return response,
    };
    if let Some(cause) = &error.cause {
        tracing::error!(error = %chain(cause.as_ref()), "request failed");
    }
    let mut rendered = (error.status, Json(error.body(request_id))).into_response();
    for (name, value) in response.headers() {
        // Of what the framework had to say, `allow` is worth keeping.
        if name == header::ALLOW {
            rendered.headers_mut().insert(name.clone(), value.clone());
        }
    }
    rendered.headers_mut().extend(error.header());
    rendered
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
