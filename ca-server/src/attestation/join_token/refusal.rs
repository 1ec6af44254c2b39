//! Why a join token is refused. Knows the names of the rules; checks nothing.

use identity::{Sha256Hash, Timestamp};
use protocol::token::JoinTokenError;

/// Why a join token is refused. None of it repeats the token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinTokenRefused {
    /// No text.
    #[error("the join token is no text")]
    NotText,
    /// Another text.
    #[error("the text is no join token")]
    Form(#[source] JoinTokenError),
    /// Made for another authority: its holder must not have come here, nor we believe it.
    #[error("the join token is for the authority of trust file {found}, ours is {ours}")]
    OtherAuthority {
        /// In the token.
        found: Sha256Hash,
        /// Ours.
        ours: Sha256Hash,
    },
    /// No token of this id, or another secret: which of the two is not told.
    #[error("no join token in force has this id and this secret")]
    NotKnown,
    /// Taken back.
    #[error("the join token was taken back by an admin")]
    Revoked,
    /// Used.
    #[error("the join token was used at {at}")]
    Spent {
        /// When.
        at: Timestamp,
    },
    /// Run out.
    #[error("the join token expired at {expires}, it is {now}")]
    Expired {
        /// Now.
        now: Timestamp,
        /// Its end.
        expires: Timestamp,
    },
}

impl JoinTokenRefused {
    /// The name of the rule that was broken. The committer's rules of the same meaning have the same names.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::NotText | Self::Form(_) => "join-token-form",
            Self::OtherAuthority { .. } => "join-token-of-another-authority",
            Self::NotKnown => "join-token-not-known",
            Self::Revoked => "token-not-in-force",
            Self::Spent { .. } => "proof-already-used",
            Self::Expired { .. } => "join-token-expired",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn fix(&self) -> &'static str {
        match self {
            Self::NotText | Self::Form(_) => {
                "give the token exactly as `ca-server token create` printed it, on one line"
            }
            Self::OtherAuthority { .. } => {
                "ask an admin of this authority for a token, or go to the authority that made it"
            }
            Self::NotKnown | Self::Revoked | Self::Spent { .. } | Self::Expired { .. } => {
                "ask an admin for a new token (ca-server token create)"
            }
        }
    }
}
