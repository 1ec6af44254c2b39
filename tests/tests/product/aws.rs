//! EC2 instances: a host that reads its document by IMDSv2, and everybody else who has the same document (T-15).

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use brevet_tests::host::{Host, new_key, now, rule};
use brevet_tests::roller::Roller;
use brevet_tests::server::Server;
use pki_test_fixtures::cloud::{Imds, Instance, Region};

const ACCOUNT: &str = "111122223333";
const ID: &str = "i-0123456789abcdef0";

/// A server that takes instances of the account in these regions, under the starter policy for EC2.
fn server(regions: &[&Region], files: &Path) -> Server {
    let keys = files.join("regions.toml");
    std::fs::write(&keys, regions.iter().map(|region| region.row()).collect::<String>()).unwrap();
    let config =
        format!("[[aws]]\nname = \"aws\"\naccounts = [\"{ACCOUNT}\"]\nregion_keys_file = \"{}\"\n", keys.display());
    let server = Server::start(Path::new(env!("CARGO_BIN_EXE_ca-server")), &config);
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/starter");
    let directory = files.join("policy");
    std::fs::create_dir(&directory).unwrap();
    for from in ["aws", "shared"] {
        for file in std::fs::read_dir(policy.join(from)).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), directory.join(file.file_name())).unwrap();
        }
    }
    let _loaded = server.admin(&["policy", "load", &directory.display().to_string()]);
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_enrols_by_imdsv2_and_nobody_else_by_its_document() {
    let (region, files) = (Region::new("test-local-1"), tempfile::tempdir().unwrap());
    let mut server = server(&[&region], files.path());
    let uid = rustix::process::geteuid().as_raw().to_string();
    let _added = server.admin(&["agent", "add", "web", "--profile", "instance", "--uid", &uid]);
    let document = region.document(&Instance::new(ACCOUNT, ID, now().minus(Duration::from_secs(30))));
    let imds = Imds::serve(&document);
    let roller = Roller::showing(Path::new(env!("CARGO_BIN_EXE_enroll-client")), &server, |_| {
        format!("kind = \"aws-iid\"\nendpoint = \"{}\"\n", imds.endpoint())
    });

    let path = "GET /latest/dynamic/instance-identity/rsa2048 with token".to_owned();
    assert_eq!(imds.requests(), ["PUT /latest/api/token".to_owned(), path], "by version 2 alone, and once");
    let entries = server.entries();
    let certified = entries.iter().find(|entry| entry["body"]["subject"]["host"].is_object()).unwrap();
    let body = &certified["body"];
    assert_eq!(body["spiffe_id"], format!("spiffe://example.org/aws/{ACCOUNT}/test-local-1/{ID}"));
    assert_eq!(body["evidence"]["attestor"], "aws");
    assert_eq!(body["evidence"]["claims"]["instance_id"], ID);

    // Whoever has the document and not the key: refused by name, before and after a restart.
    let host = Host::new(&server.trust());
    let enrol = async |bound: Option<&_>| host.enrol_as("aws-iid", &document, &new_key(), bound).await;
    assert_eq!(rule(enrol(None).await), "host-bound");
    assert_eq!(rule(enrol(Some(&new_key())).await), "host-bound");
    assert!(server.log().contains("came without the key that the host is bound to"), "{}", server.log());
    server.kill();
    server.run();
    assert_eq!(rule(enrol(None).await), "host-bound");
    assert!(server.stop(), "{}", server.log());
    server.run();
    let again = region.document(&Instance::new(ACCOUNT, ID, now()));
    let after_a_reboot = host.enrol_as("aws-iid", &again, &new_key(), None).await;
    assert_eq!(rule(after_a_reboot), "host-bound", "a new document of the same instance");

    // T-70: neither the metadata service's token nor the document was written down.
    let log = roller.log();
    let line = document.lines().next().unwrap();
    for text in [&log, &server.log(), &format!("{:?}", server.entries())] {
        assert!(!text.contains("canary-token") && !text.contains(line), "{text}");
    }
    server.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_comes_back_with_its_key_or_after_an_eviction() {
    let (region, files) = (Region::new("test-local-1"), tempfile::tempdir().unwrap());
    let mut server = server(&[&region], files.path());
    let document = region.document(&Instance::new(ACCOUNT, ID, now().minus(Duration::from_secs(570))));
    let host = Host::new(&server.trust());
    let enrol = async |key: &_, bound: Option<&_>| host.enrol_as("aws-iid", &document, key, bound).await;
    let first_key = new_key();
    let first = enrol(&first_key, None).await.unwrap();
    assert_eq!(enrol(&first_key, None).await.unwrap().checked.serial(), first.checked.serial(), "a lost answer");

    let second = enrol(&new_key(), Some(&first.key)).await.unwrap();
    assert_eq!(second.checked.host(), first.checked.host());
    assert_eq!(rule(enrol(&new_key(), Some(&first.key)).await), "host-bound", "that key is not the bound one any more");
    server.kill();
    server.run();
    let third = enrol(&new_key(), Some(&second.key)).await.unwrap();
    assert_eq!(third.checked.host(), first.checked.host());

    let id = first.checked.host().to_string();
    let _evicted = server.admin(&["host", "evict", &id, "--reason", "its disk was lost"]);
    let anew = enrol(&new_key(), None).await.unwrap();
    assert_eq!(anew.checked.host(), first.checked.host(), "the same instance under a new key");
    let _banned = server.admin(&["host", "ban", &id, "--reason", "stolen"]);
    assert_eq!(rule(enrol(&new_key(), Some(&anew.key)).await), "host-banned");
    server.verify();
}

/// T-05: a hundred at once, each with a key of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_uses_of_one_document_make_one_host() {
    let (region, files) = (Region::new("test-local-1"), tempfile::tempdir().unwrap());
    let server = server(&[&region], files.path());
    let document = region.document(&Instance::new(ACCOUNT, ID, now()));
    let host = Arc::new(Host::new(&server.trust()));
    let tries: Vec<_> = (0..100)
        .map(|_| {
            let (host, document) = (Arc::clone(&host), document.clone());
            tokio::spawn(async move { host.enrol_as("aws-iid", &document, &new_key(), None).await })
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
    assert_eq!(rules.into_iter().collect::<Vec<_>>(), ["host-bound"]);
    let certified = server.entries().iter().filter(|entry| entry["body"]["subject"]["host"].is_object()).count();
    assert_eq!(certified, 1);
    server.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn other_machines_are_refused_by_name() {
    let (region, other) = (Region::new("test-local-1"), Region::new("test-local-2"));
    let files = tempfile::tempdir().unwrap();
    let server = server(&[&region, &other], files.path());
    let host = Host::new(&server.trust());
    let check = async |document: &str, expected: &str| {
        assert_eq!(rule(host.enrol_as("aws-iid", document, &new_key(), None).await), expected);
    };
    let started = |ago: u64| Instance::new(ACCOUNT, ID, now().minus(Duration::from_secs(ago)));
    check(&region.document(&started(660)), "first-use-too-late").await;
    check(&region.document(&Instance { account: "444455556666".to_owned(), ..started(30) }), "account-not-listed")
        .await;
    check(&other.message(region.content(&started(30)).as_bytes()).base64(), "document-signature").await;
    check(&region.document(&started(30)).replace('\n', " "), "document-base64").await;
    check("", "document-ber").await;
    // T-11: the same number of account and instance in another region is another machine.
    for region in [&region, &other] {
        host.enrol_as("aws-iid", &region.document(&started(30)), &new_key(), None).await.unwrap();
    }
    server.verify();
}
