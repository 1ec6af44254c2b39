//! The flaws for which a public key is refused. Knows their names; checks nothing.

use der::asn1::ObjectIdentifier;

/// Why octets are no public key that Brevet accepts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// Longer than any key that is looked at.
    #[error("the public key has {octets} octets, {limit} are looked at")]
    TooLong {
        /// How long it is.
        octets: usize,
        /// How long it may be.
        limit: usize,
    },
    /// Not the DER of a SubjectPublicKeyInfo.
    #[error("the public key is not the DER of a SubjectPublicKeyInfo")]
    Malformed(#[from] der::Error),
    /// Of a kind that is not accepted, for example RSA (1.2.840.113549.1.1.1).
    #[error("a key of algorithm {algorithm} is not accepted: use P-256 or Ed25519")]
    Kind {
        /// The algorithm found.
        algorithm: ObjectIdentifier,
    },
    /// An EC key that names no curve.
    #[error("the EC key names no curve")]
    CurveMissing,
    /// An EC key with parameters that are not a named curve: explicit (CVE-2020-0601) or inherited.
    #[error("the EC key's parameters are not a named curve")]
    CurveNotNamed,
    /// An EC key on another curve.
    #[error("curve {curve} is not accepted: use P-256 (1.2.840.10045.3.1.7)")]
    Curve {
        /// The curve found.
        curve: ObjectIdentifier,
    },
    /// An Ed25519 key with parameters.
    #[error("an Ed25519 key has no parameters")]
    UnexpectedParameters,
    /// A bit string that does not end at an octet.
    #[error("the key's bit string leaves {bits} bits unused")]
    UnusedBits {
        /// How many.
        bits: u8,
    },
    /// Not as long as a key of its kind.
    #[error("the key has {octets} octets, {expected} are needed")]
    KeyLength {
        /// How long it is.
        octets: usize,
        /// How long it must be.
        expected: usize,
    },
    /// A compressed point.
    #[error("the point is compressed (form {form}): send it uncompressed")]
    PointCompressed {
        /// The first octet, 2 or 3.
        form: u8,
    },
    /// Coordinates that do not satisfy the curve's equation.
    #[error("the key is not a point on its curve")]
    NotOnCurve,
    /// An Ed25519 coordinate that is not below the prime.
    #[error("the key's coordinate is not reduced")]
    NotReduced,
    /// A point of small order.
    #[error("the key is a point of small order")]
    SmallOrder,
    /// The right key in another encoding.
    #[error("the public key is not in its canonical encoding")]
    NotCanonical,
}

impl PublicKeyError {
    /// The flaw's name, for reports and counters.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "key-too-long",
            Self::Malformed(_) => "key-malformed",
            Self::Kind { .. } => "key-kind-not-accepted",
            Self::CurveMissing => "key-curve-missing",
            Self::CurveNotNamed => "key-curve-not-named",
            Self::Curve { .. } => "key-curve-not-accepted",
            Self::UnexpectedParameters => "key-parameters-unexpected",
            Self::UnusedBits { .. } => "key-unused-bits",
            Self::KeyLength { .. } => "key-length",
            Self::PointCompressed { .. } => "key-point-compressed",
            Self::NotOnCurve => "key-not-on-curve",
            Self::NotReduced => "key-not-reduced",
            Self::SmallOrder => "key-small-order",
            Self::NotCanonical => "key-not-canonical",
        }
    }
}
