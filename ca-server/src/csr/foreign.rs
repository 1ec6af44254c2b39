//! The octets of a request that must not turn up in a certificate. Knows the nesting of DER; knows no meaning of it.

use der::asn1::AnyRef;
use der::{Decode, Reader, SliceReader, Tag, Tagged};

use super::CsrError;

/// What a request holds besides its key, cut into the smallest pieces that are long enough to be searched for.
///
/// The certificate is built from other material, so none of them should ever be found. That they are searched for all
/// the same is a second wall: it does not know how the certificate is built, and so does not share its mistakes (T-35).
#[derive(Default)]
pub struct Foreign {
    pieces: Vec<Vec<u8>>,
}

impl Foreign {
    /// Cuts a DER element into pieces: the contents of each element, or of its parts where they are long enough.
    pub(super) fn collect(&mut self, element: &[u8]) -> Result<(), CsrError> {
        self.cut(element, 0).map(|_| ())
    }

    /// The first piece that stands in `octets`. A piece that is part of one of `ours` is passed over: whoever asks for
    /// exactly what they get has brought nothing foreign.
    #[must_use]
    pub fn find_in(&self, octets: &[u8], ours: &[&[u8]]) -> Option<&[u8]> {
        let foreign = |piece: &&Vec<u8>| contains(octets, piece) && !ours.iter().any(|own| contains(own, piece));
        self.pieces.iter().find(foreign).map(Vec::as_slice)
    }

    /// How many pieces there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Whether the request holds nothing but its key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Cuts one or more elements, and says whether that gave any piece.
    fn cut(&mut self, elements: &[u8], depth: usize) -> Result<bool, CsrError> {
        if depth > MAX_DEPTH {
            return Err(CsrError::TooDeep { limit: MAX_DEPTH });
        }
        let before = self.pieces.len();
        let mut reader = SliceReader::new(elements)?;
        while !reader.is_finished() {
            let element = AnyRef::decode(&mut reader)?;
            let content = element.value();
            if !self.cut_within(element, depth)? && content.len() >= MIN_PIECE_OCTETS {
                self.pieces.push(content.to_vec());
            }
        }
        Ok(self.pieces.len() > before)
    }

    fn cut_within(&mut self, element: AnyRef<'_>, depth: usize) -> Result<bool, CsrError> {
        if element.tag().is_constructed() {
            return self.cut(element.value(), depth + 1);
        }
        // What an octet string holds need not be DER: then it is one piece, as it is.
        if element.tag() == Tag::OctetString && is_der(element.value()) {
            return Ok(self.cut(element.value(), depth + 1).unwrap_or(false));
        }
        Ok(false)
    }
}

impl std::fmt::Debug for Foreign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Foreign({} pieces)", self.pieces.len())
    }
}

/// Whether octets are one element, as the octet string of an extension holds.
fn is_der(octets: &[u8]) -> bool {
    AnyRef::from_der(octets).is_ok()
}

/// The first octet is compared by itself: a request may bring hundreds of pieces, and most windows end there.
fn contains(octets: &[u8], piece: &[u8]) -> bool {
    let Some(first) = piece.first() else { return false };
    octets.windows(piece.len()).any(|window| window.first() == Some(first) && window == piece)
}

/// Shorter pieces would be found by accident: 8 octets stand somewhere in 600 random ones once in 10^16.
const MIN_PIECE_OCTETS: usize = 8;

/// Measured: the deepest part of a request of any of our fixtures, a general name within an extension, lies 8 deep.
const MAX_DEPTH: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn pieces(element: &[u8]) -> Vec<Vec<u8>> {
        let mut foreign = Foreign::default();
        foreign.collect(element).unwrap();
        foreign.pieces
    }

    #[test]
    fn a_long_string_is_a_piece() {
        assert_eq!(pieces(b"\x30\x0a\x0c\x08CN=admin"), [b"CN=admin".to_vec()]);
    }

    #[test]
    fn short_parts_stay_together() {
        // An extension: basicConstraints, critical, cA true.
        let extension = b"\x30\x0f\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x05\x30\x03\x01\x01\xff";
        assert_eq!(pieces(extension), [extension[2..].to_vec()]);
    }

    #[test]
    fn an_octet_string_is_looked_into() {
        assert_eq!(pieces(b"\x04\x0c\x30\x0a\x0c\x08CN=admin"), [b"CN=admin".to_vec()]);
    }

    #[test]
    fn an_octet_string_that_only_looks_like_der_is_one_piece() {
        assert_eq!(pieces(b"\x04\x0c\x30\x0a\x0c\xffCN=admin"), [b"\x30\x0a\x0c\xffCN=admin".to_vec()]);
    }

    #[test]
    fn nothing_long_is_no_piece() {
        assert!(pieces(b"\x30\x04\x0c\x02CN").is_empty());
    }

    #[test]
    fn a_piece_is_found_unless_it_is_ours() {
        let mut foreign = Foreign::default();
        foreign.collect(b"\x30\x0a\x0c\x08CN=admin").unwrap();
        assert_eq!(foreign.find_in(b"..CN=admin..", &[]), Some(b"CN=admin".as_slice()));
        assert_eq!(foreign.find_in(b"..CN=admin..", &[b"O=us,CN=admin"]), None);
        assert_eq!(foreign.find_in(b"..CN=admi..", &[]), None);
    }

    #[test]
    fn endless_nesting_is_refused() {
        let mut element = vec![0x30, 0x00];
        for _ in 0..MAX_DEPTH + 1 {
            element = [&[0x30, u8::try_from(element.len()).unwrap()], element.as_slice()].concat();
        }
        assert_eq!(Foreign::default().collect(&element), Err(CsrError::TooDeep { limit: MAX_DEPTH }));
    }
}
