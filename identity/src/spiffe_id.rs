//! The SPIFFE id: the name of a workload. Knows the SPIFFE-ID standard; does not know which ids anybody may have.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::trust_domain::{TrustDomain, TrustDomainError};

/// A SPIFFE id, such as `spiffe://example.org/agents/mailer`. Cheap to clone.
///
/// Parsing normalises nothing: an id that would need it is refused, so equal ids have equal octets (T-03, T-36).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpiffeId {
    text: Arc<str>,
    trust_domain: TrustDomain,
}

/// Why a text is not a SPIFFE id. Positions count octets from 0: of the path where the path is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpiffeIdError {
    /// SPIFFE-ID 2.3: longer than every implementation must support.
    #[error("the SPIFFE id has {found} octets, more than {limit}")]
    TooLong {
        /// [`MAX_SPIFFE_ID_OCTETS`].
        limit: usize,
        /// Octets of the text.
        found: usize,
    },
    /// SPIFFE-ID 2: does not begin with `spiffe://`, in lower case.
    #[error("the SPIFFE id does not begin with spiffe://")]
    Scheme,
    /// SPIFFE-ID 2.1: the part before the path is no trust domain.
    #[error("the SPIFFE id names no trust domain")]
    TrustDomain(#[from] TrustDomainError),
    /// A path that is not empty does not begin with a slash.
    #[error("the path does not begin with a slash")]
    RelativePath,
    /// SPIFFE-ID 2.2: a character outside `[a-zA-Z0-9.-_]`; there is no percent-encoding, query or fragment either.
    #[error("octet {octet:#04x} at position {position} of the path is not one of a-z A-Z 0-9 . - _")]
    PathCharacter {
        /// The first such octet.
        octet: u8,
        /// Its position in the path.
        position: usize,
    },
    /// SPIFFE-ID 2.2: two slashes, one after the other.
    #[error("the path has an empty segment at position {position}")]
    EmptySegment {
        /// Where the segment would begin in the path.
        position: usize,
    },
    /// SPIFFE-ID 2.2: a segment `.` or `..`.
    #[error("the path has a dot segment at position {position}")]
    DotSegment {
        /// Where the segment begins in the path.
        position: usize,
    },
    /// SPIFFE-ID 2.2: a slash at the end.
    #[error("the path ends with a slash")]
    TrailingSlash,
}

impl SpiffeId {
    /// The SPIFFE id with this text.
    ///
    /// # Errors
    /// [`SpiffeIdError`] names the rule of SPIFFE-ID section 2 that the text breaks.
    pub fn parse(text: &str) -> Result<Self, SpiffeIdError> {
        check_length(text.len())?;
        let rest = text.strip_prefix(SCHEME).ok_or(SpiffeIdError::Scheme)?;
        let (name, path) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len())).unwrap_or((rest, ""));
        let trust_domain = TrustDomain::parse(name)?;
        check_path(path)?;
        Ok(Self { text: text.into(), trust_domain })
    }

    /// The id with this path in a trust domain. `path` is empty, or begins with a slash.
    ///
    /// # Errors
    /// [`SpiffeIdError`], as for [`SpiffeId::parse`].
    pub fn from_path(trust_domain: &TrustDomain, path: &str) -> Result<Self, SpiffeIdError> {
        let name = trust_domain.as_str();
        check_length(SCHEME.len().saturating_add(name.len()).saturating_add(path.len()))?;
        check_path(path)?;
        Ok(Self { text: [SCHEME, name, path].concat().into(), trust_domain: trust_domain.clone() })
    }

    /// The trust domain that the id belongs to.
    #[must_use]
    pub const fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    /// The path: empty, or with its slash, such as `/agents/mailer`.
    #[must_use]
    pub fn path(&self) -> &str {
        let start = SCHEME.len().saturating_add(self.trust_domain.as_str().len());
        self.text.get(start..).unwrap_or_default()
    }

    /// The whole id, as parsed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the text may stand between two slashes of a path: not empty, no dot segment, only
    /// [path characters](is_path_character). What a template puts into a path must be this (T-03).
    #[must_use]
    pub fn is_segment(text: &str) -> bool {
        check_segment(text, 0).is_ok()
    }
}

