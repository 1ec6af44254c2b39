//! A public key that Brevet accepts, read once and checked. Knows key encodings and two implementations of verification;
//! knows no certificate, request, store or clock.
//!
//! Two kinds are accepted, and of each exactly one encoding of the SubjectPublicKeyInfo, so that one key has one hash:
//!
//! | kind | algorithm | parameters | key |
//! |---|---|---|---|
//! | P-256 | id-ecPublicKey | the named curve secp256r1 | the uncompressed point, 65 octets |
//! | Ed25519 | id-Ed25519 | absent | 32 octets |
//!
//! Everything else is refused before any arithmetic is done on it (T-07, T-38).

mod flaw;

use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ED25519, UnparsedPublicKey, VerificationAlgorithm};
use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier};
use der::{Decode, Reader, SliceReader, Tag, Tagged};
use identity::{KeyHash, KeyIdentifier, KeyKind};

pub use flaw::PublicKeyError;

/// A public key of an accepted kind: a point on its curve, of full order, in its one encoding.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    kind: KeyKind,
    spki: Vec<u8>,
    hash: KeyHash,
    identifier: KeyIdentifier,
}

/// A signature that does not hold. Why is not said: verifiers do not tell, so that forgers learn nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify under the {kind} key {key}")]
pub struct SignatureInvalid {
    /// The kind of the key.
    pub kind: KeyKind,
    /// The key.
    pub key: KeyHash,
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7).
    ///
    /// # Errors
    /// The first flaw found, see [`PublicKeyError`].
    pub fn from_spki_der(spki: &[u8]) -> Result<Self, PublicKeyError> {
        if spki.len() > MAX_SPKI_OCTETS {
            return Err(PublicKeyError::TooLong { octets: spki.len(), limit: MAX_SPKI_OCTETS });
        }
        let (algorithm, parameters, key) = parts(spki)?;
        let kind = kind(algorithm, parameters)?;
        let octets = key.as_bytes().ok_or(PublicKeyError::UnusedBits { bits: key.unused_bits() })?;
        match kind {
            KeyKind::P256 => check_p256(octets)?,
            KeyKind::Ed25519 => check_ed25519(octets)?,
        }
        let canonical = [prefix(kind), octets].concat();
        if canonical != spki {
            return Err(PublicKeyError::NotCanonical);
        }
        let identifier = KeyIdentifier::of_spki_der(spki).map_err(|_| PublicKeyError::NotCanonical)?;
        Ok(Self { kind, hash: KeyHash::of(spki), identifier, spki: canonical })
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Its SubjectPublicKeyInfo, DER.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// SHA-256 of its SubjectPublicKeyInfo.
    #[must_use]
    pub const fn hash(&self) -> KeyHash {
        self.hash
    }

    /// Its key identifier (RFC 7093, section 2, method 1).
    #[must_use]
    pub const fn identifier(&self) -> KeyIdentifier {
        self.identifier
    }

    /// The algorithm of signatures made with it, as a DER AlgorithmIdentifier.
    #[must_use]
    pub const fn signature_algorithm_der(&self) -> &'static [u8] {
        signature_algorithm_der(self.kind)
    }

    /// Verifies a signature in its X.509 form (ECDSA-Sig-Value with SHA-256, or the 64 octets of Ed25519) by aws-lc-rs.
    ///
    /// # Errors
    /// [`SignatureInvalid`].
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureInvalid> {
        let algorithm: &'static dyn VerificationAlgorithm = match self.kind {
            KeyKind::P256 => &ECDSA_P256_SHA256_ASN1,
            KeyKind::Ed25519 => &ED25519,
        };
        UnparsedPublicKey::new(algorithm, self.octets()).verify(message, signature).map_err(|_| self.invalid())
    }

    /// Verifies as [`Self::verify`] does, by implementations that share no code with the signer (p256, ed25519-dalek).
    /// About five times slower for P-256: for what must be right even if the signer is faulty, not for every request.
    ///
    /// # Errors
    /// [`SignatureInvalid`].
    pub fn verify_independently(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureInvalid> {
        let verified = match self.kind {
            KeyKind::P256 => verify_p256(self.octets(), message, signature),
            KeyKind::Ed25519 => verify_ed25519(self.octets(), message, signature),
        };
        verified.ok_or_else(|| self.invalid())
    }

    /// The key itself, without its envelope.
    fn octets(&self) -> &[u8] {
        self.spki.get(prefix(self.kind).len()..).unwrap_or_default()
    }

    const fn invalid(&self) -> SignatureInvalid {
        SignatureInvalid { kind: self.kind, key: self.hash }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} {})", self.kind, self.hash)
    }
}

/// The DER AlgorithmIdentifier of signatures by keys of a kind: ecdsa-with-SHA256 (RFC 5758, section 3.2) or
/// id-Ed25519 (RFC 8410, section 3), both without parameters.
#[must_use]
pub const fn signature_algorithm_der(kind: KeyKind) -> &'static [u8] {
    match kind {
        KeyKind::P256 => &[0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
        KeyKind::Ed25519 => &[0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70],
    }
}

/// Wraps the octets of a key in the envelope of its kind. Checks nothing: [`PublicKey::from_spki_der`] does.
#[must_use]
pub fn spki_of(kind: KeyKind, octets: &[u8]) -> Vec<u8> {
    [prefix(kind), octets].concat()
}

