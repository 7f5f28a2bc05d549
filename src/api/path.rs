//! Ids in paths.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::Api;
use super::error::ApiError;

/// The one id of a route.
#[derive(Debug)]
pub(super) struct Id(pub(super) String);

impl FromRequestParts<Api> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let Path(id) = Path::<String>::from_request_parts(parts, api)
            .await
            .map_err(|_| ApiError::invalid("path", "the id is not readable text"))?;
        Ok(Self(id))
    }
}
