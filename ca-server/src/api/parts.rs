//! Query and path of a request, read as what a route takes. Knows axum's readers; keeps their words from the asker, because
//! they repeat what was sent (T-70), and answers with a problem document as everything else does.

use axum::extract::{FromRequestParts, Path as AnyPath, Query as AnyQuery};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::error::ApiError;

/// The query.
pub(super) struct Query<T>(pub(super) T);

/// The parameters in the path.
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match AnyQuery::from_request_parts(parts, state).await {
            Ok(AnyQuery(query)) => Ok(Self(query)),
            Err(_) => Err(ApiError::malformed("the query is not one that this path takes")),
        }
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match AnyPath::from_request_parts(parts, state).await {
            Ok(AnyPath(path)) => Ok(Self(path)),
            Err(_) => Err(ApiError::malformed("the path holds something else than belongs there")),
        }
    }
}
