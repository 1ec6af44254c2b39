//! Private keys of hosts and agents: made, kept in memory, proved. Knows PKCS#8 and PKCS#10; knows no file and no server.

use std::fmt;
use std::sync::Arc;

use identity::{KeyHash, KeyKind};
use pkcs8::der::Encode;
use pkcs8::der::asn1::{SetOfVec, Utf8StringRef};
use rcgen::{Attribute, CertificateParams, DistinguishedName, KeyPair, PublicKeyData, SigningKey};
use rustls_pki_types::PrivatePkcs8KeyDer;
use zeroize::{Zeroize, Zeroizing};

/// A private key. Its octets are zeroed when the last clone is dropped, and never shown.
#[derive(Clone)]
pub struct PrivateKey {
    pkcs8: Arc<Zeroizing<Vec<u8>>>,
    spki: Arc<[u8]>,
    kind: KeyKind,
}

/// Why a key cannot be made, read or used. None of these shows any of its octets.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The library could not make a key.
    #[error("a {kind} key cannot be made")]
    Make {
        /// The kind asked for.
        kind: KeyKind,
        /// What the library said.
        source: rcgen::Error,
    },
    /// The octets are no PKCS#8 key of a kind that we use.
    #[error("the private key is not P-256 or Ed25519 in PKCS#8")]
    Form,
    /// The library could not sign.
    #[error("the private key does not sign")]
    Sign(#[source] rcgen::Error),
    /// The challenge cannot stand in a certification request.
    #[error("the server's nonce cannot stand in a certification request")]
    Challenge(#[source] pkcs8::der::Error),
}

impl PrivateKey {
    /// A new key.
    ///
    /// # Errors
    /// [`KeyError::Make`].
    pub fn generate(kind: KeyKind) -> Result<Self, KeyError> {
        let algorithm = match kind {
            KeyKind::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            KeyKind::Ed25519 => &rcgen::PKCS_ED25519,
        };
        let pair = KeyPair::generate_for(algorithm).map_err(|source| KeyError::Make { kind, source })?;
        Self::from_pair(&Zeroizing::new(pair))
    }

    /// Reads a key that was made by [`generate`](Self::generate).
    ///
    /// # Errors
    /// [`KeyError::Form`].
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let pair = pair(der)?;
        Self::from_pair(&pair)
    }

    fn from_pair(pair: &KeyPair) -> Result<Self, KeyError> {
        let kind = if pair.algorithm() == &rcgen::PKCS_ECDSA_P256_SHA256 {
            KeyKind::P256
        } else if pair.algorithm() == &rcgen::PKCS_ED25519 {
            KeyKind::Ed25519
        } else {
            return Err(KeyError::Form);
        };
        let pkcs8 = Zeroizing::new(pair.serialized_der().to_vec());
        Ok(Self { pkcs8: Arc::new(pkcs8), spki: pair.subject_public_key_info().into(), kind })
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// SubjectPublicKeyInfo, DER.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Hash of the public key.
    #[must_use]
    pub fn hash(&self) -> KeyHash {
        KeyHash::of(&self.spki)
    }

    /// PKCS#8 DER, unencrypted. It is shared, not copied, so that there is one place to zero.
    #[must_use]
    pub fn pkcs8(&self) -> &Arc<Zeroizing<Vec<u8>>> {
        &self.pkcs8
    }

    /// A certification request (RFC 2986) that holds nothing but the public key, the proof of possession and the server's nonce
    /// as challengePassword (RFC 2985, section 5.4.1), if there is one: names are the server's to give.
    ///
    /// # Errors
    /// [`KeyError::Challenge`], [`KeyError::Sign`].
    pub fn certification_request(&self, nonce: Option<&str>) -> Result<Vec<u8>, KeyError> {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = DistinguishedName::new();
        let attributes = nonce.map(challenge_password).transpose()?;
        let request = parameters
            .serialize_request_with_attributes(&*pair(&self.pkcs8)?, attributes.into_iter().collect())
            .map_err(KeyError::Sign)?;
        Ok(request.der().to_vec())
    }

    /// A signature: ECDSA with SHA-256 in DER form, or Ed25519.
    ///
    /// # Errors
    /// [`KeyError::Sign`].
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        pair(&self.pkcs8)?.sign(message).map_err(KeyError::Sign)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey")
            .field("kind", &self.kind)
            .field("hash", &self.hash().to_string())
            .finish_non_exhaustive()
    }
}

fn pair(pkcs8: &[u8]) -> Result<Zeroizing<KeyPair>, KeyError> {
    let mut copy = PrivatePkcs8KeyDer::from(pkcs8.to_vec());
    let pair = KeyPair::try_from(&copy).map(Zeroizing::new).map_err(|_| KeyError::Form);
    copy.zeroize();
    pair
}

fn challenge_password(nonce: &str) -> Result<Attribute, KeyError> {
    let mut values = SetOfVec::new();
    values.insert(Utf8StringRef::new(nonce).map_err(KeyError::Challenge)?).map_err(KeyError::Challenge)?;
    Ok(Attribute { oid: CHALLENGE_PASSWORD, values: values.to_der().map_err(KeyError::Challenge)? })
}

/// challengePassword (RFC 2985, section 5.4.1; PKCS #9).
const CHALLENGE_PASSWORD: &[u64] = &[1, 2, 840, 113_549, 1, 9, 7];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_round(kind: KeyKind, signature: usize) {
        let key = PrivateKey::generate(kind).unwrap();
        let again = PrivateKey::from_pkcs8(key.pkcs8()).unwrap();
        assert_eq!((again.kind(), again.hash()), (kind, key.hash()));
        assert!(key.sign(b"message").unwrap().len().abs_diff(signature) <= 2);
        assert_ne!(key.hash(), PrivateKey::generate(kind).unwrap().hash());
    }

    #[test]
    fn keys_read_back() {
        check_round(KeyKind::P256, 71);
        check_round(KeyKind::Ed25519, 64);
        assert!(matches!(PrivateKey::from_pkcs8(b"0"), Err(KeyError::Form)));
        let p384 = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
        assert!(matches!(PrivateKey::from_pkcs8(p384.serialized_der()), Err(KeyError::Form)));
    }

    /// T-40: the nonce is in the request, as a UTF8String in a set of one, and the request is signed by its key.
    #[test]
    fn a_request_carries_the_nonce() {
        for kind in [KeyKind::P256, KeyKind::Ed25519] {
            let key = PrivateKey::generate(kind).unwrap();
            let nonce = "n".repeat(200);
            let request = key.certification_request(Some(&nonce)).unwrap();
            let mut attribute =
                vec![0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 7, 0x31, 0x81, 203, 0x0c, 0x81, 200];
            attribute.extend_from_slice(nonce.as_bytes());
            assert!(request.windows(attribute.len()).any(|window| window == attribute));
            let parsed = rcgen::CertificateSigningRequestParams::from_der(&request.clone().into()).unwrap();
            assert_eq!(parsed.public_key.subject_public_key_info(), key.spki());
            let bare = key.certification_request(None).unwrap();
            assert!(!bare.windows(9).any(|window| window == &attribute[2..11]));
        }
    }

    /// T-63.
    #[test]
    fn debug_shows_no_octet_of_the_key() {
        let key = PrivateKey::generate(KeyKind::Ed25519).unwrap();
        let shown = format!("{key:?}");
        assert!(shown.contains(&key.hash().to_string()) && !shown.contains("pkcs8"), "{shown}");
    }
}
