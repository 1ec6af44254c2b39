//! Plain requests over a real socket, in their raw form, and what is answered.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, Request};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tower::ServiceExt as _;

use super::document::Document;
use super::wish::{Format, MAX_WAIT, Wish};
use crate::identities::{Publisher, Selectors};
use crate::socket::Peer;
use crate::verifier::testing::{Host, World, name};

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    #[track_caller]
    fn header(&self, name: &str) -> &str {
        let found = self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        found.unwrap_or_else(|| panic!("no {name} in {}", self.head))
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Sends a whole request, and reads until the other side closes.
async fn send(socket: &Path, request: &str) -> Answer {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A closed connection with something unread is a reset to who still writes.
    let _closed = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

const SECURITY: &str = "workload.spiffe.io: true\r\n";

async fn get(host: &Host, target: &str, headers: &str) -> Answer {
    let head = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n");
    send(&host.socket, &head).await
}

async fn identity(host: &Host, query: &str, headers: &str) -> Answer {
    get(host, &format!("/v1/identity{query}"), &format!("{SECURITY}{headers}")).await
}

fn world() -> (World, Host) {
    let world = World::new("example.org");
    let host = Host::new(&world);
    (world, host)
}

#[tokio::test]
async fn json_has_all_that_the_workload_api_has() {
    let (world, host) = world();
    let (a, b) = (host.deliver(&world, "/a"), host.deliver(&world, "/b"));
    let answer = identity(&host, "", "").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.header("cache-control"), "no-store");
    let json = answer.json();
    assert_eq!(json["trust_domain"], "example.org");
    for (found, identity) in json["identities"].as_array().unwrap().iter().zip([&a, &b]) {
        assert_eq!(found["spiffe_id"], identity.spiffe_id.to_string());
        assert_eq!(found["serial"], identity.serial.to_string());
        assert_eq!(found["hint"], identity.hint);
        assert_eq!(found["not_after"], identity.not_after.to_string());
        let key = rcgen::KeyPair::from_pem(found["key_pem"].as_str().unwrap()).unwrap();
        assert_eq!(key.serialized_der(), &identity.key_pkcs8[..]);
        assert_eq!(found["chain_pem"].as_str().unwrap().matches("BEGIN CERTIFICATE").count(), 2);
    }
    assert_eq!(json["identities"].as_array().unwrap().len(), 2);
    assert_eq!(json["bundle_pem"].as_str().unwrap().matches("BEGIN CERTIFICATE").count(), 1);
}

#[tokio::test]
async fn pem_is_the_key_then_the_leaf_then_the_issuer() {
    let (world, host) = world();
    let web = host.deliver(&world, "/web");
    for answer in [
        identity(&host, "?format=pem", "").await,
        identity(&host, "", "accept: text/html, application/x-pem-file;q=0.9\r\n").await,
    ] {
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/x-pem-file"));
        assert_eq!(answer.header("brevet-serial"), web.serial.to_string());
        assert_eq!(answer.header("brevet-not-after"), web.not_after.to_string());
        let expected = [
            crate::delivery::pem::pem("PRIVATE KEY", &[&web.key_pkcs8[..]]),
            crate::delivery::pem::pem("CERTIFICATE", &web.chain),
        ];
        assert_eq!(answer.body, [expected[0].as_str(), &expected[1]].concat());
    }
    let bundle = get(&host, "/v1/bundle?format=pem", "").await;
    assert_eq!(bundle.body, *crate::delivery::pem::pem("CERTIFICATE", &world.roots()));
    let bundle = get(&host, "/v1/bundle", "accept: */*\r\n").await;
    assert_eq!((bundle.json()["sequence"].as_u64(), bundle.header("content-type")), (Some(1), "application/json"));
}

#[track_caller]
fn check_refused(answer: &Answer, status: u16, rule: &str) {
    let problem = answer.json();
    assert_eq!((answer.status, problem["rule"].as_str()), (status, Some(rule)), "{problem}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert!(problem["detail"].is_string() && problem["fix"].is_string(), "{problem}");
    assert!(!answer.body.contains("PRIVATE"));
}

#[tokio::test]
async fn one_of_several_is_picked() {
    let (world, host) = world();
    check_refused(&identity(&host, "", "").await, 403, "no-identity");
    let (a, b) = (host.deliver(&world, "/a"), host.deliver(&world, "/b"));
    check_refused(&identity(&host, "?format=pem", "").await, 400, "identity-ambiguous");
    assert_eq!(identity(&host, "?format=pem&hint=b", "").await.header("brevet-serial"), b.serial.to_string());
    let by_id = identity(&host, "?spiffe_id=spiffe://example.org/a", "").await;
    assert_eq!(by_id.header("brevet-serial"), a.serial.to_string());
    assert_eq!(by_id.json()["identities"].as_array().unwrap().len(), 1);
    let encoded = identity(&host, "?spiffe_id=spiffe%3A%2F%2Fexample.org%2Fa&hint=a", "").await;
    assert_eq!(encoded.status, 200);
    let others = identity(&host, "?spiffe_id=spiffe://example.org/c", "").await;
    check_refused(&others, 403, "identity-not-yours");
    assert!(
        others.json()["detail"]
            .as_str()
            .unwrap()
            .ends_with("spiffe://example.org/a (hint a), spiffe://example.org/b (hint b)")
    );
    check_refused(&identity(&host, "?spiffe_id=spiffe://example.org/a&hint=b", "").await, 403, "identity-not-yours");
    host.publisher.set_bundle(0, Vec::new());
    check_refused(&identity(&host, "", "").await, 503, "bundle-not-yet");
    check_refused(&get(&host, "/v1/bundle", "").await, 503, "bundle-not-yet");
}

/// Each request with one thing wrong.
#[tokio::test]
async fn requests_that_are_refused() {
    let (world, host) = world();
    host.deliver(&world, "/web");
    let whole = |line: &str, headers: &str| format!("{line}\r\nconnection: close\r\n{headers}\r\n");
    let local = format!("host: localhost\r\n{SECURITY}");
    let identity = |headers: &str| whole("GET /v1/identity HTTP/1.1", headers);
    let with = |more: &str| identity(&format!("{local}{more}"));
    let table = [
        (identity("host: localhost\r\n"), 400, "security-header"),
        (identity("host: localhost\r\nworkload.spiffe.io: True\r\n"), 400, "security-header"),
        (with("workload.spiffe.io: true\r\n"), 400, "security-header"),
        (identity(&format!("host: example.org\r\n{SECURITY}")), 403, "host-not-local"),
        (identity(&format!("host: 127.0.0.1\r\n{SECURITY}")), 403, "host-not-local"),
        (identity(&format!("host: localhost.example.org\r\n{SECURITY}")), 403, "host-not-local"),
        (identity(&format!("host: \r\n{SECURITY}")), 403, "host-not-local"),
        (identity(SECURITY), 403, "host-not-local"),
        (with("host: localhost\r\n"), 403, "host-not-local"),
        (whole("GET http://example.org/v1/identity HTTP/1.1", &local), 403, "host-not-local"),
        (with("forwarded: for=192.0.2.1\r\n"), 403, "request-forwarded"),
        (with("x-forwarded-for: 192.0.2.1\r\n"), 403, "request-forwarded"),
        (with("via: 1.1 proxy\r\n"), 403, "request-forwarded"),
        (with("origin: https://example.org\r\n"), 403, "request-forwarded"),
        (whole("POST /v1/identity HTTP/1.1", &local), 405, "method-not-allowed"),
        (whole("DELETE /v1/status HTTP/1.1", &local), 405, "method-not-allowed"),
        (whole("OPTIONS /v1/bundle HTTP/1.1", &local), 405, "method-not-allowed"),
        (with("content-length: 1\r\n") + "x", 400, "body-unexpected"),
        (with("transfer-encoding: chunked\r\n") + "1\r\nx\r\n0\r\n\r\n", 400, "body-unexpected"),
        (whole("GET /v1/identity?format=der HTTP/1.1", &local), 400, "format-unknown"),
        (whole("GET /v1/identity?format=pem&format=pem HTTP/1.1", &local), 400, "query-malformed"),
        (whole("GET /v1/identity?uid=0 HTTP/1.1", &local), 400, "query-malformed"),
        (whole("GET /v1/identity?spiffe_id=https://example.org HTTP/1.1", &local), 400, "query-malformed"),
        (whole("GET /v1/bundle?hint=web HTTP/1.1", &local), 400, "query-malformed"),
        (with("prefer: wait=soon\r\n"), 400, "wait-malformed"),
        (with("prefer: wait=-1\r\n"), 400, "wait-malformed"),
        (whole("GET /v1/identities HTTP/1.1", &local), 404, "path-unknown"),
        (whole("GET /v1/identity/ HTTP/1.1", &local), 404, "path-unknown"),
    ];
    for (request, status, rule) in table {
        let answer = send(&host.socket, &request).await;
        println!("{request}");
        check_refused(&answer, status, rule);
    }
    assert_eq!(send(&host.socket, &with("")).await.status, 200, "and with nothing wrong");
    assert_eq!(send(&host.socket, &identity(&format!("host: LOCALHOST:80\r\n{SECURITY}"))).await.status, 200);
    // What hyper refuses by itself: more than MAX_HEAD_OCTETS.
    let huge = send(&host.socket, &with(&format!("x: {}\r\n", "y".repeat(20_000)))).await;
    assert_eq!((huge.status, huge.body.as_str()), (431, ""));
}

#[tokio::test]
async fn head_has_no_key() {
    let (world, host) = world();
    host.deliver(&world, "/web");
    let head = format!("HEAD /v1/identity HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{SECURITY}\r\n");
    let answer = send(&host.socket, &head).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert!(answer.header("etag").starts_with('"'));
}

#[tokio::test]
async fn what_is_known_is_not_sent_again() {
    let (world, host) = world();
    host.deliver(&world, "/web");
    let first = identity(&host, "", "").await;
    let known = format!("if-none-match: \"other\", W/{}\r\n", first.header("etag"));
    let again = identity(&host, "", &known).await;
    assert_eq!((again.status, again.body.as_str(), again.header("etag")), (304, "", first.header("etag")));
    assert_eq!(identity(&host, "?format=pem", &known).await.status, 200, "another document");
    assert_eq!(identity(&host, "", "if-none-match: *\r\n").await.status, 304);
    host.deliver(&world, "/web");
    let renewed = identity(&host, "", &known).await;
    assert_eq!(renewed.status, 200);
    assert_ne!(renewed.header("etag"), first.header("etag"));
    let bundle = get(&host, "/v1/bundle", "").await;
    let known = format!("if-none-match: {}\r\n", bundle.header("etag"));
    assert_eq!(get(&host, "/v1/bundle", &known).await.status, 304);
    host.publisher.set_bundle(2, [world.roots(), world.roots()].concat());
    assert_eq!(get(&host, "/v1/bundle", &known).await.status, 200);
}

#[tokio::test]
async fn who_waits_hears_of_a_change_at_once() {
    let (world, host) = world();
    let mut waiting = Box::pin(identity(&host, "", "prefer: wait=200\r\n"));
    assert!(tokio::time::timeout(Duration::from_millis(50), &mut waiting).await.is_err(), "there is none yet");
    host.deliver(&world, "/web");
    let first = waiting.await;
    assert_eq!((first.status, first.header("preference-applied")), (200, "wait=200"));

    let known = format!("prefer: respond-async, wait=200\r\nif-none-match: {}\r\n", first.header("etag"));
    let mut waiting = Box::pin(identity(&host, "", &known));
    assert!(tokio::time::timeout(Duration::from_millis(50), &mut waiting).await.is_err(), "nothing is new yet");
    let mut others = world.identity("/other");
    others.selectors = Selectors { uid: Some(1), ..Selectors::default() };
    host.publisher.deliver(name("/other"), others);
    assert!(tokio::time::timeout(Duration::from_millis(50), &mut waiting).await.is_err(), "nothing of ours is new");
    let renewed = host.deliver(&world, "/web");
    assert_eq!(waiting.await.header("brevet-serial"), renewed.serial.to_string());

    // A wrong request does not wait.
    check_refused(&identity(&host, "?format=der", "prefer: wait=200\r\n").await, 400, "format-unknown");
}

#[tokio::test(start_paused = true)]
async fn waiting_ends() {
    let (world, host) = world();
    check_refused(&identity(&host, "", "prefer: wait=20\r\n").await, 403, "no-identity");
    host.deliver(&world, "/web");
    let etag = identity(&host, "", "").await.header("etag").to_owned();
    let known = format!("prefer: wait=99999\r\nif-none-match: {etag}\r\n");
    let answer = identity(&host, "", &known).await;
    assert_eq!((answer.status, answer.header("preference-applied")), (304, "wait=300"));
}

/// Other users get nothing, and a caller that is somebody else by now gets nothing either (T-60).
#[tokio::test]
async fn the_caller_decides() {
    let world = World::new("example.org");
    let (publisher, identities) = Publisher::new(world.domain.clone());
    publisher.set_bundle(1, world.roots());
    let mut web = world.identity("/web");
    web.selectors = Selectors { uid: Some(4711), ..Selectors::default() };
    publisher.deliver(name("/web"), web);
    let router = super::super::router(identities);
    for (uid, path, status, rule) in [
        (4712, "/v1/identity", 403, Some("no-identity")),
        (4712, "/v1/bundle", 403, Some("no-identity")),
        // The process at the other end is this one, which is not of user 4711.
        (4711, "/v1/identity", 403, Some("caller-changed")),
        (4711, "/v1/bundle", 200, None),
        (0, "/v1/identity", 403, Some("no-identity")),
        (0, "/v1/bundle", 200, None),
    ] {
        let request = Request::get(path).header("host", "localhost").header("workload.spiffe.io", "true");
        let mut request = request.body(axum::body::Body::empty()).unwrap();
        request.extensions_mut().insert(Arc::new(Peer::of_user(uid)));
        let answer = router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), status, "{path} for user {uid}");
        let body = axum::body::to_bytes(answer.into_body(), 100_000).await.unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["rule"].as_str(), rule);
    }
}

