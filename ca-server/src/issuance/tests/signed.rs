//! From a recorded entry to a certificate that verifiers accept, and everything that stops it on the way.

use std::sync::Arc;
use std::time::Duration;

use identity::svid::{CertificateFacts, to_be_signed};
use identity::{KeyHash, KeyIdentifier, KeyKind};
use ledger::entry::{AuthorityState, CertificateAuthorised, Octets};
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::fixture::{Fault, FaultyKey, HOST, Pki, now, recorded, serial, spiffe_id};
use crate::issuance::sign::sign_body;
use crate::issuance::{Issuers, SignError, Signed};

impl Pki {
    fn signed(&self, kind: KeyKind) -> Signed {
        sign_body(&recorded(self.prepared(kind).certificate().clone()), &self.issuers).unwrap()
    }
}

/// What our agents' verifiers do.
fn verify(pki: &Pki, chain: [&[u8]; 2]) -> Result<(), webpki::Error> {
    let [leaf, issuer] = chain.map(CertificateDer::from);
    let root = CertificateDer::from(pki.root.authority().certificate().to_vec());
    let anchor = anchor_from_trusted_cert(&root)?;
    let now = UnixTime::since_unix_epoch(Duration::from_secs(now().seconds()));
    let leaf = EndEntityCert::try_from(&leaf)?;
    for usage in [KeyUsage::client_auth(), KeyUsage::server_auth()] {
        leaf.verify_for_usage(
            &[webpki::aws_lc_rs::ECDSA_P256_SHA256, webpki::aws_lc_rs::ED25519],
            std::slice::from_ref(&anchor),
            std::slice::from_ref(&issuer),
            now,
            usage,
            None,
            None,
        )?;
    }
    Ok(())
}

#[test]
fn every_pair_of_key_kinds_gives_a_chain_that_verifies() {
    for root in KeyKind::ALL {
        for issuer in KeyKind::ALL {
            let pki = Pki::new(root, issuer);
            for leaf in KeyKind::ALL {
                let signed = pki.signed(leaf);
                verify(&pki, signed.chain()).unwrap();
                assert_eq!((signed.spiffe_id(), signed.serial()), (&spiffe_id(HOST), serial(3)));
                let facts = CertificateFacts::from_der(signed.certificate()).unwrap();
                assert_eq!((signed.key(), signed.not_after()), (facts.key, facts.not_after));
            }
        }
    }
}

#[test]
fn what_is_signed_is_what_was_recorded() {
    let pki = Pki::p256();
    let prepared = pki.prepared(KeyKind::P256);
    let body = recorded(prepared.certificate().clone());
    let (first, again) = (sign_body(&body, &pki.issuers).unwrap(), sign_body(&body, &pki.issuers).unwrap());
    for signed in [&first, &again] {
        assert_eq!(to_be_signed(signed.certificate()).unwrap(), prepared.to_be_signed());
    }
    assert_eq!(first.serial(), again.serial());
}

/// What stops a certificate whose entry says something else than its to-be-signed octets.
#[track_caller]
fn check_differs(change: impl FnOnce(&mut CertificateAuthorised), expected: &str) {
    let pki = Pki::p256();
    let mut body = pki.prepared(KeyKind::P256).certificate().clone();
    change(&mut body);
    match sign_body(&recorded(body), &pki.issuers) {
        Err(SignError::Differs { field }) => assert_eq!(field, expected),
        other => panic!("{other:?}"),
    }
}

#[test]
fn fields_and_octets_must_agree() {
    check_differs(|body| body.spiffe_id = spiffe_id("spiffe://example.org/host/b"), "spiffe_id");
    check_differs(|body| body.serial = serial(4), "serial");
    check_differs(|body| body.key = KeyHash::of(b"another"), "key");
    check_differs(|body| body.not_before = body.not_before.plus(Duration::from_secs(1)), "not_before");
    check_differs(|body| body.not_after = body.not_after.plus(Duration::from_secs(1)), "not_after");
    check_differs(|body| body.tbs = Pki::p256().prepared(KeyKind::P256).certificate().tbs.clone(), "issuer");
}

