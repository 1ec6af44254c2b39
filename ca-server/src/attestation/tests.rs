//! Evidence from end to end: genuine tokens are attested, every forgery is refused by its name, in bounded time, and
//! nothing is fetched that the evidence names.

mod documented;
mod explained;
mod forged;
mod genuine;
mod octets;
mod several;

use std::time::Instant;

use identity::Timestamp;
use pki_test_fixtures::cluster::{Cluster, JwksServer, Pod};

use super::kubernetes::{Jwks, KubernetesAttestor, KubernetesConfig, KubernetesFile};
use super::*;

fn now() -> Timestamp {
    Timestamp::from_seconds(1_800_000_000).unwrap()
}

fn pod(cluster: &Cluster) -> Pod {
    cluster.pod("payments", "api", "api-0")
}

/// The configuration of an operator of this cluster.
fn file(cluster: &Cluster, jwks_url: &str) -> KubernetesFile {
    KubernetesFile {
        name: "prod-eu".to_owned(),
        issuer: cluster.issuer().to_owned(),
        audience: cluster.audience().to_owned(),
        mode: None,
        jwks_url: Some(jwks_url.to_owned()),
        jwks_file: None,
        jwks_ca_file: None,
        jwks_reach: Some(kubernetes::address::Reach::Loopback),
        max_life_seconds: None,
        api_url: None,
        api_ca_file: None,
        api_reach: None,
        api_token_file: None,
        clock_skew_seconds: None,
    }
}

fn config(cluster: &Cluster) -> KubernetesConfig {
    file(cluster, "http://127.0.0.1:1/").check().unwrap()
}

/// An attestor that has the cluster's keys at hand.
fn holding(cluster: &Cluster) -> KubernetesAttestor {
    KubernetesAttestor::holding(config(cluster), Jwks::parse(cluster.jwks().as_bytes()).unwrap())
}

/// Attestors that fetch the cluster's keys from `server`, and have.
async fn following(cluster: &Cluster, server: &JwksServer, tick: Instant) -> Attestors {
    let config = file(cluster, &server.url()).check().unwrap();
    let attestors = Attestors::new(vec![Box::new(KubernetesAttestor::new(config).unwrap())]).unwrap();
    attestors.warm(tick).await;
    attestors
}

#[test]
fn kinds_are_read_as_written() {
    for kind in [Kind::AwsIid, Kind::JoinToken, Kind::Kubernetes] {
        assert_eq!(kind.to_string().parse(), Ok(kind));
    }
    for text in ["", "Kubernetes", "join_token", "kubernetes "] {
        assert!(text.parse::<Kind>().is_err(), "{text:?}");
    }
}
