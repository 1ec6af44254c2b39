//! Our own identity: certificate chain and key, ready for a handshake. Knows the Workload API's message; knows no peer.

use std::fmt;
use std::sync::Arc;

use identity::svid::{CertificateError, CertificateFacts, Svid, SvidError};
use identity::{Serial, SpiffeId, Timestamp, TrustDomain};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

use super::bundle::{Bundle, BundleError};
use crate::workload_api::generated::{X509svid, X509svidResponse};

/// What one Workload API message gave us: who we are, and whom to trust. The two are swapped as one.
#[derive(Debug)]
pub(super) struct Material {
    /// Who we are.
    pub credential: Credential,
    /// Whom to trust.
    pub bundle: Bundle,
    /// Counts the messages taken; a peer that was verified under an older one is verified again when asked for.
    pub generation: u64,
}

/// An X509-SVID with its key.
pub(super) struct Credential {
    svid: Svid,
    certified: Arc<CertifiedKey>,
}

impl Material {
    /// Takes the identity called `hint`, or the first one (SPIFFE Workload API, section 8), out of a message.
    ///
    /// # Errors
    /// See [`MaterialError`]: a message with a fault is discarded as a whole (section 4.5).
    pub(super) fn from_message(
        message: &X509svidResponse,
        hint: Option<&str>,
        trust_domain: &TrustDomain,
        provider: &CryptoProvider,
        generation: u64,
    ) -> Result<Self, MaterialError> {
        if message.svids.len() > MAX_IDENTITIES {
            return Err(MaterialError::TooMany { found: message.svids.len(), limit: MAX_IDENTITIES });
        }
        let chosen = match hint {
            Some(hint) => message.svids.iter().find(|svid| svid.hint == hint),
            None => message.svids.first(),
        };
        let chosen = chosen.ok_or_else(|| MaterialError::None { hint: hint.map(str::to_owned) })?;
        let bundle = Bundle::new(trust_domain, &split(&chosen.bundle)?)?;
        let credential = Credential::new(chosen, provider)?;
        if credential.svid.spiffe_id().trust_domain() != trust_domain {
            let id = credential.svid.spiffe_id().clone();
            return Err(MaterialError::OtherTrustDomain { id, ours: trust_domain.clone() });
        }
        Ok(Self { credential, bundle, generation })
    }
}

impl Credential {
    fn new(message: &X509svid, provider: &CryptoProvider) -> Result<Self, MaterialError> {
        let chain = split(&message.x509_svid)?;
        let leaf = chain.first().ok_or(MaterialError::NoChain)?;
        let svid = Svid::leaf(&CertificateFacts::from_der(leaf)?)?;
        if svid.spiffe_id().as_str() != message.spiffe_id {
            return Err(MaterialError::OtherName { certificate: svid.spiffe_id().clone() });
        }
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(message.x509_svid_key.as_slice())).clone_key();
        let key = provider.key_provider.load_private_key(key).map_err(MaterialError::Key)?;
        let certified = CertifiedKey::new(chain, key);
        certified.keys_match().map_err(MaterialError::Key)?;
        Ok(Self { svid, certified: Arc::new(certified) })
    }

    /// Who we are.
    #[must_use]
    pub(super) fn id(&self) -> &SpiffeId {
        self.svid.spiffe_id()
    }

    /// Our certificate's serial.
    #[must_use]
    pub(super) fn serial(&self) -> Serial {
        self.svid.serial()
    }

    /// The last second of our certificate.
    #[must_use]
    pub(super) fn not_after(&self) -> Timestamp {
        self.svid.not_after()
    }

    pub(super) fn svid(&self) -> &Svid {
        &self.svid
    }

    pub(super) fn certified(&self) -> &Arc<CertifiedKey> {
        &self.certified
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, serial) = (self.id().as_str(), self.serial().to_string());
        f.debug_struct("Credential").field("id", &id).field("serial", &serial).finish_non_exhaustive()
    }
}

/// Certificates that stand one after the other, DER: each tells its own length.
fn split(mut octets: &[u8]) -> Result<Vec<CertificateDer<'static>>, MaterialError> {
    let mut certificates = Vec::new();
    while !octets.is_empty() {
        if certificates.len() == MAX_CERTIFICATES {
            return Err(MaterialError::TooManyCertificates { limit: MAX_CERTIFICATES });
        }
        let (certificate, rest) =
            length_of(octets).and_then(|length| octets.split_at_checked(length)).ok_or(MaterialError::NotDer)?;
        certificates.push(CertificateDer::from(certificate.to_vec()));
        octets = rest;
    }
    Ok(certificates)
}

/// Octets of the DER SEQUENCE at the beginning, its header included (X.690 8.1.3). Certificates have 128 to 65,535 octets, so two forms of length are enough.
fn length_of(octets: &[u8]) -> Option<usize> {
    match *octets {
        [0x30, 0x81, length, ..] => Some(3 + usize::from(length)),
        [0x30, 0x82, high, low, ..] => Some(4 + usize::from(u16::from_be_bytes([high, low]))),
        _ => None,
    }
}

