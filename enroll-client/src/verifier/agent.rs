//! The handle an agent holds: connect once, then take configurations from it. Knows how the parts are started and stopped; knows no wire format.

use std::path::Path;
use std::sync::Arc;

use identity::{Serial, SpiffeId, Timestamp};
use rustls::{ClientConfig, ServerConfig};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::follow_feed::FollowFeed;
use super::follow_identity::FollowIdentity;
use super::held::Held;
use super::options::Options;
use super::peer::PeerId;
use super::progress::Progress;
use super::refusal::Refusal;
use super::revocations::Revocations;
use super::rule::PeerRule;
use super::tls;

/// A process that has an identity through the local socket, and judges its peers by bundle and feed.
///
/// Dropped, it stops following; configurations made from it then refuse everybody once the feed is stale.
#[derive(Debug)]
pub struct Agent {
    held: Arc<Held>,
    progress: Arc<Progress>,
    /// Aborted when dropped.
    _following: JoinSet<()>,
}

/// Who we are, as of now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnIdentity {
    /// Our SPIFFE id.
    pub id: SpiffeId,
    /// Our certificate's serial.
    pub serial: Serial,
    /// Its last second.
    pub not_after: Timestamp,
}

impl Agent {
    /// Connects to the socket of an `enroll-client`, and waits until there is an identity and a fresh feed. Call it inside a tokio runtime.
    ///
    /// # Errors
    /// When that takes longer than [`Options::connect_within`]; the error says what was missing. Peers are never accepted without.
    pub async fn connect(socket: &Path, options: Options) -> Result<Self, ConnectError> {
        let within = options.connect_within;
        let agent = Self::start(socket, options);
        let mut changes = agent.changes();
        let ready = async {
            while agent.held.own().is_err() || agent.held.check_fresh().is_err() {
                // The tasks live as long as the agent, so there is always a next change to wait for.
                if changes.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        if tokio::time::timeout(within, ready).await.is_ok() {
            return Ok(agent);
        }
        let failures = agent.progress.failures();
        let identity = agent.held.own().err().map(|refusal| failures.identity.unwrap_or_else(|| refusal.to_string()));
        let feed = agent.held.check_fresh().err();
        let feed =
            feed.map(|refusal| failures.feed.map_or_else(|| refusal.to_string(), |why| format!("{refusal} ({why})")));
        Err(ConnectError { within, identity, feed })
    }

    fn start(socket: &Path, options: Options) -> Self {
        let Options { trust, max_staleness, hint, clock, connect_within: _ } = options;
        let trust_domain = trust.trust_domain.clone();
        let held = Held::new(clock, max_staleness, Revocations::new(trust.origin, trust.ledger_key));
        let progress = Progress::new();
        let mut following = JoinSet::new();
        let identity = FollowIdentity {
            socket: socket.to_owned(),
            hint,
            trust_domain,
            held: Arc::clone(&held),
            progress: Arc::clone(&progress),
        };
        let feed = FollowFeed { socket: socket.to_owned(), held: Arc::clone(&held), progress: Arc::clone(&progress) };
        following.spawn(identity.run());
        following.spawn(feed.run());
        Self { held, progress, _following: following }
    }

    /// A configuration for connections to peers that `rule` accepts. It follows rotation and revocation as long as this agent lives.
    ///
    /// The server name given to rustls with it is not looked at.
    ///
    /// # Errors
    /// None that is known: rustls refuses a configuration when its provider lacks TLS 1.3.
    pub fn client_config(&self, rule: PeerRule) -> Result<Arc<ClientConfig>, rustls::Error> {
        tls::client_config(&self.held, rule).map(Arc::new)
    }

    /// A configuration for connections from peers that `rule` accepts; a client without a certificate is refused.
    ///
    /// # Errors
    /// As [`Agent::client_config`].
    pub fn server_config(&self, rule: PeerRule) -> Result<Arc<ServerConfig>, rustls::Error> {
        tls::server_config(&self.held, rule).map(Arc::new)
    }

    /// Whether a peer would still be accepted, rule aside: not revoked, not cut off, not expired, its root still trusted, the feed fresh.
    ///
    /// Handshakes ask this by themselves. On a connection that is kept, ask before each call: it costs two look-ups.
    ///
    /// # Errors
    /// What has changed.
    pub fn still_valid(&self, peer: &PeerId) -> Result<(), Refusal> {
        self.held.still_valid(peer)
    }

    /// Who we are now.
    ///
    /// # Errors
    /// When there is no identity, or it has ended.
    pub fn identity(&self) -> Result<OwnIdentity, Refusal> {
        self.held.own()?;
        let material = self.held.material().ok_or(Refusal::NoBundle)?;
        let credential = &material.credential;
        Ok(OwnIdentity { id: credential.id().clone(), serial: credential.serial(), not_after: credential.not_after() })
    }

    /// Whether revocations are known as of now.
    ///
    /// # Errors
    /// Why not; every peer is refused for that reason then.
    pub fn check_fresh(&self) -> Result<(), Refusal> {
        self.held.check_fresh()
    }

    /// Wakes whenever identity, bundle or revocations were replaced.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.progress.changes()
    }
}

/// Why an agent is not ready.
#[derive(Debug, thiserror::Error)]
#[error(
    "not ready after {within:?}{}{}",
    identity.as_ref().map(|why| format!("; identity: {why}")).unwrap_or_default(),
    feed.as_ref().map(|why| format!("; revocation feed: {why}")).unwrap_or_default()
)]
pub struct ConnectError {
    /// How long it was waited.
    pub within: std::time::Duration,
    /// What is wrong with the identity, if it is.
    pub identity: Option<String>,
    /// What is wrong with the feed, if it is.
    pub feed: Option<String>,
}

#[cfg(test)]
mod tests;
