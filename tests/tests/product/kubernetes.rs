//! Pods that enrol by asking their cluster: the real server, a cluster's API server over TLS, a pod that is deleted.

use std::fmt::Write as _;
use std::path::Path;

use brevet_tests::host::{Host, new_key, now, rule};
use brevet_tests::server::Server;
use pki_test_fixtures::cluster::{Algorithm, Cluster, ReviewServer, Verdict};

/// A server that asks `reviews` about the tokens of `cluster`, under the starter policy for pods.
fn server(cluster: &Cluster, reviews: &ReviewServer, files: &Path) -> Server {
    std::fs::write(files.join("ca.pem"), reviews.root_pem()).unwrap();
    std::fs::write(files.join("reviewer"), reviews.reviewer_token()).unwrap();
    let mut config =
        String::from("[[kubernetes]]\nname = \"kubernetes\"\nmode = \"token-review\"\napi_reach = \"loopback\"\n");
    for (key, value) in [
        ("issuer", cluster.issuer().to_owned()),
        ("audience", cluster.audience().to_owned()),
        ("api_url", reviews.url()),
        ("api_ca_file", files.join("ca.pem").display().to_string()),
        ("api_token_file", files.join("reviewer").display().to_string()),
    ] {
        writeln!(config, "{key} = {value:?}").unwrap();
    }
    let server = Server::start(Path::new(env!("CARGO_BIN_EXE_ca-server")), &config);
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/starter");
    let directory = files.join("policy");
    std::fs::create_dir(&directory).unwrap();
    for from in ["kubernetes", "shared"] {
        for file in std::fs::read_dir(policy.join(from)).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), directory.join(file.file_name())).unwrap();
        }
    }
    let _loaded = server.admin(&["policy", "load", &directory.display().to_string()]);
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_enrols_and_a_deleted_pod_is_refused() {
    let cluster = Cluster::new(Algorithm::Es256);
    let (reviews, files) = (cluster.serve_reviews(), tempfile::tempdir().unwrap());
    let server = server(&cluster, &reviews, files.path());
    let host = Host::new(&server.trust());
    let enrol = async |token: String| host.enrol_as("kubernetes", &token, &new_key(), None).await;

    let (pod, other) = (cluster.pod("agents", "web", "web-0"), cluster.pod("agents", "web", "web-1"));
    let got = enrol(cluster.token(&pod, now())).await.unwrap();
    assert_eq!(got.checked.spiffe_id().to_string(), format!("spiffe://example.org/k8s/agents/web/{}", pod.uid));
    let certified = server.entries().into_iter().find(|entry| entry["body"]["subject"]["host"].is_object()).unwrap();
    assert!(certified.to_string().contains(&pod.node_uid), "the claims are in the ledger: {certified}");

    // T-27: deleted after its token was signed.
    let token = cluster.token(&other, now());
    reviews.forget_pod(&other);
    assert_eq!(rule(enrol(token).await), "review-not-authenticated");

    // Down, slow to nobody's surprise, and no longer ours to ask: nobody gets in, and the log says why.
    let third = cluster.pod("agents", "web", "web-2");
    reviews.answer(Verdict::Status(503));
    assert_eq!(rule(enrol(cluster.token(&third, now())).await), "review-status");
    reviews.answer(Verdict::Silence);
    assert_eq!(rule(enrol(cluster.token(&third, now())).await), "review-timed-out");
    reviews.answer(Verdict::True);
    reviews.rotate_reviewer();
    assert_eq!(rule(enrol(cluster.token(&third, now())).await), "review-credential-refused");
    assert!(server.log().contains("the API server does not take our credential"), "{}", server.log());
    std::fs::write(files.path().join("reviewer"), reviews.reviewer_token()).unwrap();
    let token = cluster.token(&third, now());
    assert!(enrol(token.clone()).await.is_ok(), "the credential is read anew");

    // T-70: neither credential nor evidence was written down.
    for secret in [reviews.reviewer_token(), token.rsplit_once('.').unwrap().1.to_owned()] {
        assert!(!server.log().contains(&secret));
        assert!(!server.entries().iter().any(|entry| entry.to_string().contains(&secret)));
    }
    server.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_asks_the_cluster() {
    let cluster = Cluster::new(Algorithm::Es256);
    let (reviews, files) = (cluster.serve_reviews(), tempfile::tempdir().unwrap());
    let server = server(&cluster, &reviews, files.path());
    let pod = cluster.pod("agents", "web", "web-0");
    let evidence = files.path().join("token.jwt");
    std::fs::write(&evidence, cluster.token(&pod, now())).unwrap();
    let (config, evidence) = (server.config(), evidence.display().to_string());
    let explain = || {
        let arguments = ["attest", "explain", "--config", &config, "--kind", "kubernetes", "--evidence", &evidence];
        let output = server.command(&arguments).output().unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.success(), report)
    };
    let (taken, report) = explain();
    assert!(taken, "{report}");
    assert_eq!(report["claims"]["pod_uid"], pod.uid.as_str());
    reviews.forget_pod(&pod);
    let (taken, report) = explain();
    assert!(!taken);
    assert_eq!(report["rule"], "review-not-authenticated");
    assert_eq!(reviews.reviews(), 2);
}
