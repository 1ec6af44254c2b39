//! Why an instance identity document is refused. Knows the names of the rules; checks nothing.

use std::fmt;

use identity::{Sha256Hash, Timestamp};

use super::ber::BerFlaw;
use crate::attestation::shown::Shown;
use crate::attestation::strict_json::JsonFlaw;

/// Which part of the signed message (RFC 5652, sections 3 and 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// `ContentInfo`.
    ContentInfo,
    /// `SignedData`.
    SignedData,
    /// `EncapsulatedContentInfo`.
    Content,
    /// `SignerInfo`.
    SignerInfo,
    /// `signedAttrs`.
    Attributes,
}

/// Why a document is refused. Each is the asker's, and may be told: of the document it repeats single members, cut and
/// escaped, never the document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IidError {
    /// Longer than evidence may be.
    #[error("the document has {octets} octets, {limit} are allowed")]
    TooLong {
        /// How long it is.
        octets: usize,
        /// How long it may be.
        limit: usize,
    },
    /// Not base64; PEM is none either.
    #[error("the document is not base64 in lines")]
    Base64,
    /// Not BER of the kind that AWS writes.
    #[error("the document is refused as BER")]
    Ber(#[from] BerFlaw),
    /// Other elements than the signed message has.
    #[error("the {part} of the document is not of the one form that is read")]
    Structure {
        /// Where.
        part: Part,
    },
    /// Another content than signed data, or than data in it.
    #[error("the {part} of the document says that its content is of another type")]
    ContentType {
        /// Where.
        part: Part,
    },
    /// Another version.
    #[error("the {part} of the document has another version than 1")]
    Version {
        /// Where.
        part: Part,
    },
    /// It brings certificates or CRLs.
    #[error("the document brings certificates or CRLs; the key is never taken from it")]
    Certificates,
    /// Not exactly one digest algorithm.
    #[error("the document names {found} digest algorithms, exactly 1 is taken")]
    DigestAlgorithms {
        /// How many.
        found: usize,
    },
    /// Another digest algorithm than SHA-256.
    #[error("the document's digest algorithm is not SHA-256")]
    DigestAlgorithm,
    /// Not exactly one signer.
    #[error("the document has {found} signers, exactly 1 is taken")]
    Signers {
        /// How many.
        found: usize,
    },
    /// Another signature algorithm than RSA with SHA-256.
    #[error("the document's signature algorithm is not RSA (PKCS #1 v1.5) with SHA-256")]
    SignatureAlgorithm,
    /// A signature over the content directly, which AWS does not make.
    #[error("the document's signer has no signed attributes")]
    NoSignedAttributes,
    /// A signature of another length.
    #[error("the document's signature has {found} octets, wanted are {wanted}")]
    SignatureLength {
        /// Its length.
        found: usize,
        /// That of the key.
        wanted: usize,
    },
    /// A signed attribute that is missing or has another form.
    #[error("the signed attribute {name} is missing or of another form")]
    Attribute {
        /// Which.
        name: &'static str,
    },
    /// A signed attribute twice, or with several values.
    #[error("a signed attribute stands twice, or has not one value")]
    AttributeNotOnce,
    /// The signature is over other content.
    #[error("the signed digest is {found}, that of the content is {wanted}")]
    MessageDigest {
        /// In the signed attributes.
        found: Sha256Hash,
        /// Of the content.
        wanted: Sha256Hash,
    },
    /// Not one JSON object.
    #[error("the document is refused as JSON")]
    Json(#[source] JsonFlaw),
    /// A member that is missing or of another form.
    #[error("the document's {member} is {found}, wanted is {wanted}")]
    Member {
        /// Which.
        member: &'static str,
        /// What it says.
        found: Shown,
        /// What it should be.
        wanted: &'static str,
    },
    /// No key of this region is known.
    #[error("the document is of region {found}, whose key is not known here")]
    RegionUnknown {
        /// Its region.
        found: Shown,
    },
    /// The signature does not hold under the key of the region that the document names.
    #[error("the signature does not verify under the key of region {region}")]
    Signature {
        /// The region.
        region: Shown,
    },
    /// An account that is not on the list.
    #[error("the document is of account {found}, which is not listed for this attestor ({listed} are)")]
    AccountNotListed {
        /// Its account.
        found: Shown,
        /// How many are listed.
        listed: usize,
    },
    /// A region that is not on the list.
    #[error("the document is of region {found}, which is not listed for this attestor")]
    RegionNotListed {
        /// Its region.
        found: Shown,
    },
    /// The instance starts after now.
    #[error("the document's instance starts at {pending}, it is {now}")]
    Future {
        /// Its `pendingTime`.
        pending: Timestamp,
        /// Now.
        now: Timestamp,
    },
}

impl IidError {
    /// The name of the rule that was broken, for refusals, counters and tests.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::TooLong { .. } | Self::Ber(BerFlaw::TooLong { .. }) => "document-too-long",
            Self::Base64 => "document-base64",
            Self::Ber(BerFlaw::Deep { .. }) => "document-too-deep",
            Self::Ber(BerFlaw::Trailing { .. }) => "document-trailing-octets",
            Self::Ber(_) => "document-ber",
            Self::Structure { .. } | Self::Version { .. } => "document-structure",
            Self::ContentType { .. } => "document-content-type",
            Self::Certificates => "document-brings-certificates",
            Self::DigestAlgorithms { .. } | Self::DigestAlgorithm => "document-digest-algorithm",
            Self::Signers { .. } => "document-signers",
            Self::SignatureAlgorithm => "document-signature-algorithm",
            Self::NoSignedAttributes | Self::Attribute { .. } | Self::AttributeNotOnce => "document-signed-attributes",
            Self::MessageDigest { .. } => "document-message-digest",
            Self::Json(JsonFlaw::Duplicate { .. }) => "document-duplicate-member",
            Self::Json(_) => "document-json",
            Self::Member { .. } => "document-member",
            Self::RegionUnknown { .. } => "document-region-unknown",
            Self::SignatureLength { .. } | Self::Signature { .. } => "document-signature",
            Self::AccountNotListed { .. } => "account-not-listed",
            Self::RegionNotListed { .. } => "region-not-listed",
            Self::Future { .. } => "document-from-the-future",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn fix(&self) -> &'static str {
        match self {
            Self::TooLong { .. } | Self::Base64 | Self::Ber(_) => {
                "send what http://169.254.169.254/latest/dynamic/instance-identity/rsa2048 answers, unchanged; the \
                 paths pkcs7 and signature have other formats"
            }
            Self::Structure { .. }
            | Self::ContentType { .. }
            | Self::Version { .. }
            | Self::Certificates
            | Self::DigestAlgorithms { .. }
            | Self::DigestAlgorithm
            | Self::Signers { .. }
            | Self::SignatureAlgorithm
            | Self::NoSignedAttributes
            | Self::SignatureLength { .. }
            | Self::Attribute { .. }
            | Self::AttributeNotOnce
            | Self::MessageDigest { .. }
            | Self::Json(_)
            | Self::Member { .. } => {
                "AWS makes no such document: find out where it comes from; that of the path rsa2048 is wanted"
            }
            Self::RegionUnknown { .. } => {
                "if the region is new, or of an isolated partition: put the key that AWS publishes for it into \
                 region_keys_file"
            }
            Self::Signature { .. } => {
                "read the document again; if this stays, it is forged, or AWS has given the region a new key \
                 (region_keys_file)"
            }
            Self::AccountNotListed { .. } => "if the account is yours: add it to `accounts` of the attestor",
            Self::RegionNotListed { .. } => "if you use the region: add it to `regions` of the attestor",
            Self::Future { .. } => "compare this server's clock with another one",
        }
    }

    /// Whether the document is meant for another attestor than the one it was shown to.
    pub(crate) const fn is_for_another(&self) -> bool {
        matches!(self, Self::RegionUnknown { .. } | Self::AccountNotListed { .. } | Self::RegionNotListed { .. })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ContentInfo => "ContentInfo",
            Self::SignedData => "SignedData",
            Self::Content => "EncapsulatedContentInfo",
            Self::SignerInfo => "SignerInfo",
            Self::Attributes => "list of signed attributes",
        })
    }
}
