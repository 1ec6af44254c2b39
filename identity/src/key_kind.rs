//! Kinds of keys that Brevet certifies. Knows their names; does no cryptography.

use std::fmt;
use std::str::FromStr;

/// A kind of key that a certificate may be issued for (design 4). All others are refused (T-38).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// ECDSA on NIST P-256 (secp256r1), as a named curve: RFC 5480.
    P256,
    /// Ed25519: RFC 8410.
    Ed25519,
}

/// The text names no kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key kind is neither p256 nor ed25519")]
pub struct KeyKindError;

/// The public key is not one that Brevet certifies: no kind of [`KeyKind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the public key is neither P-256 (named curve, uncompressed point) nor Ed25519")]
pub struct UnsupportedKey;

impl KeyKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::P256, Self::Ed25519];

    /// The kind of the key with this SubjectPublicKeyInfo DER. Compares all octets in front of the key itself, so that
    /// explicit curve parameters, other curves, compressed points and other encodings are no kind of ours (T-38). That
    /// a P-256 point lies on its curve is checked where the key is used.
    ///
    /// # Errors
    /// [`UnsupportedKey`] for everything else.
    pub fn of_spki_der(spki_der: &[u8]) -> Result<Self, UnsupportedKey> {
        Self::with_public_key(spki_der).map(|(kind, _)| kind)
    }

    /// The kind, and the content of the subjectPublicKey BIT STRING: for P-256 an uncompressed point (RFC 5480 2.2).
    pub(crate) fn with_public_key(spki_der: &[u8]) -> Result<(Self, &[u8]), UnsupportedKey> {
        if let Some(key @ [UNCOMPRESSED, ..]) = spki_der.strip_prefix(P256_SPKI_PREFIX)
            && key.len() == 65
        {
            return Ok((Self::P256, key));
        }
        match spki_der.strip_prefix(ED25519_SPKI_PREFIX) {
            Some(key) if key.len() == 32 => Ok((Self::Ed25519, key)),
            _ => Err(UnsupportedKey),
        }
    }

    /// The kind's name in configuration, messages and entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::P256 => "p256",
            Self::Ed25519 => "ed25519",
        }
    }
}

impl FromStr for KeyKind {
    type Err = KeyKindError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(KeyKindError)
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// SEQUENCE { SEQUENCE { id-ecPublicKey, secp256r1 }, BIT STRING of 65 octets without unused bits: RFC 5480 2.1.1.
const P256_SPKI_PREFIX: &[u8] =
    b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";

/// SEQUENCE { SEQUENCE { id-Ed25519 }, BIT STRING of 32 octets without unused bits: RFC 8410 4.
const ED25519_SPKI_PREFIX: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";

/// First octet of an uncompressed point: SEC 1 2.3.3.
const UNCOMPRESSED: u8 = 0x04;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_reads_back() {
        for kind in KeyKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert_eq!(KeyKind::P256.to_string(), "p256");
        assert_eq!(KeyKind::Ed25519.to_string(), "ed25519");
    }

    #[test]
    fn refuses_other_texts() {
        for text in ["", "P256", "p-256", "p384", "rsa", "ed25519 "] {
            assert_eq!(text.parse::<KeyKind>(), Err(KeyKindError));
        }
    }

    fn samples() -> [(KeyKind, Vec<u8>); 2] {
        [
            (KeyKind::P256, [P256_SPKI_PREFIX, &[UNCOMPRESSED], &[7; 64]].concat()),
            (KeyKind::Ed25519, [ED25519_SPKI_PREFIX, &[7; 32]].concat()),
        ]
    }

    /// T-38: whatever stands in front of the key, or where it ends, is exactly as the standards write it.
    #[test]
    fn public_keys_have_one_form() {
        for (kind, spki_der) in samples() {
            assert_eq!(KeyKind::of_spki_der(&spki_der), Ok(kind));
            let in_front = spki_der.iter().position(|octet| *octet == 7).unwrap();
            for position in 0..in_front {
                for octet in (0..=255).filter(|octet| *octet != spki_der[position]) {
                    let mut changed = spki_der.clone();
                    changed[position] = octet;
                    assert_eq!(KeyKind::of_spki_der(&changed), Err(UnsupportedKey), "{octet:#04x} at {position}");
                }
            }
            for end in 0..spki_der.len() {
                assert_eq!(KeyKind::of_spki_der(&spki_der[..end]), Err(UnsupportedKey));
            }
            assert_eq!(KeyKind::of_spki_der(&[&spki_der[..], &[7]].concat()), Err(UnsupportedKey));
        }
    }
}
