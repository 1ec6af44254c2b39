//! X509-SVIDs: the rules by which a certificate is a SPIFFE identity. Knows the X509-SVID standard and RFC 5280; verifies
//! no signature, no chain and no clock, which are for the caller and rustls-webpki.
//!
//! Two programs judge by it: the server, on what it is about to sign (by another parser than the one that wrote it), and
//! the client and verifier, on what they receive and on whom they meet.

mod facts;
mod key_usage;
pub mod oid;

use crate::fingerprint::{KeyHash, KeyIdentifier};
use crate::key_kind::KeyKind;
use crate::serial::{Serial, SerialError};
use crate::spiffe_id::{SpiffeId, SpiffeIdError};
use crate::timestamp::Timestamp;
use crate::trust_domain::TrustDomain;

pub use facts::{CertificateError, CertificateFacts, MAX_CERTIFICATE_OCTETS};
pub use key_usage::KeyUsage;
pub use oid::Oid;

/// A certificate that keeps every rule for a leaf X509-SVID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Svid {
    spiffe_id: SpiffeId,
    serial: Serial,
    key: KeyHash,
    key_kind: KeyKind,
    issuer_key: Option<KeyIdentifier>,
    not_before: Timestamp,
    not_after: Timestamp,
}

/// A certificate that keeps every rule for a signing X509-SVID: a root or an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    trust_domain: TrustDomain,
    key: KeyHash,
    key_identifier: KeyIdentifier,
    key_kind: KeyKind,
    path_len: Option<u32>,
    not_before: Timestamp,
    not_after: Timestamp,
}

