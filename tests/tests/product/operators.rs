//! Operators: what the admin socket may do, what only persons may, and what everybody is told.

use brevet_tests::host::{Host, new_key, rule};
use serde_json::Value;

use super::server;

#[tokio::test(flavor = "multi_thread")]
async fn two_admins_admit_a_third_and_the_socket_may_not() {
    let server = server();
    let path = |name: &str| server.path(name).display().to_string();
    let trust = path("data/trust.json");
    let third = server.admin_key("three");
    let admit = |who: &str| {
        let (credential, passphrase) = (path(&format!("{who}.key")), path(&format!("{who}.pass")));
        let arguments = [
            "admin",
            "admit",
            "--role",
            "admin",
            "--key",
            &third,
            "--trust",
            &trust,
            "--credential",
            &credential,
            "--passphrase-file",
            &passphrase,
        ];
        server.command(&arguments).output().unwrap()
    };
    for (person, name) in server.admins.iter().zip(["one", "two"]) {
        let (credential, passphrase) = (path(&format!("{name}.key")), path(&format!("{name}.pass")));
        let _in = server.admin(&[
            "admin",
            "login",
            "--person",
            person,
            "--credential",
            &credential,
            "--passphrase-file",
            &passphrase,
        ]);
        let early = String::from_utf8_lossy(&admit(name).stderr).into_owned();
        assert!(early.contains("approvals-missing"), "{early}");
        let arguments = [
            "admin",
            "approve",
            "--admit-admin",
            &third,
            "--trust",
            &trust,
            "--credential",
            &credential,
            "--passphrase-file",
            &passphrase,
        ];
        let approved = server.command(&arguments).output().unwrap();
        assert!(approved.status.success(), "{}", String::from_utf8_lossy(&approved.stderr));
        let twice = server.command(&arguments).output().unwrap();
        assert!(!twice.status.success(), "one person approved twice");
    }
    assert!(admit("one").status.success());
    let persons = server.admin(&["admin", "list"]);
    assert_eq!(persons.as_array().unwrap().len(), 3);
    server.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_refused_by_name_and_changes_nothing() {
    let server = server();
    let size = |server: &brevet_tests::server::Server| server.admin(&["status"])["size"].as_u64().unwrap();
    let before = size(&server);
    check(&server, &["token", "create", "--profile", "nowhere", "--claim", "name=x"], "missing");
    check(&server, &["token", "create", "--profile", "host", "--claim", "name=../x"], "name");
    check(&server, &["agent", "add", "web", "--profile", "nowhere", "--uid", "1"], "nowhere");
    check(&server, &["agent", "remove", "web", "--profile", "host"], "missing");
    check(&server, &["host", "evict", "00000000000000000000000000000000"], "host-unknown");
    check(&server, &["revoke", "--serial", "01900000000000000000000000000000"], "certificate-unknown");
    assert!(size(&server) >= before);
    let changed: Vec<Value> = server.entries().into_iter().skip(usize::try_from(before).unwrap()).collect();
    assert!(changed.iter().all(|entry| entry["kind"] == "request-refused"), "{changed:?}");
}

#[track_caller]
fn check(server: &brevet_tests::server::Server, arguments: &[&str], says: &str) {
    let said = server.refused(arguments);
    assert!(said.contains(says), "{arguments:?}: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_stand_in_no_log_and_in_no_file() {
    // T-70, for the tokens and keys of this run.
    let server = server();
    let host = Host::new(&server.trust());
    let (token, key) = (server.token("web-1"), new_key());
    let secret = token.split('.').nth(2).unwrap().to_owned();
    host.enrol(&token, &key).await.unwrap();
    assert_eq!(rule(host.enrol(&token, &new_key()).await), "proof-already-used");
    let mut found = Vec::new();
    let mut directories = vec![server.path("")];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.is_file() && String::from_utf8_lossy(&std::fs::read(&path).unwrap()).contains(&secret) {
                found.push(path);
            }
        }
    }
    assert!(found.is_empty(), "{found:?}");
}
