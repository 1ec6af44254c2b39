//! Hosts and certificates: listed; hosts evicted, banned, unbanned.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use identity::{HostId, Serial, SpiffeId};
use policies::Name;
use policies::request::{Act, Host, Read};
use protocol::admin::{CertificateView, Done, HostView, StandHost};
use protocol::limits::MAX_REQUEST_OCTETS;
use protocol::problem::Problem;
use serde::Deserialize;

use super::super::asking::From;
use super::super::body;
use super::super::error::ApiError;
use super::super::parts::{Path, Query};
use super::{done, may_read, permitted};
use crate::decide::{Command, host};
use crate::draft::Draft;
use crate::refusal::Refusal;
use crate::service::Service;
use crate::state::rows::{CertificateRow, HostRow, Standing, seconds};

/// Changes the standing of a host.
#[utoipa::path(
    post,
    path = "/v1/admin/hosts/{id}/standing",
    operation_id = "stand_host",
    tag = "admin",
    params(("id" = String, Path, description = "Random id of the host")),
    request_body = StandHost,
    responses((status = 200, description = "The answer", body = Done), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn stand(
    State(service): State<Arc<Service>>,
    Extension(peer): From,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Done>, ApiError> {
    let request: StandHost = body::json(&headers, body, MAX_REQUEST_OCTETS).await?;
    let id: HostId = id.parse().map_err(|_| Refusal::HostUnknown)?;
    let row = service.read(service.now(), |draft| draft.host(&id).cloned()).ok_or(Refusal::HostUnknown)?;
    let profile = Name::parse(&row.profile).map_err(|error| ApiError::internal(&error))?;
    let facts = Host { id: &row.spiffe_id, profile: &profile };
    let (act, change) = match request.change.as_str() {
        "evict" => (Act::EvictHost(facts), host::Change::Evict),
        "ban" => (Act::BanHost(facts), host::Change::Ban),
        "unban" => (Act::UnbanHost(facts), host::Change::Unban),
        _ => return Err(ApiError::malformed("change is evict, ban or unban")),
    };
    let who = permitted(&service, &peer, act)?;
    let command = host::StandHost { host: id, change, reason: request.reason };
    Ok(Json(done(&service, &who.caller, request.request, Command::StandHost(Box::new(command))).await?))
}

/// All hosts, by identity.
#[utoipa::path(
    get,
    path = "/v1/admin/hosts",
    operation_id = "hosts",
    tag = "admin",
    responses((status = 200, description = "The answer", body = Vec<HostView>), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Extension(peer): From,
) -> Result<Json<Vec<HostView>>, ApiError> {
    may_read(&service, &peer, Read::Hosts)?;
    let mut hosts: Vec<HostView> =
        service.read(service.now(), |draft| draft.hosts().filter_map(|(id, row)| view(id, row)).collect());
    hosts.sort_unstable_by(|a, b| a.spiffe_id.cmp(&b.spiffe_id));
    Ok(Json(hosts))
}

/// Which certificates to list.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    /// Those with this identity.
    spiffe_id: Option<String>,
    /// Those of this host and its agents.
    host: Option<String>,
}

/// Certificates that have not expired, by identity and serial; at most [`MAX_LISTED`].
#[utoipa::path(
    get,
    path = "/v1/admin/certificates",
    operation_id = "certificates",
    tag = "admin",
    params(Which),
    responses((status = 200, description = "The answer", body = Vec<CertificateView>), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn certificates(
    State(service): State<Arc<Service>>,
    Extension(peer): From,
    Query(which): Query<Which>,
) -> Result<Json<Vec<CertificateView>>, ApiError> {
    may_read(&service, &peer, Read::Certificates)?;
    let malformed = |_| ApiError::malformed("spiffe_id or host is not one");
    let spiffe_id =
        which.spiffe_id.map(|text| text.parse::<SpiffeId>()).transpose().map_err(|e| malformed(e.to_string()))?;
    let host = which.host.map(|text| text.parse::<HostId>()).transpose().map_err(|e| malformed(e.to_string()))?;
    let mut found: Vec<CertificateView> = service.read(service.now(), |draft| {
        let all = draft.certificates().filter_map(|(serial, row)| {
            let holder = draft.holder(row.holder)?;
            let wanted = spiffe_id.as_ref().is_none_or(|id| *id == holder.spiffe_id)
                && host.is_none_or(|id| holder.party.host() == Some(id));
            wanted.then(|| certificate(draft, serial, row, &holder.spiffe_id))
        });
        all.take(MAX_LISTED).collect()
    });
    found.sort_unstable_by(|a, b| (&a.spiffe_id, a.serial).cmp(&(&b.spiffe_id, b.serial)));
    Ok(Json(found))
}

fn certificate(draft: &Draft<'_>, serial: Serial, row: &CertificateRow, spiffe_id: &SpiffeId) -> CertificateView {
    let state = match (draft.revocation(&serial), row.superseded_by) {
        (Some(_), _) => "revoked",
        (None, 0) => "current",
        (None, _) => "superseded",
    };
    CertificateView {
        serial,
        spiffe_id: spiffe_id.clone(),
        not_after: seconds(row.not_after),
        state: state.to_owned(),
        index: row.index,
    }
}

fn view(host: HostId, row: &HostRow) -> Option<HostView> {
    let standing = match row.standing {
        Standing::Good => "good",
        Standing::Evicted => "evicted",
        Standing::Banned => "banned",
    };
    Some(HostView {
        host,
        spiffe_id: row.spiffe_id.clone(),
        profile: row.profile.clone(),
        standing: standing.to_owned(),
        attested_at: row.attested_at,
        newest: Serial::from_bytes(row.newest).ok()?,
        not_after: row.not_after,
        claims: serde_json::to_value(&row.claims).unwrap_or_default(),
    })
}

/// Certificates in one answer: more is for `ledger find`, which asks the views.
const MAX_LISTED: usize = 10_000;
