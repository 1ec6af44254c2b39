//! Requests that are sound and ask for more than a key (T-04, T-35, T-36). Only the public key may ever be taken
//! from them: whatever else they say must stand in no certificate.

use super::RequestForger;
use crate::der;
use crate::forger::flaws;

flaws! {
    /// Names and extensions that must not reach a certificate (T-04, T-35, T-36).
    RequestForger, smuggled:

    /// CA:TRUE.
    fn asks_to_be_an_authority(&self) { self.extension(&[2, 5, 29, 19], &der::sequence(&[&der::yes()])) }
    /// keyCertSign and cRLSign.
    fn asks_to_sign_certificates(&self) { self.extension(&[2, 5, 29, 15], &der::element(0x03, &[1, 0x06])) }
    /// OCSPSigning.
    fn asks_to_sign_ocsp(&self) { self.usage(&[1, 3, 6, 1, 5, 5, 7, 3, 9]) }
    /// anyExtendedKeyUsage.
    fn asks_for_any_usage(&self) { self.usage(&[2, 5, 29, 37, 0]) }
    /// codeSigning.
    fn asks_to_sign_code(&self) { self.usage(&[1, 3, 6, 1, 5, 5, 7, 3, 3]) }
    /// nameConstraints.
    fn asks_for_name_constraints(&self) {
        let subtree = der::sequence(&[&der::element(0x82, b"canary.example.org")]);
        self.extension(&[2, 5, 29, 30], &der::sequence(&[&der::element(0xa0, &subtree)]))
    }
    /// A CRL distribution point of its own.
    fn asks_for_another_crl(&self) {
        let name = der::element(0xa0, &der::element(0xa0, &der::element(0x86, CANARY_URL)));
        self.extension(&[2, 5, 29, 31], &der::sequence(&[&der::sequence(&[&name])]))
    }
    /// Authority information access of its own.
    fn asks_for_another_issuer_url(&self) {
        let at = der::sequence(&[&der::oid(&[1, 3, 6, 1, 5, 5, 7, 48, 1]), &der::element(0x86, CANARY_URL)]);
        self.extension(&[1, 3, 6, 1, 5, 5, 7, 1, 1], &der::sequence(&[&at]))
    }
    /// The poison extension of Certificate Transparency (RFC 6962, section 3.1).
    fn asks_for_poison(&self) { self.extension(&[1, 3, 6, 1, 4, 1, 11129, 2, 4, 3], &der::null()) }
    /// ocsp-nocheck (RFC 6960, section 4.2.2.2.1).
    fn asks_for_no_ocsp_check(&self) { self.extension(&[1, 3, 6, 1, 5, 5, 7, 48, 1, 5], &der::null()) }
    /// An extension that nobody knows, critical.
    fn asks_for_an_unknown_extension(&self) { self.extension(&[1, 3, 6, 1, 4, 1, 99_999, 1], &der::utf8(CANARY)) }
    /// The same extension twice.
    fn asks_twice(&self) {
        let asked = extension(&[2, 5, 29, 19], &der::sequence(&[&der::yes()]));
        self.asking(&der::sequence(&[]), &[asked.clone(), asked])
    }

    /// The SPIFFE id of the server itself.
    fn asks_to_be_the_server(&self) { self.name(0x86, b"spiffe://example.org/brevet/server") }
    /// Another host's SPIFFE id.
    fn asks_to_be_another_host(&self) { self.name(0x86, b"spiffe://example.org/host/canary") }
    /// The trust domain itself.
    fn asks_to_be_the_trust_domain(&self) { self.name(0x86, b"spiffe://example.org") }
    /// Two SPIFFE ids.
    fn asks_for_two_ids(&self) {
        self.names(&[(0x86, b"spiffe://example.org/host/canary-a"), (0x86, b"spiffe://example.org/host/canary-b")])
    }
    /// A SPIFFE id with dot segments.
    fn asks_for_dot_segments(&self) { self.name(0x86, b"spiffe://example.org/host/../canary") }
    /// A SPIFFE id with user information.
    fn asks_for_user_information(&self) { self.name(0x86, b"spiffe://canary@example.org/host/a") }
    /// A SPIFFE id of more than 2,048 octets.
    fn asks_for_a_long_id(&self) {
        self.name(0x86, format!("spiffe://example.org/{}", "canary-".repeat(300)).as_bytes())
    }
    /// Every name below one.
    fn asks_for_a_wildcard(&self) { self.name(0x82, b"*.canary.example.org") }
    /// A DNS name with a NUL.
    fn asks_for_a_name_with_nul(&self) { self.name(0x82, b"canary.example.org\0.example.net") }
    /// A DNS name with a newline.
    fn asks_for_a_name_with_a_newline(&self) { self.name(0x82, b"canary.example.org\nDNS:example.net") }
    /// A DNS name with a letter that looks like another, and is not ASCII.
    fn asks_for_a_homoglyph(&self) { self.name(0x82, "c\u{0430}nary.example.org".as_bytes()) }
    /// An IP address (GHSA-g892-p242-8g86).
    fn asks_for_an_address(&self) { self.name(0x87, &[203, 0, 113, 66]) }
    /// A mail address.
    fn asks_for_a_mail_address(&self) { self.name(0x81, b"canary@example.org") }
    /// An x400Address, which parsers have confused with a text (CVE-2023-0286).
    fn asks_for_an_x400_address(&self) { self.name(0xa3, &der::sequence(&[&der::utf8(CANARY)])) }
    /// An ediPartyName (CVE-2020-1971).
    fn asks_for_an_edi_party(&self) { self.name(0xa5, &der::element(0xa1, &der::utf8(CANARY))) }
    /// A subject with a common name.
    fn asks_for_a_subject(&self) { self.named("canary-admin") }
    /// A subject with a NUL in the middle.
    fn asks_for_a_subject_with_nul(&self) { self.named("canary-admin\0.example.org") }
}

impl RequestForger {
    fn extension(&self, kind: &[u64], value: &[u8]) -> Vec<u8> {
        self.asking(&der::sequence(&[]), &[extension(kind, value)])
    }

    fn usage(&self, purpose: &[u64]) -> Vec<u8> {
        self.extension(&[2, 5, 29, 37], &der::sequence(&[&der::oid(purpose)]))
    }

    fn named(&self, common_name: &str) -> Vec<u8> {
        let name = der::sequence(&[&der::oid(&[2, 5, 4, 3]), &der::utf8(common_name)]);
        self.asking(&der::sequence(&[&der::set(&[&name])]), &[])
    }

    fn name(&self, tag: u8, content: &[u8]) -> Vec<u8> {
        self.names(&[(tag, content)])
    }

    fn names(&self, names: &[(u8, &[u8])]) -> Vec<u8> {
        let content: Vec<u8> = names.iter().flat_map(|(tag, content)| der::element(*tag, content)).collect();
        self.extension(&[2, 5, 29, 17], &der::element(0x30, &content))
    }
}

/// A critical extension (RFC 5280, section 4.2).
fn extension(kind: &[u64], value: &[u8]) -> Vec<u8> {
    der::sequence(&[&der::oid(kind), &der::yes(), &der::octet_string(value)])
}

/// What a test searches every certificate for.
pub const CANARY: &str = "canary";
const CANARY_URL: &[u8] = b"http://canary.example.net/";
