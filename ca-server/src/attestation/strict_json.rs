//! JSON of strangers, read in one way only. Knows no member's meaning.
//!
//! RFC 8259 leaves open what a member that stands twice means, how deep a document may be and how numbers are rounded;
//! forgers live in these gaps (T-13, T-20, T-57). Here a member stands once, in whatever case or spelling of escapes;
//! depth is limited; and only an integer from 0 to 2^64-1, written as one, is an integer.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::shown::Shown;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Json {
    /// null.
    Null,
    /// true or false.
    Bool(bool),
    /// An integer from 0 to 2^64-1.
    Integer(u64),
    /// Any other number. Its value is not kept: nothing we read is one.
    OtherNumber,
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// An object.
    Object(Members),
}

/// The members of an object.
pub(crate) type Members = BTreeMap<String, Json>;

impl Json {
    /// The text, where it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Integer(_) | Self::OtherNumber | Self::List(_) | Self::Object(_) => None,
        }
    }

    /// The integer, where it is one.
    pub(crate) fn integer(&self) -> Option<u64> {
        match self {
            Self::Integer(integer) => Some(*integer),
            Self::Null | Self::Bool(_) | Self::OtherNumber | Self::Text(_) | Self::List(_) | Self::Object(_) => None,
        }
    }

    /// The members, where it is an object.
    pub(crate) fn object(&self) -> Option<&Members> {
        match self {
            Self::Object(members) => Some(members),
            Self::Null | Self::Bool(_) | Self::Integer(_) | Self::OtherNumber | Self::Text(_) | Self::List(_) => None,
        }
    }
}

/// Why octets are not read. Says where, never what: the octets may hold a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonFlaw {
    /// Not JSON, not UTF-8, or followed by something.
    #[error("no JSON at line {line}, column {column}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// JSON, but no object at the top.
    #[error("JSON, but no object")]
    NoObject,
    /// A member stands twice, perhaps in different case.
    #[error("member {member} stands twice")]
    Duplicate {
        /// Its name, as it stands the second time.
        member: Shown,
    },
    /// Nested too deeply.
    #[error("nested more than {limit} deep")]
    Deep {
        /// How deep it may be.
        limit: usize,
    },
}

/// Reads one object and nothing after it.
pub(crate) fn parse_object(octets: &[u8]) -> Result<Members, JsonFlaw> {
    let flaw = RefCell::new(None);
    let mut deserializer = serde_json::Deserializer::from_slice(octets);
    let read = Strict { depth_left: MAX_DEPTH, flaw: &flaw }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    match (flaw.into_inner(), read) {
        (Some(flaw), _) => Err(flaw),
        (None, Ok(Json::Object(members))) => Ok(members),
        (None, Ok(_)) => Err(JsonFlaw::NoObject),
        (None, Err(error)) => Err(JsonFlaw::Syntax { line: error.line(), column: error.column() }),
    }
}

/// Reads a value. A flaw that is not serde's own is left in `flaw`, because serde's errors are texts.
struct Strict<'a> {
    depth_left: usize,
    flaw: &'a RefCell<Option<JsonFlaw>>,
}

