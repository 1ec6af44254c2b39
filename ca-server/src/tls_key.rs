//! A key in custody as TLS signs with it: the server's own leaf, an admin's credential. Knows no socket; never sees the
//! private half.

use std::sync::Arc;

use identity::KeyKind;
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::sign::{Signer, SigningKey};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};

use crate::custody::Custody;

/// A key in custody, for TLS.
#[derive(Clone, Debug)]
pub struct TlsKey(pub Arc<dyn Custody>);

impl TlsKey {
    fn scheme_of_key(&self) -> SignatureScheme {
        match self.0.public_key().kind() {
            KeyKind::P256 => SignatureScheme::ECDSA_NISTP256_SHA256,
            KeyKind::Ed25519 => SignatureScheme::ED25519,
        }
    }
}

impl SigningKey for TlsKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        if !offered.contains(&self.scheme_of_key()) {
            return None;
        }
        Some(Box::new(self.clone()))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(SubjectPublicKeyInfoDer::from(self.0.public_key().spki_der()))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        match self.0.public_key().kind() {
            KeyKind::P256 => SignatureAlgorithm::ECDSA,
            KeyKind::Ed25519 => SignatureAlgorithm::ED25519,
        }
    }
}

impl Signer for TlsKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.0.sign(message).map_err(|error| Error::General(error.to_string()))
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme_of_key()
    }
}
