//! The to-be-signed octets of a leaf, from what it is to say. Knows the X509-SVID profile; reads no request.

use identity::{Serial, SpiffeId, Timestamp};

use super::encoding::{INTEGER, OCTET_STRING, SEQUENCE, Writer, constructed, primitive};
use super::issuer::Issuer;
use super::profile::{LEAF_BASIC_CONSTRAINTS, LEAF_KEY_USAGE, LEAF_PURPOSES, MAX_LEAF_OCTETS, id};
use crate::public_key::PublicKey;

/// All that a leaf says, and nothing else.
pub(super) struct Leaf<'a> {
    pub(super) issuer: &'a Issuer,
    pub(super) serial: Serial,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    pub(super) key: &'a PublicKey,
    pub(super) spiffe_id: &'a SpiffeId,
    pub(super) dns_names: &'a [String],
    pub(super) crl_url: &'a str,
}

impl Leaf<'_> {
    /// TBSCertificate: RFC 5280, section 4.1.2.
    pub(super) fn to_be_signed(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(MAX_LEAF_OCTETS / 8);
        writer.nested(SEQUENCE, |tbs| {
            head(tbs, &self.serial, self.issuer.authority().algorithm_der(), self.issuer.authority().name_der());
            validity(tbs, self.not_before, self.not_after);
            tbs.raw(EMPTY_NAME).raw(self.key.spki_der());
            tbs.nested(constructed(3), |explicit| {
                explicit.nested(SEQUENCE, |extensions| self.write_extensions(extensions));
            });
        });
        writer.into_octets()
    }

    fn write_extensions(&self, extensions: &mut Writer) {
        extensions.raw(self.issuer.authority_key_identifier());
        subject_key_identifier(extensions, self.key);
        extensions.raw(LEAF_KEY_USAGE).raw(LEAF_BASIC_CONSTRAINTS).raw(LEAF_PURPOSES);
        // The subject is empty, so the names are critical (RFC 5280, section 4.2.1.6).
        extension(extensions, id::SUBJECT_ALT_NAME, CRITICAL, |value| {
            value.nested(SEQUENCE, |names| {
                names.element(URI, self.spiffe_id.as_str().as_bytes());
                for name in self.dns_names {
                    names.element(DNS_NAME, name.as_bytes());
                }
            });
        });
        // One distribution point with one name, no reasons and no other issuer (RFC 5280, section 4.2.1.13).
        extension(extensions, id::CRL_DISTRIBUTION_POINTS, NOT_CRITICAL, |value| {
            value.nested(SEQUENCE, |points| {
                points.nested(SEQUENCE, |point| {
                    point.nested(constructed(0), |name| {
                        name.nested(constructed(0), |full| {
                            full.element(URI, self.crl_url.as_bytes());
                        });
                    });
                });
            });
        });
        extensions.raw(self.issuer.authority_information());
    }
}

/// version, serialNumber, signature, issuer.
pub(super) fn head(tbs: &mut Writer, serial: &Serial, algorithm: &[u8], issuer: &[u8]) {
    tbs.raw(VERSION_3).element(INTEGER, serial.der_content()).raw(algorithm).raw(issuer);
}

/// validity.
pub(super) fn validity(tbs: &mut Writer, not_before: Timestamp, not_after: Timestamp) {
    tbs.nested(SEQUENCE, |validity| {
        validity.time(not_before).time(not_after);
    });
}

/// Extension ::= SEQUENCE { extnID, critical DEFAULT FALSE, extnValue OCTET STRING }: RFC 5280, section 4.1.
pub(super) fn extension(extensions: &mut Writer, id: &[u8], critical: &[u8], write: impl FnOnce(&mut Writer)) {
    extensions.nested(SEQUENCE, |extension| {
        extension.element(OBJECT_IDENTIFIER, id).raw(critical).nested(OCTET_STRING, write);
    });
}

/// subjectKeyIdentifier: RFC 5280, section 4.2.1.2, by RFC 7093, section 2, method 1.
pub(super) fn subject_key_identifier(extensions: &mut Writer, key: &PublicKey) {
    extension(extensions, id::SUBJECT_KEY_IDENTIFIER, NOT_CRITICAL, |value| {
        value.element(OCTET_STRING, key.identifier().as_bytes());
    });
}

/// A critical extension says so.
pub(super) const CRITICAL: &[u8] = &[0x01, 0x01, 0xff];
/// One that is not says nothing: DER leaves a default out (X.690, section 11.5).
pub(super) const NOT_CRITICAL: &[u8] = &[];
/// GeneralName: uniformResourceIdentifier [6].
pub(super) const URI: u8 = primitive(6);
/// GeneralName: dNSName [2].
const DNS_NAME: u8 = primitive(2);
const OBJECT_IDENTIFIER: u8 = 0x06;
/// `[0] EXPLICIT INTEGER 2`.
const VERSION_3: &[u8] = &[0xa0, 0x03, 0x02, 0x01, 0x02];
/// A Name without parts.
const EMPTY_NAME: &[u8] = &[0x30, 0x00];