/// A document that grew while it is written would leave half a key behind.
#[tokio::test]
async fn documents_have_room_from_the_start() {
    let world = World::new("example.org");
    let (publisher, identities) = Publisher::new(world.domain.clone());
    publisher.set_bundle(u64::MAX, [world.roots(), world.roots()].concat());
    for path in ["/a", "/b"] {
        let mut identity = world.identity(path);
        identity.hint = "\u{1}\"".repeat(20);
        publisher.deliver(name(path), identity);
    }
    let snapshot = identities.snapshot();
    for format in [Format::Json, Format::Pem] {
        for count in [1, 2] {
            let chosen: Vec<_> = snapshot.agents.values().take(count).collect();
            let document = Document::of_identities(&chosen, &snapshot, format);
            let room = document.room();
            let written = axum::body::to_bytes(document.into_body().unwrap(), usize::MAX).await.unwrap();
            assert!(written.len() < room, "{} of {room}", written.len());
        }
        let document = Document::of_bundle(&snapshot, format);
        assert!(axum::body::to_bytes(document.into_body().unwrap(), usize::MAX).await.unwrap().len() > 100);
    }
}

#[track_caller]
fn check_wait(prefer: &[&'static str], expected: Option<u64>) {
    let mut headers = HeaderMap::new();
    for value in prefer {
        headers.append("prefer", HeaderValue::from_static(value));
    }
    let wish = Wish::for_bundle(&"/v1/bundle".parse().unwrap(), &headers);
    assert_eq!(wish.ok().map(|wish| wish.wait), expected.map(Duration::from_secs), "{prefer:?}");
}

#[test]
fn preferences() {
    check_wait(&[], Some(0));
    check_wait(&["wait=0"], Some(0));
    check_wait(&["wait=10"], Some(10));
    check_wait(&["Wait = 10 ; x=y"], Some(10));
    check_wait(&["respond-async", "return=minimal, wait=7, wait=8"], Some(7));
    check_wait(&["waiting=7"], Some(0));
    check_wait(&["wait"], Some(0));
    check_wait(&["wait=300"], Some(MAX_WAIT.as_secs()));
    check_wait(&["wait=301"], Some(MAX_WAIT.as_secs()));
    check_wait(&["wait="], None);
    check_wait(&["wait=1.5"], None);
    check_wait(&["wait=+1"], None);
    check_wait(&["wait=9999999999"], None);
}
