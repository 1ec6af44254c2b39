//! Object identifiers that certificates name things by. Knows their numbers; does not know what is done with them.

use std::borrow::Cow;
use std::fmt;

/// An object identifier, in dotted decimal: `2.5.29.17`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid(Cow<'static, str>);

impl Oid {
    /// The dotted decimal text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// From the content octets of its DER, which are [well-formed](crate::der::check_oid). The ones we know cost no
    /// allocation.
    pub(crate) fn of_content(content: &[u8]) -> Self {
        match KNOWN.iter().find(|(octets, _)| *octets == content) {
            Some((_, known)) => known.clone(),
            None => Self(Cow::Owned(dotted(content))),
        }
    }
}

/// X.690 8.19: base 128, seven bits in each octet; the first number holds the first two arcs.
fn dotted(content: &[u8]) -> String {
    let mut text = String::new();
    let mut arc: u128 = 0;
    for octet in content {
        // 128 bits hold any arc in use (X.667 derives arcs from UUIDs). A longer one saturates: equal to nothing known.
        arc = arc.saturating_mul(128).saturating_add(u128::from(octet & 0x7f));
        if octet & 0x80 != 0 {
            continue;
        }
        if text.is_empty() {
            let first = (arc / 40).min(2);
            text = format!("{first}.{}", arc.saturating_sub(first * 40));
        } else {
            text.push('.');
            text.push_str(&arc.to_string());
        }
        arc = 0;
    }
    text
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Declares the constants, and the table that finds them by the content octets of their DER.
macro_rules! known {
    ($($(#[$doc:meta])+ $name:ident = $text:literal, $octets:literal;)+) => {
        $($(#[$doc])+ pub const $name: Oid = Oid(Cow::Borrowed($text));)+

        const KNOWN: &[(&[u8], Oid)] = &[$(($octets, $name)),+];
    };
}

known! {
    /// authorityKeyIdentifier: RFC 5280 4.2.1.1.
    AUTHORITY_KEY_IDENTIFIER = "2.5.29.35", b"\x55\x1d\x23";
    /// subjectKeyIdentifier: RFC 5280 4.2.1.2.
    SUBJECT_KEY_IDENTIFIER = "2.5.29.14", b"\x55\x1d\x0e";
    /// keyUsage: RFC 5280 4.2.1.3.
    KEY_USAGE = "2.5.29.15", b"\x55\x1d\x0f";
    /// subjectAltName: RFC 5280 4.2.1.6.
    SUBJECT_ALT_NAME = "2.5.29.17", b"\x55\x1d\x11";
    /// basicConstraints: RFC 5280 4.2.1.9.
    BASIC_CONSTRAINTS = "2.5.29.19", b"\x55\x1d\x13";
    /// nameConstraints: RFC 5280 4.2.1.10.
    NAME_CONSTRAINTS = "2.5.29.30", b"\x55\x1d\x1e";
    /// extKeyUsage: RFC 5280 4.2.1.12.
    EXTENDED_KEY_USAGE = "2.5.29.37", b"\x55\x1d\x25";
    /// cRLDistributionPoints: RFC 5280 4.2.1.13.
    CRL_DISTRIBUTION_POINTS = "2.5.29.31", b"\x55\x1d\x1f";
    /// authorityInfoAccess: RFC 5280 4.2.2.1.
    AUTHORITY_INFO_ACCESS = "1.3.6.1.5.5.7.1.1", b"\x2b\x06\x01\x05\x05\x07\x01\x01";
    /// id-ad-caIssuers, in authorityInfoAccess: where the issuer's certificate lies.
    CA_ISSUERS = "1.3.6.1.5.5.7.48.2", b"\x2b\x06\x01\x05\x05\x07\x30\x02";
    /// id-ad-ocsp, in authorityInfoAccess: where an OCSP responder is.
    OCSP = "1.3.6.1.5.5.7.48.1", b"\x2b\x06\x01\x05\x05\x07\x30\x01";
    /// id-kp-serverAuth, in extKeyUsage.
    SERVER_AUTH = "1.3.6.1.5.5.7.3.1", b"\x2b\x06\x01\x05\x05\x07\x03\x01";
    /// id-kp-clientAuth, in extKeyUsage.
    CLIENT_AUTH = "1.3.6.1.5.5.7.3.2", b"\x2b\x06\x01\x05\x05\x07\x03\x02";
    /// id-kp-OCSPSigning, in extKeyUsage.
    OCSP_SIGNING = "1.3.6.1.5.5.7.3.9", b"\x2b\x06\x01\x05\x05\x07\x03\x09";
    /// anyExtendedKeyUsage, in extKeyUsage.
    ANY_EXTENDED_KEY_USAGE = "2.5.29.37.0", b"\x55\x1d\x25\x00";
    /// ecdsa-with-SHA256: RFC 5758 3.2.
    ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2", b"\x2a\x86\x48\xce\x3d\x04\x03\x02";
    /// id-Ed25519: RFC 8410 3. The algorithm of the key and of its signatures.
    ED25519 = "1.3.101.112", b"\x2b\x65\x70";
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::str::FromStr as _;
    use x509_parser::asn1_rs::Oid as Oracle;

    #[test]
    fn table_and_text_agree() {
        for (octets, known) in KNOWN {
            assert_eq!(Oracle::from_str(known.as_str()).unwrap().as_bytes(), *octets, "{known}");
            assert_eq!(dotted(octets), known.as_str());
            assert_eq!(&Oid::of_content(octets), known);
        }
    }

    #[test]
    fn first_two_arcs() {
        assert_eq!(dotted(&[0x00]), "0.0");
        assert_eq!(dotted(&[0x27]), "0.39");
        assert_eq!(dotted(&[0x28]), "1.0");
        assert_eq!(dotted(&[0x4f]), "1.39");
        assert_eq!(dotted(&[0x50]), "2.0");
        assert_eq!(dotted(&[0x88, 0x37, 0x03]), "2.999.3");
    }

    proptest! {
        #[test]
        fn unknown_ones_have_the_text_that_others_give(arcs in prop::collection::vec(any::<u64>(), 1..8)) {
            let text = arcs.iter().fold("1.3".to_owned(), |text, arc| format!("{text}.{arc}"));
            let oracle = Oracle::from_str(&text).unwrap();
            prop_assert_eq!(Oid::of_content(oracle.as_bytes()).to_string(), text);
        }
    }
}
