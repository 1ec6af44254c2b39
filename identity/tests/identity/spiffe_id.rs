//! SPIFFE-ID section 2 against an oracle written another way: every octet value in every position.

use std::collections::{BTreeSet, HashSet};

use identity::{SpiffeId, TrustDomain, is_path_character};
use proptest::prelude::*;

const DOMAIN: &str = "abcdefghijklmnopqrstuvwxyz0123456789.-_";
const SEGMENT: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
const SAMPLES: [&str; 5] = [
    "spiffe://example.org",
    "spiffe://e.-_9/a",
    "spiffe://example.org/Ab1/.-_/...",
    "spiffe://a/.a/b..",
    "spiffe://a/-/_",
];

/// Whether a text is a SPIFFE id: SPIFFE-ID 2 to 2.3, as one expression over the text split at its slashes.
pub(crate) fn allowed(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    let [scheme, nothing, domain, segments @ ..] = parts.as_slice() else { return false };
    text.len() <= 2048
        && *scheme == "spiffe:"
        && nothing.is_empty()
        && allowed_domain(domain)
        && segments.iter().all(|segment| allowed_segment(segment))
}

fn allowed_domain(domain: &str) -> bool {
    !domain.is_empty() && domain.len() < 256 && domain.chars().all(|character| DOMAIN.contains(character))
}

fn allowed_segment(segment: &str) -> bool {
    !["", ".", ".."].contains(&segment) && segment.chars().all(|character| SEGMENT.contains(character))
}

#[track_caller]
fn check(text: &str) {
    let parsed = SpiffeId::parse(text);
    assert_eq!(parsed.is_ok(), allowed(text), "{text:?}: {parsed:?}");
    if let Ok(id) = parsed {
        assert_eq!(id.as_str(), text);
        assert_eq!(format!("spiffe://{}{}", id.trust_domain(), id.path()), text);
        assert_eq!(SpiffeId::from_path(id.trust_domain(), id.path()), Ok(id));
    }
}

/// Characters U+0000 to U+00FF: all 128 octets of ASCII, and 128 characters of two octets. (Octets that are no UTF-8 do not
/// get as far as a text: `encoding::every_octet_of_the_id` puts them into a certificate.)
#[test]
fn every_character_in_every_position() {
    for sample in SAMPLES {
        for position in 0..=sample.len() {
            let (before, after) = sample.split_at(position);
            for character in '\0'..='\u{ff}' {
                check(&format!("{before}{character}{after}"));
                check(&format!("{before}{character}{}", after.get(1..).unwrap_or_default()));
            }
            check(before);
            check(after);
            check(&format!("{before}{}", after.get(1..).unwrap_or_default()));
        }
    }
}

#[test]
fn every_character_in_every_position_of_a_trust_domain() {
    let sample = "ex-am_pl3.org";
    for position in 0..=sample.len() {
        let (before, after) = sample.split_at(position);
        for character in '\0'..='\u{ff}' {
            for text in [
                format!("{before}{character}{after}"),
                format!("{before}{character}{}", after.get(1..).unwrap_or_default()),
            ] {
                let parsed = TrustDomain::parse(&text);
                assert_eq!(parsed.is_ok(), allowed_domain(&text), "{text:?}: {parsed:?}");
            }
        }
    }
}

/// T-03: what a template puts into a path.
#[test]
fn every_character_in_every_position_of_a_segment() {
    for sample in ["", ".", "..", "a", "a.b-c_D9"] {
        for position in 0..=sample.len() {
            let (before, after) = sample.split_at(position);
            for character in '\0'..='\u{ff}' {
                let text = format!("{before}{character}{after}");
                assert_eq!(SpiffeId::is_segment(&text), allowed_segment(&text), "{text:?}");
                assert_eq!(SpiffeId::is_segment(&text), allowed(&format!("spiffe://a/{text}")) && !text.contains('/'));
            }
        }
        assert_eq!(SpiffeId::is_segment(sample), allowed_segment(sample));
    }
    for text in ["%2e%2e", "a/b", "*", "+", ",", "a\0b", "ａ"] {
        assert!(!SpiffeId::is_segment(text), "{text:?}");
    }
}

#[test]
fn path_characters() {
    for octet in 0..=255_u8 {
        assert_eq!(is_path_character(octet), SEGMENT.as_bytes().contains(&octet));
    }
}

#[test]
fn longest() {
    let domain = "d".repeat(255);
    let path = "p".repeat(2048 - 9 - 255 - 1);
    check(&format!("spiffe://{domain}/{path}"));
    assert!(SpiffeId::parse(&format!("spiffe://{domain}/{path}")).is_ok());
    check(&format!("spiffe://{domain}/{path}p"));
    check(&format!("spiffe://{domain}d/{}", &path[1..]));
    assert!(SpiffeId::from_path(&TrustDomain::parse(&domain).unwrap(), &format!("/{path}p")).is_err());
}

#[test]
fn paths_for_a_trust_domain() {
    let domain = TrustDomain::parse("example.org").unwrap();
    for path in ["a", "a/b", " /a", "/", "//", "/a/", "/./a", "?a", ":80/a"] {
        assert!(SpiffeId::from_path(&domain, path).is_err(), "{path:?}");
    }
    assert_eq!(SpiffeId::from_path(&domain, "").unwrap().as_str(), "spiffe://example.org");
}

/// Order, equality and hash are those of the text; a clone shares it.
#[test]
fn values() {
    let ids: Vec<SpiffeId> =
        ["spiffe://b", "spiffe://a/z", "spiffe://a.b/c", "spiffe://a"].map(|id| id.parse().unwrap()).into();
    let sorted: Vec<String> = ids.iter().collect::<BTreeSet<_>>().into_iter().map(ToString::to_string).collect();
    assert_eq!(sorted, ["spiffe://a", "spiffe://a.b/c", "spiffe://a/z", "spiffe://b"]);
    assert_eq!(ids.iter().chain(&ids.clone()).collect::<HashSet<_>>().len(), 4);
    assert!(std::ptr::eq(ids[0].as_str(), ids[0].clone().as_str()));
    assert!(std::ptr::eq(ids[0].trust_domain().as_str(), ids[0].trust_domain().clone().as_str()));
}

proptest! {
    #![proptest_config(crate::cases(256))]

    /// Texts that are nearly ids.
    #[test]
    fn near_misses(text in "(spiffe|SPIFFE|spiff)?:?/{0,3}[a-zA-Z._%@:-]{0,6}(/{0,2}[a-zA-Z0-9._%?#é-]{0,3}){0,4}/?") {
        check(&text);
    }

    #[test]
    fn ids(domain in "[a-z0-9._-]{1,20}", path in "(/[a-zA-Z0-9_-][a-zA-Z0-9._-]{0,5}){0,5}") {
        let text = format!("spiffe://{domain}{path}");
        prop_assert!(SpiffeId::parse(&text).is_ok());
        check(&text);
    }
}
