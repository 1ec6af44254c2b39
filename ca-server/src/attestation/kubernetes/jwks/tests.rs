//! Which key sets, and which keys of them, are used: T-07, T-13, T-25.

use pki_test_fixtures::cluster::{Algorithm as Kind, Cluster, TokenKey};
use pki_test_fixtures::weak::curve::{Curve, CurveKey};
use pki_test_fixtures::weak::rsa::RsaKey;
use serde_json::{Value, json};

use super::*;
use crate::attestation::kubernetes::Algorithm;

fn parse(value: &Value) -> Result<Jwks, JwksFlaw> {
    Jwks::parse(value.to_string().as_bytes())
}

fn base64url(octets: &[u8]) -> String {
    pki_test_fixtures::jws::base64url(octets)
}

/// A set of one key is read, and the key itself refused.
#[track_caller]
fn check_key(jwk: &Value, flaw: &KeyFlaw) {
    let kid = jwk["kid"].as_str().unwrap();
    let keys = parse(&json!({ "keys": [jwk] })).unwrap();
    assert_eq!(keys.key(kid).unwrap().map(|_| ()), Err(flaw));
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> Value {
    json!({ "kty": "RSA", "kid": "k", "use": "sig", "alg": "RS256", "n": base64url(modulus), "e": base64url(exponent) })
}

/// An odd number of exactly this many bits.
fn modulus(bits: usize) -> Vec<u8> {
    let mut octets = vec![0xff; bits.div_ceil(8)];
    octets[0] = 0xff >> (octets.len() * 8 - bits);
    octets
}

#[test]
fn sets_of_clusters_are_read() {
    let mut cluster = Cluster::new(Kind::Rs256);
    let first = cluster.key().kid().to_owned();
    cluster.rotate(Kind::Es256);
    let keys = Jwks::parse(cluster.jwks().as_bytes()).unwrap();
    assert_eq!(keys.key_ids().count(), 2);
    assert_eq!(keys.key(&first).unwrap().unwrap().algorithm(), Algorithm::Rs256);
    assert_eq!(keys.key(cluster.key().kid()).unwrap().unwrap().algorithm(), Algorithm::Es256);
    assert!(keys.key("").is_none() && keys.key(&first.to_uppercase()).is_none());
    assert!(Jwks::parse(b"{\"keys\":[]}").unwrap().key(&first).is_none());
}

/// T-07: by their length alone, before any arithmetic: 65,536 bits are refused at once.
#[test]
fn rsa_keys_of_the_wrong_length() {
    for bits in [512, 1024, 2047, 4097, 8192, 65_536] {
        check_key(&rsa(&modulus(bits), &[1, 0, 1]), &KeyFlaw::RsaBits { bits });
    }
    for bits in [2048, 3072, 4096] {
        assert!(parse(&json!({ "keys": [rsa(&modulus(bits), &[1, 0, 1])] })).unwrap().key("k").unwrap().is_ok());
    }
    // Zeros before the number do not lengthen it.
    check_key(&rsa(&[vec![0; 128], modulus(1024)].concat(), &[1, 0, 1]), &KeyFlaw::RsaBits { bits: 1024 });
    check_key(&rsa(&[0; 256], &[1, 0, 1]), &KeyFlaw::RsaBits { bits: 0 });
}

#[test]
fn rsa_keys_that_are_odd_in_another_way() {
    let mut even = modulus(2048);
    even[255] = 0xfe;
    check_key(&rsa(&even, &[1, 0, 1]), &KeyFlaw::RsaEven);
    for exponent in [&[3][..], &[1], &[1, 0, 0], &[0, 1, 0, 1], &[0xff; 256]] {
        check_key(&rsa(&modulus(2048), exponent), &KeyFlaw::RsaExponent);
    }
    check_key(&rsa(&[], &[1, 0, 1]), &KeyFlaw::Member { member: "n" });
    let mut padded = rsa(&modulus(2048), &[1, 0, 1]);
    padded["e"] = json!("AQAB=");
    check_key(&padded, &KeyFlaw::Member { member: "e" });
    let weak = RsaKey::generate(1024, 65_537);
    check_key(&rsa(&weak.modulus(), &weak.exponent()), &KeyFlaw::RsaBits { bits: 1024 });
}

#[test]
fn ec_keys_that_are_none() {
    let mut jwk = TokenKey::generate(Kind::Es256).jwk();
    jwk["kid"] = json!("k");
    let with = |member: &str, value: Value| {
        let mut other = jwk.clone();
        other[member] = value;
        other
    };
    let spki = CurveKey::generate(Curve::p256()).spki_off_the_curve();
    let point = &spki[spki.len() - 64..];
    let mut beside = with("x", json!(base64url(&point[..32])));
    beside["y"] = json!(base64url(&point[32..]));
    check_key(&beside, &KeyFlaw::Point);
    check_key(&with("x", json!(base64url(&[0; 32]))), &KeyFlaw::Point);
    check_key(&with("y", json!(base64url(&[0xff; 32]))), &KeyFlaw::Point);
    check_key(&with("x", json!(base64url(&[1; 31]))), &KeyFlaw::Point);
    check_key(&with("x", json!(base64url(&[1; 33]))), &KeyFlaw::Point);
    check_key(&with("y", json!(null)), &KeyFlaw::Member { member: "y" });
    check_key(&with("crv", json!("P-384")), &KeyFlaw::Kind { kind: Shown::of("P-384") });
    check_key(&with("crv", json!("secp256k1")), &KeyFlaw::Kind { kind: Shown::of("secp256k1") });
}

/// T-22: what the set says of a key's purpose binds.
#[test]
fn keys_for_something_else() {
    let mut jwk = TokenKey::generate(Kind::Es256).jwk();
    jwk["kid"] = json!("k");
    let with = |member: &str, value: Value| {
        let mut other = jwk.clone();
        other[member] = value;
        other
    };
    for purpose in [json!("enc"), json!("SIG"), json!(null), json!(["sig"])] {
        check_key(&with("use", purpose), &KeyFlaw::Use);
    }
    check_key(&with("key_ops", json!(["sign", "wrapKey"])), &KeyFlaw::Use);
    check_key(&with("key_ops", json!("verify")), &KeyFlaw::Use);
    let algorithm = |found: &str| KeyFlaw::Algorithm { found: Shown::of(found), wanted: Algorithm::Es256 };
    check_key(&with("alg", json!("RS256")), &algorithm("RS256"));
    check_key(&with("alg", json!("none")), &algorithm("none"));
    check_key(&with("alg", json!(1)), &algorithm("no text"));
    check_key(
        &json!({ "kty": "OKP", "kid": "k", "crv": "Ed25519", "x": "AA" }),
        &KeyFlaw::Kind { kind: Shown::of("OKP") },
    );
    check_key(&json!({ "kid": "k" }), &KeyFlaw::Kind { kind: Shown::of("missing") });
}

#[test]
fn sets_that_are_refused_as_a_whole() {
    let jwk = TokenKey::generate(Kind::Es256).jwk();
    let kid = Shown::of(jwk["kid"].as_str().unwrap());
    for no_keys in [json!({}), json!({ "keys": {} }), json!({ "keys": [1] }), json!({ "Keys": [] })] {
        assert_eq!(parse(&no_keys).unwrap_err(), JwksFlaw::NoKeys, "{no_keys}");
    }
    assert_eq!(parse(&json!({ "keys": [jwk, jwk] })).unwrap_err(), JwksFlaw::Twice { kid });
    let private = TokenKey::generate(Kind::Es256).private_jwk();
    assert_eq!(parse(&json!({ "keys": [jwk, private] })).unwrap_err(), JwksFlaw::Private);
    let secret = json!({ "kty": "oct", "kid": "k", "k": "c2VjcmV0" });
    assert_eq!(parse(&json!({ "keys": [secret] })).unwrap_err(), JwksFlaw::Private);
    let many: Vec<Value> = (0..65).map(|n| json!({ "kty": "EC", "kid": n.to_string() })).collect();
    assert_eq!(parse(&json!({ "keys": many })).unwrap_err(), JwksFlaw::TooMany { found: 65, limit: 64 });
    assert_eq!(parse(&json!({ "keys": many[..64] })).unwrap().key_ids().count(), 64);
    let long = vec![b' '; MAX_JWKS_OCTETS + 1];
    assert_eq!(Jwks::parse(&long).unwrap_err(), JwksFlaw::TooLong { octets: long.len(), limit: MAX_JWKS_OCTETS });
    let twice = format!(r#"{{"keys":[{jwk}],"keys":[]}}"#);
    assert!(matches!(Jwks::parse(twice.as_bytes()).unwrap_err(), JwksFlaw::Json(_)));
}

/// T-23: a key whose id no token can name is not there.
#[test]
fn keys_without_an_id() {
    let mut jwk = TokenKey::generate(Kind::Es256).jwk();
    for kid in [json!(null), json!(""), json!(7), json!("a b"), json!("k".repeat(257))] {
        jwk["kid"] = kid;
        assert_eq!(parse(&json!({ "keys": [jwk] })).unwrap().key_ids().count(), 0);
    }
    jwk["kid"] = json!("k".repeat(256));
    assert_eq!(parse(&json!({ "keys": [jwk] })).unwrap().key_ids().count(), 1);
}
