//! What is kept, what is refused, and what is left after power fails at each step.

use std::os::unix::fs::PermissionsExt as _;

use identity::{HostId, KeyKind};
use protocol::enroll::{Issued, ReceiptMessage};
use rcgen::{CertificateParams, KeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use zeroize::Zeroizing;

use super::*;
use crate::key::PrivateKey;

mod crash;

/// An answer whose leaf is for `key`; nothing else in it is read here.
fn issued(key: &PrivateKey) -> Issued {
    let pair = KeyPair::try_from(&PrivatePkcs8KeyDer::from(key.pkcs8().to_vec())).unwrap();
    let leaf = CertificateParams::default().self_signed(&pair).unwrap();
    Issued {
        chain: vec![leaf.der().to_vec().into()],
        roots: Vec::new(),
        receipt: ReceiptMessage { entry: b"{}".to_vec().into(), proof: String::new() },
        host: HostId::from_bytes([5; 16]),
    }
}

fn key() -> PrivateKey {
    PrivateKey::generate(KeyKind::P256).unwrap()
}

fn open(directory: &tempfile::TempDir) -> Keep {
    Keep::open(&directory.path().join("state"), Seal::Permissions).unwrap()
}

#[test]
fn a_host_reads_back() {
    let directory = tempfile::tempdir().unwrap();
    let (first, second) = (key(), key());
    let keep = open(&directory);
    assert!(keep.host().unwrap().is_none() && keep.unsettled().unwrap().is_empty());
    keep.add_unsettled(&first).unwrap();
    keep.add_unsettled(&first).unwrap();
    keep.settle_host(&first, &issued(&first)).unwrap();
    keep.add_unsettled(&second).unwrap();
    drop(keep);
    let keep = open(&directory);
    let host = keep.host().unwrap().unwrap();
    assert_eq!((host.key.hash(), host.issued.host), (first.hash(), HostId::from_bytes([5; 16])));
    assert_eq!(keep.unsettled().unwrap().iter().map(PrivateKey::hash).collect::<Vec<_>>(), [second.hash()]);
    keep.drop_unsettled(&second).unwrap();
    assert!(keep.unsettled().unwrap().is_empty());
}

/// T-63: sealed, the key is nowhere in the directory; without the passphrase it does not open.
#[test]
fn a_sealed_key_rests_sealed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    let seal = || Seal::Passphrase(Zeroizing::new(b"correct horse".to_vec()));
    let (first, second) = (key(), key());
    let keep = Keep::open(&path, seal()).unwrap();
    keep.settle_host(&first, &issued(&first)).unwrap();
    keep.add_unsettled(&second).unwrap();
    drop(keep);
    for file in std::fs::read_dir(&path).unwrap() {
        let octets = std::fs::read(file.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&octets);
        assert!(!text.contains("BEGIN PRIVATE KEY"), "{text}");
    }
    let keep = Keep::open(&path, seal()).unwrap();
    assert_eq!(keep.host().unwrap().unwrap().key.hash(), first.hash());
    assert_eq!(keep.unsettled().unwrap().len(), 1);
    drop(keep);
    let refused = Keep::open(&path, Seal::Permissions).unwrap().host().unwrap_err();
    assert!(matches!(refused, KeepError::Seal { file: "host.json", source: SealError::NoPassphrase }));
}

/// T-65: two daemons. The error names the process that has the lock.
#[test]
fn a_second_process_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let _first = open(&directory);
    let refused = Keep::open(&directory.path().join("state"), Seal::Permissions).unwrap_err();
    assert!(matches!(&refused, KeepError::Locked { pid } if *pid == std::process::id().to_string()), "{refused}");
}

#[test]
fn the_directory_is_ours_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    drop(open(&directory));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o750)).unwrap();
    assert!(matches!(Keep::open(&path, Seal::Permissions), Err(KeepError::Mode { mode: 0o750, .. })));
    assert!(matches!(
        Keep::open(&directory.path().join("no/such"), Seal::Permissions),
        Err(KeepError::Directory { .. })
    ));
}