/// Why a Workload API message is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum MaterialError {
    /// No identity in it, or none that is called so.
    #[error("the Workload API gives no identity{}", hint.as_ref().map(|hint| format!(" called {hint:?}")).unwrap_or_default())]
    None {
        /// What was asked for.
        hint: Option<String>,
    },
    /// More identities than a process has.
    #[error("the Workload API gives {found} identities, {limit} are looked at")]
    TooMany {
        /// How many it gives.
        found: usize,
        /// How many are looked at.
        limit: usize,
    },
    /// Not DER certificates one after the other.
    #[error("the Workload API's certificates are not DER, one after the other")]
    NotDer,
    /// More certificates than any chain or bundle has.
    #[error("the Workload API gives more than {limit} certificates in one field")]
    TooManyCertificates {
        /// How many are looked at.
        limit: usize,
    },
    /// An identity without a certificate.
    #[error("the identity has no certificate")]
    NoChain,
    /// The leaf cannot be read.
    #[error("the identity's certificate cannot be read")]
    Certificate(#[from] CertificateError),
    /// The leaf is no X509-SVID.
    #[error("the identity's certificate is no X509-SVID")]
    Svid(#[from] SvidError),
    /// The message and its certificate do not agree.
    #[error("the identity is given under another name than its certificate's, {certificate}")]
    OtherName {
        /// What the certificate says.
        certificate: SpiffeId,
    },
    /// Not of the trust domain we were told to trust.
    #[error("the identity {id} is not of trust domain {ours}")]
    OtherTrustDomain {
        /// Who it is.
        id: SpiffeId,
        /// What the trust file says.
        ours: TrustDomain,
    },
    /// The key cannot be used, or is another's.
    #[error("the identity's key does not go with its certificate")]
    Key(#[source] rustls::Error),
    /// The bundle beside it will not do.
    #[error("the identity's bundle is not usable")]
    Bundle(#[from] BundleError),
}

/// A process has one identity, or one per role it plays.
const MAX_IDENTITIES: usize = 64;
/// More than the longest bundle; [`Bundle`] has its own limit.
const MAX_CERTIFICATES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verifier::testing::World;
    use rustls::crypto::aws_lc_rs::default_provider;

    fn message(world: &World, path: &str) -> X509svid {
        let identity = world.identity(path);
        let mut svid = X509svid::default();
        svid.spiffe_id = identity.spiffe_id.to_string();
        svid.x509_svid = identity.chain.iter().flat_map(|certificate| certificate.to_vec()).collect();
        svid.x509_svid_key = identity.key_pkcs8.to_vec();
        svid.bundle = world.root.der().to_vec();
        svid.hint = identity.hint;
        svid
    }

    fn take(svids: Vec<X509svid>, hint: Option<&str>) -> Result<Material, MaterialError> {
        let message = X509svidResponse { svids, ..X509svidResponse::default() };
        Material::from_message(&message, hint, &TrustDomain::parse("example.org").unwrap(), &default_provider(), 1)
    }

    #[test]
    fn the_first_identity_is_the_default_and_a_hint_picks() {
        let world = World::new("example.org");
        let both = vec![message(&world, "/a"), message(&world, "/b")];
        assert_eq!(take(both.clone(), None).unwrap().credential.id().path(), "/a");
        assert_eq!(take(both.clone(), Some("b")).unwrap().credential.id().path(), "/b");
        assert!(matches!(take(both, Some("c")), Err(MaterialError::None { .. })));
        assert!(matches!(take(Vec::new(), None), Err(MaterialError::None { .. })));
    }

    #[track_caller]
    fn check_refused(change: impl FnOnce(&mut X509svid), expected: &str) {
        let world = World::new("example.org");
        let mut svid = message(&world, "/a");
        change(&mut svid);
        let error = take(vec![svid], None).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }

    #[test]
    fn a_message_with_a_fault_is_refused() {
        let other = World::new("example.com");
        check_refused(|svid| svid.x509_svid = Vec::new(), "no certificate");
        check_refused(|svid| svid.x509_svid.truncate(100), "not DER");
        check_refused(|svid| svid.x509_svid.push(0x30), "not DER");
        check_refused(|svid| svid.spiffe_id.push('x'), "under another name");
        check_refused(|svid| svid.x509_svid_key = other.identity("/x").key_pkcs8.to_vec(), "does not go with");
        check_refused(|svid| svid.x509_svid_key.clear(), "does not go with");
        check_refused(|svid| svid.bundle = Vec::new(), "bundle is not usable");
        check_refused(|svid| svid.bundle = other.root.der().to_vec(), "bundle is not usable");
        check_refused(|svid| svid.x509_svid = other.root.der().to_vec(), "no X509-SVID");
        check_refused(|svid| svid.bundle = svid.bundle.repeat(MAX_CERTIFICATES + 1), "more than 32 certificates");
    }

    #[test]
    fn an_identity_of_another_trust_domain_is_refused() {
        let mut foreign = message(&World::new("example.com"), "/a");
        foreign.bundle = World::new("example.org").root.der().to_vec();
        assert!(matches!(take(vec![foreign], None), Err(MaterialError::OtherTrustDomain { .. })));
    }

    /// T-63.
    #[test]
    fn debug_output_has_no_key() {
        let material = take(vec![message(&World::new("example.org"), "/a")], None).unwrap();
        let text = format!("{material:?}");
        assert!(text.contains("/a") && !text.to_lowercase().contains("key"), "{text}");
    }
}
