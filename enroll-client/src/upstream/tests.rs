//! Which servers are spoken to, what they get to hear, and which of their answers are read.

use axum::Router;
use axum::body::Body;
use axum::extract::Extension;
use axum::http::{Response as HttpResponse, StatusCode};
use axum::response::IntoResponse as _;
use axum::routing::{any, get};
use identity::RequestId;
use identity::svid::{CertificateFacts, Svid};
use protocol::enroll::Evidence;

use super::*;
use crate::clock::manual::ManualClock;
use crate::report::chain;
use crate::testing::https::{Https, Peer};
use crate::testing::{Ca, moment};

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::at(moment()))
}

type Pair = (Vec<CertificateDer<'static>>, PrivateKey);

/// A server with a certificate of its own choice, and a client that was told to expect `expected`.
struct World {
    server: Https,
    upstream: Upstream,
}

impl World {
    async fn new(expected: &Ca, pair: Pair, router: Router) -> Self {
        let server = Https::start(pair, &expected.root.der, clock(), router).await;
        let pins = Pins::from_trust_file(&expected.trust(&server.url).to_bytes().unwrap()).unwrap();
        Self { upstream: Upstream::new(Arc::new(pins), clock()).unwrap(), server }
    }

    async fn sound(router: Router) -> Self {
        let ca = Ca::new("example.org", moment());
        let pair = ca.pair("/brevet/server", moment());
        Self::new(&ca, pair, router).await
    }
}

fn enrolment() -> EnrollRequest {
    EnrollRequest {
        request: RequestId::from_bytes([1; 16]),
        profile: None,
        evidence: Evidence { kind: "join-token".into(), token: "canary-evidence".into() },
        nonce: "canary-nonce".into(),
        csr: b"canary-csr".to_vec().into(),
        bound_key: None,
    }
}

/// With a wrong pin no octet of evidence leaves: the server sees a handshake that breaks off, and nothing after it.
#[track_caller]
fn check_not_told(outcome: Result<Issued, UpstreamError>, server: &Https, expected: &str) {
    let error = outcome.unwrap_err();
    let text = chain(&error);
    assert!(text.contains(expected), "{text}");
    assert!(matches!(error, UpstreamError::Untrusted { .. }), "{error:?}");
    assert_eq!(server.heard(), "");
}

async fn told(expected: &Ca, pair: Pair, text: &str) {
    let router = Router::new().fallback(any(|| async { "{}" }));
    let world = World::new(expected, pair, router).await;
    check_not_told(world.upstream.enroll(&enrolment()).await, &world.server, text);
}

#[tokio::test]
async fn the_wrong_server_hears_nothing() {
    let ours = Ca::new("example.org", moment());
    let day = Duration::from_secs(86_400);
    // Another CA of the same name: the wrong pin.
    let theirs = Ca::new("example.org", moment());
    told(&ours, theirs.pair("/brevet/server", moment()), "no root that the trust file pins").await;
    // The same, with our root beside its chain.
    let (mut chain, key) = theirs.pair("/brevet/server", moment());
    chain[2] = CertificateDer::from(ours.root.der.clone());
    told(&ours, (chain, key), "does not chain to the pinned root: InvalidSignatureForPublicKey").await;
    // Ours, and not the server.
    told(&ours, ours.pair("/host/one", moment()), "the server is spiffe://example.org/host/one").await;
    // Ours, and its certificate has run out.
    told(&ours, ours.pair("/brevet/server", moment().minus(day)), "CertExpired").await;
    // Ours, and it does not show the root.
    let (mut chain, key) = ours.pair("/brevet/server", moment());
    chain.truncate(2);
    told(&ours, (chain, key), "no root that the trust file pins").await;
}

#[tokio::test]
async fn the_right_server_hears_the_request() {
    let router = Router::new().route("/v1/challenge", any(|| async { challenge_body() }));
    let world = World::sound(router).await;
    assert_eq!(world.upstream.challenge().await.unwrap().nonce, "n");
    let heard = world.server.heard();
    assert!(
        heard.starts_with("POST /v1/challenge HTTP/1.1\r\n") && heard.contains("user-agent: enroll-client/"),
        "{heard}"
    );
}

fn challenge_body() -> ([(&'static str, &'static str); 1], &'static str) {
    ([("content-type", "application/json")], r#"{"nonce":"n","expires":"2030-01-01T00:00:00.000Z"}"#)
}

/// What a server answers to a challenge, and what becomes of it.
#[track_caller]
fn check_answer(status: u16, headers: &[(&str, &str)], body: impl Into<Body>, expected: &str) {
    let mut answer = HttpResponse::builder().status(StatusCode::from_u16(status).unwrap());
    for (name, value) in headers {
        answer = answer.header(*name, *value);
    }
    let answer = Arc::new(std::sync::Mutex::new(Some(answer.body(body.into()).unwrap())));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outcome = runtime.block_on(async move {
        let answer = move || std::future::ready::<HttpResponse<Body>>(answer.lock().unwrap().take().unwrap());
        World::sound(Router::new().fallback(any(answer))).await.upstream.challenge().await
    });
    let text = match outcome {
        Ok(challenge) => format!("nonce {}", challenge.nonce),
        Err(error) => format!("{:?}: {error}", error.failure()),
    };
    assert!(text.contains(expected), "{text}");
}

#[test]
fn answers() {
    let json = ("content-type", "application/json");
    let problem = ("content-type", "application/problem+json; charset=utf-8");
    let sound = r#"{"nonce":"n","expires":"2030-01-01T00:00:00.000Z"}"#;
    check_answer(200, &[json], sound, "nonce n");
    check_answer(200, &[("content-type", "Application/JSON; charset=utf-8")], sound, "nonce n");
    check_answer(200, &[], sound, r#"content type or encoding """#);
    check_answer(200, &[("content-type", "text/html")], sound, r#"content type or encoding "text/html""#);
    check_answer(200, &[json, ("content-encoding", "gzip")], sound, r#"content type or encoding "gzip""#);
    check_answer(200, &[json], "{", "cannot be read");
    check_answer(200, &[json], sound.replace('}', r#","more":1}"#), "cannot be read");
    check_answer(200, &[json], vec![b' '; MAX_RESPONSE_OCTETS + 1], "has more than 262144 octets");
    let endless = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 4096])));
    check_answer(200, &[json], Body::from_stream(endless), "has more than 262144 octets");
    // A redirect is followed nowhere.
    check_answer(
        302,
        &[("location", "https://elsewhere.example")],
        "",
        "Lost, retry_after: None }: the server answered with status 302",
    );
    check_answer(429, &[("retry-after", "7")], "", "Busy, retry_after: Some(7s) }");
    let refused =
        r#"{"type":"urn:brevet:problem:refused","title":"T","status":403,"rule":"superseded","fix":"F","new":1}"#;
    check_answer(403, &[problem], refused, "Anew, retry_after: None }: T (403); rule: superseded; do: F");
    check_answer(403, &[json], refused, "Refused, retry_after: None }: the server answered with status 403");
    check_answer(500, &[problem], refused, "Lost, retry_after: None }: the server answered with status 500");
    check_answer(500, &[problem], vec![b' '; 20_000], "has more than 16384 octets");
}

#[tokio::test]
async fn a_connection_that_breaks_off() {
    let world = World::sound(Router::new()).await;
    let World { upstream, server } = world;
    drop(server);
    let error = upstream.challenge().await.unwrap_err();
    assert!(matches!(error, UpstreamError::NoAnswer(_)) && error.failure().fault == crate::machine::Fault::Lost);
}

#[tokio::test]
async fn routes_in_the_hosts_name_need_a_host() {
    let router = Router::new().route(
        "/v1/snapshot",
        get(|Extension(Peer(peer)): Extension<Peer>| async move {
            let svid = Svid::leaf(&CertificateFacts::from_der(&peer.unwrap()).unwrap()).unwrap();
            ([("content-type", "application/json")], format!(r#""{}""#, svid.spiffe_id()))
        }),
    );
    let ca = Ca::new("example.org", moment());
    let world = World::new(&ca, ca.pair("/brevet/server", moment()), router).await;
    assert!(matches!(world.upstream.snapshot().await, Err(UpstreamError::NoCredential)));
    assert!(matches!(world.upstream.feed(1).await, Err(UpstreamError::NoCredential)));
    let (chain, key) = ca.pair("/host/one", moment());
    world.upstream.present(chain, key).unwrap();
    assert_eq!(world.upstream.snapshot().await.unwrap(), r#""spiffe://example.org/host/one""#);
    world.upstream.withdraw();
    assert!(matches!(world.upstream.snapshot().await, Err(UpstreamError::NoCredential)));
    let (chain, _) = ca.pair("/host/one", moment());
    let (_, other) = ca.pair("/host/one", moment());
    assert!(matches!(world.upstream.present(chain, other), Err(UpstreamError::Tls(_))));
}

#[tokio::test]
async fn the_feed_is_a_stream() {
    let router = Router::new().route(
        "/v1/feed",
        get(|headers: http::HeaderMap| async move {
            if headers["last-event-id"] == "1" {
                return StatusCode::GONE.into_response();
            }
            let parts =
                ["id: 8\ndata: a\n", "\n"].map(|part| Ok::<_, std::io::Error>(Bytes::from_static(part.as_bytes())));
            let body = Body::from_stream(futures_util::stream::iter(parts));
            ([("content-type", "text/event-stream")], body).into_response()
        }),
    );
    let ca = Ca::new("example.org", moment());
    let world = World::new(&ca, ca.pair("/brevet/server", moment()), router).await;
    let (chain, key) = ca.pair("/host/one", moment());
    world.upstream.present(chain, key).unwrap();
    assert!(world.upstream.feed(1).await.unwrap_err().is_gone());
    let mut feed = world.upstream.feed(7).await.unwrap();
    let mut octets = Vec::new();
    while let Some(chunk) = feed.next().await.unwrap() {
        octets.extend_from_slice(&chunk);
    }
    assert_eq!(octets, b"id: 8\ndata: a\n\n");
    assert!(world.server.heard().contains("last-event-id: 7"));
}

/// A start from a join token alone: the file is taken from anybody who has the right one, and from nobody else.
#[tokio::test]
async fn the_trust_file_is_the_one_that_the_token_names() {
    let ca = Ca::new("example.org", moment());
    let file = ca.trust("https://ca.example.org:8443").to_bytes().unwrap();
    let served = file.clone();
    let router = Router::new()
        .route("/v1/trust", get(move || std::future::ready(([("content-type", "application/json")], served.clone()))));
    let pair = ca.pair("/host/one", moment());
    let server = Https::start(pair, &ca.root.der, clock(), router).await;
    let url = Url::parse(&server.url).unwrap();
    let (pins, octets) = fetch_trust(&url, Sha256Hash::of(&file), &clock()).await.unwrap();
    assert_eq!((octets.as_ref(), pins.url().as_str()), (file.as_slice(), "https://ca.example.org:8443/"));
    let refused = fetch_trust(&url, Sha256Hash::of(b"another"), &clock()).await.unwrap_err();
    assert!(matches!(refused, FetchTrustError::Pins(PinsError::OtherHash { .. })), "{refused}");
    let heard = server.heard();
    let lines: Vec<_> = heard.split("\r\n").filter(|line| line.starts_with("GET")).collect();
    assert_eq!(lines, ["GET /v1/trust HTTP/1.1"; 2]);
    assert!(heard.ends_with("\r\n\r\n"), "a body was sent: {heard}");
}
