//! BER as AWS writes it, turned into elements with one form each. Knows X.690; does not know what an element means.
//!
//! Of the freedoms that BER has over DER (X.690, section 10), two are granted, because every genuine document uses them:
//! a length that is indefinite, and an OCTET STRING in pieces. All others are refused: a length that is not the
//! shortest, tags of several octets, other strings in pieces. What was read is written again as DER by [`Element::der`],
//! so that two spellings of one value cannot be told apart by anything that comes after.

/// One element: an identifier octet, and what stands in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Element {
    /// The identifier octet (X.690, section 8.1.2): class, whether it holds elements, number.
    pub(super) tag: u8,
    /// What stands in it.
    pub(super) content: Content,
}

/// What stands in an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Octets; those of an OCTET STRING in pieces, joined.
    Octets(Vec<u8>),
    /// Elements.
    Elements(Vec<Element>),
}

/// Why octets are not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BerFlaw {
    /// More octets than anything genuine has.
    #[error("{octets} octets, {limit} are read")]
    TooLong {
        /// How many.
        octets: usize,
        /// At most.
        limit: usize,
    },
    /// The octets end within an element, or where one should begin.
    #[error("the octets end too early, at {at}")]
    Truncated {
        /// Where, in octets from 0.
        at: usize,
    },
    /// X.690, section 8.1.3: not in the shortest form, of more than four octets, or indefinite for what holds octets.
    #[error("the length at {at} is not in its shortest form, or indefinite where it must not be")]
    Length {
        /// Where.
        at: usize,
    },
    /// A tag that nothing we read has.
    #[error("the tag {tag:#04x} at {at} is not read")]
    Tag {
        /// The identifier octet.
        tag: u8,
        /// Where.
        at: usize,
    },
    /// An OCTET STRING in pieces, of which one is no OCTET STRING.
    #[error("the piece of a string at {at} is no OCTET STRING")]
    Piece {
        /// Where.
        at: usize,
    },
    /// Nested too deeply.
    #[error("nested more than {limit} deep, at {at}")]
    Deep {
        /// Where.
        at: usize,
        /// How deep it may be.
        limit: usize,
    },
    /// Something follows.
    #[error("{octets} octets follow the end")]
    Trailing {
        /// How many.
        octets: usize,
    },
}

impl Element {
    /// Reads one element and nothing after it.
    pub(super) fn read(octets: &[u8]) -> Result<Self, BerFlaw> {
        if octets.len() > MAX_OCTETS {
            return Err(BerFlaw::TooLong { octets: octets.len(), limit: MAX_OCTETS });
        }
        let mut reader = Reader { octets, at: 0 };
        let element = reader.element(MAX_DEPTH)?.ok_or(BerFlaw::Tag { tag: END_OF_CONTENTS, at: 0 })?;
        match octets.len().saturating_sub(reader.at) {
            0 => Ok(element),
            octets => Err(BerFlaw::Trailing { octets }),
        }
    }

    /// The octets, where it is a `tag` that holds octets.
    pub(super) fn octets(&self, tag: u8) -> Option<&[u8]> {
        match &self.content {
            Content::Octets(octets) if self.tag == tag => Some(octets),
            Content::Octets(_) | Content::Elements(_) => None,
        }
    }

    /// The elements, where it is a `tag` that holds elements.
    pub(super) fn elements(&self, tag: u8) -> Option<&[Self]> {
        match &self.content {
            Content::Elements(elements) if self.tag == tag => Some(elements),
            Content::Octets(_) | Content::Elements(_) => None,
        }
    }

    /// The element in DER, as far as tags and lengths go.
    pub(super) fn der(&self) -> Vec<u8> {
        match &self.content {
            Content::Octets(octets) => der(self.tag, octets),
            Content::Elements(elements) => der(self.tag, &elements.iter().flat_map(Self::der).collect::<Vec<_>>()),
        }
    }
}

