//! Values of the extensions that we read, into facts. Knows the definitions of RFC 5280 4.2; judges no value.

use super::facts::CertificateFacts;
use super::key_usage::KeyUsage;
use super::name::{GeneralName, general_name, general_names};
use super::oid::{self, Oid};
use crate::der::{BIT_STRING, DerError, INTEGER, OCTET_STRING, Reader, SEQUENCE, context, context_constructed};
use crate::fingerprint::KeyIdentifier;

impl CertificateFacts {
    /// Reads one extension's value, to its end. What is not read here is listed with the others, for the judge.
    pub(super) fn read_value(&mut self, extension: &Oid, value: &[u8]) -> Result<(), DerError> {
        let mut reader = Reader::new(value);
        match extension {
            id if *id == oid::SUBJECT_ALT_NAME => self.subject_alt_names(&mut reader)?,
            id if *id == oid::KEY_USAGE => self.key_usage = Some(key_usage(&mut reader)?),
            id if *id == oid::EXTENDED_KEY_USAGE => self.purposes(&mut reader)?,
            id if *id == oid::BASIC_CONSTRAINTS => (self.is_authority, self.path_len) = basic_constraints(&mut reader)?,
            id if *id == oid::SUBJECT_KEY_IDENTIFIER => {
                self.subject_key = Some(key_identifier(&mut reader, OCTET_STRING)?)
            }
            id if *id == oid::AUTHORITY_KEY_IDENTIFIER => self.issuer_key = authority_key_identifier(&mut reader)?,
            id if *id == oid::CRL_DISTRIBUTION_POINTS => self.crl_points(&mut reader)?,
            id if *id == oid::AUTHORITY_INFO_ACCESS => self.authority_info_access(&mut reader)?,
            _ => return Ok(()),
        }
        reader.end()
    }

    /// RFC 5280 4.2.1.6.
    fn subject_alt_names(&mut self, reader: &mut Reader<'_>) -> Result<(), DerError> {
        general_names(reader, SEQUENCE, |name| {
            match name {
                GeneralName::Uri(uri) => self.uri_names.push(uri.to_owned()),
                GeneralName::Dns(dns) => self.dns_names.push(dns.to_owned()),
                GeneralName::Other => self.other_names = self.other_names.saturating_add(1),
            }
            Ok(())
        })
    }

    /// RFC 5280 4.2.1.12.
    fn purposes(&mut self, reader: &mut Reader<'_>) -> Result<(), DerError> {
        reader.one_or_more(SEQUENCE, |list| {
            self.extended_key_usage.push(Oid::of_content(list.oid()?));
            Ok(())
        })
    }

    /// RFC 5280 4.2.1.13: each point a full name of URIs. Points by reason or of another issuer are not followed here, and
    /// refused: whoever passed over them would miss revocations.
    fn crl_points(&mut self, reader: &mut Reader<'_>) -> Result<(), DerError> {
        reader.one_or_more(SEQUENCE, |points| {
            let mut point = points.inside(SEQUENCE)?;
            let mut point_name = point.inside(context_constructed(0))?;
            point.end()?;
            general_names(&mut point_name, context_constructed(0), |name| match name {
                GeneralName::Uri(uri) => {
                    self.crl_points.push(uri.to_owned());
                    Ok(())
                }
                GeneralName::Dns(_) | GeneralName::Other => Err(DerError::Value { tag: context_constructed(0) }),
            })?;
            point_name.end()
        })
    }

    /// RFC 5280 4.2.2.1. Other methods, and names that are no URI, are passed over.
    fn authority_info_access(&mut self, reader: &mut Reader<'_>) -> Result<(), DerError> {
        reader.one_or_more(SEQUENCE, |descriptions| {
            let mut description = descriptions.inside(SEQUENCE)?;
            let method = Oid::of_content(description.oid()?);
            let location = general_name(&mut description)?;
            description.end()?;
            match location {
                GeneralName::Uri(uri) if method == oid::CA_ISSUERS => self.issuer_urls.push(uri.to_owned()),
                GeneralName::Uri(uri) if method == oid::OCSP => self.ocsp_urls.push(uri.to_owned()),
                GeneralName::Uri(_) | GeneralName::Dns(_) | GeneralName::Other => {}
            }
            Ok(())
        })
    }
}

