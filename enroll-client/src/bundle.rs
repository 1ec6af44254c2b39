//! The trust bundle: which roots agents should trust. Knows the SPIFFE bundle format; fetches nothing.
//!
//! The bundle is not signed by itself: it is as good as the TLS connection to the pinned server that it came over. It may name roots
//! that the trust file does not pin, which is how a new root reaches agents before it signs anything; our own certificates must
//! still chain to a pinned one ([`crate::check`]).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use identity::TrustDomain;
use identity::svid::{CertificateFacts, Svid};
use rustls_pki_types::CertificateDer;
use serde::Deserialize;

use crate::check::MAX_ROOTS;
use crate::pins::Pins;

/// The roots of our trust domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Grows with each change (`spiffe_sequence`).
    pub sequence: u64,
    /// DER, in the order of the document.
    pub roots: Vec<CertificateDer<'static>>,
}

/// Why a bundle is not used. The one in use stays in use.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Not JSON of that form.
    #[error("the bundle cannot be read")]
    Malformed(#[source] serde_json::Error),
    /// No root, or too many.
    #[error("the bundle has {found} roots, from 1 to {limit} are allowed")]
    Count {
        /// In the document.
        found: usize,
        /// At most.
        limit: usize,
    },
    /// A key without exactly one certificate.
    #[error("a key of the bundle has not exactly one certificate in base64")]
    Form,
    /// A certificate that cannot be read or is no authority's.
    #[error("a certificate of the bundle is not a sound authority's")]
    Authority(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// An authority of another trust domain.
    #[error("the bundle holds an authority of trust domain {found}, and ours is {ours}")]
    OtherDomain {
        /// Ours.
        ours: TrustDomain,
        /// The authority's.
        found: TrustDomain,
    },
    /// None of them is pinned.
    #[error("the bundle holds none of the roots that the trust file pins")]
    NoPinnedRoot,
    /// It is older than the one in use.
    #[error("the bundle has sequence number {found}, and the one in use {in_use}")]
    Older {
        /// In use.
        in_use: u64,
        /// In the document.
        found: u64,
    },
}

/// A JWK set (RFC 7517) with the members that SPIFFE adds. Members that we do not know are to be ignored (SPIFFE Trust Domain and
/// Bundle, section 4.1).
#[derive(Deserialize)]
struct Document {
    keys: Vec<Key>,
    spiffe_sequence: u64,
}

#[derive(Deserialize)]
struct Key {
    #[serde(rename = "use")]
    purpose: String,
    #[serde(default)]
    x5c: Vec<String>,
}

impl Bundle {
    /// Reads a bundle.
    ///
    /// # Errors
    /// See [`BundleError`].
    pub fn read(octets: &[u8], in_use: u64, pins: &Pins) -> Result<Self, BundleError> {
        let document: Document = serde_json::from_slice(octets).map_err(BundleError::Malformed)?;
        if document.spiffe_sequence < in_use {
            return Err(BundleError::Older { in_use, found: document.spiffe_sequence });
        }
        // Keys for JWT-SVIDs are in the same document, and none of our business (section 4.2.2).
        let keys: Vec<_> = document.keys.iter().filter(|key| key.purpose == "x509-svid").collect();
        if keys.is_empty() || keys.len() > MAX_ROOTS {
            return Err(BundleError::Count { found: keys.len(), limit: MAX_ROOTS });
        }
        let mut pinned = false;
        let mut roots = Vec::new();
        for key in keys {
            let [encoded] = key.x5c.as_slice() else { return Err(BundleError::Form) };
            let der = STANDARD.decode(encoded).map_err(|_| BundleError::Form)?;
            let facts = CertificateFacts::from_der(&der).map_err(|error| BundleError::Authority(error.into()))?;
            let authority = Svid::authority(&facts).map_err(|error| BundleError::Authority(error.into()))?;
            if authority.trust_domain() != pins.trust_domain() {
                let found = authority.trust_domain().clone();
                return Err(BundleError::OtherDomain { ours: pins.trust_domain().clone(), found });
            }
            pinned |= pins.root_keys().contains(&facts.key);
            roots.push(CertificateDer::from(der));
        }
        if pinned { Ok(Self { sequence: document.spiffe_sequence, roots }) } else { Err(BundleError::NoPinnedRoot) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Ca, moment};

    fn document(sequence: u64, roots: &[&[u8]]) -> String {
        let key = |der: &&[u8]| format!(r#"{{"use":"x509-svid","kty":"EC","x5c":["{}"]}}"#, STANDARD.encode(der));
        let mut keys: Vec<_> = roots.iter().map(key).collect();
        keys.push(r#"{"use":"jwt-svid","kid":"k"}"#.to_owned());
        format!(r#"{{"keys":[{}],"spiffe_sequence":{sequence},"spiffe_refresh_hint":300}}"#, keys.join(","))
    }

    #[test]
    fn a_bundle_with_the_next_root() {
        let (ca, next) = (Ca::new("example.org", moment()), Ca::new("example.org", moment()));
        let octets = document(8, &[&ca.root.der, &next.root.der]);
        let bundle = Bundle::read(octets.as_bytes(), 8, &ca.pins()).unwrap();
        assert_eq!((bundle.sequence, bundle.roots.len()), (8, 2));
        assert_eq!(bundle.roots[1].as_ref(), next.root.der);
    }

    #[track_caller]
    fn check_refused(octets: impl FnOnce(&Ca) -> String, expected: &str) {
        let ca = Ca::new("example.org", moment());
        let text = Bundle::read(octets(&ca).as_bytes(), 8, &ca.pins()).unwrap_err().to_string();
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn bundles_that_are_not_used() {
        let other = |domain| Ca::new(domain, moment()).root.der;
        check_refused(|ca| document(7, &[&ca.root.der]), "sequence number 7, and the one in use 8");
        check_refused(|_| document(8, &[]), "has 0 roots");
        check_refused(|ca| document(8, &[ca.root.der.as_slice(); 9]), "has 9 roots");
        check_refused(|ca| document(8, &[&ca.issuer.der[1..]]), "not a sound authority's");
        check_refused(|ca| document(8, &[&ca.pair("/x", moment()).0[0]]), "not a sound authority's");
        check_refused(|ca| document(8, &[&ca.root.der, &other("example.net")]), "of trust domain example.net");
        check_refused(|_| document(8, &[&other("example.org")]), "none of the roots that the trust file pins");
        check_refused(|ca| document(8, &[&ca.root.der]).replace("x5c", "x5t"), "exactly one certificate");
        check_refused(|ca| document(8, &[&ca.root.der]).replace(r#""x5c":[""#, r#""x5c":["!"#), "exactly one");
        check_refused(|_| "{}".into(), "cannot be read");
    }
}