/// SET OF in DER: the encodings in ascending order (X.690, section 11.6).
pub(super) fn set_of(elements: &[Element]) -> Vec<u8> {
    let mut encodings: Vec<Vec<u8>> = elements.iter().map(Element::der).collect();
    encodings.sort_unstable();
    der(SET, &encodings.concat())
}

/// Tag, shortest length (X.690, section 10.1), content.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let mut out = vec![tag];
    match length.iter().position(|octet| *octet != 0).and_then(|first| length.get(first..)) {
        None => out.push(0),
        Some([short @ 0..=0x7f]) => out.push(*short),
        Some(long) => {
            out.push(LONG_FORM | u8::try_from(long.len()).unwrap_or(u8::MAX));
            out.extend_from_slice(long);
        }
    }
    out.extend_from_slice(content);
    out
}

struct Reader<'a> {
    octets: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// The next element; `None` where it is the end of contents.
    fn element(&mut self, depth_left: usize) -> Result<Option<Element>, BerFlaw> {
        let at = self.at;
        let tag = self.octet()?;
        if tag == END_OF_CONTENTS {
            return match self.octet()? {
                0 => Ok(None),
                _ => Err(BerFlaw::Tag { tag, at }),
            };
        }
        if !is_read(tag) {
            return Err(BerFlaw::Tag { tag, at });
        }
        let depth_left = depth_left.checked_sub(1).ok_or(BerFlaw::Deep { at, limit: MAX_DEPTH })?;
        let end = self.length(tag)?;
        if tag & CONSTRUCTED == 0 {
            let end = end.ok_or(BerFlaw::Length { at })?;
            return Ok(Some(Element { tag, content: Content::Octets(self.take(end)?) }));
        }
        let mut elements = Vec::new();
        while end.is_none_or(|end| self.at < end) {
            // X.690, section 8.7.3, allows pieces in pieces; nothing genuine has them.
            if tag == PIECES && !matches!(self.octets.get(self.at), None | Some(&(OCTET_STRING | END_OF_CONTENTS))) {
                return Err(BerFlaw::Piece { at: self.at });
            }
            match (self.element(depth_left)?, end) {
                (Some(element), _) => elements.push(element),
                (None, None) => break,
                // The end of contents ends what has no length, and nothing else (X.690, section 8.1.5).
                (None, Some(_)) => return Err(BerFlaw::Tag { tag: END_OF_CONTENTS, at: self.at }),
            }
        }
        if end.is_some_and(|end| self.at != end) {
            return Err(BerFlaw::Length { at });
        }
        match tag {
            PIECES => Ok(Some(joined(&elements))),
            _ => Ok(Some(Element { tag, content: Content::Elements(elements) })),
        }
    }

    /// The length, as the place where the content ends; `None` where it is indefinite.
    fn length(&mut self, tag: u8) -> Result<Option<usize>, BerFlaw> {
        let at = self.at;
        let flaw = BerFlaw::Length { at };
        let first = self.octet()?;
        let length = match first {
            0..=0x7f => usize::from(first),
            LONG_FORM if tag & CONSTRUCTED != 0 => return Ok(None),
            0x81..=0x84 => {
                let mut length: usize = 0;
                for place in 0..(first & !LONG_FORM) {
                    let octet = self.octet()?;
                    if place == 0 && octet == 0 {
                        return Err(flaw);
                    }
                    length = length.checked_mul(256).and_then(|length| length.checked_add(octet.into())).ok_or(flaw)?;
                }
                if length < usize::from(LONG_FORM) {
                    return Err(flaw);
                }
                length
            }
            _ => return Err(flaw),
        };
        let end = self.at.checked_add(length).filter(|end| *end <= self.octets.len());
        end.map(Some).ok_or(BerFlaw::Truncated { at: self.octets.len() })
    }

    fn octet(&mut self) -> Result<u8, BerFlaw> {
        let octet = self.octets.get(self.at).copied().ok_or(BerFlaw::Truncated { at: self.at })?;
        self.at = self.at.saturating_add(1);
        Ok(octet)
    }

    fn take(&mut self, end: usize) -> Result<Vec<u8>, BerFlaw> {
        let taken = self.octets.get(self.at..end).ok_or(BerFlaw::Truncated { at: self.octets.len() })?;
        self.at = end;
        Ok(taken.to_vec())
    }
}

