//! A cluster that is asked: what it says when it is right, down, slow, lying, or speaks of somebody who is gone. T-27.

mod answers;
mod lies;

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use identity::Timestamp;
use pki_test_fixtures::cluster::{Algorithm, Cluster, Pod, ReviewServer, Verdict};
use serde_json::json;

use super::super::address::Reach;
use super::super::{KubernetesAttestor, KubernetesFile};
use crate::attestation::explain::Report;
use crate::attestation::{Attested, Attestor, Attestors, EvidenceError, Kind};

/// A cluster, its API server, a pod of it, and our credential in a file.
struct House {
    cluster: Cluster,
    server: ReviewServer,
    pod: Pod,
    directory: tempfile::TempDir,
    now: Timestamp,
}

impl House {
    fn new() -> Self {
        let cluster = Cluster::new(Algorithm::Es256);
        let (server, pod) = (cluster.serve_reviews(), cluster.pod("payments", "api", "api-0"));
        let directory = tempfile::tempdir().unwrap();
        let house = Self { cluster, server, pod, directory, now: Timestamp::from_seconds(1_800_000_000).unwrap() };
        std::fs::write(house.path("ca.pem"), house.server.root_pem()).unwrap();
        house.put_credential(&format!("{}\n", house.server.reviewer_token()));
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn put_credential(&self, text: &str) {
        std::fs::write(self.path("token"), text).unwrap();
    }

    fn file(&self, api_url: &str) -> KubernetesFile {
        KubernetesFile {
            name: "prod-eu".to_owned(),
            issuer: self.cluster.issuer().to_owned(),
            audience: self.cluster.audience().to_owned(),
            mode: Some(super::super::config::Mode::TokenReview),
            jwks_url: None,
            jwks_file: None,
            jwks_ca_file: None,
            jwks_reach: None,
            api_url: Some(api_url.to_owned()),
            api_ca_file: Some(self.path("ca.pem")),
            api_reach: Some(Reach::Loopback),
            api_token_file: Some(self.path("token")),
            max_life_seconds: None,
            clock_skew_seconds: None,
        }
    }

    fn attestor(&self, api_url: &str) -> KubernetesAttestor {
        KubernetesAttestor::new(self.file(api_url).check().unwrap()).unwrap()
    }

    fn attestors(&self, api_url: &str) -> Attestors {
        Attestors::new(vec![Box::new(self.attestor(api_url))]).unwrap()
    }

    fn token(&self) -> String {
        self.cluster.token(&self.pod, self.now)
    }

    async fn ask_at(&self, api_url: &str, token: &str) -> Result<Attested, EvidenceError> {
        let attestors = self.attestors(api_url);
        attestors.attest(Kind::Kubernetes, token.as_bytes(), self.now, Instant::now()).await
    }

    async fn ask(&self, token: &str) -> Result<Attested, EvidenceError> {
        self.ask_at(&self.server.url(), token).await
    }

    /// Asks with little patience, and room for so many at once.
    async fn ask_impatiently(&self, token: &str, turns: usize) -> Result<Attested, EvidenceError> {
        self.attestor(&self.server.url()).impatient(SHORT, turns).review(token.as_bytes(), self.now).unwrap().await
    }
}

impl KubernetesAttestor {
    fn impatient(mut self, patience: Duration, turns: usize) -> Self {
        if let super::super::Judge::Reviewer(reviewer) = self.judge {
            self.judge = super::super::Judge::Reviewer(reviewer.impatient(patience, turns));
        }
        self
    }
}

/// Refused by this rule, and the refusal tells neither token nor credential.
#[track_caller]
fn check(house: &House, found: Result<Attested, EvidenceError>, rule: &str) {
    let error = found.expect_err(rule);
    let said = crate::api::chain(&error);
    assert_eq!(error.rule(), rule, "{said}");
    assert_eq!(error.is_ours(), rule != "review-not-authenticated", "{said}");
    assert!(!error.fix().is_empty());
    let token = house.token();
    let secrets = [token.split('.').next().unwrap(), &house.server.reviewer_token()];
    for text in [&said, &format!("{error:?}")] {
        assert!(secrets.iter().all(|secret| !text.contains(secret)), "{text}");
    }
}

/// Long enough for an answer on a busy machine, short enough to wait for.
const SHORT: Duration = Duration::from_millis(1500);

/// The claims of both modes are the same names and values.
#[tokio::test]
async fn both_modes_make_the_same_claims() {
    let house = House::new();
    let keys = house.cluster.serve();
    let by_keys = KubernetesFile {
        mode: None,
        jwks_url: Some(keys.url()),
        jwks_reach: Some(Reach::Loopback),
        api_url: None,
        api_ca_file: None,
        api_reach: None,
        api_token_file: None,
        ..house.file("")
    };
    let by_keys = KubernetesAttestor::new(by_keys.check().unwrap()).unwrap();
    let by_keys = Attestors::new(vec![Box::new(by_keys)]).unwrap();
    let mut before_1_30 = house.cluster.claims(&house.pod, house.now);
    before_1_30.remove("jti");
    before_1_30["kubernetes.io"].as_object_mut().unwrap().remove("node");
    for token in [house.token(), house.cluster.sign(&before_1_30)] {
        let asked = house.ask(&token).await.unwrap();
        let verified = by_keys.attest(Kind::Kubernetes, token.as_bytes(), house.now, Instant::now()).await.unwrap();
        assert_eq!(asked, verified);
        assert_eq!(asked.claims().text("pod_uid"), Some(house.pod.uid.as_str()));
    }
    assert_eq!(house.server.reviews(), 2);
}

/// T-27: what the key set cannot see.
#[tokio::test]
async fn who_is_gone_is_refused() {
    type End = fn(&House);
    let gone: [(End, &str); 3] = [
        (|house| house.server.forget_pod(&house.pod), "pod"),
        (|house| house.server.forget_node(&house.pod), "node"),
        (|house| house.server.recreate_service_account(&house.pod), "service account"),
    ];
    for (end, what) in gone {
        let house = House::new();
        let token = house.token();
        assert!(house.ask(&token).await.is_ok(), "{what}");
        end(&house);
        check(&house, house.ask(&token).await, "review-not-authenticated");
        assert_eq!(house.server.reviews(), 2, "asked each time");
    }
}

/// A token that only looks like one of the cluster's.
#[tokio::test]
async fn what_the_cluster_did_not_sign() {
    let (house, other) = (House::new(), Cluster::new(Algorithm::Es256));
    check(&house, house.ask(&other.token(&house.pod, house.now)).await, "review-not-authenticated");
    let (signed, _) = house.token().rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let zeros = pki_test_fixtures::jws::base64url(&[0; 64]);
    check(&house, house.ask(&format!("{signed}.{zeros}")).await, "review-not-authenticated");
}

/// The cluster's clock counts too: a token that ended by it is refused, though ours is behind.
#[tokio::test]
async fn a_token_that_has_ended_by_the_clusters_clock() {
    let house = House::new();
    let token = house.token();
    for (seconds, good) in [(599, true), (600, false)] {
        house.server.at(house.now.plus(Duration::from_secs(seconds)));
        assert_eq!(house.ask(&token).await.is_ok(), good, "{seconds}s");
    }
    check(&house, house.ask(&token).await, "review-not-authenticated");
}

/// What breaks a rule by itself is refused without asking, so that strangers cannot have nonsense asked.
#[tokio::test]
async fn nothing_is_asked_about_what_is_refused_anyway() {
    let house = House::new();
    let mut claims = house.cluster.claims(&house.pod, house.now);
    claims.insert("aud".to_owned(), json!([house.cluster.api_audience()]));
    let default_token = house.cluster.sign(&claims);
    claims.insert("aud".to_owned(), json!([house.cluster.audience()]));
    claims.insert("jti".to_owned(), json!(7));
    let numbered = house.cluster.sign(&claims);
    for (token, rule) in [
        ("", "token-parts"),
        ("a.b.c", "token-base64"),
        (&default_token, "audience-mismatch"),
        (&numbered, "token-claim-type"),
    ] {
        assert_eq!(house.ask(token).await.unwrap_err().rule(), rule);
    }
    assert_eq!(house.server.connections(), 0);
    // Whoever forgets to ask lets nobody in.
    let forgotten = house.attestor(&house.server.url()).attest(house.token().as_bytes(), house.now);
    check(&house, forgotten, "review-not-asked");
}

/// A server of before audiences, asked about a token for itself that somebody calls ours: refused before and after.
#[tokio::test]
async fn a_server_that_knows_no_audiences() {
    let house = House::new();
    house.server.ignore_audiences();
    check(&house, house.ask(&house.token()).await, "review-audience-unaware");
}

/// T-70: the cluster's reason is told, unless it repeats the token.
#[tokio::test]
async fn a_reason_that_repeats_the_token_is_withheld() {
    let house = House::new();
    let token = house.token();
    house.server.forget_pod(&house.pod);
    let said = crate::api::chain(&house.ask(&token).await.unwrap_err());
    assert!(said.contains("service account token has been invalidated"), "{said}");
    house.server.answer(Verdict::Lie(|a| {
        let token = a["spec"]["token"].clone();
        a["status"]["error"] = json!(format!("no such token: {}", token.as_str().unwrap()));
    }));
    let said = crate::api::chain(&house.ask(&token).await.unwrap_err());
    assert!(said.contains("withheld"), "{said}");
    assert!(!said.contains(&token[..20]), "{said}");
}

/// Down, slow, somebody else's, and where nobody said it is.
#[tokio::test]
async fn a_server_that_is_away() {
    let house = House::new();
    let token = house.token();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    check(&house, house.ask_at(&format!("https://{gone}"), &token).await, "review-unreachable");

    house.server.answer(Verdict::Silence);
    let began = Instant::now();
    check(&house, house.ask_impatiently(&token, 16).await, "review-timed-out");
    assert!(began.elapsed() < SHORT * 4);
    house.server.answer(Verdict::True);

    let other = house.cluster.serve_reviews();
    check(&house, house.ask_at(&other.url(), &token).await, "review-unreachable");
    assert_eq!(other.reviews(), 0, "our credential went to a server of another authority");

    let by_name = house.server.url().replace("127.0.0.1", "localhost");
    let file = KubernetesFile { api_reach: Some(Reach::Private), ..house.file(&by_name) };
    let attestor = KubernetesAttestor::new(file.check().unwrap()).unwrap();
    check(&house, attestor.review(token.as_bytes(), house.now).unwrap().await, "review-address");
    assert!(house.ask_at(&by_name, &token).await.is_ok());
}

/// Two at once where one may: the second waits for its turn, and no longer than its time.
#[tokio::test]
async fn reviews_take_turns() {
    let house = House::new();
    let token = house.token();
    let attestor = |turns| house.attestor(&house.server.url()).impatient(SHORT, turns);
    let one_at_a_time = attestor(1);
    let ask = || one_at_a_time.review(token.as_bytes(), house.now).unwrap();
    let (one, two) = tokio::join!(ask(), ask());
    assert!(one.is_ok() && two.is_ok(), "{one:?} {two:?}");
    let none = attestor(0);
    check(&house, none.review(token.as_bytes(), house.now).unwrap().await, "review-busy");
    // Who hangs up gives the turn back.
    tokio::select! {
        biased;
        _ = ask() => panic!("answered before anything was sent"),
        () = std::future::ready(()) => {}
    }
    assert!(ask().await.is_ok());
}

/// Our credential: read before each use, and refused by name where there is none.
#[tokio::test]
async fn the_credential() {
    let house = House::new();
    let token = house.token();
    let attestors = house.attestors(&house.server.url());
    let ask = || attestors.attest(Kind::Kubernetes, token.as_bytes(), house.now, Instant::now());
    assert!(ask().await.is_ok());
    house.server.rotate_reviewer();
    check(&house, ask().await, "review-credential-refused");
    house.put_credential(&house.server.reviewer_token());
    assert!(ask().await.is_ok(), "the file is read anew");
    house.server.let_review(false);
    check(&house, ask().await, "review-forbidden");
    house.server.let_review(true);
    let asked = house.server.connections();
    let long = "a".repeat(16 * 1024 + 1);
    for text in ["", "\n", "a b", "a\nb", "a\r\nHost: evil", "\u{e9}", "a\0", "a\u{7f}", &long] {
        house.put_credential(text);
        check(&house, ask().await, "review-credential");
    }
    std::fs::remove_file(house.path("token")).unwrap();
    check(&house, ask().await, "review-credential-file");
    assert_eq!(house.server.connections(), asked, "asked without a credential");
}

/// `ca-server attest explain` asks, and says why it could not.
#[tokio::test]
async fn explained() {
    let house = House::new();
    let token = house.token();
    let attestors = house.attestors(&house.server.url());
    let explain = async || {
        let report = Report::of(&attestors, Kind::Kubernetes, token.as_bytes(), house.now, Instant::now()).await;
        serde_json::to_value(&report).unwrap()
    };
    assert_eq!(explain().await["claims"]["pod"], "api-0");
    house.server.let_review(false);
    let refused = explain().await;
    assert_eq!((&refused["rule"], &refused["ours"]), (&json!("review-forbidden"), &json!(true)));
    assert!(refused["detail"].as_str().unwrap().contains("status 403"), "{refused}");
}

#[test]
fn a_ca_file_that_is_none() {
    let house = House::new();
    std::fs::write(house.path("ca.pem"), "").unwrap();
    let error = KubernetesAttestor::new(house.file(&house.server.url()).check().unwrap()).err().unwrap();
    assert!(error.to_string().contains("api_ca_file"), "{error}");
}
