//! What a claim says. Knows four kinds of values; knows no claim.

use std::fmt;

/// The value of one claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimValue {
    /// A text, at most [`MAX_TEXT_OCTETS`](super::MAX_TEXT_OCTETS) octets; any characters.
    Text(String),
    /// An integer below 2^53 in amount, so that every JSON reader keeps it.
    Number(i64),
    /// Yes or no.
    Bool(bool),
    /// Several texts, at most [`MAX_LIST_ITEMS`](super::MAX_LIST_ITEMS).
    List(Vec<String>),
}

impl ClaimValue {
    /// What kind of value this is, for messages: `text`, `number`, `bool` or `list`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Number(_) => "number",
            Self::Bool(_) => "bool",
            Self::List(_) => "list",
        }
    }
}

impl fmt::Display for ClaimValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Bool(flag) => write!(f, "{flag}"),
            Self::List(items) => write!(f, "{items:?}"),
        }
    }
}

impl From<&str> for ClaimValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for ClaimValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for ClaimValue {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for ClaimValue {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<Vec<String>> for ClaimValue {
    fn from(items: Vec<String>) -> Self {
        Self::List(items)
    }
}
