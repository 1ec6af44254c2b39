//! `POST /v1/renew`: a host renews its own certificate, or that of one of its agents. The live certificate is the proof.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use identity::{HostId, Serial, SpiffeId, Timestamp};
use ledger::entry::Actor;
use policies::request::{Host, Request};
use policies::{Cutoff, Name, Profile, Wanted};
use protocol::enroll::{Issued, RenewRequest};
use protocol::limits::MAX_REQUEST_OCTETS;

use super::asking::From;
use super::error::ApiError;
use super::issue::{ATTEMPTS, Outcome, answer, issue};
use super::{agents, asking, body, operate};
use crate::attestation::claims_of_entry;
use crate::caller::HostCaller;
use crate::csr::{self, OpenedCsr};
use crate::decision::{CutoffAt, Grant, Supersession};
use crate::refusal::Refusal;
use crate::rules_in_force::Ready;
use crate::service::Service;
use crate::state::rows::{HostRow, Party, seconds};
use protocol::problem::Problem;

/// Renews.
#[utoipa::path(
    post,
    path = "/v1/renew",
    operation_id = "renew",
    tag = "hosts",
    request_body = RenewRequest,
    responses((status = 200, description = "The answer", body = Issued), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn renew(
    State(service): State<Arc<Service>>,
    Extension(peer): From,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Issued>, ApiError> {
    let caller = asking::host(&service, &peer)?;
    let request: RenewRequest = body::json(&headers, body, MAX_REQUEST_OCTETS).await?;
    let mut stale = ApiError::busy();
    for _ in 0..ATTEMPTS {
        let csr = csr::open(&request.csr.0)?;
        let grant = decide(&service, &caller, request.renews, &csr)?;
        match issue(&service, Actor::Host(caller.host), request.request, grant, csr).await? {
            Outcome::Signed(recorded, signed) => return Ok(Json(answer(&service, &recorded, &signed)?)),
            Outcome::Stale(error) => stale = error,
        }
    }
    Err(stale)
}

/// What is renewed: the host's own certificate or an agent's.
struct Renewed {
    spiffe_id: SpiffeId,
    is_host: bool,
    not_after: Timestamp,
}

fn decide(service: &Service, caller: &HostCaller, renews: Serial, csr: &OpenedCsr) -> Result<Grant, ApiError> {
    let rules = service.rules().map_err(|error| ApiError::internal(&error))?;
    let now = service.now();
    let (host, renewed) = service.read(now, |draft| {
        let row = draft.certificate(&renews).ok_or(Refusal::CertificateUnknown)?;
        let holder = draft.holder(row.holder).ok_or(Refusal::CertificateUnknown)?;
        if holder.party.host() != Some(caller.host) {
            return Err(Refusal::CertificateOfAnother);
        }
        let is_host = matches!(holder.party, Party::Host(_));
        let host = draft.host(&caller.host).ok_or(Refusal::HostUnknown)?.clone();
        Ok((host, Renewed { spiffe_id: holder.spiffe_id.clone(), is_host, not_after: seconds(row.not_after) }))
    })?;
    let profile = profile_of(&rules, &host)?;
    if renewed.is_host {
        own(caller.host, &host, profile, &rules, (renews, &renewed), csr, now)
    } else {
        let agent = agents::Asked { host_id: caller.host, host: &host, profile, rules: &rules, csr };
        let superseded = |cutoff| superseded(renews, &renewed, profile, cutoff, now);
        agents::renewal(service, &agent, &renewed.spiffe_id, superseded)
    }
}

fn own(
    id: HostId,
    host: &HostRow,
    profile: &Profile,
    rules: &Ready,
    (serial, renewed): (Serial, &Renewed),
    csr: &OpenedCsr,
    now: Timestamp,
) -> Result<Grant, ApiError> {
    reattested(host, profile, now)?;
    let claims = claims_of_entry(&host.claims).map_err(|error| ApiError::internal(&error))?;
    let dns_names = profile.render_dns_names(&claims).map_err(|error| ApiError::internal(&error))?;
    let wanted = Wanted::host_again(profile, renewed.spiffe_id.clone(), dns_names, csr.key_kind())?;
    let asker = Host { id: &host.spiffe_id, profile: profile.name() };
    let permit = operate::permit(&rules.set, &Request::renew(asker, &wanted, None))?;
    let superseded = superseded(serial, renewed, profile, profile.cutoff(), now);
    Grant::renewal(id, superseded, permit, rules.in_force).map_err(|error| ApiError::internal(&error))
}

/// Where the profile wants new evidence from time to time, a host renews only within that time; after it, it enrols again
/// with the key it is bound to.
fn reattested(host: &HostRow, profile: &Profile, now: Timestamp) -> Result<(), ApiError> {
    match profile.reattest_after() {
        Some(after) if now.since(host.attested_at) > after.as_duration() => Err(ApiError::refused(
            "reattestation-due",
            format!("the host last proved what it is at {}, its profile asks for that every {after}", host.attested_at),
            "enrol again with fresh evidence and the host's key",
        )),
        _ => Ok(()),
    }
}

/// When the renewed certificate ends: after the profile's grace, unless it runs out before, or simply expires.
fn superseded(serial: Serial, renewed: &Renewed, profile: &Profile, cutoff: Cutoff, now: Timestamp) -> Supersession {
    let at = now.plus(profile.grace().as_duration());
    let left = renewed.not_after.since(at);
    let cutoff = match cutoff {
        Cutoff::Refuse | Cutoff::Revoke if !left.is_zero() => {
            Some(CutoffAt { at, revoke: cutoff == Cutoff::Revoke && left > NOT_WORTH_A_CRL })
        }
        Cutoff::Expire | Cutoff::Refuse | Cutoff::Revoke => None,
    };
    Supersession { serial, cutoff }
}

/// A certificate with no more than this left to live at its cutoff is not worth a place on CRLs (design, section 5).
const NOT_WORTH_A_CRL: Duration = Duration::from_secs(10 * 60);

/// The profile of a host's class.
///
/// # Errors
/// The bundle in force has no such profile any more: its hosts get nothing.
pub(super) fn profile_of<'a>(rules: &'a Ready, host: &HostRow) -> Result<&'a Profile, ApiError> {
    rules.set.profiles().profile(&host.profile).ok_or_else(|| {
        ApiError::refused(
            "profile-gone",
            format!("the policy in force has no profile {}", host.profile),
            "an admin loads a policy that has it, or evicts the host so that it enrols under another",
        )
    })
}

/// A host as policies see it.
///
/// # Errors
/// Its profile's name is not one: our failure, for it was checked when the host enrolled.
pub(super) fn name_of(profile: &str) -> Result<Name, ApiError> {
    Name::parse(profile).map_err(|error| ApiError::internal(&error))
}
