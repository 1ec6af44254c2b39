//! Octets that are no certificate, each with its reason.

use identity::DerError;
use identity::svid::{CertificateError, CertificateFacts, oid, to_be_signed};
use rcgen::{CertificateParams, KeyPair, SerialNumber};

use crate::made::{self, extension, uri};
use crate::tree::Node;

#[track_caller]
fn check_der(der: &[u8], error: CertificateError) {
    assert_eq!(CertificateFacts::from_der(der), Err(error));
}

#[track_caller]
fn check_made(spoil: impl FnOnce(&mut CertificateParams), error: CertificateError) {
    let mut params = made::leaf();
    spoil(&mut params);
    check_der(&made::certificate(&params, &made::P256), error);
}

/// The faultless leaf, changed at a place in its tree. `[0]` is what is signed.
#[track_caller]
fn check_changed(path: &[usize], change: impl FnOnce(&mut Node), error: CertificateError) {
    let tree = Node::read(&made::leaf_der()).unwrap();
    check_der(&tree.with(path, change).write(), error);
}

fn malformed(field: &'static str, error: DerError) -> CertificateError {
    CertificateError::Malformed { field, error }
}

#[track_caller]
fn check_extension(id: &str, value: &[u8], extension_id: oid::Oid, error: DerError) {
    check_made(
        |params| {
            params.subject_alt_names = vec![];
            params.key_usages = vec![];
            params.extended_key_usages = vec![];
            params.crl_distribution_points = vec![];
            params.is_ca = rcgen::IsCa::NoCa;
            params.use_authority_key_identifier_extension = false;
            params.custom_extensions = vec![extension(id, true, value)];
        },
        CertificateError::Extension { extension: extension_id, error },
    );
}

#[test]
fn trailing_octets() {
    let der = [made::leaf_der(), vec![0]].concat();
    check_der(&der, CertificateError::TrailingOctets { found: 1 });
    assert_eq!(to_be_signed(&der), Err(CertificateError::TrailingOctets { found: 1 }));
    let mut tbs = to_be_signed(&made::leaf_der()).unwrap().to_vec();
    tbs.extend([0; 3]);
    assert_eq!(CertificateFacts::from_tbs_der(&tbs), Err(CertificateError::TrailingOctets { found: 3 }));
}

#[test]
fn every_shorter_piece() {
    let der = made::leaf_der();
    for end in 0..der.len() {
        assert_eq!(CertificateFacts::from_der(&der[..end]), Err(malformed("outermost element", DerError::Truncated)));
    }
}

#[test]
fn longer_than_16_kib() {
    let long = |octets: usize| {
        let mut params = made::leaf();
        params.custom_extensions.push(extension("1.3.6.1.4.1.99999.1", false, &vec![0; octets]));
        made::certificate(&params, &made::ED25519)
    };
    // The signature's length varies by some octets, so that "just at the limit" is searched.
    let just_within = (15_000..16_384).rev().map(long).find(|der| der.len() <= 16_384).unwrap();
    assert!(CertificateFacts::from_der(&just_within).is_ok());
    let der = long(16_384);
    check_der(&der, CertificateError::TooLong { limit: 16_384, found: der.len() });
    let too_long = vec![0x30; 16_385];
    let error = CertificateError::TooLong { limit: 16_384, found: 16_385 };
    assert_eq!(CertificateFacts::from_tbs_der(&too_long), Err(error.clone()));
    assert_eq!(to_be_signed(&too_long), Err(error));
}

#[test]
fn empty_alternative_names() {
    check_extension("2.5.29.17", b"\x30\x00", oid::SUBJECT_ALT_NAME, DerError::Empty);
}

#[test]
fn two_alternative_names_extensions() {
    let names = made::tlv(0x30, &made::tlv(0x86, b"spiffe://example.org/b"));
    check_made(
        |params| params.custom_extensions.push(extension("2.5.29.17", true, &names)),
        CertificateError::DuplicateExtension { extension: oid::SUBJECT_ALT_NAME },
    );
}

