//! An authority's certificate and the key behind it, which belong together. Knows what they say; signs nothing by itself.

use std::sync::Arc;

use identity::svid::{self, CertificateError, CertificateFacts, KeyUsage, Svid, SvidError};
use identity::{CertificateFingerprint, KeyHash, KeyIdentifier, Timestamp, TrustDomain};

use super::encoding::{BIT_STRING, SEQUENCE, Writer};
use crate::custody::{self, Custody};
use crate::public_key::{PublicKey, SignatureInvalid};

/// An authority in use. [`super::Root`] and [`super::Issuer`] say what it may sign.
#[derive(Debug)]
pub struct Authority {
    certificate: Arc<[u8]>,
    facts: CertificateFacts,
    judged: svid::Authority,
    key: Arc<dyn Custody>,
}

/// Why a certificate and a key are no authority. Every one is a fault of ours, or of what was stored.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The certificate cannot be read.
    #[error("the authority's certificate cannot be read")]
    Certificate(#[from] CertificateError),
    /// The certificate is no authority's.
    #[error("the certificate is not that of an authority")]
    Judged(#[from] SvidError),
    /// The certificate's key identifier is not that of its key.
    #[error("the certificate names its key {found}, which is {expected}")]
    KeyIdentifier {
        /// By the one method (RFC 7093, section 2, method 1).
        expected: KeyIdentifier,
        /// In the certificate.
        found: KeyIdentifier,
    },
    /// The certificate may not sign certificates and CRLs.
    #[error("the authority's key usage is {found:?}")]
    KeyUsage {
        /// What it is.
        found: Option<KeyUsage>,
    },
    /// The key is another one.
    #[error("the certificate is for key {certified}, the key in custody is {held}")]
    OtherKey {
        /// In the certificate.
        certified: KeyHash,
        /// In custody.
        held: KeyHash,
    },
}

impl Authority {
    /// Joins a certificate with its key.
    ///
    /// # Errors
    /// [`AuthorityError`]: the certificate is not that of an authority, or the key is another one.
    pub fn open(certificate: &[u8], key: Arc<dyn Custody>) -> Result<Self, AuthorityError> {
        let facts = CertificateFacts::from_der(certificate)?;
        let judged = Svid::authority(&facts)?;
        let (expected, found) = (facts.key_identifier, judged.key_identifier());
        if expected != found {
            return Err(AuthorityError::KeyIdentifier { expected, found });
        }
        if facts.key_usage != Some(KeyUsage::KEY_CERT_SIGN.with(KeyUsage::CRL_SIGN)) {
            return Err(AuthorityError::KeyUsage { found: facts.key_usage });
        }
        let (certified, held) = (facts.key, key.public_key().hash());
        if certified != held || facts.spki_der != key.public_key().spki_der() {
            return Err(AuthorityError::OtherKey { certified, held });
        }
        Ok(Self { certificate: certificate.into(), facts, judged, key })
    }

    /// Its certificate, DER.
    #[must_use]
    pub const fn certificate(&self) -> &Arc<[u8]> {
        &self.certificate
    }

    /// SHA-256 of its certificate.
    #[must_use]
    pub fn fingerprint(&self) -> CertificateFingerprint {
        CertificateFingerprint::of(&self.certificate)
    }

    /// Its key's identifier, which names it in entries and in what it signs.
    #[must_use]
    pub const fn key_identifier(&self) -> KeyIdentifier {
        self.judged.key_identifier()
    }

    /// Its public key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    /// The trust domain that it speaks for.
    #[must_use]
    pub const fn trust_domain(&self) -> &TrustDomain {
        self.judged.trust_domain()
    }

    /// First moment of its validity.
    #[must_use]
    pub const fn not_before(&self) -> Timestamp {
        self.judged.not_before()
    }

    /// Last second of its validity.
    #[must_use]
    pub const fn not_after(&self) -> Timestamp {
        self.judged.not_after()
    }

    /// How many authorities may stand below it.
    #[must_use]
    pub const fn path_len(&self) -> Option<u32> {
        self.judged.path_len()
    }

    /// The authority that signed it, as its certificate names it; itself or absent for a root.
    #[must_use]
    pub const fn parent(&self) -> Option<KeyIdentifier> {
        self.facts.issuer_key
    }

    /// Its Name, DER: the issuer field of what it signs.
    pub(super) fn name_der(&self) -> &[u8] {
        &self.facts.subject_der
    }

    /// The AlgorithmIdentifier of its signatures, DER.
    pub(super) fn algorithm_der(&self) -> &'static [u8] {
        self.public_key().signature_algorithm_der()
    }

    /// Signs to-be-signed octets and puts both together: `SEQUENCE { tbs, algorithm, BIT STRING }`, which is the form of
    /// certificates and of CRLs. The signature is given out beside it, for verification.
    pub(super) fn assemble(&self, tbs: &[u8]) -> Result<Assembled, custody::SignError> {
        assemble(&*self.key, tbs)
    }

    /// Verifies a signature of this authority by the implementation that did not make it.
    pub(super) fn verify(&self, tbs: &[u8], assembled: &Assembled) -> Result<(), SignatureInvalid> {
        self.public_key().verify_independently(tbs, &assembled.signature)
    }
}

/// Something signed.
pub(super) struct Assembled {
    pub(super) der: Vec<u8>,
    pub(super) signature: Vec<u8>,
}

/// As [`Authority::assemble`], for a root that has no certificate yet.
pub(super) fn assemble(key: &dyn Custody, tbs: &[u8]) -> Result<Assembled, custody::SignError> {
    let signature = key.sign(tbs)?;
    let algorithm = key.public_key().signature_algorithm_der();
    // Tags, lengths and the count of unused bits take at most 14 octets.
    let room = tbs.len() + algorithm.len() + signature.len();
    let mut bits = Vec::with_capacity(signature.len() + 1);
    bits.push(0);
    bits.extend_from_slice(&signature);
    let mut tail = Writer::with_capacity(algorithm.len() + signature.len() + 8);
    tail.raw(algorithm).element(BIT_STRING, &bits);
    let tail = tail.into_octets();
    let mut writer = Writer::with_capacity(room + 16);
    writer.header(SEQUENCE, tbs.len() + tail.len());
    writer.raw(tbs).raw(&tail);
    Ok(Assembled { der: writer.into_octets(), signature })
}
