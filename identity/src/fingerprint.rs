//! Hashes that name things: a certificate, a key, any octets. Knows SHA-256 and where a public key's bits lie; verifies
//! no signature.

use sha2::{Digest as _, Sha256};

use crate::der::{DerError, Reader, SEQUENCE};
use crate::lower_hex::lower_hex_text;

/// A SHA-256 hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Hash([u8; HASH_OCTETS]);

/// The SHA-256 hash of a certificate's DER.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertificateFingerprint([u8; HASH_OCTETS]);

/// The SHA-256 hash of a public key's SubjectPublicKeyInfo DER: what pins a key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyHash([u8; HASH_OCTETS]);

/// The key identifier in subjectKeyIdentifier and authorityKeyIdentifier: RFC 7093 section 2 method 1, the leftmost
/// 160 bits of the SHA-256 hash of the subjectPublicKey BIT STRING's value (without tag, length and unused-bits octet).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyIdentifier([u8; KEY_IDENTIFIER_OCTETS]);

/// Why octets are not a SubjectPublicKeyInfo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyIdentifierError {
    /// RFC 5280 4.1: not the DER of a SubjectPublicKeyInfo.
    #[error("not the DER of a SubjectPublicKeyInfo")]
    NotPublicKeyInfo(#[source] DerError),
    /// There are octets after the structure.
    #[error("{found} octets follow the SubjectPublicKeyInfo")]
    TrailingOctets {
        /// How many.
        found: usize,
    },
}

impl Sha256Hash {
    /// The hash of these octets.
    #[must_use]
    pub fn of(octets: &[u8]) -> Self {
        Self(sha256(octets))
    }
}

impl CertificateFingerprint {
    /// The fingerprint of the certificate with this DER.
    #[must_use]
    pub fn of(certificate_der: &[u8]) -> Self {
        Self(sha256(certificate_der))
    }
}

impl KeyHash {
    /// The hash of the key with this SubjectPublicKeyInfo DER.
    #[must_use]
    pub fn of(spki_der: &[u8]) -> Self {
        Self(sha256(spki_der))
    }
}

impl KeyIdentifier {
    /// The identifier of the key with this SubjectPublicKeyInfo DER.
    ///
    /// # Errors
    /// [`KeyIdentifierError`] when the octets are anything else, or more.
    pub fn of_spki_der(spki_der: &[u8]) -> Result<Self, KeyIdentifierError> {
        let mut outside = Reader::new(spki_der);
        let bits = public_key_bits(&mut outside).map_err(KeyIdentifierError::NotPublicKeyInfo)?;
        match outside.remaining() {
            0 => Ok(Self::of_public_key_bits(bits)),
            found => Err(KeyIdentifierError::TrailingOctets { found }),
        }
    }

    /// The identifier of the key whose subjectPublicKey BIT STRING has this value.
    pub(crate) fn of_public_key_bits(bits: &[u8]) -> Self {
        let mut leftmost = [0; KEY_IDENTIFIER_OCTETS];
        for (octet, hashed) in leftmost.iter_mut().zip(sha256(bits)) {
            *octet = hashed;
        }
        Self(leftmost)
    }
}

impl From<CertificateFingerprint> for Sha256Hash {
    fn from(fingerprint: CertificateFingerprint) -> Self {
        Self(fingerprint.0)
    }
}

impl From<KeyHash> for Sha256Hash {
    fn from(key: KeyHash) -> Self {
        Self(key.0)
    }
}

/// SubjectPublicKeyInfo ::= SEQUENCE { algorithm AlgorithmIdentifier, subjectPublicKey BIT STRING }: RFC 5280 4.1.
fn public_key_bits<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DerError> {
    let mut info = reader.inside(SEQUENCE)?;
    let mut algorithm = info.inside(SEQUENCE)?;
    algorithm.oid()?;
    if algorithm.remaining() > 0 {
        algorithm.any()?;
    }
    algorithm.end()?;
    let bits = info.whole_octets()?;
    info.end()?;
    Ok(bits)
}

fn sha256(octets: &[u8]) -> [u8; HASH_OCTETS] {
    Sha256::digest(octets).into()
}

lower_hex_text!(Sha256Hash, HASH_OCTETS);
lower_hex_text!(CertificateFingerprint, HASH_OCTETS);
lower_hex_text!(KeyHash, HASH_OCTETS);
lower_hex_text!(KeyIdentifier, KEY_IDENTIFIER_OCTETS);

/// Octets of a SHA-256 hash: FIPS 180-4.
pub const HASH_OCTETS: usize = 32;

/// Octets of a key identifier: RFC 7093 section 2, 160 bits.
pub const KEY_IDENTIFIER_OCTETS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    /// The hash of "abc" in FIPS 180-4's examples.
    const OF_ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn hashes_are_sha_256() {
        assert_eq!(Sha256Hash::of(b"abc").to_string(), OF_ABC);
        assert_eq!(CertificateFingerprint::of(b"abc").to_string(), OF_ABC);
        assert_eq!(KeyHash::of(b"abc").to_string(), OF_ABC);
        assert_eq!(Sha256Hash::from(KeyHash::of(b"abc")), OF_ABC.parse().unwrap());
        assert_eq!(format!("{:?}", KeyHash::of(b"abc")), OF_ABC);
    }

    /// An Ed25519 key of 32 octets 0x07.
    fn spki() -> Vec<u8> {
        [&b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00"[..], &[7; 32]].concat()
    }

    /// RFC 7093 method 1: 160 bits of the hash of the BIT STRING's value, not of the structure.
    #[test]
    fn identifier_is_of_the_key_alone() {
        let expected = &Sha256Hash::of(&[7; 32]).to_string()[..40];
        assert_eq!(KeyIdentifier::of_spki_der(&spki()).unwrap().to_string(), expected);
    }

    #[track_caller]
    fn check_refused(spki_der: &[u8], error: DerError) {
        assert_eq!(KeyIdentifier::of_spki_der(spki_der), Err(KeyIdentifierError::NotPublicKeyInfo(error)));
    }

    #[test]
    fn refuses_what_is_no_public_key_info() {
        check_refused(b"", DerError::Truncated);
        check_refused(b"\x30\x00", DerError::Truncated);
        check_refused(b"\x04\x00", DerError::Tag { expected: 0x30, found: 0x04 });
        let mut unused_bits = spki();
        unused_bits[11] = 1;
        check_refused(&unused_bits, DerError::Value { tag: 0x03 });
        let trailing = [spki(), vec![0]].concat();
        assert_eq!(KeyIdentifier::of_spki_der(&trailing), Err(KeyIdentifierError::TrailingOctets { found: 1 }));
        for end in 0..spki().len() {
            check_refused(&spki()[..end], DerError::Truncated);
        }
    }
}