#[test]
fn duplicate_extensions() {
    check_made(
        |params| params.custom_extensions.push(extension("2.5.29.15", true, b"\x03\x02\x07\x80")),
        CertificateError::DuplicateExtension { extension: oid::KEY_USAGE },
    );
    let unknown = || extension("1.3.6.1.4.1.99999.1", false, b"\x05\x00");
    let mut params = made::leaf();
    params.custom_extensions.extend([unknown(), unknown()]);
    let der = made::certificate(&params, &made::P256);
    assert!(matches!(CertificateFacts::from_der(&der), Err(CertificateError::DuplicateExtension { .. })));
}

#[test]
fn extensions_of_another_form() {
    check_extension("2.5.29.37", b"\x30\x00", oid::EXTENDED_KEY_USAGE, DerError::Empty);
    check_extension("2.5.29.15", b"\x03\x01\x00", oid::KEY_USAGE, DerError::Value { tag: 0x03 });
    check_extension("2.5.29.15", b"\x03\x02\x07\x80\x00", oid::KEY_USAGE, DerError::Trailing { found: 1 });
    check_extension("2.5.29.19", b"\x30\x03\x01\x01\x00", oid::BASIC_CONSTRAINTS, DerError::Value { tag: 0x01 });
    check_extension("2.5.29.14", b"\x04\x02\x01\x02", oid::SUBJECT_KEY_IDENTIFIER, DerError::Value { tag: 0x04 });
    check_extension("2.5.29.31", b"\x30\x00", oid::CRL_DISTRIBUTION_POINTS, DerError::Empty);
    check_extension("1.3.6.1.5.5.7.1.1", b"\x30\x00", oid::AUTHORITY_INFO_ACCESS, DerError::Empty);
}

/// Points by reason and of another issuer are not followed, so they are not passed over either.
#[test]
fn crl_points_by_reason_or_of_another_issuer() {
    let name = made::tlv(0xa0, &made::tlv(0xa0, &made::tlv(0x86, b"http://a/")));
    let points = |further: &[u8]| made::tlv(0x30, &made::tlv(0x30, &[&name, further].concat()));
    let refused = |further: &[u8]| {
        let trailing = DerError::Trailing { found: further.len() };
        check_extension("2.5.29.31", &points(further), oid::CRL_DISTRIBUTION_POINTS, trailing);
    };
    refused(b"\x81\x02\x05\x20");
    refused(b"\xa2\x02\x82\x00");
    let directory = made::tlv(0x30, &made::tlv(0x30, &made::tlv(0xa0, &made::tlv(0xa0, b"\xa4\x02\x30\x00"))));
    check_extension("2.5.29.31", &directory, oid::CRL_DISTRIBUTION_POINTS, DerError::Value { tag: 0xa0 });
}

#[test]
fn no_extensions_in_the_list() {
    let path = [0, 7, 0];
    check_changed(&path, |node| node.nodes.clear(), malformed("extensions", DerError::Empty));
}

/// X.690 11.5: a default is not written.
#[test]
fn critical_false_written_out() {
    let false_ = Node::read(&[1, 1, 0]).unwrap();
    let path = [0, 7, 0, 0];
    check_changed(&path, |node| node.nodes.insert(1, false_), malformed("extensions", DerError::Value { tag: 0x01 }));
}

#[test]
fn versions() {
    check_changed(&[0, 0, 0], |node| node.octets = vec![0], CertificateError::Version);
    check_changed(&[0, 0, 0], |node| node.octets = vec![1], CertificateError::Version);
    check_changed(&[0, 0, 0], |node| node.octets = vec![3], CertificateError::Version);
    check_changed(&[0, 0, 0], |node| node.octets = vec![0, 2], CertificateError::Version);
    check_changed(&[0], |node| drop(node.nodes.remove(0)), CertificateError::Version);
}

