//! Sound certificate requests (RFC 2986), with the nonce as challengePassword. Knows rcgen and PKCS#9.

use rcgen::{Attribute, CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};

use crate::der;

/// A request and the key that signed it.
pub struct Request {
    /// The request, DER.
    pub der: Vec<u8>,
    /// Its key.
    pub key: KeyPair,
}

/// The kinds of key that Brevet's leaves may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeafKey {
    /// ECDSA on P-256.
    P256,
    /// Ed25519.
    Ed25519,
}

/// A request for a new key, empty subject, nothing asked for, `challenge` inside where there is one.
#[must_use]
pub fn sound(kind: LeafKey, challenge: Option<&str>) -> Request {
    let key = KeyPair::generate_for(match kind {
        LeafKey::P256 => &PKCS_ECDSA_P256_SHA256,
        LeafKey::Ed25519 => &PKCS_ED25519,
    })
    .expect("a key");
    let der = for_key(&key, challenge);
    Request { der, key }
}

/// The same for a key that exists already: a retry, or somebody else's key.
#[must_use]
pub fn for_key(key: &KeyPair, challenge: Option<&str>) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    let attributes = challenge.map(challenge_password).into_iter().collect();
    params.serialize_request_with_attributes(key, attributes).expect("a request").der().to_vec()
}

/// PKCS#9 challengePassword (RFC 2985, section 5.4.1) with one UTF8String.
#[must_use]
pub fn challenge_password(challenge: &str) -> Attribute {
    Attribute { oid: CHALLENGE_PASSWORD, values: der::set(&[&der::utf8(challenge)]) }
}

/// 1.2.840.113549.1.9.7.
pub const CHALLENGE_PASSWORD: &[u64] = &[1, 2, 840, 113_549, 1, 9, 7];

#[cfg(test)]
mod tests {
    use x509_parser::prelude::{FromDer, X509CertificationRequest};

    use super::{LeafKey, sound};

    #[track_caller]
    fn check_verifies(kind: LeafKey, challenge: Option<&str>) {
        let request = sound(kind, challenge);
        let (rest, parsed) = X509CertificationRequest::from_der(&request.der).unwrap();
        assert!(rest.is_empty());
        parsed.verify_signature().unwrap();
        let found = challenge.is_some_and(|text| request.der.windows(text.len()).any(|at| at == text.as_bytes()));
        assert_eq!(found, challenge.is_some());
    }

    #[test]
    fn requests_prove_their_key() {
        check_verifies(LeafKey::P256, Some("nonce"));
        check_verifies(LeafKey::P256, None);
        check_verifies(LeafKey::Ed25519, Some("nonce"));
    }
}