#[test]
fn only_the_issuer_that_is_named_signs() {
    let pki = Pki::p256();
    let body = recorded(pki.prepared(KeyKind::P256).certificate().clone());
    let none = sign_body(&body, &Issuers::default()).unwrap_err();
    assert!(matches!(none, SignError::UnknownIssuer { issuer } if issuer == pki.issuer.key_identifier()));
    let other = sign_body(&body, &Pki::p256().issuers).unwrap_err();
    assert!(matches!(other, SignError::UnknownIssuer { .. }), "{other:?}");
    let mut retired = pki.issuers.clone();
    retired.remove(&pki.issuer.key_identifier());
    assert!(sign_body(&body, &retired).is_err());
}

#[test]
fn other_entries_let_nothing_be_signed() {
    let pki = Pki::p256();
    let other = sign_body(&recorded(pki.issuer.created(AuthorityState::Active)), &pki.issuers).unwrap_err();
    assert!(matches!(other, SignError::OtherKind { .. }), "{other:?}");
}

#[test]
fn octets_that_are_no_leaf_are_not_signed() {
    // T-42: an authority's to-be-signed octets in a leaf's entry.
    let pki = Pki::p256();
    let mut body = pki.prepared(KeyKind::P256).certificate().clone();
    body.tbs = Octets(to_be_signed(pki.issuer.authority().certificate()).unwrap().to_vec());
    let refused = sign_body(&recorded(body.clone()), &pki.issuers).unwrap_err();
    assert!(matches!(refused, SignError::NoSvid(_)), "{refused:?}");
    body.tbs = Octets(b"not a certificate".to_vec());
    let refused = sign_body(&recorded(body), &pki.issuers).unwrap_err();
    assert!(matches!(refused, SignError::Unreadable(_)), "{refused:?}");
}

#[test]
fn a_faulty_signer_is_stopped() {
    let pki = Pki::with_issuer_key(KeyKind::P256, FaultyKey::new(Fault::WrongAt(0)));
    let body = recorded(pki.prepared(KeyKind::P256).certificate().clone());
    let fault = sign_body(&body, &pki.issuers).unwrap_err();
    assert!(matches!(fault, SignError::SignatureInvalid(_)), "{fault:?}");
    // The key would be right from now on; nobody knows that.
    assert!(pki.issuer.is_faulty());
    let stopped = sign_body(&body, &pki.issuers).unwrap_err();
    assert!(matches!(stopped, SignError::Stopped { .. }), "{stopped:?}");
}

#[test]
fn one_leaf_in_a_hundred_is_verified() {
    let pki = Pki::with_issuer_key(KeyKind::P256, FaultyKey::new(Fault::WrongAt(100)));
    let body = recorded(pki.prepared(KeyKind::P256).certificate().clone());
    for number in 0..100 {
        sign_body(&body, &pki.issuers).unwrap_or_else(|error| panic!("{number}: {error}"));
    }
    assert!(matches!(sign_body(&body, &pki.issuers), Err(SignError::SignatureInvalid(_))));
}

#[test]
fn a_key_that_does_not_sign_gives_no_certificate() {
    let pki = Pki::with_issuer_key(KeyKind::P256, FaultyKey::new(Fault::RefusesAt(0)));
    let body = recorded(pki.prepared(KeyKind::P256).certificate().clone());
    let refused = sign_body(&body, &pki.issuers).unwrap_err();
    assert!(matches!(refused, SignError::Custody(_)), "{refused:?}");
    // It comes back: the entry stands, and the same certificate can be had.
    verify(&pki, sign_body(&body, &pki.issuers).unwrap().chain()).unwrap();
}

#[test]
fn an_issuer_is_found_by_its_key() {
    let (one, two) = (Pki::p256(), Pki::new(KeyKind::Ed25519, KeyKind::Ed25519));
    let both: Issuers = [&one, &two].map(|pki| Arc::clone(&pki.issuer)).into_iter().collect();
    assert_eq!(both.iter().count(), 2);
    for pki in [&one, &two] {
        let body = recorded(pki.prepared(KeyKind::P256).certificate().clone());
        verify(pki, sign_body(&body, &both).unwrap().chain()).unwrap();
    }
    assert!(both.get(&KeyIdentifier::from_bytes([0; 20])).is_none());
}