type Parts<'a> = (ObjectIdentifier, Option<AnyRef<'a>>, BitStringRef<'a>);

fn parts(spki: &[u8]) -> Result<Parts<'_>, PublicKeyError> {
    let mut reader = SliceReader::new(spki)?;
    let parts = reader.sequence(|spki| {
        let (algorithm, parameters) = spki.sequence(|algorithm| {
            let oid = ObjectIdentifier::decode(algorithm)?;
            let parameters = if algorithm.is_finished() { None } else { Some(AnyRef::decode(algorithm)?) };
            Ok::<_, der::Error>((oid, parameters))
        })?;
        Ok::<_, der::Error>((algorithm, parameters, BitStringRef::decode(spki)?))
    })?;
    reader.finish()?;
    Ok(parts)
}

/// RFC 5480, section 2.1.1: the parameters of an EC key must be a named curve. Explicit parameters let an attacker
/// choose the generator (CVE-2020-0601). RFC 8410, section 3: those of Ed25519 must be absent.
fn kind(algorithm: ObjectIdentifier, parameters: Option<AnyRef<'_>>) -> Result<KeyKind, PublicKeyError> {
    match (algorithm, parameters) {
        (ID_EC_PUBLIC_KEY, None) => Err(PublicKeyError::CurveMissing),
        (ID_EC_PUBLIC_KEY, Some(parameters)) if parameters.tag() != Tag::ObjectIdentifier => {
            Err(PublicKeyError::CurveNotNamed)
        }
        (ID_EC_PUBLIC_KEY, Some(parameters)) => match parameters.decode_as::<ObjectIdentifier>()? {
            SECP256R1 => Ok(KeyKind::P256),
            curve => Err(PublicKeyError::Curve { curve }),
        },
        (ID_ED25519, None) => Ok(KeyKind::Ed25519),
        (ID_ED25519, Some(_)) => Err(PublicKeyError::UnexpectedParameters),
        (algorithm, _) => Err(PublicKeyError::Kind { algorithm }),
    }
}

/// SEC 1, section 3.2.2.1: the point is on the curve and is not the point at infinity. P-256 has cofactor 1, so
/// nothing else is needed. Compressed points are refused so that one key has one encoding and one hash.
fn check_p256(octets: &[u8]) -> Result<(), PublicKeyError> {
    match octets.first() {
        Some(0x04) if octets.len() == P256_POINT_OCTETS => {}
        Some(form @ (0x02 | 0x03)) => return Err(PublicKeyError::PointCompressed { form: *form }),
        _ => return Err(PublicKeyError::KeyLength { octets: octets.len(), expected: P256_POINT_OCTETS }),
    }
    p256::PublicKey::from_sec1_bytes(octets).map(|_| ()).map_err(|_| PublicKeyError::NotOnCurve)
}

/// RFC 8032, section 5.1.3: y below the prime, and x exists. A point of small order is refused as well: for such a key
/// one signature holds for many messages.
fn check_ed25519(octets: &[u8]) -> Result<(), PublicKeyError> {
    let octets: &[u8; ED25519_KEY_OCTETS] = octets
        .try_into()
        .map_err(|_| PublicKeyError::KeyLength { octets: octets.len(), expected: ED25519_KEY_OCTETS })?;
    let [first, middle @ .., last] = octets;
    if *first >= 0xed && middle.iter().all(|&octet| octet == 0xff) && last & 0x7f == 0x7f {
        return Err(PublicKeyError::NotReduced);
    }
    let key = ed25519_dalek::VerifyingKey::from_bytes(octets).map_err(|_| PublicKeyError::NotOnCurve)?;
    if key.is_weak() { Err(PublicKeyError::SmallOrder) } else { Ok(()) }
}

fn verify_p256(key: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
    use p256::ecdsa::signature::Verifier as _;
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(key).ok()?;
    let signature = p256::ecdsa::Signature::from_der(signature).ok()?;
    key.verify(message, &signature).ok()
}

fn verify_ed25519(key: &[u8], message: &[u8], signature: &[u8]) -> Option<()> {
    let key = ed25519_dalek::VerifyingKey::from_bytes(key.try_into().ok()?).ok()?;
    let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
    key.verify_strict(message, &signature).ok()
}

/// What stands before the key in its SubjectPublicKeyInfo.
const fn prefix(kind: KeyKind) -> &'static [u8] {
    match kind {
        KeyKind::P256 => &[
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
            0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
        ],
        KeyKind::Ed25519 => &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00],
    }
}

/// id-ecPublicKey: RFC 5480, section 2.1.1.
const ID_EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// secp256r1: RFC 5480, section 2.1.1.1.
const SECP256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
/// id-Ed25519: RFC 8410, section 3.
const ID_ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// An uncompressed point: 04, x, y (SEC 1, section 2.3.3).
const P256_POINT_OCTETS: usize = 65;
/// RFC 8032, section 5.1.5.
const ED25519_KEY_OCTETS: usize = 32;
/// Octets of a SubjectPublicKeyInfo that is looked at: enough to name the kind of an RSA key of 16,384 bits in the
/// refusal, far above the 91 octets of the longest accepted one.
const MAX_SPKI_OCTETS: usize = 4096;

#[cfg(test)]
mod tests;
