//! The entries of a CRL: serial, time, reason. Knows their encoding, for many at once; knows no frame around them.

use super::Revoked;
use crate::issuance::encoding::{INTEGER, SEQUENCE, Time};

/// revokedCertificates, without its header. An entry takes at most 51 octets, so nothing in it has a long length.
pub(super) fn entries(revoked: &[Revoked]) -> Vec<u8> {
    let Some(first) = revoked.first() else { return Vec::new() };
    let mut time = Time::of(first.at);
    let mut octets = Vec::with_capacity(revoked.len().saturating_mul(MAX_ENTRY_OCTETS));
    for revoked in revoked {
        time = time.then(revoked.at);
        // RFC 5280, section 5.3.1: unspecified (0) is said by saying nothing.
        let (reason, code): (&[u8], &[u8]) = match &revoked.reason.code() {
            Some(code) => (REASON, &[*code]),
            None => (&[], &[]),
        };
        let (serial, time) = (revoked.serial.der_content(), time.element());
        let serial_header = [INTEGER, short(serial.len())];
        let content = serial_header.len() + serial.len() + time.len() + reason.len() + code.len();
        octets.extend_from_slice(&[SEQUENCE, short(content)]);
        octets.extend_from_slice(&serial_header);
        octets.extend_from_slice(serial);
        octets.extend_from_slice(time);
        octets.extend_from_slice(reason);
        octets.extend_from_slice(code);
    }
    octets
}

/// A length below 128, which is its own encoding (X.690, section 8.1.3.4).
fn short(length: usize) -> u8 {
    u8::try_from(length).unwrap_or(u8::MAX)
}

/// crlEntryExtensions with one reasonCode (RFC 5280, section 5.3.1), but for its last octet.
const REASON: &[u8] = b"\x30\x0c\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01";

/// SEQUENCE header 2, serial 18, GeneralizedTime 17, reason 14.
const MAX_ENTRY_OCTETS: usize = 51;
