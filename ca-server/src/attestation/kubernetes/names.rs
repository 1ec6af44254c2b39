//! Names and UIDs as a Kubernetes API server admits them. Knows RFC 1123 and RFC 9562; knows no token.
//!
//! A genuine API server has already refused every other name. Checked again because a name becomes part of a SPIFFE id,
//! and because the cluster that signs may be the one that was taken over (T-03; threat P9).

/// A DNS label (RFC 1123, section 2.1): namespaces.
pub(super) fn is_label(name: &str) -> bool {
    name.len() <= MAX_LABEL_OCTETS && is_hyphenated(name)
}

/// A DNS subdomain as Kubernetes means it: labels of any length with dots between them, 253 octets together. Service
/// accounts, pods, nodes.
pub(super) fn is_subdomain(name: &str) -> bool {
    name.len() <= MAX_SUBDOMAIN_OCTETS && name.split('.').all(is_hyphenated)
}

/// Small letters and digits, hyphens between them.
fn is_hyphenated(label: &str) -> bool {
    let alphanumeric = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit();
    label.bytes().all(|octet| alphanumeric(octet) || octet == b'-')
        && label.bytes().next().is_some_and(alphanumeric)
        && label.bytes().next_back().is_some_and(alphanumeric)
}

/// A UUID in the one form that Kubernetes writes (RFC 9562, section 4), and not the nil one.
pub(super) fn is_uid(text: &str) -> bool {
    text.len() == UUID_CHARACTERS
        && text != NIL_UUID
        && text.bytes().enumerate().all(|(at, octet)| match at {
            8 | 13 | 18 | 23 => octet == b'-',
            _ => matches!(octet, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// RFC 1035, section 2.3.4.
const MAX_LABEL_OCTETS: usize = 63;
/// RFC 1035, section 2.3.4: 255 on the wire, 253 as text.
const MAX_SUBDOMAIN_OCTETS: usize = 253;
const UUID_CHARACTERS: usize = 36;
const NIL_UUID: &str = "00000000-0000-0000-0000-000000000000";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(is: impl Fn(&str) -> bool, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(is(text), "{text:?}");
        }
        for text in bad {
            assert!(!is(text), "{text:?}");
        }
    }

    const TRICKS: [&str; 19] = [
        "", ".", "..", "a/b", "../a", "%2e%2e", "a\0", "a\n", "*", "a*", "a+b", "a,b", "a:b", "A", "a b", "-a", "a-",
        "\u{0430}", "a_b",
    ];

    /// T-03.
    #[test]
    fn names() {
        check(is_label, &["a", "0", "kube-system", "a--b", &"n".repeat(63)], &TRICKS);
        check(is_label, &[], &["a.b", &"n".repeat(64)]);
        check(is_subdomain, &["a", "0.1", "api.v2-x", "ip-10-0-0-1.eu.internal", &"n".repeat(253)], &TRICKS);
        check(is_subdomain, &[], &[".a", "a.", "a..b", "a.-b", "a-.b", &"n".repeat(254)]);
    }

    #[test]
    fn every_octet_in_every_position() {
        for octet in 0..=255_u8 {
            let character = char::from(octet);
            let outer = octet.is_ascii_lowercase() || octet.is_ascii_digit();
            for (text, good) in [
                (format!("{character}aa"), outer),
                (format!("a{character}a"), outer || octet == b'-'),
                (format!("aa{character}"), outer),
            ] {
                assert_eq!(is_label(&text), good, "{text:?}");
                assert_eq!(is_subdomain(&text), good || text == "a.a", "{text:?}");
            }
        }
    }

    #[test]
    fn uids() {
        let good = "7f1c0a52-9a3b-4c5d-8e6f-0123456789ab";
        let bad = [&good.to_uppercase(), &good.replace('-', ""), &format!("{{{good}}}"), "", "1", NIL_UUID];
        check(is_uid, &[good], &bad);
        for at in 0..good.len() {
            for octet in 0..=127_u8 {
                let mut text = good.to_owned().into_bytes();
                text[at] = octet;
                let text = String::from_utf8(text).unwrap();
                let hyphen = good.as_bytes()[at] == b'-';
                let hex = matches!(octet, b'0'..=b'9' | b'a'..=b'f');
                assert_eq!(is_uid(&text), if hyphen { octet == b'-' } else { hex }, "{text}");
            }
        }
    }
}
