//! `GET /v1/bundle`: the trust bundle in the SPIFFE format (SPIFFE Trust Domain and Bundle, section 4), for anybody.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use identity::{CertificateFacts, KeyKind};
use protocol::problem::Problem;
use serde::Serialize;

use super::error::ApiError;
use crate::service::Service;

#[derive(Serialize)]
struct Bundle {
    keys: Vec<Jwk>,
    spiffe_sequence: u64,
    spiffe_refresh_hint: u64,
}

/// One root, as section 6.1 of X509-SVID asks: `use` is `x509-svid`, no `kid`, exactly one certificate.
#[derive(Serialize)]
struct Jwk {
    #[serde(rename = "use")]
    purpose: &'static str,
    kty: &'static str,
    crv: &'static str,
    x: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    x5c: [String; 1],
}

/// The roots that are trusted now. The sequence number is the index of the newest entry about authorities.
#[utoipa::path(
    get,
    path = "/v1/bundle",
    operation_id = "bundle",
    tag = "anybody",
    responses((status = 200, description = "The answer", body = String, content_type = "application/json"), (status = "default", description = "Refused, or failed", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn bundle(State(service): State<Arc<Service>>) -> Result<impl IntoResponse, ApiError> {
    let (sequence, roots) = service.read(service.now(), |draft| {
        let roots: Vec<Vec<u8>> = draft.roots().into_iter().map(|(_, row)| row.certificate.clone()).collect();
        (draft.scalars().bundle_sequence, roots)
    });
    let keys = roots.iter().map(|der| jwk(der)).collect::<Result<Vec<_>, _>>()?;
    let bundle = Bundle { keys, spiffe_sequence: sequence, spiffe_refresh_hint: REFRESH_HINT_SECONDS };
    let text = serde_json::to_string(&bundle).map_err(|error| ApiError::internal(&error))?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text))
}

fn jwk(der: &[u8]) -> Result<Jwk, ApiError> {
    let facts = CertificateFacts::from_der(der).map_err(|error| ApiError::internal(&error))?;
    // Both forms of SubjectPublicKeyInfo end in the key: 0x04 and two coordinates of 32 octets each (RFC 5480, section
    // 2.2), or 32 octets (RFC 8410, section 4).
    let tail = |octets: usize| facts.spki_der.len().checked_sub(octets).and_then(|at| facts.spki_der.get(at..));
    let (kty, crv, x, y) = match facts.key_kind {
        KeyKind::P256 => ("EC", "P-256", tail(64).and_then(|key| key.get(..32)), tail(32)),
        KeyKind::Ed25519 => ("OKP", "Ed25519", tail(32), None),
    };
    let x = x.ok_or_else(|| ApiError::internal(&std::io::Error::other("a root's key is too short")))?;
    Ok(Jwk {
        purpose: "x509-svid",
        kty,
        crv,
        x: URL_SAFE_NO_PAD.encode(x),
        y: y.map(|y| URL_SAFE_NO_PAD.encode(y)),
        x5c: [STANDARD.encode(der)],
    })
}

/// How often a follower that has no feed should look: five minutes, as SPIFFE's own examples do.
const REFRESH_HINT_SECONDS: u64 = 300;
