//! X509-SVID sections 2 to 5 for leaves: one flaw, one refusal.

use identity::svid::{CertificateFacts, KeyUsage, Svid, SvidError, oid};
use identity::{KeyHash, KeyIdentifier, KeyKind, SerialError, SpiffeIdError, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose as Purpose, IsCa, KeyPair,
    KeyUsagePurpose as Usage, PublicKeyData as _, SerialNumber, date_time_ymd,
};

use crate::made::{self, dns, extension, uri};

fn facts(spoil: impl FnOnce(&mut CertificateParams)) -> CertificateFacts {
    let mut params = made::leaf();
    spoil(&mut params);
    CertificateFacts::from_der(&made::certificate(&params, &made::P256)).unwrap()
}

#[track_caller]
fn check_accepted(change: impl FnOnce(&mut CertificateParams)) -> Svid {
    Svid::leaf(&facts(change)).unwrap()
}

#[track_caller]
fn check_refused(spoil: impl FnOnce(&mut CertificateParams), error: SvidError) {
    assert_eq!(Svid::leaf(&facts(spoil)), Err(error));
}

#[track_caller]
fn check_key(key: &KeyPair, kind: KeyKind) {
    let facts = CertificateFacts::from_der(&made::certificate(&made::leaf(), key)).unwrap();
    let svid = Svid::leaf(&facts).unwrap();
    let spki_der = key.subject_public_key_info();
    assert_eq!((svid.key_kind(), facts.key_kind, KeyKind::of_spki_der(&spki_der)), (kind, kind, Ok(kind)));
    assert_eq!((svid.key(), facts.key), (KeyHash::of(&spki_der), KeyHash::of(&spki_der)));
    assert_eq!(Ok(facts.key_identifier), KeyIdentifier::of_spki_der(&spki_der));
    assert_eq!(facts.spki_der, spki_der);
}

#[test]
fn faultless() {
    let svid = check_accepted(|_| {});
    assert_eq!(svid.spiffe_id().as_str(), made::LEAF_ID);
    assert_eq!(svid.serial().to_string(), "01010101010101010101010101010101");
    assert_eq!(svid.not_before().to_string(), "2026-11-23T00:00:00.000Z");
    assert_eq!(svid.not_after().to_string(), "2026-11-24T00:00:00.000Z");
    check_key(&made::P256, KeyKind::P256);
    check_key(&made::ED25519, KeyKind::Ed25519);
}

#[test]
fn facts_of_the_faultless() {
    let facts = facts(|params| params.subject_alt_names.push(dns("mailer.example.org")));
    assert_eq!(facts.uri_names, [made::LEAF_ID]);
    assert_eq!(facts.dns_names, ["mailer.example.org"]);
    assert_eq!((facts.other_names, facts.san_critical, facts.subject_is_empty), (0, true, true));
    assert_eq!(facts.crl_points, [made::CRL_URL]);
    assert_eq!((facts.issuer_urls, facts.ocsp_urls), (vec![made::ISSUER_URL.into()], vec![made::OCSP_URL.into()]));
    assert_eq!(facts.extended_key_usage, [oid::SERVER_AUTH, oid::CLIENT_AUTH]);
    assert_eq!(facts.key_usage, Some(KeyUsage::DIGITAL_SIGNATURE));
    assert_eq!((facts.is_authority, facts.path_len), (false, None));
    assert_eq!(facts.signature_algorithm, oid::ECDSA_WITH_SHA256);
    let issuer = CertificateFacts::from_der(&made::certificate(&made::authority(), &made::P256)).unwrap();
    assert_eq!(facts.issuer_der, issuer.subject_der);
    assert_eq!(facts.issuer_key, issuer.issuer_key);
    assert_eq!(facts.subject_key, issuer.subject_key);
    assert_eq!(facts.extensions.len(), 8);
    assert!(facts.extensions.contains(&(oid::KEY_USAGE, true)));
    assert!(facts.extensions.contains(&(oid::EXTENDED_KEY_USAGE, false)));
}

// X509-SVID 2: the SPIFFE id.

#[test]
fn two_uris() {
    let two = SvidError::UriNames { found: 2 };
    check_refused(|params| params.subject_alt_names.push(uri("spiffe://example.org/b")), two.clone());
    check_refused(|params| params.subject_alt_names.push(uri("https://example.org/")), two.clone());
    check_refused(|params| params.subject_alt_names.push(uri(made::LEAF_ID)), two);
}

#[test]
fn no_uri() {
    check_refused(|params| params.subject_alt_names = vec![dns("a.example.org")], SvidError::UriNames { found: 0 });
    check_refused(|params| params.subject_alt_names = vec![], SvidError::UriNames { found: 0 });
}

#[test]
fn uri_is_no_spiffe_id() {
    let refused = |text: &'static str, error| {
        check_refused(|params| params.subject_alt_names = vec![uri(text)], SvidError::SpiffeId(error));
    };
    refused("https://example.org/a", SpiffeIdError::Scheme);
    refused("SPIFFE://example.org/a", SpiffeIdError::Scheme);
    refused("spiffe://example.org/a/../b", SpiffeIdError::DotSegment { position: 3 });
    refused("spiffe://example.org/a%2fb", SpiffeIdError::PathCharacter { octet: b'%', position: 2 });
    refused("spiffe://example.org/a\0", SpiffeIdError::PathCharacter { octet: 0, position: 2 });
}

