//! Why a key set, or one key of it, is not used. Knows the names of the flaws; checks nothing.

use super::key::{MAX_RSA_BITS, MIN_RSA_BITS};
use crate::attestation::kubernetes::Algorithm;
use crate::attestation::shown::Shown;
use crate::attestation::strict_json::JsonFlaw;

/// Why a key set is refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwksFlaw {
    /// Longer than a key set may be.
    #[error("the key set has {octets} octets, {limit} are allowed")]
    TooLong {
        /// How long it is.
        octets: usize,
        /// How long it may be.
        limit: usize,
    },
    /// Not one JSON object, or one that can be read in two ways.
    #[error("the key set is refused as JSON")]
    Json(#[from] JsonFlaw),
    /// No list of objects `keys`.
    #[error("the key set has no list of objects `keys`")]
    NoKeys,
    /// Too many keys.
    #[error("the key set has {found} keys, {limit} are allowed")]
    TooMany {
        /// How many it has.
        found: usize,
        /// How many it may have.
        limit: usize,
    },
    /// Two keys of one id.
    #[error("the key id {kid} stands twice in the key set")]
    Twice {
        /// The id.
        kid: Shown,
    },
    /// A private key: whoever can read the set can sign.
    #[error("the key set holds a private or secret key; the cluster's signing key must be taken for compromised")]
    Private,
}

/// Why one key of a set is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFlaw {
    /// `use` or `key_ops` say that it is for something else.
    #[error("the key is not for verifying signatures")]
    Use,
    /// A kind of key that is not pinned.
    #[error("the key is of kind {kind}, RSA and EC on P-256 are accepted")]
    Kind {
        /// Its `kty` or `crv`.
        kind: Shown,
    },
    /// `alg` is not that of the key's kind.
    #[error("the key is for {found}, a key of its kind is used for {wanted}")]
    Algorithm {
        /// In the set.
        found: Shown,
        /// What its kind is used for.
        wanted: Algorithm,
    },
    /// A member is missing, or not base64url.
    #[error("the key's member {member} is missing or not base64url")]
    Member {
        /// Which.
        member: &'static str,
    },
    /// An RSA modulus that is too short or too long (T-07).
    #[error("the RSA key has {bits} bits, {MIN_RSA_BITS} to {MAX_RSA_BITS} are accepted")]
    RsaBits {
        /// How many it has.
        bits: usize,
    },
    /// An RSA modulus that two divides.
    #[error("the RSA key's modulus is even")]
    RsaEven,
    /// An RSA exponent other than 65537.
    #[error("the RSA key has another exponent than 65537")]
    RsaExponent,
    /// No point of P-256.
    #[error("the EC key is no point of P-256")]
    Point,
}