#[test]
fn serials() {
    let serial = CertificateError::Serial { limit: 20 };
    check_changed(&[0, 1], |node| node.octets = vec![0], serial.clone());
    check_changed(&[0, 1], |node| node.octets = vec![0x80], serial.clone());
    check_changed(&[0, 1], |node| node.octets = vec![0xff, 1, 1], serial.clone());
    check_changed(&[0, 1], |node| node.octets = vec![1; 21], serial.clone());
    let padded = malformed("serialNumber", DerError::Value { tag: 0x02 });
    check_changed(&[0, 1], |node| node.octets = vec![0, 1], padded.clone());
    check_changed(&[0, 1], |node| node.octets = vec![], padded);
    check_made(|params| params.serial_number = Some(SerialNumber::from_slice(&[1; 21])), serial);
}

#[test]
fn empty_issuer() {
    check_changed(&[0, 3], |node| node.nodes.clear(), CertificateError::EmptyIssuer);
}

/// RFC 5280 4.1.2.8.
#[test]
fn unique_identifiers() {
    for tag in [0x81, 0x82] {
        let unique = Node::read(&[tag, 2, 0, 7]).unwrap();
        let mut tree = Node::read(&made::leaf_der()).unwrap();
        tree.nodes[0].nodes.insert(7, unique);
        let refused = CertificateFacts::from_der(&tree.write());
        assert!(matches!(refused, Err(CertificateError::Malformed { field: "tbsCertificate", .. })), "{refused:?}");
    }
}

#[test]
fn algorithms() {
    let ed25519 = |node: &mut Node| node.octets = vec![0x2b, 0x65, 0x70];
    check_changed(&[1, 0], ed25519, CertificateError::AlgorithmMismatch);
    check_changed(&[0, 2, 0], ed25519, CertificateError::AlgorithmMismatch);
    let null = || Node::read(&[5, 0]).unwrap();
    let trailing = malformed("signatureAlgorithm", DerError::Trailing { found: 2 });
    check_changed(&[1], |node| node.nodes.push(null()), trailing);
}

#[test]
fn signature_of_part_of_an_octet() {
    let unused = malformed("signatureValue", DerError::Value { tag: 0x03 });
    check_changed(&[2], |node| node.octets[0] = 1, unused.clone());
    check_changed(&[2], |node| node.octets.clear(), unused);
}

/// T-38.
#[track_caller]
fn check_key(key: &KeyPair) {
    let der = made::certificate(&made::leaf(), key);
    check_der(&der, CertificateError::Key(identity::UnsupportedKey));
}

#[test]
fn keys() {
    check_key(&made::P384);
    let unsupported = CertificateError::Key(identity::UnsupportedKey);
    // A compressed point, a hybrid one, the point at infinity; a key too short; unused bits; NULL parameters.
    check_changed(
        &[0, 6, 1],
        |node| {
            node.octets.truncate(34);
            node.octets[1] = 2
        },
        unsupported.clone(),
    );
    check_changed(&[0, 6, 1], |node| node.octets[1] = 6, unsupported.clone());
    check_changed(&[0, 6, 1], |node| node.octets = vec![0, 0], unsupported.clone());
    check_changed(&[0, 6, 1], |node| node.octets.truncate(65), unsupported.clone());
    check_changed(&[0, 6, 1], |node| node.octets[0] = 1, unsupported.clone());
    check_changed(&[0, 6, 0], |node| node.nodes[1] = Node::read(&[5, 0]).unwrap(), unsupported);
}

#[test]
fn names_of_the_wrong_form() {
    let refused = |content: &[u8], tag| {
        check_extension("2.5.29.17", &made::tlv(0x30, content), oid::SUBJECT_ALT_NAME, DerError::Value { tag });
    };
    refused(b"\x86\x05caf\xc3\xa9", 0x86);
    refused(b"\x82\x00", 0x82);
    refused(b"\x87\x03\x7f\x00\x01", 0x87);
    let mut params = made::leaf();
    params.subject_alt_names.push(uri("https://example.org"));
    assert_eq!(CertificateFacts::from_der(&made::certificate(&params, &made::P256)).unwrap().uri_names.len(), 2);
}
