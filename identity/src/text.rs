//! Any type with `Display` and `FromStr` as a string in a serde document. Knows no type; the type's own parser decides.
//!
//! Domain types implement no serde themselves: the outside shapes (messages, files, entries) say
//! `#[serde(with = "identity::text")]` at the field, and [`option`] or [`list`] for `Option<T>` and `Vec<T>`.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Deserializer, Error, Visitor};
use serde::ser::Serializer;

/// Writes the value's `Display` form as a string.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<T: fmt::Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Reads a string, and from it the value.
///
/// # Errors
/// Those of the deserializer; what is no string; what `FromStr` refuses, with its reason.
pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_str(Parsed(PhantomData))
}

/// Parses what comes as a string, borrowed or not.
struct Parsed<T>(PhantomData<T>);

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for Parsed<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// `Option<T>`: null for `None`. With `#[serde(default, skip_serializing_if = "Option::is_none")]` the field is absent.
pub mod option {
    use super::{Deserializer, FromStr, Serializer, fmt};
    use crate::text::shape::{AsText, FromText};
    use serde::{Deserialize as _, Serialize as _};

    /// Writes the value's `Display` form, or null.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<T: fmt::Display, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_ref().map(AsText).serialize(serializer)
    }

    /// Reads a string and from it the value, or null.
    ///
    /// # Errors
    /// As for [`text::deserialize`](crate::text::deserialize).
    pub fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: fmt::Display>,
        D: Deserializer<'de>,
    {
        Ok(Option::<FromText<T>>::deserialize(deserializer)?.map(|FromText(value)| value))
    }
}

/// `Vec<T>`: a list of strings.
pub mod list {
    use super::{Deserializer, FromStr, Serializer, fmt};
    use crate::text::shape::{AsText, FromText};
    use serde::Deserialize as _;

    /// Writes each value's `Display` form.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<T: fmt::Display, S: Serializer>(values: &[T], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(AsText))
    }

    /// Reads a list of strings, and from each a value.
    ///
    /// # Errors
    /// As for [`text::deserialize`](crate::text::deserialize).
    pub fn deserialize<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
    where
        T: FromStr<Err: fmt::Display>,
        D: Deserializer<'de>,
    {
        let values = Vec::<FromText<T>>::deserialize(deserializer)?;
        Ok(values.into_iter().map(|FromText(value)| value).collect())
    }
}

/// What stands inside an option or a list.
mod shape {
    use super::{Deserializer, FromStr, Serializer, fmt};
    use serde::{Deserialize, Serialize};

    pub(super) struct AsText<'a, T>(pub(super) &'a T);

    impl<T: fmt::Display> Serialize for AsText<'_, T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            super::serialize(self.0, serializer)
        }
    }

    pub(super) struct FromText<T>(pub(super) T);

    impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for FromText<T> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            super::deserialize(deserializer).map(Self)
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{HostId, KeyKind, Lifetime, SpiffeId};
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Message {
        #[serde(with = "crate::text")]
        id: SpiffeId,
        #[serde(default, with = "crate::text::option", skip_serializing_if = "Option::is_none")]
        host: Option<HostId>,
        #[serde(with = "crate::text::option")]
        lifetime: Option<Lifetime>,
        #[serde(with = "crate::text::list")]
        kinds: Vec<KeyKind>,
    }

    #[track_caller]
    fn check(json: &str, message: &Message) {
        assert_eq!(serde_json::to_string(message).unwrap(), json);
        assert_eq!(&serde_json::from_str::<Message>(json).unwrap(), message);
    }

    #[track_caller]
    fn check_refused(json: &str, reason: &str) {
        let error = serde_json::from_str::<Message>(json).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }

    #[test]
    fn reads_back() {
        let id = SpiffeId::parse("spiffe://example.org/a").unwrap();
        check(
            r#"{"id":"spiffe://example.org/a","lifetime":null,"kinds":[]}"#,
            &Message { id: id.clone(), host: None, lifetime: None, kinds: vec![] },
        );
        check(
            r#"{"id":"spiffe://example.org/a","host":"00000000000000000000000000000000","lifetime":"1h","kinds":["p256","ed25519"]}"#,
            &Message {
                id,
                host: Some(HostId::from_bytes([0; 16])),
                lifetime: Lifetime::parse("1h").ok(),
                kinds: vec![KeyKind::P256, KeyKind::Ed25519],
            },
        );
    }

    #[test]
    fn refuses_with_the_reason_of_the_type() {
        check_refused(r#"{"id":"https://example.org","lifetime":null,"kinds":[]}"#, "does not begin with spiffe://");
        check_refused(r#"{"id":7,"lifetime":null,"kinds":[]}"#, "expected a string");
        check_refused(r#"{"id":"spiffe://a","lifetime":"0s","kinds":[]}"#, "1 to 315576000 seconds");
        check_refused(r#"{"id":"spiffe://a","lifetime":null,"kinds":["rsa"]}"#, "neither p256 nor ed25519");
        check_refused(r#"{"id":"spiffe://a","lifetime":null,"kinds":[null]}"#, "expected a string");
    }
}
