//! The entries of a CRL: serial, time, reason. Knows their encoding, for many at once; knows no frame around them.

use super::Revoked;
use crate::issuance::encoding::{INTEGER, SEQUENCE, Time, Writer};

/// Octets of revokedCertificates, without its header.
pub(super) fn octets(revoked: &[Revoked]) -> usize {
    revoked.iter().map(|revoked| HEADER_OCTETS + content_octets(revoked)).sum()
}

/// Writes revokedCertificates, without its header.
pub(super) fn write(writer: &mut Writer, revoked: &[Revoked]) {
    let Some(first) = revoked.first() else { return };
    let mut time = Time::of(first.at);
    for revoked in revoked {
        time = time.then(revoked.at);
        let serial = revoked.serial.der_content();
        writer.raw(&[SEQUENCE, short(content_octets(revoked)), INTEGER, short(serial.len())]);
        writer.raw(serial).raw(time.element());
        // RFC 5280, section 5.3.1: unspecified (0) is said by saying nothing.
        if let Some(code) = revoked.reason.code() {
            writer.raw(REASON).raw(&[code]);
        }
    }
}

/// An entry takes at most 51 octets, so no length in it takes more than one octet.
fn content_octets(revoked: &Revoked) -> usize {
    let reason = if revoked.reason.code().is_some() { REASON.len() + 1 } else { 0 };
    HEADER_OCTETS + revoked.serial.der_content().len() + Time::octets(revoked.at) + reason
}

/// A length below 128, which is its own encoding (X.690, section 8.1.3.4).
fn short(length: usize) -> u8 {
    u8::try_from(length).unwrap_or(u8::MAX)
}

/// crlEntryExtensions with one reasonCode (RFC 5280, section 5.3.1), but for its last octet.
const REASON: &[u8] = b"\x30\x0c\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01";

/// A tag and a short length.
const HEADER_OCTETS: usize = 2;
