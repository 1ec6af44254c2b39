//! Both APIs over a real socket, asked as an agent would ask. Knows the generated client; the Rust `spiffe` crate is the other client, in crate `tests`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status, Streaming};
use tower::ServiceExt;

use super::changes;
use super::generated::spiffe_workload_api_client::SpiffeWorkloadApiClient;
use super::generated::{X509BundlesRequest, X509svid, X509svidRequest, X509svidResponse};
use super::message::Contents;
use crate::identities::{IdentityStatus, Publisher, RelayEvent, Selectors};
use crate::socket::Peer;
use crate::verifier::testing::{Host, World, get, name};

async fn channel(host: &Host) -> Channel {
    let socket = host.socket.clone();
    let connect = tower::service_fn(move |_| {
        let socket = socket.clone();
        async move { UnixStream::connect(socket).await.map(TokioIo::new) }
    });
    Endpoint::from_static("http://localhost").connect_with_connector(connect).await.unwrap()
}

fn request<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("workload.spiffe.io", "true".parse().unwrap());
    request
}

async fn fetch(host: &Host) -> Streaming<X509svidResponse> {
    let mut client = SpiffeWorkloadApiClient::new(channel(host).await);
    client.fetch_x509svid(request(X509svidRequest {})).await.unwrap().into_inner()
}

async fn first_status(host: &Host) -> Status {
    fetch(host).await.message().await.unwrap_err()
}

fn ids(message: &X509svidResponse) -> Vec<&str> {
    message.svids.iter().map(|svid| svid.spiffe_id.as_str()).collect()
}

#[tokio::test]
async fn the_first_message_is_complete() {
    let world = World::new("example.org");
    let host = Host::new(&world);
    let identity = host.deliver(&world, "/web");
    let message = fetch(&host).await.message().await.unwrap().unwrap();
    assert_eq!(ids(&message), ["spiffe://example.org/web"]);
    let svid = &message.svids[0];
    let chain = [&identity.chain[0][..], &identity.chain[1][..]].concat();
    assert_eq!(svid.x509_svid, chain, "the leaf, then the issuer, and no root");
    assert_eq!(svid.x509_svid_key, **identity.key_pkcs8);
    assert_eq!(svid.bundle, world.root.der());
    assert_eq!(svid.hint, "web");
}

#[tokio::test]
async fn every_change_is_a_full_message_and_no_change_is_none() {
    let world = World::new("example.org");
    let host = Host::new(&world);
    host.deliver(&world, "/a");
    let mut stream = fetch(&host).await;
    assert_eq!(ids(&stream.message().await.unwrap().unwrap()), ["spiffe://example.org/a"]);
    // Of another agent: nothing to say to this one.
    let mut others = world.identity("/other");
    others.selectors = Selectors { uid: Some(1), ..Selectors::default() };
    host.publisher.deliver(name("/other"), others);
    let quiet = tokio::time::timeout(Duration::from_millis(50), stream.message()).await;
    assert!(quiet.is_err(), "a message without a change: {quiet:?}");
    host.deliver(&world, "/b");
    let both = ["spiffe://example.org/a", "spiffe://example.org/b"];
    assert_eq!(ids(&stream.message().await.unwrap().unwrap()), both);
    let renewed = host.deliver(&world, "/a");
    let message = stream.message().await.unwrap().unwrap();
    assert_eq!(ids(&message), both);
    assert!(message.svids[0].x509_svid.starts_with(&renewed.chain[0]));
    let root = World::new("example.org");
    host.publisher.set_bundle(2, [root.roots(), world.roots()].concat());
    let bundle = [root.root.der(), world.root.der()].concat();
    assert_eq!(stream.message().await.unwrap().unwrap().svids[1].bundle, bundle);
}

