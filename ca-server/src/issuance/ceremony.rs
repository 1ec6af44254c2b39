//! Brings authorities into being: a root that signs itself, issuers that a root signs. Knows what an authority's
//! certificate says; keeps nothing.
//!
//! An authority's certificate stands whole in its `authority-created` entry, so here the signature comes before the entry.
//! It counts for nothing until that entry is there: no bundle holds it and no issuer of it is active.

use std::sync::Arc;

use identity::svid::{CertificateError, Svid, SvidError};
use identity::{KeyHash, KeyIdentifier, Serial, Timestamp, TrustDomain};
use ledger::entry::{AuthorityCreated, AuthorityRole, AuthorityState, Octets};

use super::authority::{Authority, AuthorityError, assemble};
use super::encoding::{SEQUENCE, SET, UTF8_STRING, Writer, constructed};
use super::issuer::{Issuer, IssuerError, authority_information, authority_key_identifier};
use super::leaf::{NOT_CRITICAL, URI, extension, head, subject_key_identifier, validity};
use super::profile::{
    AUTHORITY_KEY_USAGE, ISSUER_BASIC_CONSTRAINTS, ISSUER_LIFE, MAX_BACKDATE, ROOT_BASIC_CONSTRAINTS, ROOT_LIFE, id,
};
use super::publication::Publication;
use crate::custody::{self, Custody};
use crate::public_key::{PublicKey, SignatureInvalid};

/// A root: it signs itself and issuers, and no leaf.
#[derive(Debug)]
pub struct Root(Authority);