impl Strict<'_> {
    /// For what stands one level further in.
    fn inner(&self) -> Option<Self> {
        let depth_left = self.depth_left.checked_sub(1)?;
        Some(Strict { depth_left, flaw: self.flaw })
    }

    fn stop<E: Error>(&self, flaw: JsonFlaw) -> E {
        let error = E::custom("");
        *self.flaw.borrow_mut() = Some(flaw);
        error
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Json, E> {
        Ok(Json::Bool(flag))
    }

    fn visit_u64<E>(self, integer: u64) -> Result<Json, E> {
        Ok(Json::Integer(integer))
    }

    fn visit_i64<E>(self, integer: i64) -> Result<Json, E> {
        Ok(u64::try_from(integer).map_or(Json::OtherNumber, Json::Integer))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::OtherNumber)
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        loop {
            let Some(inner) = self.inner() else { return Err(self.stop(JsonFlaw::Deep { limit: MAX_DEPTH })) };
            match items.next_element_seed(inner)? {
                Some(item) => list.push(item),
                None => return Ok(Json::List(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members = Members::new();
        let mut folded = BTreeSet::new();
        while let Some(name) = map.next_key::<String>()? {
            let Some(inner) = self.inner() else { return Err(self.stop(JsonFlaw::Deep { limit: MAX_DEPTH })) };
            // Case too: a reader after us that ignores it would take the other one (CVE-2022-2385, T-13).
            if !folded.insert(name.to_ascii_lowercase()) {
                return Err(self.stop(JsonFlaw::Duplicate { member: Shown::of(&name) }));
            }
            members.insert(name, map.next_value_seed(inner)?);
        }
        Ok(Json::Object(members))
    }
}

/// Lists and objects in each other (security.md, T-57). A genuine token has three.
pub(super) const MAX_DEPTH: usize = protocol::limits::MAX_JSON_DEPTH;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_value(text: &str, value: &Json) {
        assert_eq!(parse_object(format!(r#"{{"a":{text}}}"#).as_bytes()).unwrap().get("a"), Some(value));
    }

    #[track_caller]
    fn check_flaw(octets: &[u8], flaw: &JsonFlaw) {
        assert_eq!(parse_object(octets).as_ref(), Err(flaw));
    }

    fn duplicate(member: &str) -> JsonFlaw {
        JsonFlaw::Duplicate { member: Shown::of(member) }
    }

    /// T-20: what is an integer and what only looks like one.
    #[test]
    fn integers_are_written_as_such() {
        check_value("0", &Json::Integer(0));
        check_value("18446744073709551615", &Json::Integer(u64::MAX));
        for other in ["-1", "-0", "1.0", "1.5", "1e3", "1e30", "18446744073709551616", "-9223372036854775808"] {
            check_value(other, &Json::OtherNumber);
        }
        check_value(r#""1""#, &Json::Text("1".to_owned()));
    }

    /// T-13.
    #[test]
    fn members_stand_once() {
        check_flaw(br#"{"a":1,"a":1}"#, &duplicate("a"));
        check_flaw(br#"{"a":1,"A":1}"#, &duplicate("A"));
        check_flaw(br#"{"a":1,"\u0061":1}"#, &duplicate("a"));
        check_flaw(br#"{"x":[{"a":1,"a":1}]}"#, &duplicate("a"));
        assert!(parse_object(br#"{"a":{"a":1},"b":{"a":1}}"#).is_ok());
    }

    /// T-57.
    #[test]
    fn depth_is_limited() {
        let lists = |depth: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        assert!(parse_object(lists(MAX_DEPTH - 1).as_bytes()).is_ok());
        check_flaw(lists(MAX_DEPTH).as_bytes(), &JsonFlaw::Deep { limit: MAX_DEPTH });
        check_flaw(lists(100_000).as_bytes(), &JsonFlaw::Deep { limit: MAX_DEPTH });
        let objects = format!("{}1{}", r#"{"a":"#.repeat(33), "}".repeat(33));
        check_flaw(objects.as_bytes(), &JsonFlaw::Deep { limit: MAX_DEPTH });
    }

    #[test]
    fn one_object_and_nothing_else() {
        check_flaw(b"[]", &JsonFlaw::NoObject);
        check_flaw(b"1", &JsonFlaw::NoObject);
        for bad in
            [&b""[..], b"{", b"{}{}", b"{} x", b"{\"a\":}", b"\xff", b"{\"\xff\":1}", br#"{"a":"\ud800"}"#, b"{a:1}"]
        {
            assert!(matches!(parse_object(bad), Err(JsonFlaw::Syntax { .. })), "{bad:?}");
        }
        assert!(parse_object(b" {\n} ").is_ok());
    }

    #[test]
    fn a_flaw_does_not_repeat_the_octets() {
        let flaw = parse_object(br#"{"a": canary-secret}"#).unwrap_err();
        assert!(!format!("{flaw} {flaw:?}").contains("canary"));
    }
}
