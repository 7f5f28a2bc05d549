//! Request bodies: JSON whatever the content type says, bounded, and empty where nothing is asked for.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Map, Value};

use super::Api;
use super::error::ApiError;

/// Largest request body (32 MB, API reference).
pub(super) const BODY_BYTES_MAX: usize = 32 * 1024 * 1024;

/// How much more of a body that is too large is read and thrown away, so that a client still sending gets to read the
/// refusal instead of a broken connection.
const DRAINED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What is kept of a body lies inside of other objects, and JSON is read back 128 deep.
const DEPTH_MAX: usize = 100;

/// A JSON body.
#[derive(Debug)]
pub(super) struct JsonBody(pub(super) Value);

impl FromRequest<Api> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &Api) -> Result<Self, ApiError> {
        let bytes = read(request).await?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(ApiError::invalid(
                "body",
                "must be a JSON object, but is empty",
            ));
        }
        parse(&bytes).map(Self)
    }
}

/// A JSON body where none is needed: an empty one is an empty object.
#[derive(Debug)]
pub(super) struct OptionalJsonBody(pub(super) Value);

impl FromRequest<Api> for OptionalJsonBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &Api) -> Result<Self, ApiError> {
        let bytes = read(request).await?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self(Value::Object(Map::new())));
        }
        parse(&bytes).map(Self)
    }
}

async fn read(request: Request) -> Result<Vec<u8>, ApiError> {
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok())
        .unwrap_or(0);
    collect(request.into_body(), announced).await
}

fn parse(bytes: &[u8]) -> Result<Value, ApiError> {
    let body = serde_json::from_slice(bytes)
        .map_err(|error| ApiError::invalid("body", format!("invalid JSON: {error}")))?;
    if depth(&body) > DEPTH_MAX {
        let reason = format!("is nested deeper than {DEPTH_MAX}");
        return Err(ApiError::invalid("body", reason));
    }
    Ok(body)
}

/// Objects and lists inside each other.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

async fn collect(mut body: Body, announced: usize) -> Result<Vec<u8>, ApiError> {
    let too_large = || {
        ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the request body is larger than {BODY_BYTES_MAX} bytes"),
        )
    };
    if announced > DRAINED_BYTES_MAX {
        return Err(too_large());
    }
    let mut collected = Vec::with_capacity(announced.min(BODY_BYTES_MAX));
    let mut total = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame
            .map_err(|error| ApiError::invalid("body", format!("could not be read: {error}")))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        total += data.len();
        if total > DRAINED_BYTES_MAX {
            return Err(too_large());
        }
        if total > BODY_BYTES_MAX {
            collected = Vec::new();
            continue;
        }
        collected.extend_from_slice(&data);
    }
    if total > BODY_BYTES_MAX {
        Err(too_large())
    } else {
        Ok(collected)
    }
}
