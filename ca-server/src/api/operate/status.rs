//! How the server is: sizes, authorities, policy, counters, followers.

use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use identity::{KeyIdentifier, Timestamp};
use ledger::entry::{AuthorityRole, AuthorityState};
use policies::request::Read;
use serde::Serialize;

use super::super::asking::From;
use super::super::error::ApiError;
use super::may_read;
use crate::service::Service;
use crate::state::Counters;

/// `GET /v1/admin/status`.
#[derive(Debug, Serialize)]
pub(super) struct Status {
    trust_domain: String,
    origin: String,
    size: u64,
    #[serde(with = "identity::text")]
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

#[derive(Debug, Serialize)]
struct Counts {
    certificates: u64,
    renewals: u64,
    revoked: u64,
    refused: u64,
}

#[derive(Debug, Serialize)]
struct Authority {
    #[serde(with = "identity::text")]
    id: KeyIdentifier,
    role: AuthorityRole,
    state: AuthorityState,
    #[serde(with = "identity::text")]
    not_after: Timestamp,
}

/// How the server is.
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
