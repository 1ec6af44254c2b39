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
    // The full CRL, and the one that the certificate itself names: one octet of the serial says which.
    let full = format!("{}/crl/{}.crl", server.public, issuer(&got.issued.chain[1].0));
    let leaf = identity::CertificateFacts::from_der(&got.issued.chain[0].0).unwrap();
    let [shard] = leaf.crl_points.as_slice() else { panic!("{:?}", leaf.crl_points) };
    assert!(shard.starts_with(&server.public) && *shard != full, "{shard}");
    for url in [&full, shard] {
        while !crl(url).await.contains(&serial.to_string()) {
            assert!(at.elapsed() < Duration::from_secs(1), "not on {url} within a second");
        }
    }
    let number = shard.len() - ".crl".len() - 1;
    for other in ["0", "1"].map(|digit| format!("{}{digit}.crl", &shard[..number])).iter().filter(|url| *url != shard) {
        assert!(!crl(other).await.contains(&serial.to_string()), "on {other} too");
    }
    assert_eq!(reqwest::get(shard.replace(".crl", "f.crl")).await.unwrap().status(), 404);
    let size = server.admin(&["status"])["size"].clone();
    server.kill();
    server.run();
    let refused = host.upstream.agents().await.unwrap_err();
    assert_eq!(refused.rule(), Some("certificate-revoked"));
    for url in [&full, shard] {
        assert!(crl(url).await.contains(&serial.to_string()), "not on {url} after a restart");
    }
    // What was signed before the restart is served as it is: beside the refusal nothing was recorded.
    assert!(server.admin(&["status"])["size"].as_u64().unwrap() <= size.as_u64().unwrap() + 2);
    server.verify();
}

fn issuer(der: &[u8]) -> String {
    identity::CertificateFacts::from_der(der).unwrap().subject_key.unwrap().to_string()
}

/// Serials on a CRL, hex, with separators.
async fn crl(url: &str) -> String {
    let der = reqwest::get(url).await.unwrap().bytes().await.unwrap();
    hex::encode(der)
}
