//! Two agents on one host, as they would be: identity and feed through a real socket, handshakes by rustls. Knows the host's publisher; the
//! certificates and feeds that are refused have tables of their own.

mod ending;

use std::time::Duration;

use ledger::feed::FeedMessage;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use super::*;
use crate::verifier::peer_id;
use crate::verifier::testing::feed::{LedgerFeed, relayed};
use crate::verifier::testing::{Host, TestClock, World, forged_authority, name};

/// A host with two identities, and their feed.
struct Story {
    world: World,
    host: Host,
    feed: LedgerFeed,
    clock: TestClock,
}

impl Story {
    fn new() -> Self {
        let world = World::new("example.org");
        let host = Host::new(&world);
        let feed = LedgerFeed::new(&world);
        host.deliver(&world, "/web");
        host.deliver(&world, "/db");
        let (as_of, body) = feed.snapshot(world.now);
        host.publisher.relay().set_snapshot(as_of, body);
        let clock = TestClock::at(world.now);
        Self { world, host, feed, clock }
    }

    fn options(&self, hint: &str) -> Options {
        let mut options = Options::new(self.feed.trust.clone());
        (options.hint, options.clock, options.connect_within) = (Some(hint.into()), self.clock.clock(), LONG);
        options
    }

    async fn agent(&self, hint: &str) -> Agent {
        Agent::connect(&self.host.socket, self.options(hint)).await.unwrap()
    }

    async fn both(&self) -> (Agent, Agent) {
        tokio::join!(self.agent("web"), self.agent("db"))
    }

    fn send(&self, message: &FeedMessage) {
        self.host.publisher.relay().push(relayed(message));
    }

    fn beat(&self) {
        self.send(&self.feed.heartbeat(self.clock.now().wall));
    }

    fn revoke(&mut self, serial: Serial) {
        let message = self.feed.revoke(vec![serial], self.clock.now().wall);
        self.send(&message);
    }

    fn rule(&self, path: &str) -> PeerRule {
        PeerRule::id(self.world.id(path))
    }
}

type Client = client::TlsStream<DuplexStream>;
type Server = server::TlsStream<DuplexStream>;

/// A handshake in memory, and one octet each way: in TLS 1.3 a client learns only then that it was refused.
async fn handshake(
    client: &Arc<ClientConfig>,
    server: &Arc<ServerConfig>,
) -> (std::io::Result<Client>, std::io::Result<Server>) {
    let (one, other) = tokio::io::duplex(64 * 1024);
    let server = async {
        let mut stream = TlsAcceptor::from(Arc::clone(server)).accept(other).await?;
        let octet = stream.read_u8().await?;
        stream.write_u8(octet).await?;
        stream.flush().await?;
        Ok(stream)
    };
    let client = async {
        // The name is nobody's: it is not looked at.
        let name = ServerName::try_from("nobody.invalid").unwrap();
        let mut stream = TlsConnector::from(Arc::clone(client)).connect(name, one).await?;
        stream.write_u8(7).await?;
        stream.flush().await?;
        assert_eq!(stream.read_u8().await?, 7);
        Ok(stream)
    };
    tokio::join!(client, server)
}

async fn until(agent: &Agent, mut condition: impl FnMut() -> bool) {
    let mut changes = agent.changes();
    let wait = async {
        while !condition() {
            changes.changed().await.unwrap();
        }
    };
    timeout(LONG, wait).await.expect("it comes about");
}

/// What the side that refused says, from inside rustls' error.
fn refusal<T>(outcome: std::io::Result<T>) -> String {
    let error = outcome.map(|_| "accepted").unwrap_err();
    let tls: &rustls::Error = error.get_ref().unwrap().downcast_ref().unwrap();
    Refusal::of(tls).map_or_else(|| tls.to_string(), ToString::to_string)
}

