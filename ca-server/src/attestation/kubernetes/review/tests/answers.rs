//! What is no answer, and answers with an octet changed.

use std::time::{Duration, Instant};

use pki_test_fixtures::cluster::{Algorithm, Cluster, Verdict};
use serde_json::json;

use super::super::*;
use super::{House, check};

/// Answers that are none: each by its name.
#[tokio::test]
async fn answers_that_are_none() {
    let (house, target) = (House::new(), Cluster::new(Algorithm::Es256));
    let (token, target) = (house.token(), target.serve_reviews());
    for (verdict, rule) in [
        (Verdict::Status(500), "review-status"),
        (Verdict::Status(503), "review-status"),
        (Verdict::Status(429), "review-status"),
        (Verdict::Status(404), "review-status"),
        (Verdict::TrueWithStatus(204), "review-status"),
        (Verdict::TrueWithStatus(202), "review-status"),
        (Verdict::TrueWithStatus(401), "review-credential-refused"),
        (Verdict::TrueWithStatus(403), "review-forbidden"),
        (Verdict::Redirect(target.url()), "review-redirected"),
        (Verdict::Gzip, "review-encoded"),
        (Verdict::Endless, "review-too-long"),
        (Verdict::Half, "review-unreachable"),
        (Verdict::Text(String::new()), "review-malformed"),
        (Verdict::Text("{".to_owned()), "review-malformed"),
        (Verdict::Text("[]".to_owned()), "review-malformed"),
        (Verdict::Text("null".to_owned()), "review-malformed"),
        (Verdict::Text("{} {}".to_owned()), "review-malformed"),
        (Verdict::Text(r#"{"status":{"authenticated":false,"Authenticated":true}}"#.to_owned()), "review-malformed"),
        (Verdict::Text(format!(r#"{{"a":{}{}}}"#, "[".repeat(5000), "]".repeat(5000))), "review-malformed"),
        (Verdict::Text(" ".repeat(64 * 1024 + 1)), "review-too-long"),
        (Verdict::Text("{}".to_owned()), "review-missing"),
    ] {
        house.server.answer(verdict);
        check(&house, house.ask(&token).await, rule);
    }
    assert_eq!(target.connections(), 0, "the redirect was followed");
    house.server.answer(Verdict::TrueWithStatus(200));
    assert!(house.ask(&token).await.is_ok());
}

/// Every octet of an answer, cut off anywhere or changed, is a refusal or the same answer; and quickly.
#[test]
fn every_octet_of_an_answer() {
    let house = House::new();
    let token = house.token();
    let parsed = super::super::super::token::Token::of(token.as_bytes()).unwrap();
    let config = house.file(&house.server.url()).check().unwrap();
    let pod = PodClaims::of(&parsed.claims, &config, house.now).unwrap();
    let question = Question { token: &token, audience: "brevet", pod: &pod };
    let node = pod.node.as_ref().unwrap();
    let text = json!({
        "apiVersion": API_VERSION, "kind": KIND,
        "status": {
            "authenticated": true, "audiences": ["brevet"],
            "user": {
                "username": "system:serviceaccount:payments:api", "uid": pod.service_account.uid,
                "extra": {
                    "authentication.kubernetes.io/pod-name": [pod.pod.name],
                    "authentication.kubernetes.io/pod-uid": [pod.pod.uid],
                    "authentication.kubernetes.io/node-name": [node.name],
                    "authentication.kubernetes.io/node-uid": [node.uid],
                    "authentication.kubernetes.io/credential-id": [format!("JTI={}", pod.id.unwrap())],
                },
            },
        },
    })
    .to_string()
    .into_bytes();
    answer::check(&text, &question).unwrap();
    for length in 0..text.len() {
        assert!(answer::check(&text[..length], &question).is_err(), "{length} octets");
    }
    let began = Instant::now();
    for at in 0..text.len() {
        for octet in [0, b' ', b'"', b'\\', b'{', b'}', b'[', b']', b',', b':', b'a', b'A', b'0', 0x7f, 0x80, 0xff] {
            let mut other = text.clone();
            other[at] = octet;
            if other != text {
                assert!(answer::check(&other, &question).is_err(), "{octet:#04x} at {at}");
            }
        }
    }
    assert!(began.elapsed() < Duration::from_secs(20));
}
