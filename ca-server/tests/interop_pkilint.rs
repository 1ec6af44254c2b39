//! pkilint finds nothing in what we make. Needs Python 3 with venv, and once the package registry: pkilint is installed
//! below the target directory.
//!
//! `cargo test -p ca-server --test interop_pkilint`
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::print_stdout,
    dead_code,
    missing_docs,
    unreachable_pub
)]

#[path = "support/authority.rs"]
mod authority;
#[path = "support/files.rs"]
mod files;
#[path = "support/venv.rs"]
mod venv;

use std::process::Command;

use identity::KeyKind;
use ledger::entry::RevocationReason;

use authority::Authority;
use files::Files;

/// What a linter finds, at NOTICE and above.
#[track_caller]
fn findings(program: &str, arguments: &[&str], files: &Files) -> Vec<String> {
    let mut command = Command::new(venv::programs(PACKAGE).join(program));
    let output = command.current_dir(files.path()).args(arguments).output().expect("a program of pkilint runs");
    // The exit code counts findings; what it cannot do at all it says on the other stream.
    assert!(output.stderr.is_empty(), "{arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let severities = ["(NOTICE)", "(WARNING)", "(ERROR)", "(FATAL)"];
    said.lines()
        .filter(|line| severities.iter().any(|severity| line.contains(severity)))
        .filter(|line| !line.contains(KNOWN))
        .map(str::to_owned)
        .collect()
}

#[track_caller]
fn check_clean(program: &str, arguments: &[&str], files: &Files) {
    assert_eq!(findings(program, arguments, files), [""; 0], "{program} {arguments:?}");
}

#[test]
fn pkilint_finds_nothing() {
    for kind in KeyKind::ALL {
        let authority = Authority::new(kind, kind);
        let files = Files::new();
        files.certificate("root", authority.root.authority().certificate());
        files.certificate("issuer", authority.issuer.authority().certificate());
        let chain = |names: &[&str]| {
            check_clean("lint_pkix_signer_signee_cert_chain", &[&["lint"], names].concat(), &files);
        };
        for name in ["root.pem", "issuer.pem"] {
            check_clean("lint_pkix_cert", &["lint", name], &files);
        }
        chain(&["root.pem", "issuer.pem"]);
        for leaf in KeyKind::ALL {
            let signed = authority.issue(leaf, "spiffe://example.org/host/a", &["a.example.org"]);
            files.certificate("leaf", signed.certificate());
            check_clean("lint_pkix_cert", &["lint", "leaf.pem"], &files);
            chain(&["issuer.pem", "leaf.pem"]);
        }
        let crl = |name: &str| {
            files.pem("crl", "X509 CRL", authority.crl().der());
            check_clean("lint_crl", &["lint", "-t", "CRL", "-p", "PKIX", "crl.pem"], &files);
            println!("{name} CRL of a {kind} issuer: nothing found");
        };
        crl("empty");
        for reason in [RevocationReason::Unspecified, RevocationReason::KeyCompromise] {
            let signed = authority.issue(KeyKind::P256, "spiffe://example.org/host/b", &[]);
            authority.revoke(signed.serial(), reason);
        }
        crl("full");
    }
}

#[test]
fn pkilint_would_find_something() {
    // That the linter runs and is read rightly: a CRL of version 1 with extensions (RFC 5280, section 5.1.2.1), made by
    // one changed octet.
    let files = Files::new();
    let mut crl = Authority::new(KeyKind::P256, KeyKind::P256).crl().der().to_vec();
    let at = crl.windows(3).position(|window| window == [2, 1, 1]).unwrap();
    crl[at + 2] = 0;
    files.pem("changed", "X509 CRL", &crl);
    assert_ne!(findings("lint_crl", &["lint", "-t", "CRL", "-p", "PKIX", "changed.pem"], &files), [""; 0]);
}

/// The version that the findings below were read from.
const PACKAGE: &str = "pkilint==0.13.3";

/// A false finding: pkilint takes every URI with the scheme `spiffe` for ill-formed. RFC 3986, section 3, has it well-formed.
const KNOWN: &str = "pkix.invalid_uri_syntax (ERROR): Invalid URI syntax: \"spiffe://example.org";
