//! The server, as the key roller speaks to it: HTTPS with pinned trust, one function per route. Knows messages and limits; decides nothing.
//!
//! No route sends anything before the handshake has shown that the server is the one in the trust file. One does not ask for that,
//! [`fetch_trust`]: it sends nothing but the request for the trust file itself, and takes only the file that a join token names.

mod body;
mod error;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use identity::Sha256Hash;
use protocol::agents::{AgentRequest, SignedAgentList};
use protocol::enroll::{Challenge, ChallengeRequest, EnrollRequest, Issued, RenewRequest};
use protocol::feed::FeedAck;
use protocol::limits::{MAX_RESPONSE_OCTETS, MAX_SNAPSHOT_OCTETS, MAX_TRUST_OCTETS};
use reqwest::{Client, Response, Url};
use rustls::ClientConfig;
use rustls_pki_types::CertificateDer;
use serde::Serialize;

pub use error::UpstreamError;
pub use tls::ServerRefused;

use crate::clock::Clock;
use crate::key::PrivateKey;
use crate::pins::{Pins, PinsError};
use error::no_answer;
use tls::Credential;

/// Connections to the server: one kind without a certificate, and one in the host's name once it has one.
#[derive(Debug)]
pub struct Upstream {
    pins: Arc<Pins>,
    clock: Arc<dyn Clock>,
    anonymous: Client,
    host: ArcSwapOption<Client>,
}