/// Why there is no new authority. All of them are faults of ours.
#[derive(Debug, thiserror::Error)]
pub enum CeremonyError {
    /// The key did not sign.
    #[error("the key did not sign")]
    Custody(#[from] custody::SignError),
    /// The signature does not verify.
    #[error("the signature that was made does not verify")]
    SignatureInvalid(#[from] SignatureInvalid),
    /// What was made cannot be read back.
    #[error("the authority's certificate cannot be read back")]
    Unreadable(#[from] CertificateError),
    /// What was made is no authority's certificate.
    #[error("the certificate is not that of an authority")]
    Judged(#[from] SvidError),
    /// What was made is no authority.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// What was made is no issuer.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// The root's life is over, or has not begun.
    #[error("the root is valid from {not_before} to {not_after}, now is {now}")]
    RootEnded {
        /// First moment of the root.
        not_before: Timestamp,
        /// Last second of the root.
        not_after: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// An issuer with the root's own key.
    #[error("the issuer has the root's key {key}")]
    SameKey {
        /// Which.
        key: KeyHash,
    },
}

impl Root {
    /// Makes a root of a trust domain, for ten years.
    ///
    /// # Errors
    /// [`CeremonyError`].
    pub fn create(
        trust_domain: &TrustDomain,
        key: Arc<dyn Custody>,
        now: Timestamp,
        serial: Serial,
    ) -> Result<Self, CeremonyError> {
        let start = now.floor_second();
        let public = key.public_key();
        let name = name("root", public.identifier(), trust_domain);
        let tbs = certificate(&Saying {
            serial,
            signer: public,
            issuer: &name,
            subject: &name,
            not_before: start.minus(MAX_BACKDATE),
            not_after: start.plus(ROOT_LIFE),
            key: public,
            trust_domain,
            basic_constraints: ROOT_BASIC_CONSTRAINTS,
            // RFC 5280, section 4.2.1.1, lets a self-signed certificate leave its authorityKeyIdentifier out.
            authority_key_identifier: &[],
            authority_information: &[],
        });
        let assembled = assemble(&*key, &tbs)?;
        public.verify_independently(&tbs, &assembled.signature)?;
        Self::open(&assembled.der, key)
    }

    /// Joins a root's certificate with its key.
    ///
    /// # Errors
    /// [`CeremonyError::Authority`].
    pub fn open(certificate: &[u8], key: Arc<dyn Custody>) -> Result<Self, CeremonyError> {
        Ok(Self(Authority::open(certificate, key)?))
    }

    /// Makes an issuer below this root: for a year, but never past the root.
    ///
    /// # Errors
    /// [`CeremonyError`].
    pub fn certify(
        &self,
        key: Arc<dyn Custody>,
        publication: Publication,
        now: Timestamp,
        serial: Serial,
    ) -> Result<Issuer, CeremonyError> {
        let (first, last) = (self.0.not_before(), self.0.not_after());
        let start = now.floor_second();
        if start < first || start >= last {
            return Err(CeremonyError::RootEnded { not_before: first, not_after: last, now });
        }
        let public = key.public_key();
        if public.hash() == self.0.public_key().hash() {
            return Err(CeremonyError::SameKey { key: public.hash() });
        }
        let root = self.0.key_identifier();
        let tbs = certificate(&Saying {
            serial,
            signer: self.0.public_key(),
            issuer: self.0.name_der(),
            subject: &name("issuer", public.identifier(), self.0.trust_domain()),
            not_before: start.minus(MAX_BACKDATE).max(first),
            not_after: start.plus(ISSUER_LIFE).min(last),
            key: public,
            trust_domain: self.0.trust_domain(),
            basic_constraints: ISSUER_BASIC_CONSTRAINTS,
            authority_key_identifier: &authority_key_identifier(&root),
            authority_information: &authority_information(&publication.certificate_url(&root)),
        });
        // Read back before it is signed, and once more by `Issuer::open` as it was assembled.
        Svid::authority(&identity::svid::CertificateFacts::from_tbs_der(&tbs)?)?;
        let assembled = self.0.assemble(&tbs)?;
        self.0.verify(&tbs, &assembled)?;
        Ok(Issuer::open(&assembled.der, key, publication)?)
    }

    /// Its certificate and what it says.
    #[must_use]
    pub const fn authority(&self) -> &Authority {
        &self.0
    }

    /// The body of the entry that says that it exists.
    #[must_use]
    pub fn created(&self, state: AuthorityState) -> AuthorityCreated {
        created(&self.0, AuthorityRole::Root, state, None)
    }
}

impl Issuer {
    /// The body of the entry that says that it exists.
    #[must_use]
    pub fn created(&self, state: AuthorityState) -> AuthorityCreated {
        created(self.authority(), AuthorityRole::Issuer, state, self.authority().parent())
    }
}

fn created(
    authority: &Authority,
    role: AuthorityRole,
    state: AuthorityState,
    parent: Option<KeyIdentifier>,
) -> AuthorityCreated {
    AuthorityCreated {
        authority: authority.key_identifier(),
        role,
        state,
        key: authority.public_key().hash(),
        parent,
        not_after: authority.not_after(),
        certificate: Octets(authority.certificate().to_vec()),
    }
}

/// All that an authority's certificate says.
struct Saying<'a> {
    serial: Serial,
    signer: &'a PublicKey,
    issuer: &'a [u8],
    subject: &'a [u8],
    not_before: Timestamp,
    not_after: Timestamp,
    key: &'a PublicKey,
    trust_domain: &'a TrustDomain,
    basic_constraints: &'a [u8],
    authority_key_identifier: &'a [u8],
    authority_information: &'a [u8],
}

/// TBSCertificate of an authority: RFC 5280, section 4.1.2; X509-SVID, sections 3.2 and 4.
fn certificate(saying: &Saying<'_>) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.nested(SEQUENCE, |tbs| {
        head(tbs, &saying.serial, saying.signer.signature_algorithm_der(), saying.issuer);
        validity(tbs, saying.not_before, saying.not_after);
        tbs.raw(saying.subject).raw(saying.key.spki_der());
        tbs.nested(constructed(3), |explicit| {
            explicit.nested(SEQUENCE, |extensions| {
                extensions.raw(saying.authority_key_identifier);
                subject_key_identifier(extensions, saying.key);
                extensions.raw(AUTHORITY_KEY_USAGE).raw(saying.basic_constraints);
                // The trust domain's SPIFFE id, which has no path (X509-SVID, section 3.2).
                extension(extensions, id::SUBJECT_ALT_NAME, NOT_CRITICAL, |value| {
                    value.nested(SEQUENCE, |names| {
                        names.element(URI, format!("spiffe://{}", saying.trust_domain).as_bytes());
                    });
                });
                extensions.raw(saying.authority_information);
            });
        });
    });
    writer.into_octets()
}

/// A Name that is unlike that of any other authority: `CN=Brevet <role> <key identifier>`, and before it the trust domain
/// as `O` where it is short enough for that. Two authorities of one name would make path building guess.
fn name(role: &str, key: KeyIdentifier, trust_domain: &TrustDomain) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.nested(SEQUENCE, |name| {
        if trust_domain.as_str().len() <= MAX_NAME_CHARACTERS {
            attribute(name, id::ORGANIZATION, trust_domain.as_str());
        }
        attribute(name, id::COMMON_NAME, &format!("Brevet {role} {key}"));
    });
    writer.into_octets()
}

/// One RelativeDistinguishedName of one attribute, as UTF8String (RFC 5280, section 4.1.2.4).
fn attribute(name: &mut Writer, id: &[u8], value: &str) {
    name.nested(SET, |part| {
        part.nested(SEQUENCE, |attribute| {
            attribute.element(0x06, id).element(UTF8_STRING, value.as_bytes());
        });
    });
}

/// ub-common-name and ub-organization-name: RFC 5280, appendix A.1.
const MAX_NAME_CHARACTERS: usize = 64;
