//! What is opened, what is refused and by which name: T-07, T-35 to T-38, T-40.

mod request;

/// A sound request for these extensions.
pub(crate) fn asking_for(extensions: &[Vec<u8>]) -> Vec<u8> {
    Request::p256().with(extension_request(extensions)).der()
}

use der::asn1::ObjectIdentifier;
use identity::{KeyHash, KeyKind};
use proptest::prelude::*;

use super::*;
use crate::public_key::PublicKeyError;
use request::{Request, challenge, extension, extension_request, general_name, oid, set, string, subject, tlv};

#[track_caller]
fn check_refused(request: &Request, expected: &CsrError) {
    assert_eq!(open(&request.der()).map(|opened| opened.key()), Err(expected.clone()));
}

#[track_caller]
fn check_rule(der: &[u8], rule: &str) {
    assert_eq!(open(der).map(|opened| opened.key()).map_err(|flaw| flaw.rule()), Err(rule));
}

#[track_caller]
fn check_challenge(request: &Request, expected: Option<&str>) {
    assert_eq!(open(&request.der()).unwrap().challenge(), expected);
}

#[test]
fn a_request_gives_its_key_and_nothing_else() {
    for request in [Request::p256(), Request::ed25519()] {
        let der = request.der();
        let opened = open(&der).unwrap();
        assert_eq!(opened.key(), KeyHash::of(&request.spki));
        assert_eq!(opened.public_key().spki_der(), request.spki);
        assert_eq!(opened.key_kind(), request.kind());
        assert_eq!(opened.digest(), Sha256Hash::of(&der));
        assert_eq!(opened.challenge(), None);
        assert!(opened.foreign().is_empty());
    }
}

#[test]
fn the_challenge_comes_back() {
    // T-40: the server's nonce.
    check_challenge(&Request::p256(), None);
    check_challenge(&Request::p256().with(challenge(0x0c, b"bm9uY2U")), Some("bm9uY2U"));
    check_challenge(&Request::p256().with(challenge(0x13, b"bm9uY2U")), Some("bm9uY2U"));
    check_challenge(&Request::ed25519().with(challenge(0x0c, &[b'a'; 255])), Some(&"a".repeat(255)));
}

