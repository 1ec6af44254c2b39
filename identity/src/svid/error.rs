//! The rule that a certificate breaks. Knows X509-SVID and RFC 5280 by their sections; nothing else.

use super::key_usage::KeyUsage;
use super::oid::Oid;
use crate::serial::SerialError;
use crate::spiffe_id::{SpiffeId, SpiffeIdError};
use crate::timestamp::Timestamp;

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
    #[error("the key usage is {found}; needed is {needed}, forbidden {forbidden}")]
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
