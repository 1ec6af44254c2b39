//! Makes a certification request for a key of ours: an admin's credential, the server's own key. It takes the same way in
//! as everybody's. Knows PKCS#10; grants nothing.

use der::asn1::{Any, BitString, ObjectIdentifier, PrintableString, SetOfVec};
use der::{Decode as _, Encode as _, Tag};
use spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::attr::Attribute;
use x509_cert::name::Name;
use x509_cert::request::{CertReq, CertReqInfo, Version};

use crate::custody::{Custody, SignError};
use identity::KeyKind;

/// Why there is no request. Ours.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// It cannot be encoded.
    #[error("the request cannot be encoded")]
    Encode(#[from] der::Error),
    /// The key did not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// A request for `key`, DER, with `challenge` as its challengePassword (PKCS#9, RFC 2985, section 5.4.1).
///
/// # Errors
/// [`MakeError`].
pub fn make(key: &dyn Custody, challenge: Option<&str>) -> Result<Vec<u8>, MakeError> {
    let public_key = SubjectPublicKeyInfoOwned::from_der(key.public_key().spki_der())?;
    let mut attributes = SetOfVec::new();
    if let Some(challenge) = challenge {
        let value = PrintableString::new(challenge)
            .map(|text| Any::from(&text))
            .or_else(|_| Any::new(Tag::Utf8String, challenge.as_bytes()))?;
        let mut values = SetOfVec::new();
        values.insert(value)?;
        attributes.insert(Attribute { oid: CHALLENGE_PASSWORD, values })?;
    }
    let info = CertReqInfo { version: Version::V1, subject: Name::default(), public_key, attributes };
    let signature = key.sign(&info.to_der()?)?;
    let oid = match key.public_key().kind() {
        KeyKind::P256 => ECDSA_WITH_SHA_256,
        KeyKind::Ed25519 => ED25519,
    };
    let request = CertReq {
        info,
        algorithm: AlgorithmIdentifierOwned { oid, parameters: None },
        signature: BitString::from_bytes(&signature)?,
    };
    Ok(request.to_der()?)
}

const CHALLENGE_PASSWORD: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.7");
/// RFC 5758, section 3.2.
const ECDSA_WITH_SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
/// RFC 8410, section 3.
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csr::open;
    use crate::custody::SoftwareKey;

    #[track_caller]
    fn check(kind: KeyKind, challenge: Option<&str>) {
        let key = SoftwareKey::generate(kind).unwrap();
        let opened = open(&make(&key, challenge).unwrap()).unwrap();
        assert_eq!(opened.key(), key.public_key().hash());
        assert_eq!(opened.challenge(), challenge);
    }

    #[test]
    fn what_is_made_is_taken() {
        check(KeyKind::P256, None);
        check(KeyKind::P256, Some("AQID-_4"));
        check(KeyKind::Ed25519, Some("AQID"));
    }
}
