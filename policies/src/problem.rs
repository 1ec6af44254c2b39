//! What is wrong with a bundle, where, and what to do. Knows lines and columns; knows no language.

use std::fmt;

/// One thing that keeps a bundle from being loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The text it is in: `profiles.toml`, or the name of a Cedar text. Empty where it concerns the whole bundle.
    pub text: String,
    /// Where in it; absent where it concerns the whole text.
    pub place: Option<Place>,
    /// What is wrong.
    pub what: String,
    /// What to do about it, where that is more than to undo it.
    pub fix: Option<String>,
}

/// A place in a text, both counted from 1; columns are characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

impl Place {
    /// The place of an octet of a text; of its end, where the octet lies behind it.
    #[must_use]
    pub fn of(text: &str, octet: usize) -> Self {
        let before = text.char_indices().take_while(|(at, _)| *at < octet);
        before.fold(Self { line: 1, column: 1 }, |place, (_, character)| match character {
            '\n' => Self { line: place.line.saturating_add(1), column: 1 },
            _ => Self { column: place.column.saturating_add(1), ..place },
        })
    }
}

impl Problem {
    pub(crate) fn whole(text: &str, what: impl Into<String>) -> Self {
        Self { text: text.to_owned(), place: None, what: what.into(), fix: None }
    }

    pub(crate) fn at(text: &str, place: Option<Place>, what: impl Into<String>) -> Self {
        Self { text: text.to_owned(), place, what: what.into(), fix: None }
    }

    pub(crate) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}

/// `profiles.toml:3:1: what is wrong; what to do`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.text.is_empty() { "bundle" } else { &self.text })?;
        if let Some(Place { line, column }) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.what)?;
        match &self.fix {
            Some(fix) => write!(f, "; {fix}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, octet: usize, line: usize, column: usize) {
        assert_eq!(Place::of(text, octet), Place { line, column });
    }

    #[test]
    fn places() {
        check("", 0, 1, 1);
        check("ab\ncd", 0, 1, 1);
        check("ab\ncd", 2, 1, 3);
        check("ab\ncd", 3, 2, 1);
        check("ab\ncd", 99, 2, 3);
        check("\u{e9}\u{e9}x", 4, 1, 3);
    }
}
