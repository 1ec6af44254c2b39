//! The name of a profile, an attestor, an agent or a policy. Knows the alphabet; knows nothing of what it names.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A short name: `a-z`, `0-9` and `-`, at most [`MAX_NAME_OCTETS`] octets, beginning with a letter or digit.
///
/// Names stand in ledger entries, file names, Cedar entity ids and refusals. The alphabet is small so that two names that
/// look alike are the same name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// Text that is no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing at all.
    #[error("a name is missing")]
    Empty,
    /// Too long.
    #[error("a name has at most {limit} octets, this one has {length}")]
    TooLong {
        /// Octets given.
        length: usize,
        /// Octets allowed.
        limit: usize,
    },
    /// Something outside the alphabet, or a `-` in front.
    #[error("a name consists of a-z, 0-9 and `-`, and begins with a letter or digit; U+{:04X} at octet {at} is not allowed", u32::from(*character))]
    Character {
        /// The first that is not allowed.
        character: char,
        /// Where it stands, in octets from 0.
        at: usize,
    },
}

impl Name {
    /// Reads a name.
    ///
    /// # Errors
    /// [`NameError`] says which rule is broken.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > MAX_NAME_OCTETS {
            return Err(NameError::TooLong { length: text.len(), limit: MAX_NAME_OCTETS });
        }
        for (at, character) in text.char_indices() {
            let allowed = character.is_ascii_lowercase() || character.is_ascii_digit() || (character == '-' && at > 0);
            if !allowed {
                return Err(NameError::Character { character, at });
            }
        }
        Ok(Self(Arc::from(text)))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Octets of a name: that of a DNS label (RFC 1035, section 2.3.4) and one more, as for claims.
pub const MAX_NAME_OCTETS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_refused(text: &str, wanted: NameError) {
        assert_eq!(Name::parse(text), Err(wanted));
    }

    #[test]
    fn names_that_stand() {
        for text in ["a", "0", "join-token", "k8s-eu-1", &"x".repeat(64)] {
            assert_eq!(Name::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn names_that_do_not() {
        check_refused("", NameError::Empty);
        check_refused(&"x".repeat(65), NameError::TooLong { length: 65, limit: 64 });
        check_refused("-a", NameError::Character { character: '-', at: 0 });
        check_refused("a b", NameError::Character { character: ' ', at: 1 });
        check_refused("Web", NameError::Character { character: 'W', at: 0 });
        check_refused("a/b", NameError::Character { character: '/', at: 1 });
        check_refused("we\u{0431}", NameError::Character { character: '\u{0431}', at: 2 });
    }

    /// T-36: every octet in the first and in a later position.
    #[test]
    fn every_octet_in_each_position() {
        for octet in 0..=255_u8 {
            let character = char::from(octet);
            let letter = octet.is_ascii_lowercase() || octet.is_ascii_digit();
            assert_eq!(Name::parse(&format!("{character}a")).is_ok(), letter, "{octet:#04x} in front");
            assert_eq!(Name::parse(&format!("a{character}")).is_ok(), letter || octet == b'-', "{octet:#04x} behind");
        }
    }
}
