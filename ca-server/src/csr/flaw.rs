//! The flaws for which a request is refused. Knows their names; checks nothing.

use der::Tag;
use der::asn1::ObjectIdentifier;
use identity::KeyKind;

use crate::public_key::{PublicKeyError, SignatureInvalid};

/// Why a request was refused. Every one is the sender's fault, and may be told to the sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CsrError {
    /// Longer than a request may be.
    #[error("the request has {octets} octets, {limit} are allowed")]
    TooLong {
        /// How long it is.
        octets: usize,
        /// How long it may be.
        limit: usize,
    },
    /// Not the strict DER of a CertificationRequest, or followed by more octets.
    #[error("the request is not the DER of a PKCS#10 request")]
    Malformed(#[from] der::Error),
    /// PEM with another label, or not base64.
    #[error("the file holds no PEM block `CERTIFICATE REQUEST`")]
    Pem,
    /// Nested more deeply than anything in a request is.
    #[error("the request is nested more than {limit} deep")]
    TooDeep {
        /// How deep is allowed.
        limit: usize,
    },
    /// Of a version that does not exist.
    #[error("the request has version {found}, only 0 exists")]
    Version {
        /// In the request.
        found: u8,
    },
    /// A key that is not accepted.
    #[error("the request's key is not accepted")]
    Key(#[from] PublicKeyError),
    /// Signed by an algorithm that is not that of the key.
    #[error("a request with a {key} key cannot be signed by {found}, nor by its own algorithm with parameters")]
    SignatureAlgorithm {
        /// The kind of the key.
        key: KeyKind,
        /// The algorithm found.
        found: ObjectIdentifier,
    },
    /// A signature that does not end at an octet.
    #[error("the signature's bit string leaves bits unused")]
    SignatureUnusedBits,
    /// Not signed by the key in it: the sender has not proved to hold it.
    #[error("the request is not signed by the key in it")]
    SignatureInvalid(#[from] SignatureInvalid),
    /// One attribute twice.
    #[error("attribute {attribute} stands twice")]
    AttributeTwice {
        /// Which.
        attribute: ObjectIdentifier,
    },
    /// A challenge password with no value, or with several (RFC 2985, section 5.4.1: SINGLE VALUE).
    #[error("the challenge password has {found} values, it must have one")]
    ChallengeValues {
        /// How many.
        found: usize,
    },
    /// A challenge password in another string type.
    #[error("the challenge password is a {found}, it must be a UTF8String or PrintableString")]
    ChallengeType {
        /// The type found.
        found: Tag,
    },
    /// A challenge password of no octets, or of too many.
    #[error("the challenge password has {octets} octets, 1 to {limit} are allowed")]
    ChallengeLength {
        /// How long it is.
        octets: usize,
        /// How long it may be.
        limit: usize,
    },
}

impl CsrError {
    /// The flaw's name, for refusals, reports and counters.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "csr-too-long",
            Self::Malformed(_) => "csr-malformed",
            Self::Pem => "csr-pem",
            Self::TooDeep { .. } => "csr-too-deep",
            Self::Version { .. } => "csr-version",
            Self::Key(flaw) => flaw.rule(),
            Self::SignatureAlgorithm { .. } => "csr-signature-algorithm",
            Self::SignatureUnusedBits => "csr-signature-unused-bits",
            Self::SignatureInvalid(_) => "csr-signature-invalid",
            Self::AttributeTwice { .. } => "csr-attribute-twice",
            Self::ChallengeValues { .. } => "csr-challenge-values",
            Self::ChallengeType { .. } => "csr-challenge-type",
            Self::ChallengeLength { .. } => "csr-challenge-length",
        }
    }
}
