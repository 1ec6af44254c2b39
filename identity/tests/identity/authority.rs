//! X509-SVID sections 2 to 4 for signing certificates: one flaw, one refusal.

use identity::svid::{CertificateFacts, KeyUsage, Svid, SvidError, oid};
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, IsCa, KeyUsagePurpose as Usage, date_time_ymd};

use crate::made::{self, dns, extension, uri};

fn facts(spoil: impl FnOnce(&mut CertificateParams)) -> CertificateFacts {
    let mut params = made::authority();
    spoil(&mut params);
    CertificateFacts::from_der(&made::certificate(&params, &made::P256)).unwrap()
}

#[track_caller]
fn check_refused(spoil: impl FnOnce(&mut CertificateParams), error: SvidError) {
    assert_eq!(Svid::authority(&facts(spoil)), Err(error));
}

#[test]
fn faultless() {
    let facts = facts(|_| {});
    let authority = Svid::authority(&facts).unwrap();
    assert_eq!(authority.trust_domain().as_str(), "example.org");
    assert_eq!(authority.path_len(), Some(1));
    assert_eq!((authority.key(), authority.key_kind()), (facts.key, facts.key_kind));
    assert_eq!(Some(authority.key_identifier()), facts.subject_key);
    assert_eq!((authority.not_before(), authority.not_after()), (facts.not_before, facts.not_after));
}

#[test]
fn without_path_length() {
    let facts = facts(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    assert_eq!(Svid::authority(&facts).unwrap().path_len(), None);
}

/// X509-SVID 3.2: an authority is not for authentication, a leaf is not for signing.
#[test]
fn leaf_and_authority_exclude_each_other() {
    assert!(Svid::leaf(&facts(|_| {})).is_err());
    let leaf = CertificateFacts::from_der(&made::leaf_der()).unwrap();
    assert!(Svid::authority(&leaf).is_err());
    let with_path = facts(|params| params.subject_alt_names = vec![uri(made::LEAF_ID)]);
    assert_eq!(Svid::leaf(&with_path), Err(SvidError::LeafIsAuthority));
}

#[test]
fn id_with_a_path() {
    let id = made::LEAF_ID.parse().unwrap();
    check_refused(|params| params.subject_alt_names = vec![uri(made::LEAF_ID)], SvidError::AuthorityWithPath { id });
}

#[test]
fn no_id_or_two() {
    check_refused(|params| params.subject_alt_names = vec![dns("example.org")], SvidError::UriNames { found: 0 });
    check_refused(|params| params.subject_alt_names.push(uri("spiffe://b")), SvidError::UriNames { found: 2 });
}

#[test]
fn empty_subject() {
    check_refused(|params| params.distinguished_name = DistinguishedName::new(), SvidError::AuthorityWithoutSubject);
}

#[test]
fn says_it_is_none() {
    check_refused(|params| params.is_ca = IsCa::ExplicitNoCa, SvidError::AuthorityIsLeaf);
    check_refused(|params| params.is_ca = IsCa::NoCa, SvidError::AuthorityIsLeaf);
}

#[test]
fn basic_constraints_not_critical() {
    check_refused(
        |params| {
            params.is_ca = IsCa::NoCa;
            params.custom_extensions.push(extension("2.5.29.19", false, b"\x30\x03\x01\x01\xff"));
        },
        SvidError::NotCritical { extension: oid::BASIC_CONSTRAINTS },
    );
}

#[test]
fn no_subject_key_identifier() {
    check_refused(
        |params| {
            params.is_ca = IsCa::NoCa;
            params.custom_extensions.push(extension("2.5.29.19", true, b"\x30\x03\x01\x01\xff"));
        },
        SvidError::NoSubjectKey,
    );
}

#[test]
fn key_usage() {
    check_refused(|params| params.key_usages = vec![], SvidError::NoKeyUsage);
    check_refused(
        |params| params.key_usages = vec![Usage::DigitalSignature, Usage::CrlSign],
        SvidError::KeyUsage {
            found: KeyUsage::DIGITAL_SIGNATURE.with(KeyUsage::CRL_SIGN),
            needed: KeyUsage::KEY_CERT_SIGN,
            forbidden: KeyUsage::NONE,
        },
    );
}

/// We process no name constraints, so a critical one is a refusal: RFC 5280 4.2.
#[test]
fn critical_name_constraints() {
    check_refused(
        |params| params.custom_extensions.push(extension("2.5.29.30", true, b"\x30\x00")),
        SvidError::UnknownCritical { extension: oid::NAME_CONSTRAINTS },
    );
}

#[test]
fn ends_before_it_begins() {
    let reversed = facts(|params| params.not_after = date_time_ymd(2026, 11, 22));
    assert!(matches!(Svid::authority(&reversed), Err(SvidError::Validity { .. })));
}
