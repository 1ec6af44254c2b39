//! An agent's name on its host. Knows which names are allowed; knows no SPIFFE id.

use std::fmt;
use std::sync::Arc;

/// What an agent is called in the server's list and on the command line: one SPIFFE path segment.
///
/// 1 to 64 characters of `[a-zA-Z0-9.-_]`, and neither `.` nor `..`, so that it can stand in a path, a URL and a log line as it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentName(Arc<str>);

/// Why a text is no agent name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AgentNameError {
    /// Empty or too long.
    #[error("an agent's name has 1 to {MAX_AGENT_NAME_OCTETS} characters, this has {octets}")]
    Length {
        /// How long it was, in octets.
        octets: usize,
    },
    /// A character that may not stand in a SPIFFE path segment, or a relative segment.
    #[error("an agent's name has only letters, digits, '.', '-' and '_', and is not '.' or '..'")]
    Character,
}

impl AgentName {
    /// Reads a name.
    ///
    /// # Errors
    /// See [`AgentNameError`].
    pub fn parse(text: &str) -> Result<Self, AgentNameError> {
        if text.is_empty() || text.len() > MAX_AGENT_NAME_OCTETS {
            return Err(AgentNameError::Length { octets: text.len() });
        }
        if !text.bytes().all(identity::is_path_character) || text == "." || text == ".." {
            return Err(AgentNameError::Character);
        }
        Ok(Self(text.into()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AgentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AgentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl std::str::FromStr for AgentName {
    type Err = AgentNameError;

    fn from_str(text: &str) -> Result<Self, AgentNameError> {
        Self::parse(text)
    }
}

/// Longest agent name. Ours: twice the longest DNS label would not fit a table; SPIFFE bounds only the whole id (2048).
pub const MAX_AGENT_NAME_OCTETS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<(), AgentNameError>) {
        assert_eq!(AgentName::parse(text).map(|name| assert_eq!(name.as_str(), text)), expected);
    }

    #[test]
    fn names() {
        check("web", Ok(()));
        check("Web-1.a_b", Ok(()));
        check(&"a".repeat(64), Ok(()));
        check(&"a".repeat(65), Err(AgentNameError::Length { octets: 65 }));
        check("", Err(AgentNameError::Length { octets: 0 }));
        check(".", Err(AgentNameError::Character));
        check("..", Err(AgentNameError::Character));
        check("...", Ok(()));
        check("a/b", Err(AgentNameError::Character));
        check("ä", Err(AgentNameError::Character));
    }

    #[test]
    fn every_octet_in_every_position() {
        for position in 0..3 {
            for octet in 0..=127_u8 {
                let mut text = *b"aaa";
                text[position] = octet;
                let allowed = octet.is_ascii_alphanumeric() || b".-_".contains(&octet);
                assert_eq!(AgentName::parse(std::str::from_utf8(&text).unwrap()).is_ok(), allowed, "{octet}");
            }
        }
    }
}
