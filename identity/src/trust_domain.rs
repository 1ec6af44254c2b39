//! The trust domain: whose word counts. Knows SPIFFE-ID section 2.1; does not know who runs a domain or which keys it has.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A trust domain's name, such as `example.org`. Cheap to clone.
///
/// SPIFFE-ID 2.1: not empty, at most 255 octets, only `a-z`, `0-9`, `.`, `-` and `_`. There is no user, no port, no
/// percent-encoding and no upper case, so that equal names have equal octets.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrustDomain(Arc<str>);

/// Why a text is not a trust domain's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrustDomainError {
    /// SPIFFE-ID 2: the trust domain is not empty.
    #[error("the trust domain is empty")]
    Empty,
    /// SPIFFE-ID 2.3: a trust domain's name has at most 255 octets.
    #[error("the trust domain has {found} octets, more than {limit}")]
    TooLong {
        /// [`MAX_TRUST_DOMAIN_OCTETS`].
        limit: usize,
        /// Octets of the name.
        found: usize,
    },
    /// SPIFFE-ID 2.1: a character outside `[a-z0-9.-_]`.
    #[error("octet {octet:#04x} at position {position} of the trust domain is not one of a-z 0-9 . - _")]
    Character {
        /// The first such octet.
        octet: u8,
        /// Its position in the name, from 0.
        position: usize,
    },
}

impl TrustDomain {
    /// The trust domain with this name.
    ///
    /// # Errors
    /// [`TrustDomainError`] names the rule of SPIFFE-ID section 2 that the text breaks.
    pub fn parse(name: &str) -> Result<Self, TrustDomainError> {
        check(name)?;
        Ok(Self(name.into()))
    }

    /// The name, as parsed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Checks the rules of a name, before anything is kept of it.
fn check(name: &str) -> Result<(), TrustDomainError> {
    let found = name.len();
    if found == 0 {
        return Err(TrustDomainError::Empty);
    }
    if found > MAX_TRUST_DOMAIN_OCTETS {
        return Err(TrustDomainError::TooLong { limit: MAX_TRUST_DOMAIN_OCTETS, found });
    }
    match name.bytes().enumerate().find(|(_, octet)| !is_trust_domain_character(*octet)) {
        Some((position, octet)) => Err(TrustDomainError::Character { octet, position }),
        None => Ok(()),
    }
}

/// SPIFFE-ID 2.1: the characters of a trust domain's name.
const fn is_trust_domain_character(octet: u8) -> bool {
    matches!(octet, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_')
}

impl FromStr for TrustDomain {
    type Err = TrustDomainError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::parse(name)
    }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Most octets of a trust domain's name: SPIFFE-ID 2.3, after the limit of a host in RFC 3986 3.2.2.
pub const MAX_TRUST_DOMAIN_OCTETS: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_accepted(name: &str) {
        let domain = TrustDomain::parse(name).unwrap();
        assert_eq!(domain.as_str(), name);
        assert_eq!(domain.to_string(), name);
        assert_eq!(format!("{domain:?}"), name);
        assert_eq!(name.parse(), Ok(domain));
    }

    #[track_caller]
    fn check_refused(name: &str, error: TrustDomainError) {
        assert_eq!(TrustDomain::parse(name), Err(error));
    }

    #[test]
    fn accepts_names() {
        check_accepted("example.org");
        check_accepted("a");
        check_accepted("prod_eu-1.example.org");
        check_accepted("10.0.0.1");
    }

    #[test]
    fn refuses_the_empty_name() {
        check_refused("", TrustDomainError::Empty);
    }

    #[test]
    fn refuses_more_than_255_octets() {
        check_accepted(&"a".repeat(255));
        check_refused(&"a".repeat(256), TrustDomainError::TooLong { limit: 255, found: 256 });
    }

    #[test]
    fn refuses_upper_case() {
        check_refused("example.Org", TrustDomainError::Character { octet: b'O', position: 8 });
    }

    #[test]
    fn refuses_user_port_and_percent_encoding() {
        check_refused("user@example.org", TrustDomainError::Character { octet: b'@', position: 4 });
        check_refused("example.org:443", TrustDomainError::Character { octet: b':', position: 11 });
        check_refused("example%2eorg", TrustDomainError::Character { octet: b'%', position: 7 });
    }

    /// T-36: IDN and homoglyphs are more than ASCII, so they never reach a comparison.
    #[test]
    fn refuses_homoglyphs() {
        check_refused("exаmple.org", TrustDomainError::Character { octet: 0xd0, position: 2 });
    }
}
