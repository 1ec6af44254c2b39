//! Names in certificates: distinguished names, and general names such as URIs. Knows their form; judges no name.

use crate::der::{
    DerError, IA5_STRING, OID, PRINTABLE_STRING, Reader, SEQUENCE, SET, UTF8_STRING, check_oid, context,
    context_constructed,
};

/// A Name: its DER, and whether it has no part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name<'a> {
    pub(super) der: &'a [u8],
    pub(super) is_empty: bool,
}

/// A GeneralName, as far as we tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GeneralName<'a> {
    Uri(&'a str),
    Dns(&'a str),
    Other,
}

/// A Name: RFC 5280 4.1.2.4. SEQUENCE OF SET OF (type, value), each set with one pair or more.
pub(super) fn name<'a>(reader: &mut Reader<'a>) -> Result<Name<'a>, DerError> {
    let element = reader.element(SEQUENCE)?;
    let mut parts = Reader::new(element.content);
    while parts.remaining() > 0 {
        let mut before: &[u8] = &[];
        parts.one_or_more(SET, |set| {
            let pair = set.element(SEQUENCE)?;
            // X.690 11.6: the elements of a SET OF stand in the order of their octets.
            if pair.whole <= before {
                return Err(DerError::Value { tag: SET });
            }
            before = pair.whole;
            let mut pair = Reader::new(pair.content);
            pair.oid()?;
            directory_string(&mut pair)?;
            pair.end()
        })?;
    }
    Ok(Name { der: element.whole, is_empty: element.content.is_empty() })
}

/// RFC 5280 4.1.2.4: PrintableString or UTF8String, and IA5String for mail addresses and domain components.
fn directory_string(reader: &mut Reader<'_>) -> Result<(), DerError> {
    let value = reader.any()?;
    let allowed = match value.tag {
        UTF8_STRING => std::str::from_utf8(value.content).is_ok(),
        PRINTABLE_STRING => value.content.iter().all(|octet| is_printable_string(*octet)),
        IA5_STRING => value.content.is_ascii(),
        _ => false,
    };
    if allowed && !value.content.is_empty() { Ok(()) } else { Err(DerError::Value { tag: value.tag }) }
}

/// GeneralNames, one or more: RFC 5280 4.2.1.6. `tag` is SEQUENCE, or the implicit tag in its place.
pub(super) fn general_names<'a>(
    reader: &mut Reader<'a>,
    tag: u8,
    mut each: impl FnMut(GeneralName<'a>) -> Result<(), DerError>,
) -> Result<(), DerError> {
    reader.one_or_more(tag, |names| each(general_name(names)?))
}

/// One GeneralName. x400Address and ediPartyName are refused: nobody makes them.
pub(super) fn general_name<'a>(reader: &mut Reader<'a>) -> Result<GeneralName<'a>, DerError> {
    let element = reader.any()?;
    let not_allowed = DerError::Value { tag: element.tag };
    let mut content = Reader::new(element.content);
    match element.tag {
        OTHER_NAME => {
            content.oid()?;
            let mut value = content.inside(context_constructed(0))?;
            value.any()?;
            value.end()?;
            content.end()?;
        }
        DIRECTORY_NAME => {
            name(&mut content)?;
            content.end()?;
        }
        DNS_NAME => return ia5(element.content).map(GeneralName::Dns).ok_or(not_allowed),
        URI => return ia5(element.content).map(GeneralName::Uri).ok_or(not_allowed),
        RFC822_NAME if ia5(element.content).is_some() => {}
        IP_ADDRESS if matches!(element.content.len(), 4 | 16) => {}
        REGISTERED_ID => check_oid(element.content).map_err(|_| DerError::Value { tag: OID })?,
        _ => return Err(not_allowed),
    }
    Ok(GeneralName::Other)
}

/// The text of an IA5String: ASCII, and not empty.
fn ia5(content: &[u8]) -> Option<&str> {
    std::str::from_utf8(content).ok().filter(|text| text.is_ascii() && !text.is_empty())
}

/// X.680 41.4.
const fn is_printable_string(octet: u8) -> bool {
    octet.is_ascii_alphanumeric()
        || matches!(octet, b' ' | b'\'' | b'(' | b')' | b'+' | b',' | b'-' | b'.' | b'/' | b':' | b'=' | b'?')
}

