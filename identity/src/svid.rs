//! X509-SVIDs: the rules by which a certificate is a SPIFFE identity. Knows the X509-SVID standard and RFC 5280; verifies
//! no signature, no chain and no clock, which are for the caller and rustls-webpki.
//!
//! Two programs judge by it: the server, on what it is about to sign (by another parser than the one that wrote it), and
//! the client and verifier, on what they receive and on whom they meet.

mod authority;
mod error;
mod extensions;
mod facts;
mod key_usage;
mod name;
pub mod oid;
mod rules;
mod validity;

use crate::fingerprint::{KeyHash, KeyIdentifier};
use crate::key_kind::KeyKind;
use crate::serial::Serial;
use crate::spiffe_id::SpiffeId;
use crate::timestamp::Timestamp;

pub use authority::Authority;
pub use error::SvidError;
pub use facts::{CertificateError, CertificateFacts, MAX_CERTIFICATE_OCTETS, to_be_signed};
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

impl Svid {
    /// Judges a leaf by X509-SVID sections 2 to 5 and what RFC 5280 says beside them.
    ///
    /// # Errors
    /// [`SvidError`] names the first rule that the certificate breaks.
    pub fn leaf(facts: &CertificateFacts) -> Result<Self, SvidError> {
        let spiffe_id = rules::only_spiffe_id(facts)?;
        if spiffe_id.path().is_empty() {
            return Err(SvidError::LeafWithoutPath { id: spiffe_id });
        }
        if facts.subject_is_empty && !facts.san_critical {
            return Err(SvidError::NamesNotCritical);
        }
        if let Some(name) = facts.dns_names.iter().find(|name| !rules::is_dns_name(name)) {
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
        rules::check_key_usage(facts, KeyUsage::DIGITAL_SIGNATURE, KeyUsage::KEY_CERT_SIGN.with(KeyUsage::CRL_SIGN))?;
        rules::check_purposes(&facts.extended_key_usage)?;
        rules::check_critical(facts)?;
        rules::check_validity(facts)?;
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