/// RFC 5280 4.2.1.3: nine named bits, at least one set. X.690 11.2: no zero bits at the end.
fn key_usage(reader: &mut Reader<'_>) -> Result<KeyUsage, DerError> {
    let not_allowed = DerError::Value { tag: BIT_STRING };
    let (unused, first, second) = match reader.content(BIT_STRING)? {
        [unused, first] => (*unused, *first, 0),
        [unused, first, second @ DECIPHER_ONLY] => (*unused, *first, *second),
        _ => return Err(not_allowed),
    };
    let last = if second == 0 { first } else { second };
    // The last bit that is set is the last that is used; trailing_zeros of 0 is 8, which is no count of unused bits.
    if u32::from(unused) != last.trailing_zeros() || last == 0 {
        return Err(not_allowed);
    }
    Ok(KeyUsage::from_bits(u16::from_le_bytes([first.reverse_bits(), second.reverse_bits()])))
}

/// RFC 5280 4.2.1.9: cA DEFAULT FALSE, and the length of the path below. The length is of at most four octets.
fn basic_constraints(reader: &mut Reader<'_>) -> Result<(bool, Option<u32>), DerError> {
    let mut fields = reader.inside(SEQUENCE)?;
    let is_authority = fields.boolean_default_false()?;
    let path_len = match fields.next_tag() {
        Some(INTEGER) => Some(path_len(fields.integer()?)?),
        _ => None,
    };
    fields.end()?;
    Ok((is_authority, path_len))
}

/// Not negative.
fn path_len(content: &[u8]) -> Result<u32, DerError> {
    let not_allowed = DerError::Value { tag: INTEGER };
    let mut octets = [0; 4];
    let start = octets.len().checked_sub(content.len()).ok_or(not_allowed)?;
    octets.get_mut(start..).ok_or(not_allowed)?.copy_from_slice(content);
    match content {
        [0..=0x7f, ..] => Ok(u32::from_be_bytes(octets)),
        _ => Err(not_allowed),
    }
}

/// RFC 5280 4.2.1.2: the identifiers that we know have 160 bits (RFC 7093 methods 1 to 3, RFC 5280 method 1).
fn key_identifier(reader: &mut Reader<'_>, tag: u8) -> Result<KeyIdentifier, DerError> {
    let octets = reader.content(tag)?.try_into().map_err(|_| DerError::Value { tag })?;
    Ok(KeyIdentifier::from_bytes(octets))
}

/// RFC 5280 4.2.1.1: keyIdentifier, and, both or neither, the issuer's names and serial number, which we do not use.
fn authority_key_identifier(reader: &mut Reader<'_>) -> Result<Option<KeyIdentifier>, DerError> {
    let mut fields = reader.inside(SEQUENCE)?;
    let key = match fields.next_tag() {
        Some(KEY_IDENTIFIER) => Some(key_identifier(&mut fields, KEY_IDENTIFIER)?),
        _ => None,
    };
    if fields.next_tag() == Some(AUTHORITY_NAMES) {
        general_names(&mut fields, AUTHORITY_NAMES, |_| Ok(()))?;
        fields.content(AUTHORITY_SERIAL)?;
    }
    fields.end()?;
    Ok(key)
}

/// The ninth bit of keyUsage, decipherOnly, is the first of a second octet: RFC 5280 4.2.1.3.
const DECIPHER_ONLY: u8 = 0x80;