/// One OCTET STRING of the pieces, which are OCTET STRINGs.
fn joined(pieces: &[Element]) -> Element {
    let octets = pieces.iter().filter_map(|piece| piece.octets(OCTET_STRING)).flatten().copied().collect();
    Element { tag: OCTET_STRING, content: Content::Octets(octets) }
}

/// Numbers of one octet; of the universal class, what holds elements is a SEQUENCE, a SET or an OCTET STRING in pieces,
/// and those two first never hold octets.
fn is_read(tag: u8) -> bool {
    let number = tag & NUMBER;
    if number == NUMBER {
        return false;
    }
    if tag & CLASS != 0 {
        return true;
    }
    let holds_elements = tag & CONSTRUCTED != 0;
    let is_list = number == SEQUENCE & NUMBER || number == SET & NUMBER;
    is_list == holds_elements || tag == PIECES
}

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
/// A context-specific tag with elements in it: `[number]`.
pub(super) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// An OCTET STRING in pieces.
const PIECES: u8 = OCTET_STRING | CONSTRUCTED;
const END_OF_CONTENTS: u8 = 0x00;
const CLASS: u8 = 0xc0;
const CONSTRUCTED: u8 = 0x20;
const NUMBER: u8 = 0x1f;
const LONG_FORM: u8 = 0x80;
/// A genuine document has 1,110 octets; this is the limit of all evidence.
pub(super) const MAX_OCTETS: usize = protocol::limits::MAX_EVIDENCE_OCTETS;
/// A genuine document is nested ten deep (T-57).
pub(super) const MAX_DEPTH: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(ber: &[u8], der: &[u8]) {
        assert_eq!(Element::read(ber).unwrap().der(), der);
    }

    #[track_caller]
    fn check_refused(ber: &[u8], flaw: BerFlaw) {
        assert_eq!(Element::read(ber), Err(flaw));
    }

    #[test]
    fn what_aws_writes_becomes_der() {
        check(&[0x30, 0x80, 0x05, 0x00, 0x00, 0x00], &[0x30, 0x02, 0x05, 0x00]);
        check(&[0x24, 0x80, 0x04, 0x01, 7, 0x04, 0x01, 8, 0x00, 0x00], &[0x04, 0x02, 7, 8]);
        check(&[0x24, 0x06, 0x04, 0x01, 7, 0x04, 0x01, 8], &[0x04, 0x02, 7, 8]);
        check(&[0x24, 0x80, 0x00, 0x00], &[0x04, 0x00]);
        check(&[0xa0, 0x80, 0x30, 0x80, 0x00, 0x00, 0x00, 0x00], &[0xa0, 0x02, 0x30, 0x00]);
        check(&[0x80, 0x01, 0x05], &[0x80, 0x01, 0x05]);
        check(&[&[0x04, 0x81, 0x80][..], &[7; 128]].concat(), &[&[0x04, 0x81, 0x80][..], &[7; 128]].concat());
        check(&[&[0x04, 0x82, 1, 0][..], &[7; 256]].concat(), &[&[0x04, 0x82, 1, 0][..], &[7; 256]].concat());
    }

    #[test]
    fn every_other_freedom_is_refused() {
        check_refused(&[&[0x04, 0x81, 0x7f][..], &[7; 127]].concat(), BerFlaw::Length { at: 1 });
        check_refused(&[&[0x04, 0x82, 0x00, 0xff][..], &[7; 255]].concat(), BerFlaw::Length { at: 1 });
        check_refused(&[0x04, 0x80, 0x00, 0x00], BerFlaw::Length { at: 1 });
        check_refused(&[0x04, 0xff], BerFlaw::Length { at: 1 });
        check_refused(&[0x04, 0x85, 1, 0, 0, 0, 0], BerFlaw::Length { at: 1 });
        check_refused(&[0x23, 0x80, 0x00, 0x00], BerFlaw::Tag { tag: 0x23, at: 0 });
        check_refused(&[0x2c, 0x80, 0x00, 0x00], BerFlaw::Tag { tag: 0x2c, at: 0 });
        check_refused(&[0x10, 0x00], BerFlaw::Tag { tag: 0x10, at: 0 });
        check_refused(&[0x11, 0x00], BerFlaw::Tag { tag: 0x11, at: 0 });
        check_refused(&[0x1f, 0x81, 0x00, 0x00], BerFlaw::Tag { tag: 0x1f, at: 0 });
        check_refused(&[0xbf, 0x20, 0x00], BerFlaw::Tag { tag: 0xbf, at: 0 });
        check_refused(&[0x24, 0x80, 0x24, 0x80, 0, 0, 0, 0], BerFlaw::Piece { at: 2 });
        check_refused(&[0x24, 0x80, 0x05, 0x00, 0, 0], BerFlaw::Piece { at: 2 });
        check_refused(&[0x30, 0x02, 0x00, 0x00], BerFlaw::Tag { tag: 0, at: 4 });
        check_refused(&[0x30, 0x80, 0x00, 0x01], BerFlaw::Tag { tag: 0, at: 2 });
        check_refused(&[0x00, 0x00], BerFlaw::Tag { tag: 0, at: 0 });
        check_refused(&[0x05, 0x00, 0x05], BerFlaw::Trailing { octets: 1 });
        check_refused(&[0x30, 0x02, 0x04, 0x01, 0x07], BerFlaw::Length { at: 0 });
    }

    #[test]
    fn ends() {
        for octets in [&[][..], &[0x30], &[0x30, 0x80], &[0x30, 0x80, 0x00], &[0x04, 0x01], &[0x04, 0x82, 1]] {
            check_refused(octets, BerFlaw::Truncated { at: octets.len() });
        }
        check_refused(&[0x04, 0x84, 0xff, 0xff, 0xff, 0xff], BerFlaw::Truncated { at: 6 });
    }

    /// T-57.
    #[test]
    fn depth_and_size_are_limited() {
        let nested = |depth: usize| [[0x30, 0x80].repeat(depth), vec![0; 2 * depth]].concat();
        assert!(Element::read(&nested(MAX_DEPTH + 1)).is_err_and(|flaw| matches!(flaw, BerFlaw::Deep { .. })));
        assert!(Element::read(&nested(MAX_DEPTH)).is_ok());
        assert!(Element::read(&nested(4000)).is_err_and(|flaw| matches!(flaw, BerFlaw::Deep { .. })));
        let long = vec![0; MAX_OCTETS + 1];
        check_refused(&long, BerFlaw::TooLong { octets: MAX_OCTETS + 1, limit: MAX_OCTETS });
    }

    #[test]
    fn sets_are_sorted() {
        let element = |octet| Element { tag: OCTET_STRING, content: Content::Octets(vec![octet]) };
        assert_eq!(set_of(&[element(2), element(1)]), [0x31, 6, 4, 1, 1, 4, 1, 2]);
        assert_eq!(set_of(&[element(2), element(1)]), set_of(&[element(1), element(2)]));
    }

    proptest! {
        /// What was read is DER once written, is read again as the same, and is never longer.
        #[test]
        fn der_is_a_fixed_point(octets in octets()) {
            if let Ok(element) = Element::read(&octets) {
                let der = element.der();
                prop_assert!(der.len() <= octets.len());
                prop_assert_eq!(Element::read(&der).unwrap(), element);
            }
        }
    }

    /// Octets at random, most of them such as tags and lengths have.
    fn octets() -> impl Strategy<Value = Vec<u8>> {
        let telling =
            prop::sample::select(vec![0x30, 0x31, 0x24, 0x04, 0x05, 0xa0, 0x80, 0x00, 0x00, 0x01, 0x02, 0x81]);
        prop::collection::vec(prop_oneof![9 => telling, 1 => any::<u8>()], 0..40)
    }
}
