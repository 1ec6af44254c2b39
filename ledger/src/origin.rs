//! The name of a log. Knows what a C2SP origin may look like; knows no key and no tree.

use std::{fmt, str::FromStr, sync::Arc};

use thiserror::Error;

/// Names one ledger for ever; the first line of each of its checkpoints (C2SP tlog-checkpoint). Brevet's is `<trust
/// domain>/brevet`.
///
/// It is also the name of the ledger's key, as tlog-checkpoint recommends, so it keeps the rule of signed-note for key
/// names: not empty, no Unicode space, no plus, no control character.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin(Arc<str>);

impl Origin {
    /// Reads an origin.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        check_name(text)?;
        Ok(Self(text.into()))
    }

    /// The origin as it stands in a checkpoint.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Checks a key name or origin after C2SP signed-note, section Format.
pub(crate) fn check_name(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > MAX_NAME_OCTETS {
        return Err(NameError::TooLong { found: name.len(), limit: MAX_NAME_OCTETS });
    }
    match name.chars().find(|&c| c.is_whitespace() || c.is_control() || c == '+') {
        Some(character) => Err(NameError::Character { character }),
        None => Ok(()),
    }
}

/// Why a text names neither a log nor a key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// There is no name.
    #[error("the name is empty")]
    Empty,
    /// Longer than a name may be.
    #[error("the name has {found} octets, more than {limit}")]
    TooLong {
        /// Octets given.
        found: usize,
        /// Octets allowed.
        limit: usize,
    },
    /// A space, a plus or a control character.
    #[error("the name contains {character:?}")]
    Character {
        /// The first such character.
        character: char,
    },
}

/// Octets of a name: a trust domain has at most 255 (SPIFFE-ID section 2.1), and witnesses name themselves by URL; this
/// leaves room for both.
pub const MAX_NAME_OCTETS: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_refused(text: &str, why: NameError) {
        assert_eq!(Origin::parse(text), Err(why));
    }

    #[test]
    fn an_origin_keeps_its_text() {
        for text in ["example.org/brevet", "a", "ö/漢", &"x".repeat(MAX_NAME_OCTETS)] {
            assert_eq!(Origin::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn names_that_would_break_a_note_are_refused() {
        check_refused("", NameError::Empty);
        check_refused("a b", NameError::Character { character: ' ' });
        check_refused("a+b", NameError::Character { character: '+' });
        check_refused("a\n", NameError::Character { character: '\n' });
        check_refused("a\u{a0}b", NameError::Character { character: '\u{a0}' });
        check_refused("a\u{2028}b", NameError::Character { character: '\u{2028}' });
        check_refused("a\0", NameError::Character { character: '\0' });
        let long = "x".repeat(MAX_NAME_OCTETS + 1);
        check_refused(&long, NameError::TooLong { found: MAX_NAME_OCTETS + 1, limit: MAX_NAME_OCTETS });
    }

    #[test]
    fn every_ascii_octet_in_every_position() {
        for octet in 0..=0x7f_u8 {
            let allowed = octet > b' ' && octet != b'+' && octet != 0x7f;
            for position in 0..3 {
                let mut text = *b"abc";
                text[position] = octet;
                let parsed = Origin::parse(std::str::from_utf8(&text).unwrap());
                assert_eq!(parsed.is_ok(), allowed, "{octet:#04x} at {position}");
            }
        }
    }
}
