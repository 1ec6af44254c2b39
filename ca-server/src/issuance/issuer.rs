//! An issuer: the authority that signs leaves and CRLs. Knows what of a leaf is the same for all its leaves; knows no
//! state of its life, which is in the ledger.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use identity::{KeyIdentifier, Timestamp, TrustDomain};

use super::authority::{Authority, AuthorityError};
use super::encoding::{SEQUENCE, Writer, primitive};
use super::leaf::{NOT_CRITICAL, URI, extension};
use super::profile::id;
use super::publication::{Publication, Shard};
use crate::custody::Custody;

/// An issuer in use.
#[derive(Debug)]
pub struct Issuer {
    authority: Authority,
    publication: Publication,
    certificate_url: String,
    authority_key_identifier: Vec<u8>,
    authority_information: Vec<u8>,
    signed: AtomicU64,
    faulty: AtomicBool,
}

/// Why a certificate and a key are no issuer.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// They are no authority.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// An issuer certifies leaves only: pathLenConstraint must be 0.
    #[error("the issuer's path length is {found:?}, it must be 0")]
    PathLength {
        /// In the certificate.
        found: Option<u32>,
    },
    /// An issuer is signed by a root, and names it.
    #[error("the issuer's certificate names no other authority that signed it")]
    NoParent,
}

/// Issuers by their key identifiers: the active one, and those that retire and still sign their CRLs.
#[derive(Debug, Default, Clone)]
pub struct Issuers(HashMap<KeyIdentifier, Arc<Issuer>>);

impl Issuer {
    /// Joins an issuer's certificate with its key and with the addresses that its leaves will carry.
    ///
    /// # Errors
    /// [`IssuerError`].
    pub fn open(certificate: &[u8], key: Arc<dyn Custody>, publication: Publication) -> Result<Self, IssuerError> {
        let authority = Authority::open(certificate, key)?;
        if authority.path_len() != Some(0) {
            return Err(IssuerError::PathLength { found: authority.path_len() });
        }
        let key_identifier = authority.key_identifier();
        if authority.parent().is_none_or(|parent| parent == key_identifier) {
            return Err(IssuerError::NoParent);
        }
        let certificate_url = publication.certificate_url(&key_identifier);
        Ok(Self {
            authority_key_identifier: authority_key_identifier(&key_identifier),
            authority_information: authority_information(&certificate_url),
            authority,
            publication,
            certificate_url,
            signed: AtomicU64::new(0),
            faulty: AtomicBool::new(false),
        })
    }

    /// Its certificate and what it says.
    #[must_use]
    pub const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Its key's identifier, which names it in entries.
    #[must_use]
    pub const fn key_identifier(&self) -> KeyIdentifier {
        self.authority.key_identifier()
    }

    /// The trust domain that it speaks for.
    #[must_use]
    pub const fn trust_domain(&self) -> &TrustDomain {
        self.authority.trust_domain()
    }

    /// Last second of its validity: no leaf of its ends later.
    #[must_use]
    pub const fn not_after(&self) -> Timestamp {
        self.authority.not_after()
    }

    /// Where what verifiers fetch is published.
    #[must_use]
    pub const fn publication(&self) -> &Publication {
        &self.publication
    }

    /// Where the CRL of a shard is.
    #[must_use]
    pub fn crl_url(&self, shard: Shard) -> String {
        self.publication.crl_url(&self.key_identifier(), shard)
    }

    /// Where its own certificate is.
    #[must_use]
    pub fn certificate_url(&self) -> &str {
        &self.certificate_url
    }

    /// Whether a signature of this issuer once did not verify. From then on it signs nothing.
    #[must_use]
    pub fn is_faulty(&self) -> bool {
        self.faulty.load(Ordering::Acquire)
    }

    /// The authorityKeyIdentifier of what it signs, whole.
    pub(super) fn authority_key_identifier(&self) -> &[u8] {
        &self.authority_key_identifier
    }

    /// The authorityInfoAccess of its leaves, whole.
    pub(super) fn authority_information(&self) -> &[u8] {
        &self.authority_information
    }

    /// Whether the leaf that is signed now is one of those that are verified: the first, and one in a hundred after it.
    pub(super) fn is_sampled(&self) -> bool {
        self.signed.fetch_add(1, Ordering::Relaxed).is_multiple_of(SAMPLED_ONE_IN)
    }

    /// Stops the issuer for good: whatever made one bad signature may make the next.
    pub(super) fn stop(&self) {
        self.faulty.store(true, Ordering::Release);
    }
}

impl Issuers {
    /// Adds an issuer.
    pub fn add(&mut self, issuer: Arc<Issuer>) {
        self.0.insert(issuer.key_identifier(), issuer);
    }

    /// Takes one out, when it is retired or compromised.
    pub fn remove(&mut self, issuer: &KeyIdentifier) {
        self.0.remove(issuer);
    }

    /// The issuer with this key.
    #[must_use]
    pub fn get(&self, issuer: &KeyIdentifier) -> Option<&Arc<Issuer>> {
        self.0.get(issuer)
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Issuer>> {
        self.0.values()
    }
}

impl FromIterator<Arc<Issuer>> for Issuers {
    fn from_iter<I: IntoIterator<Item = Arc<Issuer>>>(issuers: I) -> Self {
        let mut all = Self::default();
        issuers.into_iter().for_each(|issuer| all.add(issuer));
        all
    }
}

/// authorityKeyIdentifier with keyIdentifier [0] alone: RFC 5280, section 4.2.1.1.
pub(super) fn authority_key_identifier(issuer: &KeyIdentifier) -> Vec<u8> {
    let mut writer = Writer::default();
    extension(&mut writer, id::AUTHORITY_KEY_IDENTIFIER, NOT_CRITICAL, |value| {
        value.nested(SEQUENCE, |key| {
            key.element(primitive(0), issuer.as_bytes());
        });
    });
    writer.into_octets()
}

/// authorityInfoAccess with one caIssuers: RFC 5280, section 4.2.2.1.
pub(super) fn authority_information(certificate_url: &str) -> Vec<u8> {
    let mut writer = Writer::default();
    extension(&mut writer, id::AUTHORITY_INFO_ACCESS, NOT_CRITICAL, |value| {
        value.nested(SEQUENCE, |access| {
            access.nested(SEQUENCE, |description| {
                description.element(0x06, id::CA_ISSUERS).element(URI, certificate_url.as_bytes());
            });
        });
    });
    writer.into_octets()
}

/// Design, section 3: leaves are verified by the independent implementation one in a hundred, which costs 2 µs a leaf;
/// a signer that is faulty in more than a few signatures is found within seconds.
const SAMPLED_ONE_IN: u64 = 100;
