//! A private key in this process's memory. Knows aws-lc-rs and PKCS#8; knows no file and no passphrase.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use identity::{KeyHash, KeyKind};
use pkcs8::PrivateKeyInfoRef;
use zeroize::Zeroizing;

use super::{Custody, SignError};
use crate::public_key::{PublicKey, PublicKeyError, SignatureInvalid, spki_of};

/// A key that aws-lc holds in memory and overwrites when it is dropped.
pub struct SoftwareKey {
    pair: Pair,
    public: PublicKey,
}

enum Pair {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Why there is no usable key. Every one is a fault of what was stored, or of this machine.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The random source or the key generation failed.
    #[error("no {kind} key could be generated")]
    Generate {
        /// The kind asked for.
        kind: KeyKind,
    },
    /// Not a PKCS#8 private key of a kind that Brevet uses, or one whose halves do not belong together.
    #[error("not a PKCS#8 private key of P-256 or Ed25519: {reason}")]
    Rejected {
        /// What aws-lc or the decoder says.
        reason: String,
    },
    /// A public half that Brevet would refuse in a request too.
    #[error("the key's public half is not accepted")]
    PublicKey(#[from] PublicKeyError),
    /// The self test could not sign.
    #[error("the key failed its self test")]
    SelfTestSign(#[source] SignError),
    /// The self test's signature does not hold: a damaged key, or a faulty machine.
    #[error("the key failed its self test")]
    SelfTestVerify(#[source] SignatureInvalid),
    /// Another key than the one that was expected.
    #[error("this is key {found}, not key {expected}")]
    OtherKey {
        /// What the ledger names.
        expected: KeyHash,
        /// What was opened.
        found: KeyHash,
    },
}

impl SoftwareKey {
    /// Makes a new key.
    ///
    /// # Errors
    /// [`KeyError`], all of them faults of this machine.
    pub fn generate(kind: KeyKind) -> Result<Self, KeyError> {
        let pair = match kind {
            KeyKind::P256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map(Pair::P256),
            KeyKind::Ed25519 => Ed25519KeyPair::generate().map(Pair::Ed25519),
        };
        Self::tested(pair.map_err(|_| KeyError::Generate { kind })?)
    }

    /// Takes a key from its PKCS#8 PrivateKeyInfo (RFC 5958), checks that its halves belong together, and tests it.
    ///
    /// # Errors
    /// [`KeyError::Rejected`], or a failed self test.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let rejected = |reason: String| KeyError::Rejected { reason };
        let info = PrivateKeyInfoRef::try_from(pkcs8).map_err(|error| rejected(error.to_string()))?;
        let oid = info.algorithm.oid;
        let pair = if oid == ID_EC_PUBLIC_KEY {
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8).map(Pair::P256)
        } else if oid == ID_ED25519 {
            Ed25519KeyPair::from_pkcs8(pkcs8).map(Pair::Ed25519)
        } else {
            return Err(rejected(format!("it is of algorithm {oid}")));
        };
        Self::tested(pair.map_err(|error| rejected(error.to_string()))?)
    }

    /// The key as PKCS#8 version 1, which every tool reads. The only way out for a private key: sealing uses it.
    ///
    /// # Errors
    /// [`KeyError::Rejected`] where aws-lc cannot write it.
    pub(super) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let document = match &self.pair {
            Pair::P256(pair) => pair.to_pkcs8v1(),
            Pair::Ed25519(pair) => pair.to_pkcs8v1(),
        };
        // `document` overwrites itself when it is dropped, and so does the copy.
        let document = document.map_err(|error| KeyError::Rejected { reason: error.to_string() })?;
        Ok(Zeroizing::new(document.as_ref().to_vec()))
    }

    /// The key, if it is the one that the ledger names.
    ///
    /// # Errors
    /// [`KeyError::OtherKey`].
    pub fn expect(self, expected: KeyHash) -> Result<Self, KeyError> {
        let found = self.public.hash();
        if found == expected { Ok(self) } else { Err(KeyError::OtherKey { expected, found }) }
    }

    /// Signs once and verifies with both implementations, so that a damaged key never signs anything that counts.
    fn tested(pair: Pair) -> Result<Self, KeyError> {
        let spki = match &pair {
            Pair::P256(pair) => spki_of(KeyKind::P256, pair.public_key().as_ref()),
            Pair::Ed25519(pair) => spki_of(KeyKind::Ed25519, pair.public_key().as_ref()),
        };
        let key = Self { pair, public: PublicKey::from_spki_der(&spki)? };
        let signature = key.sign(SELF_TEST).map_err(KeyError::SelfTestSign)?;
        key.public.verify(SELF_TEST, &signature).map_err(KeyError::SelfTestVerify)?;
        key.public.verify_independently(SELF_TEST, &signature).map_err(KeyError::SelfTestVerify)?;
        Ok(key)
    }
}

impl Custody for SoftwareKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = match &self.pair {
            Pair::P256(pair) => pair.sign(&SystemRandom::new(), message),
            Pair::Ed25519(pair) => pair.try_sign(message),
        };
        signature.map(|signature| signature.as_ref().to_vec()).map_err(|_| SignError { key: self.public.hash() })
    }
}

impl fmt::Debug for SoftwareKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SoftwareKey({} {}, private half withheld)", self.public.kind(), self.public.hash())
    }
}

/// What the self test signs: no TBSCertificate, TBSCertList, CSR or checkpoint begins with these octets.
const SELF_TEST: &[u8] = b"brevet-self-test/v1\0";

/// id-ecPublicKey: RFC 5480, section 2.1.1. That the curve is P-256 is checked by aws-lc.
const ID_EC_PUBLIC_KEY: pkcs8::ObjectIdentifier = pkcs8::ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// id-Ed25519: RFC 8410, section 3.
const ID_ED25519: pkcs8::ObjectIdentifier = pkcs8::ObjectIdentifier::new_unwrap("1.3.101.112");
