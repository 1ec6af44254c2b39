//! One key of a key set: fit to verify with, or refused for a reason (RFC 7518, section 6). Knows RSA and P-256, and of
//! jsonwebtoken only its check of a signature.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;

use super::KeyFlaw;
use crate::attestation::kubernetes::Algorithm;
use crate::attestation::shown::Shown;
use crate::attestation::strict_json::{Json, Members};

/// A key that tokens may be verified with, for exactly one algorithm.
#[derive(Clone)]
pub struct VerifyKey {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl VerifyKey {
    pub(super) fn of(jwk: &Members) -> Result<Self, KeyFlaw> {
        check_use(jwk)?;
        match jwk.get("kty").and_then(Json::text) {
            Some("RSA") => Self::rsa(jwk),
            Some("EC") => Self::ec(jwk),
            other => Err(KeyFlaw::Kind { kind: Shown::of(other.unwrap_or("missing")) }),
        }
    }

    /// RFC 7518, section 6.3.1. Sizes are checked on the octets, before anything is computed with them (T-07).
    fn rsa(jwk: &Members) -> Result<Self, KeyFlaw> {
        check_algorithm(jwk, Algorithm::Rs256)?;
        let modulus = octets(jwk, "n")?;
        let bits = bits(&modulus);
        if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
            return Err(KeyFlaw::RsaBits { bits });
        }
        if modulus.last().is_none_or(|last| last % 2 == 0) {
            return Err(KeyFlaw::RsaEven);
        }
        let exponent = octets(jwk, "e")?;
        if exponent != RSA_EXPONENT {
            return Err(KeyFlaw::RsaExponent);
        }
        Ok(Self { algorithm: Algorithm::Rs256, key: DecodingKey::from_rsa_raw_components(&modulus, &exponent) })
    }

    /// RFC 7518, section 6.2.1.
    fn ec(jwk: &Members) -> Result<Self, KeyFlaw> {
        match jwk.get("crv").and_then(Json::text) {
            Some("P-256") => {}
            other => return Err(KeyFlaw::Kind { kind: Shown::of(other.unwrap_or("missing")) }),
        }
        check_algorithm(jwk, Algorithm::Es256)?;
        let mut point = vec![UNCOMPRESSED];
        for member in ["x", "y"] {
            let coordinate = octets(jwk, member)?;
            if coordinate.len() != P256_OCTETS {
                return Err(KeyFlaw::Point);
            }
            point.extend(coordinate);
        }
        p256::PublicKey::from_sec1_bytes(&point).map_err(|_| KeyFlaw::Point)?;
        Ok(Self { algorithm: Algorithm::Es256, key: DecodingKey::from_ec_der(&point) })
    }

    /// The one algorithm that the key is for.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether `signature`, base64url, is by this key over `signed`. A signature of another form than the algorithm's
    /// is not: DER where two numbers should stand, a length that is not the modulus's, zeros (T-22).
    #[must_use]
    pub fn verifies(&self, signed: &str, signature: &str) -> bool {
        let algorithm = match self.algorithm {
            Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
            Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
        };
        jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &self.key, algorithm).unwrap_or(false)
    }
}

impl fmt::Debug for VerifyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// RFC 7517, sections 4.2 and 4.3. Clusters write `use`: `sig`. A key that does not say is taken, one that says
/// otherwise is not.
fn check_use(jwk: &Members) -> Result<(), KeyFlaw> {
    let for_signatures = jwk.get("use").is_none_or(|purpose| purpose.text() == Some("sig"));
    let verifies = jwk.get("key_ops").is_none_or(|operations| match operations {
        Json::List(list) => list.iter().any(|operation| operation.text() == Some("verify")),
        Json::Null | Json::Bool(_) | Json::Integer(_) | Json::OtherNumber | Json::Text(_) | Json::Object(_) => false,
    });
    if for_signatures && verifies { Ok(()) } else { Err(KeyFlaw::Use) }
}

/// RFC 7517, section 4.4: optional, but then it binds.
fn check_algorithm(jwk: &Members, wanted: Algorithm) -> Result<(), KeyFlaw> {
    match jwk.get("alg") {
        None => Ok(()),
        Some(found) if found.text() == Some(wanted.name()) => Ok(()),
        Some(found) => Err(KeyFlaw::Algorithm { found: Shown::of(found.text().unwrap_or("no text")), wanted }),
    }
}

/// Base64url of a number, big-endian, not empty.
fn octets(jwk: &Members, member: &'static str) -> Result<Vec<u8>, KeyFlaw> {
    let found = jwk.get(member).and_then(Json::text).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    found.filter(|octets| !octets.is_empty()).ok_or(KeyFlaw::Member { member })
}

/// The length of a big-endian number in bits.
fn bits(number: &[u8]) -> usize {
    let significant = number.iter().skip_while(|octet| **octet == 0);
    let zeros = significant.clone().next().map_or(0, |first| first.leading_zeros());
    significant.count().saturating_mul(8).saturating_sub(usize::try_from(zeros).unwrap_or(0))
}

/// NIST SP 800-131A, section 3: at least 112 bits of strength.
pub const MIN_RSA_BITS: usize = 2048;
/// T-07: the cost of verifying grows with the square of the length. Kubernetes makes 2048.
pub const MAX_RSA_BITS: usize = 4096;
/// 65537, which every cluster uses; small exponents have a history of forgeries (CVE-2006-4339).
const RSA_EXPONENT: [u8; 3] = [1, 0, 1];
const P256_OCTETS: usize = 32;
/// SEC 1, section 2.3.3.
const UNCOMPRESSED: u8 = 4;
