//! Which keys are accepted, and which flaw is named: T-38.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};

use super::*;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

#[track_caller]
fn check_refused(spki: &[u8], expected: &PublicKeyError) {
    assert_eq!(PublicKey::from_spki_der(spki), Err(expected.clone()));
}

#[track_caller]
fn check_malformed(spki: &[u8]) {
    assert_eq!(PublicKey::from_spki_der(spki).map_err(|flaw| flaw.rule()), Err("key-malformed"));
}

fn p256() -> (EcdsaKeyPair, PublicKey) {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let public = PublicKey::from_spki_der(&spki_of(KeyKind::P256, key.public_key().as_ref())).unwrap();
    (key, public)
}

fn ed25519() -> (Ed25519KeyPair, PublicKey) {
    let key = Ed25519KeyPair::generate().unwrap();
    let public = PublicKey::from_spki_der(&spki_of(KeyKind::Ed25519, key.public_key().as_ref())).unwrap();
    (key, public)
}

#[test]
fn the_encoding_is_that_of_another_implementation() {
    use p256::pkcs8::EncodePublicKey as _;
    let key = p256::SecretKey::from_slice(&[7; 32]).unwrap().public_key();
    let spki = key.to_public_key_der().unwrap();
    let read = PublicKey::from_spki_der(spki.as_bytes()).unwrap();
    assert_eq!((read.kind(), read.spki_der()), (KeyKind::P256, spki.as_bytes()));
    assert_eq!(
        (read.hash(), read.identifier()),
        (KeyHash::of(spki.as_bytes()), KeyIdentifier::of_spki_der(spki.as_bytes()).unwrap())
    );
}

#[test]
fn both_implementations_agree() {
    let (key, public) = p256();
    let signature = key.sign(&SystemRandom::new(), b"message").unwrap();
    check_agree(&public, b"message", signature.as_ref(), true);
    check_agree(&public, b"massage", signature.as_ref(), false);
    check_agree(&p256().1, b"message", signature.as_ref(), false);
    let (key, public) = ed25519();
    let signature = key.sign(b"message");
    check_agree(&public, b"message", signature.as_ref(), true);
    check_agree(&public, b"massage", signature.as_ref(), false);
    check_agree(&ed25519().1, b"message", signature.as_ref(), false);
    check_agree(&public, b"message", &signature.as_ref()[..63], false);
}

#[track_caller]
fn check_agree(key: &PublicKey, message: &[u8], signature: &[u8], holds: bool) {
    assert_eq!(key.verify(message, signature).is_ok(), holds);
    assert_eq!(key.verify_independently(message, signature).is_ok(), holds);
}

#[test]
fn other_kinds_are_refused() {
    let rsa = [&[0x30, 0x14, 0x30, 0x0d, 0x06, 0x09], RSA.as_bytes(), &[5, 0, 3, 3, 0, 0x30, 0]].concat();
    check_refused(&rsa, &PublicKeyError::Kind { algorithm: RSA });
    check_refused(&vec![0x30; 4097], &PublicKeyError::TooLong { octets: 4097, limit: 4096 });
    let secp256k1 = ObjectIdentifier::new_unwrap("1.3.132.0.10");
    let spki = [
        &[0x30, 0x56, 0x30, 0x10, 0x06, 0x07],
        ID_EC_PUBLIC_KEY.as_bytes(),
        &[6, 5],
        secp256k1.as_bytes(),
        &[3, 0x42, 0],
        &[4; 65],
    ]
    .concat();
    check_refused(&spki, &PublicKeyError::Curve { curve: secp256k1 });
}

#[test]
fn only_a_named_curve_is_accepted() {
    let with = |parameters: &[u8]| {
        let algorithm = [&[6, 7], ID_EC_PUBLIC_KEY.as_bytes(), parameters].concat();
        let length = u8::try_from(algorithm.len()).unwrap();
        [&[0x30, length + 2 + 68, 0x30, length], algorithm.as_slice(), &[3, 0x42, 0], &[4; 65]].concat()
    };
    check_refused(&with(&[]), &PublicKeyError::CurveMissing);
    check_refused(&with(&[5, 0]), &PublicKeyError::CurveNotNamed);
    // CVE-2020-0601: SpecifiedECDomain.
    check_refused(&with(&[0x30, 3, 2, 1, 1]), &PublicKeyError::CurveNotNamed);
}

#[test]
fn a_point_must_lie_on_its_curve_in_its_one_form() {
    let (_, good) = p256();
    let mut off = good.spki_der().to_vec();
    *off.last_mut().unwrap() ^= 1;
    check_refused(&off, &PublicKeyError::NotOnCurve);
    let mut zero = spki_of(KeyKind::P256, &[0; 65]);
    check_refused(&zero, &PublicKeyError::KeyLength { octets: 65, expected: 65 });
    zero[26] = 4;
    check_refused(&zero, &PublicKeyError::NotOnCurve);
    let mut hybrid = good.spki_der().to_vec();
    hybrid[26] = 6;
    check_refused(&hybrid, &PublicKeyError::KeyLength { octets: 65, expected: 65 });
    let mut compressed = spki_of(KeyKind::P256, &[&[2], &good.spki_der()[27..59]].concat());
    compressed[1] = 0x39;
    compressed[24] = 0x22;
    check_refused(&compressed, &PublicKeyError::PointCompressed { form: 2 });
    let mut infinity = spki_of(KeyKind::P256, &[0]);
    infinity[1] = 0x19;
    infinity[24] = 2;
    check_refused(&infinity, &PublicKeyError::KeyLength { octets: 1, expected: 65 });
}

#[test]
fn an_ed25519_key_must_be_reduced_and_of_full_order() {
    let mut one = [0; 32];
    one[0] = 1;
    check_refused(&spki_of(KeyKind::Ed25519, &one), &PublicKeyError::SmallOrder);
    check_refused(&spki_of(KeyKind::Ed25519, &[0; 32]), &PublicKeyError::SmallOrder);
    // y = p + 1, which is 1 in another form.
    let mut not_reduced = [0xff; 32];
    not_reduced[0] = 0xee;
    not_reduced[31] = 0x7f;
    check_refused(&spki_of(KeyKind::Ed25519, &not_reduced), &PublicKeyError::NotReduced);
    // y = 2 has no x.
    let mut two = [0; 32];
    two[0] = 2;
    check_refused(&spki_of(KeyKind::Ed25519, &two), &PublicKeyError::NotOnCurve);
    let with_null =
        [&[0x30, 0x2c, 0x30, 0x07, 0x06, 0x03, 0x2b, 0x65, 0x70, 5, 0, 3, 0x21, 0], [1; 32].as_slice()].concat();
    check_refused(&with_null, &PublicKeyError::UnexpectedParameters);
}

#[test]
fn a_key_has_one_encoding() {
    let (_, good) = ed25519();
    check_malformed(&[good.spki_der(), &[0]].concat());
    check_malformed(&good.spki_der()[..43]);
    // A length in two octets where one is enough.
    check_malformed(&[&[0x30, 0x81, 0x2a], &good.spki_der()[2..]].concat());
    let mut unused = good.spki_der().to_vec();
    unused[11] = 1;
    unused[43] &= 0xfe;
    check_refused(&unused, &PublicKeyError::UnusedBits { bits: 1 });
}
