//! The Rust `spiffe` crate, unmodified, as a client of our Workload API. Knows that crate's types; knows nothing of how the roller wins identities.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use enroll_client::identities::{AgentName, CurrentIdentity, Publisher, Selectors};
use enroll_client::socket::authority::Filtered;
use enroll_client::socket::{Access, ConnectionLimits, LocalSocket, serve};
use enroll_client::workload_api::router;
use identity::svid::{CertificateFacts, Svid};
use identity::{SpiffeId, Timestamp, TrustDomain};
use pki_test_fixtures::authority::Authority;
use spiffe::{WorkloadApiClient, WorkloadApiError, X509Source};
use tokio::time::timeout;
use zeroize::Zeroizing;

#[tokio::test]
async fn fetches_an_identity_with_its_bundle() {
    let host = Host::new();
    let leaf = host.deliver("/web");
    let client = WorkloadApiClient::connect_to(host.endpoint()).await.unwrap();
    let svid = client.fetch_x509_svid().await.unwrap();
    assert_eq!(svid.spiffe_id().to_string(), "spiffe://example.org/web");
    assert_eq!(svid.leaf().as_bytes(), leaf);
    assert_eq!(svid.cert_chain()[1].as_bytes(), host.issuer.der());
    assert_eq!(svid.cert_chain().len(), 2, "no root");
    assert_eq!(svid.hint(), Some("web"));
    let bundles = client.fetch_x509_bundles().await.unwrap();
    let bundle = bundles.get(&spiffe::TrustDomain::new("example.org").unwrap()).unwrap();
    assert_eq!(bundle.authorities().len(), 1);
    assert_eq!(bundle.authorities()[0].as_bytes(), host.root.der());
}

#[tokio::test]
async fn follows_a_rotation_of_leaf_and_root() {
    let host = Host::new();
    host.deliver("/web");
    let source = X509Source::builder().endpoint(host.endpoint()).build().await.unwrap();
    for _ in 0..3 {
        let mut updated = source.updated();
        let renewed = host.deliver("/web");
        while source.svid().unwrap().leaf().as_bytes() != renewed {
            timeout(LONG, updated.changed()).await.expect("the client hears of it").unwrap();
        }
    }
    let mut updated = source.updated();
    let next = Authority::root(&host.domain, host.now);
    host.publisher.set_bundle(2, [next.der(), host.root.der()].map(|der| der.to_vec().into()).to_vec());
    let domain = spiffe::TrustDomain::new("example.org").unwrap();
    while source.bundle_set().unwrap().get(&domain).unwrap().authorities().len() != 2 {
        timeout(LONG, updated.changed()).await.expect("the client hears of it").unwrap();
    }
}

#[tokio::test]
async fn is_told_that_it_has_no_identity() {
    let host = Host::new();
    let client = WorkloadApiClient::connect_to(host.endpoint()).await.unwrap();
    assert!(matches!(client.fetch_x509_svid().await, Err(WorkloadApiError::NoIdentityIssued)));
    assert!(matches!(client.fetch_x509_bundles().await, Err(WorkloadApiError::NoIdentityIssued)));
}

/// A host with its socket served, and nobody behind it but the test.
struct Host {
    domain: TrustDomain,
    now: Timestamp,
    root: Authority,
    issuer: Authority,
    publisher: Publisher,
    path: PathBuf,
    _directory: tempfile::TempDir,
}

impl Host {
    fn new() -> Self {
        let domain = TrustDomain::parse("example.org").unwrap();
        #[expect(clippy::disallowed_methods, reason = "the client checks validity by the machine's clock")]
        let now = Timestamp::from_system_time(std::time::SystemTime::now()).unwrap();
        let root = Authority::root(&domain, now);
        let issuer = root.issuer(now);
        let (publisher, identities) = Publisher::new(domain.clone());
        publisher.set_bundle(1, vec![root.der().to_vec().into()]);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("agent.sock");
        let socket = LocalSocket::bind(&path, Access::Owner).unwrap();
        let router = router(identities);
        tokio::spawn(serve(socket, ConnectionLimits::default(), Filtered::new, router, std::future::pending()));
        Self { domain, now, root, issuer, publisher, path, _directory: directory }
    }

    fn endpoint(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    /// Hands out a new identity for processes of our own user, and gives its leaf.
    fn deliver(&self, path: &str) -> Vec<u8> {
        let spiffe_id = SpiffeId::from_path(&self.domain, path).unwrap();
        let leaf = self.issuer.leaf(&spiffe_id, self.now, Duration::from_secs(3600));
        let svid = Svid::leaf(&CertificateFacts::from_der(&leaf.der).unwrap()).unwrap();
        let name = path.trim_start_matches('/');
        let uid = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap());
        let identity = CurrentIdentity {
            spiffe_id,
            chain: vec![leaf.der.clone().into(), self.issuer.der().to_vec().into()],
            key_pkcs8: Arc::new(Zeroizing::new(leaf.key.serialize_der())),
            serial: svid.serial(),
            not_after: svid.not_after(),
            hint: name.to_owned(),
            selectors: Selectors { uid: Some(uid), ..Selectors::default() },
        };
        self.publisher.deliver(AgentName::parse(name).unwrap(), identity);
        leaf.der
    }
}

const LONG: Duration = Duration::from_secs(30);
