//! Make and take back join tokens. Knows hashes of secrets, never secrets.

use identity::TokenId;
use ledger::entry::{Body, TokenCreated, TokenRevoked};

use super::{MAX_NAME_OCTETS, within};
use crate::draft::Draft;
use crate::refusal::Refusal;

/// Make a join token.
#[derive(Clone, Debug)]
pub struct CreateToken {
    /// What would be written.
    pub token: TokenCreated,
}

/// Take a join token back.
#[derive(Clone, Debug)]
pub struct RevokeToken {
    /// Which.
    pub token: TokenId,
}

/// Decides.
///
/// # Errors
/// The token exists, or has run out already.
pub fn create(draft: &Draft<'_>, command: &CreateToken) -> Result<Vec<Body>, Refusal> {
    let token = &command.token;
    within("the name of the profile", &token.profile, MAX_NAME_OCTETS)?;
    if draft.token(&token.token).is_some() {
        return Err(Refusal::Exists { what: "the token" });
    }
    if token.expires <= draft.time() {
        return Err(Refusal::ProofExpired { until: token.expires, now: draft.time() });
    }
    Ok(vec![Body::from(token.clone())])
}

/// Decides.
///
/// # Errors
/// There is no such token in force.
pub fn revoke(draft: &Draft<'_>, command: &RevokeToken) -> Result<Vec<Body>, Refusal> {
    draft.token(&command.token).filter(|row| !row.revoked).ok_or(Refusal::TokenNotInForce)?;
    Ok(vec![Body::from(TokenRevoked { token: command.token })])
}
