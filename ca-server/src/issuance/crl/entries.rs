//! The entries of a CRL: serial, time, reason. Knows their encoding, for many at once; knows no frame around them.

use super::Revoked;
use crate::issuance::encoding::{INTEGER, SEQUENCE, Time, Writer};

/// revokedCertificates, without its header. An entry takes 35 or 49 octets, so nothing in it has a long length.
pub(super) fn entries(revoked: &[Revoked]) -> Vec<u8> {
    let Some(first) = revoked.first() else { return Vec::new() };
    let mut time = Time::of(first.at);
    let mut writer = Writer::with_capacity(revoked.len().saturating_mul(MAX_ENTRY_OCTETS));
    for revoked in revoked {
        time = time.then(revoked.at);
        let (serial, time) = (revoked.serial.der_content(), time.element());
        let reason = revoked.reason.code();
        let extensions = if reason.is_some() { REASON.len() + 1 } else { 0 };
        writer.header(SEQUENCE, 2 + serial.len() + time.len() + extensions);
        writer.element(INTEGER, serial).raw(time);
        // RFC 5280, section 5.3.1: unspecified (0) is said by saying nothing.
        if let Some(code) = reason {
            writer.raw(REASON).raw(&[code]);
        }
    }
    writer.into_octets()
}

/// crlEntryExtensions with one reasonCode (RFC 5280, section 5.3.1), but for its last octet.
const REASON: &[u8] = b"\x30\x0c\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01";

/// SEQUENCE header 2, serial 18, GeneralizedTime 17, reason 14.
const MAX_ENTRY_OCTETS: usize = 51;
