//! Signing certificates: the rules by which a root or an issuer speaks for a trust domain. Knows X509-SVID 3.2 and 4;
//! verifies no signature and no chain.

use super::error::SvidError;
use super::facts::CertificateFacts;
use super::key_usage::KeyUsage;
use super::{Svid, oid, rules};
use crate::fingerprint::{KeyHash, KeyIdentifier};
use crate::key_kind::KeyKind;
use crate::timestamp::Timestamp;
use crate::trust_domain::TrustDomain;

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

impl Svid {
    /// Judges a signing certificate, root or issuer, by X509-SVID sections 2 to 4 and what RFC 5280 says beside them. It
    /// carries a SPIFFE id (SPIFFE-ID 3.1), which is its trust domain's.
    ///
    /// # Errors
    /// [`SvidError`] names the first rule that the certificate breaks.
    pub fn authority(facts: &CertificateFacts) -> Result<Authority, SvidError> {
        let spiffe_id = rules::only_spiffe_id(facts)?;
        if !spiffe_id.path().is_empty() {
            return Err(SvidError::AuthorityWithPath { id: spiffe_id });
        }
        if facts.subject_is_empty {
            return Err(SvidError::AuthorityWithoutSubject);
        }
        if !facts.is_authority {
            return Err(SvidError::AuthorityIsLeaf);
        }
        if !rules::is_critical(facts, &oid::BASIC_CONSTRAINTS) {
            return Err(SvidError::NotCritical { extension: oid::BASIC_CONSTRAINTS });
        }
        rules::check_key_usage(facts, KeyUsage::KEY_CERT_SIGN, KeyUsage::NONE)?;
        rules::check_critical(facts)?;
        rules::check_validity(facts)?;
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
