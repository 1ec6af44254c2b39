//! Entries, whole: one with its proof, or many in order. For persons and the root of the admin socket.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::{Extension, Json};
use policies::request::Read;
use protocol::Binary;
use protocol::enroll::ReceiptMessage;
use protocol::problem::{Problem, ProblemKind};
use serde::Deserialize;

use super::super::asking::From;
use super::super::error::ApiError;
use super::super::parts::{Path, Query};
use super::may_read;
use crate::live::ReadError;
use crate::service::Service;

/// One entry with its proof.
#[utoipa::path(
    get,
    path = "/v1/admin/ledger/{index}",
    operation_id = "entry",
    tag = "admin",
    params(("index" = u64, Path, description = "Index of the entry")),
    responses((status = 200, description = "The answer", body = ReceiptMessage), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Extension(peer): From,
    Path(index): Path<u64>,
) -> Result<Json<ReceiptMessage>, ApiError> {
    may_read(&service, &peer, Read::Ledger)?;
    let found = tokio::task::spawn_blocking(move || service.live().receipt(index)).await;
    let (bytes, _, receipt) = found.map_err(|error| ApiError::internal(&error))?.map_err(|error| missing(&error))?;
    Ok(Json(ReceiptMessage { entry: Binary(bytes.to_vec()), proof: receipt.proof }))
}

/// The newest checkpoint, which every entry recorded so far is under.
#[utoipa::path(
    get,
    path = "/v1/admin/ledger/checkpoint",
    operation_id = "checkpoint",
    tag = "admin",
    responses((status = 200, description = "The answer", body = String, content_type = "text/plain"), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn checkpoint(
    State(service): State<Arc<Service>>,
    Extension(peer): From,
) -> Result<impl IntoResponse, ApiError> {
    may_read(&service, &peer, Read::Ledger)?;
    let checkpoint = service.live().head().checkpoint.ok_or_else(|| ApiError::new(ProblemKind::NotFound))?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], checkpoint.as_str().to_owned()))
}

/// Where to begin, and how many.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Range {
    from: u64,
    #[serde(default = "Range::most")]
    limit: usize,
}

impl Range {
    fn most() -> usize {
        MAX_ENTRIES
    }
}

/// Entries in order, one a line, as they were written. Empty at the end of the ledger.
#[utoipa::path(
    get,
    path = "/v1/admin/ledger",
    operation_id = "entries",
    tag = "admin",
    params(Range),
    responses((status = 200, description = "The answer", body = String, content_type = "application/x-ndjson"), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn read(
    State(service): State<Arc<Service>>,
    Extension(peer): From,
    Query(range): Query<Range>,
) -> Result<impl IntoResponse, ApiError> {
    may_read(&service, &peer, Read::Ledger)?;
    let read = tokio::task::spawn_blocking(move || lines(&service, &range)).await;
    let lines = read.map_err(|error| ApiError::internal(&error))??;
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], lines))
}

fn lines(service: &Service, range: &Range) -> Result<Vec<u8>, ApiError> {
    let (mut lines, mut next, mut left) = (Vec::new(), range.from, range.limit.min(MAX_ENTRIES));
    while left > 0 && next < service.live().head().size {
        for entry in service.live().read(next).map_err(|error| missing(&error))?.iter().take(left) {
            lines.extend_from_slice(entry);
            lines.push(b'\n');
            next = next.saturating_add(1);
            left = left.saturating_sub(1);
        }
    }
    Ok(lines)
}

fn missing(error: &ReadError) -> ApiError {
    match error {
        ReadError::NotThere { .. } => ApiError::new(ProblemKind::NotFound),
        ReadError::Log(_) | ReadError::Entry(_) | ReadError::Proof(_) => ApiError::internal(error),
    }
}

/// Entries in one answer: at 1.3 kB each about a megabyte.
const MAX_ENTRIES: usize = 1000;
