//! The text of a join token: id, secret, hash of the trust file. Knows no list of tokens and spends nothing.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity::{Sha256Hash, TokenId};

/// A join token as its holder has it: `brevet-join-v1.<id>.<secret>.<hash of trust.json>`.
#[derive(Clone)]
pub struct JoinToken {
    /// Public id.
    pub id: TokenId,
    /// The secret.
    pub secret: [u8; SECRET_OCTETS],
    /// SHA-256 of the trust file that the holder must start from.
    pub trust: Sha256Hash,
}

/// Text that is no join token. It does not repeat the text, which may hold a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoinTokenError {
    /// Another form altogether.
    #[error("a join token has the form brevet-join-v1.<id>.<secret>.<hash>")]
    Form,
    /// The id is not 32 hex digits.
    #[error("the id of the join token is not 32 lower-case hex digits")]
    Id,
    /// The secret is not 32 octets.
    #[error("the secret of the join token is not 32 octets of base64url")]
    Secret,
    /// The hash is not 64 hex digits.
    #[error("the hash in the join token is not 64 lower-case hex digits")]
    Trust,
}

impl FromStr for JoinToken {
    type Err = JoinTokenError;

    fn from_str(text: &str) -> Result<Self, JoinTokenError> {
        if text.len() > MAX_TEXT_OCTETS {
            return Err(JoinTokenError::Form);
        }
        let mut parts = text.trim_end_matches(['\n', '\r']).split('.');
        let (Some(PREFIX), Some(id), Some(secret), Some(trust), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(JoinTokenError::Form);
        };
        let id = id.parse().map_err(|_| JoinTokenError::Id)?;
        let mut octets = [0; SECRET_OCTETS];
        let length = URL_SAFE_NO_PAD.decode_slice(secret, &mut octets).map_err(|_| JoinTokenError::Secret)?;
        if length != SECRET_OCTETS {
            return Err(JoinTokenError::Secret);
        }
        let trust = trust.parse().map_err(|_| JoinTokenError::Trust)?;
        Ok(Self { id, secret: octets, trust })
    }
}

impl JoinToken {
    /// The text, which holds the secret: for the one who will use it, and for nobody else.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{PREFIX}.{}.{}.{}", self.id, URL_SAFE_NO_PAD.encode(self.secret), self.trust)
    }
}

impl fmt::Debug for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinToken").field("id", &self.id).field("trust", &self.trust).finish_non_exhaustive()
    }
}

/// Octets of a secret: 256 bits, beyond any search.
pub const SECRET_OCTETS: usize = 32;

const PREFIX: &str = "brevet-join-v1";

/// The form has 158 octets; a line end may follow.
const MAX_TEXT_OCTETS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> String {
        let secret = [7; SECRET_OCTETS];
        JoinToken { id: TokenId::from_bytes([9; 16]), secret, trust: Sha256Hash::of(b"trust") }.reveal()
    }

    #[test]
    fn a_token_reads_as_it_was_written() {
        let text = token();
        assert_eq!(text.parse::<JoinToken>().unwrap().reveal(), text);
        assert_eq!(format!("{text}\n").parse::<JoinToken>().unwrap().reveal(), text, "with the line end of a file");
        let shown = format!("{:?}", text.parse::<JoinToken>().unwrap());
        assert!(!shown.contains(text.split('.').nth(2).unwrap()), "Debug shows the secret");
    }

    #[track_caller]
    fn check(flaw: &str, text: &str, error: JoinTokenError) {
        assert_eq!(text.parse::<JoinToken>().err(), Some(error), "{flaw}");
    }

    #[test]
    fn other_text_is_refused_by_name() {
        let good = token();
        check("empty", "", JoinTokenError::Form);
        check("another version", &good.replace("v1", "v2"), JoinTokenError::Form);
        check("a part more", &format!("{good}.x"), JoinTokenError::Form);
        check("huge", &"x".repeat(100_000), JoinTokenError::Form);
        check("id in upper case", &good.replacen("0909", "0A0A", 1), JoinTokenError::Id);
        check("secret with padding", &good.replacen("BwcH", "Bw==", 1), JoinTokenError::Secret);
        check("short secret", &good.replacen("BwcH", "", 1), JoinTokenError::Secret);
        check("short hash", good.get(..good.len() - 1).unwrap(), JoinTokenError::Trust);
    }
}
