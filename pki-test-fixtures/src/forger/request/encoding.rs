//! Requests that are no DER, or not all of it, or say a thing twice (T-13, T-40). The key is always sound.

use super::{EXTENSION_REQUEST, RequestForger, attribute, challenge, ecdsa_sha256, info, request};
use crate::der;
use crate::forger::flaws;

flaws! {
    /// Bad encodings, and attributes that can be read in two ways.
    RequestForger, encodings:

    /// Nothing.
    fn request_is_empty(&self) { Vec::new() }
    /// The last octet is missing.
    fn request_is_truncated(&self) { self.shortened(1) }
    /// The second half is missing.
    fn request_is_half(&self) { self.shortened(self.genuine().len() / 2) }
    /// One octet follows.
    fn octet_follows(&self) { [self.genuine(), vec![0]].concat() }
    /// Another request follows.
    fn another_request_follows(&self) { [self.genuine(), self.genuine()].concat() }
    /// PEM where DER is asked for.
    fn request_is_pem(&self) { der::pem("CERTIFICATE REQUEST", &self.genuine()).into_bytes() }
    /// Indefinite length: BER, not DER.
    fn length_is_indefinite(&self) { [&[0x30, 0x80], self.content().as_slice(), &[0, 0]].concat() }
    /// The length in one octet more than it needs.
    fn length_is_not_the_shortest(&self) {
        let content = self.content();
        let [high, low] = u16::try_from(content.len()).expect("a short request").to_be_bytes();
        [&[0x30, 0x83, 0, high, low], content.as_slice()].concat()
    }
    /// 1,000 sequences in each other.
    fn sequences_are_nested(&self) { (0..1000).fold(Vec::new(), |inner, _| der::element(0x30, &inner)) }
    /// A length of four gigabytes.
    fn length_is_four_gigabytes(&self) { vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x30, 0x00] }
    /// A megabyte of subject, signed.
    fn request_has_a_megabyte(&self) {
        let name = der::sequence(&[&der::oid(&[2, 5, 4, 3]), &der::utf8(&"x".repeat(1 << 20))]);
        self.of_info(&[0], &der::sequence(&[&der::set(&[&name])]))
    }
    /// A version that does not exist (RFC 2986, section 4.1: v1 is 0).
    fn version_is_one(&self) { self.of_info(&[1], &der::sequence(&[])) }
    /// Two challengePassword attributes (T-40).
    fn challenge_stands_twice(&self) {
        self.with_attributes(&[self.challenge_attribute(), challenge(&[&der::utf8("another")])])
    }
    /// One challengePassword attribute with two values (T-40).
    fn challenge_has_two_values(&self) {
        self.with_attributes(&[challenge(&[&der::utf8(&self.challenge), &der::utf8("another")])])
    }
    /// One without a value (T-40).
    fn challenge_has_no_value(&self) { self.with_attributes(&[challenge(&[])]) }
    /// The challenge is a number (T-40).
    fn challenge_is_a_number(&self) { self.with_attributes(&[challenge(&[&der::integer(&[42])])]) }
    /// The challenge is a BMPString (T-40).
    fn challenge_is_in_utf16(&self) {
        let utf16: Vec<u8> = self.challenge.encode_utf16().flat_map(u16::to_be_bytes).collect();
        self.with_attributes(&[challenge(&[&der::element(0x1e, &utf16)])])
    }
    /// Two extensionRequest attributes (T-13).
    fn extensions_stand_twice(&self) {
        let asked = attribute(EXTENSION_REQUEST, &[&der::sequence(&[])]);
        self.with_attributes(&[self.challenge_attribute(), asked.clone(), asked])
    }
}

impl RequestForger {
    fn shortened(&self, octets: usize) -> Vec<u8> {
        let mut der = self.genuine();
        der.truncate(der.len() - octets);
        der
    }

    /// What stands inside the outermost sequence, whose header has three or four octets.
    fn content(&self) -> Vec<u8> {
        let der = self.genuine();
        let header = if der[1] == 0x81 { 3 } else { 4 };
        der[header..].to_vec()
    }

    fn of_info(&self, version: &[u8], subject: &[u8]) -> Vec<u8> {
        let info = info(version, subject, &self.key.spki(), &[self.challenge_attribute()]);
        request(&info, &ecdsa_sha256(), |body| self.key.sign(body))
    }
}
