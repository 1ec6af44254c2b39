//! What becomes of requests before and around a route.

use std::sync::Arc;

use axum::body::Body;
use http_body_util::BodyExt as _;
use hyper::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use protocol::limits::MAX_REQUEST_OCTETS;

use crate::client::{ask, get, request};
use crate::house::{House, host_id};

#[track_caller]
fn check_path(house: &House, path: &str, status: u16) -> impl Future<Output = ()> {
    let (config, path) = (house.stranger(), path.to_owned());
    let address = house.address;
    async move {
        let mut stream = crate::client::connect(address, &config).await.unwrap();
        let answer = ask(&mut stream, &get(&path)).await.unwrap();
        assert_eq!(answer.status, status, "{path}");
    }
}

#[tokio::test]
async fn paths_with_two_readings_reach_no_route_t53() {
    let house = House::open().await;
    check_path(&house, "/v1/health", 200).await;
    check_path(&house, "/v1/health?a=/../b", 200).await;
    for path in [
        "//v1/health",
        "/v1//health",
        "/v1/health/",
        "/v1/./health",
        "/v1/a/../health",
        "/../v1/health",
        "/v1%2fhealth",
        "/v1/%68ealth",
        "/v1/health%00",
        "/v1/health;a",
        "/v1/HEALTH",
        "/",
        "/v1",
    ] {
        check_path(&house, path, 404).await;
    }
}

#[tokio::test]
async fn only_the_routes_methods_are_answered_t31_t53() {
    let house = House::open().await;
    for (method, status) in
        [("GET", 200), ("HEAD", 200), ("OPTIONS", 405), ("TRACE", 405), ("POST", 405), ("DELETE", 405), ("BREW", 405)]
    {
        let answer = house.ask(&house.stranger(), &request(method, "/v1/health")).await.unwrap();
        assert_eq!(answer.status, status, "{method}");
    }
    for target in ["*", "localhost:443"] {
        let method = if target == "*" { "OPTIONS" } else { "CONNECT" };
        let answer = house.ask(&house.stranger(), &request(method, target)).await.unwrap();
        assert_eq!(answer.status, 404, "{method} {target}");
    }
    let overridden = "POST /v1/health HTTP/1.1\r\nHost: x\r\nX-HTTP-Method-Override: GET\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(house.ask(&house.stranger(), overridden).await.unwrap().status, 405);
}

#[tokio::test]
async fn a_panic_is_an_answer_and_the_connection_goes_on_t34() {
    let house = House::open().await;
    let mut stream = house.connect(&house.known()).await.unwrap();
    for _ in 0..2 {
        let answer = ask(&mut stream, &get("/v1/panic")).await.unwrap();
        assert_eq!(answer.status, 500);
        assert!(answer.head.contains("application/problem+json"), "{}", answer.head);
        assert!(
            answer.body.contains("urn:brevet:problem:internal") && !answer.body.contains("test asks"),
            "{answer:?}"
        );
        assert_eq!(ask(&mut stream, &get("/v1/health")).await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn heads_have_a_limit_t58() {
    let house = House::open().await;
    let long = format!("GET /v1/health HTTP/1.1\r\nHost: x\r\nA: {}\r\n\r\n", "a".repeat(32 * 1024));
    assert_eq!(house.ask(&house.stranger(), &long).await.unwrap().status, 431);
    let many = format!("GET /v1/health HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: a\r\n".repeat(100));
    assert_eq!(house.ask(&house.stranger(), &many).await.unwrap().status, 431);
    let path = format!("/v1/{}", "a".repeat(8 * 1024));
    assert_eq!(house.ask(&house.stranger(), &get(&path)).await.unwrap().status, 404);
}

#[tokio::test]
async fn bodies_have_the_limit_of_their_route_t57() {
    let house = House::open().await;
    for (octets, status) in [(MAX_REQUEST_OCTETS, 200), (MAX_REQUEST_OCTETS + 1, 413)] {
        let body = "b".repeat(octets);
        let request = format!("POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: {octets}\r\n\r\n{body}");
        assert_eq!(house.ask(&house.stranger(), &request).await.unwrap().status, status, "{octets} octets");
        let request = format!(
            "POST /v1/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{octets:x}\r\n{body}\r\n0\r\n\r\n"
        );
        assert_eq!(house.ask(&house.stranger(), &request).await.unwrap().status, status, "{octets} octets in a chunk");
    }
}

#[tokio::test]
async fn two_lengths_are_no_request_t58() {
    let house = House::open().await;
    for fields in [
        "Content-Length: 1\r\nContent-Length: 2",
        "Content-Length: +1",
        "Content-Length: 1, 2",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding : chunked",
        "Content-Length: 99999999999999999999",
    ] {
        let request = format!("POST /v1/echo HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\nabc");
        let answer = house.ask(&house.stranger(), &request).await;
        assert!(!matches!(&answer, Ok(answer) if answer.status == 200), "{fields}: {answer:?}");
    }
}

#[tokio::test]
async fn http_2_is_served_too() {
    let house = House::open().await;
    let mut config = crate::client::config(&house.pki.root, Some((&house.pki.host(), &[])));
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = house.connect(&Arc::new(config)).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    for (path, status) in [("/v1/who", 200), ("/v1//who", 404), ("/v1/panic", 500), ("/v1/who", 200)] {
        let request = Request::get(format!("https://localhost{path}")).body(Body::empty()).unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        if path == "/v1/who" {
            assert!(body.starts_with(host_id().as_str().as_bytes()), "{body:?}");
        }
    }
}

#[tokio::test]
async fn a_flood_of_resets_ends_its_connection_only_t58() {
    let house = House::open().await;
    let mut config = crate::client::config(&house.pki.root, None);
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = house.connect(&Arc::new(config)).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    for _ in 0..20_000 {
        if sender.ready().await.is_err() {
            break;
        }
        // Sent, and taken back at once.
        let answer = sender.send_request(Request::get("https://localhost/v1/wait").body(Body::empty()).unwrap());
        tokio::select! {
            biased;
            _ = answer => {}
            () = tokio::task::yield_now() => {}
        }
    }
    assert_eq!(house.ask(&house.stranger(), &get("/v1/health")).await.unwrap().status, 200);
    connection.abort();
}
