//! `POST /v1/revoke`: end certificates before their time. One entry; CRL and feed follow it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use ledger::entry::{Predicate, RevocationReason};
use policies::request::Act;
use protocol::limits::MAX_REQUEST_OCTETS;
use protocol::revoke::{RevokeRequest, Revoked, Target};

use super::asking::From;
use super::error::ApiError;
use super::issue::receipt;
use super::{body, operate};
use crate::apply::hash_of_serials;
use crate::decide::Command;
use crate::decide::revoke::Revoke;
use crate::service::Service;
use protocol::problem::Problem;

/// Revokes, or tells what it would hit.
#[utoipa::path(
    post,
    path = "/v1/revoke",
    operation_id = "revoke",
    tag = "admin",
    request_body = RevokeRequest,
    responses((status = 200, description = "The answer", body = Revoked), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn revoke(
    State(service): State<Arc<Service>>,
    Extension(peer): From,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Revoked>, ApiError> {
    let request: RevokeRequest = body::json(&headers, body, MAX_REQUEST_OCTETS).await?;
    let (by, predicate) = match request.target {
        Target::Serial(serial) => ("serial", Predicate::Serial(serial)),
        Target::Agent(id) => ("agent", Predicate::Agent(id)),
        Target::Host(host) => ("host", Predicate::Host(host)),
        Target::Key(key) => ("key", Predicate::Key(key)),
    };
    let named = request.reason.as_deref().unwrap_or("unspecified");
    let reason: RevocationReason = serde_json::from_value(serde_json::Value::String(named.to_owned()))
        .map_err(|_| ApiError::malformed("no such reason; see RFC 5280, section 5.3.1, for example key-compromise"))?;
    let hits = service.read(service.now(), |draft| draft.hits(&predicate));
    let count = u64::try_from(hits.len()).unwrap_or(u64::MAX);
    let who = operate::permitted(&service, &peer, Act::Revoke { by, reason: named, count })?;
    if request.dry_run {
        return Ok(Json(Revoked { count, serials: hash_of_serials(&hits), index: None, receipt: None }));
    }
    let command = Revoke { predicate, reason, comment: request.comment };
    let recorded = service.submit(who.caller.actor(), request.request, Command::Revoke(Box::new(command))).await?;
    let ledger::entry::Body::CertificatesRevoked(body) = recorded.body() else {
        return Err(ApiError::internal(&std::io::Error::other("a revocation was recorded as something else")));
    };
    Ok(Json(Revoked {
        count: body.count,
        serials: body.serials,
        index: Some(recorded.index()),
        receipt: Some(receipt(&recorded)),
    }))
}
