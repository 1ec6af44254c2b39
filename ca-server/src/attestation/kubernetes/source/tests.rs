//! Where keys may come from and how often: T-06, T-25.

use std::net::TcpListener;

use pki_test_fixtures::cluster::{Algorithm, Answer, Cluster, JwksServer};

use super::*;

fn at(url: &str, reach: Reach, ca_file: Option<PathBuf>) -> Location {
    Location::Url { url: url.parse().unwrap(), reach, ca_file }
}

fn loopback(server: &JwksServer) -> Location {
    at(&server.url(), Reach::Loopback, None)
}

#[track_caller]
fn check(found: &Result<Vec<u8>, KeysError>, rule: &str) {
    let error = found.as_ref().unwrap_err();
    assert_eq!(error.rule(), rule, "{error}: {:?}", std::error::Error::source(error));
    assert!(!error.fix().is_empty());
}

async fn fetch(location: &Location) -> Result<Vec<u8>, KeysError> {
    Fetcher::new(location).unwrap().fetch().await
}

#[tokio::test]
async fn keys_come_over_http_https_and_from_a_file() {
    let cluster = Cluster::new(Algorithm::Es256);
    let directory = tempfile::tempdir().unwrap();
    let (plain, tls) = (cluster.serve(), cluster.serve_tls());
    let (ca, keys) = (directory.path().join("ca.pem"), directory.path().join("keys.json"));
    std::fs::write(&ca, tls.root_pem().unwrap()).unwrap();
    std::fs::write(&keys, cluster.jwks()).unwrap();
    let by_name = tls.url().replace("127.0.0.1", "localhost");
    for location in [
        loopback(&plain),
        at(&tls.url(), Reach::Loopback, Some(ca.clone())),
        at(&by_name, Reach::Loopback, Some(ca)),
        Location::File { path: keys },
    ] {
        assert_eq!(fetch(&location).await.unwrap(), cluster.jwks().into_bytes(), "{location:?}");
    }
}

#[tokio::test]
async fn only_the_configured_authority_is_believed() {
    let cluster = Cluster::new(Algorithm::Es256);
    let directory = tempfile::tempdir().unwrap();
    let (server, other) = (cluster.serve_tls(), cluster.serve_tls());
    let ca = directory.path().join("ca.pem");
    std::fs::write(&ca, other.root_pem().unwrap()).unwrap();
    check(&fetch(&at(&server.url(), Reach::Loopback, Some(ca.clone()))).await, "keys-unreachable");
    for (text, problem) in
        [("", "no certificate"), ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "")]
    {
        std::fs::write(&ca, text).unwrap();
        let error = JwksSource::new(&at(&server.url(), Reach::Loopback, Some(ca.clone()))).unwrap_err();
        let ConfigError::CaFile { source, .. } = error else { panic!("{error}") };
        assert!(source.to_string().contains(problem), "{source}");
    }
}

/// T-25: no redirect, no other status, no compression, no more than 256 KiB.
#[tokio::test]
async fn answers_that_are_none() {
    let cluster = Cluster::new(Algorithm::Es256);
    let (server, target) = (cluster.serve(), cluster.serve());
    for (answer, rule) in [
        (Answer::Redirect(target.url()), "keys-redirected"),
        (Answer::Status(404), "keys-status"),
        (Answer::Status(500), "keys-status"),
        (Answer::Status(204), "keys-status"),
        (Answer::Gzip, "keys-encoded"),
        (Answer::Endless, "keys-too-long"),
    ] {
        server.answer(answer);
        check(&fetch(&loopback(&server)).await, rule);
    }
    assert_eq!(target.connections(), 0, "the redirect was followed");
    server.answer(Answer::Silence);
    check(&Fetcher::impatient(&server.url()).fetch().await, "keys-timed-out");
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    check(&fetch(&at(&format!("http://{gone}/"), Reach::Loopback, None)).await, "keys-unreachable");
}

/// T-25: a name that leads elsewhere than the operator said is not connected to.
#[tokio::test]
async fn a_name_that_leads_inside() {
    let cluster = Cluster::new(Algorithm::Es256);
    let server = cluster.serve();
    let by_name = server.url().replace("127.0.0.1", "localhost");
    for reach in [Reach::Public, Reach::Private] {
        check(&fetch(&at(&by_name, reach, None)).await, "keys-address");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn files_that_are_none() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.json");
    check(&fetch(&Location::File { path: path.clone() }).await, "keys-file");
    check(&fetch(&Location::File { path: directory.path().to_owned() }).await, "keys-file");
    std::fs::write(&path, vec![b' '; 256 * 1024 + 1]).unwrap();
    check(&fetch(&Location::File { path }).await, "keys-too-long");
}

#[tokio::test]
async fn keys_are_kept_for_five_minutes() {
    let cluster = Cluster::new(Algorithm::Es256);
    let (server, start) = (cluster.serve(), Instant::now());
    let source = JwksSource::new(&loopback(&server)).unwrap();
    assert_eq!(source.current().unwrap_err().rule(), "keys-not-at-hand");
    for (seconds, connections) in [(0, 1), (299, 1), (300, 2), (301, 2), (599, 2), (600, 3)] {
        source.freshen(start + Duration::from_secs(seconds)).await;
        assert_eq!(server.connections(), connections, "after {seconds}s");
        assert!(source.current().is_ok());
    }
}

/// T-25: at most one fetch a minute, whether it succeeds or not, and one for all who ask at once.
#[tokio::test]
async fn unknown_keys_cause_one_fetch_a_minute() {
    let cluster = Cluster::new(Algorithm::Es256);
    let (server, start) = (cluster.serve(), Instant::now());
    let source = JwksSource::new(&loopback(&server)).unwrap();
    let asking: Vec<_> = (0..50).map(|_| source.fetch_for_unknown(start)).collect();
    futures_util::future::join_all(asking).await;
    assert_eq!(server.connections(), 1);
    server.answer(Answer::Status(500));
    for (seconds, connections) in [(1, 1), (59, 1), (60, 2), (61, 2), (119, 2), (120, 3)] {
        source.fetch_for_unknown(start + Duration::from_secs(seconds)).await;
        assert_eq!(server.connections(), connections, "after {seconds}s");
    }
    assert!(source.current().is_ok(), "the keys at hand stay");
}

#[tokio::test]
async fn a_set_that_is_refused_does_not_replace_a_good_one() {
    let cluster = Cluster::new(Algorithm::Es256);
    let (server, start) = (cluster.serve(), Instant::now());
    let source = JwksSource::new(&loopback(&server)).unwrap();
    source.freshen(start).await;
    server.answer(Answer::Text(format!(r#"{{"keys":[{}]}}"#, cluster.key().private_jwk())));
    source.freshen(start + FETCH_EVERY).await;
    assert_eq!(server.connections(), 2);
    assert!(source.current().unwrap().key(cluster.key().kid()).is_some());
}

/// Who asks for an unknown key and hangs up does not use up the minute in vain.
#[tokio::test]
async fn a_fetch_goes_on_without_the_one_who_asked() {
    let cluster = Cluster::new(Algorithm::Es256);
    let (server, start) = (cluster.serve(), Instant::now());
    let source = JwksSource::new(&loopback(&server)).unwrap();
    // Asks, is polled once, and is dropped.
    tokio::select! {
        biased;
        () = source.fetch_for_unknown(start) => panic!("answered before anything was sent"),
        () = std::future::ready(()) => {}
    }
    // Waits for the fetch under way, and begins none.
    source.fetch_for_unknown(start).await;
    assert!(source.current().is_ok());
    assert_eq!(server.connections(), 1);
}
