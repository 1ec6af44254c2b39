//! A CA that answers over HTTPS, as the contract says, and does what a test wants it to do wrong.

mod feed;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use identity::svid::{CertificateFacts, Svid};
use identity::{KeyHash, Serial, Timestamp};
use ledger::entry::{AgentRemoved, Body as EntryBody, CertificatesRevoked, Predicate, RevocationReason, Subject};
use ledger::feed::{CutoffSerial, FeedEvent, FeedMessage, Heartbeat, RevokedSerial, RunningHash};
use protocol::agents::{AgentList, AgentOffer, AgentRequest};
use protocol::enroll::{Challenge, EnrollRequest, Issued, RenewRequest};
use protocol::feed::FeedAck;
use protocol::problem::{Problem, ProblemKind};
use tokio::sync::broadcast;

use super::ca::{Ca, Order};
use super::https::{Https, Peer};
use crate::clock::Clock;
use crate::clock::manual::ManualClock;

/// What the server is and has seen. Locked for each request.
pub(crate) struct World {
    pub(crate) ca: Ca,
    pub(crate) clock: ManualClock,
    pub(crate) offers: Vec<AgentOffer>,
    /// Answers that are recorded, and then lost on their way.
    pub(crate) loses: usize,
    /// Requests that are refused by this rule.
    pub(crate) refuses: Vec<&'static str>,
    /// Everything is answered with 503 and this `Retry-After`.
    pub(crate) is_down: bool,
    /// The next answers carry a receipt with another entry.
    pub(crate) forges: usize,
    /// Cutoff of what is superseded, seconds after the renewal.
    pub(crate) grace: Option<u64>,
    pub(crate) seen: Vec<String>,
    pub(crate) acks: Vec<FeedAck>,
    pub(crate) bound: Option<KeyHash>,
    answered: BTreeMap<KeyHash, (Issued, Timestamp)>,
    owners: BTreeMap<Serial, Subject>,
    superseded: Vec<Serial>,
    running: RunningHash,
    events: Vec<FeedEvent>,
    revoked: Vec<RevokedSerial>,
    cutoffs: Vec<CutoffSerial>,
    sequence: u64,
    live: broadcast::Sender<String>,
}

/// A running server. Stops when dropped.
pub(crate) struct Server {
    pub(crate) world: Shared,
    pub(crate) https: Https,
}

pub(crate) type Shared = Arc<Mutex<World>>;

impl Server {
    pub(crate) async fn start(clock: &ManualClock) -> Self {
        let ca = Ca::new("example.org", clock.now().wall);
        let (live, _) = broadcast::channel(64);
        let world = World {
            ca,
            clock: clock.clone(),
            offers: Vec::new(),
            loses: 0,
            refuses: Vec::new(),
            is_down: false,
            forges: 0,
            grace: None,
            seen: Vec::new(),
            acks: Vec::new(),
            bound: None,
            answered: BTreeMap::new(),
            owners: BTreeMap::new(),
            superseded: Vec::new(),
            running: RunningHash::default(),
            events: Vec::new(),
            revoked: Vec::new(),
            cutoffs: Vec::new(),
            sequence: 1,
            live,
        };
        let (pair, root) = (world.ca.server_pair(clock.now().wall), world.ca.root.der.clone());
        let world = Arc::new(Mutex::new(world));
        let router = router(Arc::clone(&world));
        let https = Https::start(pair, &root, Arc::new(clock.clone()), router).await;
        Self { world, https }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }
}

impl World {
    fn now(&self) -> Timestamp {
        self.clock.now().wall
    }

    /// Adds an agent to the list and tells so.
    pub(crate) fn offer(&mut self, name: &str) {
        let spiffe_id = self.ca.id(&format!("/host/one/{name}"));
        self.offers.push(AgentOffer {
            name: name.to_owned(),
            spiffe_id,
            key: identity::KeyKind::P256,
            lifetime: identity::Lifetime::from_seconds(3600).unwrap(),
            uid: Some(7),
            gid: None,
            executable: None,
        });
        self.tell_agents();
    }

    pub(crate) fn tell_agents(&mut self) {
        let index = self.append();
        self.tell(FeedEvent::agents_changed(index));
    }

    pub(crate) fn revoke(&mut self, serial: Serial) {
        let now = self.now();
        let not_after = now.plus(Duration::from_secs(86_400));
        let serials = vec![serial];
        let body = CertificatesRevoked {
            predicate: Predicate::Serial(serial),
            evaluated_at: self.ca.ledger.size(),
            count: 1,
            serials: identity::Sha256Hash::of(serial.as_bytes()),
            reason: RevocationReason::KeyCompromise,
            comment: String::new(),
        };
        let index = self.ca.ledger.size();
        let receipt = self.ca.ledger.record(EntryBody::CertificatesRevoked(Box::new(body)), now);
        let entry = ledger::entry::EntryBytes::new(receipt.entry.0).unwrap();
        self.revoked.push(RevokedSerial { serial, not_after, reason: RevocationReason::KeyCompromise });
        self.tell(FeedEvent::revoked(index, &entry, &serials, not_after));
    }