#[tokio::test]
async fn an_identity_taken_away_is_redacted() {
    let world = World::new("example.org");
    let host = Host::new(&world);
    host.deliver(&world, "/a");
    let mut stream = fetch(&host).await;
    stream.message().await.unwrap().unwrap();
    host.publisher.withdraw(&name("/a"));
    assert_eq!(stream.message().await.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn who_has_no_identity_is_denied() {
    let world = World::new("example.org");
    let host = Host::new(&world);
    assert_eq!(first_status(&host).await.code(), Code::PermissionDenied);
    let uid = rustix::process::geteuid().as_raw();
    let not_ours = [
        Selectors { uid: Some(uid + 1), ..Selectors::default() },
        Selectors { uid: Some(uid), executable: Some("/bin/sh".into()), ..Selectors::default() },
        Selectors { executable: std::env::current_exe().ok(), ..Selectors::default() },
        Selectors::default(),
    ];
    for selectors in not_ours {
        let mut identity = world.identity("/web");
        identity.selectors = selectors.clone();
        host.publisher.deliver(name("/web"), identity);
        assert_eq!(first_status(&host).await.code(), Code::PermissionDenied, "{selectors:?}");
    }
}

#[tokio::test]
async fn without_a_bundle_it_is_too_early() {
    let world = World::new("example.org");
    let host = Host::new(&world);
    host.publisher.set_bundle(0, Vec::new());
    host.deliver(&world, "/web");
    assert_eq!(first_status(&host).await.code(), Code::Unavailable);
}

#[tokio::test]
async fn equal_hints_are_not_repeated() {
    let world = World::new("example.org");
    let host = Host::new(&world);
    for path in ["/a", "/b"] {
        let mut identity = world.identity(path);
        identity.hint = "same".into();
        host.publisher.deliver(name(path), identity);
    }
    let message = fetch(&host).await.message().await.unwrap().unwrap();
    assert_eq!([message.svids[0].hint.as_str(), message.svids[1].hint.as_str()], ["same", ""]);
}

#[tokio::test]
async fn bundles_are_keyed_by_the_trust_domains_id() {
    let world = World::new("example.org");
    let host = Host::new(&world);
    host.deliver(&world, "/web");
    let mut client = SpiffeWorkloadApiClient::new(channel(&host).await);
    let mut stream = client.fetch_x509_bundles(request(X509BundlesRequest {})).await.unwrap().into_inner();
    let message = stream.message().await.unwrap().unwrap();
    assert_eq!(message.bundles.len(), 1);
    assert_eq!(message.bundles["spiffe://example.org"], world.root.der());
    // A renewed leaf changes nothing here.
    host.deliver(&world, "/web");
    host.publisher.set_bundle(2, [world.roots(), world.roots()].concat());
    assert_eq!(
        stream.message().await.unwrap().unwrap().bundles["spiffe://example.org"].len(),
        2 * world.root.der().len()
    );
}

#[track_caller]
fn check_metadata(metadata: &[(&'static str, &'static str)], accepted: bool) {
    let mut map = MetadataMap::new();
    for (name, value) in metadata {
        map.append(*name, value.parse().unwrap());
    }
    let mut request = Request::new(());
    *request.metadata_mut() = map;
    let outcome = super::service::require_metadata(request);
    assert_eq!(outcome.err().map(|status| status.code()), (!accepted).then_some(Code::InvalidArgument));
}

/// SPIFFE Workload Endpoint, section 3: exactly this key with exactly this value.
#[test]
fn the_security_metadata_is_required() {
    check_metadata(&[("workload.spiffe.io", "true")], true);
    check_metadata(&[], false);
    check_metadata(&[("workload.spiffe.io", "True")], false);
    check_metadata(&[("workload.spiffe.io", "")], false);
    check_metadata(&[("workload.spiffe.io", "true"), ("workload.spiffe.io", "false")], false);
    check_metadata(&[("workload-spiffe-io", "true")], false);
}

#[tokio::test]
async fn a_call_without_the_metadata_gets_nothing() {
    let world = World::new("example.org");
    let host = Host::new(&world);
    host.deliver(&world, "/web");
    let mut client = SpiffeWorkloadApiClient::new(channel(&host).await);
    assert_eq!(client.fetch_x509svid(X509svidRequest {}).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn other_profiles_and_services_are_unimplemented() {
    let world = World::new("example.org");
    let host = Host::new(&world);
    host.deliver(&world, "/web");
    let others =
        ["/SpiffeWorkloadAPI/FetchJWTSVID", "/SpiffeWorkloadAPI/FetchWITBundles", "/grpc.health.v1.Health/Check"];
    for path in others {
        let mut grpc = tonic::client::Grpc::new(channel(&host).await);
        grpc.ready().await.unwrap();
        let codec = tonic_prost::ProstCodec::<X509svidRequest, X509svidResponse>::default();
        let outcome = grpc.unary(request(X509svidRequest {}), path.parse().unwrap(), codec).await;
        assert_eq!(outcome.unwrap_err().code(), Code::Unimplemented, "{path}");
    }
}

/// T-63.
#[test]
fn debug_output_has_no_key() {
    let mut svid = X509svid::default();
    svid.x509_svid_key = b"canary".to_vec();
    let text = format!("{:?} {:?}", svid, X509svidResponse { svids: vec![svid.clone()], ..Default::default() });
    assert!(!text.contains("99, 97, 110") && !text.contains("canary"), "{text}");
}

fn event(id: u64) -> RelayEvent {
    RelayEvent { id: Some(id), text: Bytes::from(format!("id: {id}\nevent: agents-changed\ndata: {{}}\n\n")) }
}

#[tokio::test]
async fn the_feed_is_relayed_word_for_word_and_goes_on() {
    let world = World::new("example.org");
    let host = Host::new(&world);
    host.deliver(&world, "/web");
    host.publisher.relay().set_snapshot(4, Bytes::from_static(b"{\"signed\":1}"));
    host.publisher.relay().push(event(5));
    host.publisher.relay().push(event(6));
    assert_eq!(get(&host.socket, "/v1/snapshot", "").await, (200, "{\"signed\":1}".into()));

    let mut stream = UnixStream::connect(&host.socket).await.unwrap();
    stream.write_all(b"GET /v1/feed HTTP/1.0\r\nlast-event-id: 5\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    let mut expected = String::from_utf8(event(6).text.to_vec()).unwrap();
    while !answer.ends_with(&expected) {
        answer.push(char::from(stream.read_u8().await.unwrap()));
    }
    assert!(answer.contains("content-type: text/event-stream") && !answer.contains("id: 5"), "{answer}");
    host.publisher.relay().push(event(7));
    expected.push_str("id: 7");
    while !answer.ends_with(&expected) {
        answer.push(char::from(stream.read_u8().await.unwrap()));
    }
}

#[track_caller]
fn check_problem((status, body): &(u16, String), expected: u16, name: &str) {
    assert_eq!(*status, expected, "{body}");
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["type"], format!("urn:brevet:problem:{name}"));
    assert_eq!(body["status"], expected);
}

#[tokio::test]
async fn refusals_are_problem_documents() {
    let world = World::new("example.org");
    let host = Host::new(&world);
    host.deliver(&world, "/web");
    check_problem(&get(&host.socket, "/v1/feed", "").await, 503, "busy");
    check_problem(&get(&host.socket, "/v1/snapshot", "").await, 503, "busy");
    check_problem(&get(&host.socket, "/v1/nothing", "").await, 404, "not-found");
    host.publisher.relay().set_snapshot(4, Bytes::from_static(b"{}"));
    check_problem(&get(&host.socket, "/v1/feed", "last-event-id: 3\r\n").await, 410, "gone");
    for wrong in ["x", "-1", "+5", "", "18446744073709551616"] {
        let answer = get(&host.socket, "/v1/feed", &format!("last-event-id: {wrong}\r\n")).await;
        check_problem(&answer, 400, "malformed");
    }
}

#[tokio::test]
async fn the_operator_sees_every_agent() {
    let world = World::new("example.org");
    let host = Host::new(&world);
    let (status, body) = get(&host.socket, "/v1/status", "").await;
    assert_eq!(status, 200);
    let mut all: crate::identities::Status = serde_json::from_str(&body).unwrap();
    all.agents = vec![IdentityStatus::pending("web"), IdentityStatus::pending("db")];
    host.publisher.set_status(all.clone());
    let (_, body) = get(&host.socket, "/v1/status", "").await;
    assert_eq!(serde_json::from_str::<crate::identities::Status>(&body).unwrap(), all);
}

#[tokio::test]
async fn another_user_sees_the_agents_that_are_its_own_and_no_feed_without_one() {
    let world = World::new("example.org");
    let (publisher, identities) = Publisher::new(world.domain.clone());
    let mut status = (*identities.status()).clone();
    status.agents = vec![IdentityStatus::pending("web"), IdentityStatus::pending("db")];
    publisher.set_status(status);
    publisher.relay().set_snapshot(0, Bytes::from_static(b"{}"));
    let mut web = world.identity("/web");
    web.selectors = Selectors { uid: Some(4711), ..Selectors::default() };
    publisher.deliver(name("/web"), web);
    let router = super::router(identities);
    for (uid, path, expected) in [
        (4711, "/v1/status", 200),
        (4711, "/v1/feed", 200),
        (4711, "/v1/snapshot", 200),
        (4712, "/v1/status", 403),
        (4712, "/v1/feed", 403),
        (4712, "/v1/snapshot", 403),
    ] {
        let mut request = http::Request::get(path).header("host", "localhost").body(axum::body::Body::empty()).unwrap();
        request.extensions_mut().insert(Arc::new(Peer::of_user(uid)));
        let answer = router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), expected, "{path} for user {uid}");
        if (path, expected) == ("/v1/status", 200) {
            let body = axum::body::to_bytes(answer.into_body(), 10_000).await.unwrap();
            let shown: crate::identities::Status = serde_json::from_slice(&body).unwrap();
            assert_eq!(shown.agents, [IdentityStatus::pending("web")]);
        }
    }
}

/// T-60: the last look before a key goes out.
#[tokio::test]
async fn a_caller_that_is_somebody_else_by_now_gets_no_message() {
    let world = World::new("example.org");
    let host = Host::new(&world);
    let mut web = world.identity("/web");
    web.selectors = Selectors { uid: Some(4711), ..Selectors::default() };
    host.publisher.deliver(name("/web"), web);
    let watch = host.identities.watch();
    let show = |_: &Peer, snapshot: &crate::identities::Snapshot| Ok((Contents::of_bundle(snapshot), ()));
    let stream = changes::follow(watch.clone(), Arc::new(Peer::of_user(4711)), show);
    let outcome: Vec<_> = stream.collect().await;
    assert_eq!(outcome[0].as_ref().unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(outcome.len(), 1);
    let ourselves = Peer::of_user(rustix::process::geteuid().as_raw());
    let mut stream = Box::pin(changes::follow(watch, Arc::new(ourselves), show));
    assert!(stream.next().await.unwrap().is_ok());
}

#[tokio::test]
async fn a_socket_that_comes_back_serves_again() {
    let world = World::new("example.org");
    let mut host = Host::new(&world);
    host.deliver(&world, "/web");
    let mut stream = fetch(&host).await;
    stream.message().await.unwrap().unwrap();
    host.stop().await;
    assert!(stream.message().await.is_err());
    host.start();
    assert!(fetch(&host).await.message().await.unwrap().is_some());
}