#[test]
fn files_are_closed_to_others() {
    let directory = tempfile::tempdir().unwrap();
    let keep = open(&directory);
    let key = key();
    // What a crash left aside, with other permissions.
    let aside = directory.path().join("state/host.json.new");
    std::fs::write(&aside, b"half").unwrap();
    std::fs::set_permissions(&aside, std::fs::Permissions::from_mode(0o644)).unwrap();
    keep.settle_host(&key, &issued(&key)).unwrap();
    let mode = std::fs::metadata(directory.path().join("state/host.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[track_caller]
fn check_damaged(file: &str, change: impl Fn(&mut Vec<u8>), expected: &str) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state").join(file);
    let (host, lost) = (key(), key());
    let keep = open(&directory);
    keep.settle_host(&host, &issued(&host)).unwrap();
    keep.add_unsettled(&lost).unwrap();
    let mut octets = std::fs::read(&path).unwrap();
    change(&mut octets);
    std::fs::write(&path, octets).unwrap();
    let error = keep.host().map(drop).and_then(|()| keep.unsettled().map(drop)).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(expected), "{text}");
}

/// A file that is there and does not read is an error, never "no host yet": the bound key would be lost.
#[test]
fn damage_is_not_absence() {
    for file in ["host.json", "unsettled.json"] {
        check_damaged(file, Vec::clear, "is damaged");
        check_damaged(file, |octets| octets.truncate(octets.len() / 2), "is damaged");
        check_damaged(file, |octets| octets[0] ^= 1, "is damaged");
        check_damaged(file, |octets| *octets = replaced(octets, r#""v":1"#, r#""v":2"#), "has version 2");
        check_damaged(file, |octets| *octets = replaced(octets, r#""v":1"#, r#""v":1,"x":1"#), "is damaged");
        check_damaged(file, |octets| *octets = replaced(octets, "BEGIN PRIVATE", "BEGIN PUBLIC"), "the key in");
        check_damaged(file, |octets| octets.resize(2 << 20, b' '), file);
    }
    let other = issued(&key()).chain.remove(0);
    let other = serde_json::to_string(&vec![other]).unwrap();
    let swap = move |octets: &mut Vec<u8>| {
        let text = String::from_utf8(octets.clone()).unwrap();
        let (from, rest) = text.split_once(r#""chain":"#).unwrap();
        let (_, to) = rest.split_once(']').unwrap();
        *octets = format!(r#"{from}"chain":{other}{to}"#).into_bytes();
    };
    check_damaged("host.json", swap, "holds a certificate for key");
}

fn replaced(octets: &[u8], from: &str, to: &str) -> Vec<u8> {
    let text = std::str::from_utf8(octets).unwrap();
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1).into_bytes()
}

#[test]
fn unsettled_keys_have_a_limit() {
    let directory = tempfile::tempdir().unwrap();
    let keep = open(&directory);
    for _ in 0..8 {
        keep.add_unsettled(&key()).unwrap();
    }
    assert!(matches!(keep.add_unsettled(&key()), Err(KeepError::TooManyUnsettled { limit: 8 })));
}

#[test]
fn the_first_alarm_stays() {
    let directory = tempfile::tempdir().unwrap();
    let keep = open(&directory);
    let alarm = |what: &str| KeptAlarm {
        v: 1,
        seen: identity::Timestamp::from_seconds(1).unwrap(),
        what: what.to_owned(),
        held: "a".to_owned(),
        came: "b".to_owned(),
    };
    assert_eq!(keep.alarm().unwrap(), None);
    keep.set_alarm(&alarm("first")).unwrap();
    keep.set_alarm(&alarm("second")).unwrap();
    assert_eq!(keep.alarm().unwrap(), Some(alarm("first")));
}