    /// An entry that is nobody's business; gives its index.
    pub(crate) fn append(&mut self) -> u64 {
        let body = AgentRemoved { agent: "x".into(), profile: "p".into() };
        let (index, now) = (self.ca.ledger.size(), self.now());
        self.ca.ledger.record(EntryBody::AgentRemoved(Box::new(body)), now);
        index
    }

    pub(crate) fn tell(&mut self, event: FeedEvent) {
        self.running.extend(&event);
        self.events.push(event.clone());
        self.send(&FeedMessage::Event(event));
    }

    /// Counts an event without sending it: somebody on the way took it out.
    pub(crate) fn withhold(&mut self) {
        let event = FeedEvent::agents_changed(self.append());
        self.running.extend(&event);
        self.events.push(event);
    }

    pub(crate) fn beat(&mut self) {
        let beat = Heartbeat { time: self.now(), size: self.ca.ledger.size(), events: self.running };
        let note = beat.sign(&self.ca.ledger.origin(), &self.ca.ledger.signer).unwrap();
        self.send(&FeedMessage::Heartbeat(note));
    }

    fn send(&self, message: &FeedMessage) {
        let _nobody = self.live.send(message.to_string());
    }

    /// Ends all streams of the feed.
    pub(crate) fn hang_up(&mut self) {
        let (live, _) = broadcast::channel(64);
        self.live = live;
    }

    fn answer(&mut self, what: &str, order: &Order, key: KeyHash) -> Response {
        let now = self.now();
        self.seen.push(what.to_owned());
        if let Some(rule) = self.refuses.pop() {
            return refused(rule);
        }
        let issued = match (self.again(key), order.supersedes) {
            (Some(issued), _) => issued,
            (None, _) if self.answered.contains_key(&key) => return refused("key-reused"),
            (None, Some(serial)) if self.superseded.contains(&serial) => return refused("superseded"),
            (None, Some(serial)) if self.revoked.iter().any(|revoked| revoked.serial == serial) => {
                return refused("certificate-revoked");
            }
            (None, _) => {
                let forged = self.forges > 0;
                self.forges = self.forges.saturating_sub(1);
                let change = |entry: &mut ledger::entry::CertificateAuthorised| {
                    if forged {
                        entry.key = KeyHash::of(b"another key");
                    }
                };
                let issued = self.ca.issue_with(order, now, |_| {}, change);
                let leaf = CertificateFacts::from_der(&issued.chain[0].0).unwrap();
                self.owners.insert(Svid::leaf(&leaf).unwrap().serial(), order.subject.clone());
                self.superseded.extend(order.supersedes);
                if let Subject::Host { .. } = order.subject {
                    self.bound = Some(key);
                }
                self.supersede(order);
                self.answered.insert(key, (issued.clone(), now));
                issued
            }
        };
        if self.loses > 0 {
            self.loses -= 1;
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        Json(issued).into_response()
    }

    /// What this key was given within the last ten minutes.
    fn again(&self, key: KeyHash) -> Option<Issued> {
        let (issued, at) = self.answered.get(&key)?;
        (self.now().since(*at) <= Duration::from_secs(600)).then(|| issued.clone())
    }

    fn supersede(&mut self, order: &Order) {
        if let (Some(serial), Some(cutoff)) = (order.supersedes, order.cutoff) {
            let not_after = self.now().plus(Duration::from_secs(86_400));
            self.cutoffs.push(CutoffSerial { serial, cutoff, not_after });
            let index = self.ca.ledger.size() - 1;
            self.tell(FeedEvent::superseded(index, serial, cutoff, not_after));
        }
    }

    fn cutoff(&self) -> Option<Timestamp> {
        self.grace.map(|grace| self.now().plus(Duration::from_secs(grace)))
    }
}

fn refused(rule: &str) -> Response {
    let mut document: Problem = ProblemKind::Refused.document();
    document.rule = Some(rule.to_owned());
    (
        StatusCode::FORBIDDEN,
        [("content-type", protocol::problem::CONTENT_TYPE)],
        serde_json::to_string(&document).unwrap(),
    )
        .into_response()
}

fn router(world: Shared) -> Router {
    Router::new()
        .route("/v1/challenge", post(challenge))
        .route("/v1/enroll", post(enroll))
        .route("/v1/renew", post(renew))
        .route("/v1/agents", get(list).post(first))
        .route("/v1/bundle", get(bundle))
        .route("/v1/snapshot", get(feed::snapshot))
        .route("/v1/feed", get(feed::feed))
        .route("/v1/feed/ack", post(feed::acknowledge))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&world), down))
        .with_state(world)
}