/// Why there is no trust file.
#[derive(Debug, thiserror::Error)]
pub enum FetchTrustError {
    /// The server.
    #[error("the trust file cannot be fetched")]
    Upstream(#[from] UpstreamError),
    /// The file: another than the token names, or not one.
    #[error(transparent)]
    Pins(#[from] PinsError),
}

/// Fetches the trust file that a join token names, from a server that nobody has vouched for yet. Nothing is sent but the
/// request; what comes is used only if its hash is the token's.
///
/// # Errors
/// No answer; or another file, and then there is nothing to retry.
pub async fn fetch_trust(
    url: &Url,
    expected: Sha256Hash,
    clock: &Arc<dyn Clock>,
) -> Result<(Pins, Bytes), FetchTrustError> {
    let client = client(tls::anybody(clock).map_err(UpstreamError::Tls)?)?;
    let request = client.get(route(url, "/v1/trust")).timeout(REQUEST_LIMIT);
    let octets = within(REQUEST_LIMIT, async {
        let response = request.send().await.map_err(no_answer)?;
        body::octets(response, MAX_TRUST_OCTETS).await
    })
    .await?;
    Ok((Pins::from_named_trust_file(&octets, expected)?, octets))
}

impl Upstream {
    /// Prepares connections to the pinned server. Nothing is sent.
    ///
    /// # Errors
    /// [`UpstreamError::Tls`].
    pub fn new(pins: Arc<Pins>, clock: Arc<dyn Clock>) -> Result<Self, UpstreamError> {
        let anonymous = client(tls::pinned(&pins, &clock, None).map_err(UpstreamError::Tls)?)?;
        Ok(Self { pins, clock, anonymous, host: ArcSwapOption::empty() })
    }

    /// Speaks in the host's name from now on.
    ///
    /// # Errors
    /// [`UpstreamError::Tls`]: key and chain are not a pair.
    pub fn present(&self, chain: Vec<CertificateDer<'static>>, key: PrivateKey) -> Result<(), UpstreamError> {
        let credential = Credential { chain, key };
        let config = tls::pinned(&self.pins, &self.clock, Some(&credential)).map_err(UpstreamError::Tls)?;
        self.host.store(Some(Arc::new(client(config)?)));
        Ok(())
    }

    /// Speaks for nobody from now on.
    pub fn withdraw(&self) {
        self.host.store(None);
    }

    /// A nonce for the next enrolment.
    ///
    /// # Errors
    /// See [`UpstreamError`], as for all routes.
    pub async fn challenge(&self) -> Result<Challenge, UpstreamError> {
        self.post(&self.anonymous, "/v1/challenge", &ChallengeRequest {}).await
    }

    /// Enrols the host. The evidence in the request leaves only after the server has been recognised.
    ///
    /// # Errors
    /// See [`UpstreamError`].
    pub async fn enroll(&self, request: &EnrollRequest) -> Result<Issued, UpstreamError> {
        self.post(&self.anonymous, "/v1/enroll", request).await
    }

    /// Renews the host's certificate or an agent's, in the host's name.
    ///
    /// # Errors
    /// See [`UpstreamError`].
    pub async fn renew(&self, request: &RenewRequest) -> Result<Issued, UpstreamError> {
        self.post(&*self.as_host()?, "/v1/renew", request).await
    }

    /// An agent's first certificate, in the host's name.
    ///
    /// # Errors
    /// See [`UpstreamError`].
    pub async fn first(&self, request: &AgentRequest) -> Result<Issued, UpstreamError> {
        self.post(&*self.as_host()?, "/v1/agents", request).await
    }

    /// The signed list of this host's agents.
    ///
    /// # Errors
    /// See [`UpstreamError`].
    pub async fn agents(&self) -> Result<SignedAgentList, UpstreamError> {
        let octets = self.get(&*self.as_host()?, "/v1/agents", MAX_LIST_OCTETS).await?;
        serde_json::from_slice(&octets).map_err(UpstreamError::Malformed)
    }

    /// The trust bundle, a JWK set in the SPIFFE format.
    ///
    /// # Errors
    /// See [`UpstreamError`].
    pub async fn bundle(&self) -> Result<Bytes, UpstreamError> {
        self.get(&self.anonymous, "/v1/bundle", MAX_RESPONSE_OCTETS).await
    }

    /// The feed's snapshot, as it came: [`protocol::feed::SnapshotMessage`] in JSON.
    ///
    /// # Errors
    /// See [`UpstreamError`].
    pub async fn snapshot(&self) -> Result<Bytes, UpstreamError> {
        self.get(&*self.as_host()?, "/v1/snapshot", MAX_SNAPSHOT_OCTETS).await
    }

    /// The feed after event `after`: a stream that ends only when the connection does.
    ///
    /// # Errors
    /// See [`UpstreamError`]; [`UpstreamError::is_gone`] when a snapshot must come first.
    pub async fn feed(&self, after: u64) -> Result<FeedStream, UpstreamError> {
        let client = self.as_host()?;
        let request = client
            .get(route(self.pins.url(), "/v1/feed"))
            .header(http::header::ACCEPT, "text/event-stream")
            .header("last-event-id", after);
        let response = within(REQUEST_LIMIT, async {
            let response = request.send().await.map_err(no_answer)?;
            body::expect(response, "text/event-stream").await
        });
        Ok(FeedStream { response: response.await? })
    }

    /// Tells how far the feed was applied.
    ///
    /// # Errors
    /// See [`UpstreamError`].
    pub async fn acknowledge(&self, ack: &FeedAck) -> Result<(), UpstreamError> {
        let client = self.as_host()?;
        let request = client.post(route(self.pins.url(), "/v1/feed/ack")).json(ack);
        within(REQUEST_LIMIT, async {
            let response = request.send().await.map_err(no_answer)?;
            body::success(response).await.map(drop)
        })
        .await
    }

    fn as_host(&self) -> Result<Arc<Client>, UpstreamError> {
        self.host.load_full().ok_or(UpstreamError::NoCredential)
    }

    async fn post<T: serde::de::DeserializeOwned>(
        &self,
        client: &Client,
        path: &str,
        message: &impl Serialize,
    ) -> Result<T, UpstreamError> {
        let request = client.post(route(self.pins.url(), path)).json(message);
        within(REQUEST_LIMIT, async {
            let response = request.send().await.map_err(no_answer)?;
            body::json(response, MAX_RESPONSE_OCTETS).await
        })
        .await
    }

    async fn get(&self, client: &Client, path: &str, limit: usize) -> Result<Bytes, UpstreamError> {
        let request = client.get(route(self.pins.url(), path));
        within(REQUEST_LIMIT, async {
            let response = request.send().await.map_err(no_answer)?;
            body::octets(response, limit).await
        })
        .await
    }
}

/// The octets of the feed.
#[derive(Debug)]
pub struct FeedStream {
    response: Response,
}

impl FeedStream {
    /// The next octets; none when the server ended the stream.
    ///
    /// # Errors
    /// The connection broke, or nothing came for [`SILENCE_LIMIT`].
    pub async fn next(&mut self) -> Result<Option<Bytes>, UpstreamError> {
        let next = async { self.response.chunk().await.map_err(UpstreamError::NoAnswer) };
        within(SILENCE_LIMIT, next).await
    }
}

fn client(config: ClientConfig) -> Result<Client, UpstreamError> {
    Client::builder()
        .tls_backend_preconfigured(config)
        .https_only(true)
        .http1_only()
        // A proxy from the environment would be somebody between us and the server that nobody configured.
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_LIMIT)
        .user_agent(concat!("enroll-client/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(UpstreamError::NoAnswer)
}

fn route(url: &Url, path: &str) -> Url {
    let mut url = url.clone();
    url.set_path(path);
    url
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, UpstreamError>>) -> Result<T, UpstreamError> {
    match tokio::time::timeout(limit, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(UpstreamError::TooSlow { seconds: limit.as_secs() }),
    }
}

/// How long a connection may take, TLS included: the server's own limit for the handshake (security.md, T-58).
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long an answer may take, from connecting to its last octet. Ours: issuing takes milliseconds, and a server that is slower
/// than this is better asked again.
pub const REQUEST_LIMIT: Duration = Duration::from_secs(20);
/// How long the feed may say nothing: heartbeats come every 5 s (design, section 6), and three may be lost.
pub const SILENCE_LIMIT: Duration = Duration::from_secs(20);
/// Octets of a list of agents: 2,000 of them at 500 octets, and quotes twice.
const MAX_LIST_OCTETS: usize = 2 << 20;

#[cfg(test)]
mod tests;
