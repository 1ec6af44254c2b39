//! Paths below the data directory. Knows their characters; knows no file system.

use std::fmt;

/// A relative path that cannot leave the data directory: components of `[A-Za-z0-9._-]`, none of them `.` or `..`, joined by `/`.
/// The empty path is the data directory itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DiskPath(String);

impl DiskPath {
    /// The data directory.
    #[must_use]
    pub const fn root() -> Self {
        Self(String::new())
    }

    /// A path from its text.
    ///
    /// # Errors
    /// [`DiskPathError`] when a component has a character, a length or a meaning that is not allowed.
    pub fn parse(text: &str) -> Result<Self, DiskPathError> {
        let allowed = text.len() <= MAX_PATH_OCTETS && text.split('/').all(is_component);
        if allowed {
            Ok(Self(text.to_owned()))
        } else {
            Err(DiskPathError(text.chars().take(SHOWN_CHARACTERS).collect()))
        }
    }

    /// The path of `below` inside this directory.
    ///
    /// # Errors
    /// As [`DiskPath::parse`].
    pub fn join(&self, below: &str) -> Result<Self, DiskPathError> {
        if self.0.is_empty() { Self::parse(below) } else { Self::parse(&format!("{}/{below}", self.0)) }
    }

    /// The directory this lies in; the data directory lies in itself.
    #[must_use]
    pub fn parent(&self) -> Self {
        self.0.rsplit_once('/').map_or_else(Self::root, |(parent, _)| Self(parent.to_owned()))
    }

    /// The last component; empty for the data directory.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(self.0.as_str(), |(_, name)| name)
    }

    /// The text, without a leading `/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DiskPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "." } else { &self.0 })
    }
}

/// A text that is no path below the data directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a path below the data directory: {0:?}")]
pub struct DiskPathError(String);

fn is_component(text: &str) -> bool {
    let plain = text.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'_' | b'-'));
    plain && !text.is_empty() && text.len() <= MAX_COMPONENT_OCTETS && text != "." && text != ".."
}

/// NAME_MAX of every Linux file system in use (limits.h).
const MAX_COMPONENT_OCTETS: usize = 255;

/// A quarter of PATH_MAX (4096, limits.h), so that the data directory's own path has room before it.
const MAX_PATH_OCTETS: usize = 1024;

/// How much of a refused text an error repeats.
const SHOWN_CHARACTERS: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_refused(text: &str) {
        assert!(DiskPath::parse(text).is_err(), "{text:?} was taken for a path");
    }

    #[test]
    fn what_would_leave_the_directory_is_refused() {
        for text in ["", "/", "/etc", "..", "a/..", "a/../b", ".", "a/.", "a//b", "a/", "a\\b", "a b", "a\0b", "ü"] {
            check_refused(text);
        }
        check_refused(&"a".repeat(256));
        check_refused(&"a/".repeat(600));
    }

    #[test]
    fn every_octet_is_judged() {
        for octet in 0..=127_u8 {
            let text = format!("a{}b", char::from(octet));
            let plain = octet.is_ascii_alphanumeric() || b"._-/".contains(&octet);
            assert_eq!(DiskPath::parse(&text).is_ok(), plain, "octet {octet:#04x}");
        }
    }

    #[test]
    fn parent_name_and_join_belong_together() {
        let path = DiskPath::root().join("ledger").unwrap().join("segments/a.seg").unwrap();
        assert_eq!((path.as_str(), path.name()), ("ledger/segments/a.seg", "a.seg"));
        assert_eq!(path.parent().as_str(), "ledger/segments");
        assert_eq!(path.parent().parent().parent(), DiskPath::root());
    }
}
