//! From what is recorded to what is signed: the only way to an issuer's key. Takes the octets from what the entry says;
//! knows no grant and no request.

use std::sync::Arc;

use identity::svid::{CertificateError, CertificateFacts, Svid, SvidError, to_be_signed};
use identity::{KeyHash, KeyIdentifier, Serial, SpiffeId, Timestamp};
use ledger::entry::{Body, CertificateAuthorised, Kind};

use super::issuer::{Issuer, Issuers};
use crate::committer::Recorded;
use crate::custody;
use crate::public_key::SignatureInvalid;

/// A certificate that was recorded and signed, and what it takes to verify it.
#[derive(Debug, Clone)]
pub struct Signed {
    leaf: Vec<u8>,
    issuer: Arc<[u8]>,
    svid: Svid,
}

/// Why what is recorded was not signed, or did not leave. All of them are faults of ours; none is the asker's.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The entry lets nothing of this kind be signed.
    #[error("an entry {found} lets no {wanted} be signed")]
    OtherKind {
        /// What was to be signed.
        wanted: Kind,
        /// What the entry is.
        found: Kind,
    },
    /// No key of this issuer is in custody here.
    #[error("the key of issuer {issuer} is not in custody here")]
    UnknownIssuer {
        /// As the entry names it.
        issuer: KeyIdentifier,
    },
    /// A signature of this issuer did not verify earlier: it signs nothing until somebody has looked at it.
    #[error("issuer {issuer} has made a signature that did not verify; restart once the cause is known")]
    Stopped {
        /// Which.
        issuer: KeyIdentifier,
    },
    /// What is to be signed, or what was, cannot be read.
    #[error("what was recorded cannot be read as a certificate")]
    Unreadable(#[from] CertificateError),
    /// What is to be signed is no X509-SVID.
    #[error("what was recorded is no X509-SVID")]
    NoSvid(#[from] SvidError),
    /// The entry's fields and its to-be-signed octets differ.
    #[error("the entry's {field} is not that of the octets to be signed")]
    Differs {
        /// Which field.
        field: &'static str,
    },
    /// The key did not sign.
    #[error("the issuer's key did not sign")]
    Custody(#[from] custody::SignError),
    /// The signature does not verify by an implementation other than the one that made it.
    #[error("the signature that was made does not verify")]
    SignatureInvalid(#[from] SignatureInvalid),
    /// What was assembled does not hold what was recorded.
    #[error("what was assembled is not what was recorded")]
    Assembled,
    /// A CRL that was signed cannot be read by the parser of our verifiers.
    #[error("the CRL that was signed cannot be read back")]
    CrlUnreadable(#[source] webpki::Error),
}

/// Signs a recorded certificate.
///
/// The same recorded certificate may be signed again for an asker that did not hear the first answer: the to-be-signed
/// octets are the same, and so is the serial.
///
/// # Errors
/// [`SignError`]; then nothing leaves, while the entry stands: the certificate counts as issued and can be revoked.
pub fn sign(recorded: &Recorded, issuers: &Issuers) -> Result<Signed, SignError> {
    sign_body(recorded.body(), issuers)
}

impl Signed {
    /// The certificate, DER.
    #[must_use]
    pub fn certificate(&self) -> &[u8] {
        &self.leaf
    }

    /// The certificate and its issuer's, leaf first, as TLS and X509-SVID want them; the root is not part of it.
    #[must_use]
    pub fn chain(&self) -> [&[u8]; 2] {
        [&self.leaf, &self.issuer]
    }

    /// Whom it names.
    #[must_use]
    pub const fn spiffe_id(&self) -> &SpiffeId {
        self.svid.spiffe_id()
    }

    /// Its serial.
    #[must_use]
    pub const fn serial(&self) -> Serial {
        self.svid.serial()
    }

    /// The key that it certifies.
    #[must_use]
    pub const fn key(&self) -> KeyHash {
        self.svid.key()
    }

    /// Last second of its validity.
    #[must_use]
    pub const fn not_after(&self) -> Timestamp {
        self.svid.not_after()
    }
}

/// What [`sign`] does with what the entry says. Nothing but `sign` and the tests of this module call it.
pub(super) fn sign_body(body: &Body, issuers: &Issuers) -> Result<Signed, SignError> {
    let Body::CertificateAuthorised(body) = body else {
        return Err(SignError::OtherKind { wanted: Kind::CertificateAuthorised, found: body.kind() });
    };
    let issuer = usable(&body.issuer, issuers)?;
    let tbs = &body.tbs.0;
    let facts = CertificateFacts::from_tbs_der(tbs)?;
    let svid = Svid::leaf(&facts)?;
    agree(body, &facts, &svid, issuer)?;

    let assembled = issuer.authority().assemble(tbs)?;
    if issuer.is_sampled()
        && let Err(invalid) = issuer.authority().verify(tbs, &assembled)
    {
        issuer.stop();
        return Err(invalid.into());
    }
    if to_be_signed(&assembled.der)? != tbs.as_slice() || CertificateFacts::from_der(&assembled.der)? != facts {
        issuer.stop();
        return Err(SignError::Assembled);
    }
    Ok(Signed { leaf: assembled.der, issuer: Arc::clone(issuer.authority().certificate()), svid })
}

/// The issuer that the entry names, if it may sign at all.
pub(super) fn usable<'a>(named: &KeyIdentifier, issuers: &'a Issuers) -> Result<&'a Arc<Issuer>, SignError> {
    let issuer = issuers.get(named).ok_or(SignError::UnknownIssuer { issuer: *named })?;
    if issuer.is_faulty() { Err(SignError::Stopped { issuer: *named }) } else { Ok(issuer) }
}

/// Auditors read the fields, verifiers the certificate: they must say the same.
fn agree(
    body: &CertificateAuthorised,
    facts: &CertificateFacts,
    svid: &Svid,
    issuer: &Issuer,
) -> Result<(), SignError> {
    let fields = [
        ("spiffe_id", *svid.spiffe_id() == body.spiffe_id),
        ("serial", svid.serial() == body.serial),
        ("issuer", svid.issuer_key() == Some(body.issuer) && facts.issuer_der == issuer.authority().name_der()),
        ("key", svid.key() == body.key),
        ("not_before", svid.not_before() == body.not_before),
        ("not_after", svid.not_after() == body.not_after),
    ];
    match fields.into_iter().find(|(_, same)| !same) {
        Some((field, _)) => Err(SignError::Differs { field }),
        None => Ok(()),
    }
}