/// SPIFFE-ID 2.2: whether the octet may stand in a segment of a path: `[a-zA-Z0-9.-_]`.
#[must_use]
pub const fn is_path_character(octet: u8) -> bool {
    matches!(octet, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_')
}

fn check_length(found: usize) -> Result<(), SpiffeIdError> {
    if found > MAX_SPIFFE_ID_OCTETS {
        return Err(SpiffeIdError::TooLong { limit: MAX_SPIFFE_ID_OCTETS, found });
    }
    Ok(())
}

/// SPIFFE-ID 2.2: a path is empty, or one or more segments, each after its slash.
fn check_path(path: &str) -> Result<(), SpiffeIdError> {
    if path.is_empty() {
        return Ok(());
    }
    let segments = path.strip_prefix('/').ok_or(SpiffeIdError::RelativePath)?;
    if segments.is_empty() || segments.ends_with('/') {
        return Err(SpiffeIdError::TrailingSlash);
    }
    let mut position = 1_usize;
    for segment in segments.split('/') {
        check_segment(segment, position)?;
        position = position.saturating_add(segment.len()).saturating_add(1);
    }
    Ok(())
}

fn check_segment(segment: &str, start: usize) -> Result<(), SpiffeIdError> {
    match segment {
        "" => return Err(SpiffeIdError::EmptySegment { position: start }),
        "." | ".." => return Err(SpiffeIdError::DotSegment { position: start }),
        _ => {}
    }
    match segment.bytes().enumerate().find(|(_, octet)| !is_path_character(*octet)) {
        Some((offset, octet)) => Err(SpiffeIdError::PathCharacter { octet, position: start.saturating_add(offset) }),
        None => Ok(()),
    }
}

impl FromStr for SpiffeId {
    type Err = SpiffeIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// SPIFFE-ID 2: the scheme, and the slashes before the trust domain. Only this case: equal ids have equal octets.
const SCHEME: &str = "spiffe://";

/// Most octets of a SPIFFE id. SPIFFE-ID 2.3: every implementation must support 2048 and should make none longer.
pub const MAX_SPIFFE_ID_OCTETS: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_accepted(text: &str, domain: &str, path: &str) {
        let id = SpiffeId::parse(text).unwrap();
        assert_eq!((id.trust_domain().as_str(), id.path(), id.as_str()), (domain, path, text));
        assert_eq!(SpiffeId::from_path(&TrustDomain::parse(domain).unwrap(), path), Ok(id.clone()));
        assert_eq!((id.to_string().as_str(), format!("{id:?}").as_str()), (text, text));
        assert_eq!(text.parse(), Ok(id));
    }

    #[track_caller]
    fn check_refused(text: &str, error: SpiffeIdError) {
        assert_eq!(SpiffeId::parse(text), Err(error));
    }

    #[test]
    fn accepts_ids() {
        check_accepted("spiffe://example.org", "example.org", "");
        check_accepted("spiffe://example.org/a", "example.org", "/a");
        check_accepted("spiffe://example.org/Agents/mail-er_1.x/...", "example.org", "/Agents/mail-er_1.x/...");
    }

    #[test]
    fn refuses_another_scheme() {
        for text in
            ["", "spiffe", "spiffe:/example.org", "SPIFFE://example.org", "https://example.org/a", "//example.org"]
        {
            check_refused(text, SpiffeIdError::Scheme);
        }
    }

    #[test]
    fn refuses_paths() {
        check_refused("spiffe://example.org/", SpiffeIdError::TrailingSlash);
        check_refused("spiffe://example.org/a/", SpiffeIdError::TrailingSlash);
        check_refused("spiffe://example.org//a", SpiffeIdError::EmptySegment { position: 1 });
        check_refused("spiffe://example.org/a//b", SpiffeIdError::EmptySegment { position: 3 });
        check_refused("spiffe://example.org/./a", SpiffeIdError::DotSegment { position: 1 });
        check_refused("spiffe://example.org/a/..", SpiffeIdError::DotSegment { position: 3 });
        check_refused("spiffe://example.org/%2e", SpiffeIdError::PathCharacter { octet: b'%', position: 1 });
        check_refused("spiffe://example.org/a?b", SpiffeIdError::PathCharacter { octet: b'?', position: 2 });
        check_refused("spiffe://example.org/a#b", SpiffeIdError::PathCharacter { octet: b'#', position: 2 });
    }

    #[test]
    fn refuses_trust_domains() {
        check_refused("spiffe://", TrustDomainError::Empty.into());
        check_refused("spiffe:///a", TrustDomainError::Empty.into());
        check_refused("spiffe://u@a/b", TrustDomainError::Character { octet: b'@', position: 1 }.into());
    }

    #[test]
    fn refuses_more_than_2048_octets() {
        let longest = format!("spiffe://a/{}", "x".repeat(2048 - 11));
        check_accepted(&longest, "a", &longest[10..]);
        check_refused(&format!("{longest}x"), SpiffeIdError::TooLong { limit: 2048, found: 2049 });
    }
}
