//! The roots of one trust domain, ready to verify with. Knows certificates of authorities; knows no peer and no clock.

use std::fmt;

use identity::svid::{Authority, CertificateError, CertificateFacts, Svid, SvidError};
use identity::{Timestamp, TrustDomain};
use rustls::pki_types::{CertificateDer, TrustAnchor};

/// The authorities that may stand at the top of a peer's chain.
pub(super) struct Bundle {
    trust_domain: TrustDomain,
    anchors: Vec<TrustAnchor<'static>>,
    /// In the order of `anchors`.
    not_after: Vec<Timestamp>,
}

impl Bundle {
    /// Reads the roots, each of which must be an authority of `trust_domain`.
    ///
    /// One that is not spoils the whole bundle: a leaf taken for a root makes its holder an authority (T-41), a foreign root lets strangers
    /// speak for us (SPIFFE Federation 4.2: bundles are not merged).
    ///
    /// # Errors
    /// See [`BundleError`].
    pub(super) fn new(
        trust_domain: &TrustDomain,
        certificates: &[CertificateDer<'static>],
    ) -> Result<Self, BundleError> {
        if certificates.is_empty() || certificates.len() > MAX_ROOTS {
            return Err(BundleError::Roots { found: certificates.len(), limit: MAX_ROOTS });
        }
        let mut anchors = Vec::with_capacity(certificates.len());
        let mut not_after = Vec::with_capacity(certificates.len());
        for (position, certificate) in certificates.iter().enumerate() {
            let authority = authority_of(trust_domain, certificate, position)?;
            let anchor = webpki::anchor_from_trusted_cert(certificate);
            anchors.push(anchor.map_err(|source| BundleError::NotAnAnchor { position, source })?.to_owned());
            not_after.push(authority.not_after());
        }
        Ok(Self { trust_domain: trust_domain.clone(), anchors, not_after })
    }

    /// The trust domain it speaks for.
    #[must_use]
    pub(super) fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    pub(super) fn anchors(&self) -> &[TrustAnchor<'static>] {
        &self.anchors
    }

    /// When the root behind `anchor` ends. webpki takes an anchor as it is and asks for no time.
    pub(super) fn end_of(&self, anchor: &TrustAnchor<'_>) -> Option<Timestamp> {
        let position = self.anchors.iter().position(|ours| ours == anchor)?;
        self.not_after.get(position).copied()
    }
}

impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roots = self.anchors.len();
        f.debug_struct("Bundle")
            .field("trust_domain", &self.trust_domain)
            .field("roots", &roots)
            .finish_non_exhaustive()
    }
}

fn authority_of(domain: &TrustDomain, certificate: &[u8], position: usize) -> Result<Authority, BundleError> {
    let facts = CertificateFacts::from_der(certificate);
    let facts = facts.map_err(|source| BundleError::Malformed { position, source })?;
    let authority = Svid::authority(&facts).map_err(|source| BundleError::NotAnAuthority { position, source })?;
    if authority.trust_domain() != domain {
        let found = authority.trust_domain().clone();
        return Err(BundleError::OtherTrustDomain { position, found, ours: domain.clone() });
    }
    Ok(authority)
}

/// Why a bundle is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BundleError {
    /// None, or too many.
    #[error("the bundle has {found} roots, 1 to {limit} are taken")]
    Roots {
        /// How many it has.
        found: usize,
        /// How many are taken.
        limit: usize,
    },
    /// Not a certificate.
    #[error("root {position} of the bundle cannot be read")]
    Malformed {
        /// Which, counted from 0.
        position: usize,
        /// What is wrong with it.
        source: CertificateError,
    },
    /// A certificate that may not sign others.
    #[error("root {position} of the bundle is no authority")]
    NotAnAuthority {
        /// Which.
        position: usize,
        /// The rule it breaks.
        source: SvidError,
    },
    /// An authority of somebody else's.
    #[error("root {position} of the bundle is of trust domain {found}, not of {ours}")]
    OtherTrustDomain {
        /// Which.
        position: usize,
        /// What it names.
        found: TrustDomain,
        /// What the bundle should speak for.
        ours: TrustDomain,
    },
    /// webpki cannot use it.
    #[error("root {position} of the bundle cannot be verified with: {source}")]
    NotAnAnchor {
        /// Which.
        position: usize,
        /// What webpki says.
        source: webpki::Error,
    },
}

/// During a root rotation there are two; a bundle that was never tidied stays far below this. Bounds the work of one handshake.
const MAX_ROOTS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verifier::testing::World;

    #[track_caller]
    fn check_refused(certificates: &[CertificateDer<'static>], expected: &str) {
        let error = Bundle::new(&TrustDomain::parse("example.org").unwrap(), certificates).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }

    #[test]
    fn roots_of_our_domain_are_taken() {
        let (old, new) = (World::new("example.org"), World::new("example.org"));
        let bundle = Bundle::new(&old.domain, &[old.roots(), new.roots()].concat()).unwrap();
        assert_eq!(bundle.anchors().len(), 2);
        assert_eq!(bundle.trust_domain(), &old.domain);
    }

    /// T-41, T-42.
    #[test]
    fn one_bad_root_spoils_the_bundle() {
        let world = World::new("example.org");
        let with = |other: Vec<u8>| [world.roots(), vec![CertificateDer::from(other)]].concat();
        check_refused(&[], "0 roots");
        check_refused(&vec![CertificateDer::from(world.root.der().to_vec()); MAX_ROOTS + 1], "17 roots");
        check_refused(&with(world.leaf("/web").der), "is no authority");
        check_refused(&with(World::new("example.com").root.der().to_vec()), "trust domain example.com");
        check_refused(&with(vec![0x30, 0x00]), "cannot be read");
        check_refused(&with([world.root.der(), &[0]].concat()), "cannot be read");
    }
}
