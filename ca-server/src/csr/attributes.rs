//! The attributes of a request: of all of them only the challenge password is taken. Knows PKCS#9; knows no nonce.

use der::asn1::{AnyRef, ObjectIdentifier, PrintableStringRef, Utf8StringRef};
use der::{Decode, Reader, SliceReader, Tag, TagNumber, Tagged};

use super::CsrError;

/// The attributes by their types, in the order they were sent, with the octets of their values.
pub(super) struct Attributes<'a>(Vec<(ObjectIdentifier, &'a [u8])>);

impl<'a> Attributes<'a> {
    /// Reads `attributes [0] IMPLICIT SET OF Attribute` (RFC 2986, section 4.1); no type may stand twice.
    pub(super) fn read(tagged: &'a [u8]) -> Result<Self, CsrError> {
        let set = AnyRef::from_der(tagged)?;
        set.tag().assert_eq(Tag::ContextSpecific { constructed: true, number: TagNumber(0) })?;
        let mut reader = SliceReader::new(set.value())?;
        let mut attributes = Vec::new();
        while !reader.is_finished() {
            let (attribute, values) = reader.sequence(|attribute| {
                let oid = ObjectIdentifier::decode(attribute)?;
                let values = AnyRef::decode(attribute)?;
                values.tag().assert_eq(Tag::Set)?;
                Ok::<_, der::Error>((oid, values.value()))
            })?;
            if attributes.iter().any(|(other, _)| *other == attribute) {
                return Err(CsrError::AttributeTwice { attribute });
            }
            attributes.push((attribute, values));
        }
        Ok(Self(attributes))
    }

    /// The challenge password (RFC 2985, section 5.4.1).
    pub(super) fn challenge(&self) -> Result<Option<String>, CsrError> {
        let Some(values) = self.values_of(CHALLENGE_PASSWORD) else { return Ok(None) };
        let mut reader = SliceReader::new(values)?;
        let mut found = Vec::new();
        while !reader.is_finished() {
            found.push(AnyRef::decode(&mut reader)?);
        }
        let [value] = found.as_slice() else { return Err(CsrError::ChallengeValues { found: found.len() }) };
        let octets = value.value().len();
        if octets == 0 || octets > MAX_CHALLENGE_OCTETS {
            return Err(CsrError::ChallengeLength { octets, limit: MAX_CHALLENGE_OCTETS });
        }
        let tag = value.tag();
        if tag == Tag::Utf8String {
            Ok(Some(value.decode_as::<Utf8StringRef<'_>>()?.as_str().to_owned()))
        } else if tag == Tag::PrintableString {
            Ok(Some(value.decode_as::<PrintableStringRef<'_>>()?.as_str().to_owned()))
        } else {
            Err(CsrError::ChallengeType { found: tag })
        }
    }

    /// Types and values of the attributes that are ignored.
    pub(super) fn ignored(&self) -> impl Iterator<Item = &(ObjectIdentifier, &'a [u8])> {
        self.0.iter().filter(|(oid, _)| *oid != CHALLENGE_PASSWORD)
    }

    fn values_of(&self, wanted: ObjectIdentifier) -> Option<&'a [u8]> {
        self.0.iter().find(|(oid, _)| *oid == wanted).map(|(_, values)| *values)
    }
}

/// pkcs-9-at-challengePassword: RFC 2985, section 5.4.1.
const CHALLENGE_PASSWORD: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.7");

/// pkcs-9-ub-challengePassword: RFC 2985, appendix A. It counts characters; we count octets, which is never looser.
const MAX_CHALLENGE_OCTETS: usize = 255;