#[tokio::test]
async fn two_agents_know_each_other() {
    let story = Story::new();
    let (web, db) = story.both().await;
    assert_eq!(web.identity().unwrap().id, story.world.id("/web"));
    let client = web.client_config(story.rule("/db")).unwrap();
    let server = db.server_config(PeerRule::TrustDomain(story.world.domain.clone())).unwrap();
    let (client, server) = handshake(&client, &server).await;
    let (client, server) = (client.unwrap(), server.unwrap());
    let (seen_by_client, seen_by_server) = (peer_id(client.get_ref().1).unwrap(), peer_id(server.get_ref().1).unwrap());
    assert_eq!(seen_by_client.id(), &story.world.id("/db"));
    assert_eq!(seen_by_server.id(), &story.world.id("/web"));
    assert_eq!(seen_by_client.serial(), db.identity().unwrap().serial);
    assert_eq!(seen_by_client.not_after(), db.identity().unwrap().not_after);
    web.still_valid(&seen_by_client).unwrap();
    db.still_valid(&seen_by_server).unwrap();
}

#[tokio::test]
async fn ed25519_identities_do_as_well() {
    let story = Story::new();
    let (root, issuer, issuer_der) = forged_authority(&story.world, &|_| {});
    story.host.publisher.set_bundle(2, vec![root]);
    for path in ["/web", "/db"] {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let leaf = story.world.leaf_params(path, &key).signed_by(&key, &issuer).unwrap().der().clone();
        let mut identity = story.world.identity(path);
        identity.chain = vec![leaf, issuer_der.clone()];
        identity.key_pkcs8 = Arc::new(key.serialize_der().into());
        story.host.publisher.deliver(name(path), identity);
    }
    let (web, db) = story.both().await;
    let (client, server) =
        (web.client_config(story.rule("/db")).unwrap(), db.server_config(story.rule("/web")).unwrap());
    let (client_outcome, server_outcome) = handshake(&client, &server).await;
    assert!(client_outcome.is_ok() && server_outcome.is_ok());
}