const OTHER_NAME: u8 = context_constructed(0);
const RFC822_NAME: u8 = context(1);
const DNS_NAME: u8 = context(2);
const DIRECTORY_NAME: u8 = context_constructed(4);
const URI: u8 = context(6);
const IP_ADDRESS: u8 = context(7);
const REGISTERED_ID: u8 = context(8);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_name(octets: &[u8], expected: Result<bool, DerError>) {
        let found = name(&mut Reader::new(octets));
        assert_eq!(found, expected.map(|is_empty| Name { der: octets, is_empty }));
    }

    #[track_caller]
    fn check_general(octets: &[u8], expected: Result<GeneralName<'_>, DerError>) {
        assert_eq!(general_name(&mut Reader::new(octets)), expected);
    }

    #[test]
    fn names() {
        check_name(b"\x30\x00", Ok(true));
        check_name(b"\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01\x78", Ok(false));
        check_name(b"\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x13\x01\x78", Ok(false));
        check_name(b"\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x13\x01\x2a", Err(DerError::Value { tag: 0x13 }));
        check_name(b"\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x0c\x01\xff", Err(DerError::Value { tag: 0x0c }));
        check_name(b"\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03\x14\x01\x78", Err(DerError::Value { tag: 0x14 }));
        check_name(b"\x30\x0b\x31\x09\x30\x07\x06\x03\x55\x04\x03\x0c\x00", Err(DerError::Value { tag: 0x0c }));
        check_name(b"\x30\x02\x31\x00", Err(DerError::Empty));
        check_name(
            b"\x30\x0e\x31\x0c\x30\x0a\x06\x03\x55\x04\x03\x0c\x01\x78\x05\x00",
            Err(DerError::Trailing { found: 2 }),
        );
    }

    #[test]
    fn pairs_of_a_set_are_in_order() {
        let x = b"\x30\x08\x06\x03\x55\x04\x03\x0c\x01\x78";
        let y = b"\x30\x08\x06\x03\x55\x04\x03\x0c\x01\x79";
        let set = |pairs: [&[u8]; 2]| [&[0x30, 22, 0x31, 20][..], &pairs.concat()].concat();
        check_name(&set([x, y]), Ok(false));
        check_name(&set([y, x]), Err(DerError::Value { tag: SET }));
        check_name(&set([x, x]), Err(DerError::Value { tag: SET }));
    }

    #[test]
    fn general() {
        check_general(b"\x86\x03a:b", Ok(GeneralName::Uri("a:b")));
        check_general(b"\x82\x01a", Ok(GeneralName::Dns("a")));
        check_general(b"\x81\x03a@b", Ok(GeneralName::Other));
        check_general(b"\x87\x04\x7f\x00\x00\x01", Ok(GeneralName::Other));
        check_general(b"\x88\x03\x55\x1d\x11", Ok(GeneralName::Other));
        check_general(b"\xa4\x02\x30\x00", Ok(GeneralName::Other));
        check_general(b"\xa0\x08\x06\x02\x2a\x03\xa0\x02\x05\x00", Ok(GeneralName::Other));
    }

    /// T-36: a general name of the wrong form is no name of another kind.
    #[test]
    fn general_of_the_wrong_form() {
        check_general(b"\x86\x00", Err(DerError::Value { tag: 0x86 }));
        check_general(b"\x86\x02\xc3\xa9", Err(DerError::Value { tag: 0x86 }));
        check_general(b"\x82\x01\xe9", Err(DerError::Value { tag: 0x82 }));
        check_general(b"\xa6\x03a:b", Err(DerError::Value { tag: 0xa6 }));
        check_general(b"\x16\x03a:b", Err(DerError::Value { tag: 0x16 }));
        check_general(b"\x87\x05\x7f\x00\x00\x01\x00", Err(DerError::Value { tag: 0x87 }));
        check_general(b"\x88\x00", Err(DerError::Value { tag: OID }));
        check_general(b"\xa3\x00", Err(DerError::Value { tag: 0xa3 }));
        check_general(b"\xa5\x00", Err(DerError::Value { tag: 0xa5 }));
        check_general(b"\x89\x01a", Err(DerError::Value { tag: 0x89 }));
        check_general(b"\xa4\x04\x30\x00\x05\x00", Err(DerError::Trailing { found: 2 }));
    }
}
