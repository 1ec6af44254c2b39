//! OpenSSL reads, verifies and opens what we make: chains, CRLs, sealed keys. Needs the `openssl` program (3.0 or later).
//!
//! `cargo test -p ca-server --test interop_openssl`
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    dead_code,
    missing_docs,
    unreachable_pub
)]

#[path = "support/authority.rs"]
mod authority;
#[path = "support/files.rs"]
mod files;

use std::process::Command;

use ca_server::csr;
use ca_server::custody::{Custody as _, Passphrase, SealedKey, SoftwareKey};
use identity::KeyKind;
use ledger::entry::RevocationReason;

use authority::Authority;
use files::Files;

const HOST: &str = "spiffe://example.org/host/a";

/// Runs `openssl` and gives what it says, if it ended as expected.
#[track_caller]
fn openssl(files: &Files, arguments: &[&str], succeeds: bool) -> String {
    let output = Command::new("openssl").current_dir(files.path()).args(arguments).output().expect("openssl runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.success(), succeeds, "openssl {}\n{said}", arguments.join(" "));
    said
}

const VERIFY: &[&str] =
    &["verify", "-x509_strict", "-crl_check", "-CAfile", "root.pem", "-untrusted", "issuer.pem", "-CRLfile", "crl.pem"];

fn each_pair(test: impl Fn(&Authority, &Files)) {
    for root in KeyKind::ALL {
        for issuer in KeyKind::ALL {
            let authority = Authority::new(root, issuer);
            let files = Files::new();
            files.certificate("root", authority.root.authority().certificate());
            files.certificate("issuer", authority.issuer.authority().certificate());
            test(&authority, &files);
        }
    }
}

#[test]
fn a_chain_and_an_empty_crl_verify_strictly() {
    each_pair(|authority, files| {
        for kind in KeyKind::ALL {
            let signed = authority.issue(kind, HOST, &["a.example.org"]);
            files.certificate("leaf", signed.certificate());
            files.pem("crl", "X509 CRL", authority.crl().der());
            for purpose in ["sslclient", "sslserver"] {
                let said = openssl(files, &[VERIFY, &["-purpose", purpose, "leaf.pem"]].concat(), true);
                assert!(said.contains("leaf.pem: OK"), "{said}");
            }
            openssl(files, &[VERIFY, &["-verify_hostname", "a.example.org", "leaf.pem"]].concat(), true);
            openssl(files, &[VERIFY, &["-verify_hostname", "b.example.org", "leaf.pem"]].concat(), false);
            // Not for mail, and not as an issuer.
            openssl(files, &[VERIFY, &["-purpose", "smimesign", "leaf.pem"]].concat(), false);
        }
    });
}

#[test]
fn a_revoked_leaf_is_refused_and_its_neighbour_is_not() {
    each_pair(|authority, files| {
        let (revoked, other) = (
            authority.issue(KeyKind::P256, HOST, &[]),
            authority.issue(KeyKind::P256, "spiffe://example.org/host/b", &[]),
        );
        files.certificate("revoked", revoked.certificate());
        files.certificate("other", other.certificate());
        authority.revoke(revoked.serial(), RevocationReason::KeyCompromise);
        let crl = authority.crl();
        files.pem("crl", "X509 CRL", crl.der());
        let said = openssl(files, &[VERIFY, &["revoked.pem"]].concat(), false);
        assert!(said.contains("certificate revoked"), "{said}");
        openssl(files, &[VERIFY, &["other.pem"]].concat(), true);
        let text = openssl(files, &["crl", "-in", "crl.pem", "-noout", "-text", "-nameopt", "RFC2253"], true);
        assert!(
            text.contains("Key Compromise") && text.contains(&revoked.serial().to_string().to_uppercase()),
            "{text}"
        );
        assert!(text.contains("Version 2 (0x1)") && !text.contains("critical"), "{text}");
        let number = openssl(files, &["crl", "-in", "crl.pem", "-noout", "-crlnumber"], true);
        assert_eq!(number.trim(), format!("crlNumber=0x{:02X}", crl.number()));
    });
}

#[test]
fn a_crl_of_another_issuer_or_a_changed_one_does_not_count() {
    let (authority, other) =
        (Authority::new(KeyKind::P256, KeyKind::P256), Authority::new(KeyKind::P256, KeyKind::P256));
    let files = Files::new();
    files.certificate("root", authority.root.authority().certificate());
    files.certificate("issuer", authority.issuer.authority().certificate());
    files.certificate("leaf", authority.issue(KeyKind::P256, HOST, &[]).certificate());
    files.pem("crl", "X509 CRL", other.crl().der());
    let said = openssl(&files, &[VERIFY, &["leaf.pem"]].concat(), false);
    assert!(said.contains("unable to get certificate CRL"), "{said}");
    let mut changed = authority.crl().der().to_vec();
    *changed.last_mut().unwrap() ^= 1;
    files.pem("crl", "X509 CRL", &changed);
    let said = openssl(&files, &[VERIFY, &["leaf.pem"]].concat(), false);
    assert!(said.contains("CRL signature failure"), "{said}");
}

#[test]
fn a_leaf_cannot_sign() {
    // T-42: OpenSSL refuses a chain in which a leaf is the issuer.
    let authority = Authority::new(KeyKind::P256, KeyKind::P256);
    let files = Files::new();
    let (leaf, below) =
        (authority.issue(KeyKind::P256, HOST, &[]), authority.issue(KeyKind::P256, "spiffe://example.org/b", &[]));
    files.certificate("root", authority.root.authority().certificate());
    files.certificate("leaf", leaf.certificate());
    files.certificate("below", below.certificate());
    openssl(&files, &["verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "leaf.pem", "below.pem"], false);
}

#[test]
fn what_openssl_reads_is_what_was_granted() {
    let authority = Authority::new(KeyKind::Ed25519, KeyKind::P256);
    let files = Files::new();
    let signed = authority.issue(KeyKind::Ed25519, HOST, &["a.example.org"]);
    files.certificate("leaf", signed.certificate());
    let text = openssl(&files, &["x509", "-in", "leaf.pem", "-noout", "-text", "-nameopt", "RFC2253"], true);
    for expected in [
        "Subject: \n",
        "X509v3 Key Usage: critical\n                Digital Signature\n",
        "X509v3 Basic Constraints: critical\n                CA:FALSE\n",
        "TLS Web Server Authentication, TLS Web Client Authentication\n",
        "X509v3 Subject Alternative Name: critical\n                URI:spiffe://example.org/host/a, DNS:a.example.org\n",
        "CA Issuers - URI:http://127.0.0.1:8080/authority/",
        "URI:http://127.0.0.1:8080/crl/",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in\n{text}");
    }
    assert!(!text.contains("a nonce"));
}

#[test]
fn openssls_requests_are_opened() {
    let files = Files::new();
    let config = "[req]\nprompt=no\ndistinguished_name=dn\nattributes=at\nreq_extensions=ext\nstring_mask=utf8only\n\
        [dn]\nCN=canary\n[at]\nchallengePassword=a nonce of ours\n\
        [ext]\nbasicConstraints=critical,CA:TRUE\nsubjectAltName=URI:spiffe://example.org/canary,DNS:*.example.org\n";
    files.write("req.cnf", config.as_bytes());
    let key = |arguments: &[&str]| {
        openssl(&files, &[&["genpkey", "-out", "key.pem"], arguments].concat(), true);
        openssl(
            &files,
            &["req", "-new", "-key", "key.pem", "-config", "req.cnf", "-outform", "DER", "-out", "req.der"],
            true,
        );
        files.read("req.der")
    };
    let opened = csr::open(&key(&["-algorithm", "ED25519"])).unwrap();
    assert_eq!((opened.key_kind(), opened.challenge()), (KeyKind::Ed25519, Some("a nonce of ours")));
    let ec = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt"];
    let opened = csr::open(&key(&[&ec[..], &["ec_param_enc:named_curve"]].concat())).unwrap();
    assert_eq!((opened.key_kind(), opened.challenge()), (KeyKind::P256, Some("a nonce of ours")));
    // T-38: explicit parameters (CVE-2020-0601), other curves, RSA.
    let refused = |arguments: &[&str], rule: &str| {
        assert_eq!(csr::open(&key(arguments)).map(|opened| opened.key()).map_err(|flaw| flaw.rule()), Err(rule));
    };
    refused(&[&ec[..], &["ec_param_enc:explicit"]].concat(), "key-curve-not-named");
    let curve = |name: &str| format!("ec_paramgen_curve:{name}");
    for name in ["P-224", "P-384", "secp256k1", "brainpoolP256r1"] {
        refused(&["-algorithm", "EC", "-pkeyopt", &curve(name)], "key-curve-not-accepted");
    }
    refused(&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "key-kind-not-accepted");
    refused(&["-algorithm", "ED448"], "key-kind-not-accepted");
}

#[test]
fn a_sealed_key_can_be_opened_without_us_and_one_of_theirs_with_us() {
    let files = Files::new();
    files.write("passphrase", b"correct horse battery\n");
    // OpenSSL takes the second line of a file that it is given twice.
    files.write("passphrase-out", b"correct horse battery\n");
    let passphrase = Passphrase::from_file(&files.path().join("passphrase")).unwrap();
    for kind in KeyKind::ALL {
        let key = SoftwareKey::generate(kind).unwrap();
        files.write("key.pem", SealedKey::seal(&key, &passphrase).unwrap().as_pem().as_bytes());
        let arguments =
            ["pkey", "-in", "key.pem", "-passin", "file:passphrase", "-pubout", "-outform", "DER", "-out", "public"];
        openssl(&files, &arguments, true);
        assert_eq!(files.read("public"), key.public_key().spki_der());
        openssl(&files, &["pkey", "-in", "key.pem", "-passin", "pass:incorrect horse battery", "-noout"], false);
        // Sealed by OpenSSL, by scrypt.
        let sealed =
            ["pkcs8", "-topk8", "-in", "key.pem", "-passin", "file:passphrase", "-scrypt", "-v2", "aes-256-cbc"];
        openssl(&files, &[&sealed[..], &["-passout", "file:passphrase-out", "-out", "theirs.pem"]].concat(), true);
        let theirs = SealedKey::parse(&files.read("theirs.pem")).unwrap().unseal(&passphrase).unwrap();
        assert_eq!(theirs.public_key(), key.public_key());
    }
}