const KEY_IDENTIFIER: u8 = context(0);
const AUTHORITY_NAMES: u8 = context_constructed(1);
const AUTHORITY_SERIAL: u8 = context(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T>(read: impl Fn(&mut Reader<'_>) -> Result<T, DerError>, octets: &[u8]) -> Result<T, DerError> {
        let mut reader = Reader::new(octets);
        let value = read(&mut reader)?;
        reader.end().map(|()| value)
    }

    #[track_caller]
    fn check_usage(octets: &[u8], bits: u16) {
        assert_eq!(read(key_usage, octets), Ok(KeyUsage::from_bits(bits)));
    }

    #[test]
    fn key_usages() {
        check_usage(b"\x03\x02\x07\x80", 0b1);
        check_usage(b"\x03\x02\x01\x06", 0b110_0000);
        check_usage(b"\x03\x02\x00\x01", 0b1000_0000);
        check_usage(b"\x03\x03\x07\x08\x80", 0b1_0001_0000);
        check_usage(b"\x03\x03\x07\x00\x80", 0b1_0000_0000);
    }

    /// Of all values with one content octet, 128 are DER: one per octet that is not zero has one count of unused bits.
    #[test]
    fn key_usage_has_one_encoding() {
        let mut accepted = 0;
        for unused in 0..=255_u8 {
            for octet in 0..=255_u8 {
                if read(key_usage, &[0x03, 0x02, unused, octet]).is_ok() {
                    assert!(octet & (1 << unused) != 0 && octet & ((1_u16 << unused) - 1).to_le_bytes()[0] == 0);
                    accepted += 1;
                }
            }
        }
        assert_eq!(accepted, 255);
        for octets in [
            &b"\x03\x00"[..],
            b"\x03\x01\x00",
            b"\x03\x03\x06\x80\x40",
            b"\x03\x03\x07\x80\x00",
            b"\x03\x04\x07\x80\x80\x80",
        ] {
            assert_eq!(read(key_usage, octets), Err(DerError::Value { tag: BIT_STRING }));
        }
    }

    #[test]
    fn basic() {
        assert_eq!(read(basic_constraints, b"\x30\x00"), Ok((false, None)));
        assert_eq!(read(basic_constraints, b"\x30\x03\x01\x01\xff"), Ok((true, None)));
        assert_eq!(read(basic_constraints, b"\x30\x06\x01\x01\xff\x02\x01\x00"), Ok((true, Some(0))));
        assert_eq!(read(basic_constraints, b"\x30\x03\x02\x01\x05"), Ok((false, Some(5))));
        let largest = b"\x30\x09\x01\x01\xff\x02\x04\x7f\xff\xff\xff";
        assert_eq!(read(basic_constraints, largest), Ok((true, Some(0x7fff_ffff))));
    }

    #[test]
    fn basic_of_another_encoding() {
        let integer = DerError::Value { tag: INTEGER };
        assert_eq!(read(basic_constraints, b"\x30\x03\x01\x01\x00"), Err(DerError::Value { tag: 0x01 }));
        assert_eq!(read(basic_constraints, b"\x30\x03\x02\x01\xff"), Err(integer));
        assert_eq!(read(basic_constraints, b"\x30\x07\x02\x05\x00\xff\xff\xff\xff"), Err(integer));
        assert_eq!(read(basic_constraints, b"\x30\x04\x02\x02\x00\x05"), Err(integer));
        assert_eq!(read(basic_constraints, b"\x30\x02\x05\x00"), Err(DerError::Trailing { found: 2 }));
        assert_eq!(read(basic_constraints, b"\x30\x00\x05\x00"), Err(DerError::Trailing { found: 2 }));
    }

    #[test]
    fn authority_keys() {
        let key = |tag| [&[tag, 20][..], &[7; 20]].concat();
        let sequence = |content: &[u8]| [&[0x30, content.len().try_into().unwrap()], content].concat();
        let expected = Ok(Some(KeyIdentifier::from_bytes([7; 20])));
        assert_eq!(read(authority_key_identifier, &sequence(&key(0x80))), expected);
        let with_serial = [&key(0x80)[..], b"\xa1\x04\xa4\x02\x30\x00\x82\x01\x05"].concat();
        assert_eq!(read(authority_key_identifier, &sequence(&with_serial)), expected);
        assert_eq!(read(authority_key_identifier, b"\x30\x00"), Ok(None));
        assert_eq!(read(authority_key_identifier, b"\x30\x03\x80\x01\x07"), Err(DerError::Value { tag: 0x80 }));
        let without_serial = [&key(0x80)[..], b"\xa1\x04\xa4\x02\x30\x00"].concat();
        assert_eq!(read(authority_key_identifier, &sequence(&without_serial)), Err(DerError::Truncated));
    }
}
