//! The verifier library for agents: who we are, whom we accept, and for how long. Knows certificates, revocations and rustls; knows no
//! server and no disk.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use enroll_client::verifier::{Agent, Options, PeerRule, Trust, peer_id};
//!
//! let trust = Trust::from_file("/var/lib/brevet/trust.json".as_ref())?;
//! let agent = Agent::connect("/run/brevet/agent.sock".as_ref(), Options::new(trust)).await?;
//! let config = agent.client_config(PeerRule::id("spiffe://example.org/db".parse()?))?;
//!
//! let connector = tokio_rustls::TlsConnector::from(config);
//! let tcp = tokio::net::TcpStream::connect("10.0.0.7:4433").await?;
//! let tls = connector.connect("ignored".try_into()?, tcp).await?;
//! let peer = peer_id(tls.get_ref().1)?;
//! // Later, before each call on this connection:
//! agent.still_valid(&peer)?;
//! # Ok(())
//! # }
//! ```
//!
//! Two tasks follow the local socket and write to one place (`held.rs`); every handshake reads it. Nothing is cached beyond it, so a
//! rotation or revocation counts from the next handshake on. When something is missing, everybody is refused:
//!
//! | missing | from when on |
//! |---|---|
//! | identity and bundle | taken away by the Workload API, or expired |
//! | knowledge of revocations | [`Options::max_staleness`] after the newest heartbeat signed by the ledger's key |
//! | the time | at once |
//!
//! A peer is accepted when all of these hold: its leaf is an X509-SVID of our trust domain; a path of authorities of that domain leads to a
//! root of the bundle; all are valid now; neither leaf nor issuer is revoked or cut off; the feed is fresh; the [`PeerRule`] names it.

mod agent;
mod bundle;
mod clock;
mod credential;
mod follow_feed;
mod follow_identity;
mod held;
mod judge;
mod options;
mod pause;
mod peer;
mod progress;
mod refusal;
mod revocations;
mod rule;

#[cfg(test)]
pub(crate) mod testing;
mod tls;

pub use agent::{Agent, ConnectError, OwnIdentity};
pub use clock::{Clock, Moment};
pub use options::{Options, OptionsError, Trust};
pub use peer::{PeerId, peer_id};
pub use refusal::Refusal;
pub use rule::PeerRule;