/// The rule that a certificate breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SvidError {
    /// X509-SVID 2: exactly one URI among the subject's alternative names.
    #[error("the certificate has {found} URI names, not exactly one")]
    UriNames {
        /// How many it has.
        found: usize,
    },
    /// X509-SVID 2: the URI is a SPIFFE id.
    #[error("the URI name is no SPIFFE id")]
    SpiffeId(#[from] SpiffeIdError),
    /// X509-SVID 3.1 and 5.2: a leaf's SPIFFE id has a path.
    #[error("the leaf's SPIFFE id {id} has no path")]
    LeafWithoutPath {
        /// The id.
        id: SpiffeId,
    },
    /// X509-SVID 3.2: a signing certificate's SPIFFE id has no path.
    #[error("the authority's SPIFFE id {id} has a path")]
    AuthorityWithPath {
        /// The id.
        id: SpiffeId,
    },
    /// RFC 5280 4.1.2.6: the alternative names are critical where the subject is empty (X509-SVID 3.1).
    #[error("the subject is empty and the alternative names are not critical")]
    NamesNotCritical,
    /// RFC 5280 4.1.2.6: an authority's subject is not empty.
    #[error("the authority's subject is empty")]
    AuthorityWithoutSubject,
    /// RFC 5280 4.2.1.6: a DNS name is in preferred name syntax. No wildcard, no empty label, nothing invisible (T-36).
    #[error("the DNS name {name:?} is not in preferred name syntax")]
    DnsName {
        /// The name.
        name: String,
    },
    /// X509-SVID 4.1 and 5.2: cA is false in a leaf.
    #[error("the leaf says that it is an authority")]
    LeafIsAuthority,
    /// X509-SVID 4.1: cA is true in a signing certificate.
    #[error("the authority does not say that it is one")]
    AuthorityIsLeaf,
    /// RFC 5280 4.2.1.9: a path length stands only in an authority's certificate.
    #[error("the leaf limits a path length")]
    LeafWithPathLength,
    /// X509-SVID 4.3: keyUsage is there.
    #[error("the certificate has no key usage")]
    NoKeyUsage,
    /// X509-SVID 4.3, RFC 5280 4.2.1.9: the extension is critical.
    #[error("the extension {extension} is not critical")]
    NotCritical {
        /// Which.
        extension: Oid,
    },
    /// X509-SVID 4.3: the key usage lacks what this kind of certificate must have, or has what it must not.
    #[error("the key usage is {found:?}: it needs {needed:?} and must not have {forbidden:?}")]
    KeyUsage {
        /// What it is.
        found: KeyUsage,
        /// All of these must be set.
        needed: KeyUsage,
        /// None of these may be set.
        forbidden: KeyUsage,
    },
    /// X509-SVID 4.4: with an extended key usage, both serverAuth and clientAuth are there.
    #[error("the extended key usage lacks {missing}")]
    PurposeMissing {
        /// What is missing.
        missing: Oid,
    },
    /// A leaf is for authentication only: no OCSPSigning, no anyExtendedKeyUsage, no other purpose (T-35).
    #[error("the extended key usage has {purpose}, which no leaf has")]
    PurposeForbidden {
        /// The first such purpose.
        purpose: Oid,
    },
    /// RFC 5280 4.2: a critical extension that we do not process is a refusal. Neither do we process name constraints.
    #[error("the critical extension {extension} is not one that is processed")]
    UnknownCritical {
        /// Which.
        extension: Oid,
    },
    /// RFC 5280 4.2.1.10: name constraints stand only in an authority's certificate.
    #[error("the leaf has name constraints")]
    LeafWithNameConstraints,
    /// RFC 5280 4.2.1.2: an authority names its key.
    #[error("the authority has no subject key identifier")]
    NoSubjectKey,
    /// RFC 5280 4.1.2.2, narrower: positive, at most 16 octets.
    #[error("the serial number is none of ours")]
    Serial(#[from] SerialError),
    /// The end of validity is before its start.
    #[error("notAfter {not_after} is before notBefore {not_before}")]
    Validity {
        /// First moment.
        not_before: Timestamp,
        /// Last second.
        not_after: Timestamp,
    },
}

impl Svid {
    /// Judges a leaf by X509-SVID sections 2 to 5 and what RFC 5280 says beside them.
    ///
    /// # Errors
    /// [`SvidError`] names the first rule that the certificate breaks.
    pub fn leaf(facts: &CertificateFacts) -> Result<Self, SvidError> {
        let spiffe_id = only_spiffe_id(facts)?;
        if spiffe_id.path().is_empty() {
            return Err(SvidError::LeafWithoutPath { id: spiffe_id });
        }
        if facts.subject_is_empty && !facts.san_critical {
            return Err(SvidError::NamesNotCritical);
        }
        if let Some(name) = facts.dns_names.iter().find(|name| !is_dns_name(name)) {
            return Err(SvidError::DnsName { name: name.clone() });
        }
        if facts.is_authority {
            return Err(SvidError::LeafIsAuthority);
        }
        if facts.path_len.is_some() {
            return Err(SvidError::LeafWithPathLength);
        }
        if facts.extensions.iter().any(|(id, _)| *id == oid::NAME_CONSTRAINTS) {
            return Err(SvidError::LeafWithNameConstraints);
        }
        check_key_usage(facts, KeyUsage::DIGITAL_SIGNATURE, KeyUsage::KEY_CERT_SIGN, KeyUsage::CRL_SIGN)?;
        check_purposes(&facts.extended_key_usage)?;
        check_critical(facts)?;
        check_validity(facts)?;
        Ok(Self {
            spiffe_id,
            serial: Serial::from_der_content(&facts.serial_octets)?,
            key: facts.key,
            key_kind: facts.key_kind,
            issuer_key: facts.issuer_key,
            not_before: facts.not_before,
            not_after: facts.not_after,
        })
    }

    /// Judges a signing certificate, root or issuer, by X509-SVID sections 2 to 4 and what RFC 5280 says beside them. It
    /// carries a SPIFFE id (SPIFFE-ID 3.1), which is its trust domain's.
    ///
    /// # Errors
    /// [`SvidError`] names the first rule that the certificate breaks.
    pub fn authority(facts: &CertificateFacts) -> Result<Authority, SvidError> {
        let spiffe_id = only_spiffe_id(facts)?;
        if !spiffe_id.path().is_empty() {
            return Err(SvidError::AuthorityWithPath { id: spiffe_id });
        }
        if facts.subject_is_empty {
            return Err(SvidError::AuthorityWithoutSubject);
        }
        if !facts.is_authority {
            return Err(SvidError::AuthorityIsLeaf);
        }
        if !is_critical(facts, &oid::BASIC_CONSTRAINTS) {
            return Err(SvidError::NotCritical { extension: oid::BASIC_CONSTRAINTS });
        }
        check_key_usage(facts, KeyUsage::KEY_CERT_SIGN, KeyUsage::NONE, KeyUsage::NONE)?;
        check_critical(facts)?;
        check_validity(facts)?;
        Ok(Authority {
            trust_domain: spiffe_id.trust_domain().clone(),
            key: facts.key,
            key_identifier: facts.subject_key.ok_or(SvidError::NoSubjectKey)?,
            key_kind: facts.key_kind,
            path_len: facts.path_len,
            not_before: facts.not_before,
            not_after: facts.not_after,
        })
    }

    /// Whom the certificate names.
    #[must_use]
    pub const fn spiffe_id(&self) -> &SpiffeId {
        &self.spiffe_id
    }

    /// The certificate's serial number.
    #[must_use]
    pub const fn serial(&self) -> Serial {
        self.serial
    }

    /// Hash of the public key.
    #[must_use]
    pub const fn key(&self) -> KeyHash {
        self.key
    }

    /// Kind of the public key.
    #[must_use]
    pub const fn key_kind(&self) -> KeyKind {
        self.key_kind
    }

    /// The issuer's key, as the certificate names it.
    #[must_use]
    pub const fn issuer_key(&self) -> Option<KeyIdentifier> {
        self.issuer_key
    }

    /// First moment of validity.
    #[must_use]
    pub const fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// Last second of validity, inclusive.
    #[must_use]
    pub const fn not_after(&self) -> Timestamp {
        self.not_after
    }
}

impl Authority {
    /// The trust domain that the authority speaks for.
    #[must_use]
    pub const fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    /// Hash of the public key: what a pin names.
    #[must_use]
    pub const fn key(&self) -> KeyHash {
        self.key
    }

    /// The key's name in certificates that it issues.
    #[must_use]
    pub const fn key_identifier(&self) -> KeyIdentifier {
        self.key_identifier
    }

    /// Kind of the public key.
    #[must_use]
    pub const fn key_kind(&self) -> KeyKind {
        self.key_kind
    }

    /// How many further authorities may stand below this one; no limit for `None`.
    #[must_use]
    pub const fn path_len(&self) -> Option<u32> {
        self.path_len
    }

    /// First moment of validity.
    #[must_use]
    pub const fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// Last second of validity, inclusive.
    #[must_use]
    pub const fn not_after(&self) -> Timestamp {
        self.not_after
    }
}

fn only_spiffe_id(facts: &CertificateFacts) -> Result<SpiffeId, SvidError> {
    match facts.uri_names.as_slice() {
        [uri] => Ok(SpiffeId::parse(uri)?),
        names => Err(SvidError::UriNames { found: names.len() }),
    }
}

fn is_critical(facts: &CertificateFacts, extension: &Oid) -> bool {
    facts.extensions.iter().any(|(id, critical)| id == extension && *critical)
}

fn check_key_usage(
    facts: &CertificateFacts,
    needed: KeyUsage,
    forbidden: KeyUsage,
    also_forbidden: KeyUsage,
) -> Result<(), SvidError> {
    let found = facts.key_usage.ok_or(SvidError::NoKeyUsage)?;
    if !is_critical(facts, &oid::KEY_USAGE) {
        return Err(SvidError::NotCritical { extension: oid::KEY_USAGE });
    }
    let forbidden = forbidden.and(also_forbidden);
    if !found.contains(needed) || found.has_any(forbidden) {
        return Err(SvidError::KeyUsage { found, needed, forbidden });
    }
    Ok(())
}

fn check_purposes(purposes: &[Oid]) -> Result<(), SvidError> {
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

fn check_critical(facts: &CertificateFacts) -> Result<(), SvidError> {
    match facts.extensions.iter().find(|(id, critical)| *critical && !PROCESSED_CRITICAL.contains(id)) {
        Some((extension, _)) => Err(SvidError::UnknownCritical { extension: extension.clone() }),
        None => Ok(()),
    }
}

fn check_validity(facts: &CertificateFacts) -> Result<(), SvidError> {
    let (not_before, not_after) = (facts.not_before, facts.not_after);
    if not_after < not_before {
        return Err(SvidError::Validity { not_before, not_after });
    }
    Ok(())
}

/// RFC 1034 3.5 as amended by RFC 1123 2.1: labels of letters, digits and inner hyphens.
fn is_dns_name(name: &str) -> bool {
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

#[cfg(test)]
mod tests;
