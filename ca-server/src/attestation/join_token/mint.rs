//! Makes join tokens. Knows the system's random numbers; writes nothing.

use std::fmt;

use identity::{Sha256Hash, TokenId};
use policies::claims::Claims;
use protocol::token::{JoinToken, SECRET_OCTETS};
use zeroize::{Zeroize as _, Zeroizing};

use super::{TOKEN_CLAIM, secret_hash};

/// A token that was just made.
pub struct Minted {
    /// Its public id.
    pub id: TokenId,
    /// What is written of its secret.
    pub hash: Sha256Hash,
    /// The token itself, for the one who asked for it. Nobody can make it out again.
    pub text: Zeroizing<String>,
}

/// Why no token is made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
    /// The claim that names the token is given by the server.
    #[error("the claim `{TOKEN_CLAIM}` is the token's id and is given by the server")]
    TokenClaim,
}

/// Makes a token for the authority whose `trust.json` has the SHA-256 `trust`. `claims` are those that it will stand
/// for.
///
/// # Errors
/// [`MintError`].
pub fn mint(trust: Sha256Hash, claims: &Claims) -> Result<Minted, MintError> {
    if claims.value(TOKEN_CLAIM).is_some() {
        return Err(MintError::TokenClaim);
    }
    let mut id = [0; 16];
    let mut secret = [0; SECRET_OCTETS];
    for octets in [id.as_mut_slice(), secret.as_mut_slice()] {
        aws_lc_rs::rand::fill(octets).map_err(|_| MintError::Random)?;
    }
    let id = TokenId::from_bytes(id);
    let hash = secret_hash(&id, &secret);
    let mut token = JoinToken { id, secret, trust };
    let text = Zeroizing::new(token.reveal());
    token.secret.zeroize();
    secret.zeroize();
    Ok(Minted { id, hash, text })
}

impl fmt::Debug for Minted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Minted").field("id", &self.id).field("hash", &self.hash).finish_non_exhaustive()
    }
}
