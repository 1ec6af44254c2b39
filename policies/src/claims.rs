//! What verified evidence says of a host, by name. Knows no attestor, no template and no policy language.
//!
//! Claims are made on the server, by attestors, from signed content only (T-12). Nothing that a requester merely states
//! becomes a claim.

use std::collections::BTreeMap;

pub mod catalogue;
mod value;

pub use value::ClaimValue;

/// Claims by name, in the order of their names. Each name stands once (T-13).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    by_name: BTreeMap<String, ClaimValue>,
    octets: usize,
}

/// A claim that is not taken in. The evidence said it; the attestor is asked to refuse the evidence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// The name breaks the grammar.
    #[error("`{}` is no claim name: a-z, 0-9, `_` and `.`, 1 to {MAX_CLAIM_NAME_OCTETS} octets", name.escape_debug())]
    Name {
        /// The name, cut to a printable length.
        name: String,
    },
    /// `host` stands for the host's own path in templates of agents.
    #[error("the claim name `{name}` is reserved")]
    Reserved {
        /// The name.
        name: String,
    },
    /// The same name twice.
    #[error("claim `{name}` stands twice")]
    Twice {
        /// The name.
        name: String,
    },
    /// Too many claims.
    #[error("at most {limit} claims; `{name}` is one too many")]
    TooMany {
        /// The one that did not fit.
        name: String,
        /// How many fit.
        limit: usize,
    },
    /// A text is too long.
    #[error("claim `{name}` has {length} octets, at most {limit} are taken")]
    TextTooLong {
        /// Which claim.
        name: String,
        /// Octets given.
        length: usize,
        /// Octets taken.
        limit: usize,
    },
    /// A list is too long.
    #[error("claim `{name}` lists {length} texts, at most {limit} are taken")]
    ListTooLong {
        /// Which claim.
        name: String,
        /// Texts given.
        length: usize,
        /// Texts taken.
        limit: usize,
    },
    /// A number that JSON readers would round.
    #[error("claim `{name}` is {number}; numbers are below 2^53 in amount")]
    NumberTooLarge {
        /// Which claim.
        name: String,
        /// The number.
        number: i64,
    },
    /// All claims together are too long.
    #[error("with claim `{name}` the claims have {length} octets, at most {limit} are taken")]
    TooLong {
        /// The one that did not fit.
        name: String,
        /// Octets of all.
        length: usize,
        /// Octets taken.
        limit: usize,
    },
}

impl Claims {
    /// No claims.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one claim in.
    ///
    /// # Errors
    /// [`ClaimError`] where a limit or the grammar is broken; the claims are then unchanged.
    pub fn insert(&mut self, name: &str, value: impl Into<ClaimValue>) -> Result<(), ClaimError> {
        let value = value.into();
        if !is_claim_name(name) {
            return Err(ClaimError::Name { name: name.chars().take(MAX_CLAIM_NAME_OCTETS).collect() });
        }
        let name = name.to_owned();
        if name == RESERVED_NAME {
            return Err(ClaimError::Reserved { name });
        }
        if self.by_name.contains_key(&name) {
            return Err(ClaimError::Twice { name });
        }
        if self.by_name.len() >= MAX_CLAIMS {
            return Err(ClaimError::TooMany { name, limit: MAX_CLAIMS });
        }
        let length = self.octets.saturating_add(name.len()).saturating_add(value_octets(&name, &value)?);
        if length > MAX_CLAIMS_OCTETS {
            return Err(ClaimError::TooLong { name, length, limit: MAX_CLAIMS_OCTETS });
        }
        self.octets = length;
        self.by_name.insert(name, value);
        Ok(())
    }

    /// Takes in all of a list of claims.
    ///
    /// # Errors
    /// As [`Claims::insert`].
    pub fn from_pairs<N: AsRef<str>, V: Into<ClaimValue>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, ClaimError> {
        let mut claims = Self::new();
        for (name, value) in pairs {
            claims.insert(name.as_ref(), value)?;
        }
        Ok(claims)
    }

    /// The value of a claim.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&ClaimValue> {
        self.by_name.get(name)
    }

    /// The value of a claim that is a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.by_name.get(name) {
            Some(ClaimValue::Text(text)) => Some(text),
            Some(ClaimValue::Number(_) | ClaimValue::Bool(_) | ClaimValue::List(_)) | None => None,
        }
    }

    /// All claims, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ClaimValue)> {
        self.by_name.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }
}

/// Whether a text can name a claim.
#[must_use]
pub fn is_claim_name(text: &str) -> bool {
    (1..=MAX_CLAIM_NAME_OCTETS).contains(&text.len())
        && text
            .bytes()
            .all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit() || matches!(octet, b'_' | b'.'))
}

