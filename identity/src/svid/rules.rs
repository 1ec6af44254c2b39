//! Rules that leaves and authorities share, and those that need more than a line. Knows facts, makes refusals.

use super::error::SvidError;
use super::facts::CertificateFacts;
use super::key_usage::KeyUsage;
use super::oid::{self, Oid};
use crate::spiffe_id::SpiffeId;

pub(super) fn only_spiffe_id(facts: &CertificateFacts) -> Result<SpiffeId, SvidError> {
    match facts.uri_names.as_slice() {
        [uri] => Ok(SpiffeId::parse(uri)?),
        names => Err(SvidError::UriNames { found: names.len() }),
    }
}

pub(super) fn is_critical(facts: &CertificateFacts, extension: &Oid) -> bool {
    facts.extensions.iter().any(|(id, critical)| id == extension && *critical)
}

pub(super) fn check_key_usage(
    facts: &CertificateFacts,
    needed: KeyUsage,
    forbidden: KeyUsage,
) -> Result<(), SvidError> {
    let found = facts.key_usage.ok_or(SvidError::NoKeyUsage)?;
    if !is_critical(facts, &oid::KEY_USAGE) {
        return Err(SvidError::NotCritical { extension: oid::KEY_USAGE });
    }
    if !found.contains(needed) || found.has_any(forbidden) {
        return Err(SvidError::KeyUsage { found, needed, forbidden });
    }
    Ok(())
}

pub(super) fn check_purposes(purposes: &[Oid]) -> Result<(), SvidError> {
    if purposes.is_empty() {
        return Ok(());
    }
    if let Some(missing) = LEAF_PURPOSES.into_iter().find(|needed| !purposes.contains(needed)) {
        return Err(SvidError::PurposeMissing { missing });
    }
    match purposes.iter().find(|purpose| !LEAF_PURPOSES.contains(purpose)) {
        Some(purpose) => Err(SvidError::PurposeForbidden { purpose: purpose.clone() }),
        None => Ok(()),
    }
}

pub(super) fn check_critical(facts: &CertificateFacts) -> Result<(), SvidError> {
    match facts.extensions.iter().find(|(id, critical)| *critical && !PROCESSED_CRITICAL.contains(id)) {
        Some((extension, _)) => Err(SvidError::UnknownCritical { extension: extension.clone() }),
        None => Ok(()),
    }
}

pub(super) fn check_validity(facts: &CertificateFacts) -> Result<(), SvidError> {
    let (not_before, not_after) = (facts.not_before, facts.not_after);
    if not_after < not_before {
        return Err(SvidError::Validity { not_before, not_after });
    }
    Ok(())
}

/// RFC 1034 3.5 as amended by RFC 1123 2.1: labels of letters, digits and inner hyphens.
pub(super) fn is_dns_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=MAX_DNS_LABEL_OCTETS).contains(&label.len())
            && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= MAX_DNS_NAME_OCTETS && name.split('.').all(is_label)
}

/// Purposes of a leaf: X509-SVID 4.4.
const LEAF_PURPOSES: [Oid; 2] = [oid::SERVER_AUTH, oid::CLIENT_AUTH];

/// Extensions that may be critical, because every rule they carry is checked here or by the path validation.
const PROCESSED_CRITICAL: [Oid; 4] =
    [oid::BASIC_CONSTRAINTS, oid::KEY_USAGE, oid::EXTENDED_KEY_USAGE, oid::SUBJECT_ALT_NAME];

/// Most octets of a DNS name: RFC 1035 2.3.4 (255 on the wire, 253 as text).
const MAX_DNS_NAME_OCTETS: usize = 253;

/// Most octets of a label of a DNS name: RFC 1035 2.3.4.
const MAX_DNS_LABEL_OCTETS: usize = 63;
