//! What happens to a certificate that has been renewed. Knows the three ways; ends nothing itself.

use std::fmt;
use std::str::FromStr;

/// What becomes of the old certificate once its successor is recorded (design, section 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Cutoff {
    /// It runs until it expires. The default.
    #[default]
    Expire,
    /// From the end of the grace on, verifiers that follow us refuse it, without a revocation.
    Refuse,
    /// As `refuse`, and it also goes on CRLs when more than 10 minutes of its life remain.
    Revoke,
}

/// Text that is none of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cutoff is expire, refuse or revoke")]
pub struct CutoffError;

impl Cutoff {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Expire, Self::Refuse, Self::Revoke];

    /// Its name in files and entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expire => "expire",
            Self::Refuse => "refuse",
            Self::Revoke => "revoke",
        }
    }
}

impl FromStr for Cutoff {
    type Err = CutoffError;

    fn from_str(text: &str) -> Result<Self, CutoffError> {
        Self::ALL.into_iter().find(|cutoff| cutoff.as_str() == text).ok_or(CutoffError)
    }
}

impl fmt::Display for Cutoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_reads_back() {
        for cutoff in Cutoff::ALL {
            assert_eq!(cutoff.to_string().parse(), Ok(cutoff));
        }
        for text in ["", "Expire", "none", "revoke "] {
            assert_eq!(text.parse::<Cutoff>(), Err(CutoffError));
        }
    }
}
