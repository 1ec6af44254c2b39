//! Join tokens: one use, one key, one certificate; a host is bound to its key.

use std::collections::BTreeSet;
use std::sync::Arc;

use brevet_tests::host::{Host, new_key, rule};

use super::server;

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_uses_of_one_token_give_one_certificate() {
    // T-05.
    let server = server();
    let (token, trust) = (server.token("web-1"), server.trust());
    let host = Arc::new(Host::new(&trust));
    let tries: Vec<_> = (0..100)
        .map(|_| {
            let (host, token) = (Arc::clone(&host), token.clone());
            tokio::spawn(async move { host.enrol(&token, &new_key()).await })
        })
        .collect();
    let (mut got, mut rules) = (0, BTreeSet::new());
    for attempt in tries {
        match attempt.await.unwrap() {
            Ok(_) => got += 1,
            error => {
                rules.insert(rule(error));
            }
        }
    }
    assert_eq!(got, 1);
    assert_eq!(rules.into_iter().collect::<Vec<_>>(), ["proof-already-used"]);
    assert_eq!(hosts_certified(&server), 1);
    server.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_repeats_with_one_key_give_that_one_certificate() {
    let server = server();
    let (token, host, key) = (server.token("web-1"), Arc::new(Host::new(&server.trust())), new_key());
    let tries: Vec<_> = (0..100)
        .map(|_| {
            let (host, token, key) = (Arc::clone(&host), token.clone(), key.clone());
            tokio::spawn(async move { host.enrol(&token, &key).await })
        })
        .collect();
    let mut serials = BTreeSet::new();
    for attempt in tries {
        serials.insert(attempt.await.unwrap().unwrap().checked.serial());
    }
    assert_eq!(serials.len(), 1);
    assert_eq!(hosts_certified(&server), 1);
}

fn hosts_certified(server: &brevet_tests::server::Server) -> usize {
    let entries = server.entries();
    entries.iter().filter(|entry| entry["body"]["subject"]["host"].is_object()).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_host_comes_back_only_with_the_key_it_is_bound_to() {
    let server = server();
    let host = Host::new(&server.trust());
    let first = host.enrol(&server.token("web-1"), &new_key()).await.unwrap();

    assert_eq!(rule(host.enrol(&server.token("web-1"), &new_key()).await), "host-bound");
    let stranger = new_key();
    let wrong = host.enrol_with(&server.token("web-1"), &new_key(), Some(&stranger)).await;
    assert_eq!(rule(wrong), "host-bound");
    let back = host.enrol_with(&server.token("web-1"), &new_key(), Some(&first.key)).await.unwrap();
    assert_eq!(back.checked.host(), first.checked.host());
    assert_eq!(back.checked.spiffe_id(), first.checked.spiffe_id());

    let id = first.checked.host().to_string();
    let _evicted = server.admin(&["host", "evict", &id, "--reason", "its disk was lost"]);
    let anew = host.enrol(&server.token("web-1"), &new_key()).await.unwrap();
    assert_eq!(anew.checked.host(), first.checked.host(), "the same host under a new key");

    let _banned = server.admin(&["host", "ban", &id, "--reason", "stolen"]);
    let banned = host.enrol_with(&server.token("web-1"), &new_key(), Some(&anew.key)).await;
    assert_eq!(rule(banned), "host-banned");
    server.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_not_in_force_is_refused_by_name() {
    let server = server();
    let host = Host::new(&server.trust());
    let token = server.token("web-1");
    let id = token.split('.').nth(1).unwrap().to_owned();
    let _revoked = server.admin(&["token", "revoke", &id]);
    assert_eq!(rule(host.enrol(&token, &new_key()).await), "token-not-in-force");
    let other_secret = server.token("web-2");
    let mixed: Vec<&str> = other_secret
        .split('.')
        .zip(token.split('.'))
        .enumerate()
        .map(|(n, (a, b))| if n == 2 { b } else { a })
        .collect();
    assert_eq!(rule(host.enrol(&mixed.join("."), &new_key()).await), "join-token-not-known");
    let listed = server.admin(&["token", "list"]);
    assert_eq!(listed.as_array().unwrap().len(), 2);
}
