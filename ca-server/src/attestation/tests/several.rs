//! Several attestors beside each other, and keys that change under them.

use std::time::Duration;

use pki_test_fixtures::cluster::{Algorithm, Answer};

use super::*;

fn named(cluster: &Cluster, name: &str, audience: &str) -> Box<dyn Attestor> {
    let file =
        KubernetesFile { name: name.to_owned(), audience: audience.to_owned(), ..file(cluster, "http://127.0.0.1:1/") };
    let keys = Jwks::parse(cluster.jwks().as_bytes()).unwrap();
    Box::new(KubernetesAttestor::holding(file.check().unwrap(), keys))
}

async fn rule(attestors: &Attestors, token: &str, tick: Instant) -> Result<String, &'static str> {
    let judged = attestors.attest(Kind::Kubernetes, token.as_bytes(), now(), tick).await;
    judged.map(|attested| attested.attestor().to_owned()).map_err(|refused| refused.rule())
}

#[tokio::test]
async fn the_cluster_that_the_token_is_meant_for_judges() {
    let (one, other) = (Cluster::new(Algorithm::Es256), Cluster::new(Algorithm::Es256));
    let attestors = Attestors::new(vec![named(&one, "one", "brevet-one"), named(&other, "other", "brevet")]).unwrap();
    let tick = Instant::now();
    // Both clusters have the default issuer, and pods of both ask for the audience of the second.
    assert_eq!(rule(&attestors, &other.token(&pod(&other), now()), tick).await, Ok("other".to_owned()));
    // A token that is meant for the second and signed by the first is no token of either.
    assert_eq!(rule(&attestors, &one.token(&pod(&one), now()), tick).await, Err("token-key-unknown"));
    let none = Attestors::new(Vec::new()).unwrap();
    assert_eq!(rule(&none, &one.token(&pod(&one), now()), tick).await, Err("evidence-kind"));
}

#[test]
fn names_stand_once() {
    let cluster = Cluster::new(Algorithm::Es256);
    let twice = Attestors::new(vec![named(&cluster, "one", "a"), named(&cluster, "one", "b")]);
    assert_eq!(twice.unwrap_err(), RegistryError::NameTwice { name: "one".to_owned() });
}

/// T-25: a new key is found by one fetch, and an unknown one causes no more than one a minute.
#[tokio::test]
async fn a_rotation_is_followed() {
    let mut cluster = Cluster::new(Algorithm::Rs256);
    let (server, start) = (cluster.serve(), Instant::now());
    let attestors = following(&cluster, &server, start).await;
    let pod = pod(&cluster);
    let old = cluster.token(&pod, now());
    cluster.rotate(Algorithm::Es256);
    let new = cluster.token(&pod, now());
    let name = || Ok("prod-eu".to_owned());
    assert_eq!(rule(&attestors, &old, start).await, name());
    assert_eq!(rule(&attestors, &new, start + Duration::from_secs(59)).await, Err("token-key-unknown"));
    assert_eq!(server.connections(), 1);
    assert_eq!(rule(&attestors, &new, start + Duration::from_secs(60)).await, name());
    assert_eq!(server.connections(), 2);
    cluster.retire_old_keys();
    // Until the keys are due again, the old one is still believed; from then on it is not.
    assert_eq!(rule(&attestors, &old, start + Duration::from_secs(359)).await, name());
    assert_eq!(rule(&attestors, &old, start + Duration::from_secs(360)).await, Err("token-key-unknown"));
    assert_eq!(server.connections(), 3);
}

/// A cluster that is away costs nothing for an hour, and then nobody gets in.
#[tokio::test]
async fn keys_of_a_cluster_that_is_away_are_given_up_after_an_hour() {
    let cluster = Cluster::new(Algorithm::Es256);
    let (server, start) = (cluster.serve(), Instant::now());
    let attestors = following(&cluster, &server, start).await;
    let token = cluster.token(&pod(&cluster), now());
    server.answer(Answer::Status(503));
    for minutes in 1..60 {
        let tick = start + Duration::from_secs(minutes * 60);
        assert_eq!(rule(&attestors, &token, tick).await, Ok("prod-eu".to_owned()), "{minutes} minutes");
    }
    assert_eq!(rule(&attestors, &token, start + Duration::from_secs(3600)).await, Err("keys-not-at-hand"));
    server.answer(Answer::Keys);
    assert_eq!(rule(&attestors, &token, start + Duration::from_secs(3660)).await, Ok("prod-eu".to_owned()));
}

/// What breaks a rule by itself is refused before keys are asked for.
#[tokio::test]
async fn no_fetch_for_evidence_that_is_refused_anyway() {
    let cluster = Cluster::new(Algorithm::Es256);
    let server = cluster.serve();
    let config = file(&cluster, &server.url()).check().unwrap();
    let attestors = Attestors::new(vec![Box::new(KubernetesAttestor::new(config).unwrap())]).unwrap();
    let mut claims = cluster.claims(&pod(&cluster), now());
    claims.insert("aud".to_owned(), serde_json::json!(["another"]));
    for bad in ["", "a.b.c", &cluster.sign(&claims)] {
        assert!(rule(&attestors, bad, Instant::now()).await.is_err());
    }
    assert_eq!(server.connections(), 0);
    let good = cluster.token(&pod(&cluster), now());
    assert_eq!(rule(&attestors, &good, Instant::now()).await, Ok("prod-eu".to_owned()));
    assert_eq!(server.connections(), 1);
}