fn value_octets(name: &str, value: &ClaimValue) -> Result<usize, ClaimError> {
    let text_octets = |text: &String| {
        if text.len() > MAX_TEXT_OCTETS {
            return Err(ClaimError::TextTooLong { name: name.to_owned(), length: text.len(), limit: MAX_TEXT_OCTETS });
        }
        Ok(text.len())
    };
    match value {
        ClaimValue::Text(text) => text_octets(text),
        ClaimValue::Number(number) if number.unsigned_abs() < NUMBER_BOUND => Ok(NUMBER_OCTETS),
        ClaimValue::Number(number) => Err(ClaimError::NumberTooLarge { name: name.to_owned(), number: *number }),
        ClaimValue::Bool(_) => Ok(1),
        ClaimValue::List(items) if items.len() > MAX_LIST_ITEMS => {
            Err(ClaimError::ListTooLong { name: name.to_owned(), length: items.len(), limit: MAX_LIST_ITEMS })
        }
        ClaimValue::List(items) => {
            items.iter().try_fold(0_usize, |sum, item| Ok(sum.saturating_add(text_octets(item)?)))
        }
    }
}

/// Claims of one host. The richest evidence we read (an Azure document, an instance's tags) has fewer than 60 facts.
pub const MAX_CLAIMS: usize = 64;
/// Octets of a claim's name: that of a Kubernetes label name (63) and one more.
pub const MAX_CLAIM_NAME_OCTETS: usize = 64;
/// Octets of one text. The longest name a platform gives is a Kubernetes DNS subdomain (253); tags of clouds have up to
/// 256 characters of at most 4 octets.
pub const MAX_TEXT_OCTETS: usize = 1024;
/// Texts in one list: audiences and groups.
pub const MAX_LIST_ITEMS: usize = 64;
/// Octets of all names and values. An entry of at most 16 KiB (design, section 1) holds them beside a certificate.
pub const MAX_CLAIMS_OCTETS: usize = 6 * 1024;
/// The name that templates of agents use for the host's own path.
pub const RESERVED_NAME: &str = "host";
/// Numbers in entries are below 2^53 in amount (design, section 1; RFC 8259, section 6).
const NUMBER_BOUND: u64 = 1 << 53;
/// Octets that a number counts for: 16 digits and a sign.
const NUMBER_OCTETS: usize = 17;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_refused(name: &str, value: impl Into<ClaimValue>, wanted: &ClaimError) {
        let mut claims = Claims::from_pairs([("there", "before")]).unwrap();
        let before = claims.clone();
        assert_eq!(claims.insert(name, value).as_ref(), Err(wanted));
        assert_eq!(claims, before, "a refused claim changes nothing");
    }

    #[test]
    fn claims_come_back_in_order() {
        let claims =
            Claims::from_pairs([("b", ClaimValue::Number(7)), ("a.x", "v".into()), ("c", true.into())]).unwrap();
        assert_eq!(claims.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["a.x", "b", "c"]);
        assert_eq!((claims.text("a.x"), claims.text("b"), claims.text("none")), (Some("v"), None, None));
        assert_eq!((claims.len(), claims.is_empty()), (3, false));
    }

    #[test]
    fn names_outside_the_grammar() {
        for name in ["", "A", "a b", "a-b", "a/b", "a\0", "\u{0430}"] {
            check_refused(name, "v", &ClaimError::Name { name: name.to_owned() });
        }
        check_refused(&"a".repeat(65), "v", &ClaimError::Name { name: "a".repeat(64) });
        check_refused("host", "v", &ClaimError::Reserved { name: "host".to_owned() });
    }

    /// T-13: a field that stands twice is refused, not overwritten.
    #[test]
    fn a_name_stands_once() {
        check_refused("there", "again", &ClaimError::Twice { name: "there".to_owned() });
    }

    #[test]
    fn values_over_their_limits() {
        let name = || "n".to_owned();
        check_refused(
            "n",
            "x".repeat(1025),
            &ClaimError::TextTooLong { name: name(), length: 1025, limit: MAX_TEXT_OCTETS },
        );
        check_refused("n", 1_i64 << 53, &ClaimError::NumberTooLarge { name: name(), number: 1 << 53 });
        check_refused("n", i64::MIN, &ClaimError::NumberTooLarge { name: name(), number: i64::MIN });
        check_refused(
            "n",
            vec![String::new(); 65],
            &ClaimError::ListTooLong { name: name(), length: 65, limit: MAX_LIST_ITEMS },
        );
        let length = "there".len() + "before".len() + 1 + 64 * 1024;
        check_refused(
            "n",
            vec!["x".repeat(1024); 64],
            &ClaimError::TooLong { name: name(), length, limit: MAX_CLAIMS_OCTETS },
        );
    }

    #[test]
    fn sixty_four_claims_and_no_more() {
        let mut claims = Claims::from_pairs((0..MAX_CLAIMS).map(|n| (format!("c{n}"), "v"))).unwrap();
        assert_eq!(claims.insert("more", "v"), Err(ClaimError::TooMany { name: "more".to_owned(), limit: MAX_CLAIMS }));
    }

    #[test]
    fn every_octet_in_a_name() {
        for octet in 0..=255_u8 {
            let allowed = octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'_' || octet == b'.';
            for name in [format!("{}a", char::from(octet)), format!("a{}", char::from(octet))] {
                assert_eq!(is_claim_name(&name), allowed, "{octet:#04x}");
            }
        }
    }
}
