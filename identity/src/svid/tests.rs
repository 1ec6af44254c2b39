//! Certificates named by their flaw, made by rcgen, and the rule that refuses each. Nothing here signs with our own code.

use std::sync::LazyLock;

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose as Purpose, IsCa, Issuer, KeyPair, KeyUsagePurpose as Usage, SanType, SerialNumber,
    date_time_ymd,
};

use super::*;

static ISSUER_KEY: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate().unwrap());
static LEAF_KEY: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate().unwrap());

fn uri(text: &str) -> SanType {
    SanType::URI(text.try_into().unwrap())
}

fn dns(text: &str) -> SanType {
    SanType::DnsName(text.try_into().unwrap())
}

/// A faultless leaf's parameters, for a test to spoil.
fn leaf_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.subject_alt_names = vec![uri("spiffe://example.org/agents/mailer")];
    params.key_usages = vec![Usage::DigitalSignature];
    params.extended_key_usages = vec![Purpose::ServerAuth, Purpose::ClientAuth];
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.serial_number = Some(SerialNumber::from_slice(&[0x01; 16]));
    params.not_before = date_time_ymd(2026, 11, 23);
    params.not_after = date_time_ymd(2026, 11, 24);
    params
}

/// A faultless authority's parameters, for a test to spoil.
fn authority_params() -> CertificateParams {
    let mut params = leaf_params();
    params.distinguished_name.push(DnType::CommonName, "Brevet test root");
    params.subject_alt_names = vec![uri("spiffe://example.org")];
    params.key_usages = vec![Usage::KeyCertSign, Usage::CrlSign];
    params.extended_key_usages = vec![];
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(1));
    params
}

fn der(params: &CertificateParams, key: &KeyPair) -> Vec<u8> {
    let issuer = Issuer::new(authority_params(), &*ISSUER_KEY);
    params.signed_by(key, &issuer).unwrap().der().to_vec()
}

fn facts(spoil: impl FnOnce(&mut CertificateParams), mut params: CertificateParams) -> CertificateFacts {
    spoil(&mut params);
    CertificateFacts::from_der(&der(&params, &LEAF_KEY)).unwrap()
}

#[track_caller]
fn check_leaf(spoil: impl FnOnce(&mut CertificateParams)) -> Svid {
    Svid::leaf(&facts(spoil, leaf_params())).unwrap()
}

#[track_caller]
fn check_leaf_refused(spoil: impl FnOnce(&mut CertificateParams), error: SvidError) {
    assert_eq!(Svid::leaf(&facts(spoil, leaf_params())), Err(error));
}

#[track_caller]
fn check_authority_refused(spoil: impl FnOnce(&mut CertificateParams), error: SvidError) {
    assert_eq!(Svid::authority(&facts(spoil, authority_params())), Err(error));
}

#[track_caller]
fn check_unreadable(spoil: impl FnOnce(&mut CertificateParams), error: CertificateError) {
    let mut params = leaf_params();
    spoil(&mut params);
    assert_eq!(CertificateFacts::from_der(&der(&params, &LEAF_KEY)), Err(error));
}

fn custom(arcs: &[u64], critical: bool, content: &[u8]) -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(arcs, content.to_vec());
    extension.set_criticality(critical);
    extension
}

#[test]
fn faultless_leaf() {
    let svid = check_leaf(|_| {});
    assert_eq!(svid.spiffe_id().as_str(), "spiffe://example.org/agents/mailer");
    assert_eq!(svid.serial().to_string(), "01010101010101010101010101010101");
    assert_eq!(svid.not_before().to_string(), "2026-11-23T00:00:00.000Z");
    assert_eq!(svid.not_after().to_string(), "2026-11-24T00:00:00.000Z");
}

#[test]
fn faultless_authority() {
    let authority = Svid::authority(&facts(|_| {}, authority_params())).unwrap();
    assert_eq!(authority.trust_domain().as_str(), "example.org");
    assert_eq!(authority.path_len(), Some(1));
}

#[test]
fn names() {
    check_leaf_refused(
        |params| params.subject_alt_names.push(uri("spiffe://example.org/b")),
        SvidError::UriNames { found: 2 },
    );
    check_leaf_refused(
        |params| params.subject_alt_names = vec![dns("a.example.org")],
        SvidError::UriNames { found: 0 },
    );
    check_leaf_refused(|params| params.subject_alt_names = vec![], SvidError::UriNames { found: 0 });
    check_leaf_refused(
        |params| params.subject_alt_names = vec![uri("spiffe://example.org")],
        SvidError::LeafWithoutPath { id: "spiffe://example.org".parse().unwrap() },
    );
    check_leaf(|params| params.subject_alt_names.push(dns("mailer.example.org")));
}

#[test]
fn key_usage() {
    check_leaf_refused(|params| params.key_usages = vec![], SvidError::NoKeyUsage);
    check_leaf_refused(|params| params.is_ca = authority_params().is_ca, SvidError::LeafIsAuthority);
    check_leaf_refused(
        |params| params.key_usages.push(Usage::KeyCertSign),
        SvidError::KeyUsage {
            found: KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::KEY_CERT_SIGN),
            needed: KeyUsage::DIGITAL_SIGNATURE,
            forbidden: KeyUsage::KEY_CERT_SIGN.and(KeyUsage::CRL_SIGN),
        },
    );
    check_authority_refused(|params| params.key_usages = vec![], SvidError::NoKeyUsage);
}

#[test]
fn extensions() {
    let arcs = &[1, 3, 6, 1, 4, 1, 99_999, 1];
    check_leaf(|params| params.custom_extensions.push(custom(arcs, false, b"\x05\x00")));
    check_unreadable(
        |params| params.custom_extensions.push(custom(&[2, 5, 29, 15], true, b"\x03\x02\x07\x80")),
        CertificateError::DuplicateExtension { extension: oid::KEY_USAGE },
    );
}
