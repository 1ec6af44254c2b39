//! DER by hand (X.690), for what no builder agrees to write. Knows tags and lengths; checks nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// One element: identifier octet, shortest length, content.
#[must_use]
pub fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let octets: Vec<u8> = content.len().to_be_bytes().into_iter().skip_while(|octet| *octet == 0).collect();
            out.push(0x80 | u8::try_from(octets.len()).expect("eight octets at most"));
            out.extend(octets);
        }
    }
    out.extend_from_slice(content);
    out
}

/// SEQUENCE of the given elements.
#[must_use]
pub fn sequence(elements: &[&[u8]]) -> Vec<u8> {
    element(0x30, &elements.concat())
}

/// SET of the given elements, in the order given.
#[must_use]
pub fn set(elements: &[&[u8]]) -> Vec<u8> {
    element(0x31, &elements.concat())
}

/// INTEGER of a magnitude, never negative.
#[must_use]
pub fn integer(magnitude: &[u8]) -> Vec<u8> {
    let mut content: Vec<u8> = magnitude.iter().copied().skip_while(|octet| *octet == 0).collect();
    if content.first().is_none_or(|first| *first >= 0x80) {
        content.insert(0, 0);
    }
    element(0x02, &content)
}

/// OBJECT IDENTIFIER.
#[must_use]
pub fn oid(arcs: &[u64]) -> Vec<u8> {
    let mut content = vec![u8::try_from(arcs[0] * 40 + arcs[1]).expect("the first two arcs fit one octet")];
    for arc in &arcs[2..] {
        let mut octets = vec![u8::try_from(arc & 0x7f).expect("seven bits")];
        let mut rest = arc >> 7;
        while rest > 0 {
            octets.push(0x80 | u8::try_from(rest & 0x7f).expect("seven bits"));
            rest >>= 7;
        }
        content.extend(octets.iter().rev());
    }
    element(0x06, &content)
}

/// BIT STRING without unused bits.
#[must_use]
pub fn bit_string(octets: &[u8]) -> Vec<u8> {
    element(0x03, &[&[0], octets].concat())
}

/// OCTET STRING.
#[must_use]
pub fn octet_string(octets: &[u8]) -> Vec<u8> {
    element(0x04, octets)
}

/// UTF8String.
#[must_use]
pub fn utf8(text: &str) -> Vec<u8> {
    element(0x0c, text.as_bytes())
}

/// BOOLEAN TRUE.
#[must_use]
pub fn yes() -> Vec<u8> {
    element(0x01, &[0xff])
}

/// NULL.
#[must_use]
pub fn null() -> Vec<u8> {
    element(0x05, &[])
}

/// The same as PEM, 64 characters to the line (RFC 7468).
#[must_use]
pub fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("base64 is ASCII")).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::{element, integer, oid};

    #[test]
    fn lengths_are_the_shortest() {
        assert_eq!(element(0x04, &[7; 127])[..2], [0x04, 0x7f]);
        assert_eq!(element(0x04, &[7; 128])[..3], [0x04, 0x81, 0x80]);
        assert_eq!(element(0x04, &[7; 256])[..4], [0x04, 0x82, 0x01, 0x00]);
    }

    #[test]
    fn integers_are_not_negative_and_the_shortest() {
        assert_eq!(integer(&[0, 0, 0x80]), [0x02, 0x02, 0x00, 0x80]);
        assert_eq!(integer(&[0, 1]), [0x02, 0x01, 0x01]);
        assert_eq!(integer(&[]), [0x02, 0x01, 0x00]);
    }

    #[test]
    fn object_identifiers_are_in_base_128() {
        assert_eq!(oid(&[1, 2, 840, 113_549, 1, 9, 7])[2..], [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 7]);
    }
}