#[test]
fn path_less_id() {
    let id = || "spiffe://example.org".parse().unwrap();
    check_refused(
        |params| params.subject_alt_names = vec![uri("spiffe://example.org")],
        SvidError::LeafWithoutPath { id: id() },
    );
}

#[test]
fn longest_id() {
    let longest = format!("spiffe://example.org/{}", "a".repeat(2048 - 21));
    check_accepted(|params| params.subject_alt_names = vec![uri(&longest)]);
    let error = SpiffeIdError::TooLong { limit: 2048, found: 2049 };
    check_refused(|params| params.subject_alt_names = vec![uri(&format!("{longest}a"))], error.into());
}

#[test]
fn dns_names() {
    for name in ["mailer.example.org", "a", "A-1.B", "xn--bcher-kva.example", "1.2"] {
        check_accepted(|params| params.subject_alt_names.push(dns(name)));
    }
}

/// T-36.
#[test]
fn dns_names_with_more_in_them() {
    let long_label = format!("{}.org", "a".repeat(64));
    let long_name = ["a23456789."; 26].concat() + "org";
    for name in [
        "*.example.org",
        "a.example.org\0.evil.example",
        "a\nb",
        "a b",
        ".",
        ".a",
        "a.",
        "a..b",
        "-a",
        "a-",
        "a/b",
        "a_b",
        "user@a",
        "a:443",
        "%61",
        &long_label,
        &long_name,
    ] {
        check_refused(|params| params.subject_alt_names.push(dns(name)), SvidError::DnsName { name: name.into() });
    }
}

#[test]
fn names_that_are_neither_uri_nor_dns_are_counted() {
    let address = rcgen::SanType::IpAddress([127, 0, 0, 1].into());
    let facts = facts(|params| params.subject_alt_names.push(address));
    assert_eq!(facts.other_names, 1);
    assert!(Svid::leaf(&facts).is_ok());
}

// X509-SVID 3.1: the subject.

#[test]
fn subject_is_empty_and_names_not_critical() {
    let names = made::tlv(0x30, &made::tlv(0x86, made::LEAF_ID.as_bytes()));
    let not_critical = |params: &mut CertificateParams| {
        params.subject_alt_names = vec![];
        params.custom_extensions.push(extension("2.5.29.17", false, &names));
    };
    check_refused(not_critical, SvidError::NamesNotCritical);
    check_accepted(|params| {
        not_critical(params);
        params.distinguished_name.push(DnType::CommonName, "mailer");
    });
}

// X509-SVID 4.1: basic constraints.

#[test]
fn authority_leaf() {
    check_refused(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained), SvidError::LeafIsAuthority);
}

#[test]
fn no_basic_constraints() {
    check_accepted(|params| params.is_ca = IsCa::NoCa);
}

#[test]
fn leaf_with_path_length() {
    check_refused(
        |params| {
            params.is_ca = IsCa::NoCa;
            params.custom_extensions.push(extension("2.5.29.19", true, b"\x30\x03\x02\x01\x00"));
        },
        SvidError::LeafWithPathLength,
    );
}

#[test]
fn leaf_with_name_constraints() {
    for critical in [false, true] {
        let constraints = extension("2.5.29.30", critical, b"\x30\x00");
        check_refused(|params| params.custom_extensions.push(constraints), SvidError::LeafWithNameConstraints);
    }
}

// X509-SVID 4.3: key usage.

#[track_caller]
fn check_usage_refused(usages: Vec<Usage>, found: KeyUsage) {
    let (needed, forbidden) = (KeyUsage::DIGITAL_SIGNATURE, KeyUsage::KEY_CERT_SIGN.with(KeyUsage::CRL_SIGN));
    check_refused(|params| params.key_usages = usages, SvidError::KeyUsage { found, needed, forbidden });
}

#[test]
fn missing_key_usage() {
    check_refused(|params| params.key_usages = vec![], SvidError::NoKeyUsage);
}

#[test]
fn key_usage_not_critical() {
    check_refused(
        |params| {
            params.key_usages = vec![];
            params.custom_extensions.push(extension("2.5.29.15", false, b"\x03\x02\x07\x80"));
        },
        SvidError::NotCritical { extension: oid::KEY_USAGE },
    );
}

#[test]
fn leaf_may_sign_certificates_or_crls() {
    let signature = KeyUsage::DIGITAL_SIGNATURE;
    check_usage_refused(vec![Usage::DigitalSignature, Usage::KeyCertSign], signature.with(KeyUsage::KEY_CERT_SIGN));
    check_usage_refused(vec![Usage::DigitalSignature, Usage::CrlSign], signature.with(KeyUsage::CRL_SIGN));
}

