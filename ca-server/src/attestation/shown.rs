//! Text of strangers, fit to be shown. Knows how to cut and escape; knows no rule.

use std::fmt;

/// What a stranger wrote, cut to a hundred characters and with everything escaped that is not plain: fit for
/// a log line, a terminal and a JSON string, and short enough that nobody floods them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown(String);

impl Shown {
    /// Cuts and escapes.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut shown = String::new();
        for character in text.chars().take(MAX_SHOWN_CHARACTERS) {
            match character {
                ' '..='~' => shown.push(character),
                _ => shown.extend(character.escape_unicode()),
            }
        }
        if text.chars().nth(MAX_SHOWN_CHARACTERS).is_some() {
            shown.push_str("...");
        }
        Self(shown)
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.0)
    }
}

/// Characters of a stranger's text that are shown: the longest genuine issuer in use (EKS) has 70.
pub(super) const MAX_SHOWN_CHARACTERS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, shown: &str) {
        assert_eq!(Shown::of(text).to_string(), shown);
    }

    #[test]
    fn plain_text_is_shown_as_it_is_and_the_rest_escaped() {
        check("https://kubernetes.default.svc", "`https://kubernetes.default.svc`");
        check("", "``");
        check("a\nb\0\u{1b}[2J\u{202e}é", "`a\\u{a}b\\u{0}\\u{1b}[2J\\u{202e}\\u{e9}`");
        check(&"x".repeat(100), &format!("`{}`", "x".repeat(100)));
        check(&"x".repeat(101), &format!("`{}...`", "x".repeat(100)));
    }
}
