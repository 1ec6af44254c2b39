//! How the server is: sizes, authorities, policy, counters, followers.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use identity::{KeyIdentifier, Timestamp};
use ledger::entry::{AuthorityRole, AuthorityState};
use policies::request::Read;
use protocol::problem::Problem;
use serde::Serialize;

use super::super::asking::From;
use super::super::error::ApiError;
use super::may_read;
use crate::service::Service;
use crate::state::Counters;

/// `GET /v1/admin/status`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Status {
    trust_domain: String,
    origin: String,
    size: u64,
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9-]{10}T[0-9:.]{12}Z$")]
    newest_entry: Timestamp,
    issuing: bool,
    halted: Option<String>,
    policy: Option<u64>,
    hosts: usize,
    certificates: usize,
    counters: Counts,
    authorities: Vec<Authority>,
    feed_events: u64,
    /// Hosts that have applied the newest revocation, out of those that follow.
    followers_current: usize,
    followers: usize,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Counts {
    certificates: u64,
    renewals: u64,
    revoked: u64,
    refused: u64,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Authority {
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9a-f]{40}$")]
    id: KeyIdentifier,
    #[schema(value_type = String, pattern = "^(root|issuer)$")]
    role: AuthorityRole,
    #[schema(value_type = String, pattern = "^(prepared|published|active|retiring|retired|compromised)$")]
    state: AuthorityState,
    #[serde(with = "identity::text")]
    #[schema(value_type = String, pattern = "^[0-9-]{10}T[0-9:.]{12}Z$")]
    not_after: Timestamp,
}

/// How the server is.
#[utoipa::path(
    get,
    path = "/v1/admin/status",
    operation_id = "status",
    tag = "admin",
    responses((status = 200, description = "The answer", body = Status), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn status(
    State(service): State<Arc<Service>>,
    Extension(peer): From,
) -> Result<Json<Status>, ApiError> {
    may_read(&service, &peer, Read::Status)?;
    let halted = service.live().halted();
    let newest = service.read(service.now(), |draft| draft.scalars().newest_revocation);
    let (followers_current, followers) = service.followers.at_least(newest);
    Ok(Json(service.read(service.now(), |draft| {
        let scalars = draft.scalars();
        let Counters { certificates, renewals, revoked, refused } = scalars.counters;
        let mut authorities: Vec<_> = draft.authorities().collect();
        authorities.sort_unstable_by_key(|(_, row)| row.number);
        Status {
            trust_domain: service.fixed.trust_domain.to_string(),
            origin: scalars.origin.clone(),
            size: scalars.size,
            newest_entry: scalars.time,
            issuing: halted.is_none(),
            halted,
            policy: scalars.policy.map(|policy| policy.index),
            hosts: draft.hosts().count(),
            certificates: draft.certificates().count(),
            counters: Counts { certificates, renewals, revoked, refused },
            authorities: authorities
                .into_iter()
                .map(|(id, row)| Authority { id, role: row.role, state: row.state, not_after: row.not_after })
                .collect(),
            feed_events: scalars.feed.count(),
            followers_current,
            followers,
        }
    })))
}

/// A SHA-256 per view and per table of State: two servers with the same ledger give the same, and so does a rebuild.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Digests {
    size: u64,
    state: BTreeMap<&'static str, String>,
    views: Option<ViewDigests>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ViewDigests {
    size: u64,
    views: BTreeMap<String, String>,
}

/// Digests of State and views.
#[utoipa::path(
    get,
    path = "/v1/admin/views",
    operation_id = "views",
    tag = "admin",
    responses((status = 200, description = "The answer", body = Digests), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn views(
    State(service): State<Arc<Service>>,
    Extension(peer): From,
) -> Result<Json<Digests>, ApiError> {
    may_read(&service, &peer, Read::Status)?;
    let digests = tokio::task::spawn_blocking(move || digests(&service)).await;
    digests.map_err(|error| ApiError::internal(&error))?.map(Json)
}

fn digests(service: &Service) -> Result<Digests, ApiError> {
    // A copy, so that the committer waits for that and for nothing else.
    let state = service.live().state().clone();
    let views = service.views.get().map(|views| {
        let found = views.digests().map_err(|error| ApiError::internal(&error))?;
        let views_size = views.size();
        let named = found.into_iter().map(|(view, digest)| (view.as_str().to_owned(), digest.to_string())).collect();
        Ok::<_, ApiError>(ViewDigests { size: views_size, views: named })
    });
    Ok(Digests {
        size: state.size(),
        state: state.digests().into_iter().map(|(name, digest)| (name, digest.to_string())).collect(),
        views: views.transpose()?,
    })
}
