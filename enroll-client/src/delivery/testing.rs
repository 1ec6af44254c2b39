//! Sets of files to test with. Knows a CA of tests; shares nothing with what writes files.

use std::sync::Arc;
use std::time::Duration;

use identity::svid::{CertificateFacts, Svid};
use identity::{SpiffeId, Timestamp, TrustDomain};
use pki_test_fixtures::authority::Authority;
use zeroize::Zeroizing;

use super::{FileSet, Layout, Permissions};
use crate::identities::{AgentName, CurrentIdentity, Publisher, Selectors, Snapshot};

/// An authority, and identities made by it.
pub(super) struct Fixture {
    pub(super) root: Authority,
    pub(super) issuer: Authority,
    pub(super) now: Timestamp,
}

pub(super) fn fixture() -> Fixture {
    let (domain, now) = (TrustDomain::parse("example.org").unwrap(), crate::testing::moment());
    let root = Authority::root(&domain, now);
    let issuer = root.issuer(now);
    Fixture { root, issuer, now }
}

impl Fixture {
    pub(super) fn identity(&self, name: &str) -> CurrentIdentity {
        self.identity_at(name, self.now, Duration::from_secs(3600))
    }

    pub(super) fn identity_at(&self, name: &str, now: Timestamp, life: Duration) -> CurrentIdentity {
        let spiffe_id = SpiffeId::parse(&format!("spiffe://example.org/{name}")).unwrap();
        let leaf = self.issuer.leaf(&spiffe_id, now, life);
        let svid = Svid::leaf(&CertificateFacts::from_der(&leaf.der).unwrap()).unwrap();
        CurrentIdentity {
            spiffe_id,
            chain: vec![leaf.der.clone().into(), self.issuer.der().to_vec().into()],
            key_pkcs8: Arc::new(Zeroizing::new(leaf.key.serialize_der())),
            serial: svid.serial(),
            not_after: svid.not_after(),
            hint: name.to_owned(),
            selectors: Selectors::default(),
        }
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let (publisher, readers) = Publisher::new(self.root.trust_domain().clone());
        publisher.set_bundle(7, vec![self.root.der().to_vec().into()]);
        Snapshot::clone(&readers.snapshot())
    }

    pub(super) fn set(&self, layout: Layout) -> FileSet {
        self.set_with(layout, PRIVATE)
    }

    pub(super) fn set_with(&self, layout: Layout, permissions: Permissions) -> FileSet {
        FileSet::new(&self.identity("web"), &self.snapshot(), layout.names(), permissions, self.now).unwrap()
    }
}

/// The name of the agent of these tests.
pub(super) fn web() -> AgentName {
    AgentName::parse("web").unwrap()
}

pub(super) const PRIVATE: Permissions = Permissions { owner: None, group: None, key_mode: 0o600 };
