//! Multipart bodies: a component and what is said about it, bounded, and whole before anything is done with them.

use axum::RequestExt;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::StatusCode;
use bytes::{Bytes, BytesMut};

use super::Api;
use super::error::ApiError;

/// The largest manifest: a description and a schema at their largest, and some room.
const MANIFEST_BYTES_MAX: usize = 512 * 1024;
const VERSION_BYTES_MAX: usize = 20;
/// Boundaries and headers of the parts.
const FRAMING_BYTES: usize = 64 * 1024;
/// How much of a body that is too large is read and thrown away, so that a client still sending gets to read the refusal
/// instead of a broken connection.
const DRAINED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The parts of a push.
#[derive(Debug, Default)]
pub(super) struct Upload {
    pub(super) component: Bytes,
    pub(super) manifest: Option<String>,
    pub(super) version: Option<u64>,
}

impl FromRequest<Api> for Upload {
    type Rejection = ApiError;

    async fn from_request(mut request: Request, api: &Api) -> Result<Self, ApiError> {
        let component_bytes_max = api.component_bytes_max;
        let body_bytes_max = component_bytes_max + MANIFEST_BYTES_MAX + FRAMING_BYTES;
        DefaultBodyLimit::max(body_bytes_max + DRAINED_BYTES_MAX).apply(&mut request);
        let mut multipart: Multipart = request.extract().await.map_err(|_| {
            ApiError::invalid(
                "body",
                "must be multipart/form-data with a part named 'component'",
            )
        })?;
        let (mut component, mut manifest, mut version) = (None, None, None);
        while let Some(field) = multipart.next_field().await.map_err(unreadable)? {
            let name = field.name().unwrap_or_default().to_owned();
            let (part, bytes_max) = match name.as_str() {
                "component" => (&mut component, component_bytes_max),
                "manifest" => (&mut manifest, MANIFEST_BYTES_MAX),
                "version" => (&mut version, VERSION_BYTES_MAX),
                other => {
                    let problem = format!(
                        "unknown part '{other}', expected 'component', 'manifest' or 'version'"
                    );
                    return Err(drained(multipart, ApiError::invalid("body", problem)).await);
                }
            };
            if part.is_some() {
                let twice = ApiError::invalid(&name, "is there twice");
                return Err(drained(multipart, twice).await);
            }
            match read(field, bytes_max).await? {
                Some(bytes) => *part = Some(bytes),
                None => {
                    let problem = format!("{name}: is larger than {bytes_max} bytes");
                    let error = ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, problem);
                    return Err(drained(multipart, error).await);
                }
            }
        }
        let text = |name: &str, bytes: Option<Bytes>| {
            let text = bytes.map(|bytes| String::from_utf8(bytes.into()));
            text.transpose()
                .map_err(|_| ApiError::invalid(name, "must be UTF-8 text"))
        };
        Ok(Self {
            component: component.ok_or_else(|| ApiError::invalid("component", "part required"))?,
            manifest: text("manifest", manifest)?,
            version: text("version", version)?
                .map(|text| match text.trim().parse() {
                    Ok(version) if version > 0 => Ok(version),
                    _ => Err(ApiError::invalid("version", "must be a positive integer")),
                })
                .transpose()?,
        })
    }
}

/// A part's bytes; none when there are more than `bytes_max`, and then all of it was read.
async fn read(mut field: Field<'_>, bytes_max: usize) -> Result<Option<Bytes>, ApiError> {
    let mut bytes = BytesMut::new();
    let mut fits = true;
    while let Some(chunk) = field.chunk().await.map_err(unreadable)? {
        fits &= bytes.len() + chunk.len() <= bytes_max;
        if fits {
            bytes.extend_from_slice(&chunk);
        } else {
            bytes = BytesMut::new();
        }
    }
    Ok(fits.then(|| bytes.freeze()))
}

/// Reads what is left, so that the refusal arrives.
async fn drained(mut multipart: Multipart, refusal: ApiError) -> ApiError {
    while let Ok(Some(_)) = multipart.next_field().await {}
    refusal
}

/// The body is no multipart body, ends before it should, or is far too large.
fn unreadable(error: MultipartError) -> ApiError {
    ApiError::new(error.status(), format!("body: {}", error.body_text()))
}
