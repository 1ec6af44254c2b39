//! A host as a test drives it: one request at a time, with the client's own connection and checks, so that a test can do
//! what the key roller never would. Knows messages; keeps keys in memory.

use std::sync::Arc;

use enroll_client::check::{self, Checked, Expected, Whose};
use enroll_client::clock::{Clock, SystemClock};
use enroll_client::key::PrivateKey;
use enroll_client::pins::Pins;
use enroll_client::upstream::{Upstream, UpstreamError};
use identity::{HostId, KeyKind, RequestId, Serial, SpiffeId, Timestamp};
use protocol::Binary;
use protocol::agents::AgentRequest;
use protocol::enroll::{BoundKey, EnrollRequest, Evidence, Issued, RenewRequest};

/// A host under test.
#[derive(Debug)]
pub struct Host {
    /// The connection.
    pub upstream: Upstream,
    /// What it starts from.
    pub pins: Arc<Pins>,
}

/// A certificate that a host got, with its key.
#[derive(Debug)]
pub struct Got {
    /// The key.
    pub key: PrivateKey,
    /// The answer, as it came.
    pub issued: Issued,
    /// What the client's checks say of it.
    pub checked: Checked,
}

impl Host {
    /// A host that starts from a trust file.
    #[must_use]
    pub fn new(trust: &[u8]) -> Self {
        // Several hosts in one process share the provider.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let pins = Arc::new(Pins::from_trust_file(trust).expect("a trust file"));
        let upstream = Upstream::new(Arc::clone(&pins), Arc::new(SystemClock)).expect("a connection");
        Self { upstream, pins }
    }

    /// Enrols with a join token and a key.
    ///
    /// # Errors
    /// What the server says.
    pub async fn enrol(&self, token: &str, key: &PrivateKey) -> Result<Got, UpstreamError> {
        self.enrol_with(token, key, None).await
    }

    /// Enrols with a join token and a key, and proves the key that the host is bound to.
    ///
    /// # Errors
    /// What the server says.
    pub async fn enrol_with(
        &self,
        token: &str,
        key: &PrivateKey,
        bound: Option<&PrivateKey>,
    ) -> Result<Got, UpstreamError> {
        self.enrol_as("join-token", token, key, bound).await
    }

    /// Enrols with evidence of any kind.
    ///
    /// # Errors
    /// What the server says.
    pub async fn enrol_as(
        &self,
        kind: &str,
        token: &str,
        key: &PrivateKey,
        bound: Option<&PrivateKey>,
    ) -> Result<Got, UpstreamError> {
        let nonce = self.upstream.challenge().await?.nonce;
        let csr = key.certification_request(Some(&nonce)).expect("a request");
        let bound_key = bound.map(|bound| BoundKey {
            spki: Binary(bound.spki().to_vec()),
            signature: Binary(bound.sign(&protocol::reenrol::signed_octets(&nonce, &csr)).expect("a signature")),
        });
        let request = EnrollRequest {
            request: request_id(),
            profile: None,
            evidence: Evidence { kind: kind.to_owned(), token: token.to_owned() },
            nonce,
            csr: Binary(csr),
            bound_key,
        };
        let issued = self.upstream.enroll(&request).await?;
        Ok(self.checked(key, issued, Whose::NewHost, None))
    }

    /// Renews a certificate with a new key.
    ///
    /// # Errors
    /// What the server says.
    pub async fn renew(&self, renews: Serial, key: &PrivateKey, whose: Whose) -> Result<Got, UpstreamError> {
        let csr = key.certification_request(None).expect("a request");
        let request = RenewRequest { request: request_id(), renews, csr: Binary(csr) };
        let issued = self.upstream.renew(&request).await?;
        Ok(self.checked(key, issued, whose, Some(renews)))
    }

    /// Asks for an agent's first identity.
    ///
    /// # Errors
    /// What the server says.
    pub async fn agent(&self, name: &str, key: &PrivateKey, whose: Whose) -> Result<Got, UpstreamError> {
        let csr = key.certification_request(None).expect("a request");
        let request = AgentRequest { request: request_id(), agent: name.to_owned(), csr: Binary(csr) };
        let issued = self.upstream.first(&request).await?;
        Ok(self.checked(key, issued, whose, None))
    }

    /// Speaks in the name of a certificate from now on.
    pub fn present(&self, got: &Got) {
        self.upstream.present(got.checked.chain().to_vec(), got.key.clone()).expect("a pair");
    }

    fn checked(&self, key: &PrivateKey, issued: Issued, whose: Whose, renews: Option<Serial>) -> Got {
        let expected = Expected { key: key.hash(), whose, renews };
        let checked = check::answer(&issued, &expected, &self.pins, now()).expect("an answer that holds");
        Got { key: key.clone(), issued, checked }
    }
}

impl Got {
    /// Whose the next certificate of this host must be.
    #[must_use]
    pub fn as_host(&self) -> Whose {
        Whose::Host { host: self.checked.host(), spiffe_id: self.checked.spiffe_id().clone() }
    }
}

/// The agent of a host.
#[must_use]
pub fn agent_of(host: HostId, name: &str, spiffe_id: &SpiffeId) -> Whose {
    Whose::Agent { host, name: name.parse().expect("a name"), spiffe_id: spiffe_id.clone() }
}

/// A new key.
#[must_use]
pub fn new_key() -> PrivateKey {
    PrivateKey::generate(KeyKind::P256).expect("a key")
}

/// Now.
#[must_use]
pub fn now() -> Timestamp {
    SystemClock.now().wall
}

/// The rule that refused.
#[must_use]
pub fn rule<T: std::fmt::Debug>(result: Result<T, UpstreamError>) -> String {
    let error = result.expect_err("a refusal");
    error.rule().unwrap_or_else(|| panic!("no rule: {error:?}")).to_owned()
}

fn request_id() -> RequestId {
    let mut octets = [0; 16];
    aws_lc_rs::rand::fill(&mut octets).expect("random octets");
    RequestId::from_bytes(octets)
}
