//! Whether a peer's chain proves an acceptable identity now. Knows certificates, bundle, rule and time; knows no socket and no revocation.
//!
//! X509-SVID 5.1 asks for RFC 5280 path validation, which rustls-webpki does; around it stand the rules that webpki does not know: what makes a
//! leaf an X509-SVID, and what an issuer of our trust domain is.

use std::cell::RefCell;

use identity::svid::{CertificateFacts, Svid};
use identity::{Serial, SpiffeId, Timestamp};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::CertificateDer;
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};

use super::bundle::Bundle;
use super::clock::unix_time;
use super::refusal::Refusal;

/// In which role the peer shows its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It connected to us.
    Client,
    /// We connected to it.
    Server,
}

/// A chain that proves an identity, as far as signatures, names and validity go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) id: SpiffeId,
    pub(super) serial: Serial,
    pub(super) not_after: Timestamp,
    /// Serials of the issuers between leaf and root, as far as they have our form: only such can be revoked by us.
    pub(super) issuers: Vec<Serial>,
}

/// Verifies `chain` (leaf first) against `bundle`.
pub(super) fn judge(
    chain: &[CertificateDer<'_>],
    role: Role,
    bundle: &Bundle,
    now: Timestamp,
) -> Result<Judged, Refusal> {
    if chain.len() > MAX_CHAIN {
        return Err(Refusal::ChainTooLong { certificates: chain.len(), limit: MAX_CHAIN });
    }
    let Some((leaf, issuers)) = chain.split_first() else { return Err(Refusal::NoCertificate) };
    let facts = CertificateFacts::from_der(leaf).map_err(|source| Refusal::Malformed { position: 0, source })?;
    let svid = Svid::leaf(&facts).map_err(Refusal::NotAnSvid)?;
    // SPIFFE Trust Domain and Bundle: only the bundle of the peer's own trust domain may vouch for it, and we hold one bundle.
    if svid.spiffe_id().trust_domain() != bundle.trust_domain() {
        return Err(Refusal::OtherTrustDomain { id: svid.spiffe_id().clone(), ours: bundle.trust_domain().clone() });
    }
    check_validity(&svid, now)?;
    let issuers = check_path(leaf, issuers, role, bundle, now)?;
    let (serial, not_after) = (svid.serial(), svid.not_after());
    Ok(Judged { id: svid.spiffe_id().clone(), serial, not_after, issuers })
}

/// webpki looks too; this gives the refusal both times.
pub(super) fn check_validity(svid: &Svid, now: Timestamp) -> Result<(), Refusal> {
    if now < svid.not_before() {
        return Err(Refusal::NotYetValid { now, not_before: svid.not_before() });
    }
    check_not_after(svid.not_after(), now)
}

/// RFC 5280 4.1.2.5: the last second belongs to the validity.
pub(super) fn check_not_after(not_after: Timestamp, now: Timestamp) -> Result<(), Refusal> {
    if now.floor_second() > not_after { Err(Refusal::Expired { now, not_after }) } else { Ok(()) }
}

fn check_path(
    leaf: &CertificateDer<'_>,
    sent: &[CertificateDer<'_>],
    role: Role,
    bundle: &Bundle,
    now: Timestamp,
) -> Result<Vec<Serial>, Refusal> {
    let end_entity = EndEntityCert::try_from(leaf).map_err(Refusal::Untrusted)?;
    let usage = match role {
        Role::Client => KeyUsage::client_auth(),
        Role::Server => KeyUsage::server_auth(),
    };
    // webpki tries every path; ours is the first whose issuers are all sound. What was wrong with the others is told only if there is none.
    let found = RefCell::new(Err(Refusal::Untrusted(webpki::Error::UnknownIssuer)));
    let look = |path: &VerifiedPath<'_>| {
        let outcome = check_issuers(path, bundle, now);
        let verdict = if outcome.is_ok() { Ok(()) } else { Err(webpki::Error::UnknownIssuer) };
        *found.borrow_mut() = outcome;
        verdict
    };
    let verified =
        end_entity.verify_for_usage(SIGNATURES.all, bundle.anchors(), sent, unix_time(now), usage, None, Some(&look));
    match verified {
        Ok(_) => found.into_inner(),
        Err(error) => match found.into_inner() {
            Err(refusal @ Refusal::Issuer { .. }) => Err(refusal),
            Ok(_) | Err(_) => Err(Refusal::Untrusted(error)),
        },
    }
}

/// Every issuer is an authority of the bundle's trust domain (X509-SVID 3.2, 4; T-42: a leaf is none), and the root has not ended.
fn check_issuers(path: &VerifiedPath<'_>, bundle: &Bundle, now: Timestamp) -> Result<Vec<Serial>, Refusal> {
    let refuse = |reason: String| Refusal::Issuer { reason };
    let mut serials = Vec::new();
    for issuer in path.intermediate_certificates() {
        let facts = CertificateFacts::from_der(&issuer.der()).map_err(|error| refuse(error.to_string()))?;
        let authority = Svid::authority(&facts).map_err(|error| refuse(error.to_string()))?;
        if authority.trust_domain() != bundle.trust_domain() {
            return Err(refuse(format!("it is of trust domain {}", authority.trust_domain())));
        }
        serials.extend(Serial::from_der_content(&facts.serial_octets));
    }
    match bundle.end_of(path.anchor()) {
        Some(end) if now.floor_second() <= end => Ok(serials),
        Some(end) => Err(refuse(format!("its root ended {end}"))),
        None => Err(refuse("its root is not in the bundle".to_owned())),
    }
}

/// Signatures that our authorities make and our leaves show: P-256 and Ed25519 (design 4). Whoever sends another kind is refused before any arithmetic.
pub(super) static SIGNATURES: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[webpki::aws_lc_rs::ECDSA_P256_SHA256, webpki::aws_lc_rs::ED25519],
    mapping: &[
        (rustls::SignatureScheme::ECDSA_NISTP256_SHA256, &[webpki::aws_lc_rs::ECDSA_P256_SHA256]),
        (rustls::SignatureScheme::ED25519, &[webpki::aws_lc_rs::ED25519]),
    ],
};

/// Leaf and issuer, and room for two cross-signed issuers during a rotation. webpki's own limits (6 issuers deep, 100 signatures) bound the rest (T-41).
const MAX_CHAIN: usize = 4;

#[cfg(test)]
mod tests;
