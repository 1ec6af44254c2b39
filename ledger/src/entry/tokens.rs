//! Entries about join tokens. Knows the hash of a secret, never the secret.

use identity::{Sha256Hash, Timestamp, TokenId};
use serde::{Deserialize, Serialize};

use super::Claims;

/// A join token was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenCreated {
    /// Its public id.
    #[serde(with = "identity::text")]
    pub token: TokenId,
    /// Hash of its secret; the secret is shown once and kept nowhere.
    #[serde(with = "identity::text")]
    pub secret: Sha256Hash,
    /// The profile under which its holder enrols.
    pub profile: String,
    /// The claims that it stands for.
    pub claims: Claims,
    /// Not to be used after this.
    #[serde(with = "identity::text")]
    pub expires: Timestamp,
}

/// A join token was taken back before its use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRevoked {
    /// Which.
    #[serde(with = "identity::text")]
    pub token: TokenId,
}
