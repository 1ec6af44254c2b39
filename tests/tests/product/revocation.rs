//! Revocation: refused at once, on the CRL and in the feed within a second, also after a restart.

use std::time::{Duration, Instant};

use brevet_tests::host::{Host, new_key};

use super::server;

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_host_is_refused_and_stands_on_the_crl_within_a_second() {
    // T-33, T-44.
    let mut server = server();
    let host = Host::new(&server.trust());
    let got = host.enrol(&server.token("web-1"), &new_key()).await.unwrap();
    host.present(&got);
    assert!(host.upstream.agents().await.is_ok());

    let id = got.checked.host().to_string();
    let planned = server.admin(&["revoke", "--host", &id, "--dry-run"]);
    assert_eq!(planned["count"], 1);
    assert!(planned["index"].is_null());
    let revoked = server.admin(&["revoke", "--host", &id, "--reason", "key-compromise"]);
    assert_eq!(revoked["count"], 1);
    let at = Instant::now();

    let refused = host.renew(got.checked.serial(), &new_key(), got.as_host()).await.unwrap_err();
    assert!(refused.is_unauthenticated() && refused.rule() == Some("certificate-revoked"), "{refused:?}");
    let serial = got.checked.serial();
    while !crl(&server.public, &got.issued.chain[1].0).await.contains(&serial.to_string()) {
        assert!(at.elapsed() < Duration::from_secs(1), "not on the CRL within a second");
    }
    server.kill();
    server.run();
    let refused = host.upstream.agents().await.unwrap_err();
    assert_eq!(refused.rule(), Some("certificate-revoked"));
    assert!(crl(&server.public, &got.issued.chain[1].0).await.contains(&serial.to_string()), "not after a restart");
    server.verify();
}

/// Serials on the CRL of an issuer, hex, with separators.
async fn crl(public: &str, issuer: &[u8]) -> String {
    let issuer = identity::CertificateFacts::from_der(issuer).unwrap();
    let url = format!("{public}/crl/{}.crl", issuer.subject_key.unwrap());
    let der = reqwest::get(url).await.unwrap().bytes().await.unwrap();
    hex::encode(der)
}
