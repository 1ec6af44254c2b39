//! Full CRLs and shards, as three verifiers read them: OpenSSL, rustls-webpki and pyhanko-certvalidator agree on each case
//! (the cases of security.md, 0.7). Needs openssl, Python 3 with venv, and once the package registry.
//!
//! `cargo test --workspace --test interop_crl_scopes`
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
use std::time::Duration;

use ca_server::issuance::crl::{Scope, SignedCrl};
use ca_server::issuance::{Issuer, Shard, Signed};
use identity::{KeyKind, Timestamp};
use ledger::entry::RevocationReason;
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{
    BorrowedCertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, RevocationOptionsBuilder,
    anchor_from_trusted_cert,
};

use authority::{Authority, now};
use files::Files;

/// What a verifier makes of a leaf and a CRL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Good,
    Revoked,
    /// It cannot tell, and so refuses.
    NoAnswer,
}

struct Case {
    authority: Authority,
    files: Files,
}

impl Case {
    fn new() -> Self {
        let (authority, files) = (Authority::new(KeyKind::P256, KeyKind::P256), Files::new());
        files.certificate("root", authority.root.authority().certificate());
        files.certificate("issuer", authority.issuer.authority().certificate());
        Self { authority, files }
    }

    /// A leaf of the shard, or of any other one.
    fn leaf(&self, wanted: impl Fn(Shard) -> bool) -> (Signed, Shard) {
        loop {
            let leaf = self.authority.issue(KeyKind::P256, "spiffe://example.org/host/a", &[]);
            let shard = self.authority.issuer.publication().shard_of(&leaf.serial());
            if wanted(shard) {
                return (leaf, shard);
            }
        }
    }

    #[track_caller]
    fn check(&self, name: &str, leaf: &Signed, crl: &SignedCrl, at: Timestamp, expected: Says) {
        self.files.certificate("leaf", leaf.certificate());
        self.files.pem("crl", "X509 CRL", crl.der());
        let said = [
            ("OpenSSL", self.openssl(at)),
            ("rustls-webpki", webpki_says(&self.authority, leaf, crl, at)),
            ("pyhanko-certvalidator", self.pyhanko(at)),
        ];
        for (verifier, says) in said {
            assert_eq!(says, expected, "{name}: {verifier}");
        }
    }

    fn openssl(&self, at: Timestamp) -> Says {
        let seconds = at.seconds().to_string();
        let arguments = [
            ["verify", "-x509_strict", "-crl_check", "-attime", &seconds].as_slice(),
            &["-CAfile", "root.pem", "-untrusted", "issuer.pem", "-CRLfile", "crl.pem", "leaf.pem"],
        ]
        .concat();
        let output = Command::new("openssl").current_dir(self.files.path()).args(arguments).output().expect("openssl");
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if output.status.success() {
            Says::Good
        } else if said.contains("certificate revoked") {
            Says::Revoked
        } else {
            assert!(["different CRL scope", "CRL has expired"].iter().any(|why| said.contains(why)), "{said}");
            Says::NoAnswer
        }
    }

    fn pyhanko(&self, at: Timestamp) -> Says {
        let python = venv::python("pyhanko-certvalidator==0.33.0");
        let output = Command::new(python)
            .current_dir(self.files.path())
            .args(["-c", PYHANKO, &at.seconds().to_string()])
            .output()
            .expect("python");
        let said = String::from_utf8_lossy(&output.stdout);
        match said.trim() {
            "good" => Says::Good,
            "revoked" => Says::Revoked,
            "no answer" => Says::NoAnswer,
            _ => panic!("{said}\n{}", String::from_utf8_lossy(&output.stderr)),
        }
    }
}

fn webpki_says(authority: &Authority, leaf: &Signed, crl: &SignedCrl, at: Timestamp) -> Says {
    let root = CertificateDer::from(&**authority.root.authority().certificate());
    let intermediates = [CertificateDer::from(&**issuer(authority).authority().certificate())];
    let anchors = [anchor_from_trusted_cert(&root).unwrap()];
    let crl = BorrowedCertRevocationList::from_der(crl.der()).unwrap().into();
    let crls = [&crl];
    let revocation = RevocationOptionsBuilder::new(&crls)
        .unwrap()
        .with_depth(webpki::RevocationCheckDepth::EndEntity)
        .with_expiration_policy(ExpirationPolicy::Enforce)
        .build();
    let leaf = CertificateDer::from(leaf.certificate());
    let leaf = EndEntityCert::try_from(&leaf).unwrap();
    let verified = leaf.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &anchors,
        &intermediates,
        UnixTime::since_unix_epoch(Duration::from_secs(at.seconds())),
        KeyUsage::client_auth(),
        Some(revocation),
        None,
    );
    match verified {
        Ok(_) => Says::Good,
        Err(webpki::Error::CertRevoked) => Says::Revoked,
        Err(webpki::Error::UnknownRevocationStatus | webpki::Error::CrlExpired { .. }) => Says::NoAnswer,
        Err(other) => panic!("{other:?}"),
    }
}

fn issuer(authority: &Authority) -> &Issuer {
    &authority.issuer
}

#[test]
fn three_verifiers_agree_on_full_crls_and_shards() {
    let case = Case::new();
    let (revoked, shard) = case.leaf(|_| true);
    let (neighbour, _) = case.leaf(|other| other == shard);
    let (elsewhere, other_shard) = case.leaf(|other| other != shard);
    case.authority.revoke(revoked.serial(), RevocationReason::KeyCompromise);
    let [full, right, wrong] =
        [Scope::Full, Scope::Shard(shard), Scope::Shard(other_shard)].map(|scope| case.authority.crl_of(scope));
    // OpenSSL counts whole seconds, and a CRL may not be of the future.
    let soon = now().plus(Duration::from_secs(2));
    let late = now().plus(Duration::from_secs(2 * 3600));

    case.check("full, revoked", &revoked, &full, soon, Says::Revoked);
    case.check("full, another", &neighbour, &full, soon, Says::Good);
    case.check("full, another shard", &elsewhere, &full, soon, Says::Good);
    case.check("full, nextUpdate past", &neighbour, &full, late, Says::NoAnswer);
    case.check("right shard, revoked", &revoked, &right, soon, Says::Revoked);
    case.check("right shard, another", &neighbour, &right, soon, Says::Good);
    case.check("right shard, nextUpdate past", &neighbour, &right, late, Says::NoAnswer);
    case.check("wrong shard, revoked", &revoked, &wrong, soon, Says::NoAnswer);
    case.check("wrong shard, another", &elsewhere, &right, soon, Says::NoAnswer);
}

/// Says `good`, `revoked` or `no answer` of leaf.pem with crl.pem, at the time given in seconds.
const PYHANKO: &str = r#"
import asyncio, datetime, sys
from asn1crypto import crl, pem, x509
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import InsufficientRevinfoError, RevokedError, PathValidationError

def der(name):
    return pem.unarmor(open(name + ".pem", "rb").read())[2]

root, issuer, leaf = [x509.Certificate.load(der(name)) for name in ("root", "issuer", "leaf")]
context = ValidationContext(
    trust_roots=[root],
    crls=[crl.CertificateList.load(der("crl"))],
    moment=datetime.datetime.fromtimestamp(int(sys.argv[1]), datetime.timezone.utc),
    revocation_mode="hard-fail",
    allow_fetching=False,
)
try:
    validator = CertificateValidator(leaf, intermediate_certs=[issuer], validation_context=context)
    asyncio.run(validator.async_validate_usage(set()))
    print("good")
except RevokedError:
    print("revoked")
except InsufficientRevinfoError:
    print("no answer")
"#;