#[test]
fn a_challenge_that_is_none_is_refused() {
    let two = tlv(0x30, &[&oid("1.2.840.113549.1.9.7"), &set(&[&string(0x0c, b"a"), &string(0x0c, b"b")])]);
    let none = tlv(0x30, &[&oid("1.2.840.113549.1.9.7"), &set(&[])]);
    check_refused(&Request::p256().with(two), &CsrError::ChallengeValues { found: 2 });
    check_refused(&Request::p256().with(none), &CsrError::ChallengeValues { found: 0 });
    check_refused(
        &Request::p256().with(challenge(0x0c, &[b'a'; 256])),
        &CsrError::ChallengeLength { octets: 256, limit: 255 },
    );
    check_refused(&Request::p256().with(challenge(0x0c, b"")), &CsrError::ChallengeLength { octets: 0, limit: 255 });
    check_refused(&Request::p256().with(challenge(0x16, b"ia5")), &CsrError::ChallengeType { found: Tag::Ia5String });
    check_refused(
        &Request::p256().with(challenge(0x1e, b"\0b\0m\0p")),
        &CsrError::ChallengeType { found: Tag::BmpString },
    );
    check_rule(&Request::p256().with(challenge(0x0c, b"\xff\xfe")).der(), "csr-malformed");
    check_rule(&Request::p256().with(challenge(0x13, b"a*b@c")).der(), "csr-malformed");
    check_refused(
        &Request::p256().with(challenge(0x0c, b"a")).with(challenge(0x0c, b"b")),
        &CsrError::AttributeTwice { attribute: ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.7") },
    );
}

#[test]
fn only_the_holder_of_the_key_is_opened() {
    let stranger = Request::p256();
    for mut request in [Request::p256(), Request::ed25519()] {
        request.signer = stranger.signer.clone();
        check_rule(&request.der(), "csr-signature-invalid");
    }
    // A signature over another request by the same key.
    let mut replayed = Request::p256().with(challenge(0x0c, b"other"));
    replayed.signed_info = Some(Request::p256().info());
    check_rule(&replayed.der(), "csr-signature-invalid");
    // CVE-2022-21449: r = s = 0 verified everything.
    let mut zero = Request::p256();
    zero.signature = Some(tlv(0x30, &[&[2, 1, 0], &[2, 1, 0]]));
    check_rule(&zero.der(), "csr-signature-invalid");
    let mut empty = Request::ed25519();
    empty.signature = Some(Vec::new());
    check_rule(&empty.der(), "csr-signature-invalid");
}

#[test]
fn the_signature_algorithm_is_that_of_the_key() {
    let with = |mut request: Request, algorithm: &[u8]| {
        request.algorithm = algorithm.to_vec();
        request
    };
    let found = |found: &str, key| CsrError::SignatureAlgorithm { key, found: ObjectIdentifier::new_unwrap(found) };
    let sequence = |id: &str| tlv(0x30, &[&oid(id)]);
    for (request, id, key) in [
        (Request::p256(), "1.3.101.112", KeyKind::P256),
        (Request::ed25519(), "1.2.840.10045.4.3.2", KeyKind::Ed25519),
        // SHA-1, SHA-384, RSA.
        (Request::p256(), "1.2.840.10045.4.1", KeyKind::P256),
        (Request::p256(), "1.2.840.10045.4.3.3", KeyKind::P256),
        (Request::p256(), "1.2.840.113549.1.1.11", KeyKind::P256),
    ] {
        check_refused(&with(request, &sequence(id)), &found(id, key));
    }
    let with_null = tlv(0x30, &[&oid("1.2.840.10045.4.3.2"), &[5, 0]]);
    check_refused(&with(Request::p256(), &with_null), &found("1.2.840.10045.4.3.2", KeyKind::P256));
    let mut unused = Request::p256();
    unused.signature_unused_bits = 1;
    check_rule(&unused.der(), "csr-signature-unused-bits");
}

#[test]
fn weak_and_unknown_keys_are_refused() {
    // T-07, T-38. That RSA keys of any size are refused by their kind, before arithmetic, covers Debian's keys, ROCA,
    // Fermat and small exponents as well.
    let refused = |spki: Vec<u8>, flaw: PublicKeyError| {
        check_refused(&Request { spki, ..Request::p256() }, &CsrError::Key(flaw));
    };
    let rsa = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
    for octets in [128, 256, 512, 1024, 2048] {
        refused(request::rsa(octets), PublicKeyError::Kind { algorithm: rsa });
    }
    refused(request::rsa(5000), PublicKeyError::TooLong { octets: 5038, limit: 4096 });
    for curve in ["1.3.132.0.10", "1.3.132.0.33", "1.3.132.0.34", "1.3.132.0.35", "1.3.36.3.3.2.8.1.1.7"] {
        let flaw = PublicKeyError::Curve { curve: ObjectIdentifier::new_unwrap(curve) };
        refused(request::ec(Some(&oid(curve)), &[4; 65]), flaw);
    }
}

#[test]
fn a_request_of_another_shape_is_refused() {
    check_refused(&Request { version: 1, ..Request::p256() }, &CsrError::Version { found: 1 });
    check_rule(b"", "csr-malformed");
    check_rule(&[0x30, 0x80, 0, 0], "csr-malformed");
    check_rule(&[Request::p256().der(), vec![0]].concat(), "csr-malformed");
    check_rule(&vec![0x30; MAX_CSR_OCTETS + 1], "csr-too-long");
    check_rule(&Request { subject: tlv(0x31, &[]), ..Request::p256() }.der(), "csr-malformed");
    // RFC 2986: attributes are [0], and not optional.
    check_rule(&Request { attributes_tag: 0xa1, ..Request::p256() }.der(), "csr-malformed");
    check_rule(&Request { attributes_tag: 0x31, ..Request::p256() }.der(), "csr-malformed");
}

#[test]
fn the_longest_request_is_opened_and_one_octet_more_is_not() {
    let padded = |padding: usize| {
        let names = general_name(0x82, &vec![b'a'; padding]);
        Request::ed25519().with(extension_request(&[extension("2.5.29.17", false, &tlv(0x30, &[&names]))])).der()
    };
    let at_limit = (7000..MAX_CSR_OCTETS).map(padded).find(|der| der.len() == MAX_CSR_OCTETS).unwrap();
    assert!(open(&at_limit).is_ok());
    let over = (7000..MAX_CSR_OCTETS).map(padded).find(|der| der.len() == MAX_CSR_OCTETS + 1).unwrap();
    check_rule(&over, "csr-too-long");
}

#[test]
fn what_is_asked_for_is_kept_only_to_be_searched_for() {
    // T-35: extensions that would make an authority, a responder or a logger of the sender.
    let request = Request::p256()
        .with_subject(subject("CN", "canary-common-name"))
        .with(challenge(0x0c, b"canary-challenge"))
        .with(extension_request(&request::hostile_extensions()));
    let opened = open(&request.der()).unwrap();
    assert_eq!(opened.challenge(), Some("canary-challenge"));
    for canary in ["canary-common-name", "canary-challenge", "http://canary-crl/", "http://canary-issuer/"] {
        let certificate = format!("....{canary}....");
        assert_eq!(opened.foreign().find_in(certificate.as_bytes(), &[]), Some(canary.as_bytes()));
    }
    for extension in request::hostile_extensions() {
        assert!(opened.foreign().find_in(&extension, &[]).is_some(), "{extension:02x?}");
    }
}

#[test]
fn attributes_that_are_no_der_inside_are_refused() {
    let request = Request::p256().with(tlv(0x30, &[&oid("1.2.3.4.5"), &set(&[&[0x30, 0x05, 0x01]])]));
    check_rule(&request.der(), "csr-malformed");
}

#[test]
fn no_single_octet_can_be_changed() {
    let der = Request::ed25519().with(challenge(0x0c, b"nonce")).der();
    for at in 0..der.len() {
        let mut changed = der.clone();
        for value in (0..=255).filter(|value| *value != der[at]) {
            changed[at] = value;
            assert!(open(&changed).is_err(), "octet {at} may be {value:02x}");
        }
    }
}

#[test]
fn no_single_bit_can_be_changed() {
    let der = Request::p256().der();
    for bit in 0..der.len() * 8 {
        let mut changed = der.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(open(&changed).is_err(), "bit {bit}");
    }
}

#[test]
fn nothing_may_be_missing() {
    let der = Request::p256().der();
    for length in 0..der.len() {
        check_rule(&der[..length], "csr-malformed");
    }
}

#[test]
fn every_forgery_is_refused_and_what_is_only_asked_for_is_not() {
    let forger = pki_test_fixtures::forger::RequestForger::new("nonce");
    assert_eq!(open(&forger.genuine()).unwrap().challenge(), Some("nonce"));
    for forgery in forger.refused() {
        assert!(open(&forgery.evidence).is_err(), "{} was opened", forgery.name);
    }
    for forgery in forger.smuggled() {
        let opened = open(&forgery.evidence).unwrap_or_else(|flaw| panic!("{}: {flaw}", forgery.name));
        assert!(!opened.foreign().is_empty(), "{}", forgery.name);
    }
}

#[track_caller]
fn check_verdict(request: &[u8], expected: &serde_json::Value) {
    assert_eq!(&serde_json::to_value(Verdict::of(request)).unwrap(), expected);
}

#[test]
fn the_verdict_names_key_and_what_is_ignored() {
    let names = tlv(0x30, &[&general_name(0x86, b"spiffe://evil/\0x"), &general_name(0x82, b"*.example.org")]);
    let request = Request::ed25519().with_subject(subject("CN", "a\u{202e}b")).with(challenge(0x0c, b"nonce")).with(
        extension_request(&[
            extension("2.5.29.17", true, &names),
            extension("2.5.29.19", true, b"\x30\x03\x01\x01\xff"),
        ]),
    );
    let expected = serde_json::json!({
        "verdict": "accepted",
        "key_kind": "ed25519",
        "key": KeyHash::of(&request.spki).to_string(),
        "key_identifier": identity::KeyIdentifier::of_spki_der(&request.spki).unwrap().to_string(),
        "challenge": true,
        "ignored": {
            "subject": "CN=a\\u{202e}b",
            "names": ["uri:spiffe://evil/\\u{0}x", "dns:*.example.org"],
            "extensions": ["2.5.29.17", "2.5.29.19"],
            "attributes": ["1.2.840.113549.1.9.14"],
        },
    });
    check_verdict(&request.der(), &expected);
    let pem = der::pem::encode_string("CERTIFICATE REQUEST", der::pem::LineEnding::LF, &request.der()).unwrap();
    check_verdict(pem.as_bytes(), &expected);
    check_verdict(format!("\n{pem}\n").as_bytes(), &expected);
}

#[test]
fn the_verdict_names_the_flaw() {
    let refused = |rule: &str, detail: &str| serde_json::json!({"verdict": "refused", "rule": rule, "detail": detail});
    let request = Request { spki: request::ec(Some(&oid("1.3.132.0.34")), &[4; 97]), ..Request::p256() };
    check_verdict(
        &request.der(),
        &refused(
            "key-curve-not-accepted",
            "the request's key is not accepted: curve 1.3.132.0.34 is not accepted: use P-256 (1.2.840.10045.3.1.7)",
        ),
    );
    let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    check_verdict(pem.as_bytes(), &refused("csr-pem", "the file holds no PEM block `CERTIFICATE REQUEST`"));
}

proptest! {
    #[test]
    fn any_octets_give_a_verdict(octets in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(!Verdict::of(&octets).is_accepted());
    }

    #[test]
    fn any_attributes_give_a_verdict(content in proptest::collection::vec(any::<u8>(), 0..300)) {
        let request = Request::ed25519().with(tlv(0x30, &[&oid("1.2.840.113549.1.9.14"), &set(&[&content])]));
        let verdict = Verdict::of(&request.der());
        prop_assert_eq!(verdict.is_accepted(), open(&request.der()).is_ok());
    }
}
