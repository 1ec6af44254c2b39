//! Whether the server serves, and what a client that has only a token starts from. For anybody.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use protocol::problem::Problem;
use serde::Serialize;

use super::error::ApiError;
use crate::service::Service;

/// `GET /v1/health`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Health {
    status: &'static str,
    size: u64,
}

/// It issues, or says that it does not.
#[utoipa::path(
    get,
    path = "/v1/health",
    operation_id = "health",
    tag = "anybody",
    responses((status = 200, description = "The answer", body = Health), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn health(State(service): State<Arc<Service>>) -> Result<Json<Health>, ApiError> {
    if let Some(why) = service.live().halted() {
        tracing::warn!(why, "asked for its health while nothing is recorded");
        return Err(ApiError::busy());
    }
    Ok(Json(Health { status: "ok", size: service.live().head().size }))
}

/// The octets of `trust.json`. Whoever fetches them checks their hash against that in the join token.
#[utoipa::path(
    get,
    path = "/v1/trust",
    operation_id = "trust",
    tag = "anybody",
    responses((status = 200, description = "The answer", body = protocol::trust::Trust), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn trust(State(service): State<Arc<Service>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], service.fixed.trust.to_vec())
}
