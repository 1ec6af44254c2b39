//! Kinds of keys that Brevet certifies. Knows their names; does no cryptography.

use std::fmt;
use std::str::FromStr;

/// A kind of key that a certificate may be issued for (design 4). All others are refused (T-38).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyKind {
    /// ECDSA on NIST P-256 (secp256r1), as a named curve: RFC 5480.
    P256,
    /// Ed25519: RFC 8410.
    Ed25519,
}

/// The text names no kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key kind is neither p256 nor ed25519")]
pub struct KeyKindError;

impl KeyKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::P256, Self::Ed25519];

    /// The kind's name in configuration, messages and entries.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::P256 => "p256",
            Self::Ed25519 => "ed25519",
        }
    }
}

impl FromStr for KeyKind {
    type Err = KeyKindError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(KeyKindError)
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_reads_back() {
        for kind in KeyKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert_eq!(KeyKind::P256.to_string(), "p256");
        assert_eq!(KeyKind::Ed25519.to_string(), "ed25519");
    }

    #[test]
    fn refuses_other_texts() {
        for text in ["", "P256", "p-256", "p384", "rsa", "ed25519 "] {
            assert_eq!(text.parse::<KeyKind>(), Err(KeyKindError));
        }
    }
}
