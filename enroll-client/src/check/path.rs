//! The path from a leaf to a pinned root. Knows rustls-webpki; knows no SPIFFE id and no receipt.

use std::time::Duration;

use identity::Timestamp;
use identity::svid::{CertificateFacts, Svid};
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::aws_lc_rs::{ECDSA_P256_SHA256, ED25519};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::CheckError;
use crate::pins::Pins;

/// Checks the path for both sides of TLS, since agents use one certificate for both.
pub(super) fn check(
    chain: &[CertificateDer<'static>],
    roots: &[CertificateDer<'static>],
    pins: &Pins,
    svid: &Svid,
    now: Timestamp,
) -> Result<(), CheckError> {
    let anchors = pinned_anchors(roots, pins)?;
    let issuers = verify(chain, &anchors, now)?;
    let issuer = issuers.first().map(|der| authority(der)).transpose()?;
    match issuer {
        Some(issuer) if svid.not_after() > issuer.not_after => {
            Err(CheckError::OutlivesIssuer { not_after: svid.not_after(), issuer: issuer.not_after })
        }
        Some(_) | None => Ok(()),
    }
}

/// Checks the path to any of these roots, pinned or not: what somebody who is given chain and roots will find.
pub(crate) fn leads_to(
    chain: &[CertificateDer<'static>],
    roots: &[CertificateDer<'static>],
    now: Timestamp,
) -> Result<(), CheckError> {
    let anchor = |root| anchor_from_trusted_cert(root).map_err(|error| CheckError::Authority(error.into()));
    let anchors = roots.iter().map(anchor).collect::<Result<Vec<_>, _>>()?;
    verify(chain, &anchors, now).map(|_| ())
}

/// Verifies a chain for both sides of TLS; gives the issuers in it.
fn verify<'a>(
    chain: &'a [CertificateDer<'static>],
    anchors: &[TrustAnchor<'_>],
    now: Timestamp,
) -> Result<&'a [CertificateDer<'static>], CheckError> {
    let (leaf, issuers) = chain.split_first().ok_or(CheckError::Count { chain: 0, roots: anchors.len() })?;
    let time = UnixTime::since_unix_epoch(Duration::from_millis(now.millis()));
    for (usage, name) in [(KeyUsage::client_auth(), "client"), (KeyUsage::server_auth(), "server")] {
        let failed = |source| CheckError::Path { usage: name, source };
        let leaf = EndEntityCert::try_from(leaf).map_err(failed)?;
        leaf.verify_for_usage(ALGORITHMS, anchors, issuers, time, usage, None, None).map_err(failed)?;
    }
    Ok(issuers)
}

/// The roots that the trust file pins. Others are no reason to refuse: a rotation shows the next one early.
fn pinned_anchors<'a>(roots: &'a [CertificateDer<'static>], pins: &Pins) -> Result<Vec<TrustAnchor<'a>>, CheckError> {
    let mut anchors = Vec::new();
    for root in roots {
        if pins.root_keys().contains(&authority(root)?.key) {
            anchors.push(anchor_from_trusted_cert(root).map_err(|error| CheckError::Authority(error.into()))?);
        }
    }
    if anchors.is_empty() { Err(CheckError::NoPinnedRoot { roots: roots.len() }) } else { Ok(anchors) }
}

fn authority(der: &CertificateDer<'_>) -> Result<CertificateFacts, CheckError> {
    let facts = CertificateFacts::from_der(der).map_err(|error| CheckError::Authority(error.into()))?;
    Svid::authority(&facts).map_err(|error| CheckError::Authority(error.into()))?;
    Ok(facts)
}

/// What our authorities sign with (design, section 4: P-256 or Ed25519); nothing else is taken.
const ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[ECDSA_P256_SHA256, ED25519];