async fn down(State(world): State<Shared>, request: axum::extract::Request, next: axum::middleware::Next) -> Response {
    if world.lock().unwrap().is_down {
        return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "1")]).into_response();
    }
    next.run(request).await
}

/// The SPIFFE path of the client; a request in nobody's name ends the test.
fn asker(peer: &Peer) -> Svid {
    Svid::leaf(&CertificateFacts::from_der(peer.0.as_ref().unwrap()).unwrap()).unwrap()
}

async fn challenge(State(world): State<Shared>) -> Json<Challenge> {
    let world = world.lock().unwrap();
    Json(Challenge { nonce: "nonce".into(), expires: world.now().plus(Duration::from_secs(60)) })
}

async fn enroll(State(world): State<Shared>, Json(request): Json<EnrollRequest>) -> Response {
    let world = &mut *world.lock().unwrap();
    let (spki, key) = opened(&request.csr.0);
    let evidence = &request.evidence.kind;
    assert!(request.evidence.token.starts_with("brevet-join-v1."));
    let what = match &request.bound_key {
        None => format!("enroll with {evidence}"),
        Some(bound) => {
            let message = protocol::reenrol::signed_octets(&request.nonce, &request.csr.0);
            let point = &bound.spki.0[bound.spki.0.len() - 65..];
            let proof = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point);
            proof.verify(&message, &bound.signature.0).unwrap();
            let is_bound = world.bound == Some(KeyHash::of(&bound.spki.0));
            format!("enroll with {evidence}, {}", if is_bound { "the bound key" } else { "another key" })
        }
    };
    let shown = request.bound_key.map(|bound| KeyHash::of(&bound.spki.0));
    if world.bound.is_some() && shown != world.bound && !world.answered.contains_key(&key) {
        world.seen.push(format!("{what}: host-bound"));
        return refused("host-bound");
    }
    let order = world.ca.host_order(&spki);
    world.answer(&what, &order, key)
}

async fn renew(
    State(world): State<Shared>,
    Extension(peer): Extension<Peer>,
    Json(request): Json<RenewRequest>,
) -> Response {
    let world = &mut *world.lock().unwrap();
    assert_eq!(asker(&peer).spiffe_id().path(), "/host/one");
    let (spki, key) = opened(&request.csr.0);
    let cutoff = world.cutoff();
    let order = match world.owners[&request.renews].clone() {
        Subject::Agent { agent, .. } => world.ca.agent_order(&spki, &agent),
        Subject::Host { .. } | Subject::Server | Subject::Person { .. } => world.ca.host_order(&spki),
    };
    let order = Order { supersedes: Some(request.renews), cutoff, ..order };
    let what =
        if let Subject::Agent { agent, .. } = &order.subject { format!("renew {agent}") } else { "renew host".into() };
    world.answer(&what, &order, key)
}

async fn first(
    State(world): State<Shared>,
    Extension(peer): Extension<Peer>,
    Json(request): Json<AgentRequest>,
) -> Response {
    let world = &mut *world.lock().unwrap();
    assert_eq!(asker(&peer).spiffe_id().path(), "/host/one");
    let (spki, key) = opened(&request.csr.0);
    let order = world.ca.agent_order(&spki, &request.agent);
    world.answer(&format!("first {}", request.agent), &order, key)
}

async fn list(State(world): State<Shared>, Extension(peer): Extension<Peer>) -> Response {
    let world = world.lock().unwrap();
    assert_eq!(asker(&peer).spiffe_id().path(), "/host/one");
    let (size, time) = (world.ca.ledger.size(), world.now());
    let list = AgentList { host: world.ca.host, size, time, agents: world.offers.clone() };
    Json(world.ca.sign_list(&list)).into_response()
}

async fn bundle(State(world): State<Shared>) -> Response {
    use base64::Engine as _;
    let world = world.lock().unwrap();
    let root = base64::engine::general_purpose::STANDARD.encode(&world.ca.root.der);
    let text = format!(r#"{{"keys":[{{"use":"x509-svid","x5c":["{root}"]}}],"spiffe_sequence":{}}}"#, world.sequence);
    ([("content-type", "application/json")], text).into_response()
}

fn opened(csr: &[u8]) -> (Vec<u8>, KeyHash) {
    use rcgen::PublicKeyData as _;
    let csr = rcgen::CertificateSigningRequestParams::from_der(&csr.to_vec().into()).unwrap();
    let spki = csr.public_key.subject_public_key_info();
    let key = KeyHash::of(&spki);
    (spki, key)
}
