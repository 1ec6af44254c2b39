//! What is attested, and how near to a limit it may come.

use pki_test_fixtures::cluster::Algorithm;
use serde_json::{Map, Value, json};

use super::*;

#[track_caller]
fn check(cluster: &Cluster, claims: &Map<String, Value>, wanted: Result<(), &str>) {
    let found = holding(cluster).attest(cluster.sign(claims).as_bytes(), now());
    assert_eq!(found.map(drop).map_err(|refused| refused.rule()), wanted);
}

/// A sound token with some claims put in.
fn with(cluster: &Cluster, changes: &[(&str, Value)]) -> Map<String, Value> {
    let mut claims = cluster.claims(&pod(cluster), now());
    for (name, value) in changes {
        claims.insert((*name).to_owned(), value.clone());
    }
    claims
}

#[test]
fn a_token_says_who_the_pod_is() {
    for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
        let cluster = Cluster::new(algorithm);
        let pod = pod(&cluster);
        let attested = holding(&cluster).attest(cluster.token(&pod, now()).as_bytes(), now()).unwrap();
        let claims: Vec<_> = attested.claims().iter().map(|(name, _)| (name, attested.claims().text(name))).collect();
        let wanted = [
            ("cluster", Some("prod-eu")),
            ("namespace", Some("payments")),
            ("node", Some("worker-1")),
            ("node_uid", Some(pod.node_uid.as_str())),
            ("pod", Some("api-0")),
            ("pod_uid", Some(pod.uid.as_str())),
            ("service_account", Some("api")),
            ("service_account_uid", Some(pod.service_account_uid.as_str())),
        ];
        assert_eq!(claims, wanted);
        assert_eq!((attested.attestor(), attested.kind()), ("prod-eu", Kind::Kubernetes));
        assert_eq!(attested.proof_until(), now().plus(std::time::Duration::from_secs(600)));
        assert_eq!((attested.profile(), attested.token()), (None, None));
    }
}

/// Every claim that is made is known to policies, with its type.
#[test]
fn claims_are_in_the_catalogue() {
    let cluster = Cluster::new(Algorithm::Es256);
    let attested = holding(&cluster).attest(cluster.token(&pod(&cluster), now()).as_bytes(), now()).unwrap();
    for (name, value) in attested.claims().iter() {
        assert!(policies::claims::catalogue::known(name).unwrap().kind.holds(value), "{name}");
    }
}

#[test]
fn other_shapes_that_clusters_write() {
    let cluster = Cluster::new(Algorithm::Es256);
    check(&cluster, &with(&cluster, &[("aud", json!(cluster.audience()))]), Ok(()));
    check(&cluster, &with(&cluster, &[("unknown", json!({ "of": ["later", 1.5, null] }))]), Ok(()));
    let mut before_1_30 = with(&cluster, &[]);
    before_1_30.remove("jti");
    before_1_30["kubernetes.io"].as_object_mut().unwrap().remove("node");
    check(&cluster, &before_1_30, Ok(()));
    let mut header = cluster.header();
    header["typ"] = json!("JWT");
    let payload = serde_json::to_vec(&with(&cluster, &[])).unwrap();
    assert!(holding(&cluster).attest(cluster.sign_octets(&header, &payload).as_bytes(), now()).is_ok());
}

/// T-20, T-27, T-28: the last second that is taken and the first that is not.
#[test]
fn times_at_their_limits() {
    let cluster = Cluster::new(Algorithm::Es256);
    let seconds = now().seconds();
    let times = |iat: u64, exp: u64| with(&cluster, &[("iat", json!(iat)), ("nbf", json!(iat)), ("exp", json!(exp))]);
    check(&cluster, &times(seconds, seconds + 600), Ok(()));
    check(&cluster, &times(seconds, seconds + 601), Err("token-remaining-life"));
    check(&cluster, &times(seconds - 3000, seconds + 600), Ok(()));
    check(&cluster, &times(seconds - 3001, seconds + 600), Err("token-lifetime"));
    check(&cluster, &times(seconds - 600, seconds + 1), Ok(()));
    check(&cluster, &times(seconds - 600, seconds), Err("token-expired"));
    check(&cluster, &times(seconds + 1, seconds + 2), Err("token-not-yet-valid"));
}

#[test]
fn a_cluster_whose_clock_is_ahead_needs_the_operators_word() {
    let cluster = Cluster::new(Algorithm::Es256);
    let ahead = cluster.token(&pod(&cluster), now().plus(std::time::Duration::from_secs(5)));
    assert_eq!(holding(&cluster).attest(ahead.as_bytes(), now()).unwrap_err().rule(), "token-not-yet-valid");
    for (seconds, wanted) in [(4, false), (5, true)] {
        let file = KubernetesFile { clock_skew_seconds: Some(seconds), ..file(&cluster, "http://127.0.0.1:1/") };
        let keys = Jwks::parse(cluster.jwks().as_bytes()).unwrap();
        let attestor = KubernetesAttestor::holding(file.check().unwrap(), keys);
        assert_eq!(attestor.attest(ahead.as_bytes(), now()).is_ok(), wanted);
    }
}

/// T-05: ECDSA has two signatures for each; one token is one proof.
#[test]
fn a_signature_spelled_otherwise_is_the_same_proof() {
    let cluster = Cluster::new(Algorithm::Es256);
    let pod = pod(&cluster);
    let payload = serde_json::to_vec(&cluster.claims(&pod, now())).unwrap();
    let proofs: Vec<_> = (0..2)
        .map(|_| cluster.sign_octets(&cluster.header(), &payload))
        .map(|token| (token.clone(), holding(&cluster).attest(token.as_bytes(), now()).unwrap().proof()))
        .collect();
    assert_ne!(proofs[0].0, proofs[1].0, "two signatures");
    assert_eq!(proofs[0].1, proofs[1].1, "one proof");
    let other = holding(&cluster).attest(cluster.token(&pod, now()).as_bytes(), now()).unwrap();
    assert_ne!(other.proof(), proofs[0].1, "another jti is another token");
}

/// No bit of a token can be another without being noticed.
#[test]
fn every_bit_counts() {
    let cluster = Cluster::new(Algorithm::Es256);
    let (attestor, token) = (holding(&cluster), cluster.token(&pod(&cluster), now()).into_bytes());
    for bit in 0..token.len() * 8 {
        let mut flipped = token.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(attestor.attest(&flipped, now()).is_err(), "bit {bit}");
    }
}
