//! Octets that nobody chose: whatever they are, they are refused by a name and in time, and nothing panics.

use std::sync::LazyLock;

use pki_test_fixtures::cluster::Algorithm;
use proptest::prelude::*;

use super::*;
use crate::attestation::strict_json::parse_object;

/// One attestor, and a token that it takes, for all cases.
static FIXTURE: LazyLock<(KubernetesAttestor, Vec<u8>)> = LazyLock::new(|| {
    let cluster = Cluster::new(Algorithm::Es256);
    let token = cluster.token(&pod(&cluster), now()).into_bytes();
    (holding(&cluster), token)
});

/// Every value in every position of the header, the part that is read before anything else.
#[test]
fn every_octet_in_every_position_of_the_header() {
    let (attestor, token) = &*FIXTURE;
    let end = token.iter().position(|octet| *octet == b'.').unwrap();
    for at in 0..=end {
        for octet in 0..=255 {
            let mut other = token.clone();
            other[at] = octet;
            assert_eq!(attestor.attest(&other, now()).is_ok(), other == *token, "{octet:#04x} at {at}");
        }
    }
}

/// A token that is cut off anywhere, or goes on, is none.
#[test]
fn every_length() {
    let (attestor, token) = &*FIXTURE;
    for length in 0..token.len() {
        assert!(attestor.attest(&token[..length], now()).is_err(), "{length} octets");
    }
    for octet in 0..=255 {
        assert!(attestor.attest(&[token.as_slice(), &[octet]].concat(), now()).is_err(), "{octet:#04x} more");
    }
}

proptest! {
    #[test]
    fn no_octets_are_a_token(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(FIXTURE.0.attest(&octets, now()).is_err());
    }

    /// Three parts of JSON as people write it, which come further than octets at random.
    #[test]
    fn no_json_is_a_token(header in JSON, payload in JSON) {
        let token = pki_test_fixtures::jws::compact(header.as_bytes(), payload.as_bytes(), |_| vec![0; 64]);
        prop_assert!(FIXTURE.0.attest(token.as_bytes(), now()).is_err());
    }

    /// What is read as JSON, serde_json reads too, and to the same members.
    #[test]
    fn strict_json_is_json(text in JSON) {
        if let Ok(members) = parse_object(text.as_bytes()) {
            let read: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(members.len(), read.len());
            prop_assert!(read.keys().all(|name| members.contains_key(name)), "{:?} {:?}", members, read);
        }
    }

    #[test]
    fn no_octets_are_a_key_set(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Jwks::parse(&octets).is_err());
    }

    #[test]
    fn key_sets_of_any_json(text in JSON) {
        drop(Jwks::parse(format!(r#"{{"keys":[{text},{{"kty":"RSA","kid":"k","n":{text},"e":"AQAB"}}]}}"#).as_bytes()));
    }
}

/// Objects with the characters and words that matter to a reader of tokens.
const JSON: &str =
    r#"\{("(alg|kid|typ|iss|aud|exp|keys|a)":("[a-zA-Z0-9\\u.]{0,8}"|-?[0-9]{1,3}(\.[0-9])?|\[\]|null|true),?){0,5}\}"#;
