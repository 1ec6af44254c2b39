//! What roots and issuers say, for how long they live, and which certificates are none.

use std::sync::Arc;
use std::time::Duration;

use der::{Decode, Encode};
use identity::svid::{CertificateFacts, KeyUsage};
use identity::{KeyKind, Timestamp, TrustDomain};
use ledger::entry::{AuthorityRole, AuthorityState};
use x509_cert::Certificate;

use super::fixture::{Fault, FaultyKey, Pki, key, now, publication, recorded, serial, trust_domain};
use crate::custody::Custody;
use crate::issuance::sign::sign_body;
use crate::issuance::{Authority, AuthorityError, CeremonyError, Issuer, IssuerError, Root};

fn facts(authority: &Authority) -> CertificateFacts {
    CertificateFacts::from_der(authority.certificate()).unwrap()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_root_and_an_issuer_say_what_they_are() {
    for kind in KeyKind::ALL {
        let pki = Pki::new(kind, kind);
        let (root, issuer) = (facts(pki.root.authority()), facts(pki.issuer.authority()));
        assert_eq!(root.issuer_der, root.subject_der);
        assert_eq!((root.path_len, issuer.path_len), (None, Some(0)));
        assert_eq!(issuer.issuer_der, root.subject_der);
        assert_eq!((root.issuer_key, issuer.issuer_key), (None, Some(pki.root.authority().key_identifier())));
        for facts in [&root, &issuer] {
            assert!(facts.is_authority && !facts.subject_is_empty);
            assert_eq!(facts.uri_names, ["spiffe://example.org"]);
            assert_eq!(facts.key_usage, Some(KeyUsage::KEY_CERT_SIGN.with(KeyUsage::CRL_SIGN)));
            assert_eq!(facts.subject_key, Some(facts.key_identifier));
            assert!(facts.extended_key_usage.is_empty() && facts.crl_points.is_empty());
        }
        let root_url = publication().certificate_url(&pki.root.authority().key_identifier());
        assert_eq!(issuer.issuer_urls, [root_url]);
    }
}

#[test]
fn another_implementation_writes_the_same_octets() {
    let pki = Pki::p256();
    for authority in [pki.root.authority(), pki.issuer.authority()] {
        let read = Certificate::from_der(authority.certificate()).unwrap();
        assert_eq!(read.to_der().unwrap(), **authority.certificate());
    }
    let name = Certificate::from_der(pki.issuer.authority().certificate()).unwrap();
    let key = pki.issuer.key_identifier();
    assert_eq!(name.tbs_certificate().subject().to_string(), format!("CN=Brevet issuer {key},O=example.org"));
}

#[test]
fn a_root_lives_ten_years_and_an_issuer_one_but_never_longer() {
    let pki = Pki::p256();
    let (root, issuer) = (pki.root.authority(), pki.issuer.authority());
    assert_eq!(root.not_before(), time("2026-11-23T00:16:07.000Z"));
    assert_eq!(root.not_after(), time("2036-11-22T12:17:07.000Z"));
    assert_eq!(issuer.not_before(), time("2026-11-23T00:16:07.000Z"));
    assert_eq!(issuer.not_after(), time("2027-11-23T00:17:07.000Z"));
    let late = time("2036-05-01T00:00:00.000Z");
    let last = pki.root.certify(key(KeyKind::P256), publication(), late, serial(5)).unwrap();
    assert_eq!(last.not_after(), root.not_after());
    for ended in ["2026-11-23T00:16:06.000Z", "2036-11-22T12:17:07.000Z", "2040-01-01T00:00:00.000Z"] {
        let refused = pki.root.certify(key(KeyKind::P256), publication(), time(ended), serial(6)).unwrap_err();
        assert!(matches!(refused, CeremonyError::RootEnded { .. }), "{refused:?}");
    }
}

#[test]
fn a_root_that_ends_after_2049_is_written_and_read() {
    // T-52: GeneralizedTime from 2050 on.
    let root = Root::create(&trust_domain(), key(KeyKind::P256), time("2045-01-01T00:00:00.000Z"), serial(1)).unwrap();
    assert_eq!(root.authority().not_after(), time("2055-01-01T12:00:00.000Z"));
}

#[test]
fn the_entry_holds_the_certificate() {
    let pki = Pki::p256();
    let root = pki.root.created(AuthorityState::Active);
    let issuer = pki.issuer.created(AuthorityState::Prepared);
    assert_eq!((root.role, issuer.role), (AuthorityRole::Root, AuthorityRole::Issuer));
    assert_eq!((root.state, issuer.state), (AuthorityState::Active, AuthorityState::Prepared));
    assert_eq!((root.parent, issuer.parent), (None, Some(root.authority)));
    assert_eq!(issuer.certificate.0, **pki.issuer.authority().certificate());
    assert_eq!((issuer.key, issuer.not_after), (pki.issuer.authority().public_key().hash(), pki.issuer.not_after()));
    recorded(root);
}

#[test]
fn a_long_trust_domain_has_its_place_in_the_spiffe_id_only() {
    // RFC 5280, appendix A.1: an organization's name has at most 64 characters.
    for (octets, named) in [(64, true), (65, false), (255, false)] {
        let labels = format!("{}.org", "a".repeat(octets - 4));
        let domain: TrustDomain = labels.parse().unwrap();
        let root = Root::create(&domain, key(KeyKind::P256), now(), serial(1)).unwrap();
        assert_eq!(root.authority().trust_domain(), &domain);
        let subject = facts(root.authority()).subject_der;
        assert_eq!(subject.windows(octets).any(|window| window == labels.as_bytes()), named);
    }
}

#[test]
fn a_faulty_key_makes_no_authority() {
    let root = Root::create(&trust_domain(), FaultyKey::new(Fault::WrongAt(0)), now(), serial(1)).unwrap_err();
    assert!(matches!(root, CeremonyError::SignatureInvalid(_)), "{root:?}");
    let root = Root::create(&trust_domain(), FaultyKey::new(Fault::RefusesAt(0)), now(), serial(1)).unwrap_err();
    assert!(matches!(root, CeremonyError::Custody(_)), "{root:?}");
    let root = Root::create(&trust_domain(), FaultyKey::new(Fault::WrongAt(1)), now(), serial(1)).unwrap();
    let issuer = root.certify(key(KeyKind::P256), publication(), now(), serial(2)).unwrap_err();
    assert!(matches!(issuer, CeremonyError::SignatureInvalid(_)), "{issuer:?}");
}

#[test]
fn an_issuer_has_a_key_of_its_own() {
    let shared = key(KeyKind::P256);
    let root = Root::create(&trust_domain(), Arc::clone(&shared), now(), serial(1)).unwrap();
    let refused = root.certify(shared, publication(), now(), serial(2)).unwrap_err();
    assert!(matches!(refused, CeremonyError::SameKey { .. }), "{refused:?}");
}

#[track_caller]
fn check_no_issuer(certificate: &[u8], key: Arc<dyn Custody>, expected: &str) {
    let refused = Issuer::open(certificate, key, publication()).unwrap_err();
    let chain = std::iter::successors(std::error::Error::source(&refused), |error| error.source());
    let text = chain.fold(refused.to_string(), |text, error| format!("{text}: {error}"));
    assert!(text.contains(expected), "{text}");
}

#[test]
fn what_is_no_issuer_is_not_opened() {
    let issuer_key = key(KeyKind::P256);
    let pki = Pki::with_issuer_key(KeyKind::P256, Arc::clone(&issuer_key));
    let issuer = pki.issuer.authority().certificate();
    Issuer::open(issuer, Arc::clone(&issuer_key), publication()).unwrap();
    check_no_issuer(issuer, key(KeyKind::P256), "the key in custody is");
    check_no_issuer(&issuer[..issuer.len() - 1], Arc::clone(&issuer_key), "cannot be read");
    // T-42: a root, and a leaf, in an issuer's place.
    let root_key = key(KeyKind::P256);
    let root = Root::create(&trust_domain(), Arc::clone(&root_key), now(), serial(1)).unwrap();
    check_no_issuer(root.authority().certificate(), root_key, "path length is None");
    let leaf = sign_body(&recorded(pki.prepared(KeyKind::P256).certificate().clone()), &pki.issuers).unwrap();
    check_no_issuer(leaf.certificate(), issuer_key, "not that of an authority");
}

#[test]
fn an_authority_of_another_make_is_judged_by_the_same_rules() {
    use pki_test_fixtures::authority::Authority as Other;
    let other = Other::root(&trust_domain(), now());
    let refused = Root::open(other.der(), key(KeyKind::P256)).unwrap_err();
    assert!(
        matches!(
            refused,
            CeremonyError::Authority(
                AuthorityError::OtherKey { .. }
                    | AuthorityError::KeyIdentifier { .. }
                    | AuthorityError::KeyUsage { .. }
            )
        ),
        "{refused:?}"
    );
    let refused = Issuer::open(other.issuer(now()).der(), key(KeyKind::P256), publication()).unwrap_err();
    assert!(matches!(refused, IssuerError::Authority(_)), "{refused:?}");
    let _ = Duration::ZERO;
}