#[tokio::test]
async fn a_rule_refuses_on_either_side() {
    let story = Story::new();
    let (web, db) = story.both().await;
    let any = PeerRule::TrustDomain(story.world.domain.clone());
    let (client, server) =
        handshake(&web.client_config(story.rule("/other")).unwrap(), &db.server_config(any.clone()).unwrap()).await;
    assert!(refusal(client).contains("spiffe://example.org/db is not one of [spiffe://example.org/other]"));
    assert!(server.is_err());
    let (client, server) =
        handshake(&web.client_config(any).unwrap(), &db.server_config(story.rule("/other")).unwrap()).await;
    assert!(refusal(server).contains("spiffe://example.org/web is not one of"));
    assert!(client.is_err(), "the client hears of it with its first octet");
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused() {
    let story = Story::new();
    let (web, db) = story.both().await;
    let any = PeerRule::TrustDomain(story.world.domain.clone());
    let client = web.client_config(any.clone()).unwrap();
    let mut bare = ClientConfig::clone(&client);
    bare.client_auth_cert_resolver = Arc::new(NoCertificate);
    let (client, server) = handshake(&Arc::new(bare), &db.server_config(any).unwrap()).await;
    assert!(refusal(server).contains("peer sent no certificates"));
    assert!(client.is_err());
}

/// The bar is a second; the relay passes a revocation on at once, so the test waits for no clock.
#[tokio::test]
async fn rotation_under_continuous_calls_loses_none() {
    let story = Story::new();
    let (web, db) = story.both().await;
    let (client, server) =
        (web.client_config(story.rule("/db")).unwrap(), db.server_config(story.rule("/web")).unwrap());
    let mut serials = std::collections::BTreeSet::new();
    for round in 0..CALLS {
        if round % 5 == 0 {
            story.host.deliver(&story.world, if round % 2 == 0 { "/web" } else { "/db" });
        }
        let (client_outcome, server_outcome) = handshake(&client, &server).await;
        serials.insert(peer_id(client_outcome.unwrap().get_ref().1).unwrap().serial());
        serials.insert(peer_id(server_outcome.unwrap().get_ref().1).unwrap().serial());
    }
    assert!(serials.len() > 4, "the calls saw {} certificates", serials.len());
}

/// T-08: a resumed session would skip the peer's certificate, so there is none.
#[tokio::test]
async fn sessions_are_never_resumed() {
    let story = Story::new();
    let (web, db) = story.both().await;
    let mut willing = ClientConfig::clone(&web.client_config(story.rule("/db")).unwrap());
    willing.resumption = rustls::client::Resumption::in_memory_sessions(8);
    let (willing, server) = (Arc::new(willing), db.server_config(story.rule("/web")).unwrap());
    for _ in 0..2 {
        let (client_outcome, server_outcome) = handshake(&willing, &server).await;
        let client_outcome = client_outcome.unwrap();
        assert_eq!(client_outcome.get_ref().1.tls13_tickets_received(), 0);
        assert_eq!(client_outcome.get_ref().1.handshake_kind(), Some(rustls::HandshakeKind::Full));
        assert_eq!(server_outcome.unwrap().get_ref().1.handshake_kind(), Some(rustls::HandshakeKind::Full));
    }
}

#[tokio::test]
async fn a_socket_that_restarts_is_found_again_and_nothing_is_lost_meanwhile() {
    let mut story = Story::new();
    let (web, db) = story.both().await;
    let (client, server) =
        (web.client_config(story.rule("/db")).unwrap(), db.server_config(story.rule("/web")).unwrap());
    story.host.stop().await;
    let (client_outcome, _) = handshake(&client, &server).await;
    let peer = peer_id(client_outcome.unwrap().get_ref().1).unwrap();
    story.revoke(peer.serial());
    story.host.start();
    until(&web, || web.still_valid(&peer).is_err()).await;
    assert_eq!(web.still_valid(&peer), Err(Refusal::Revoked { serial: peer.serial() }));
}

#[track_caller]
fn check_missing(outcome: Result<Agent, ConnectError>, identity: Option<&str>, feed: Option<&str>) {
    let error = outcome.unwrap_err();
    for (said, expected) in [(&error.identity, identity), (&error.feed, feed)] {
        match (said, expected) {
            (None, None) => {}
            (Some(said), Some(expected)) => assert!(said.contains(expected), "{said}"),
            _ => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn connecting_says_what_is_missing() {
    let story = Story::new();
    let short = |hint: &str| Options { connect_within: Duration::from_millis(300), ..story.options(hint) };
    let nowhere = story.host.socket.with_file_name("nowhere.sock");
    check_missing(
        Agent::connect(&nowhere, short("web")).await,
        Some("socket cannot be reached"),
        Some("socket cannot be reached"),
    );
    check_missing(Agent::connect(&story.host.socket, short("none")).await, Some("called \"none\""), None);
    let mut other = short("web");
    other.trust.ledger_key = LedgerFeed::new(&story.world).trust.ledger_key;
    check_missing(Agent::connect(&story.host.socket, other).await, None, Some("does not hold"));
    let mut other = short("web");
    other.trust.trust_domain = World::new("example.com").domain;
    check_missing(Agent::connect(&story.host.socket, other).await, Some("trust domain example.org"), None);
    story.clock.pass(Duration::from_secs(60));
    check_missing(Agent::connect(&story.host.socket, short("web")).await, None, Some("feed is 60s old"));
}

/// Shows nothing when asked for a certificate.
#[derive(Debug)]
struct NoCertificate;

impl rustls::client::ResolvesClientCert for NoCertificate {
    fn resolve(
        &self,
        _roots: &[&[u8]],
        _schemes: &[rustls::SignatureScheme],
    ) -> Option<Arc<rustls::sign::CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

const LONG: Duration = Duration::from_secs(20);
const CALLS: u32 = 100;
