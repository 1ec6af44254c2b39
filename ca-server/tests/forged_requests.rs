//! Certificate requests of the forger, which shares no code with the reader: each bad one is refused by its rule, each
//! that asks for too much is opened for its key alone (T-04, T-13, T-35, T-36, T-38, T-40).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ca_server::csr;
use identity::KeyKind;
use pki_test_fixtures::authority::request::{LeafKey, sound};
use pki_test_fixtures::forger::RequestForger;

const CHALLENGE: &str = "bm9uY2U";

#[test]
fn sound_requests_give_key_and_challenge() {
    for (kind, wanted) in [(LeafKey::P256, KeyKind::P256), (LeafKey::Ed25519, KeyKind::Ed25519)] {
        let opened = csr::open(&sound(kind, Some(CHALLENGE)).der).unwrap();
        assert_eq!((opened.key_kind(), opened.challenge()), (wanted, Some(CHALLENGE)));
        assert_eq!(csr::open(&sound(kind, None).der).unwrap().challenge(), None);
    }
    assert_eq!(csr::open(&RequestForger::new(CHALLENGE).genuine()).unwrap().challenge(), Some(CHALLENGE));
}

#[test]
fn every_bad_request_is_refused_by_its_rule() {
    let rules: BTreeMap<&str, &str> = RULES.iter().copied().collect();
    let forgeries = RequestForger::new(CHALLENGE).refused();
    for forgery in &forgeries {
        let began = Instant::now();
        let refused = csr::open(&forgery.evidence).map(drop).map_err(|flaw| flaw.rule());
        assert_eq!(refused.err().as_ref(), rules.get(forgery.name), "{}", forgery.name);
        assert!(began.elapsed() < Duration::from_secs(1), "{} took {:?}", forgery.name, began.elapsed());
    }
    assert_eq!(forgeries.len(), RULES.len(), "a rule for each forgery, and no more");
}

/// Whatever else they ask for, the key and the challenge are what is taken from them, and all the rest is remembered as
/// foreign, so that the certificate can be searched for it.
#[test]
fn requests_that_ask_for_more_give_their_key_alone() {
    let forger = RequestForger::new(CHALLENGE);
    let genuine = csr::open(&forger.genuine()).unwrap();
    for forgery in forger.smuggled() {
        let opened = csr::open(&forgery.evidence).unwrap_or_else(|flaw| panic!("{}: {flaw}", forgery.name));
        assert_eq!((opened.key(), opened.challenge()), (genuine.key(), Some(CHALLENGE)), "{}", forgery.name);
        assert!(!opened.foreign().is_empty(), "{}", forgery.name);
    }
}

const RULES: &[(&str, &str)] = &[
    ("key_is_rsa_1024", "key-kind-not-accepted"),
    ("key_is_rsa_with_exponent_3", "key-kind-not-accepted"),
    ("key_is_rsa_of_close_primes", "key-kind-not-accepted"),
    ("key_is_rsa_2048", "key-kind-not-accepted"),
    ("key_is_on_p224", "key-curve-not-accepted"),
    ("key_is_on_p384", "key-curve-not-accepted"),
    ("key_is_on_secp256k1", "key-curve-not-accepted"),
    ("key_is_of_another_curve_than_it_says", "key-not-on-curve"),
    ("key_is_off_the_curve", "key-not-on-curve"),
    ("key_is_infinity", "key-length"),
    ("key_has_explicit_parameters", "key-curve-not-named"),
    ("key_is_compressed", "key-point-compressed"),
    ("key_has_no_curve", "key-curve-not-named"),
    ("key_is_a_short_ed25519", "key-length"),
    ("key_is_ed25519_of_small_order", "key-small-order"),
    ("key_cannot_sign", "key-kind-not-accepted"),
    ("signed_by_another_key", "csr-signature-invalid"),
    ("signature_is_empty", "csr-signature-invalid"),
    ("signature_is_zeros", "csr-signature-invalid"),
    ("signature_is_of_another_request", "csr-signature-invalid"),
    ("signature_is_with_sha1", "csr-signature-algorithm"),
    ("signature_algorithm_is_of_another_key", "csr-signature-algorithm"),
    ("signature_algorithm_is_unknown", "csr-signature-algorithm"),
    ("signature_algorithm_has_null_parameters", "csr-signature-algorithm"),
    ("request_is_empty", "csr-malformed"),
    ("request_is_truncated", "csr-malformed"),
    ("request_is_half", "csr-malformed"),
    ("octet_follows", "csr-malformed"),
    ("another_request_follows", "csr-malformed"),
    ("request_is_pem", "csr-malformed"),
    ("length_is_indefinite", "csr-malformed"),
    ("length_is_not_the_shortest", "csr-malformed"),
    ("sequences_are_nested", "csr-malformed"),
    ("length_is_four_gigabytes", "csr-malformed"),
    ("request_has_a_megabyte", "csr-too-long"),
    ("version_is_one", "csr-version"),
    ("challenge_stands_twice", "csr-attribute-twice"),
    ("challenge_has_two_values", "csr-challenge-values"),
    ("challenge_has_no_value", "csr-challenge-values"),
    ("challenge_is_a_number", "csr-challenge-type"),
    ("challenge_is_in_utf16", "csr-challenge-type"),
    ("extensions_stand_twice", "csr-attribute-twice"),
];