#[test]
fn leaf_without_digital_signature() {
    check_usage_refused(vec![Usage::KeyAgreement], KeyUsage::KEY_AGREEMENT);
}

#[test]
fn other_key_usages() {
    check_accepted(|params| params.key_usages.push(Usage::KeyEncipherment));
    check_accepted(|params| params.key_usages.push(Usage::KeyAgreement));
    check_accepted(|params| params.key_usages.extend([Usage::KeyAgreement, Usage::DecipherOnly]));
}

// X509-SVID 4.4: extended key usage.

#[test]
fn one_of_two_purposes() {
    check_refused(
        |params| params.extended_key_usages = vec![Purpose::ServerAuth],
        SvidError::PurposeMissing { missing: oid::CLIENT_AUTH },
    );
    check_refused(
        |params| params.extended_key_usages = vec![Purpose::ClientAuth],
        SvidError::PurposeMissing { missing: oid::SERVER_AUTH },
    );
    check_refused(
        |params| params.extended_key_usages = vec![Purpose::Any],
        SvidError::PurposeMissing { missing: oid::SERVER_AUTH },
    );
}

/// T-35.
#[test]
fn further_purposes() {
    let refused = |added: Purpose, purpose: oid::Oid| {
        check_refused(|params| params.extended_key_usages.push(added), SvidError::PurposeForbidden { purpose });
    };
    refused(Purpose::Any, oid::ANY_EXTENDED_KEY_USAGE);
    refused(Purpose::OcspSigning, oid::OCSP_SIGNING);
}

#[test]
fn no_extended_key_usage() {
    check_accepted(|params| params.extended_key_usages = vec![]);
}

#[test]
fn critical_extended_key_usage() {
    let purposes = b"\x30\x14\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x02\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01";
    check_accepted(|params| {
        params.extended_key_usages = vec![];
        params.custom_extensions.push(extension("2.5.29.37", true, purposes));
    });
}

// RFC 5280 4.2: criticality.

#[test]
fn unknown_extension() {
    check_accepted(|params| params.custom_extensions.push(extension("1.3.6.1.4.1.99999.1", false, b"\x05\x00")));
    let unknown = facts(|params| params.custom_extensions.push(extension("1.3.6.1.4.1.99999.1", true, b"\x05\x00")));
    let (extension, critical) = unknown.extensions.last().unwrap().clone();
    assert_eq!((extension.as_str(), critical), ("1.3.6.1.4.1.99999.1", true));
    assert_eq!(Svid::leaf(&unknown), Err(SvidError::UnknownCritical { extension }));
}

/// RFC 6962 3.1: the poison extension makes a precertificate, and no leaf (T-35).
#[test]
fn poison() {
    let poisoned =
        facts(|params| params.custom_extensions.push(extension("1.3.6.1.4.1.11129.2.4.3", true, b"\x05\x00")));
    assert!(matches!(Svid::leaf(&poisoned), Err(SvidError::UnknownCritical { .. })));
}

/// RFC 5280 4.2.2.1: it is never critical.
#[test]
fn critical_authority_info_access() {
    let access = made::leaf().custom_extensions[0].content().to_vec();
    check_refused(
        |params| params.custom_extensions = vec![extension("1.3.6.1.5.5.7.1.1", true, &access)],
        SvidError::UnknownCritical { extension: oid::AUTHORITY_INFO_ACCESS },
    );
}

// RFC 5280 4.1.2: serial number and validity.

#[test]
fn serials() {
    let with_serial = |octets: &[u8]| {
        let octets = octets.to_vec();
        move |params: &mut CertificateParams| params.serial_number = Some(SerialNumber::from_slice(&octets))
    };
    assert_eq!(check_accepted(with_serial(&[7])).serial().to_string(), "00000000000000000000000000000007");
    let high = [&[0x80][..], &[1; 14]].concat();
    assert_eq!(check_accepted(with_serial(&high)).serial().as_bytes()[..2], [0, 0x80]);
    let long = SerialError::Length { limit: 16, found: 17 };
    check_refused(with_serial(&[1; 17]), SvidError::Serial(long));
    let long = SerialError::Length { limit: 16, found: 20 };
    check_refused(with_serial(&[1; 20]), SvidError::Serial(long));
}

#[test]
fn ends_before_it_begins() {
    check_refused(
        |params| params.not_after = date_time_ymd(2026, 11, 22),
        SvidError::Validity {
            not_before: "2026-11-23T00:00:00.000Z".parse().unwrap(),
            not_after: "2026-11-22T00:00:00.000Z".parse().unwrap(),
        },
    );
}

/// T-52: UTCTime through 2049, GeneralizedTime after, to the year 9999.
#[test]
fn years() {
    for year in [1970, 1999, 2000, 2026, 2049, 2050, 2100, 9999] {
        let svid = check_accepted(|params| {
            params.not_before = date_time_ymd(1970, 1, 1);
            params.not_after = date_time_ymd(year, 12, 31);
        });
        let expected: Timestamp = format!("{year}-12-31T00:00:00.000Z").parse().unwrap();
        assert_eq!(svid.not_after(), expected);
    }
}
