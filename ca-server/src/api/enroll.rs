//! `POST /v1/challenge` and `/v1/enroll`: a stranger shows what it is and becomes a host.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use identity::{HostId, KeyHash};
use ledger::entry::Actor;
use policies::Wanted;
use policies::profile::pick::Wish;
use policies::request::{Evidence, Request};
use protocol::enroll::{BoundKey, Challenge, ChallengeRequest, EnrollRequest, Issued};
use protocol::limits::{MAX_EVIDENCE_OCTETS, MAX_NONCE_OCTETS, MAX_REQUEST_OCTETS};

use super::asking::From;
use super::error::ApiError;
use super::issue::{ATTEMPTS, Outcome, answer, issue};
use super::{body, operate, renew};
use crate::attestation::nonce::CheckedNonce;
use crate::attestation::{Attested, Kind};
use crate::csr::{self, OpenedCsr};
use crate::decision::{Grant, Shown};
use crate::public_key::PublicKey;
use crate::service::{Service, new_host};
use protocol::problem::Problem;

/// A nonce, for whoever asks; the server keeps nothing of it.
#[utoipa::path(
    post,
    path = "/v1/challenge",
    operation_id = "challenge",
    tag = "anybody",
    request_body = ChallengeRequest,
    responses((status = 200, description = "The answer", body = Challenge), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn challenge(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Challenge>, ApiError> {
    let ChallengeRequest {} = body::json(&headers, body, MAX_REQUEST_OCTETS).await?;
    let nonce = service.nonces.mint(service.now()).map_err(|error| ApiError::internal(&error))?;
    Ok(Json(Challenge { nonce: nonce.text, expires: nonce.expires }))
}

/// Enrols a host: its first certificate, or the next one of a host whose certificates have run out.
#[utoipa::path(
    post,
    path = "/v1/enroll",
    operation_id = "enroll",
    tag = "anybody",
    request_body = EnrollRequest,
    responses((status = 200, description = "The answer", body = Issued), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn enroll(
    State(service): State<Arc<Service>>,
    Extension(_peer): From,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Issued>, ApiError> {
    let request: EnrollRequest = body::json(&headers, body, MAX_REQUEST_OCTETS).await?;
    if request.evidence.token.len() > MAX_EVIDENCE_OCTETS || request.nonce.len() > MAX_NONCE_OCTETS {
        return Err(ApiError::malformed("the evidence or the nonce is longer than it may be"));
    }
    let now = service.now();
    let kind: Kind = request.evidence.kind.parse().map_err(|_| ApiError::malformed("no such kind of evidence"))?;
    let nonce = service.nonces.check(&request.nonce, csr::open(&request.csr.0)?.challenge(), now)?;
    let bound_key = request.bound_key.as_ref().map(|bound| proved(bound, &request)).transpose()?;
    let evidence = request.evidence.token.as_bytes();
    let attested = service.attestors.attest(kind, evidence, now, Instant::now()).await?;
    let mut stale = ApiError::busy();
    for _ in 0..ATTEMPTS {
        let csr = csr::open(&request.csr.0)?;
        let grant = decide(&service, &request, &attested, nonce, bound_key, &csr)?;
        let asked = grant.spiffe_id().clone();
        let issued = issue(&service, Actor::Stranger, request.request, grant, csr).await;
        if let Err(error) = &issued
            && error.rule() == Some(HOST_BOUND)
        {
            // T-15: either a host that lost its key, or two that have the same evidence. Somebody must look.
            let (attestor, proof) = (attested.attestor(), attested.proof());
            tracing::warn!(%asked, attestor, %proof, "evidence of a host came without the key that the host is bound to");
        }
        match issued? {
            Outcome::Signed(recorded, signed) => return Ok(Json(answer(&service, &recorded, &signed)?)),
            Outcome::Stale(error) => stale = error,
        }
    }
    Err(stale)
}

fn decide(
    service: &Service,
    request: &EnrollRequest,
    attested: &Attested,
    nonce: CheckedNonce,
    bound_key: Option<KeyHash>,
    csr: &OpenedCsr,
) -> Result<Grant, ApiError> {
    let rules = service.rules().map_err(|error| ApiError::internal(&error))?;
    let wish = Wish { attestor: attested.attestor(), fixed: attested.profile(), asked: request.profile.as_deref() };
    let profile = rules.set.profiles().pick(wish)?;
    let wanted = Wanted::host(profile, &service.fixed.trust_domain, attested.claims(), csr.key_kind())?;
    let attestor = renew::name_of(attested.attestor())?;
    let fixed = attested.profile().map(renew::name_of).transpose()?;
    let evidence = Evidence { attestor: &attestor, fixed_profile: fixed.as_ref(), claims: attested.claims() };
    let asked = match bound_key {
        Some(_) => Request::reenrol(evidence, &wanted),
        None => Request::enrol(evidence, &wanted),
    };
    let permit = operate::permit(&rules.set, &asked)?;
    let host = host_for(service, &wanted)?;
    let (evidence, token, proof_use) =
        (attested.evidence_used(nonce, bound_key), attested.token(), attested.proof_use());
    let shown = Shown { evidence, token, proof_use };
    Grant::enrolment(host, shown, profile, permit, rules.in_force).map_err(|error| ApiError::internal(&error))
}

/// The id of the host with this identity, or a new one.
fn host_for(service: &Service, wanted: &Wanted) -> Result<HostId, ApiError> {
    let known = service.read(service.now(), |draft| draft.host_named(wanted.id()).map(|(id, _)| id));
    match known {
        Some(host) => Ok(host),
        None => new_host().map_err(|error| ApiError::internal(&error)),
    }
}

/// The key that a returning host proves: its signature over nonce and request must hold.
fn proved(bound: &BoundKey, request: &EnrollRequest) -> Result<KeyHash, ApiError> {
    let refused = |detail: String| {
        ApiError::refused(
            "bound-key-not-proved",
            detail,
            "sign the nonce and the request with the key of the host's last certificate",
        )
    };
    let key = PublicKey::from_spki_der(&bound.spki.0).map_err(|error| refused(error.to_string()))?;
    let signed = protocol::reenrol::signed_octets(&request.nonce, &request.csr.0);
    key.verify(&signed, &bound.signature.0).map_err(|error| refused(error.to_string()))?;
    Ok(key.hash())
}

/// The rule by which a host is refused that does not hold the key it is bound to ([`crate::refusal::Refusal::HostBound`]).
const HOST_BOUND: &str = "host-bound";
